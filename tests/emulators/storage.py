"""JSOC's storage: paths under /SUM that come with a query and expire after a while."""

import re
import time
from itertools import count
from threading import Lock

from tests.emulators.record_set import Record
from tests.emulators.world import NRT

__all__ = ["Storage"]

_PATH = re.compile(r"/SUM\d+/(D\d+)/S00000/magnetogram\.fits")


class Storage:
    """Hands out paths. A record keeps its path until that has expired."""

    def __init__(self) -> None:
        self.lifetime_s: float | None = None
        """Seconds after which a path is gone; None: never."""
        self._units = count(92_000_017)
        self._by_record: dict[Record, str] = {}
        self._records: dict[str, tuple[Record, float]] = {}
        self._lock = Lock()

    def path(self, record: Record) -> str:
        """Where the file of a record is now."""
        with self._lock:
            unit = self._by_record.get(record)
            if unit is None or self._gone(unit):
                number = next(self._units)
                unit = f"D{number}"
                self._by_record[record] = unit
                self._records[unit] = record, time.monotonic()
            return f"/SUM{int(unit[1:]) % 60}/{unit}/S00000/magnetogram.fits"

    def find(self, path: str) -> Record | None:
        """The record whose file is at a path, None where there is none or no longer."""
        match = _PATH.fullmatch(path)
        with self._lock:
            if match is None or match[1] not in self._records or self._gone(match[1]):
                return None
            return self._records[match[1]][0]

    def expire(self) -> None:
        """Let every path handed out so far expire now."""
        with self._lock:
            self._records = {unit: (r, float("-inf")) for unit, (r, _) in self._records.items()}

    def number(self, record: Record) -> int:
        """The record's number (``*recnum*``), the same for good."""
        slot = record.slot - record.region.slots()[0]
        series = 40_000_000 if record.region.series == NRT else 6_000_000
        return series + record.region.harp * 1000 + slot

    def _gone(self, unit: str) -> bool:
        born = self._records[unit][1]
        return born == float("-inf") or (
            self.lifetime_s is not None and time.monotonic() - born > self.lifetime_s
        )

"""Fetching the hourly magnetograms of a region, again and again until all are here.

Which records of a region are worth fetching: for every hour the nearest good one.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import astropy.units as u
import numpy as np
import pandas as pd
from astropy.time import Time
from filelock import FileLock, Timeout

from hnn_core.exceptions import NoRecordsError
from hnn_core.jsoc.client import JsocClient, StoredFile
from hnn_core.jsoc.export import check_email, export_batches, exported_files
from hnn_core.jsoc.files import is_whole, record_path, region_folder, remove_leftovers
from hnn_core.jsoc.keywords import Series
from hnn_core.jsoc.taking import Locate, Row, Taken, rows_of, take_files
from hnn_core.magnetogram.conventions import (
    LARGEST_LONGITUDE,
    iso_minute,
    tai_seconds,
    time_from_seconds,
)
from hnn_core.magnetogram.sequence_plan import REJECTED, TOLERANCE, GoodRecords
from hnn_core.magnetogram.sharp import NO_DATA
from hnn_core.storage import room_on_disk

__all__ = ["Choice", "FetchTold", "Fetched", "fetch_region", "hourly"]


_HOUR = 3600.0


@dataclass(frozen=True)
class Choice:
    """The records to fetch, and why some hours have none."""

    chosen: pd.DataFrame
    """Rows of the records, with the column ``hour`` (unix_tai seconds), ascending."""
    missing: dict[float, str] = field(default_factory=dict)
    """Every other hour (unix_tai seconds) and the reason, in words."""


def hourly(
    records: pd.DataFrame,
    first: Time | None,
    last: Time | None,
    *,
    most_longitude: float,
    hours: Sequence[float] | np.ndarray | None = None,
) -> Choice:
    """Choose for every whole hour TAI the good record nearest to it (docs/method.md, "Frames").

    Parameters
    ----------
    records : DataFrame
        As `hnn_core.jsoc.keywords.record_table` makes it, at the 12-minute cadence.
    first, last : Time or None
        Ends of the hours, both included; None: where the records begin or end.
    most_longitude : float
        Degrees from the central meridian; records farther away are not fetched. A record whose
        position is not known is.
    hours : sequence of float, optional
        Only these hours, unix_tai seconds; `first` and `last` are not looked at.

    Returns
    -------
    Choice
        Of two records equally near the earlier is taken. Several hours never share a record.
    """
    seconds = records["t_rec"].to_numpy(np.float64)
    quality = records["quality"].to_numpy(np.uint32)
    slots = _slots(seconds, first, last) if hours is None else np.unique(np.asarray(hours, float))
    good = GoodRecords(seconds, quality)
    reach = TOLERANCE.to_value(u.s)
    picks = good.nearest(slots, reach, latest=math.inf)
    longitude = records["longitude"].to_numpy(np.float64)
    rows, kept_hours, missing = [], [], {}
    for slot, pick in zip(slots.tolist(), picks.tolist(), strict=True):
        row = int(good.index[pick]) if pick >= 0 else -1
        if row < 0:
            missing[slot] = _without_good_record(seconds, quality, slot, reach)
        elif abs(longitude[row]) > most_longitude:
            missing[slot] = f"{abs(longitude[row]):.1f}° from the central meridian"
        else:
            rows.append(row)
            kept_hours.append(slot)
    chosen = records.iloc[rows].copy()
    chosen["hour"] = np.array(kept_hours, np.float64)
    return Choice(chosen.reset_index(drop=True), missing)


def _slots(seconds: np.ndarray, first: Time | None, last: Time | None) -> np.ndarray:
    """All whole hours between two times, or between the first and the last record."""
    reach = TOLERANCE.to_value(u.s)
    if (first is None and not seconds.size) or (last is None and not seconds.size):
        return np.empty(0)
    start = float(tai_seconds(first)) if first is not None else float(seconds.min()) - reach
    stop = float(tai_seconds(last)) if last is not None else float(seconds.max()) + reach
    return _HOUR * np.arange(math.ceil(start / _HOUR), math.floor(stop / _HOUR) + 1)


def _without_good_record(
    seconds: np.ndarray, quality: np.ndarray, slot: float, reach: float
) -> str:
    near = np.flatnonzero(np.abs(seconds - slot) <= reach)
    if not near.size:
        return f"no record within {reach / 60:.0f} min"
    nearest = int(near[np.argmin(np.abs(seconds[near] - slot))])
    bits = int(quality[nearest])
    if bits & NO_DATA:
        return f"QUALITY {bits:#010x}: no data"
    return f"QUALITY {bits:#010x}: rejected for {bits & REJECTED:#x}"


_NO_FILE = ("no file at JSOC", "no record at JSOC", "JSOC exported no file")
"""How the reasons begin for which asking again brings nothing."""


@dataclass(frozen=True)
class FetchTold:
    """How far a fetch is."""

    harp: int
    done: int
    """Hours whose magnetogram is here or will not come."""
    total: int
    """Hours with a record; 0 while JSOC has not been asked."""
    bytes: int
    """Kept by this fetch so far."""
    what: str
    """The hour just done (ISO minutes, TAI), or a sentence while there is something to wait for."""


@dataclass(frozen=True)
class Fetched:
    """What a fetch came to."""

    new: int
    present: int
    """Magnetograms that were here before."""
    bytes: int
    """Of the new ones."""
    missing: dict[str, str] = field(default_factory=dict)
    """Hours (ISO minutes, TAI) without a magnetogram and why, ascending."""

    tried: frozenset[str] = frozenset()
    """Missing hours whose file was downloaded without success."""

    @property
    def failed(self) -> dict[str, str]:
        """Those of the missing hours that JSOC has a file for, which came to nothing this time."""
        return {hour: why for hour, why in self.missing.items() if hour in self.tried}


def fetch_region(
    client: JsocClient,
    series: Series,
    harp: int,
    first: Time | None,
    last: Time | None,
    *,
    most_longitude: float = LARGEST_LONGITUDE,
    hours: Sequence[float] | np.ndarray | None = None,
    email: str | None = None,
    tell: Callable[[FetchTold], None] | None = None,
) -> Fetched:
    """Fetch a region's hourly magnetograms into the cache.

    What is here already is not fetched again, so that a fetch that was interrupted or refused goes
    on where it ended. Two fetches of the same region take turns.

    Parameters
    ----------
    client : JsocClient
    series : Series
    harp : int
        HARP number of this series.
    first, last : Time or None
        Both included; None for where the passage begins or ends.
    most_longitude : float
        Degrees from the central meridian beyond which nothing is fetched.
    hours : sequence of float, optional
        Only these whole hours, unix_tai seconds; `first` and `last` are not looked at.
    email : str, optional
        Have JSOC export the files, under this registered address, in place of fetching them as
        they are stored.
    tell : callable (FetchTold), optional
        After each magnetogram, and while there is something to wait for.

    Raises
    ------
    NoRecordsError
        The series has no record of this region in that time.
    UnreachableError, ServiceFaultError, RefusedError, BlockedError
        JSOC does not answer, or will not; what is fetched stays.
    ExportError
        JSOC will not export.
    RequestError
        The address is none.
    DiskFullError
    """
    told = tell or (lambda _: None)
    if email is not None:
        check_email(email)
    if hours is not None and not len(hours):
        return Fetched(0, 0, 0)
    folder = region_folder(series, harp)
    with room_on_disk(folder, "run the same command again: it goes on"):
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder, lambda words: told(FetchTold(harp, 0, 0, 0, words))):
            try:
                # One connection from the first question to the last file; not while an export is
                # waited for.
                with client.turn() if email is None else nullcontext():
                    records = client.records(series, harp, *_ends(first, last, hours))
                    if records.empty:
                        raise NoRecordsError(_no_records(series, harp, first, last))
                    choice = hourly(
                        records, first, last, most_longitude=most_longitude, hours=hours
                    )
                    return _Fetch(client, series, harp, choice, email, told).run()
            finally:
                remove_leftovers(folder)


class _Fetch:
    """One fetch, while this process has the region for itself."""

    def __init__(
        self,
        client: JsocClient,
        series: Series,
        harp: int,
        choice: Choice,
        email: str | None,
        told: Callable[[FetchTold], None],
    ) -> None:
        self._client, self._series, self._harp = client, series, harp
        self._email, self._told = email, told
        self._rows = rows_of(choice.chosen)
        self._todo = [
            row for row in self._rows if not is_whole(record_path(series, harp, row["t_rec"]))
        ]
        self._present = len(self._rows) - len(self._todo)
        self._missing = dict(choice.missing)
        self._new = self._bytes = 0

    def run(self) -> Fetched:
        self._say("" if self._todo else "everything is here already")
        if self._todo and self._email is None:
            self._take(self._todo, self._places)
        elif self._todo:
            self._export(self._email or "")
        missing = {iso_minute(hour): why for hour, why in sorted(self._missing.items())}
        tried = {
            iso_minute(row["hour"])
            for row in self._todo
            if not self._missing.get(row["hour"], _NO_FILE[0]).startswith(_NO_FILE)
        }
        return Fetched(self._new, self._present, self._bytes, missing, frozenset(tried))

    def _places(self, rows: Sequence[Row]) -> Mapping[float, StoredFile]:
        return self._client.paths(self._series, self._harp, [row["t_rec"] for row in rows])

    def _export(self, email: str) -> None:
        for batch in export_batches(self._series, self._harp, self._todo):
            files = exported_files(self._client, self._series, self._harp, batch, email, self._say)
            with self._client.turn():
                self._take(batch, partial(_known, files))

    def _take(self, rows: Sequence[Row], locate: Locate) -> None:
        before = (self._new, self._bytes, dict(self._missing))

        def progress(row: Row, taken: Taken) -> None:
            self._new, self._bytes = before[0] + taken.new, before[1] + taken.bytes
            self._missing = before[2] | taken.missing
            self._say(iso_minute(row["hour"]))

        take_files(self._client, self._series, self._harp, rows, locate, progress)

    def _say(self, what: str) -> None:
        gone = sum(row["hour"] in self._missing for row in self._rows)
        done = self._present + self._new + gone
        self._told(FetchTold(self._harp, done, len(self._rows), self._bytes, what))


def _known(files: Mapping[float, StoredFile], _: Sequence[Row]) -> Mapping[float, StoredFile]:
    return files


@contextmanager
def _alone(folder: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Hold a region's lock; what is left of a killed fetch is removed then."""
    lock = FileLock(folder / ".fetch.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(f"HARP {folder.name} is being fetched by another process; waiting until it is done.")
        lock.acquire()
    try:
        remove_leftovers(folder)
        yield
    finally:
        lock.release()


def _ends(
    first: Time | None, last: Time | None, hours: Sequence[float] | np.ndarray | None
) -> tuple[Time | None, Time | None]:
    """Widen the ends by as much as a record may lie from its hour."""
    if hours is not None:
        first, last = time_from_seconds(min(hours)), time_from_seconds(max(hours))
    return (
        None if first is None else first.tai - TOLERANCE,
        None if last is None else last.tai + TOLERANCE,
    )


def _no_records(series: Series, harp: int, first: Time | None, last: Time | None) -> str:
    ends = (f"from {iso_minute(first.tai)}" if first is not None else "") + (
        f" to {iso_minute(last.tai)} TAI" if last is not None else ""
    )
    return (
        f"JSOC has no record of HARP {harp} in {series.name} {ends}".rstrip()
        + "; see whether the number and the time are right."
    )

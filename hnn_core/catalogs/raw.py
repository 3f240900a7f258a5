"""Replies as they came, each with a side file: where from, when, and its checksum.

A reply is written first and its side file last, each whole or not at all; one without a side file,
or whose bytes have another sum, does not count. A reply is named by its span and its sum, so a
changed one lies next to the older one, and the newest counts.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Literal

import pandas as pd
from filelock import FileLock

from hnn_core.exceptions import RequestError
from hnn_core.storage import read_json, room_on_disk, write_atomically

__all__ = ["SIDE", "RawFolder", "RawReply", "Span", "describe", "spans", "utc_now"]

SIDE = ".about"
"""How the name of a side file ends."""

_SETTLED = timedelta(days=60)
_UNITS = {"year": ("Y", "%Y"), "month": ("M", "%Y-%m"), "week": ("W-SUN", "%Y-%m-%d")}
"""pandas' name of the period that ends on 31 December, on a month's last day, on Sunday, and how
its first day is written."""


def utc_now() -> datetime:
    """Return the time of day, UTC, without a zone, as the tables hold times."""
    return datetime.now(UTC).replace(tzinfo=None)


@dataclass(frozen=True)
class Span:
    """A piece of time with a name that is the same in every run."""

    key: str
    """``2011``, ``2011-02`` or, for a week, the Monday ``2011-02-14``; names the raw reply."""
    start: date
    end: date
    """The day after the last."""

    @property
    def ends(self) -> datetime:
        """The midnight after the last day, UTC."""
        return datetime.combine(self.end, time())

    def is_settled(self, fetched: datetime) -> bool:
        """Whether it had ended 60 days before it was fetched, so that it is not requested again."""
        return fetched >= self.ends + _SETTLED


def spans(unit: Literal["year", "month", "week"], start: date, end: date) -> list[Span]:
    """Return the calendar years, months or weeks (from Monday) that hold a day of a span.

    Parameters
    ----------
    unit : str
    start, end : date
        Both included; what lies in the future is left out.

    Raises
    ------
    RequestError
        `end` lies before `start`.
    """
    if end < start:
        raise RequestError(f"The span would end on {end}, before it begins on {start}.")
    unit_name, written = _UNITS[unit]
    periods = pd.period_range(start, min(end, utc_now().date()), freq=unit_name)
    return [
        Span(f"{one.start_time:{written}}", one.start_time.date(), (one + 1).start_time.date())
        for one in periods
    ]


@dataclass(frozen=True)
class RawReply:
    """A reply on disk, with what its side file holds."""

    service: str
    """``ncei``, ``hek``, ``donki_flr``, ``donki_cme``, ``harp_noaa`` or ``position``."""
    span: Span
    fetched: datetime
    """UTC, without a zone."""
    url: str
    sha256: str
    path: Path

    @property
    def name(self) -> str:
        """How tables name the reply: service and file."""
        return f"{self.service}/{self.path.name}"

    def read(self) -> bytes:
        """Return the reply's bytes."""
        return self.path.read_bytes()

    @property
    def flaw(self) -> str:
        """What is wrong with the file; empty if it has the sum that the side file holds."""
        try:
            digest = hashlib.sha256(self.read()).hexdigest()
        except OSError as error:
            return f"it cannot be read ({error.strerror})"
        return "" if digest == self.sha256 else "its sum is not that of its side file"

    @property
    def text(self) -> str:
        """The content as text; bytes that are no UTF-8 are replaced."""
        return self.read().decode("utf-8", errors="replace")


class RawFolder:
    """The raw replies of all services.

    Parameters
    ----------
    folder : Path
        Of the catalogues; the replies lie in ``raw/`` below it.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "raw"

    def keep(
        self, service: str, span: Span, content: bytes, *, url: str, fetched: datetime, suffix: str
    ) -> RawReply:
        """Keep a reply; of one that has not changed only the time is new.

        Raises
        ------
        DiskFullError
        """
        folder, digest = self.path / service, hashlib.sha256(content).hexdigest()
        path = folder / f"{span.key}.{digest[:16]}.{suffix}"
        about = {
            "url": url,
            "fetched_utc": fetched.isoformat(),
            "sha256": digest,
            "bytes": len(content),
            "key": span.key,
            "start": span.start.isoformat(),
            "end": span.end.isoformat(),
        }
        folder.mkdir(parents=True, exist_ok=True)
        with (
            room_on_disk(folder, "run the same command again: it resumes"),
            FileLock(folder / ".lock"),
        ):
            for leftover in folder.glob("*.part"):  # of a killed process: who writes holds the lock
                leftover.unlink(missing_ok=True)
            write_atomically(path, content)
            write_atomically(path.with_name(path.name + SIDE), json.dumps(about, indent=1).encode())
        return RawReply(service, span, fetched, url, digest, path)

    def newest(self, service: str, key: str = "*") -> dict[str, RawReply]:
        """Return the newest sound reply of every span of a service, or of one, by key, ascending.

        Sound are those whose bytes have the sum that their side file holds.
        """
        sides = (self.path / service).glob(f"{key}.*{SIDE}")
        replies = [reply for side in sides if (reply := describe(side)) is not None]
        replies.sort(key=lambda reply: (reply.fetched, reply.sha256), reverse=True)
        found: dict[str, RawReply] = {}
        for reply in replies:
            if reply.span.key not in found and not reply.flaw:
                found[reply.span.key] = reply
        return dict(sorted(found.items()))


def describe(side: Path) -> RawReply | None:
    """Return the reply that a side file describes; None if it is not a sound side file."""
    try:
        about = read_json(side)
        start, end = date.fromisoformat(about["start"]), date.fromisoformat(about["end"])
        return RawReply(
            side.parent.name,
            Span(str(about["key"]), start, end),
            fetched=datetime.fromisoformat(about["fetched_utc"]),
            url=str(about["url"]),
            sha256=str(about["sha256"]),
            path=side.with_name(side.name.removesuffix(SIDE)),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None

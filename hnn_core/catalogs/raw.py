"""Replies as they came, each with a side file that says where from, when, and its checksum.

A reply is written first and its side file last, each whole or not at all; one without a side file,
or whose bytes have another sum, does not count. A reply is named by its span and its sum, so a
changed one lies beside the older one, and the newest counts.

The pieces of time that services are asked for, and when one is asked for again.

NOAA and HARP numbers that were found by a flare's position, kept like a reply.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from filelock import FileLock

from hnn_core.exceptions import RequestError
from hnn_core.storage import room_on_disk, write_atomically

__all__ = [
    "SETTLED",
    "SIDE",
    "Filled",
    "RawFolder",
    "RawReply",
    "Span",
    "is_due",
    "keep_numbers",
    "months",
    "parse_filled",
    "utc_now",
    "weeks",
    "years",
]


SETTLED = timedelta(days=60)
"""A span that had ended this long before it was fetched is not asked for again."""

_MONDAY = date(2010, 1, 4)  # weeks are counted from here, so that every run cuts them alike


@dataclass(frozen=True)
class Span:
    """A piece of time with a name that is the same in every run."""

    key: str
    """``2011``, ``2011-02`` or, for a week, the Monday ``2011-02-14``; names the raw reply."""
    start: date
    end: date
    """The day after the last."""


def utc_now() -> datetime:
    """Return the time of day, UTC, without a zone, as the tables hold times."""
    return datetime.now(UTC).replace(tzinfo=None)


def years(start: date, end: date) -> list[Span]:
    """Return the calendar years that hold a day from `start` to `end`, both included."""
    return [
        Span(f"{year}", date(year, 1, 1), date(year + 1, 1, 1))
        for year in range(*_years(start, end))
    ]


def months(start: date, end: date) -> list[Span]:
    """Return the calendar months that hold a day from `start` to `end`, both included."""
    return list(_months(*_checked(start, end)))


def weeks(start: date, end: date) -> list[Span]:
    """Return the weeks, Monday to Sunday, that hold a day from `start` to `end`, both included."""
    start, end = _checked(start, end)
    first = start - timedelta(days=(start - _MONDAY).days % 7)
    n_weeks = max(0, (end - first).days // 7 + 1)
    mondays = [first + timedelta(days=7 * i) for i in range(n_weeks)]
    return [Span(f"{day}", day, day + timedelta(days=7)) for day in mondays]


def is_due(span: Span, fetched: datetime | None, *, again: bool) -> bool:
    """Tell whether a span is to be asked for.

    Parameters
    ----------
    span : Span
    fetched : datetime or None
        When it was last fetched, UTC; None if never.
    again : bool
        Ask in any case.
    """
    if again or fetched is None:
        return True
    return fetched < datetime.combine(span.end, datetime.min.time()) + SETTLED


def _checked(start: date, end: date) -> tuple[date, date]:
    """Cut a span at today: nothing is known of the future. Raises RequestError if reversed."""
    if end < start:
        raise RequestError(f"The span would end on {end}, before it begins on {start}.")
    return start, min(end, utc_now().date())


def _years(start: date, end: date) -> tuple[int, int]:
    start, end = _checked(start, end)
    return (start.year, end.year + 1) if start <= end else (0, 0)


def _months(start: date, end: date) -> Iterator[Span]:
    day = start.replace(day=1)
    while day <= end:
        following = (day + timedelta(days=32)).replace(day=1)
        yield Span(f"{day:%Y-%m}", day, following)
        day = following


SIDE = ".about"


@dataclass(frozen=True)
class RawReply:
    """A reply on disk, with what its side file says."""

    service: str
    """``ncei``, ``hek``, ``donki_flr``, ``donki_cme``, ``harp_noaa`` or ``position``."""
    key: str
    start: date
    end: date
    """The day after the last that was asked for."""
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


class RawFolder:
    """The raw replies of all services.

    Parameters
    ----------
    folder : Path
        Of the catalogues; the replies lie in ``raw/`` below it.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "raw"

    def of(self, service: str) -> Path:
        """Return the folder of one service, made if absent."""
        folder = self.path / service
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def keep(
        self, service: str, span: Span, content: bytes, *, url: str, fetched: datetime, suffix: str
    ) -> RawReply:
        """Keep a reply; one that has not changed is only told as fetched again.

        Raises
        ------
        DiskFullError
        """
        folder, digest = self.of(service), hashlib.sha256(content).hexdigest()
        path = folder / f"{span.key}.{digest[:16]}.{suffix}"
        told = {
            "url": url,
            "fetched_utc": fetched.isoformat(),
            "sha256": digest,
            "bytes": len(content),
            "key": span.key,
            "start": span.start.isoformat(),
            "end": span.end.isoformat(),
        }
        with (
            room_on_disk(folder, "run the same command again: it goes on"),
            FileLock(folder / ".lock"),
        ):
            for leftover in folder.glob("*.part"):  # of a killed process: who writes holds the lock
                leftover.unlink(missing_ok=True)
            write_atomically(path, content)
            write_atomically(_side(path), json.dumps(told, indent=1).encode())
        return RawReply(service, span.key, span.start, span.end, fetched, url, digest, path)

    def newest(self, service: str) -> dict[str, RawReply]:
        """Return the newest sound reply of every span of a service, by key."""
        claims: dict[str, list[RawReply]] = defaultdict(list)
        for side in (self.path / service).glob(f"*{SIDE}"):
            if (reply := _claim(service, side)) is not None:
                claims[reply.key].append(reply)
        found = {key: _newest(claims[key]) for key in sorted(claims)}
        return {key: reply for key, reply in found.items() if reply is not None}

    def newest_of(self, service: str, key: str) -> RawReply | None:
        """Return the newest sound reply of one span, or None if it was never fetched."""
        sides = (self.path / service).glob(f"{key}.*{SIDE}")
        claims = [reply for side in sides if (reply := _claim(service, side)) is not None]
        return _newest([reply for reply in claims if reply.key == key])


def _newest(claims: list[RawReply]) -> RawReply | None:
    """Return the newest reply whose bytes have the sum that its side file tells."""
    for reply in sorted(claims, key=lambda reply: (reply.fetched, reply.sha256), reverse=True):
        try:
            if hashlib.sha256(reply.read()).hexdigest() == reply.sha256:
                return reply
        except OSError:
            continue
    return None


def _side(path: Path) -> Path:
    return path.with_name(path.name + SIDE)


def _claim(service: str, side: Path) -> RawReply | None:
    """Return what a side file says; None if it says nothing sound."""
    try:
        told = json.loads(side.read_bytes())
        return RawReply(
            service=service,
            key=str(told["key"]),
            start=date.fromisoformat(told["start"]),
            end=date.fromisoformat(told["end"]),
            fetched=datetime.fromisoformat(told["fetched_utc"]),
            url=str(told["url"]),
            sha256=str(told["sha256"]),
            path=side.with_name(side.name.removesuffix(SIDE)),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


Filled = dict[str, tuple[int, int]]
"""HARP and NOAA number (0 for none) by the id of a flare."""

_SPAN = Span("all", date(2010, 1, 1), date(2010, 1, 1))


def parse_filled(content: bytes) -> Filled:
    """Read kept numbers."""
    told = json.loads(content)
    return {str(name): (int(harp), int(noaa)) for name, (harp, noaa) in told.items()}


def keep_numbers(raw: RawFolder, numbers: Filled) -> None:
    """Keep numbers beside those kept before; of one flare the newest count."""
    known = raw.newest_of("position", _SPAN.key)
    merged = {**(parse_filled(known.read()) if known else {}), **numbers}
    content = json.dumps(merged, sort_keys=True, indent=0).encode()
    raw.keep("position", _SPAN, content, url="", fetched=utc_now(), suffix="json")

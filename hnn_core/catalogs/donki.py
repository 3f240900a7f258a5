"""What DONKI's replies have in common: nothing found, padded spans, versions, links.

DONKI's CMEs: when, how fast, and the flares they link.

DONKI's flares, which are part of all flares, and the CMEs they link.
"""

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from hnn_core.catalogs.raw import RawReply, Span
from hnn_core.catalogs.records import (
    FlareRecord,
    place,
    read_number,
    read_place,
    read_time,
    region_number,
)
from hnn_core.exceptions import TransientReplyError
from hnn_core.regions.goes_classes import announced_scale, flux_of_class, read_class
from hnn_core.services.transport import Reply, read_json_or_nothing

__all__ = [
    "CmeRecord",
    "Revision",
    "cme_start",
    "linked",
    "parse_donki_cmes",
    "parse_donki_flares",
    "query",
    "read_records",
    "records_of",
    "revision",
    "within",
]


_PADDING = timedelta(days=1)

Revision = tuple[int, str, datetime, str]
"""Version, submission time, when fetched, and the record itself to part what is equal."""


def query(span: Span) -> dict[str, str]:
    """Return the parameters that ask for a span, a day padded either side."""
    last = span.end - timedelta(days=1)
    return {"startDate": f"{span.start - _PADDING}", "endDate": f"{last + _PADDING}"}


def read_records(reply: Reply) -> Reply:
    """Accept a list of records, or nothing found: an empty body, ``null`` or ``[]``.

    Raises
    ------
    TransientReplyError
        It is anything else.
    """
    if not isinstance(read_json_or_nothing(reply), list | None):
        raise TransientReplyError("an answer that is no list of records")
    return reply


def records_of(content: bytes) -> Iterator[dict[str, Any]]:
    """Yield the records of a reply that `read_records` has accepted."""
    if content.strip():
        for record in json.loads(content.decode("utf-8", errors="replace")) or ():
            if isinstance(record, dict):
                yield record


def within(moment: datetime | None, reply: RawReply) -> bool:
    """Whether a time lies in the span that was asked for, padding included.

    Years are wrong now and then; such a record would be another event.
    """
    if moment is None:
        return False
    first = datetime.combine(reply.start, time()) - _PADDING
    return first <= moment < datetime.combine(reply.end, time()) + _PADDING


def linked(record: dict[str, Any], kind: str) -> tuple[str, ...]:
    """Return the linked events of a kind, ``CME`` or ``FLR``, ascending, without all others."""
    events = record.get("linkedEvents")
    ids = {
        str(event.get("activityID") or "")
        for event in (events if isinstance(events, list) else ())
        if isinstance(event, dict)
    }
    return tuple(sorted(name for name in ids if f"-{kind}-" in name))


def revision(record: dict[str, Any], reply: RawReply) -> Revision:
    """Return what decides between revisions of one record: the greatest counts."""
    number = record.get("versionId")
    version = number if isinstance(number, int) else 0
    submitted = str(record.get("submissionTime") or "")
    return version, submitted, reply.fetched, json.dumps(record, sort_keys=True)


@dataclass(frozen=True)
class CmeRecord:
    """A CME as DONKI tells of it."""

    id: str
    start: datetime
    """UTC, first seen in a coronagraph."""
    speed: float
    """km/s; with the half angle and the place of one analysis, NaN where there is none."""
    half_angle: float
    """Degrees."""
    longitude: float
    """Stonyhurst, degrees, west positive."""
    latitude: float
    kind: str
    """Speed class: S, C, O, R or ER."""
    noaa: int
    source_location: str
    links: tuple[str, ...]
    """Ids of DONKI's flares that the record links, ascending."""
    version: int
    note: str
    fetched: datetime
    reply: str


def parse_donki_cmes(
    replies: Iterable[tuple[bytes, RawReply]],
) -> tuple[list[CmeRecord], list[tuple[str, str]]]:
    """Read DONKI's CMEs from the replies of many weeks, in any order.

    Returns
    -------
    records : list of CmeRecord
        Ascending in start and id; of each the highest version, then the latest submission, then
        the latest reply.
    problems : list of (reply name, words)
        Records that cannot be used.
    """
    best: dict[str, tuple[Revision, CmeRecord]] = {}
    problems = []
    for content, reply in replies:
        for record in records_of(content):
            name = str(record.get("activityID") or "")
            start = read_time(record.get("startTime")) or cme_start(name)
            if not name or start is None:
                problems.append((reply.name, f"DONKI's CME {name or 'without id'} has no start"))
            elif not within(start, reply):
                why = f"is dated {start:%Y-%m-%d}, outside of the asked week of {reply.key}"
                problems.append((reply.name, f"DONKI's CME {name} {why}"))
            else:
                rank = revision(record, reply)
                if name not in best or rank > best[name][0]:
                    best[name] = (rank, _cme_record(name, start, record, reply))
    found = [record for _, record in best.values()]
    return sorted(found, key=lambda record: (record.start, record.id)), problems


def cme_start(name: str) -> datetime | None:
    """Return the start in an id such as ``2011-02-15T02:25:00-CME-001``; None if it is none."""
    return read_time(name.split("-CME-")[0]) if "-CME-" in name else None


def _cme_record(name: str, start: datetime, record: dict[str, Any], reply: RawReply) -> CmeRecord:
    analysis = _analysis(record.get("cmeAnalyses"))
    lon, lat = place(analysis.get("longitude"), analysis.get("latitude"))
    speed = read_number(analysis.get("speed"))
    return CmeRecord(
        id=name,
        start=start,
        speed=speed if speed > 0 else math.nan,
        half_angle=read_number(analysis.get("halfAngle")),
        longitude=lon,
        latitude=lat,
        kind=str(analysis.get("type") or ""),
        noaa=region_number(record.get("activeRegionNum"), start),
        source_location=str(record.get("sourceLocation") or ""),
        links=linked(record, "FLR"),
        version=revision(record, reply)[0],
        note=str(record.get("note") or ""),
        fetched=reply.fetched,
        reply=reply.name,
    )


def _analysis(analyses: Any) -> dict[str, Any]:
    """Return the analysis held for the most accurate, else the newest, else an empty one."""
    listed = analyses if isinstance(analyses, list) else ()
    usable = [entry for entry in listed if isinstance(entry, dict)]
    return max(
        usable,
        key=lambda entry: (
            entry.get("isMostAccurate") is True,
            str(entry.get("submissionTime") or ""),
        ),
        default={},
    )


_LONGEST = timedelta(days=1)
"""No flare lasts longer from begin to end; a record that says so has a wrong date in it."""


def parse_donki_flares(
    replies: Iterable[tuple[bytes, RawReply]],
) -> tuple[list[FlareRecord], list[tuple[str, str]]]:
    """Read DONKI's flares from the replies of many months.

    Parameters
    ----------
    replies : iterable of (content, RawReply)
        In any order. Months overlap by their padding, so a record may come more than once: the
        highest version counts, then the latest submission, then the latest reply.

    Returns
    -------
    records : list of FlareRecord
        Ascending in id; `peak` may be None.
    problems : list of (reply name, words)
        Records that cannot be used.
    """
    best: dict[str, tuple[Revision, dict[str, Any], RawReply]] = {}
    problems = []
    for content, reply in replies:
        for record in records_of(content):
            name, why = str(record.get("flrID") or ""), _fault(record, reply)
            if why:
                problems.append((reply.name, f"DONKI's flare {name or 'without id'} {why}"))
                continue
            rank = revision(record, reply)
            if name not in best or rank > best[name][0]:
                best[name] = (rank, record, reply)
    return [_flare_record(name, best[name][1], best[name][2]) for name in sorted(best)], problems


def _fault(record: dict[str, Any], reply: RawReply) -> str:
    if not record.get("flrID"):
        return "is left out"
    begin, peak = read_time(record.get("beginTime")), read_time(record.get("peakTime"))
    if begin is None and peak is None:
        return "has neither begin nor peak"
    for moment in (begin, peak):
        if moment is not None and not within(moment, reply):
            return f"is dated {moment:%Y-%m-%d}, outside of the asked {reply.key}"
    if not read_class(record.get("classType")):
        return f"has the class {record.get('classType')!r}"
    return ""


def _flare_record(name: str, record: dict[str, Any], reply: RawReply) -> FlareRecord:
    start, peak, end = (read_time(record.get(key)) for key in ("beginTime", "peakTime", "endTime"))
    when = peak or start
    assert when is not None  # `_fault` has seen to it
    if end is not None and not timedelta() <= end - when <= _LONGEST:
        end = None
    if start is not None and peak is not None and not timedelta() <= peak - start <= _LONGEST:
        start = None
    lon, lat = read_place(record.get("sourceLocation"))
    goes_class = read_class(record.get("classType"))
    return FlareRecord(
        source="DONKI",
        id=name,
        peak=peak,
        goes_class=goes_class,
        flux=flux_of_class(goes_class),
        scale=announced_scale(when),
        start=start,
        end=end,
        noaa=region_number(record.get("activeRegionNum"), when),
        longitude=lon,
        latitude=lat,
        fetched=reply.fetched,
        reply=reply.name,
        links=linked(record, "CME"),
        version=revision(record, reply)[0],
    )

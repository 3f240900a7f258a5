"""DONKI's flares, which are part of all flares, and the CMEs they link."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from hnn_core.catalogs.donki import Revision, linked, records_of, revision, within
from hnn_core.catalogs.goes_classes import announced_scale, flux_of_class, is_class
from hnn_core.catalogs.raw import RawReply
from hnn_core.catalogs.records import FlareRecord, read_place, read_time, region_number

__all__ = ["parse_donki_flares"]

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
    return [_record(name, best[name][1], best[name][2]) for name in sorted(best)], problems


def _fault(record: dict[str, Any], reply: RawReply) -> str:
    if not record.get("flrID"):
        return "is left out"
    begin, peak = read_time(record.get("beginTime")), read_time(record.get("peakTime"))
    if begin is None and peak is None:
        return "has neither begin nor peak"
    for moment in (begin, peak):
        if moment is not None and not within(moment, reply):
            return f"is dated {moment:%Y-%m-%d}, outside of the asked {reply.key}"
    if not is_class(_class(record)):
        return f"has the class {record.get('classType')!r}"
    return ""


def _class(record: dict[str, Any]) -> str:
    return str(record.get("classType") or "").strip().upper()


def _record(name: str, record: dict[str, Any], reply: RawReply) -> FlareRecord:
    start, peak, end = (read_time(record.get(key)) for key in ("beginTime", "peakTime", "endTime"))
    when = peak or start
    assert when is not None  # `_fault` has seen to it
    if end is not None and not timedelta() <= end - when <= _LONGEST:
        end = None
    if start is not None and peak is not None and not timedelta() <= peak - start <= _LONGEST:
        start = None
    lon, lat = read_place(record.get("sourceLocation"))
    return FlareRecord(
        source="DONKI",
        id=name,
        peak=peak,
        goes_class=_class(record),
        flux=flux_of_class(_class(record)),
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

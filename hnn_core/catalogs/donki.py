"""DONKI's CMEs: when, how fast, and the flares they link."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hnn_core.catalogs.donki import Revision, linked, records_of, revision, within
from hnn_core.catalogs.raw import RawReply
from hnn_core.catalogs.records import place, read_number, read_time, region_number

__all__ = ["CmeRecord", "cme_start", "parse_donki_cmes"]


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
                    best[name] = (rank, _record(name, start, record, reply))
    found = [record for _, record in best.values()]
    return sorted(found, key=lambda record: (record.start, record.id)), problems


def cme_start(name: str) -> datetime | None:
    """Return the start in an id such as ``2011-02-15T02:25:00-CME-001``; None if it is none."""
    return read_time(name.split("-CME-")[0]) if "-CME-" in name else None


def _record(name: str, start: datetime, record: dict[str, Any], reply: RawReply) -> CmeRecord:
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

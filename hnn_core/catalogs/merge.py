"""One row a flare: which records of several catalogues are one, its region, and its CMEs."""

import math
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from string import ascii_lowercase
from typing import Any

from hnn_core.catalogs.donki import CmeRecord
from hnn_core.catalogs.raw import RawReply
from hnn_core.catalogs.records import SOURCES, FlareRecord, FlareSource
from hnn_core.regions.base import Association
from hnn_core.regions.goes_classes import announced_scale, flux_of_class

__all__ = [
    "NEAR",
    "Filled",
    "associate",
    "flare_rows",
    "merge_records",
]


NEAR = timedelta(minutes=8)
"""Peaks of one flare lie at most this far apart."""

_FACTOR = 2.0
"""Operational fluxes of one flare differ by at most this."""
_ROUNDING = 1e-9
_SEARCH = timedelta(hours=3)
"""A DONKI record without peak and end is looked for this long after its begin."""

_REVISED = timedelta(days=14)
"""Links are mostly added within two weeks of a flare."""

Filled = dict[str, tuple[int, int]]
"""HARP and NOAA number (0 for none) by the id of a flare, found by the flare's position."""
_Queried = dict[date, datetime]
"""When a service was last queried for a day."""
_Links = dict[str, dict[str, int]]
"""By the id of a DONKI flare: the CMEs whose own records link it, with their versions."""


_MergedFlare = tuple[FlareRecord, ...]
"""A flare's records in the order of `SOURCES`, at most one of each; the first has a peak."""


def merge_records(
    records: Iterable[FlareRecord],
) -> tuple[list[_MergedFlare], list[FlareRecord]]:
    """Join the records of several sources to flares.

    Two records are one flare if their peaks lie within `NEAR`, their operational fluxes within a
    factor 2, and neither names another NOAA region than the other. The nearest are joined first;
    a flare has at most one record of each source, so flares of one source are never joined.

    Parameters
    ----------
    records : iterable of FlareRecord
        In any order; the same record twice counts once.

    Returns
    -------
    flares : list of tuple of FlareRecord
        Ascending in peak.
    left : list of FlareRecord
        Records without a peak that belong to no flare.
    """
    own: dict[FlareSource, dict[str, FlareRecord]] = {source: {} for source in SOURCES}
    for record in records:
        known = own[record.source].get(record.id)
        if known is None or _newer(record) > _newer(known):
            own[record.source][record.id] = record
    flares: list[list[FlareRecord]] = []
    left: list[FlareRecord] = []
    for source in SOURCES:
        arriving = sorted(own[source].values(), key=_order)
        flares.sort(key=lambda flare: _order(flare[0]))
        joined = _assign(flares, arriving)
        for i, record in enumerate(arriving):
            if i in joined:
                flares[joined[i]].append(record)
            elif record.peak is None:
                left.append(record)
            else:
                flares.append([record])
    return sorted(map(tuple, flares), key=lambda flare: _order(flare[0])), left


def associate(
    record: FlareRecord | None, peak: datetime, links: _Links, flares: _Queried, cmes: _Queried
) -> tuple[Association, str, tuple[str, ...]]:
    """Return whether a CME came with a flare, why we think so, and which CMEs.

    Parameters
    ----------
    record : FlareRecord or None
        DONKI's of the flare.
    peak : datetime
        UTC.
    links : dict
        By the id of a DONKI flare: the CMEs whose own records link it, with their versions.
    flares, cmes : dict of datetime
        When DONKI was last queried for the flares and for the CMEs of a day.

    Returns
    -------
    association : str
        ``eruptive`` if a link goes either way; ``unlinked`` if the flare is in DONKI, its days'
        CMEs are known and no link goes either way; else ``unknown``. Never ``confined``: no
        catalogue says that (docs/method.md, "Labels").
    reason : str
    cme_ids : tuple of str
    """
    if record is None:
        queried = _since(flares, peak)
        if queried is None:
            return "unknown", "DONKI has not been queried for this date", ()
        why = f"not in DONKI, which holds only part of the flares (queried {queried:%Y-%m-%d})"
        return "unknown", why, ()
    name = _named(record.id, record.version)
    theirs: dict[str, int] = {}
    for donki_id in (record.id, *record.twins):
        theirs |= links.get(donki_id, {})
    found = tuple(sorted({*record.links, *theirs}))
    if found:
        return "eruptive", _reason(name, record, theirs), found
    queried = _since(cmes, peak)
    if queried is None:
        why = f"DONKI's record {name} links no CME, but DONKI's CMEs of its date"
        return "unknown", f"{why} have not been fetched", ()
    young = min(queried, record.fetched) - peak < _REVISED
    late = "; links may still be added" if young else ""
    why = f"in DONKI with no CME linked, neither by its record {name} nor by that of a CME{late}"
    return "unlinked", why, ()


def flare_rows(
    merged: list[_MergedFlare],
    cmes: Iterable[CmeRecord],
    months: Iterable[RawReply],
    weeks: Iterable[RawReply],
    pairs: list[tuple[int, int]],
    filled: Filled,
) -> list[dict[str, Any]]:
    """Make the rows of the table of flares.

    Parameters
    ----------
    merged : list of tuple of FlareRecord
        Ascending in peak.
    cmes : iterable of CmeRecord
    months, weeks : iterable of RawReply
        DONKI's newest replies with flares and with CMEs.
    pairs : list of (harp, noaa)
    filled : Filled
        Regions found by position; they count where no catalogue names one.
    """
    links, queried = _links_of(cmes), (_last_queried(months), _last_queried(weeks))
    harps: dict[int, list[int]] = defaultdict(list)
    for harp, noaa in pairs:
        harps[noaa].append(harp)
    rows: list[dict[str, Any]] = []
    same: Counter[str] = Counter()
    for flare in merged:
        row = _flare_row(flare, links, *queried)
        name = f"{flare[0].when:%Y-%m-%dT%H:%M} {row['goes_class']}"
        row["flare_id"] = name + ascii_lowercase[same[name]] if name in same else name
        same[name] += 1
        named_by = next((record.source for record in flare if record.noaa), "")
        row |= _region(int(row["noaa"]), named_by, harps, filled.get(row["flare_id"]))
        rows.append(row)
    return rows


def _last_queried(replies: Iterable[RawReply]) -> _Queried:
    """Return when a service was last queried for each day, from the newest reply of every span."""
    queried: _Queried = {}
    for reply in replies:
        for i in range((reply.span.end - reply.span.start).days):
            day = reply.span.start + timedelta(days=i)
            queried[day] = max(reply.fetched, queried.get(day, reply.fetched))
    return queried


def _links_of(cmes: Iterable[CmeRecord]) -> _Links:
    """Return the links that CMEs' records hold, turned round."""
    links: _Links = defaultdict(dict)
    for cme in cmes:
        for name in cme.flare_ids:
            links[name][cme.cme_id] = cme.version
    return dict(links)


def _newer(record: FlareRecord) -> tuple[datetime, str]:
    return record.fetched, repr(record)


def _order(record: FlareRecord) -> tuple[datetime, float, str]:
    return record.when, -record.flux, record.id


def _assign(flares: list[list[FlareRecord]], arriving: list[FlareRecord]) -> dict[int, int]:
    """Match records, index to index of a flare, nearest pairs first."""
    pairs = sorted(_pairs(flares, arriving))
    joined: dict[int, int] = {}
    taken: set[int] = set()
    for _, _, i, j in pairs:
        if i not in joined and j not in taken:
            joined[i] = j
            taken.add(j)
    return joined


def _pairs(
    flares: list[list[FlareRecord]], arriving: list[FlareRecord]
) -> Iterator[tuple[timedelta, float, int, int]]:
    # Every flare so far begins with the record of a source that has all its peaks.
    peaks = [flare[0].when for flare in flares]
    for i, record in enumerate(arriving):
        first, last = _reach(record)
        # A further record of the flare may lie nearer than its first one.
        for j in range(bisect_left(peaks, first - NEAR), bisect_right(peaks, last + NEAR)):
            apart = _apart(record, flares[j])
            if apart is not None:
                yield apart[0], apart[1], i, j


def _reach(record: FlareRecord) -> tuple[datetime, datetime]:
    """Return when the peak may lie in another source."""
    if record.peak is not None:
        return record.peak - NEAR, record.peak + NEAR
    return record.when, record.end or record.when + _SEARCH


def _apart(record: FlareRecord, flare: list[FlareRecord]) -> tuple[timedelta, float] | None:
    """How far apart in time and flux; None if they cannot be one flare."""
    if any(record.noaa and other.noaa and record.noaa != other.noaa for other in flare):
        return None
    first, last = _reach(record)
    steps = [
        abs(math.log(record.operational / other.operational))
        for other in flare
        if other.peak is not None and first <= other.peak <= last
    ]
    if not steps or min(steps) > math.log(_FACTOR) + _ROUNDING:
        return None
    if record.peak is None:
        return NEAR, min(steps)
    waits = [abs(record.peak - other.peak) for other in flare if other.peak is not None]
    return min(waits), min(steps)


def _since(queried: _Queried, moment: datetime) -> datetime | None:
    """When the day of a moment was last queried; None if never after that moment."""
    fetched = queried.get(moment.date(), moment)
    return fetched if fetched > moment else None


def _named(name: str, version: int) -> str:
    return f"{name} (version {version})" if version else name


def _reason(name: str, record: FlareRecord, theirs: dict[str, int]) -> str:
    parts = []
    if record.links:
        parts.append(f"DONKI's record {name} links {', '.join(record.links)}")
    for cme, version in sorted(theirs.items()):
        also = " too" if record.links else f" {record.id}"
        parts.append(f"the record of {_named(cme, version)} links the flare{also}")
    return "; ".join(parts)


def _flare_row(
    flare: _MergedFlare, links: _Links, flares: _Queried, cmes: _Queried
) -> dict[str, Any]:
    first, peak = flare[0], flare[0].when
    ncei, hek, donki = (
        next((record for record in flare if record.source == source), None) for source in SOURCES
    )
    announced = hek or donki
    goes_class = (announced or first).goes_class
    located = next((r for r in flare if not math.isnan(r.longitude)), first)
    association, reason, cme_ids = associate(donki, peak, links, flares, cmes)
    return {
        "start_utc": next((r.start for r in flare if r.start), None),
        "peak_utc": peak,
        "end_utc": next((r.end for r in flare if r.end), None),
        "goes_class": goes_class,
        "scale": announced_scale(peak) if announced else "science",
        "flux_w_m2": flux_of_class(goes_class),
        "science_flux_w_m2": ncei.flux if ncei else math.nan,
        "noaa": next((r.noaa for r in flare if r.noaa), 0),
        "longitude_deg": located.longitude,
        "latitude_deg": located.latitude,
        "source": first.source,
        "sources": ",".join(r.source for r in flare),
        "association": association,
        "reason": reason,
        "cme_ids": ";".join(cme_ids),
        "donki_id": donki.id if donki else "",
        "fetched_utc": max(r.fetched for r in flare),
        "reply": ";".join(r.reply for r in flare),
    }


def _region(
    noaa: int, named_by: str, harps: dict[int, list[int]], at_place: tuple[int, int] | None
) -> dict[str, Any]:
    """Return the numbers of a flare's region: HARP where the NOAA number has exactly one."""
    if noaa:
        of_noaa = harps.get(noaa, [])
        harp = of_noaa[0] if len(of_noaa) == 1 else 0
        return {"noaa": noaa, "harp": harp, "noaa_origin": named_by}
    if at_place is not None and any(at_place):
        return {"harp": at_place[0], "noaa": at_place[1], "noaa_origin": "position"}
    return {"noaa": 0, "harp": 0, "noaa_origin": ""}

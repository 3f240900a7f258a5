"""Which records of several catalogues are one flare."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from hnn_core.catalogs.records import SOURCES, FlareRecord, FlareSource

__all__ = ["NEAR", "MergedFlare", "merge_records"]

NEAR = timedelta(minutes=8)
"""Peaks of one flare lie at most this far apart."""

_FACTOR = 2.0
"""Operational fluxes of one flare differ by at most this."""
_ROUNDING = 1e-9
_SEARCH = timedelta(hours=3)
"""A DONKI record without peak and end is looked for this long after its begin."""

_Pair = tuple[timedelta, float, int, int]


@dataclass(frozen=True)
class MergedFlare:
    """A flare and what each source tells of it."""

    records: tuple[FlareRecord, ...]
    """In the order of `SOURCES`, at most one of each."""

    def of(self, source: FlareSource) -> FlareRecord | None:
        """Return the record of one source, or None."""
        return next((record for record in self.records if record.source == source), None)

    @property
    def peak(self) -> datetime:
        """Peak of the first source that tells one, UTC."""
        return next(record.peak for record in self.records if record.peak is not None)


def merge_records(
    records: Iterable[FlareRecord],
) -> tuple[list[MergedFlare], list[FlareRecord]]:
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
    flares : list of MergedFlare
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
    merged = [MergedFlare(tuple(flare)) for flare in flares]
    return sorted(merged, key=lambda flare: (flare.peak, _order(flare.records[0]))), left


def _newer(record: FlareRecord) -> tuple[datetime, str]:
    return record.fetched, repr(record)


def _order(record: FlareRecord) -> tuple[datetime, float, str]:
    when = record.peak or record.start or datetime.max
    return when, -record.flux, record.id


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


def _pairs(flares: list[list[FlareRecord]], arriving: list[FlareRecord]) -> Iterator[_Pair]:
    # Every flare so far begins with the record of a source that tells all its peaks.
    peaks = [_order(flare[0])[0] for flare in flares]
    for i, record in enumerate(arriving):
        first, last = _reach(record)
        # A further record of the flare may lie nearer than its first one.
        for j in range(bisect_left(peaks, first - NEAR), bisect_right(peaks, last + NEAR)):
            apart = _apart(record, flares[j])
            if apart is not None:
                yield apart[0], apart[1], i, j


def _reach(record: FlareRecord) -> tuple[datetime, datetime]:
    """Return when the peak may lie that another source tells."""
    if record.peak is not None:
        return record.peak - NEAR, record.peak + NEAR
    begin = record.start or datetime.max - 2 * _SEARCH
    return begin, record.end or begin + _SEARCH


def _apart(record: FlareRecord, flare: list[FlareRecord]) -> tuple[timedelta, float] | None:
    """Return how far apart in time and flux, or None if they cannot be one flare."""
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

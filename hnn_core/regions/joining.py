"""Flares of several sources as one list: the same flare once, the well-known ones added."""

import math
from collections.abc import Iterable
from dataclasses import replace
from itertools import chain

from hnn_core.magnetogram.conventions import tai_seconds
from hnn_core.regions.base import CONTRADICTION, Association, Flare, Region
from hnn_core.regions.well_known import well_known_flares

__all__ = ["join_flares", "with_well_known"]

_NEAR_S = 5 * 60.0
"""Peaks of one flare of one region lie at most this far apart."""
_FACTOR = 1.2
"""Its operational fluxes differ by at most this: announced over science classes are 0.6 to 0.7."""
_STRONGEST: tuple[Association, ...] = ("eruptive", "confined", "unlinked", "unknown")


def join_flares(*groups: Iterable[Flare]) -> tuple[Flare, ...]:
    """Join lists of the flares of one region, the same flare once.

    Two are one flare if their peaks lie within five minutes and their operational fluxes within a
    factor of 1.2. The first keeps its id, peak and class; links, reasons and sources are joined.
    The association of one that is called both eruptive and confined is unknown, with the reason.

    Parameters
    ----------
    *groups : iterable of Flare
        Those that come first name a flare.

    Returns
    -------
    tuple of Flare
        Ascending in peak.

    Notes
    -----
    docs/method.md, "Labels".
    """
    joined: list[Flare] = []
    known: list[tuple[float, float]] = []  # peak and operational flux of each, found once
    for flare in chain(*groups):
        own = float(tai_seconds(flare.peak)), flare.flux("operational")
        apart = [abs(own[0] - other[0]) if _same(own, other) else math.inf for other in known]
        nearest = min(range(len(apart)), key=apart.__getitem__, default=-1)
        if nearest >= 0 and apart[nearest] < math.inf:
            joined[nearest] = _merged(joined[nearest], flare)
        else:
            joined.append(flare)
            known.append(own)
    order = sorted(range(len(joined)), key=lambda i: known[i][0])
    return tuple(joined[i] for i in order)


def with_well_known(region: Region) -> Region:
    """Return a region with the well-known flares of its HARP and NOAA numbers joined to its own.

    HARP numbers count for regions of the definitive series alone, for others mean other regions;
    a simulated region has none.
    """
    found = well_known_flares(region)
    return replace(region, flares=join_flares(region.flares, found)) if found else region


def _same(one: tuple[float, float], other: tuple[float, float]) -> bool:
    low, high = sorted((one[1], other[1]))
    return abs(one[0] - other[0]) <= _NEAR_S and high <= low * _FACTOR


def _merged(first: Flare, second: Flare) -> Flare:
    strongest = min(first, second, key=lambda flare: _STRONGEST.index(flare.association))
    cmes = {cme.id: cme for cme in (*second.cmes, *first.cmes)}
    studied = first if first.studied else second
    association, reasons = strongest.association, [first.reason, second.reason]
    if {first.association, second.association} == {"eruptive", "confined"}:
        reasons.insert(0, CONTRADICTION)
    if any(CONTRADICTION in reason for reason in reasons):
        association = "unknown"
    return replace(
        first,
        association=association,
        cmes=tuple(cmes[name] for name in sorted(cmes)),
        reason=_joined(*reasons, between="; "),
        studied=studied.studied,
        literature=studied.literature if studied.studied else strongest.literature,
        source=_joined(first.source, second.source, between=", "),
    )


def _joined(*texts: str, between: str) -> str:
    """Join texts, each once, without the empty ones."""
    return between.join(dict.fromkeys(filter(None, texts)))

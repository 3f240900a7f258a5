"""Well-known flares: cases to begin with, a region's reference hour, and lists that hold them.

Flares of several sources become one list, in which the same flare is once.
"""

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, cast

from astropy.time import Time

from hnn_core.magnetogram.conventions import iso_minute, parse_t_rec, tai_seconds
from hnn_core.regions.base import CONTRADICTION, Association, Flare, Region
from hnn_core.regions.case import Case
from hnn_core.regions.goes_classes import announced_scale, flux_of_class
from hnn_core.regions.outcome import FLARELESS, what_happened

__all__ = [
    "WELL_KNOWN",
    "WellKnownCase",
    "join_flares",
    "largest_flare",
    "reference_hour",
    "suggested_cases",
    "well_known_cases",
    "well_known_flares",
    "with_well_known",
]

WELL_KNOWN = "the program's list of well-known flares"
"""What the flares of `well_known_flares` are known from; it is no catalogue of all flares."""

_HOURS = 10
_NEAR_S = 5 * 60.0
"""Peaks of one flare of one region lie at most this far apart."""
_FACTOR = 1.2
"""Its operational fluxes differ by at most this: announced over science classes are 0.6 to 0.7."""
_STRONGEST: tuple[Association, ...] = ("eruptive", "confined", "unlinked", "unknown")
_TABLE = Path(__file__).resolve().parents[2] / "assets" / "cases.csv"


@dataclass(frozen=True)
class WellKnownCase:
    """A flare that many have studied, most of them called eruptive or confined."""

    flare: str
    """GOES class as announced."""
    noaa: int
    harp: int
    """Of the definitive series; 0 where it is not known."""
    peak_utc: str
    """ISO minutes."""
    reference_tai: str
    """The last whole hour before the flare began, for x_t: ISO minutes, TAI."""
    outcome: str
    """``"eruptive"`` or ``"confined"``, by the literature and not by DONKI's links; ``"unlinked"``
    where all that is known is that DONKI links no CME."""
    literature: str
    """Where it is studied."""

    @property
    def name(self) -> str:
        """``X2.2 of AR 11158, 2011-02-15``."""
        return f"{self.flare} of AR {self.noaa}, {self.peak_utc[:10]}"

    def is_of(self, region: Region) -> bool:
        """Whether it is a flare of a region, by NOAA number or by definitive HARP number."""
        definitive = region.id.isdigit()  # elsewhere HARP numbers mean other regions
        by_harp = definitive and self.harp > 0 and self.harp == region.harp
        return not region.simulated and (by_harp or self.noaa in region.noaa)

    def to_flare(self) -> Flare:
        """Return the flare, as a region has it whose flares nobody has looked up."""
        peak = Time(self.peak_utc, scale="utc")
        studied = self.outcome != "unlinked"
        words = f"{self.outcome} in the literature" if studied else "no CME linked in DONKI"
        return Flare(
            peak,
            self.flare,
            "unknown" if studied else "unlinked",
            announced_scale(peak.to_datetime()),
            reason=f"{words} ({self.literature})",
            studied=cast(Any, self.outcome if studied else ""),
            literature=self.literature,
            source=WELL_KNOWN,
        )


@lru_cache(maxsize=1)
def well_known_cases() -> tuple[WellKnownCase, ...]:
    """Return the cases that ship with the program, in time."""
    with _TABLE.open(encoding="utf-8", newline="") as stream:
        rows: list[dict[str, Any]] = list(csv.DictReader(stream))
    numbers = ("noaa", "harp")
    return tuple(WellKnownCase(**row | {name: int(row[name]) for name in numbers}) for row in rows)


def well_known_flares(region: Region) -> tuple[Flare, ...]:
    """Return the well-known flares of a region, in time; a simulated region has none."""
    return tuple(case.to_flare() for case in well_known_cases() if case.is_of(region))


def largest_flare(region: Region) -> Flare | None:
    """Return the region's largest flare, if any is known."""
    return max(region.flares, key=lambda flare: flux_of_class(flare.goes_class), default=None)


def reference_hour(hours: Sequence[str], region: Region) -> str:
    """Choose an hour of a region.

    Parameters
    ----------
    hours : sequence of str
        ISO minutes, TAI, ascending; at least one.
    region : Region

    Returns
    -------
    str
        The hour before a well-known flare where it is here, else the last before the region's
        largest flare, else the last.
    """
    known = [
        case for case in well_known_cases() if case.is_of(region) and case.reference_tai in hours
    ]
    if known:
        return max(known, key=lambda case: flux_of_class(case.flare)).reference_tai
    flare = largest_flare(region)
    before = [hour for hour in hours if flare is not None and hour < iso_minute(flare.peak)]
    return before[-1] if before else hours[-1]


def suggested_cases(
    source: str,
    hours: Iterable[tuple[Region, Sequence[str]]],
    model: str,
    flare_class: str,
    *,
    most: int = 6,
) -> tuple[Case, ...]:
    """Choose cases of a source: each region's hour before a flare, the outcomes in turn.

    Parameters
    ----------
    source : str
        Specification of the source.
    hours : iterable of (Region, sequence of str)
        Its regions with their hours, ISO minutes, TAI, ascending; those without are passed over.
    model : str
        Name of the model that is to predict.
    flare_class : str
        Minimum class of the flares that count as what happened.
    most : int
        As many as the paper's Figures 6 and 7 show by default.

    Returns
    -------
    tuple of Case
        Of hours with a full window where there are such; regions without a flare come last.
    """
    by_outcome: dict[str, list[Case]] = {}
    for region, known in hours:
        if known:
            hour = reference_hour(known[_HOURS - 1 :] or known, region)
            word = what_happened(region, parse_t_rec(hour), flare_class).word
            by_outcome.setdefault(word, []).append(Case(source, region.id, hour, model))
    flareless = [case for word in FLARELESS for case in by_outcome.pop(word, [])]
    longest = max(map(len, by_outcome.values()), default=0)
    in_turn = [row[k] for k in range(longest) for row in by_outcome.values() if k < len(row)]
    return tuple((in_turn + flareless)[:most])


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

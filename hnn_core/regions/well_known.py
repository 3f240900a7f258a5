"""The hour that a region is looked at first, and cases to begin with."""

from collections.abc import Iterable, Sequence

from hnn_core.case import Case
from hnn_core.live.cases import well_known_cases
from hnn_core.outcome import what_happened
from hnn_core.sources.base import Flare, Region
from hnn_core.tai import iso_minute, parse_t_rec

__all__ = ["goes_size", "largest_flare", "reference_hour", "suggested_cases"]

_HOURS = 10


def goes_size(goes_class: str) -> tuple[int, float]:
    """Order GOES classes: the letter, then the number."""
    return "ABCMX".find(goes_class[:1]), float(goes_class[1:] or 0)


def largest_flare(region: Region) -> Flare | None:
    """Return the region's largest flare, if any is known."""
    return max(region.flares, key=lambda flare: goes_size(flare.goes_class), default=None)


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
        case
        for case in well_known_cases()
        if case.harp == region.harp and case.reference_tai in hours
    ]
    if known:
        return max(known, key=lambda case: goes_size(case.flare)).reference_tai
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
        Name of the model that is to be asked.
    flare_class : str
        Least class of the flares that count as what happened.
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
    flareless = by_outcome.pop("no flare", [])
    longest = max(map(len, by_outcome.values()), default=0)
    in_turn = [row[k] for k in range(longest) for row in by_outcome.values() if k < len(row)]
    return tuple((in_turn + flareless)[:most])

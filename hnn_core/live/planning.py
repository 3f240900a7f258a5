"""The plan of a data set from the catalogues, flares and the hours before them, and its cost."""

from collections import Counter, defaultdict
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
from astropy.time import Time

from hnn_core.catalogs.queries import find_flares, harps_of, noaas_of
from hnn_core.catalogs.store import Catalog
from hnn_core.jsoc.files import cached
from hnn_core.jsoc.keywords import DEFINITIVE
from hnn_core.live.reporting import counted, duration, size
from hnn_core.magnetogram.conventions import tai_seconds
from hnn_core.magnetogram.sharp import named_t_rec
from hnn_core.regions.base import Flare
from hnn_core.regions.labels import WINDOW_HOURS
from hnn_core.sources.planned import Plan, PlannedFlare, PlannedRegion, PlanRequest

__all__ = ["MOST_LONGITUDE", "NO_HARP", "estimate", "make_plan"]

NO_HARP = "no HARP has its NOAA number"
"""Why a flare gives no frame where JSOC's table of numbers does not hold its region."""

MOST_LONGITUDE = 52.0
"""Degrees from the central meridian up to which magnetograms are needed: x_t lies within 45, and
eleven hours earlier the Sun had turned the region 6 degrees farther east."""

_DEG_PER_HOUR = 0.55
"""Synodic rotation of active regions."""
_HOUR = 3600
_GAP_HOURS = 2  # a gap at the start of a sequence is filled from up to two hours before it
_FRAME_BYTES = 500_000
"""Of a magnetogram where none is here to measure: the mean over HARP 377's 50 hours is 0.35 MB, and
regions with large flares are larger."""
_SECONDS_PER_FRAME = 1.0
"""Of a download from JSOC, queries included; an assumption until this machine has measured."""


def make_plan(catalog: Catalog, request: PlanRequest) -> Plan:
    """Plan a data set.

    Each flare of the class whose association is in DONKI needs the day before its peak and
    the hours by which a sequence reaches further back, of every HARP with its NOAA number.

    Parameters
    ----------
    catalog : Catalog
        Fetched over the span, missing NOAA numbers filled.
    request : PlanRequest

    Returns
    -------
    Plan
        Without regions if no flare gives one.
    """
    found = find_flares(catalog, start=request.start, end=request.end, minimum_class="C")
    excluded: Counter[str] = Counter()
    hours: dict[int, set[int]] = defaultdict(set)
    counts: Counter[int] = Counter()
    row: Any
    for row in found.itertuples():
        if not _flare(row).reaches(request.flare_class):
            continue
        harps, why = _harps(catalog, row)
        needed = _hours_before(row, request.hours)
        if why or not needed:
            excluded[why or "more than 45° from the central meridian"] += 1
            continue
        for harp in harps:
            hours[harp] |= needed
            counts[harp] += 1
    regions = tuple(
        _region(catalog, harp, sorted(hours[harp]), counts[harp], found) for harp in sorted(hours)
    )
    newest = catalog.coverage.groupby("service")["fetched_utc"].max()
    return Plan(
        request=request,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        regions=regions,
        excluded=dict(sorted(excluded.items())),
        catalogues={str(service): str(time) for service, time in newest.items()},
    )


def _harps(catalog: Catalog, row: Any) -> tuple[tuple[int, ...], str]:
    """Return the HARPs of a flare, or why it has none to label."""
    if row.association == "unknown":
        return (), "not in DONKI, so whether a CME came with it is unknown"
    if row.harp:
        return (int(row.harp),), ""
    if not row.noaa:
        return (), "no NOAA number, and no HARP at its position"
    harps = harps_of(catalog, int(row.noaa))
    return harps, "" if harps else NO_HARP


def _hours_before(row: Any, length: int) -> set[int]:
    """Whole hours (unix_tai seconds) that a flare's frames need, as far as they may be near.

    Without a position every hour is kept: the magnetograms' own keywords decide.
    """
    peak = float(tai_seconds(Time(row.peak_utc.to_pydatetime(), scale="utc")))
    reach = WINDOW_HOURS + length - 1 + _GAP_HOURS
    last = int(np.ceil(peak / _HOUR)) - 1
    hours = {hour * _HOUR for hour in range(last - reach + 1, last + 1)}
    longitude = float(row.longitude_deg)
    if np.isnan(longitude):
        return hours
    return {
        hour
        for hour in hours
        if abs(longitude - _DEG_PER_HOUR * (peak - hour) / _HOUR) <= MOST_LONGITUDE
    }


def _region(
    catalog: Catalog, harp: int, hours: list[int], count: int, found: pd.DataFrame
) -> PlannedRegion:
    noaa = noaas_of(catalog, harp)
    own = found[found["noaa"].isin(noaa) | (found["harp"] == harp)]
    filled = tuple(int(number) for number in own["noaa"] if number)
    first = pd.Timestamp(hours[0] - _HOUR, unit="s")
    last = pd.Timestamp(hours[-1] + (WINDOW_HOURS + 1) * _HOUR, unit="s")
    near = own[(own["peak_utc"] >= first) & (own["peak_utc"] <= last)]
    return PlannedRegion(
        harp=harp,
        noaa=tuple(sorted({*noaa, *filled})),
        hours=_spans(hours),
        flares=tuple(_planned(row) for row in near.itertuples()),
        n_flares=count,
    )


def _spans(hours: list[int]) -> tuple[tuple[int, int], ...]:
    """Ascending hours as spans of consecutive ones."""
    spans: list[tuple[int, int]] = []
    for hour in hours:
        if spans and hour == spans[-1][1] + _HOUR:
            spans[-1] = (spans[-1][0], hour)
        else:
            spans.append((hour, hour))
    return tuple(spans)


def _planned(row: Any) -> PlannedFlare:
    texts = (row.goes_class, row.scale, row.association, row.reason)
    return PlannedFlare(row.flare_id, row.peak_utc.isoformat(), *texts)


def _flare(row: Any) -> Flare:
    peak = Time(row.peak_utc.to_pydatetime(), scale="utc")
    return Flare(peak, row.goes_class, scale=row.scale)


def estimate(plan: Plan) -> tuple[str, dict[str, int]]:
    """Estimate what a plan costs, by what is here already.

    Returns
    -------
    text : str
        A sentence.
    values : dict of int
        ``regions``, ``flares``, ``frames`` (magnetograms of the plan's hours), ``here`` (of them on
        this machine), ``bytes`` and ``seconds`` still to go.
    """
    sizes = [n_bytes for region in plan.regions for n_bytes in _sizes(region)]
    here, left = len(sizes), max(plan.n_hours - len(sizes), 0)
    n_bytes = left * (sum(sizes) / here if here else _FRAME_BYTES)
    seconds = left * _SECONDS_PER_FRAME
    values = {
        "regions": len(plan.regions),
        "flares": plan.n_flares,
        "frames": plan.n_hours,
        "here": here,
        "bytes": round(n_bytes),
        "seconds": round(seconds),
    }
    text = (
        f"{counted(len(plan.regions), 'region')}, {counted(plan.n_flares, 'flare')}, "
        f"{counted(plan.n_hours, 'magnetogram')}, of which {here} are here; about {size(n_bytes)} "
        f"and {duration(seconds)} to go, estimated"
    )
    return text, values


def _sizes(region: PlannedRegion) -> list[int]:
    """Sizes of the magnetograms of a region's planned hours that are on this machine."""
    wanted = {round(hour / 3600.0) for hour in region.all_hours}
    found = {
        round(named_t_rec(str(path)) / 3600.0): path.stat().st_size
        for path in cached(DEFINITIVE, region.harp)
    }
    return [size for hour, size in found.items() if hour in wanted]

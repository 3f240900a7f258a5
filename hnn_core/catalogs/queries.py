"""Which flares and CMEs meet conditions.

What the catalogue knows of active regions: their flares, counted and one by one.

Which HARP holds which NOAA region: many to many.

Questions to the catalogue; each answers within 100 ms for 100,000 flares.
"""

import datetime
from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from astropy.time import Time, TimeDelta

from hnn_core.catalogs.donki import cme_start
from hnn_core.catalogs.store import Catalog
from hnn_core.exceptions import RequestError
from hnn_core.regions.base import Cme, Flare
from hnn_core.regions.goes_classes import ROUNDING, FluxScale, flux_of_class, on_scale

__all__ = [
    "Moment",
    "Numbers",
    "as_array",
    "find_cmes",
    "find_flares",
    "find_regions",
    "flares_of_region",
    "harps_of",
    "noaas_of",
    "operational_flux_of",
]


Numbers: TypeAlias = int | Iterable[int]
"""One number or several."""


def harps_of(catalog: Catalog, noaa: Numbers) -> tuple[int, ...]:
    """Return the definitive HARPs that hold a NOAA region, ascending."""
    return _partners(catalog, "noaa", "harp", as_array(noaa))


def noaas_of(catalog: Catalog, harp: Numbers) -> tuple[int, ...]:
    """Return the NOAA regions that a definitive HARP holds, ascending."""
    return _partners(catalog, "harp", "noaa", as_array(harp))


def as_array(numbers: Numbers) -> np.ndarray:
    """Return one number or several as int64 (n,)."""
    given = [numbers] if isinstance(numbers, int | np.integer) else list(numbers)
    return np.array(given, np.int64)


def _partners(catalog: Catalog, given: str, sought: str, numbers: np.ndarray) -> tuple[int, ...]:
    table = catalog.harp_noaa
    found = table[sought].to_numpy()[np.isin(table[given].to_numpy(), numbers)]
    return tuple(int(number) for number in np.unique(found))


Moment: TypeAlias = datetime.date | datetime.datetime | Time
"""A date means the whole day; a `datetime` without a zone is UTC."""
Limits = tuple[float, float]

_DAY = pd.Timedelta(days=1)


def find_flares(
    catalog: Catalog,
    *,
    start: Moment | None = None,
    end: Moment | None = None,
    least_class: str = "",
    scale: FluxScale | None = None,
    noaa: Numbers | None = None,
    harp: Numbers | None = None,
    longitude: Limits | None = None,
    latitude: Limits | None = None,
    associations: Iterable[str] = (),
) -> pd.DataFrame:
    """Return the flares that meet every condition given.

    Parameters
    ----------
    catalog : Catalog
    start, end : date, datetime or Time, optional
        Peaks from `start` to `end`, both included.
    least_class : str
        Such as ``M``, ``M5.0`` or ``X2.2``.
    scale : str, optional
        The scale that `least_class` counts in; without it each flare's class is compared as it is
        shown, whatever its scale.
    noaa : int or several, optional
        NOAA numbers.
    harp : int or several, optional
        HARP numbers; flares with a NOAA number of the HARP count as well.
    longitude, latitude : (float, float), optional
        Degrees, both ends included; flares without a place are left out.
    associations : iterable of str
        Such as ``eruptive``; none means all.

    Returns
    -------
    DataFrame
        Rows of `Catalog.flares`, ascending in peak.

    Raises
    ------
    RequestError
        `least_class` is no class, or the times are reversed.
    """
    flares = _in_time(catalog.flares, "peak_utc", start, end)
    keep = np.ones(len(flares), bool)
    if least_class:
        keep &= _flux(flares, scale) >= _least_flux(least_class) * (1.0 - ROUNDING)
    if noaa is not None:
        keep &= np.isin(flares["noaa"].to_numpy(), as_array(noaa))
    if harp is not None:
        keep &= _of_harps(catalog, flares, as_array(harp))
    for limits, column in ((longitude, "longitude_deg"), (latitude, "latitude_deg")):
        if limits is not None:
            values = flares[column].to_numpy()
            keep &= (values >= min(limits)) & (values <= max(limits))
    if wanted := list(associations):
        keep &= flares["association"].isin(wanted).to_numpy()
    return flares if keep.all() else flares[keep]


def find_cmes(
    catalog: Catalog,
    *,
    start: Moment | None = None,
    end: Moment | None = None,
    noaa: Numbers | None = None,
    least_speed: float = 0.0,
) -> pd.DataFrame:
    """Return the CMEs that meet every condition given.

    Parameters
    ----------
    catalog : Catalog
    start, end : date, datetime or Time, optional
        First seen from `start` to `end`, both included.
    noaa : int or several, optional
    least_speed : float
        km/s; above 0, CMEs without a speed are left out.

    Returns
    -------
    DataFrame
        Rows of `Catalog.cmes`, ascending in start.

    Raises
    ------
    RequestError
        The times are reversed.
    """
    cmes = _in_time(catalog.cmes, "start_utc", start, end)
    keep = np.ones(len(cmes), bool)
    if noaa is not None:
        keep &= np.isin(cmes["noaa"].to_numpy(), as_array(noaa))
    if least_speed > 0:
        keep &= cmes["speed_km_s"].to_numpy() >= least_speed
    return cmes if keep.all() else cmes[keep]


def operational_flux_of(flares: pd.DataFrame) -> np.ndarray:
    """Return the flares' peak flux on the operational scale, W m-2, float64 (n,)."""
    return _flux(flares, "operational")


def _of_harps(catalog: Catalog, flares: pd.DataFrame, harps: np.ndarray) -> np.ndarray:
    by_harp = np.isin(flares["harp"].to_numpy(), harps[harps > 0])
    return by_harp | np.isin(flares["noaa"].to_numpy(), noaas_of(catalog, harps))


def _least_flux(least_class: str) -> float:
    text = least_class.strip().upper()
    try:
        return flux_of_class(text if len(text) > 1 else f"{text}1")
    except ValueError as error:
        raise RequestError(
            f"{least_class!r} is no GOES class; write it as M, M5.0 or X2.2."
        ) from error


def _flux(flares: pd.DataFrame, scale: FluxScale | None) -> np.ndarray:
    flux = flares["flux_w_m2"].to_numpy()
    if scale is None:
        return flux
    other: FluxScale = "science" if scale == "operational" else "operational"
    return np.where((flares["scale"] == scale).to_numpy(), flux, on_scale(flux, other, scale))


def _in_time(
    table: pd.DataFrame, column: str, start: Moment | None, end: Moment | None
) -> pd.DataFrame:
    """Cut a table that ascends in a column of times."""
    times = table[column].to_numpy()
    first, last = 0, len(table)
    if start is not None:
        first = int(np.searchsorted(times, _moment(start).to_datetime64(), "left"))
    if end is not None:
        whole_day = type(end) is datetime.date
        moment = _moment(end) + (_DAY if whole_day else pd.Timedelta(0))
        last = int(np.searchsorted(times, moment.to_datetime64(), "left" if whole_day else "right"))
    if start is not None and end is not None and _moment(end) < _moment(start):
        raise RequestError(f"The span would end on {end}, before it begins on {start}.")
    return table.iloc[first:last]


def _moment(moment: Moment) -> pd.Timestamp:
    """Return a moment in UTC without a zone."""
    if isinstance(moment, Time):
        moment = moment.utc.to_datetime()
    stamp = pd.Timestamp(moment)
    return stamp.tz_convert("UTC").tz_localize(None) if stamp.tzinfo else stamp


_BEFORE = TimeDelta(86400.0, format="sec")
_AFTER = TimeDelta(2 * 86400.0, format="sec")
_COUNTED = ("eruptive", "unlinked", "unknown")


def find_regions(catalog: Catalog, **conditions: Any) -> pd.DataFrame:
    """Count the flares of each NOAA region.

    Parameters
    ----------
    catalog : Catalog
    **conditions
        As for `find_flares`; flares that fail them are not counted.

    Returns
    -------
    DataFrame
        One row a NOAA region, ascending in its first peak: noaa, harps (parted by commas),
        first_peak, last_peak, n_flares, largest_class, eruptive, unlinked, unknown (counts), and
        longitude, latitude (degrees, west positive) of the largest flare.

    Raises
    ------
    RequestError
        As `find_flares`.
    """
    flares = find_flares(catalog, **conditions)
    flares = flares[flares["noaa"].to_numpy() > 0]
    noaa, of_region = np.unique(flares["noaa"].to_numpy(), return_inverse=True)
    if not len(noaa):
        return _empty()
    n_flares = np.bincount(of_region)
    # By region, then by flux: the last of each region is its largest flare.
    order = np.lexsort((operational_flux_of(flares), of_region))
    largest = flares.iloc[order[np.cumsum(n_flares) - 1]]
    by_time = np.argsort(of_region, kind="stable")
    ends = np.cumsum(n_flares)
    peaks = flares["peak_utc"].to_numpy()[by_time]
    association = flares["association"]
    counts = {
        kind: np.bincount(of_region[(association == kind).to_numpy()], minlength=len(noaa))
        for kind in _COUNTED
    }
    harps = _harps_by_noaa(catalog)
    table = pd.DataFrame(
        {
            "noaa": noaa,
            "harps": pd.Series([harps.get(int(number), "") for number in noaa], dtype="str"),
            "first_peak": peaks[ends - n_flares],
            "last_peak": peaks[ends - 1],
            "n_flares": n_flares,
            "largest_class": largest["goes_class"].to_numpy(),
            **counts,
            "longitude": largest["longitude_deg"].to_numpy(),
            "latitude": largest["latitude_deg"].to_numpy(),
        }
    )
    return table.sort_values(["first_peak", "noaa"], ignore_index=True)


def flares_of_region(
    catalog: Catalog,
    noaa: Iterable[int],
    harp: int,
    *,
    first: Time,
    last: Time,
    definitive: bool,
) -> tuple[Flare, ...]:
    """Return the flares of one region around the time of its records.

    Parameters
    ----------
    catalog : Catalog
    noaa : iterable of int
    harp : int
    first, last : Time
        Of the records; peaks count from a day before to two days after.
    definitive : bool
        Whether the HARP number is definitive: those of the near-real-time series mean other
        regions, so they find nothing here.

    Returns
    -------
    tuple of Flare
        Ascending in peak, with their CMEs.
    """
    near = find_flares(catalog, start=first - _BEFORE, end=last + _AFTER)
    keep = np.isin(near["noaa"].to_numpy(), [number for number in noaa if number > 0])
    if definitive and harp > 0:
        keep |= near["harp"].to_numpy() == harp
    rows = near[keep]
    if rows.empty:
        return ()
    peaks = Time(rows["peak_utc"].to_numpy(), scale="utc")
    peaks.format = "isot"
    cmes = _cmes(catalog, {name for ids in rows["cme_ids"] for name in ids.split(";") if name})
    return tuple(
        _flare(row, peak, cmes) for row, peak in zip(rows.itertuples(), peaks, strict=True)
    )


def _flare(row: Any, peak: Time, cmes: dict[str, Cme]) -> Flare:
    return Flare(
        peak=peak,
        goes_class=row.goes_class,
        association=row.association,
        scale=row.scale,
        id=row.flare_id,
        cmes=tuple(cmes[name] for name in row.cme_ids.split(";") if name in cmes),
        reason=row.reason,
    )


def _cmes(catalog: Catalog, names: set[str]) -> dict[str, Cme]:
    """Return CMEs by id; of one whose record was not fetched the id tells the start."""
    found: dict[str, Cme] = {}
    if names:
        table = catalog.cmes[catalog.cmes["cme_id"].isin(names)]
        for name, begun, speed in zip(
            table["cme_id"], table["start_utc"].to_numpy(), table["speed_km_s"], strict=True
        ):
            found[name] = Cme(name, Time(begun, scale="utc"), float(speed))
    for name in sorted(names - set(found)):
        if (told := cme_start(name)) is not None:
            found[name] = Cme(name, Time(told, scale="utc"))
    return found


def _harps_by_noaa(catalog: Catalog) -> dict[int, str]:
    known = catalog.memo.get("harps_by_noaa")
    if isinstance(known, dict):
        return known
    names: dict[int, str] = {}
    for harp, noaa in catalog.harp_noaa.sort_values(["harp"]).itertuples(index=False):
        names[noaa] = f"{names[noaa]},{harp}" if noaa in names else str(harp)
    catalog.memo["harps_by_noaa"] = names
    return names


def _empty() -> pd.DataFrame:
    kinds = {
        "noaa": "int64",
        "harps": "str",
        "first_peak": "datetime64[us]",
        "last_peak": "datetime64[us]",
        "n_flares": "int64",
        "largest_class": "str",
        **dict.fromkeys(_COUNTED, "int64"),
        "longitude": "float64",
        "latitude": "float64",
    }
    return pd.DataFrame({name: pd.Series([], dtype=kind) for name, kind in kinds.items()})

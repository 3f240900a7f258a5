"""Which flares and CMEs meet conditions."""

import datetime
from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
import pandas as pd
from astropy.time import Time

from hnn_core.catalogs.goes_classes import OPERATIONAL_OVER_SCIENCE, flux_of_class
from hnn_core.catalogs.region_numbers import Numbers, as_array, noaas_of
from hnn_core.catalogs.store import Catalog
from hnn_core.exceptions import RequestError
from hnn_core.sources.base import FluxScale

__all__ = ["Moment", "find_cmes", "find_flares", "operational_flux_of"]

Moment: TypeAlias = datetime.date | datetime.datetime | Time
"""A date means the whole day; a `datetime` without a zone is UTC."""
Limits = tuple[float, float]

_ROUNDING = 1e-9  # 1e-5 times 5.0 may fall short of 5e-5 in its last bit
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
        keep &= _flux(flares, scale) >= _least_flux(least_class) * (1.0 - _ROUNDING)
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
    other = (flares["scale"] != scale).to_numpy()
    factor = OPERATIONAL_OVER_SCIENCE if scale == "operational" else 1 / OPERATIONAL_OVER_SCIENCE
    return np.where(other, flux * factor, flux)


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

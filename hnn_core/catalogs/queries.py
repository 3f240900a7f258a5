"""Queries of the catalogue: flares, CMEs, numbers of regions, each within 100 ms.

That holds for 100,000 flares. Which HARP holds which NOAA region is many to many.
"""

import datetime
from collections.abc import Collection, Iterable
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from astropy.time import Time, TimeDelta

from hnn_core.catalogs.donki import cme_start
from hnn_core.catalogs.raw import Span
from hnn_core.catalogs.store import Catalog
from hnn_core.exceptions import RequestError
from hnn_core.regions.base import Cme, Flare, FlareLookup, Region
from hnn_core.regions.goes_classes import ROUNDING, flux_of_class, on_scale

__all__ = [
    "Moment",
    "find_cmes",
    "find_flares",
    "flare_lookups",
    "flares_of_region",
    "harps_of",
    "is_covered",
    "missing_spans",
    "noaas_of",
]

Moment: TypeAlias = datetime.date | datetime.datetime | Time
"""A date means the whole day; a `datetime` without a zone is UTC."""
_Limits: TypeAlias = tuple[float, float]

_COMPLETE = ("HEK", "NCEI")
"""Services, as the coverage names them, whose lists hold all flares."""
_DAY = pd.Timedelta(days=1)
_BEFORE = TimeDelta(86400.0, format="sec")
_AFTER = TimeDelta(2 * 86400.0, format="sec")


def harps_of(catalog: Catalog, noaa: int) -> tuple[int, ...]:
    """Return the definitive HARPs that hold a NOAA region, ascending."""
    return _partners(catalog, "noaa", "harp", noaa)


def noaas_of(catalog: Catalog, harp: int) -> tuple[int, ...]:
    """Return the NOAA regions that a definitive HARP holds, ascending."""
    return _partners(catalog, "harp", "noaa", harp)


def find_flares(
    catalog: Catalog,
    *,
    start: Moment | None = None,
    end: Moment | None = None,
    minimum_class: str = "",
    operational: bool = False,
    noaa: int | None = None,
    harp: int | None = None,
    longitude: _Limits | None = None,
    latitude: _Limits | None = None,
    associations: Iterable[str] = (),
) -> pd.DataFrame:
    """Return the flares that meet every condition given.

    Parameters
    ----------
    catalog : Catalog
    start, end : date, datetime or Time, optional
        Peaks from `start` to `end`, both included.
    minimum_class : str
        Such as ``M``, ``M5.0`` or ``X2.2``.
    operational : bool
        Count `minimum_class` on the operational scale, as labels do; else each flare's class is
        compared as it is shown, whatever its scale.
    noaa : int, optional
    harp : int, optional
        Flares with a NOAA number of the HARP count as well.
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
        `minimum_class` is no class, or the times are reversed.
    """
    flares = _in_time(catalog.flares, "peak_utc", start, end)
    keep = np.ones(len(flares), bool)
    if minimum_class:
        keep &= _flux(flares, operational=operational) >= _minimum_flux(minimum_class) * (
            1.0 - ROUNDING
        )
    if noaa is not None:
        keep &= flares["noaa"].to_numpy() == noaa
    if harp is not None:
        of_noaa = np.isin(flares["noaa"].to_numpy(), noaas_of(catalog, harp))
        keep &= of_noaa | (harp > 0) & (flares["harp"].to_numpy() == harp)
    for limits, column in ((longitude, "longitude_deg"), (latitude, "latitude_deg")):
        if limits is not None:
            values = flares[column].to_numpy()
            keep &= (values >= min(limits)) & (values <= max(limits))
    if wanted := list(associations):
        keep &= flares["association"].isin(wanted).to_numpy()
    return flares if keep.all() else flares[keep]


def find_cmes(catalog: Catalog, start: Moment, end: Moment) -> pd.DataFrame:
    """Return the CMEs first seen from `start` to `end`, both included, ascending in start.

    Raises RequestError if the times are reversed.
    """
    return _in_time(catalog.cmes, "start_utc", start, end)


def flares_of_region(catalog: Catalog, region: Region, *, definitive: bool) -> tuple[Flare, ...]:
    """Return the flares of one region around the time of its records.

    Parameters
    ----------
    catalog : Catalog
    region : Region
        Peaks count from a day before its first record to two days after its last.
    definitive : bool
        Whether the HARP number is definitive: those of the near-real-time series mean other
        regions, so they find nothing here.

    Returns
    -------
    tuple of Flare
        Ascending in peak, with their CMEs.
    """
    near = find_flares(catalog, start=region.first - _BEFORE, end=region.last + _AFTER)
    keep = np.isin(near["noaa"].to_numpy(), [number for number in region.noaa if number > 0])
    if definitive and region.harp > 0:
        keep |= near["harp"].to_numpy() == region.harp
    rows = near[keep]
    if rows.empty:
        return ()
    peaks = Time(rows["peak_utc"].to_numpy(), scale="utc")
    peaks.format = "isot"
    cmes = _cmes(catalog, {name for ids in rows["cme_ids"] for name in ids.split(";") if name})
    return tuple(
        _flare(row, peak, cmes) for row, peak in zip(rows.itertuples(), peaks, strict=True)
    )


def flare_lookups(catalog: Catalog) -> tuple[FlareLookup, ...]:
    """Return the spans in which flares were looked up, of NCEI and HEK together, ascending.

    DONKI holds only a part of the flares, so that its spans do not count. A report of NCEI that is
    younger than its year reaches to its last flare.
    """
    table = catalog.coverage[catalog.coverage["service"].isin(_COMPLETE)]
    spans: list[list[Any]] = []
    row: Any
    for row in table.sort_values("start").itertuples():
        end = row.end
        year = Span("", row.start.date(), datetime.date(row.start.year + 1, 1, 1))
        if row.service == "NCEI" and not year.is_settled(row.fetched_utc):
            end = _last_of_ncei(catalog, row.start, end)
        if spans and row.start <= spans[-1][1]:
            spans[-1][1] = max(spans[-1][1], end)
            spans[-1][2].add(row.service)
        else:
            spans.append([row.start, end, {row.service}])
    return tuple(
        FlareLookup(
            f"the catalogue of {' and '.join(sorted(services))}",
            *(Time(moment.to_pydatetime(), scale="utc") for moment in (start, end)),
        )
        for start, end, services in spans
        if start < end
    )


def is_covered(
    catalog: Catalog, services: Collection[str], start: datetime.date, end: datetime.date
) -> bool:
    """Return whether any part of a span of days, both included, was fetched from the services.

    Parameters
    ----------
    catalog : Catalog
    services : collection of str
        As the coverage names them: NCEI, HEK, DONKI FLR, DONKI CME.
    start, end : date
    """
    table = catalog.coverage
    inside = (table["start"] < _moment(end) + _DAY) & (table["end"] > _moment(start))
    return bool((inside & table["service"].isin(services)).any())


def missing_spans(catalog: Catalog) -> pd.DataFrame:
    """Return what was not fetched of each service between its first and its last span.

    Returns
    -------
    DataFrame
        service, start and end, midnights in UTC, ascending.
    """
    rows = []
    for service, spans in catalog.coverage.sort_values("start").groupby("service"):
        known = spans["end"].cummax().shift()
        rows += [
            {"service": service, "start": end, "end": start}
            for end, start in zip(known, spans["start"], strict=True)
            if start > end
        ]
    return pd.DataFrame(rows, columns=["service", "start", "end"])


def _last_of_ncei(catalog: Catalog, start: pd.Timestamp, end: pd.Timestamp) -> pd.Timestamp:
    flares = _in_time(catalog.flares, "peak_utc", start.to_pydatetime(), end.to_pydatetime())
    peaks = flares["peak_utc"][flares["sources"].str.contains("NCEI")]
    return peaks.max() if len(peaks) else start


def _partners(catalog: Catalog, given: str, sought: str, number: int) -> tuple[int, ...]:
    table = catalog.harp_noaa
    return tuple(sorted({int(one) for one in table.loc[table[given] == number, sought]}))


def _minimum_flux(minimum_class: str) -> float:
    text = minimum_class.strip().upper()
    try:
        return flux_of_class(text if len(text) > 1 else f"{text}1")
    except ValueError as error:
        raise RequestError(
            f"{minimum_class!r} is no GOES class; write it as M, M5.0 or X2.2."
        ) from error


def _flux(flares: pd.DataFrame, *, operational: bool) -> np.ndarray:
    flux = flares["flux_w_m2"].to_numpy()
    true = (flares["scale"] == "science").to_numpy() & operational
    return np.where(true, on_scale(flux, "science", "operational"), flux)


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


def _flare(row: Any, peak: Time, cmes: dict[str, Cme]) -> Flare:
    return Flare(
        peak=peak,
        goes_class=row.goes_class,
        association=row.association,
        scale=row.scale,
        id=row.flare_id,
        cmes=tuple(cmes[name] for name in row.cme_ids.split(";") if name in cmes),
        reason=row.reason,
        source=", ".join(row.sources.split(",")),
    )


def _cmes(catalog: Catalog, names: set[str]) -> dict[str, Cme]:
    """Return CMEs by id; of one whose record was not fetched the id holds the start."""
    table = catalog.cmes[catalog.cmes["cme_id"].isin(names)] if names else catalog.cmes[:0]
    columns = table["cme_id"], table["start_utc"].to_numpy(), table["speed_km_s"]
    found = {
        name: Cme(name, Time(start, scale="utc"), float(speed))
        for name, start, speed in zip(*columns, strict=True)
    }
    starts = {name: cme_start(name) for name in names - set(found)}
    return found | {name: Cme(name, Time(at, scale="utc")) for name, at in starts.items() if at}

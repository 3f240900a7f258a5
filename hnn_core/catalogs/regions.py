"""What the catalogue knows of active regions: their flares, counted and one by one."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from astropy.time import Time, TimeDelta

from hnn_core.catalogs.donki_cmes import cme_start
from hnn_core.catalogs.filters import find_flares, operational_flux_of
from hnn_core.catalogs.store import Catalog
from hnn_core.sources.base import Cme, Flare

__all__ = ["find_regions", "flares_of_region"]

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

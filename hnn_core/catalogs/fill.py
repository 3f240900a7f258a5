"""The region of flares whose number no catalogue tells, by their position inside a HARP's box."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hnn_core.catalogs.filled import keep_numbers, parse_filled
from hnn_core.catalogs.filters import Moment, find_flares
from hnn_core.catalogs.raw import RawFolder
from hnn_core.catalogs.store import Catalog, refresh_tables

__all__ = ["keep_filled", "missing_noaa", "noaa_at"]


def missing_noaa(
    catalog: Catalog, least_class: str, start: Moment | None, end: Moment | None
) -> pd.DataFrame:
    """Return the flares that have a position, no region, and were not looked for yet.

    Parameters
    ----------
    catalog : Catalog
    least_class : str
        Cumulative, on the operational scale, as labels count it.
    start, end : date, datetime or Time, optional

    Returns
    -------
    DataFrame
        Rows of `Catalog.flares`.
    """
    flares = find_flares(
        catalog, start=start, end=end, least_class=least_class, scale="operational"
    )
    looked_for: set[str] = set()
    for reply in RawFolder(catalog.folder).newest("position").values():
        looked_for |= set(parse_filled(reply.read()))
    without = (flares["noaa"] == 0) & (flares["harp"] == 0) & flares["longitude_deg"].notna()
    return flares[without & ~flares["flare_id"].isin(looked_for)]


def keep_filled(catalog_folder: Path, filled: pd.DataFrame) -> None:
    """Keep the regions found for flares, and derive the table of flares again.

    Parameters
    ----------
    catalog_folder : Path
    filled : DataFrame
        flare_id, harp, noaa; 0 where nothing was found, which is kept too, so that it is not
        looked for again.

    Raises
    ------
    DiskFullError
    """
    numbers = {
        str(name): (int(harp), int(noaa))
        for name, harp, noaa in zip(filled["flare_id"], filled["harp"], filled["noaa"], strict=True)
    }
    if numbers:
        keep_numbers(RawFolder(catalog_folder), numbers)
        refresh_tables(catalog_folder)


def noaa_at(boxes: pd.DataFrame, longitude: float, latitude: float) -> tuple[int, int]:
    """Return the region at a position.

    Parameters
    ----------
    boxes : DataFrame
        One row a HARP: harp, noaa (a number or several), lon_min, lon_max, lat_min, lat_max in
        degrees from the central meridian and the equator; boxes with a NaN hold nothing.
    longitude, latitude : float
        Degrees, west and north positive.

    Returns
    -------
    harp, noaa : int
        0 where no box holds the position; of several boxes the one whose centre is nearest, in
        units of the box. The NOAA number is 0 where the HARP has none or several.
    """
    if boxes.empty or math.isnan(longitude) or math.isnan(latitude):
        return 0, 0
    lon_min, lon_max, lat_min, lat_max = (
        boxes[name].to_numpy(float) for name in ("lon_min", "lon_max", "lat_min", "lat_max")
    )
    inside = (
        (lon_min <= longitude)
        & (longitude <= lon_max)
        & (lat_min <= latitude)
        & (latitude <= lat_max)
    )
    if not inside.any():
        return 0, 0
    away = np.hypot(
        (longitude - (lon_min + lon_max) / 2) / np.maximum(lon_max - lon_min, 1e-6),
        (latitude - (lat_min + lat_max) / 2) / np.maximum(lat_max - lat_min, 1e-6),
    )
    nearest = boxes.iloc[int(np.argmin(np.where(inside, away, np.inf)))]
    return int(nearest["harp"]), _only(nearest["noaa"])


def _only(noaa: Any) -> int:
    numbers = list(noaa) if isinstance(noaa, Iterable) and not isinstance(noaa, str) else [noaa]
    return int(numbers[0]) if len(numbers) == 1 else 0

"""Bringing the catalogues up to date: fetch what is due, keep the replies, derive the tables.

The region of flares whose number no catalogue has is found by position inside a HARP's box, and
kept like a reply.
"""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from filelock import FileLock

from hnn_core.catalogs.client import Refresh, ignore
from hnn_core.catalogs.derive import parse_filled
from hnn_core.catalogs.donki import Donki
from hnn_core.catalogs.hek import Hek
from hnn_core.catalogs.ncei import Ncei
from hnn_core.catalogs.queries import Moment, find_flares
from hnn_core.catalogs.raw import RawFolder, Span, spans, utc_now
from hnn_core.catalogs.records import HarpNoaa
from hnn_core.catalogs.store import Catalog, catalogs_home, refresh_tables
from hnn_core.regions.words import FIRST_LIGHT

__all__ = [
    "keep_filled",
    "missing_noaa",
    "noaa_at",
    "refresh_cmes",
    "refresh_flares",
    "refresh_harp_noaa",
]

_MOST_PROBLEMS = 20  # noted one by one


def refresh_flares(
    start: date,
    end: date,
    *,
    again: bool = False,
    progress: Callable[[int, int, str], None] = ignore,
    note: Callable[[str], None] = ignore,
) -> Refresh:
    """Fetch the flares of a span: NCEI's reports, and HEK's list of every month.

    In the months that NCEI covers, HEK has the region numbers that NCEI lacks (most of September
    2017), and the announced classes. Where it fails there, NCEI's flares are used as they are,
    which is noted.

    Parameters
    ----------
    start, end : date
        UTC, both included; what lies in the future is left out.
    again : bool
        Request settled spans too.
    progress : callable (done, total, name), optional
        Called after each span.
    note : callable (sentence), optional
        Called with sentences on retries and on records left out.

    Returns
    -------
    Refresh
        A service that fails is named there, in `failed`, and is no error.

    Raises
    ------
    RequestError
        `end` lies before `start`.
    DiskFullError
    """
    refresh = Refresh(catalogs_home(), again, progress, note)
    reports, months = spans("year", start, end), spans("month", start, end)
    refresh.total = len(reports) + len(months)
    ncei = Ncei(refresh)
    ncei.fetch_all(reports)
    known_until = {year.start.year: ncei.known_until(year) for year in reports}
    covered = [month for month in months if known_until[month.start.year] >= month.ends]
    hek = Hek(refresh)
    hek.fetch_all([month for month in months if month not in covered])
    needed = refresh.failed
    hek.fetch_all(covered)
    for sentence in refresh.failed[len(needed) :]:
        refresh.note(f"NCEI's flares are used without HEK's numbers of regions. {sentence}")
    refresh.failed = needed
    return _derived(refresh)


def refresh_cmes(
    start: date,
    end: date,
    *,
    again: bool = False,
    progress: Callable[[int, int, str], None] = ignore,
    note: Callable[[str], None] = ignore,
) -> Refresh:
    """Fetch DONKI's flares by month and its CMEs by week, and link them.

    Parameters, errors and what a failure does are those of `refresh_flares`.
    """
    refresh = Refresh(catalogs_home(), again, progress, note)
    months, weeks = spans("month", start, end), spans("week", start, end)
    refresh.total = len(months) + len(weeks)
    Donki(refresh, "FLR").fetch_all(months)
    Donki(refresh, "CME").fetch_all(weeks)
    return _derived(refresh)


def refresh_harp_noaa(*, again: bool = False, note: Callable[[str], None] = ignore) -> Refresh:
    """Fetch JSOC's table of HARP and NOAA numbers; one is good for 30 days.

    Parameters and errors are those of `refresh_flares`.
    """
    refresh = Refresh(catalogs_home(), again, note=note, total=1)
    HarpNoaa(refresh).fetch_all([Span("all", FIRST_LIGHT, utc_now().date())])
    return _derived(refresh)


def _derived(refresh: Refresh) -> Refresh:
    """Derive the tables, and note what of the replies fetched now could not be used."""
    problems = refresh_tables(refresh.folder)
    left_out = [words for name, words in problems if name in refresh.new]
    for sentence in left_out[:_MOST_PROBLEMS]:
        refresh.note(f"Left out: {sentence}.")
    if len(left_out) > _MOST_PROBLEMS:
        refresh.note(f"Left out: {len(left_out) - _MOST_PROBLEMS} further records.")
    return refresh


def missing_noaa(
    catalog: Catalog, minimum_class: str, start: Moment | None, end: Moment | None
) -> pd.DataFrame:
    """Return the flares that have a position, no region, and were not looked for yet.

    Parameters
    ----------
    catalog : Catalog
    minimum_class : str
        Cumulative, on the operational scale, as labels count it.
    start, end : date, datetime or Time, optional

    Returns
    -------
    DataFrame
        Rows of `Catalog.flares`.
    """
    flares = find_flares(
        catalog, start=start, end=end, minimum_class=minimum_class, operational=True
    )
    looked_for: set[str] = set()
    for reply in RawFolder(catalog.folder).newest("position").values():
        looked_for |= set(parse_filled(reply))
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
        str(row["flare_id"]): (int(row["harp"]), int(row["noaa"]))
        for row in filled.to_dict("records")
    }
    if not numbers:
        return
    raw, span = RawFolder(catalog_folder), Span("all", date(2010, 1, 1), date(2010, 1, 1))
    raw.path.mkdir(parents=True, exist_ok=True)
    with FileLock(raw.path / ".position.lock"):  # another program adds its own in the same way
        for reply in raw.newest("position").values():
            numbers = {**parse_filled(reply), **numbers}
        content = json.dumps(numbers, sort_keys=True, indent=0).encode()
        raw.keep("position", span, content, url="", fetched=utc_now(), suffix="json")
    refresh_tables(catalog_folder)


def noaa_at(boxes: pd.DataFrame, longitude: float, latitude: float) -> tuple[int, int]:
    """Return the region at a position.

    Parameters
    ----------
    boxes : DataFrame
        One row a HARP: harp, noaa (tuple), lon_min, lon_max, lat_min, lat_max in
        degrees from the central meridian and the equator; boxes with a NaN hold nothing.
    longitude, latitude : float
        Degrees, west and north positive.

    Returns
    -------
    harp, noaa : int
        0 where no box holds the position; of several boxes the one whose centre is nearest, in
        units of the box. The NOAA number is 0 where the HARP has none or several.
    """
    inside = boxes[
        boxes["lon_min"].le(longitude)
        & boxes["lon_max"].ge(longitude)
        & boxes["lat_min"].le(latitude)
        & boxes["lat_max"].ge(latitude)
    ]
    if inside.empty:
        return 0, 0
    (lon_min, lon_max), (lat_min, lat_max) = (
        inside[[f"{axis}_min", f"{axis}_max"]].to_numpy(float).T for axis in ("lon", "lat")
    )
    away = np.hypot(
        (longitude - (lon_min + lon_max) / 2) / np.maximum(lon_max - lon_min, 1e-6),
        (latitude - (lat_min + lat_max) / 2) / np.maximum(lat_max - lat_min, 1e-6),
    )
    nearest = inside.iloc[int(np.argmin(away))]
    numbers = nearest["noaa"]
    return int(nearest["harp"]), int(numbers[0]) if len(numbers) == 1 else 0

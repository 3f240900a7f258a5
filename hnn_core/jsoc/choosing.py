"""Which record serves an hour, by keywords alone: the nearest good one, and its substitutes."""

import math
from collections.abc import Sequence
from typing import cast

import astropy.units as u
import numpy as np
import pandas as pd
from astropy.io.fits import Header
from astropy.time import Time

from hnn_core.exceptions import FitsError
from hnn_core.jsoc.keywords import Series, record_cards
from hnn_core.jsoc.taking import Row
from hnn_core.magnetogram.conventions import tai_seconds
from hnn_core.magnetogram.sequence_plan import REJECTED, TOLERANCE, GoodRecords, good_records
from hnn_core.magnetogram.sharp import NO_DATA, sharp_keywords

__all__ = ["hourly", "keyword_flaw", "substitutes"]

_HOUR = 3600.0


def hourly(
    records: pd.DataFrame,
    first: Time | None,
    last: Time | None,
    *,
    most_longitude: float,
    hours: Sequence[float] | np.ndarray | None = None,
) -> tuple[pd.DataFrame, dict[float, str]]:
    """Choose for every whole hour TAI the good record nearest to it (docs/method.md, "Frames").

    Hours are those of `fetch_region`. The rows returned have a column ``hour`` (unix_tai seconds);
    every other hour comes with the reason, in words. Of two records equally near the earlier is
    taken; one whose position is not known is not too far.
    """
    seconds = records["t_rec"].to_numpy(np.float64)
    quality = records["quality"].to_numpy(np.uint32)
    slots = _slots(seconds, first, last) if hours is None else np.unique(np.asarray(hours, float))
    good = GoodRecords(seconds, quality)
    reach = TOLERANCE.to_value(u.s)
    picks = good.nearest(slots, reach, latest=math.inf)
    longitude = records["longitude"].to_numpy(np.float64)
    rows, kept_hours, missing = [], [], {}
    for slot, pick in zip(slots.tolist(), picks.tolist(), strict=True):
        row = int(good.index[pick]) if pick >= 0 else -1
        if row < 0:
            missing[slot] = _without_good_record(seconds, quality, slot, reach)
        elif abs(longitude[row]) > most_longitude:
            missing[slot] = f"{abs(longitude[row]):.1f}° from the central meridian"
        else:
            rows.append(row)
            kept_hours.append(slot)
    chosen = records.iloc[rows].copy()
    chosen["hour"] = np.array(kept_hours, np.float64)
    return chosen.reset_index(drop=True), missing


def _slots(seconds: np.ndarray, first: Time | None, last: Time | None) -> np.ndarray:
    """All whole hours between two times, or between the first and the last record."""
    reach = TOLERANCE.to_value(u.s)
    start = float(tai_seconds(first)) if first is not None else float(seconds.min()) - reach
    stop = float(tai_seconds(last)) if last is not None else float(seconds.max()) + reach
    return _HOUR * np.arange(math.ceil(start / _HOUR), math.floor(stop / _HOUR) + 1)


def _without_good_record(
    seconds: np.ndarray, quality: np.ndarray, slot: float, reach: float
) -> str:
    near = np.flatnonzero(np.abs(seconds - slot) <= reach)
    if not near.size:
        return f"no record within {reach / 60:.0f} min"
    nearest = int(near[np.argmin(np.abs(seconds[near] - slot))])
    bits = int(quality[nearest])
    if bits & NO_DATA:
        return f"QUALITY {bits:#010x}: no data"
    return f"QUALITY {bits:#010x}: rejected for {bits & REJECTED:#x}"


def substitutes(records: pd.DataFrame, row: Row, *, most_longitude: float) -> list[Row]:
    """Return the other good records that may serve the hour of a chosen one, the nearest first.

    Parameters
    ----------
    records : DataFrame
        As `hourly` takes them.
    row : Row
        As `hourly` returns it.
    most_longitude : float
        Degrees from the central meridian.
    """
    away = (records["t_rec"] - row["hour"]).abs()
    near = away.le(TOLERANCE.to_value(u.s)) & records["t_rec"].ne(row["t_rec"])
    near &= good_records(records["quality"].to_numpy(np.uint32))
    near &= ~records["longitude"].abs().gt(most_longitude)
    order = away[near].sort_values(kind="stable").index  # the earlier of two equally near first
    return cast(list[Row], records.loc[order].assign(hour=row["hour"]).to_dict("records"))


def keyword_flaw(row: Row, series: Series, harp: int) -> str:
    """Say why a record's keywords do not make its file usable; empty if they do."""
    name = series.file_name(harp, row["t_rec"])
    try:
        sharp_keywords(Header(record_cards(row, series)), name)
    except FitsError as error:
        return str(error).replace(name, "the record").split(";")[0].rstrip(".")
    return ""

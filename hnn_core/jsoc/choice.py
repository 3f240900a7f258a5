"""Which records of a region are worth fetching: for every hour the nearest good one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import astropy.units as u
import numpy as np
import pandas as pd
from astropy.time import Time

from hnn_core.records import GoodRecords, QualityPolicy
from hnn_core.sequence_plan import TOLERANCE
from hnn_core.sharp_keywords import NO_DATA
from hnn_core.tai import tai_seconds

__all__ = ["Choice", "hourly"]

_HOUR = 3600.0


@dataclass(frozen=True)
class Choice:
    """The records to fetch, and why some hours have none."""

    chosen: pd.DataFrame
    """Rows of the records, with the column ``hour`` (unix_tai seconds), ascending."""
    missing: dict[float, str] = field(default_factory=dict)
    """Every other hour (unix_tai seconds) and the reason, in words."""


def hourly(
    records: pd.DataFrame,
    first: Time | None,
    last: Time | None,
    *,
    most_longitude: float,
    hours: Sequence[float] | np.ndarray | None = None,
) -> Choice:
    """Choose for every whole hour TAI the good record nearest to it (SCIENCE section 2).

    Parameters
    ----------
    records : DataFrame
        As `hnn_core.jsoc.keywords.record_table` makes it, at the 12-minute cadence.
    first, last : Time or None
        Ends of the hours, both included; None: where the records begin or end.
    most_longitude : float
        Degrees from the central meridian; records farther away are not fetched. A record whose
        position is not known is.
    hours : sequence of float, optional
        Only these hours, unix_tai seconds; `first` and `last` are not looked at.

    Returns
    -------
    Choice
        Of two records equally near the earlier is taken. Several hours never share a record.
    """
    seconds = records["t_rec"].to_numpy(np.float64)
    quality = records["quality"].to_numpy(np.uint32)
    slots = _slots(seconds, first, last) if hours is None else np.unique(np.asarray(hours, float))
    good = GoodRecords(seconds, quality, None)
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
    return Choice(chosen.reset_index(drop=True), missing)


def _slots(seconds: np.ndarray, first: Time | None, last: Time | None) -> np.ndarray:
    """All whole hours between two times, or between the first and the last record."""
    reach = TOLERANCE.to_value(u.s)
    if (first is None and not seconds.size) or (last is None and not seconds.size):
        return np.empty(0)
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
    reject = NO_DATA | QualityPolicy().reject
    return f"QUALITY {bits:#010x}: rejected for {bits & reject:#x}"

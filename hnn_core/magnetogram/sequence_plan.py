"""Which records a sequence of hourly frames uses, and which gaps may be filled.

Planning looks at T_REC and QUALITY alone, so that a whole disk passage is planned without
reading a pixel. The rules are those of SCIENCE section 2.
"""

import astropy.units as u
import numpy as np
from astropy.time import Time
from astropy.units import Quantity

from hnn_core.exceptions import SequenceError
from hnn_core.records import GoodRecords, QualityPolicy
from hnn_core.slots import SequencePlan, SlotPlan
from hnn_core.tai import iso_minute, tai_seconds, time_from_seconds

__all__ = [
    "TOLERANCE",
    "plan_sequence",
    "sequence_hours",
]

TOLERANCE = 24 * u.min
"""How far from its hour a slot's record may lie: two steps of the 12-minute cadence."""

_HOUR = 3600.0
_LONGEST_GAP = 2


def plan_sequence(
    times: Time,
    quality: np.ndarray,
    time: Time,
    length: int = 10,
    *,
    tolerance: Quantity = TOLERANCE,
    policy: QualityPolicy | None = None,
) -> SequencePlan:
    """Choose the records for the hours time - (length - 1) … time.

    A slot takes the good record nearest to its hour within the tolerance (the earlier of two
    equally near), never one later than `time`. One or two consecutive missing slots are
    interpolated between the records either side, weighted by the records' own times; before
    a gap at the start, the slot of one of the two preceding hours serves as the left side, and
    hours missing there count to the gap. The last slot is always real.

    Parameters
    ----------
    times : Time (records,)
        T_REC, in any order.
    quality : ndarray (records,)
        QUALITY.
    time : Time
        Scalar; any minute, slots lie whole hours before it.
    length : int
        Number of hours, m.
    tolerance : Quantity
        At most 30 minutes, so that no record serves two slots.
    policy : QualityPolicy, optional

    Raises
    ------
    SequenceError
        The last hour is missing, or three or more consecutive ones; `missing` names all
        missing hours.
    ValueError
        If the length is not positive or the tolerance too large.
    """
    records = GoodRecords(tai_seconds(times), quality, policy)
    hours = np.array([float(tai_seconds(time))])
    return _raised(_plan_hours(records, hours, length, tolerance)[0])


def sequence_hours(
    times: Time,
    quality: np.ndarray,
    length: int = 10,
    *,
    tolerance: Quantity = TOLERANCE,
    policy: QualityPolicy | None = None,
) -> list[tuple[Time, SequencePlan | SequenceError]]:
    """Plan the sequence of every whole hour TAI of a passage that has a good record.

    Parameters are those of `plan_sequence`. An hour without a record for its own slot is left
    out; one whose sequence fails for another reason is listed with the error.

    Returns
    -------
    list of (Time, SequencePlan or SequenceError)
        Ascending; empty if no record is good.
    """
    records = GoodRecords(tai_seconds(times), quality, policy)
    if not records.seconds.size:
        return []
    reach = tolerance.to_value(u.s)
    first = np.floor(records.seconds[0] / _HOUR)
    hours = _HOUR * np.arange(first, np.floor((records.seconds[-1] + reach) / _HOUR) + 1)
    hours = hours[records.nearest(hours, reach, latest=hours) >= 0]
    plans = _plan_hours(records, hours, length, tolerance)
    return list(zip(time_from_seconds(hours), plans, strict=True))


def _plan_hours(
    records: GoodRecords, hours: np.ndarray, length: int, tolerance: Quantity
) -> list[SequencePlan | SequenceError]:
    """Plan the sequence that ends at each hour; unix_tai seconds (hours,)."""
    reach = tolerance.to_value(u.s)
    if length < 1 or not 0 <= reach <= _HOUR / 2:
        raise ValueError(f"no sequence of {length} hours with a tolerance of {tolerance}")
    span = length + _LONGEST_GAP
    slots = hours[:, None] - _HOUR * np.arange(span)[::-1]  # (hours, span), ascending
    picks = records.nearest(slots, reach, latest=hours[:, None])
    return [_plan(records, slots[i], picks[i].tolist()) for i in range(len(hours))]


def _plan(
    records: GoodRecords, slots: np.ndarray, picks: list[int]
) -> SequencePlan | SequenceError:
    """Plan one sequence from the picked records of its slots, two of them before its start."""
    missing = [i for i in range(_LONGEST_GAP, len(picks)) if picks[i] < 0]
    if picks[-1] < 0:
        return _refused(slots, missing, "the last one must be real")
    plans = []
    for i in range(_LONGEST_GAP, len(picks)):
        if picks[i] >= 0:
            plans.append(_slot(records, slots[i], picks[i], picks[i]))
            continue
        left, right = i - 1, i + 1
        while left >= 0 and picks[left] < 0:
            left -= 1
        while picks[right] < 0:
            right += 1
        if right - left - 1 > _LONGEST_GAP:
            if right - _LONGEST_GAP <= _LONGEST_GAP:
                # The gap is too long only by the hours before the window: name these as well.
                missing = sorted({*missing, *range(left + 1, right)})
            return _refused(slots, missing, "at most two consecutive hours can be interpolated")
        plans.append(_slot(records, slots[i], picks[left], picks[right]))
    return SequencePlan(tuple(plans))


def _slot(records: GoodRecords, time: float, left: int, right: int) -> SlotPlan:
    weight = 0.0
    if left != right:
        start, stop = records.seconds[left], records.seconds[right]
        weight = float((time - start) / (stop - start))
    return SlotPlan(
        time=float(time),
        left=int(records.index[left]),
        right=int(records.index[right]),
        weight=weight,
        flagged=bool(records.flagged[left] or records.flagged[right]),
    )


def _refused(slots: np.ndarray, missing: list[int], rule: str) -> SequenceError:
    hours = [iso_minute(slots[i]) for i in missing]
    return SequenceError(
        f"No sequence for {iso_minute(slots[-1])} TAI: no good magnetogram for "
        f"{_ranges(slots, missing)}; {rule}.",
        tuple(hours),
    )


def _ranges(slots: np.ndarray, missing: list[int]) -> str:
    """Name hours shortly: ``2011-02-14T20:00 to 2011-02-14T22:00, 2011-02-15T01:00``."""
    runs: list[list[int]] = []
    for i in missing:
        if runs and i == runs[-1][-1] + 1:
            runs[-1].append(i)
        else:
            runs.append([i])
    ends = [[iso_minute(slots[i]) for i in (run[0], run[-1])] for run in runs]
    return ", ".join(first if first == last else f"{first} to {last}" for first, last in ends)


def _raised(plan: SequencePlan | SequenceError) -> SequencePlan:
    if isinstance(plan, SequenceError):
        raise plan
    return plan

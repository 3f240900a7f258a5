"""Which records a sequence of hourly frames uses, and which gaps may be filled.

Planning looks at T_REC and QUALITY alone, so that a whole disk passage is planned without
reading a pixel. The rules are those of docs/method.md, "Frames".
"""

from dataclasses import dataclass

import astropy.units as u
import numpy as np
from astropy.time import Time

from hnn_core.exceptions import SequenceError
from hnn_core.magnetogram.conventions import iso_minute, tai_seconds, time_from_seconds
from hnn_core.magnetogram.sharp import NO_DATA

__all__ = [
    "REJECTED",
    "TOLERANCE",
    "GoodRecords",
    "SequencePlan",
    "SlotPlan",
    "good_records",
    "hour_of_time",
    "plan_sequence",
    "sequence_hours",
]

REJECTED = NO_DATA | 0x4000 | 0x200 | 0x20
"""Bits of QUALITY of which none may be set in a record that is used, by default."""

TOLERANCE = 24 * u.min
"""How far from its hour a slot's record may lie: two steps of the 12-minute cadence."""

_HOUR = 3600.0
_REACH = TOLERANCE.to_value(u.s)
_LONGEST_GAP = 2


def good_records(quality: np.ndarray, rejected: int = REJECTED) -> np.ndarray:
    """Find the records that may be used.

    Parameters
    ----------
    quality : ndarray (records,)
        QUALITY, unsigned or signed 32-bit.
    rejected : int
        Bits of which none may be set; bit 31, no data, is always one of them.

    Returns
    -------
    ndarray, bool (records,)

    Raises
    ------
    ValueError
        If `rejected` is not an unsigned 32-bit mask.
    """
    if not 0 <= rejected <= 0xFFFF_FFFF:
        raise ValueError(f"rejected must be an unsigned 32-bit mask, not {rejected!r}")
    return (np.asarray(quality).astype(np.int64) & (NO_DATA | rejected)) == 0


class GoodRecords:
    """The good records of a region in time order, and the search in them.

    Parameters
    ----------
    seconds : ndarray (records,)
        T_REC, unix_tai seconds, in any order.
    quality : ndarray (records,)
        QUALITY.
    rejected : int
        As for `good_records`.
    """

    def __init__(self, seconds: np.ndarray, quality: np.ndarray, rejected: int = REJECTED) -> None:
        quality = np.asarray(quality)
        if seconds.shape != quality.shape or seconds.ndim != 1:
            raise ValueError(
                f"times {seconds.shape} and quality {quality.shape} must have one axis alike"
            )
        order = np.argsort(seconds, kind="stable")
        order = order[good_records(quality, rejected)[order]]
        self.index = order
        """Index of each good record in the order given."""
        self.seconds = seconds[order]
        self.flagged = quality[order] != 0

    def nearest(self, slots: np.ndarray, reach: float, latest: float | np.ndarray) -> np.ndarray:
        """Position of the good record nearest to each slot, -1 where none is in reach.

        None later than `latest`; the earlier of two equally near.
        """
        if not self.seconds.size:
            return np.full(slots.shape, -1)
        after = np.searchsorted(self.seconds, slots, side="left")
        before = np.clip(after - 1, 0, None)
        behind = np.clip(after, None, self.seconds.size - 1)
        lag = np.abs(slots - self.seconds[before])
        lead = np.abs(self.seconds[behind] - slots)
        lead = np.where(self.seconds[behind] <= latest, lead, np.inf)
        lag = np.where(self.seconds[before] <= latest, lag, np.inf)
        picks = np.where(lead < lag, behind, before)
        return np.where(np.minimum(lead, lag) <= reach, picks, -1)


@dataclass(frozen=True, order=True)
class SlotPlan:
    """Where the frame of one hour comes from; ordered by time."""

    time: float
    """The slot's hour, unix_tai seconds."""
    left: int
    """Index of the record used; of the earlier neighbour where interpolated."""
    right: int
    """Index of the later neighbour; equal to `left` for a real frame."""
    weight: float
    """Share of the later neighbour, 0 for a real frame."""
    flagged: bool
    """True where a record used has any QUALITY bit set, such as 0x10400."""

    @property
    def interpolated(self) -> bool:
        """True where the hour has no record of its own."""
        return self.left != self.right


@dataclass(frozen=True)
class SequencePlan:
    """The records of a sequence, by their indices in the times it was planned on."""

    slots: tuple[SlotPlan, ...]
    """One for each hour, ascending; the last is x_t and always real."""

    @property
    def hours(self) -> Time:
        """The nominal hours of the slots, TAI, (T,)."""
        return time_from_seconds(np.array([slot.time for slot in self.slots]))

    @property
    def records(self) -> tuple[int, ...]:
        """Indices of all records needed, ascending, each once."""
        return tuple(sorted({index for slot in self.slots for index in (slot.left, slot.right)}))


def hour_of_time(times: Time, quality: np.ndarray, time: Time, *, rejected: int = REJECTED) -> Time:
    """Return the whole hour by which a sequence that ends at any time is known.

    It is the latest whole hour TAI whose magnetogram was there at that time: a T_REC of 17:36 that
    serves 18:00 means 18:00, and 17:36 where 18:00 has a record of its own means 17:00, for a
    sequence holds nothing later than the time that was requested.

    Parameters
    ----------
    times : Time (records,)
        T_REC, in any order.
    quality : ndarray (records,)
        QUALITY.
    time : Time
        Scalar; a whole hour is returned as it is, whether it has a record or not.
    rejected : int
        As for `good_records`.
    """
    seconds = float(tai_seconds(time))
    hour = np.floor(seconds / _HOUR) * _HOUR
    if hour == seconds:
        return time
    records = GoodRecords(tai_seconds(times), quality, rejected)
    following = np.array([hour + _HOUR])
    (pick,) = records.nearest(following, _REACH, latest=following)
    served = pick >= 0 and records.seconds[pick] <= seconds
    return time_from_seconds(hour + _HOUR if served else hour)


def plan_sequence(
    times: Time, quality: np.ndarray, time: Time, length: int = 10, *, rejected: int = REJECTED
) -> SequencePlan:
    """Choose the records for the hours time - (length - 1) … time.

    A slot takes the good record nearest to its hour within `TOLERANCE` (the earlier of two
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
    rejected : int
        As for `good_records`.

    Raises
    ------
    SequenceError
        The last hour is missing, or three or more consecutive ones; `missing` names all
        missing hours.
    ValueError
        If the length is not positive.
    """
    records = GoodRecords(tai_seconds(times), quality, rejected)
    (plan,) = _plan_hours(records, np.array([float(tai_seconds(time))]), length)
    if isinstance(plan, SequenceError):
        raise plan
    return plan


def sequence_hours(
    times: Time, quality: np.ndarray, length: int = 10, *, rejected: int = REJECTED
) -> list[tuple[Time, SequencePlan | SequenceError]]:
    """Plan the sequence of every whole hour TAI of a passage that has a good record.

    Parameters are those of `plan_sequence`. An hour without a record for its own slot is left
    out; one whose sequence fails for another reason is listed with the error.

    Returns
    -------
    list of (Time, SequencePlan or SequenceError)
        Ascending; empty if no record is good.
    """
    records = GoodRecords(tai_seconds(times), quality, rejected)
    if not records.seconds.size:
        return []
    first = np.floor(records.seconds[0] / _HOUR)
    hours = _HOUR * np.arange(first, np.floor((records.seconds[-1] + _REACH) / _HOUR) + 1)
    hours = hours[records.nearest(hours, _REACH, latest=hours) >= 0]
    plans = _plan_hours(records, hours, length)
    return list(zip(time_from_seconds(hours), plans, strict=True))


def _plan_hours(
    records: GoodRecords, hours: np.ndarray, length: int
) -> list[SequencePlan | SequenceError]:
    """Plan the sequence that ends at each hour; unix_tai seconds (hours,)."""
    if length < 1:
        raise ValueError(f"a sequence has one hour or more, not {length}")
    span = length + _LONGEST_GAP
    slots = hours[:, None] - _HOUR * np.arange(span)[::-1]  # (hours, span), ascending
    picks = records.nearest(slots, _REACH, latest=hours[:, None])
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

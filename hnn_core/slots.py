"""What a planned sequence is: for every hour the record, or the pair to interpolate between."""

from dataclasses import dataclass

import numpy as np
from astropy.time import Time

from hnn_core.tai import time_from_seconds

__all__ = ["SequencePlan", "SlotPlan"]


@dataclass(frozen=True)
class SlotPlan:
    """Where the frame of one hour comes from."""

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

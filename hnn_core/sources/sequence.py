"""The hourly frames a prediction needs, with their gaps filled."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from astropy.time import Time

from hnn_core.exceptions import FitsError, OffLimbError, SequenceError, UnknownRegionError
from hnn_core.magnetogram.conventions import iso_minute, iso_second, tai_seconds, time_from_seconds
from hnn_core.magnetogram.interpolation import interpolate_frames
from hnn_core.magnetogram.magnetogram import Magnetogram
from hnn_core.magnetogram.sequence_plan import (
    SequencePlan,
    SlotPlan,
    plan_sequence,
)
from hnn_core.magnetogram.sharp import NO_DATA
from hnn_core.regions.base import Region, Source

__all__ = ["Sequence", "build_sequence"]

_REPLANS = 5


@dataclass(frozen=True, eq=False)
class Sequence:
    """The hourly frames that end at one time, ascending; T of them."""

    region: Region
    hours: Time
    """The nominal hours, TAI, (T,)."""
    frames: tuple[Magnetogram, ...]
    interpolated: tuple[bool, ...]
    """True for frames made from their neighbours in time."""
    flagged: tuple[bool, ...]
    """True for frames whose records have any (accepted) QUALITY bit set."""
    notes: tuple[str, ...] = ()
    """Why records were left out: files that broke on reading."""

    @property
    def t_rec(self) -> Time:
        """T_REC of the frames, TAI, (T,): the record's own; the slot's where interpolated."""
        return time_from_seconds(np.array([float(tai_seconds(f.t_rec)) for f in self.frames]))

    @property
    def iso_times(self) -> tuple[str, ...]:
        """T_REC of the frames, ISO seconds, TAI."""
        return tuple(iso_second(frame.t_rec) for frame in self.frames)

    @property
    def longitude(self) -> float:
        """Of x_t, degrees from the central meridian, west positive; NaN when it is not known."""
        return float(self.frames[-1].longitude.to_value("deg"))

    def __len__(self) -> int:
        return len(self.frames)


def build_sequence(
    source: Source,
    region_id: str,
    time: Time,
    length: int = 10,
    *,
    frame: Callable[[str, Time], Magnetogram] | None = None,
) -> Sequence:
    """Read the frames of a sequence and fill its gaps.

    A record that breaks on reading counts as missing, and the sequence is planned again
    without it; the reason is kept in `notes`. If the record of the last hour breaks, its
    error is raised.

    Parameters
    ----------
    source : Source
    region_id : str
        `Region.id`.
    time : Time
        The last hour, any minute.
    length : int
        Number of hours, m.
    frame : callable (region id, Time) -> Magnetogram, optional
        Reads a record; `source.frame` by default. A page passes one that caches.

    Raises
    ------
    UnknownRegionError
    SequenceError
        Hours are missing, or the frames either side of a gap have different shapes.
    FitsError, OffLimbError
        The record of the last hour cannot be read.

    Examples
    --------
    >>> from hnn_core import build_sequence, open_source
    >>> source = open_source("sim:")
    >>> sequence = build_sequence(source, "SIM 3", source.times("SIM 3")[22], 3)
    >>> sequence.interpolated
    (True, False, False)
    """
    region = _region(source, region_id)
    times, quality = source.times(region_id), source.quality(region_id).copy()
    read: dict[int, Magnetogram] = {}
    notes: list[str] = []
    for _ in range(_REPLANS):
        try:
            plan = plan_sequence(times, quality, time, length)
        except SequenceError as error:
            raise _with_notes(error, notes) from error
        broken = _read_records(plan, times, region_id, frame or source.frame, read)
        if not broken:
            return Sequence(
                region=region,
                hours=plan.hours,
                frames=tuple(_frame(slot, read) for slot in plan.slots),
                interpolated=tuple(slot.interpolated for slot in plan.slots),
                flagged=tuple(slot.flagged for slot in plan.slots),
                notes=tuple(notes),
            )
        for index, reason in broken.items():
            quality[index] = NO_DATA
            notes.append(str(reason))
    raise _with_notes(
        SequenceError(f"No sequence for {iso_minute(time)} TAI: too many records broke."), notes
    )


def _region(source: Source, region_id: str) -> Region:
    for region in source.regions():
        if region.id == region_id:
            return region
    known = ", ".join(region.id for region in source.regions()[:5])
    raise UnknownRegionError(f"There is no region {region_id!r} in {source.spec}; it has {known}.")


def _read_records(
    plan: SequencePlan,
    times: Time,
    region_id: str,
    frame: Callable[[str, Time], Magnetogram],
    read: dict[int, Magnetogram],
) -> dict[int, FitsError | OffLimbError]:
    """Read what the plan needs and is not read yet; return the errors of broken records."""
    broken: dict[int, FitsError | OffLimbError] = {}
    for index in reversed(plan.records):
        if index in read:
            continue
        try:
            read[index] = frame(region_id, times[index])
        except (FitsError, OffLimbError) as error:
            if index == plan.slots[-1].left:
                raise
            broken[index] = error
    return broken


def _frame(slot: SlotPlan, read: dict[int, Magnetogram]) -> Magnetogram:
    if not slot.interpolated:
        return read[slot.left]
    return interpolate_frames(read[slot.left], read[slot.right], time_from_seconds(slot.time))


def _with_notes(error: SequenceError, notes: list[str]) -> SequenceError:
    """Add to a refusal what broke on reading, since a reader sees those files as present."""
    if not notes:
        return error
    return SequenceError(
        f"{error} Left out because they broke on reading: {' '.join(notes)}", error.missing
    )

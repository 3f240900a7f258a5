"""The hourly frames a prediction needs, with their gaps filled."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from astropy.time import Time

from hnn_core.exceptions import FitsError, PositionError, SequenceError
from hnn_core.magnetogram.conventions import iso_minute, iso_second, tai_seconds, time_from_seconds
from hnn_core.magnetogram.grid import frame_boxes
from hnn_core.magnetogram.interpolation import interpolate_frames
from hnn_core.magnetogram.magnetogram import Magnetogram
from hnn_core.magnetogram.sequence_plan import (
    REJECTED,
    SequencePlan,
    SlotPlan,
    hour_of_time,
    plan_sequence,
)
from hnn_core.magnetogram.sharp import NO_DATA
from hnn_core.regions.base import Region, Source

__all__ = ["FrameReader", "Sequence", "build_sequence", "shown_hour"]

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
    rejected: int = REJECTED,
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
        The last hour; any other minute means the hour that `shown_hour` gives.
    length : int
        Number of hours, m.
    rejected : int
        Bits of QUALITY of which a record may have none; bit 31, no data, is always one of them.
    frame : callable (region id, Time) -> Magnetogram, optional
        Reads a record; `source.frame` by default. A page passes one that caches.

    Raises
    ------
    UnknownRegionError
    SequenceError
        Hours are missing, or it is not known how the patches lie on each other.
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
    times, quality = source.times(region_id), source.quality(region_id).copy()
    region = next(region for region in source.regions() if region.id == region_id)
    time = hour_of_time(times, quality, time, rejected=rejected)
    reader = FrameReader(frame or source.frame, region_id, times, held=len(times))
    for _ in range(_REPLANS):
        quality[list(reader.broken)] = NO_DATA
        try:
            plan = plan_sequence(times, quality, time, length, rejected=rejected)
        except SequenceError as error:
            raise _with_notes(error, reader.notes) from error
        if not _broken(reader, plan):
            frames = tuple(reader.frame(slot) for slot in plan.slots)
            frame_boxes(frames)  # refuses those that do not lie on each other
            return Sequence(
                region=region,
                hours=plan.hours,
                frames=frames,
                interpolated=tuple(slot.interpolated for slot in plan.slots),
                flagged=tuple(slot.flagged for slot in plan.slots),
                notes=reader.notes,
            )
    raise _with_notes(
        SequenceError(f"No sequence for {iso_minute(time)} TAI: too many records broke."),
        reader.notes,
    )


def shown_hour(source: Source, region_id: str, time: Time) -> Time:
    """Return the whole hour, TAI, by which pages, links, files and answers name a sequence.

    See `hnn_core.magnetogram.sequence_plan.hour_of_time`. Raises UnknownRegionError.
    """
    if float(tai_seconds(time)) % 3600.0 == 0.0:
        return time
    return hour_of_time(source.times(region_id), source.quality(region_id), time)


class FrameReader:
    """Reads the frames of planned slots of a region, and remembers which records broke.

    Parameters
    ----------
    read : callable (region id, Time) -> Magnetogram
    region_id : str
    times : Time (records,)
        T_REC of the records that the slots are planned on.
    held : int
        Records held in memory, the last ones used.
    """

    def __init__(
        self, read: Callable[[str, Time], Magnetogram], region_id: str, times: Time, *, held: int
    ) -> None:
        self.broken: dict[int, FitsError | PositionError] = {}
        """Why records could not be read, by index."""

        @lru_cache(maxsize=held)
        def record(index: int) -> Magnetogram:
            return read(region_id, times[index])

        self._record = record

    @property
    def notes(self) -> tuple[str, ...]:
        """Why records could not be read, in the order in which they broke."""
        return tuple(str(error) for error in self.broken.values())

    def record(self, index: int) -> Magnetogram:
        """Read a record; one that broke raises its error again, unread."""
        if index in self.broken:
            raise self.broken[index]
        try:
            return self._record(index)
        except (FitsError, PositionError) as error:
            self.broken[index] = error
            raise

    def frame(self, slot: SlotPlan) -> Magnetogram:
        """Read the frame of a slot, or interpolate it.

        Raises
        ------
        FitsError, PositionError
            A record cannot be read.
        SequenceError
            It is not known how the frames either side of the gap lie on each other.
        """
        left = self.record(slot.left)
        if not slot.interpolated:
            return left
        return interpolate_frames(left, self.record(slot.right), time_from_seconds(slot.time))


def _broken(reader: FrameReader, plan: SequencePlan) -> bool:
    """Read what a plan needs, the last hour first; return whether anything broke."""
    before = len(reader.broken)
    for index in reversed(plan.records):
        try:
            reader.record(index)
        except (FitsError, PositionError):
            if index == plan.slots[-1].left:
                raise
    return len(reader.broken) > before


def _with_notes(error: SequenceError, notes: tuple[str, ...]) -> SequenceError:
    """Add to a refusal what broke on reading, since a reader sees those files as present."""
    if not notes:
        return error
    return SequenceError(
        f"{error} Left out because they broke on reading: {' '.join(notes)}", error.missing
    )

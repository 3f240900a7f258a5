"""From one active region to its labelled sequences and the frames they need.

The preprocessed frames of one region, each read once.
"""

import zlib
from collections import Counter, OrderedDict
from dataclasses import dataclass, field

import numpy as np
from astropy.time import Time

from hnn_core.dataset.moments import DEFAULT_HOURS, Moment, Reason, labelled_moments, longer_plans
from hnn_core.exceptions import FitsError, OffLimbError, SequenceError
from hnn_core.magnetogram.conventions import tai_seconds, time_from_seconds
from hnn_core.magnetogram.interpolation import interpolate_frames
from hnn_core.magnetogram.magnetogram import Magnetogram
from hnn_core.magnetogram.preprocess import PreprocessConfig, preprocess
from hnn_core.magnetogram.sequence_plan import SequencePlan, SlotPlan
from hnn_core.magnetogram.sharp import NO_DATA
from hnn_core.regions.base import Region, Source
from hnn_core.regions.goes_classes import FLARE_CLASSES
from hnn_core.regions.labels import NEGATIVE, NO_LABEL, POSITIVE, flare_label, flares_ahead

__all__ = [
    "MOST_LONGITUDE",
    "BuildOptions",
    "Frame",
    "LabelledSequence",
    "RegionFrames",
    "RegionPart",
    "read_region",
]


_NATIVE_KEPT = 16  # patches at full size, for the gaps: a megabyte each


@dataclass(frozen=True, eq=False)
class Frame:
    """One hour as the network sees it, and what is known about it."""

    pixels: np.ndarray
    """float16 (size, size) within [-1, 1], as `hnn_core.magnetogram.preprocess` makes them."""
    hour: float
    """Nominal hour of the slot, unix_tai seconds."""
    t_rec: float
    """unix_tai seconds: the record's own; the hour where interpolated."""
    quality: int
    flagged: bool
    interpolated: bool
    longitude: float
    """Degrees from the central meridian."""
    latitude: float
    unsigned_flux: float
    """Sum of |B| dA over the whole native patch, no threshold, Mx; NaN pixels left out."""
    crc32: int
    """Of the pixels' bytes, little-endian."""


class RegionFrames:
    """Reads, interpolates and preprocesses the frames of one region.

    Parameters
    ----------
    source : Source
    region : str
        `Region.id`.
    times : Time (records,)
        T_REC of the records.
    config : PreprocessConfig
    """

    def __init__(self, source: Source, region: str, times: Time, config: PreprocessConfig) -> None:
        self.times = times
        self.broken: dict[int, str] = {}
        """Records that could not be read, by index, with the reason."""
        self._source, self._region, self._config = source, region, config
        self._frames: dict[tuple[float, int, int], Frame] = {}
        self._native: OrderedDict[int, Magnetogram] = OrderedDict()

    def of(self, slot: SlotPlan) -> Frame:
        """Return the frame of a slot.

        Raises
        ------
        FitsError, OffLimbError
            A record cannot be read; it is listed in `broken`.
        SequenceError
            The frames either side of the gap have different shapes.
        """
        key = (slot.time, slot.left, slot.right)
        if key not in self._frames:
            native = self._read(slot.left)
            if slot.interpolated:
                time = time_from_seconds(slot.time)
                native = interpolate_frames(native, self._read(slot.right), time)
            self._frames[key] = self._preprocessed(native, slot)
        return self._frames[key]

    def _read(self, index: int) -> Magnetogram:
        if index not in self._native:
            try:
                self._native[index] = self._source.frame(self._region, self.times[index])
            except (FitsError, OffLimbError) as error:
                self.broken[index] = str(error)
                raise
            while len(self._native) > _NATIVE_KEPT:
                self._native.popitem(last=False)
        return self._native[index]

    def _preprocessed(self, native: Magnetogram, slot: SlotPlan) -> Frame:
        image, _ = preprocess(native.field, self._config)
        pixels = image.astype("<f2")
        area = float(native.pixel_area.to_value("cm2"))
        return Frame(
            pixels=pixels,
            hour=slot.time,
            t_rec=float(tai_seconds(native.t_rec)),
            quality=native.quality,
            flagged=slot.flagged,
            interpolated=slot.interpolated,
            longitude=float(native.longitude.to_value("deg")),
            latitude=float(native.latitude.to_value("deg")),
            unsigned_flux=float(np.nansum(np.abs(native.field), dtype=np.float64)) * area,
            crc32=zlib.crc32(pixels.tobytes()),
        )


MOST_LONGITUDE = 45.0
"""Degrees from the central meridian; beyond it a frame is not trained on (docs/method.md,
"Frames")."""

_Key = tuple[float, int, int]  # hour, left and right record: one hour may have two frames


@dataclass(frozen=True)
class BuildOptions:
    """What decides how a region's frames become labelled sequences."""

    policy: str
    hours: int
    """Longest sequence stored, at least `DEFAULT_HOURS`."""
    preprocess: PreprocessConfig


@dataclass(frozen=True)
class LabelledSequence:
    """One labelled x_t and where its frames are."""

    moment: Moment
    longitude: float
    """Of x_t, degrees from the central meridian."""
    unsigned_flux: float
    """Of x_t, Mx."""
    rows: tuple[int, ...]
    """Frames of the part, ascending in time, the last is x_t; -1 in front where there is none."""


@dataclass(frozen=True, eq=False)
class RegionPart:
    """What one region gives to a data set."""

    region: Region
    frames: list[Frame]
    """Ascending in hour; only those that a sequence needs."""
    sequences: list[LabelledSequence]
    excluded: dict[str, int]
    """Hours that gave no sequence, by `Reason`."""
    flares: dict[str, dict[str, list[str]]]
    """Ids of the flares of each class: eruptive and confined ones that label a sequence, unknown
    ones that peak within a day after a good record."""
    broken: list[str] = field(default_factory=list)
    """Why records could not be read."""


def read_region(source: Source, region: Region, options: BuildOptions) -> RegionPart:
    """Label a region, read what its sequences need, and preprocess it.

    A record that breaks on reading counts as missing from then on, as in
    `hnn_core.sources.sequence.build_sequence`.

    Parameters
    ----------
    source : Source
    region : Region
        With the flares to label by, whichever table they come from.
    options : BuildOptions

    References
    ----------
    docs/method.md, "Frames" and "Labels".
    """
    times = source.times(region.id)
    quality = np.asarray(source.quality(region.id)).astype(np.uint32)
    frames = RegionFrames(source, region.id, times, options.preprocess)
    while True:
        quality[list(frames.broken)] = NO_DATA
        moments, excluded = labelled_moments(times, quality, region.flares, options.policy)
        longer = longer_plans(times, quality, options.hours) if moments else {}
        try:
            found = _sequences(moments, longer, frames, excluded, options.hours)
        except (FitsError, OffLimbError):
            continue  # `frames` keeps what it has read and knows what broke
        return _part(region, frames, found, excluded, options)


def _sequences(
    moments: list[Moment],
    longer: dict[float, list[SequencePlan]],
    frames: RegionFrames,
    excluded: Counter[str],
    hours: int,
) -> list[tuple[Moment, list[SlotPlan]]]:
    """Choose the slots of every usable x_t; read them; count the others."""
    found = []
    for moment in moments:
        x_t = frames.of(moment.plan.slots[-1])
        if not np.isfinite(x_t.longitude):
            excluded[Reason.NO_LONGITUDE] += 1
            continue
        if abs(x_t.longitude) > MOST_LONGITUDE:
            excluded[Reason.FAR] += 1
            continue
        # Each plan ends with the slots of the shorter ones, so the longest comes first.
        plan = next(iter(longer.get(moment.hour, [])), moment.plan)
        slots = _readable(plan, frames)
        if len(slots) < DEFAULT_HOURS:
            excluded[Reason.SHAPES] += 1
            continue
        found.append((moment, slots[-hours:]))
    return found


def _readable(plan: SequencePlan, frames: RegionFrames) -> list[SlotPlan]:
    """Slots of the end of a plan up to the first that cannot be interpolated, ascending."""
    slots: list[SlotPlan] = []
    for slot in reversed(plan.slots):
        try:
            frames.of(slot)
        except SequenceError:
            break
        slots.insert(0, slot)
    return slots


def _part(
    region: Region,
    frames: RegionFrames,
    found: list[tuple[Moment, list[SlotPlan]]],
    excluded: Counter[str],
    options: BuildOptions,
) -> RegionPart:
    needed = {_key(slot): slot for _, slots in found for slot in slots}
    order = {key: row for row, key in enumerate(sorted(needed))}
    sequences = []
    for moment, slots in found:
        rows = [order[_key(slot)] for slot in slots]
        x_t = frames.of(slots[-1])
        padding = [-1] * (options.hours - len(rows))
        sequences.append(
            LabelledSequence(moment, x_t.longitude, x_t.unsigned_flux, (*padding, *rows))
        )
    return RegionPart(
        region=region,
        frames=[frames.of(needed[key]) for key in order],
        sequences=sequences,
        excluded={str(reason): count for reason, count in excluded.items() if count},
        flares=_flares(region, frames, [moment.t_rec for moment, _ in found], options.policy),
        broken=[str(reason) for reason in frames.broken.values()],
    )


def _key(slot: SlotPlan) -> _Key:
    return slot.time, slot.left, slot.right


def _flares(
    region: Region, frames: RegionFrames, labelled: list[float], policy: str
) -> dict[str, dict[str, list[str]]]:
    good = [i for i in range(len(frames.times)) if i not in frames.broken]
    label_times = time_from_seconds(np.array(labelled, dtype=np.float64))
    before_label = np.any(flares_ahead(label_times, region.flares), axis=1)
    before_record = np.any(flares_ahead(frames.times[good], region.flares), axis=1)
    counted: dict[str, dict[str, list[str]]] = {}
    for name in FLARE_CLASSES:
        kinds: dict[str, list[str]] = {"eruptive": [], "confined": [], "unknown": []}
        for i, flare in enumerate(region.flares):
            label = flare_label(flare, name, policy)
            if label == NO_LABEL and flare.reaches(name) and before_record[i]:
                kinds["unknown"].append(flare.id)
            elif label != NO_LABEL and before_label[i]:
                kinds[{POSITIVE: "eruptive", NEGATIVE: "confined"}[label]].append(flare.id)
        counted[name] = kinds
    return counted

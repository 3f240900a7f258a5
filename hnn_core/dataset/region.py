"""From one active region to its labelled sequences and the frames they need, as rows of tables.

Rows are plain values, so that they can be kept as JSON until all regions are read, by one process
or by several.
"""

import os
import signal
import threading
import zlib
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from typing import Any

import numpy as np
from astropy.time import Time

from hnn_core.dataset.moments import DEFAULT_HOURS, Moment, Reason, labelled_moments, longer_plans
from hnn_core.exceptions import DatasetError, FitsError, OffLimbError, SequenceError
from hnn_core.magnetogram.conventions import TRAINED_LONGITUDE, tai_seconds, time_from_seconds
from hnn_core.magnetogram.grid import Place
from hnn_core.magnetogram.magnetogram import Magnetogram
from hnn_core.magnetogram.preprocess import CropBox, PreprocessConfig, crop_boxes, preprocess
from hnn_core.magnetogram.sequence_plan import SequencePlan, SlotPlan
from hnn_core.magnetogram.sharp import NO_DATA
from hnn_core.regions.base import Region, Source
from hnn_core.regions.goes_classes import FLARE_CLASSES
from hnn_core.regions.labels import NEGATIVE, NO_LABEL, POSITIVE, flare_label, flares_ahead
from hnn_core.sources import open_source
from hnn_core.sources.header_rows import cpu_count
from hnn_core.sources.sequence import FrameReader

__all__ = ["BuildOptions", "RegionPart", "cpu_count", "parts_in_order", "read_region"]

_AHEAD = 2  # parts that may wait beyond those being read, so that memory has a bound
_NATIVE_KEPT = 16  # patches at full size, for the gaps: a megabyte each


@dataclass(frozen=True)
class BuildOptions:
    """What decides how a region's frames become labelled sequences."""

    policy: str
    hours: int
    """Longest sequence stored, at least `DEFAULT_HOURS`."""
    preprocess: PreprocessConfig


@dataclass(frozen=True, eq=False)
class RegionPart:
    """What one region gives to a data set."""

    pixels: list[np.ndarray]
    """float16 (size, size) of each frame that a sequence needs, ascending in hour."""
    values: dict[str, Any]
    """``frames`` and ``sequences``, rows of the tables without ``group``, which is known only when
    all regions are; ``excluded``, hours that gave no sequence, by `Reason`; ``flares`` of each
    class by id, eruptive and confined ones that label a sequence and unknown ones that peak within
    a day after a good record; ``broken``, why records could not be read; ``noted``, what is
    unusual about those that are used."""

    def placed(self, first_row: int) -> dict[str, Any]:
        """Return the values for JSON, with the rows that the frames have in the data set."""
        frames = [{**row, "row": first_row + i} for i, row in enumerate(self.values["frames"])]
        sequences = [
            {**row, "rows": [first_row + at if at >= 0 else -1 for at in row["rows"]]}
            for row in self.values["sequences"]
        ]
        return {**self.values, "first_row": first_row, "frames": frames, "sequences": sequences}


def read_region(source: Source, region: Region, options: BuildOptions) -> RegionPart:
    """Label a region, read what its sequences need, and preprocess it (docs/method.md).

    The region comes with the flares to label by, whichever table they are from. A record that
    breaks on reading counts as missing from then on, as in
    `hnn_core.sources.sequence.build_sequence`.
    """
    times = source.times(region.id)
    quality = np.asarray(source.quality(region.id)).astype(np.uint32)
    frames = _RegionFrames(source, region.id, times, options.preprocess)
    while True:
        quality[list(frames.reader.broken)] = NO_DATA
        moments, excluded = labelled_moments(times, quality, region.flares, options.policy)
        longer = longer_plans(times, quality, options.hours) if moments else {}
        try:
            found = _sequences(moments, longer, frames, excluded, options.hours)
        except (FitsError, OffLimbError):
            continue  # `frames` keeps what it has read and knows what broke
        return _part(region, frames, found, excluded, options)


_Cut = tuple[SlotPlan, CropBox]
"""A frame and what the network sees of it."""


@dataclass(frozen=True, eq=False)
class _Frame:
    place: Place
    row: dict[str, Any]
    """Of the table of frames, without the region, the place there and what the pixels decide."""
    notes: tuple[str, ...]


class _RegionFrames:
    """Reads, interpolates and preprocesses the frames of one region, each once.

    Where the patch changes its box a frame is cut for each sequence about that one's centre.
    """

    def __init__(self, source: Source, region: str, times: Time, config: PreprocessConfig) -> None:
        self.times = times
        self.reader = FrameReader(source.frame, region, times, held=_NATIVE_KEPT)
        self._config = config
        self._frames: dict[SlotPlan, _Frame] = {}  # one hour may have two
        self._pixels: dict[_Cut, np.ndarray] = {}

    def of(self, slot: SlotPlan) -> _Frame:
        """Return the frame of a slot; see `FrameReader.frame` for the errors."""
        if slot not in self._frames:
            native = self.reader.frame(slot)
            self._frames[slot] = self._described(native, slot)
            # Most are seen about their own centre: cut while the native pixels are here.
            own = crop_boxes([native], self._config.crop)[0]
            self._pixels[slot, own] = self._preprocessed(native, own)
        return self._frames[slot]

    def boxes(self, slots: list[SlotPlan]) -> list[CropBox]:
        """Return what the network sees of each frame of a sequence; errors as for `crop_boxes`."""
        return crop_boxes([self.of(slot).place for slot in slots], self._config.crop)

    def cuts(self, slots: list[SlotPlan]) -> list[_Cut]:
        """Cut the frames of a sequence."""
        found = list(zip(slots, self.boxes(slots), strict=True))
        for slot, box in found:
            if (slot, box) not in self._pixels:
                self._pixels[slot, box] = self._preprocessed(self.reader.frame(slot), box)
        return found

    def pixels(self, cut: _Cut) -> np.ndarray:
        """Return float16 (size, size) within [-1, 1] of one of the `cuts`."""
        return self._pixels[cut]

    def _preprocessed(self, native: Magnetogram, box: CropBox) -> np.ndarray:
        return preprocess(native.field, self._config, box)[0].astype("<f2")

    def _described(self, native: Magnetogram, slot: SlotPlan) -> _Frame:
        # Over the whole native patch, no threshold; NaN pixels are left out.
        flux = float(np.nansum(np.abs(native.field), dtype=np.float64))
        row = {
            "hour": _milliseconds(slot.time),
            "t_rec": _milliseconds(float(tai_seconds(native.t_rec))),
            "quality": int(native.quality),
            "flagged": bool(slot.flagged),
            "interpolated": slot.interpolated,
            "longitude": float(native.longitude.to_value("deg")),
            "latitude": float(native.latitude.to_value("deg")),
            "unsigned_flux_mx": flux * float(native.pixel_area.to_value("cm2")),
        }
        return _Frame(Place.of(native), row, native.notes)


def _sequences(
    moments: list[Moment],
    longer: dict[float, SequencePlan],
    frames: _RegionFrames,
    excluded: Counter[str],
    hours: int,
) -> list[tuple[Moment, list[_Cut]]]:
    """Choose the frames of every usable x_t; read them; count the others."""
    found = []
    for moment in moments:
        longitude = frames.of(moment.plan.slots[-1]).row["longitude"]
        if not np.isfinite(longitude):
            excluded[Reason.NO_LONGITUDE] += 1
            continue
        if abs(longitude) > TRAINED_LONGITUDE:
            excluded[Reason.FAR] += 1
            continue
        # A plan ends with the slots of the shorter ones.
        cuts = _readable(longer.get(moment.hour, moment.plan), frames)
        if len(cuts) < DEFAULT_HOURS:
            excluded[Reason.APART] += 1
            continue
        found.append((moment, cuts[-hours:]))
    return found


def _readable(plan: SequencePlan, frames: _RegionFrames) -> list[_Cut]:
    """Frames at the end of a plan up to the first that does not lie on the others, ascending."""
    slots: list[SlotPlan] = []
    for slot in reversed(plan.slots):
        try:
            frames.boxes([slot, *slots])
        except SequenceError:
            break
        slots.insert(0, slot)
    return frames.cuts(slots)


def _part(
    region: Region,
    frames: _RegionFrames,
    found: list[tuple[Moment, list[_Cut]]],
    excluded: Counter[str],
    options: BuildOptions,
) -> RegionPart:
    names = {
        "region": region.id,
        "harp": region.harp,
        "noaa": " ".join(str(number) for number in region.noaa),
    }
    needed = sorted({cut for _, cuts in found for cut in cuts})
    order = {cut: row for row, cut in enumerate(needed)}
    sequences = []
    for moment, cuts in found:
        rows = [order[cut] for cut in cuts]
        x_t = frames.of(cuts[-1][0]).row
        sequences.append(
            {
                **names,
                "hour": _milliseconds(moment.hour),
                "t_rec": _milliseconds(moment.t_rec),
                "longitude": x_t["longitude"],
                "unsigned_flux_mx": x_t["unsigned_flux_mx"],
                # Ascending in time, the last is x_t; -1 in front where there is none.
                "rows": [-1] * (options.hours - len(rows)) + rows,
                **_labels(moment),
            }
        )
    pixels = [frames.pixels(cut) for cut in needed]
    described = [
        names | frames.of(slot).row | {"crc32": zlib.crc32(image.tobytes())}
        for (slot, _), image in zip(needed, pixels, strict=True)
    ]
    values = {
        "region": region.id,
        "frames": described,
        "sequences": sequences,
        "excluded": {str(reason): count for reason, count in excluded.items() if count},
        "flares": _flares(region, frames, [moment.t_rec for moment, _ in found], options.policy),
        "broken": list(frames.reader.notes),
        "noted": list(dict.fromkeys(note for slot, _ in needed for note in frames.of(slot).notes)),
    }
    return RegionPart(pixels, values)


def _labels(moment: Moment) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, flare in moment.flares.items():
        row[f"label_{name}"] = moment.labels[name]
        row[f"flare_{name}"] = flare.id if flare else ""
        row[f"goes_{name}"] = flare.goes_class if flare else ""
        row[f"peak_{name}"] = _utc_milliseconds(flare.peak) if flare else None
    return row


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000.0)


def _utc_milliseconds(time: Time) -> int:
    nanoseconds = np.datetime64(time.utc.datetime64, "ns").astype(np.int64)
    return int((nanoseconds + 500_000) // 1_000_000)


def _flares(
    region: Region, frames: _RegionFrames, labelled: list[float], policy: str
) -> dict[str, dict[str, list[str]]]:
    good = [i for i in range(len(frames.times)) if i not in frames.reader.broken]
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


def parts_in_order(
    source: Source, regions: Sequence[Region], options: BuildOptions, workers: int
) -> Iterator[RegionPart]:
    """Yield the part of each region, in the order given whatever is finished first.

    One worker reads the source in this process; several open it again by its ``spec``, and the
    parts do not depend on their number. Raises DatasetError if a worker process died, as it does
    when it runs out of memory.
    """
    if workers <= 1 or len(regions) <= 1:
        for region in regions:
            yield read_region(source, region, options)
        return
    waiting: deque[Future[RegionPart]] = deque()
    # Fresh processes: threads of this one (zarr's, a page's) must not be forked.
    pool = ProcessPoolExecutor(
        min(workers, len(regions)),
        mp_context=get_context("spawn"),
        initializer=_open,
        initargs=(source.spec,),
    )
    try:
        for region in regions:
            waiting.append(pool.submit(_read, region, options))
            if len(waiting) >= workers + _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise DatasetError(
            "A worker process of the build died, perhaps for want of memory; build again with "
            "fewer workers to resume."
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_opened: list[Source] = []


def _open(spec: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the build itself answers to Ctrl+C
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    _opened.append(open_source(spec))


def _read(region: Region, options: BuildOptions) -> RegionPart:
    return read_region(_opened[-1], region, options)


def _leave_with_parent() -> None:
    """End this worker when the build was killed, which nothing else announces."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)

"""The parts of regions in order, read by one process or by several.

A region's part as table rows of plain values, so that it can be kept until the end.
"""

import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from typing import Any

import numpy as np
from astropy.time import Time

from hnn_core.dataset.region import BuildOptions, Frame, LabelledSequence, RegionPart, read_region
from hnn_core.exceptions import DatasetError
from hnn_core.regions.base import Region, Source
from hnn_core.regions.goes_classes import FLARE_CLASSES
from hnn_core.sources import open_source

__all__ = ["cpu_count", "part_rows", "parts_in_order"]


_AHEAD = 2  # parts that may wait beyond those being read, so that memory has a bound


def cpu_count() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def parts_in_order(
    source: Source, regions: Sequence[Region], options: BuildOptions, workers: int
) -> Iterator[RegionPart]:
    """Yield the part of each region, in the order given whatever is finished first.

    Parameters
    ----------
    source : Source
        Read in this process by one worker; several open it again by its ``spec``.
    regions : sequence of Region
        With the flares to label by.
    options : BuildOptions
    workers : int
        Processes; the parts do not depend on their number.

    Raises
    ------
    DatasetError
        A worker process died, as it does when it runs out of memory.
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
            "fewer workers to go on."
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
    """End this worker when the build was killed: nothing else would tell it."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def part_rows(part: RegionPart, first_row: int) -> dict[str, Any]:
    """Write what a part holds besides pixels as values for JSON.

    Parameters
    ----------
    part : RegionPart
    first_row : int
        Row of its first frame in the data set.

    Returns
    -------
    dict
        ``frames`` and ``sequences`` are rows of `hnn_core.dataset.stored`, without ``group``,
        which is known only when all regions are.
    """
    region = part.region
    names = {
        "region": region.id,
        "harp": region.harp,
        "noaa": " ".join(str(number) for number in region.noaa),
    }
    frames = [
        {**names, "row": first_row + i, **_frame(frame)} for i, frame in enumerate(part.frames)
    ]
    sequences = [{**names, **_sequence(found, first_row)} for found in part.sequences]
    return {
        "region": region.id,
        "first_row": first_row,
        "frames": frames,
        "sequences": sequences,
        "excluded": part.excluded,
        "flares": part.flares,
        "broken": part.broken,
    }


def _frame(frame: Frame) -> dict[str, Any]:
    return {
        "hour": _milliseconds(frame.hour),
        "t_rec": _milliseconds(frame.t_rec),
        "quality": int(frame.quality),
        "flagged": bool(frame.flagged),
        "interpolated": bool(frame.interpolated),
        "longitude": frame.longitude,
        "latitude": frame.latitude,
        "unsigned_flux_mx": frame.unsigned_flux,
        "crc32": int(frame.crc32),
    }


def _sequence(found: LabelledSequence, first_row: int) -> dict[str, Any]:
    moment = found.moment
    row: dict[str, Any] = {
        "hour": _milliseconds(moment.hour),
        "t_rec": _milliseconds(moment.t_rec),
        "longitude": found.longitude,
        "unsigned_flux_mx": found.unsigned_flux,
        "rows": [first_row + local if local >= 0 else -1 for local in found.rows],
    }
    for name in FLARE_CLASSES:
        flare = moment.flares[name]
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

"""The parts of regions in order, read by one process or by several."""

import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process

from hnn_core.dataset.region import BuildOptions, RegionPart, read_region
from hnn_core.exceptions import DatasetError
from hnn_core.regions.base import Region, Source
from hnn_core.sources import open_source
from hnn_core.sources.header_rows import cpu_count

__all__ = ["cpu_count", "parts_in_order"]


_AHEAD = 2  # parts that may wait beyond those being read, so that memory has a bound


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

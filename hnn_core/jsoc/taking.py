"""Downloading the files of chosen records, each kept once it is checked.

A second thread checks files, so that the next ones come meanwhile.
"""

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from hnn_core.exceptions import RefusedError, ServiceFaultError
from hnn_core.jsoc.client import JsocClient, StoredFile
from hnn_core.jsoc.files import Kept, keep, record_path
from hnn_core.jsoc.keywords import Series

__all__ = ["Locate", "Row", "take_files"]

Row = Mapping[str, Any]
"""A chosen record, see `hnn_core.jsoc.choosing.hourly`."""
Locate = Callable[[Sequence[Row]], Mapping[float, StoredFile]]
"""Finds where the files of records lie, by T_REC."""

_BATCH = 25
"""Files whose places are looked up together, for those expire, and that are one turn."""
_MOST_WAITING = 2
"""Downloaded files that may wait for their check."""
_TRIES = 3
"""Downloads of a file whose content is not sound."""
_FAULTS_IN_A_ROW = 3
"""Files without a sound answer after which JSOC, not the file, is at fault."""


def take_files(
    client: JsocClient,
    series: Series,
    harp: int,
    rows: Sequence[Row],
    locate: Locate,
    settled: Callable[[Row, Kept], None],
) -> None:
    """Download and keep the files of some records, in their order.

    Places are looked up in batches just before the download, and anew once they have expired.
    After a batch other processes have their turn. Content that is not sound is downloaded again at
    the end, a few times in all.

    Parameters
    ----------
    client, series, harp
    rows : sequence of Row
    locate : Locate
    settled : callable (row, kept)
        After each file, kept or given up.

    Raises
    ------
    ServiceError, ServiceFaultError, BlockedError, OSError
        As for `hnn_core.jsoc.fetch.fetch_region`; what is kept stays.
    """
    queue: deque[Row] = deque(rows)
    waiting: deque[tuple[Row, Future[Kept]]] = deque()
    tries: Counter[float] = Counter()
    faults = 0

    def settle(most: int) -> None:
        """Take the results that are there, and wait until at most so many are not."""
        while waiting and (len(waiting) > most or waiting[0][1].done()):
            row, future = waiting.popleft()
            kept = future.result()
            tries[row["t_rec"]] += 1
            if kept.again and tries[row["t_rec"]] < _TRIES:
                queue.append(row)
            else:
                settled(row, kept)

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="jsoc-keeper") as keeper:
        while queue:
            batch = [queue.popleft() for _ in range(min(_BATCH, len(queue)))]
            places: dict[float, StoredFile] = {}
            for i, row in enumerate(batch):
                target = record_path(series, harp, row["t_rec"])
                part = target.with_name(f"{target.name}.as-is.part")
                try:
                    place = _download(client, locate, places, batch[i:], part)
                    faults = 0
                except ServiceFaultError as error:
                    faults += 1
                    if faults >= _FAULTS_IN_A_ROW:
                        raise
                    place = StoredFile("", problem=str(error).split(";")[0])
                if place.problem:
                    settled(row, Kept(problem=place.problem, off_line=place.off_line))
                    continue
                check = partial(keep, part, row, series=series, harp=harp, shape=place.shape)
                waiting.append((row, keeper.submit(check)))
                settle(_MOST_WAITING)
            settle(_MOST_WAITING if queue else 0)
            if queue:
                client.transport.give_way()


def _download(
    client: JsocClient,
    locate: Locate,
    places: dict[float, StoredFile],
    rows: Sequence[Row],
    part: Path,
) -> StoredFile:
    """Download the first row's file; where its place has expired, from the new one."""
    t_rec = rows[0]["t_rec"]
    for _ in range(2):
        if t_rec not in places:
            places.update(locate(rows))
        place = places.pop(t_rec)
        if place.problem:
            return place
        try:
            client.transport.download(place.url, part)
        except RefusedError:
            places.clear()  # all of them were looked up at the same time
        else:
            return place
    return StoredFile("", problem="the path that JSOC gives leads nowhere, twice")

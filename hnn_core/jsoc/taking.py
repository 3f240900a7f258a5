"""Which record serves an hour, by keywords alone, and downloading the files of those chosen.

An hour has the nearest good record, and substitutes. A file is kept once it is checked.
A second thread checks files, so that the next ones come meanwhile.
"""

import math
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, cast

import astropy.units as u
import numpy as np
import pandas as pd
from astropy.io.fits import Header
from astropy.time import Time

from hnn_core.exceptions import FitsError, RefusedError, ServiceFaultError
from hnn_core.jsoc.client import JsocClient, StoredFile
from hnn_core.jsoc.files import Kept, keep, record_path
from hnn_core.jsoc.keywords import Series, record_cards
from hnn_core.magnetogram.conventions import tai_seconds
from hnn_core.magnetogram.sequence_plan import REJECTED, TOLERANCE, GoodRecords, good_records
from hnn_core.magnetogram.sharp import NO_DATA, sharp_keywords

__all__ = ["Locate", "Row", "hourly", "keyword_flaw", "substitutes", "take_files"]

Row = Mapping[str, Any]
"""A chosen record, see `hourly`."""
Locate = Callable[[Sequence[Row]], Mapping[float, StoredFile]]
"""Finds where the files of records lie, by T_REC."""

_HOUR = 3600.0
_BATCH = 25
"""Files whose places are looked up together, for those expire, and that are one turn."""
_MOST_WAITING = 2
"""Downloaded files that may wait for their check."""
_TRIES = 3
"""Downloads of a file whose content is not sound."""
_FAULTS_IN_A_ROW = 3
"""Files without a sound answer after which JSOC, not the file, is at fault."""


def hourly(
    records: pd.DataFrame,
    first: Time | None,
    last: Time | None,
    *,
    most_longitude: float,
    hours: Sequence[float] | np.ndarray | None = None,
) -> tuple[pd.DataFrame, dict[float, str]]:
    """Choose for every whole hour TAI the good record nearest to it (docs/method.md, "Frames").

    Hours are those of `fetch_region`. The rows returned have a column ``hour`` (unix_tai seconds);
    every other hour comes with the reason, in words. Of two records equally near the earlier is
    taken; one whose position is not known is not too far.
    """
    seconds = records["t_rec"].to_numpy(np.float64)
    quality = records["quality"].to_numpy(np.uint32)
    slots = _slots(seconds, first, last) if hours is None else np.unique(np.asarray(hours, float))
    good = GoodRecords(seconds, quality)
    reach = TOLERANCE.to_value(u.s)
    picks = good.nearest(slots, reach, latest=math.inf)
    longitude = records["longitude"].to_numpy(np.float64)
    rows, kept_hours, missing = [], [], {}
    for slot, pick in zip(slots.tolist(), picks.tolist(), strict=True):
        row = int(good.index[pick]) if pick >= 0 else -1
        if row < 0:
            missing[slot] = _without_good_record(seconds, quality, slot, reach)
        elif abs(longitude[row]) > most_longitude:
            missing[slot] = f"{abs(longitude[row]):.1f}° from the central meridian"
        else:
            rows.append(row)
            kept_hours.append(slot)
    chosen = records.iloc[rows].copy()
    chosen["hour"] = np.array(kept_hours, np.float64)
    return chosen.reset_index(drop=True), missing


def _slots(seconds: np.ndarray, first: Time | None, last: Time | None) -> np.ndarray:
    """All whole hours between two times, or between the first and the last record."""
    reach = TOLERANCE.to_value(u.s)
    start = float(tai_seconds(first)) if first is not None else float(seconds.min()) - reach
    stop = float(tai_seconds(last)) if last is not None else float(seconds.max()) + reach
    return _HOUR * np.arange(math.ceil(start / _HOUR), math.floor(stop / _HOUR) + 1)


def _without_good_record(
    seconds: np.ndarray, quality: np.ndarray, slot: float, reach: float
) -> str:
    near = np.flatnonzero(np.abs(seconds - slot) <= reach)
    if not near.size:
        return f"no record within {reach / 60:.0f} min"
    nearest = int(near[np.argmin(np.abs(seconds[near] - slot))])
    bits = int(quality[nearest])
    if bits & NO_DATA:
        return f"QUALITY {bits:#010x}: no data"
    return f"QUALITY {bits:#010x}: rejected for {bits & REJECTED:#x}"


def substitutes(records: pd.DataFrame, row: Row, *, most_longitude: float) -> list[Row]:
    """Return the other good records that may serve the hour of a chosen one, the nearest first.

    Parameters
    ----------
    records : DataFrame
        As `hourly` takes them.
    row : Row
        As `hourly` returns it.
    most_longitude : float
        Degrees from the central meridian.
    """
    away = (records["t_rec"] - row["hour"]).abs()
    near = away.le(TOLERANCE.to_value(u.s)) & records["t_rec"].ne(row["t_rec"])
    near &= good_records(records["quality"].to_numpy(np.uint32))
    near &= ~records["longitude"].abs().gt(most_longitude)
    order = away[near].sort_values(kind="stable").index  # the earlier of two equally near first
    return cast(list[Row], records.loc[order].assign(hour=row["hour"]).to_dict("records"))


def keyword_flaw(row: Row, series: Series, harp: int) -> str:
    """Say why a record's keywords do not make its file usable; empty if they do."""
    name = series.file_name(harp, row["t_rec"])
    try:
        sharp_keywords(Header(record_cards(row, series)), name)
    except FitsError as error:
        return str(error).replace(name, "the record").split(";")[0].rstrip(".")
    return ""


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

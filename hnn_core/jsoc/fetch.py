"""Fetching the hourly magnetograms of a region, again and again until all are here.

For every hour the nearest good record is chosen; what is here already is not fetched again.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import astropy.units as u
import numpy as np
import pandas as pd
from astropy.time import Time
from filelock import FileLock, Timeout

from hnn_core.exceptions import NoRecordsError
from hnn_core.jsoc.client import JsocClient, StoredFile
from hnn_core.jsoc.export import check_email, export_batches, exported_files
from hnn_core.jsoc.files import Kept, is_whole, record_path, region_folder, remove_leftovers
from hnn_core.jsoc.keywords import Series
from hnn_core.jsoc.taking import Row, take_files
from hnn_core.magnetogram.conventions import (
    LARGEST_LONGITUDE,
    iso_minute,
    tai_seconds,
    time_from_seconds,
)
from hnn_core.magnetogram.sequence_plan import REJECTED, TOLERANCE, GoodRecords
from hnn_core.magnetogram.sharp import NO_DATA
from hnn_core.storage import room_on_disk

__all__ = ["FetchProgress", "Fetched", "fetch_region"]

_HOUR = 3600.0
_NO_FILE = ("no file at JSOC", "no record at JSOC", "JSOC exported no file")
"""How the reasons begin for which another try brings nothing."""


@dataclass(frozen=True)
class FetchProgress:
    """How far a fetch is."""

    harp: int
    done: int
    """Hours whose magnetogram is here or will not come."""
    total: int
    """Hours with a record; 0 while JSOC has not answered."""
    bytes: int
    """Kept by this fetch so far."""
    text: str
    """The hour just done (ISO minutes, TAI), or a sentence while there is something to wait for."""


@dataclass(frozen=True)
class Fetched:
    """What a fetch came to."""

    new: int
    present: int
    """Magnetograms that were here before."""
    bytes: int
    """Of the new ones."""
    missing: dict[str, str] = field(default_factory=dict)
    """Hours (ISO minutes, TAI) without a magnetogram and why, ascending."""
    failed: dict[str, str] = field(default_factory=dict)
    """Those of the missing hours that JSOC has a file for, which came to nothing this time."""


def fetch_region(
    client: JsocClient,
    series: Series,
    harp: int,
    first: Time | None = None,
    last: Time | None = None,
    *,
    most_longitude: float = LARGEST_LONGITUDE,
    hours: Sequence[float] | np.ndarray | None = None,
    email: str | None = None,
    progress: Callable[[FetchProgress], None] = lambda _: None,
) -> Fetched:
    """Fetch a region's hourly magnetograms into the cache.

    What is here already is not fetched again, so that a fetch that was interrupted or refused
    resumes where it ended. Two fetches of the same region take turns.

    Parameters
    ----------
    client : JsocClient
    series : Series
    harp : int
        HARP number of this series.
    first, last : Time or None
        Both included; None for where the passage begins or ends.
    most_longitude : float
        Degrees from the central meridian beyond which nothing is fetched.
    hours : sequence of float, optional
        Only these whole hours, unix_tai seconds; `first` and `last` are not looked at.
    email : str, optional
        Have JSOC export the files, under this registered address, in place of fetching them as
        they are stored.
    progress : callable (FetchProgress), optional
        After each magnetogram, and while there is something to wait for.

    Raises
    ------
    NoRecordsError
        The series has no record of this region in that time.
    ServiceError, ServiceFaultError, RefusedError, BlockedError
        JSOC does not answer, or will not, or will not export; what is fetched stays.
    RequestError
        The address is none.
    DiskFullError
    """
    if email is not None:
        check_email(email)
    if hours is not None:
        if not len(hours):
            return Fetched(0, 0, 0)
        first, last = time_from_seconds(min(hours)), time_from_seconds(max(hours))
    folder = region_folder(series, harp)
    with (
        room_on_disk(folder, "run the same command again: it resumes"),
        _alone(folder, lambda text: progress(FetchProgress(harp, 0, 0, 0, text))),
        # One connection from the first question on; not while an export is waited for.
        client.transport.turn() if email is None else nullcontext(),
    ):
        # Wider by as much as a record may lie from its hour.
        start = None if first is None else first.tai - TOLERANCE
        stop = None if last is None else last.tai + TOLERANCE
        records = client.records(series, harp, start, stop)
        if records.empty:
            raise NoRecordsError(_no_records(series, harp, first, last))
        chosen, missing = hourly(records, first, last, most_longitude=most_longitude, hours=hours)
        rows = cast(list[Row], chosen.to_dict("records"))
        return _fetch(client, series, harp, rows, missing, email, progress)


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


def _fetch(
    client: JsocClient,
    series: Series,
    harp: int,
    rows: Sequence[Row],
    missing: dict[float, str],
    email: str | None,
    progress: Callable[[FetchProgress], None],
) -> Fetched:
    """Fetch chosen records, while this process has the region for itself."""
    todo = [row for row in rows if not is_whole(record_path(series, harp, row["t_rec"]))]
    new, n_bytes, lost = 0, 0, dict[float, str]()

    def report(text: str) -> None:
        done = len(rows) - len(todo) + new + len(lost)
        progress(FetchProgress(harp, done, len(rows), n_bytes, text))

    def settled(row: Row, kept: Kept) -> None:
        nonlocal new, n_bytes
        if kept.problem:
            lost[row["hour"]] = kept.problem
        else:
            new, n_bytes = new + 1, n_bytes + kept.bytes
        report(iso_minute(row["hour"]))

    def places(rows: Sequence[Row]) -> Mapping[float, StoredFile]:
        return client.paths(series, harp, [row["t_rec"] for row in rows])

    report("" if todo else "everything is here already")
    if email is None:
        take_files(client, series, harp, todo, places, settled)
    else:
        files: dict[float, StoredFile] = {}
        for batch in export_batches(series, harp, todo):
            files.update(exported_files(client, series, harp, batch, email, report))
            with client.transport.turn():
                take_files(client, series, harp, batch, lambda _: files, settled)
    failed = {hour: why for hour, why in lost.items() if not why.startswith(_NO_FILE)}
    return Fetched(new, len(rows) - len(todo), n_bytes, _by_hour(missing | lost), _by_hour(failed))


def _by_hour(reasons: Mapping[float, str]) -> dict[str, str]:
    return {iso_minute(hour): why for hour, why in sorted(reasons.items())}


@contextmanager
def _alone(folder: Path, note: Callable[[str], None]) -> Iterator[None]:
    """Hold a region's lock; what a killed fetch left, and this one leaves, is removed."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".fetch.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        note(f"HARP {folder.name} is being fetched by another process; waiting until it is done.")
        lock.acquire()
    try:
        remove_leftovers(folder)
        yield
    finally:
        remove_leftovers(folder)
        lock.release()


def _no_records(series: Series, harp: int, first: Time | None, last: Time | None) -> str:
    ends = (f"from {iso_minute(first.tai)}" if first is not None else "") + (
        f" to {iso_minute(last.tai)} TAI" if last is not None else ""
    )
    return (
        f"JSOC has no record of HARP {harp} in {series.name} {ends}".rstrip()
        + "; see whether the number and the time are right."
    )

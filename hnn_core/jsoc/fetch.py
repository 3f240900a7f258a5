"""Fetching the hourly magnetograms of a region, again and again until all are here.

For every hour the nearest good record is chosen; what is here already is not fetched again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

import numpy as np
from astropy.time import Time
from filelock import FileLock, Timeout

from hnn_core.exceptions import NoRecordsError, ServiceError
from hnn_core.jsoc.client import JSOC_HELP, OFF_LINE, JsocClient, StoredFile
from hnn_core.jsoc.export import check_email, export_batches, exported_files
from hnn_core.jsoc.files import Kept, is_whole, record_path, region_folder, remove_leftovers
from hnn_core.jsoc.keywords import DEFINITIVE, Series
from hnn_core.jsoc.taking import Row, hourly, keyword_flaw, substitutes, take_files
from hnn_core.magnetogram.conventions import LARGEST_LONGITUDE, iso_minute, time_from_seconds
from hnn_core.magnetogram.sequence_plan import TOLERANCE
from hnn_core.regions.words import check_span
from hnn_core.storage import room_on_disk

__all__ = ["FetchProgress", "Fetched", "fetch_region"]

T = TypeVar("T")

_IN_NRT_ONLY = 50.0
"""Days after which a region is in the definitive series, five or six weeks with some to spare."""
_NO_FILE = (OFF_LINE, "no file at JSOC", "no record at JSOC", "JSOC exported no file")
"""How the reasons begin for which another try at once brings nothing."""


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
    off_line: dict[str, float] = field(default_factory=dict)
    """Those of the missing hours whose records are off line now: T_REC of the nearest good one,
    unix_tai seconds."""
    instead: dict[str, str] = field(default_factory=dict)
    """Hours whose nearest good record is off line now: T_REC of that taken in its place."""


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
    resumes where it ended. Two fetches of the same region take turns. Where the nearest good record
    of an hour is off line at JSOC now, the next that may serve it and is not is taken; the other
    one is looked for again at the next fetch.

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
        JSOC does not answer, or will not, or will not export, or no record has the keywords without
        which its file is of no use; what is fetched stays.
    RequestError
        The address is none, or the span holds no whole hour.
    DiskFullError
    """
    if email is not None:
        check_email(email)
    if hours is not None:
        if not len(hours):
            return Fetched(0, 0, 0)
        first, last = time_from_seconds(min(hours)), time_from_seconds(max(hours))
    check_span(first, last)
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
        if chosen.empty and not missing:
            raise NoRecordsError(
                f"The records of HARP {harp} in {series.name} serve no whole hour (TAI) of that "
                "span; widen it."
            )
        rows = cast(list[Row], chosen.to_dict("records"))
        further = partial(substitutes, records, most_longitude=most_longitude)
        return _fetch(client, series, harp, rows, missing, further, email, progress)


def _fetch(
    client: JsocClient,
    series: Series,
    harp: int,
    rows: Sequence[Row],
    missing: dict[float, str],
    further: Callable[[Row], list[Row]],
    email: str | None,
    progress: Callable[[FetchProgress], None],
) -> Fetched:
    """Fetch chosen records, while this process has the region for itself.

    Where one is off line the next of `further` that is not takes its place.
    """
    todo = [row for row in rows if not _is_here(series, harp, row)]
    new, n_bytes, present = 0, 0, len(rows) - len(todo)
    first_choice = {row["hour"]: row["t_rec"] for row in todo}
    lost = _flawed(series, harp, rows, todo)
    spare: dict[float, list[Row]] = {}
    gone, instead = dict[float, float](), dict[float, float]()
    off_line: list[Row] = []

    def report(text: str) -> None:
        progress(FetchProgress(harp, present + new + len(lost), len(rows), n_bytes, text))

    def settled(row: Row, kept: Kept) -> None:
        nonlocal new, n_bytes
        if kept.off_line:
            off_line.append(row)
            return
        if kept.problem:
            lost[row["hour"]] = kept.problem
        else:
            new, n_bytes = new + 1, n_bytes + kept.bytes
        report(iso_minute(row["hour"]))

    report("" if todo else "everything is here already")
    todo = [row for row in todo if row["hour"] not in lost]
    while todo:
        _take(client, series, harp, todo, email, settled, report)
        todo = []
        for row in off_line:
            hour = row["hour"]
            spare.setdefault(hour, further(row))
            if not spare[hour]:
                gone[hour], lost[hour] = first_choice[hour], OFF_LINE
                report(iso_minute(hour))
                continue
            following = spare[hour].pop(0)
            instead[hour] = following["t_rec"]
            if _is_here(series, harp, following):
                present += 1
                report(iso_minute(hour))
            else:
                todo.append(following)
        off_line.clear()
    failed = {hour: why for hour, why in lost.items() if not why.startswith(_NO_FILE)}
    return Fetched(
        new,
        present,
        n_bytes,
        _by_hour(missing | lost),
        _by_hour(failed),
        _by_hour(gone),
        {
            iso_minute(hour): iso_minute(t_rec)
            for hour, t_rec in sorted(instead.items())
            if hour not in lost
        },
    )


def _is_here(series: Series, harp: int, row: Row) -> bool:
    return is_whole(record_path(series, harp, row["t_rec"]))


def _flawed(
    series: Series, harp: int, rows: Sequence[Row], todo: Sequence[Row]
) -> dict[float, str]:
    """Return the hours whose record's keywords make its file useless; raise if all are such."""
    flaws = {row["hour"]: keyword_flaw(row, series, harp) for row in todo}
    flaws = {hour: why for hour, why in flaws.items() if why}
    if flaws and len(flaws) == len(rows):
        raise ServiceError(
            f"JSOC's keywords make no record of HARP {harp} in {series.name} usable, so no file "
            f"was downloaded: {min(flaws.items())[1]}; try again later, or write to {JSOC_HELP}."
        )
    return flaws


def _take(
    client: JsocClient,
    series: Series,
    harp: int,
    rows: Sequence[Row],
    email: str | None,
    settled: Callable[[Row, Kept], None],
    report: Callable[[str], None],
) -> None:
    """Download records directly or by an export."""

    def places(rows: Sequence[Row]) -> Mapping[float, StoredFile]:
        return client.paths(series, harp, [row["t_rec"] for row in rows])

    if email is None:
        take_files(client, series, harp, rows, places, settled)
        return
    files: dict[float, StoredFile] = {}
    for batch in export_batches(series, harp, rows):
        files.update(exported_files(client, series, harp, batch, email, report))
        with client.transport.turn():
            take_files(client, series, harp, batch, lambda _: files, settled)


def _by_hour(values: Mapping[float, T]) -> dict[str, T]:
    return {iso_minute(hour): value for hour, value in sorted(values.items())}


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
    recent = last is None or (Time.now() - last).to_value("day") < _IN_NRT_ONLY
    hint = ", or fetch a region of the last weeks near real time (--nrt, --from and --to)"
    return (
        f"JSOC has no record of HARP {harp} in {series.name} {ends}".rstrip()
        + "; see whether the number and the time are right"
        + (hint if recent and series is DEFINITIVE else "")
        + "."
    )

"""Building a stored data set: region by region, resumable, whole or not there at all."""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from hnn_core.dataset.card import CARD, read_card
from hnn_core.dataset.finish import finish
from hnn_core.dataset.frame_store import CHUNK_FRAMES, FRAMES, FrameWriter
from hnn_core.dataset.identity import build_identity, check_same
from hnn_core.dataset.labels import DEFAULT_POLICY, POLICIES
from hnn_core.dataset.moments import DEFAULT_HOURS
from hnn_core.dataset.part_rows import part_rows
from hnn_core.dataset.pool import cpu_count, parts_in_order
from hnn_core.dataset.region import BuildOptions
from hnn_core.dataset.stored import StoredDataset
from hnn_core.dataset.work_folder import WorkFolder, building_folder
from hnn_core.disk import room_on_disk
from hnn_core.exceptions import DatasetError
from hnn_core.preprocess import PreprocessConfig
from hnn_core.sources.base import Region, Source
from hnn_core.sources.flare_table import FlareRow, flares_of, load_flare_table

__all__ = ["MOST_HOURS", "Progress", "build_dataset", "check_options"]

MOST_HOURS = 18
"""The longest sequence that the paper's ablation names."""

Progress = Callable[[int, int, str, int, float], None]
"""Called after each region: done, total, region, its frames, seconds left (an estimate)."""


def build_dataset(
    source: Source,
    folder: Path,
    *,
    flares: Path | None = None,
    policy: str = DEFAULT_POLICY,
    hours: int = DEFAULT_HOURS,
    workers: int | None = None,
    preprocess: PreprocessConfig | None = None,
    progress: Progress | None = None,
    notes: Callable[[str], None] | None = None,
) -> StoredDataset:
    """Build a data set, or go on with a build of it that was killed.

    Until it is whole it grows beside its place, see `hnn_core.dataset.work_folder`. Finished
    regions are never read again, and a build that was killed and went on gives the same bytes as
    one that was not, whatever the number of workers.

    Parameters
    ----------
    source : Source
    folder : Path
        Where the data set shall be. One that is there already and was built in the same way from
        the same is returned as it is.
    flares : Path, optional
        Table of flares, see `hnn_core.sources.flare_table`; the source's own by default.
    policy : str
        One of `hnn_core.dataset.POLICIES`.
    hours : int
        Longest sequence to store, 10 to 18. An x_t with 10 hours is kept; where fewer than
        `hours` can be had its row is padded with -1.
    workers : int, optional
        Processes that read; as many as there are cores by default.
    preprocess : PreprocessConfig, optional
    progress : callable, optional
    notes : callable (sentence), optional
        Told what could not be used of the table of flares.

    Raises
    ------
    DatasetError
        Unknown policy, no labelled sequence at all, another data set or build in that place, or
        another process at work on it.
    FlareTableError
        The table cannot be read.
    DiskFullError
        The disk is full; building again goes on.
    """
    check_options(policy, hours)
    folder = folder.absolute()
    rows = _flare_rows(flares, notes) if flares else None
    regions = [_with_flares(region, rows) for region in source.regions()]
    options = BuildOptions(policy, hours, preprocess or PreprocessConfig())
    identity = build_identity(source, regions, flares, options)
    if (folder / CARD).exists():
        return _open_same(folder, identity)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DatasetError(f"{folder} exists and is not a data set; choose another name.")
    with room_on_disk(folder, "run the same build again: it goes on"), _alone(folder):
        if (folder / CARD).exists():  # another process has just finished it
            return _open_same(folder, identity)
        work = WorkFolder(folder, identity)
        _grow(work, source, regions, options, workers or cpu_count(), progress)
        finish(work, folder, identity, regions, simulated=source.simulated)
    return StoredDataset.open(folder)


def _grow(
    work: WorkFolder,
    source: Source,
    regions: Sequence[Region],
    options: BuildOptions,
    workers: int,
    progress: Progress | None,
) -> None:
    """Read the regions that are not finished yet."""
    size = options.preprocess.size
    tail = work.tail(size, work.rows % CHUNK_FRAMES)
    writer = FrameWriter(work.dataset / FRAMES, size, tail, work.rows)
    todo = regions[work.finished :]
    started = time.monotonic()
    for done, part in enumerate(parts_in_order(source, todo, options, workers), start=1):
        rows = part_rows(part, writer.rows)
        if part.frames:
            writer.append(np.stack([frame.pixels for frame in part.frames]))
        work.commit(rows, writer.tail)
        if progress is not None:
            left = (time.monotonic() - started) / done * (len(todo) - done)
            progress(work.finished, len(regions), part.region.id, len(part.frames), left)
    writer.close()


def check_options(policy: str, hours: int) -> None:
    """Raise DatasetError for an unknown policy or a length that cannot be stored."""
    if policy not in POLICIES:
        raise DatasetError(f"{policy!r} is not a policy; choose {' or '.join(POLICIES)}.")
    if not DEFAULT_HOURS <= hours <= MOST_HOURS:
        raise DatasetError(
            f"A data set stores sequences of {DEFAULT_HOURS} to {MOST_HOURS} hours, not {hours}."
        )


def _flare_rows(path: Path, notes: Callable[[str], None] | None) -> list[FlareRow]:
    rows, malformed = load_flare_table(path)
    for row in malformed:
        if notes is not None:
            notes(f"skipped {row.reason}")
    return rows


def _with_flares(region: Region, rows: list[FlareRow] | None) -> Region:
    if rows is None:
        return region
    definitive = not region.id.startswith("NRT-")
    return replace(region, flares=flares_of(rows, region.noaa, region.harp, definitive=definitive))


def _open_same(folder: Path, identity: dict[str, Any]) -> StoredDataset:
    """Open the data set that is there, if it is the one asked for."""
    check_same(read_card(folder), identity, folder)
    # Of a build that was killed after the data set got its name.
    shutil.rmtree(building_folder(folder), ignore_errors=True)
    return StoredDataset.open(folder)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes from building the same data set at the same time."""
    work = building_folder(folder)
    work.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(work / "lock", timeout=0):
            yield
    except Timeout as error:
        raise DatasetError(f"Another process is building {folder} now; wait for it.") from error

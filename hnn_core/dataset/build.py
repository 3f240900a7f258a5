"""Building a stored data set: region by region, resumable, whole or not there at all."""

import json
import shutil
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from hnn_core import __version__
from hnn_core.dataset.card import (
    CARD,
    FORMAT,
    PAPER_TABLE1,
    file_sha256,
    read_card,
    seal,
    text_sha256,
)
from hnn_core.dataset.frame_store import CHUNK_CHECKSUM, CHUNK_FRAMES, FRAMES, FrameWriter
from hnn_core.dataset.moments import DEFAULT_HOURS
from hnn_core.dataset.region import BuildOptions, cpu_count, parts_in_order
from hnn_core.dataset.splits import region_groups
from hnn_core.dataset.stored import FRAMES_TABLE, SEQUENCES_TABLE, StoredDataset, write_table
from hnn_core.dataset.work_folder import WorkFolder, building_folder
from hnn_core.exceptions import DatasetError
from hnn_core.magnetogram.conventions import tai_seconds
from hnn_core.magnetogram.preprocess import PreprocessConfig
from hnn_core.regions.base import CONTRADICTION, Flare, Region, Source
from hnn_core.regions.flare_table import flares_of, load_flare_table
from hnn_core.regions.goes_classes import FLARE_CLASSES
from hnn_core.regions.labels import DEFAULT_POLICY, POLICIES
from hnn_core.regions.well_known import with_well_known
from hnn_core.storage import room_on_disk, write_atomically

__all__ = ["Progress", "build_dataset", "check_options"]

Progress = Callable[[int, int, str, int, float], None]
"""Called after each region: done, total, region, its frames, seconds left (an estimate)."""

_MOST_HOURS = 18  # the longest sequence that the paper's ablation names
_KINDS = ("eruptive", "confined", "unknown")
_FILES = (FRAMES_TABLE, SEQUENCES_TABLE, f"{FRAMES}/zarr.json")


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
    """Build a data set, or resume a build of it that was killed.

    Until it is whole it grows next to its place, see `hnn_core.dataset.work_folder`. Finished
    regions are never read again, and a build that was killed and resumed gives the same bytes as
    one that was not, whatever the number of workers.

    Parameters
    ----------
    source : Source
    folder : Path
        Where the data set shall be. One that is there already and was built in the same way from
        the same is returned as it is.
    flares : Path, optional
        Table of flares, see `hnn_core.regions.flare_table`, instead of the source's own; the
        well-known ones are joined to it.
    policy : str
        One of `hnn_core.regions.labels.POLICIES`.
    hours : int
        Longest sequence to store, 10 to 18. An x_t with 10 hours is kept; where fewer than
        `hours` can be had its row is padded with -1.
    workers : int, optional
        Processes that read; as many as there are cores by default.
    preprocess : PreprocessConfig, optional
    progress : callable, optional
    notes : callable (sentence), optional
        Called with what could not be used of the table of flares.

    Raises
    ------
    DatasetError
        Unknown policy, no labelled sequence at all, another data set or build in that place, or
        another process at work on it.
    FlareTableError
        The table cannot be read.
    DiskFullError
        The disk is full; building again resumes.
    """
    check_options(policy, hours)
    folder = folder.absolute()
    regions = source.regions() if flares is None else _with_flares(source, flares, notes)
    options = BuildOptions(policy, hours, preprocess or PreprocessConfig())
    identity = _identity(source, regions, flares, options)
    if (folder / CARD).exists():
        return _open_same(folder, identity)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DatasetError(f"{folder} exists and is not a data set; choose another name.")
    with room_on_disk(folder, "run the same build again: it resumes"), _alone(folder):
        if (folder / CARD).exists():  # another process has just finished it
            return _open_same(folder, identity)
        work = WorkFolder(folder, {**identity, "checksum of frames": CHUNK_CHECKSUM})
        _grow(work, source, regions, options, workers or cpu_count(), progress)
        _finish(work, folder, identity, regions, simulated=source.simulated)
    return StoredDataset.open(folder)


def check_options(policy: str, hours: int) -> None:
    """Raise DatasetError for an unknown policy or a length that cannot be stored."""
    if policy not in POLICIES:
        raise DatasetError(f"{policy!r} is not a policy; choose {' or '.join(POLICIES)}.")
    if not DEFAULT_HOURS <= hours <= _MOST_HOURS:
        raise DatasetError(
            f"A data set stores sequences of {DEFAULT_HOURS} to {_MOST_HOURS} hours, not {hours}."
        )


def _with_flares(source: Source, path: Path, notes: Callable[[str], None] | None) -> list[Region]:
    """Return the regions with the flares of a table instead of the catalogue's, and well-known."""
    rows, malformed = load_flare_table(path)
    for row in malformed:
        if notes is not None:
            notes(f"skipped {row.reason}")
    regions = []
    for region in source.regions():
        definitive = not region.id.startswith("NRT-")
        flares = flares_of(rows, region.noaa, region.harp, definitive=definitive)
        for flare in flares:
            if notes is not None and CONTRADICTION in flare.reason:
                notes(f"{flare.id} of {region.name} is {CONTRADICTION} in {path.name}")
        regions.append(with_well_known(replace(region, flares=flares)))
    return regions


def _identity(
    source: Source, regions: Sequence[Region], flares: Path | None, options: BuildOptions
) -> dict[str, Any]:
    """Return everything that decides what a data set will hold, for its card."""
    listed = [
        [
            region.id,
            list(region.noaa),
            region.n_records,
            [float(tai_seconds(time)) for time in (region.first, region.last)],
            [[_called(one), one.goes_class, one.scale, one.known] for one in region.flares],
        ]
        for region in regions
    ]
    return {
        "format": FORMAT,
        "source": source.spec,
        "regions_sha256": text_sha256(json.dumps(listed)),
        "flares": {"file": flares.name, "sha256": file_sha256(flares)} if flares else None,
        "policy": options.policy,
        "hours": options.hours,
        "preprocess": options.preprocess.to_dict(),
        "software": f"hnn_core {__version__}",
    }


def _called(flare: Flare) -> str:
    """Return the id, with the peak where the id does not begin with it."""
    peak = str(flare.peak.utc.isot)
    return flare.id if flare.id.startswith(peak[:16]) else f"{peak} {flare.id}"


def _open_same(folder: Path, identity: dict[str, Any]) -> StoredDataset:
    """Open the data set that is there, if it is the one to be built."""
    card = read_card(folder)
    # A newer version of the program that still reads the format has no reason to build again.
    compared = [key for key in identity if key != "software"]
    different = [key for key in compared if card.get(key) != identity[key]]
    if different:
        raise DatasetError(
            f"{folder} exists and was built with another {' and '.join(different)}; choose "
            "another name or remove it."
        )
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
        values = part.placed(writer.rows)
        if part.pixels:
            writer.append(np.stack(part.pixels))
        work.commit(values, writer.tail)
        if progress is not None:
            left = (time.monotonic() - started) / done * (len(todo) - done)
            progress(work.finished, len(regions), values["region"], len(part.pixels), left)
    writer.close()


def _finish(
    work: WorkFolder,
    folder: Path,
    identity: dict[str, Any],
    regions: Sequence[Region],
    *,
    simulated: bool,
) -> None:
    """Write the tables and the card of a data set whose regions are all read, and publish it."""
    groups = region_groups([region.id for region in regions], [r.noaa for r in regions])
    group_of = {region.id: int(group) for region, group in zip(regions, groups, strict=True)}
    frames: list[dict[str, Any]] = []
    sequences: list[dict[str, Any]] = []
    excluded: Counter[str] = Counter()
    flares: defaultdict[tuple[str, str], set[tuple[int, str]]] = defaultdict(set)
    broken: list[str] = []
    noted: list[str] = []
    with_frames = 0
    for part in work.parts():
        group = group_of[part["region"]]
        frames += [{**row, "group": group} for row in part["frames"]]
        sequences += [{**row, "group": group} for row in part["sequences"]]
        excluded.update(part["excluded"])
        broken += part["broken"]
        noted += part.get("noted", ())  # not in one that an earlier version began
        with_frames += bool(part["frames"])
        for name, kinds in part["flares"].items():
            for kind, ids in kinds.items():
                flares[name, kind] |= {(group, flare) for flare in ids}
    if not sequences:
        work.remove()
        raise DatasetError(_nothing(identity["source"], len(regions), excluded))
    write_table(work.dataset, FRAMES_TABLE, frames)
    write_table(work.dataset, SEQUENCES_TABLE, sequences)
    card = seal(
        {
            **identity,
            "simulated": simulated,
            "counts": {name: _counts(name, sequences, flares) for name in FLARE_CLASSES},
            "paper_table1": PAPER_TABLE1,
            "regions": with_frames,
            "groups": len({row["group"] for row in sequences}),
            "frames": len(frames),
            "sequences": len(sequences),
            "excluded": dict(sorted(excluded.items())),
            "broken_records": broken,
            "noted_records": noted,
            "files": {name: file_sha256(work.dataset / name) for name in _FILES},
        }
    )
    write_atomically(work.dataset / CARD, json.dumps(card, indent=1, ensure_ascii=False).encode())
    work.publish(folder)


def _counts(
    name: str, sequences: list[dict[str, Any]], flares: Mapping[tuple[str, str], set]
) -> dict[str, int]:
    labels = Counter(row[f"label_{name}"] for row in sequences)
    return {
        "positive": labels[1],
        "negative": labels[0],
        **{f"{kind}_flares": len(flares[name, kind]) for kind in _KINDS},
    }


def _nothing(source: str, n_regions: int, excluded: Counter[str]) -> str:
    hours = sum(excluded.values())
    reasons = "; ".join(f"{count}: {reason}" for reason, count in excluded.most_common())
    return (
        f"{source} gives no labelled sequence: of {hours} hours of {n_regions} regions, "
        f"{reasons or 'none has a record'}; give a table of flares or other regions."
    )

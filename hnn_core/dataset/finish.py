"""The last step of a build: tables of all regions, the card, and the data set's name."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hnn_core.dataset.card import CARD, PAPER_TABLE1, file_sha256, seal
from hnn_core.dataset.classes import FLARE_CLASSES
from hnn_core.dataset.frame_store import FRAMES
from hnn_core.dataset.splits import region_groups
from hnn_core.dataset.tables import FRAMES_TABLE, SEQUENCES_TABLE, write_frames, write_sequences
from hnn_core.dataset.work_folder import WorkFolder, write_atomically
from hnn_core.exceptions import DatasetError
from hnn_core.sources.base import Region

__all__ = ["finish"]

_FILES = (FRAMES_TABLE, SEQUENCES_TABLE, f"{FRAMES}/zarr.json")


def finish(
    work: WorkFolder,
    folder: Path,
    identity: dict[str, Any],
    regions: Sequence[Region],
    *,
    simulated: bool,
) -> None:
    """Write the tables and the card of a data set whose regions are all read, and publish it.

    Raises
    ------
    DatasetError
        No region gave a labelled sequence; the message tells why, and nothing is kept.
    """
    groups = region_groups([region.id for region in regions], [r.noaa for r in regions])
    group_of = {region.id: int(group) for region, group in zip(regions, groups, strict=True)}
    frames: list[dict[str, Any]] = []
    sequences: list[dict[str, Any]] = []
    excluded: Counter[str] = Counter()
    flares: dict[str, dict[str, set[tuple[int, str]]]] = {
        name: {"eruptive": set(), "confined": set(), "unknown": set()} for name in FLARE_CLASSES
    }
    broken: list[str] = []
    with_frames = 0
    for part in work.parts():
        group = group_of[part["region"]]
        frames += [{**row, "group": group} for row in part["frames"]]
        sequences += [{**row, "group": group} for row in part["sequences"]]
        excluded.update(part["excluded"])
        broken += part["broken"]
        with_frames += bool(part["frames"])
        for name, kinds in part["flares"].items():
            for kind, ids in kinds.items():
                flares[name][kind] |= {(group, flare) for flare in ids}
    if not sequences:
        work.remove()
        raise DatasetError(_nothing(identity["source"], len(regions), excluded))
    write_frames(work.dataset / FRAMES_TABLE, frames)
    write_sequences(work.dataset / SEQUENCES_TABLE, sequences)
    card = seal(
        {
            **identity,
            "simulated": simulated,
            "counts": {name: _counts(name, sequences, flares[name]) for name in FLARE_CLASSES},
            "paper_table1": PAPER_TABLE1,
            "regions": with_frames,
            "groups": len({row["group"] for row in sequences}),
            "frames": len(frames),
            "sequences": len(sequences),
            "excluded": dict(sorted(excluded.items())),
            "broken_records": broken,
            "files": {name: file_sha256(work.dataset / name) for name in _FILES},
        }
    )
    text = json.dumps(card, indent=1, ensure_ascii=False)
    write_atomically(work.dataset / CARD, text.encode())
    work.publish(folder)


def _counts(
    name: str, sequences: list[dict[str, Any]], flares: dict[str, set[tuple[int, str]]]
) -> dict[str, int]:
    labels = Counter(row[f"label_{name}"] for row in sequences)
    return {
        "positive": labels[1],
        "negative": labels[0],
        **{f"{kind}_flares": len(found) for kind, found in flares.items()},
    }


def _nothing(source: str, n_regions: int, excluded: Counter[str]) -> str:
    hours = sum(excluded.values())
    reasons = "; ".join(f"{count}: {reason}" for reason, count in excluded.most_common())
    return (
        f"{source} gives no labelled sequence: of {hours} hours of {n_regions} regions, "
        f"{reasons or 'none has a record'}; give a table of flares or other regions."
    )

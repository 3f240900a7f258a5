"""From indexed files to the records of regions."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from hnn_core.sharp_keywords import FIRST_SIMULATED_HARP
from hnn_core.sources.base import SkippedFile
from hnn_core.sources.fits_index import IndexRow

__all__ = ["FolderRecords", "group_records"]


@dataclass(frozen=True)
class FolderRecords:
    """The records of one region, ascending in time."""

    rows: tuple[IndexRow, ...]
    seconds: np.ndarray
    """T_REC, float64 unix_tai seconds (records,)."""
    quality: np.ndarray
    """uint32 (records,)."""


def group_records(rows: Iterable[IndexRow]) -> tuple[dict[str, FolderRecords], list[SkippedFile]]:
    """Sort files into the records of regions, by region id; leave one file for each record.

    Definitive, near-real-time and simulated regions are never merged, whatever their numbers.

    Returns
    -------
    records : dict of FolderRecords
    skipped : list of SkippedFile
        Files of a record for which another file is used: the larger, else the newer.
    """
    best: dict[tuple[str, int], IndexRow] = {}
    skipped = []
    for row in rows:
        key = (_region_id(row), round(row.t_rec))
        other = best.get(key)
        if other is None:
            best[key] = row
            continue
        kept, left = sorted((row, other), key=_preference)[::-1]
        best[key] = kept
        skipped.append(
            SkippedFile(left.path, f"{left.path} is the same record as {kept.path}, which is used.")
        )
    grouped: dict[str, list[IndexRow]] = {}
    for (name, _), row in sorted(best.items(), key=lambda item: item[1].t_rec):
        grouped.setdefault(name, []).append(row)
    return {name: _as_records(found) for name, found in grouped.items()}, skipped


def _as_records(rows: list[IndexRow]) -> FolderRecords:
    return FolderRecords(
        rows=tuple(rows),
        seconds=np.array([row.t_rec for row in rows], dtype=np.float64),
        quality=np.array([row.quality for row in rows], dtype=np.uint32),
    )


def _preference(row: IndexRow) -> tuple[int, int, str]:
    return row.size, row.mtime_ns, row.path


def _region_id(row: IndexRow) -> str:
    if row.simulated:
        number = row.harp - FIRST_SIMULATED_HARP + 1
        return f"SIM {number}" if number > 0 else f"SIM-{row.harp}"
    return f"NRT-{row.harp}" if row.near_real_time else str(row.harp)

"""A stored data set, opened: its tables in memory, its frames on disk."""

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from hnn_core.dataset.card import DatasetInfo, check_files, read_card
from hnn_core.dataset.frame_store import (
    CHUNK_FRAMES,
    FRAMES,
    missing_chunks,
    open_frames,
    read_rows,
)
from hnn_core.exceptions import CorruptDatasetError, DatasetError, ForeignDatasetError, MachineError
from hnn_core.magnetogram.preprocess import PreprocessConfig
from hnn_core.regions.goes_classes import FLARE_CLASSES
from hnn_core.storage import fault_words

__all__ = ["FRAMES_TABLE", "SEQUENCES_TABLE", "StoredDataset", "write_table"]

FRAMES_TABLE = "frames.parquet"
SEQUENCES_TABLE = "sequences.parquet"

_TIME = pa.timestamp("ms")
_REGION = {"region": pa.string(), "harp": pa.int64(), "noaa": pa.string()}
_OF_CLASS = {"label": pa.int8(), "flare": pa.string(), "goes": pa.string(), "peak": _TIME}
_SCHEMAS = {
    FRAMES_TABLE: pa.schema(
        {
            "row": pa.int64(),
            **_REGION,
            "hour": _TIME,
            "t_rec": _TIME,
            "quality": pa.int64(),
            "flagged": pa.bool_(),
            "interpolated": pa.bool_(),
            "longitude": pa.float64(),
            "latitude": pa.float64(),
            "unsigned_flux_mx": pa.float64(),
            "group": pa.int64(),
            "crc32": pa.int64(),
        }
    ),
    SEQUENCES_TABLE: pa.schema(
        {
            **_REGION,
            "group": pa.int64(),
            "hour": _TIME,
            "t_rec": _TIME,
            "longitude": pa.float64(),
            "unsigned_flux_mx": pa.float64(),
            **{f"{key}_{name}": kind for name in FLARE_CLASSES for key, kind in _OF_CLASS.items()},
            "rows": pa.list_(pa.int32()),
        }
    ),
}
_SELECTED = [*_REGION, "group", "hour", "t_rec", "longitude", "unsigned_flux_mx"]
_RENAMED = {"flare_id": "flare", "goes_class": "goes", "peak_utc": "peak"}
_VERIFIED_AT_ONCE = 64 * CHUNK_FRAMES


def write_table(folder: Path, name: str, rows: list[dict[str, Any]]) -> None:
    """Write the table of frames or that of labelled sequences from its rows.

    Times are milliseconds since 1970-01-01T00:00:00, TAI; those of peaks are UTC.
    """
    table = pa.Table.from_pylist(rows, schema=_SCHEMAS[name])
    pq.write_table(table, folder / name, compression="zstd")


class StoredDataset(DatasetInfo):
    """Frames and labelled sequences of many regions, as `build_dataset` stored them.

    Made by `open`. All times are TAI but for ``peak_…``, which are UTC.
    """

    frames: pd.DataFrame
    """One row a frame, in the order of the array: region, harp, noaa, hour, t_rec, quality,
    flagged, interpolated, longitude and latitude (degrees), unsigned_flux_mx, group, crc32."""
    sequences: pd.DataFrame
    """One row a labelled x_t; ``rows`` are its frames, ascending, -1 in front where fewer."""
    preprocess: PreprocessConfig

    def __init__(self, folder: Path, card: dict[str, Any]) -> None:
        super().__init__(folder, card)
        self.preprocess = PreprocessConfig.from_dict(card["preprocess"])
        self.frames = _read(folder / FRAMES_TABLE)
        self.sequences = _read(folder / SEQUENCES_TABLE)
        self._array = open_frames(folder / FRAMES)
        self._crc32 = self.frames["crc32"].to_numpy()

    @classmethod
    def open(cls, folder: Path) -> "StoredDataset":
        """Open a data set and check all but its pixels, which are checked as they are read.

        Raises
        ------
        DatasetError, ForeignDatasetError
            The folder is no data set of this program and format, or not a whole one.
        CorruptDatasetError
            A file is absent, was changed or does not fit the others.
        """
        folder = Path(folder).absolute()
        card = read_card(folder)
        check_files(folder, card)
        try:
            opened = cls(folder, card)
        except (pa.ArrowException, KeyError, ValueError) as error:
            raise ForeignDatasetError(
                f"{folder} has tables of another format ({error}); build the data set again."
            ) from error
        opened._check()
        return opened

    def select(self, flare_class: str, m: int) -> pd.DataFrame:
        """Return the labelled sequences of a class that have m hours.

        Parameters
        ----------
        flare_class : str
            ``"M5.0"``, ``"M"`` or ``"C"``.
        m : int
            Number of hours, 1 to `hours`.

        Returns
        -------
        DataFrame
            region, harp, noaa, group, hour, t_rec (TAI), longitude (degrees), unsigned_flux_mx
            of x_t, label (0 or 1), flare_id, goes_class, peak_utc, and rows: int32 (m,),
            ascending in time, the last is x_t. In the order of the regions, then hours.

        Raises
        ------
        DatasetError
            No such class, longer than stored, or no sequence is left.
        """
        if flare_class not in FLARE_CLASSES:
            raise DatasetError(
                f"{flare_class!r} is not a flare class; choose {', '.join(FLARE_CLASSES)}."
            )
        if not 1 <= m <= self.hours:
            raise DatasetError(
                f"{self.name} stores sequences of up to {self.hours} hours, not {m}; build it with "
                f"--hours {m} or take fewer."
            )
        label = self.sequences[f"label_{flare_class}"].to_numpy()
        rows = np.stack(self.sequences["rows"].tolist())[:, -m:]  # (sequences, m)
        usable = (label >= 0) & (rows[:, 0] >= 0)
        if not usable.any():
            raise DatasetError(
                f"{self.name} has no labelled sequence of {m} hours for ≥{flare_class} flares; "
                "take another class or data set."
            )
        table = self.sequences.loc[usable, _SELECTED].copy()
        table["label"] = label[usable].astype(np.int64)
        for column, stored in _RENAMED.items():
            table[column] = self.sequences.loc[usable, f"{stored}_{flare_class}"]
        table["rows"] = list(rows[usable])
        return table.reset_index(drop=True)

    def read_frames(self, rows: np.ndarray) -> np.ndarray:
        """Read frames by row number, in any order, and check each against its sum.

        Returns
        -------
        ndarray, float16 (len(rows), size, size)
            Field over `preprocess.clip`, within [-1, 1], row 0 south.

        Raises
        ------
        CorruptDatasetError
            A frame is damaged; the message names its region and hour.
        ValueError
            There is no such row.
        """
        rows = np.asarray(rows, dtype=np.int64)
        if rows.ndim != 1 or (rows.size and not 0 <= rows.min() <= rows.max() < len(self.frames)):
            raise ValueError(f"rows must be one axis of numbers from 0 to {len(self.frames) - 1}")
        unique, inverse = np.unique(rows, return_inverse=True)
        try:
            pixels = read_rows(self._array, unique)
        except (RuntimeError, ValueError, OSError) as error:
            if words := fault_words(error):
                raise MachineError(f"{self.folder / FRAMES} was not read. {words}") from error
            raise self._damaged(self._unreadable(unique)) from error
        for i, row in enumerate(unique):
            if zlib.crc32(pixels[i]) != self._crc32[row]:
                raise self._damaged(int(row))
        in_order = len(unique) == len(rows) and bool((inverse[1:] > inverse[:-1]).all())
        return pixels if in_order else pixels[inverse]

    def verify(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Read every frame; raise CorruptDatasetError at the first damaged one."""
        total = len(self.frames)
        for start in range(0, total, _VERIFIED_AT_ONCE):
            stop = min(start + _VERIFIED_AT_ONCE, total)
            self.read_frames(np.arange(start, stop))
            if progress is not None:
                progress(stop, total)

    def _check(self) -> None:
        n, size = self.card["frames"], self.preprocess.size
        array = self._array
        if array.shape != (n, size, size) or array.dtype != np.dtype("<f2"):
            raise ForeignDatasetError(
                f"{self.folder / FRAMES} holds {array.dtype} of shape {array.shape}, not half "
                f"precision of shape {(n, size, size)}; build the data set again."
            )
        if len(self.frames) != n or len(self.sequences) != self.card["sequences"]:
            raise CorruptDatasetError(
                f"The tables of {self.folder} are not as long as in its card; build it again."
            )
        if missing := missing_chunks(self.folder / FRAMES, n):
            row = int(missing[0].split(".")[0]) * CHUNK_FRAMES
            raise CorruptDatasetError(
                f"{self.folder / FRAMES} misses {len(missing)} of its files, the first with "
                f"{self._where(row)}; build the data set again."
            )

    def _unreadable(self, rows: np.ndarray) -> int:
        """Return the first row that cannot be read at all."""
        for row in rows:
            try:
                read_rows(self._array, np.array([row]))
            except (RuntimeError, ValueError, OSError):
                return int(row)
        return int(rows[0])

    def _damaged(self, row: int) -> CorruptDatasetError:
        return CorruptDatasetError(
            f"{self.folder / FRAMES} is damaged at {self._where(row)} (frame {row}); build the "
            "data set again."
        )

    def _where(self, row: int) -> str:
        frame = self.frames.iloc[row]
        return f"region {frame['region']}, hour {frame['hour']:%Y-%m-%dT%H:%M} TAI"


def _read(path: Path) -> pd.DataFrame:
    """Read either table; times are datetime64[ms], ``rows`` are int32 arrays."""
    table = pq.read_table(path)
    frame = table.to_pandas()
    if "rows" in table.column_names:
        flat = table["rows"].combine_chunks().flatten().to_numpy()
        frame["rows"] = list(flat.reshape(len(frame), -1)) if len(frame) else []
    return frame

"""The tables of a data set: one row a frame, one row a labelled sequence."""

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from hnn_core.dataset.classes import FLARE_CLASSES

__all__ = ["FRAMES_TABLE", "SEQUENCES_TABLE", "read_table", "write_frames", "write_sequences"]

FRAMES_TABLE = "frames.parquet"
SEQUENCES_TABLE = "sequences.parquet"

_TIME = pa.timestamp("ms")
_FRAMES = pa.schema(
    {
        "row": pa.int64(),
        "region": pa.string(),
        "harp": pa.int64(),
        "noaa": pa.string(),
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
)
_OF_CLASS = {"label": pa.int8(), "flare": pa.string(), "goes": pa.string(), "peak": _TIME}
_SEQUENCES = pa.schema(
    {
        "region": pa.string(),
        "harp": pa.int64(),
        "noaa": pa.string(),
        "group": pa.int64(),
        "hour": _TIME,
        "t_rec": _TIME,
        "longitude": pa.float64(),
        "unsigned_flux_mx": pa.float64(),
        **{f"{key}_{name}": kind for name in FLARE_CLASSES for key, kind in _OF_CLASS.items()},
        "rows": pa.list_(pa.int32()),
    }
)


def write_frames(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write the table of frames. Times are TAI, milliseconds since 1970-01-01T00:00:00 TAI."""
    _write(path, rows, _FRAMES)


def write_sequences(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write the table of labelled sequences; ``peak_…`` is UTC, all other times are TAI."""
    _write(path, rows, _SEQUENCES)


def read_table(path: Path) -> pd.DataFrame:
    """Read either table; times are datetime64[ms], ``rows`` are int32 arrays."""
    table = pq.read_table(path)
    frame = table.to_pandas()
    if "rows" in table.column_names:
        flat = table["rows"].combine_chunks().flatten().to_numpy()
        frame["rows"] = list(flat.reshape(len(frame), -1)) if len(frame) else []
    return frame


def _write(path: Path, rows: list[dict[str, Any]], schema: pa.Schema) -> None:
    columns = {
        name: pa.array([row[name] for row in rows], type=schema.field(name).type)
        for name in schema.names
    }
    pq.write_table(pa.table(columns, schema=schema), path, compression="zstd")

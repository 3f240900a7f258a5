"""The derived tables: their columns, and how they are written and read."""

import io
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from hnn_core.dataset.work_folder import write_atomically
from hnn_core.disk import room_on_disk

__all__ = ["NAMES", "Tables", "frame", "read_table", "table_path", "write_tables", "written_from"]

_FORMAT = 1
"""To be raised when columns or their meaning change: older tables are then derived again."""

_TEXT, _WHOLE, _NUMBER, _TIME = "str", "int64", "float64", "datetime64[us]"

_COLUMNS = {
    "flares": {
        "flare_id": _TEXT,
        "start_utc": _TIME,
        "peak_utc": _TIME,
        "end_utc": _TIME,
        "goes_class": _TEXT,
        "scale": _TEXT,
        "flux_w_m2": _NUMBER,
        "science_flux_w_m2": _NUMBER,
        "noaa": _WHOLE,
        "harp": _WHOLE,
        "noaa_origin": _TEXT,
        "longitude_deg": _NUMBER,
        "latitude_deg": _NUMBER,
        "source": _TEXT,
        "sources": _TEXT,
        "association": _TEXT,
        "reason": _TEXT,
        "cme_ids": _TEXT,
        "donki_id": _TEXT,
        "fetched_utc": _TIME,
        "reply": _TEXT,
    },
    "cmes": {
        "cme_id": _TEXT,
        "start_utc": _TIME,
        "speed_km_s": _NUMBER,
        "half_angle_deg": _NUMBER,
        "longitude_deg": _NUMBER,
        "latitude_deg": _NUMBER,
        "cme_type": _TEXT,
        "noaa": _WHOLE,
        "source_location": _TEXT,
        "flare_ids": _TEXT,
        "version": _WHOLE,
        "note": _TEXT,
        "fetched_utc": _TIME,
        "reply": _TEXT,
    },
    "harp_noaa": {"harp": _WHOLE, "noaa": _WHOLE},
    "coverage": {
        "service": _TEXT,
        "start": _TIME,
        "end": _TIME,
        "fetched_utc": _TIME,
        "rows": _WHOLE,
    },
}
NAMES = tuple(_COLUMNS)
_ORIGIN, _VERSION = b"hnn_raw", b"hnn_format"


@dataclass(frozen=True)
class Tables:
    """The four tables."""

    flares: pd.DataFrame
    cmes: pd.DataFrame
    harp_noaa: pd.DataFrame
    coverage: pd.DataFrame


def frame(name: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return rows as a table with that table's columns and types, also without any row."""
    columns = _COLUMNS[name]
    return pd.DataFrame(
        {
            column: pd.Series([row[column] for row in rows], dtype=kind)
            for column, kind in columns.items()
        }
    )


def table_path(folder: Path, name: str) -> Path:
    """Return where a table lies."""
    return folder / f"{name}.parquet"


def write_tables(folder: Path, tables: Tables, origin: str) -> None:
    """Write all tables, each whole or not at all.

    Parameters
    ----------
    folder : Path
    tables : Tables
    origin : str
        Names the raw replies that they were derived from.

    Raises
    ------
    DiskFullError
    """
    with room_on_disk(folder, "run the same command again: it goes on"):
        for part in fields(tables):
            table = pa.Table.from_pandas(getattr(tables, part.name), preserve_index=False)
            told = {_ORIGIN: origin.encode(), _VERSION: str(_FORMAT).encode()}
            table = table.replace_schema_metadata({**(table.schema.metadata or {}), **told})
            content = io.BytesIO()
            pq.write_table(table, content, compression="zstd", write_page_checksum=True)
            write_atomically(table_path(folder, part.name), content.getvalue())


def written_from(folder: Path) -> str:
    """Return the origin that all tables were written from; empty if one is absent or differs."""
    origins = set()
    for name in NAMES:
        try:
            told = pq.read_schema(table_path(folder, name)).metadata or {}
        except (OSError, pa.ArrowException):
            return ""
        current = told.get(_VERSION) == str(_FORMAT).encode()
        origins.add(told.get(_ORIGIN, b"").decode() if current else "")
    return origins.pop() if len(origins) == 1 else ""


def read_table(folder: Path, name: str) -> pd.DataFrame:
    """Read a table.

    Raises
    ------
    OSError
        It is absent or damaged.
    ValueError
        It is of another form; pyarrow's own errors are of one of these two kinds.
    """
    table = pq.read_table(table_path(folder, name), page_checksum_verification=True)
    told = table.schema.metadata or {}
    if told.get(_VERSION) != str(_FORMAT).encode() or table.column_names != list(_COLUMNS[name]):
        raise ValueError(f"{table_path(folder, name)} is a table of another form")
    return table.to_pandas()

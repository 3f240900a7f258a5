"""The catalogue on disk: tables opened at once, derived again where they are damaged."""

import hashlib
import io
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock

from hnn_core.catalogs.derive import SERVICES, Rows, derive
from hnn_core.catalogs.donki import CmeRecord
from hnn_core.catalogs.raw import RawFolder
from hnn_core.exceptions import CatalogError
from hnn_core.services.endpoints import live_home
from hnn_core.storage import reachable, room_on_disk, write_atomically

__all__ = [
    "NAMES",
    "Catalog",
    "catalogs_home",
    "frame",
    "refresh_tables",
    "table_path",
    "write_tables",
]

_FORMAT = 3
"""To be raised when columns or their meaning change: older tables are then derived again."""

_KINDS = {
    str: "str",
    tuple[str, ...]: "str",
    int: "int64",
    float: "float64",
    datetime: "datetime64[us]",
}
_COLUMNS: dict[str, dict[str, Any]] = {
    "flares": {
        "flare_id": str,
        "start_utc": datetime,
        "peak_utc": datetime,
        "end_utc": datetime,
        "goes_class": str,
        "scale": str,
        "flux_w_m2": float,
        "science_flux_w_m2": float,
        "noaa": int,
        "harp": int,
        "noaa_origin": str,
        "longitude_deg": float,
        "latitude_deg": float,
        "source": str,
        "sources": str,
        "association": str,
        "reason": str,
        "cme_ids": str,
        "donki_id": str,
        "fetched_utc": datetime,
        "reply": str,
    },
    "cmes": {field.name: field.type for field in fields(CmeRecord)},
    "harp_noaa": {"harp": int, "noaa": int},
    "coverage": {
        "service": str,
        "start": datetime,
        "end": datetime,
        "fetched_utc": datetime,
        "rows": int,
    },
}
NAMES = tuple(_COLUMNS)
_ORIGIN, _VERSION = b"hnn_raw", b"hnn_format"

_UNREADABLE = (OSError, ValueError, pa.ArrowException)

_Stamps = tuple[tuple[int, int], ...]
_opened: dict[Path, tuple[_Stamps, "Catalog"]] = {}
_opening = Lock()


@dataclass(frozen=True, eq=False)
class Catalog:
    """Flares, CMEs and region numbers, as fetched so far; the tables must not be changed."""

    folder: Path
    flares: pd.DataFrame
    """One row a flare, ascending in `peak_utc`; `noaa_origin` is the catalogue that names the
    region, ``position`` or empty."""
    cmes: pd.DataFrame
    """One row a CME of DONKI's, ascending in `start_utc`."""
    harp_noaa: pd.DataFrame
    """One row a pair of HARP and NOAA number, definitive HARPs alone."""
    coverage: pd.DataFrame
    """One row a span that was requested: service, start, end, fetched_utc, rows."""

    @classmethod
    def open(cls, folder: Path | None = None) -> "Catalog":
        """Open the catalogue; it is read again only where its files have changed.

        Parameters
        ----------
        folder : Path, optional
            That of the services now in use by default.

        Returns
        -------
        Catalog
            With empty tables where nothing was fetched.

        Raises
        ------
        CatalogError
            A table is damaged and cannot be derived again.
        """
        folder = folder or catalogs_home()
        with _opening:
            read_at, catalog = _opened.pop(folder, (None, None))
            # Replaced while they were read, or derived just now: tables must be of one moment.
            while (stamps := _stamps(folder)) != read_at or catalog is None:
                read_at, catalog = stamps, cls(folder, **_tables(folder))
            _opened.clear()
            _opened[folder] = stamps, catalog
            return catalog


def catalogs_home() -> Path:
    """Return the folder of the catalogues of the services now in use."""
    return live_home() / "catalogs"


def refresh_tables(folder: Path, *, damaged: bool = False) -> list[tuple[str, str]]:
    """Derive the tables again if the raw replies have changed since, or the tables are damaged.

    Returns
    -------
    list of (reply name, words)
        Records that could not be used; empty if the tables were up to date.

    Raises
    ------
    DiskFullError
    """
    folder.mkdir(parents=True, exist_ok=True)
    raw = RawFolder(folder)
    with FileLock(folder / ".tables.lock"):
        origin = _origin(raw)
        if not damaged and _written_from(folder) == origin:
            return []
        rows, problems = derive(raw)
        write_tables(folder, rows, origin)
        return problems


def frame(name: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return rows as a table with that table's columns and types, also without any row."""
    return pd.DataFrame(
        {
            column: pd.Series([row[column] for row in rows], dtype=_KINDS[kind])
            for column, kind in _COLUMNS[name].items()
        }
    )


def table_path(folder: Path, name: str) -> Path:
    """Return where a table lies."""
    return folder / f"{name}.parquet"


def write_tables(folder: Path, rows: Rows, origin: str) -> None:
    """Write all tables, each whole or not at all; `origin` names the raw replies they come from.

    Raises DiskFullError.
    """
    about = {_ORIGIN: origin.encode(), _VERSION: str(_FORMAT).encode()}
    with room_on_disk(folder, "run the same command again: it resumes"):
        for name in NAMES:
            table = pa.Table.from_pandas(frame(name, rows[name]), preserve_index=False)
            table = table.replace_schema_metadata({**(table.schema.metadata or {}), **about})
            content = io.BytesIO()
            pq.write_table(table, content, compression="zstd", write_page_checksum=True)
            write_atomically(table_path(folder, name), content.getvalue())


def _origin(raw: RawFolder) -> str:
    digest = hashlib.sha256()
    for service in SERVICES:
        for key, reply in raw.newest(service).items():
            digest.update(f"{service} {key} {reply.sha256} {reply.fetched}\n".encode())
    return digest.hexdigest()


def _written_from(folder: Path) -> str:
    """Return the origin that all tables were written from; empty if one is absent or differs."""
    origins = set()
    for name in NAMES:
        try:
            about = pq.read_schema(table_path(folder, name)).metadata or {}
        except (OSError, pa.ArrowException):
            return ""
        current = about.get(_VERSION) == str(_FORMAT).encode()
        origins.add(about.get(_ORIGIN, b"").decode() if current else "")
    return origins.pop() if len(origins) == 1 else ""


def _stamps(folder: Path) -> _Stamps:
    stamps = []
    for name in NAMES:
        try:
            status = table_path(folder, name).stat()
            stamps.append((status.st_mtime_ns, status.st_size))
        except OSError:  # absent, or the program's folder cannot be reached
            stamps.append((0, 0))
    return tuple(stamps)


def _tables(folder: Path) -> dict[str, pd.DataFrame]:
    """Read the tables; those that cannot be read are derived from the raw replies."""
    try:
        return _read(folder)
    except _UNREADABLE:
        if not reachable(folder / "raw"):
            if any(reachable(table_path(folder, name)) for name in NAMES):
                raise CatalogError(
                    f"A table in {folder} is damaged and there are no raw replies to derive it "
                    "from; remove the folder and fetch again."
                ) from None
            return {name: frame(name, []) for name in NAMES}
    try:
        refresh_tables(folder, damaged=True)
        return _read(folder)
    except (*_UNREADABLE, KeyError) as error:
        raise CatalogError(
            f"The tables in {folder} cannot be derived from the raw replies ({error}); fetch again."
        ) from error


def _read(folder: Path) -> dict[str, pd.DataFrame]:
    """Read all tables. Raises ValueError if one is of another form."""
    tables = {}
    for name, columns in _COLUMNS.items():
        path = table_path(folder, name)
        table = pq.read_table(path, page_checksum_verification=True)
        about = table.schema.metadata or {}
        if about.get(_VERSION) != str(_FORMAT).encode() or table.column_names != list(columns):
            raise ValueError(f"{path} is a table of another form")
        tables[name] = table.to_pandas()
    return tables

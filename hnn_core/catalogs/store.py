"""The catalogue on disk: opened at once, derived again where it is damaged."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import pandas as pd
import pyarrow as pa
from filelock import FileLock

from hnn_core.catalogs.derive import (
    NAMES,
    SERVICES,
    Tables,
    derive,
    frame,
    read_table,
    table_path,
    write_tables,
    written_from,
)
from hnn_core.catalogs.raw import RawFolder
from hnn_core.exceptions import CatalogError
from hnn_core.services.endpoints import live_home

__all__ = ["Catalog", "catalogs_home", "refresh_tables"]

_Stamps = tuple[tuple[int, int], ...]
_opened: dict[Path, tuple[_Stamps, "Catalog"]] = {}
_opening = Lock()


@dataclass(frozen=True, eq=False)
class Catalog:
    """Flares, CMEs and region numbers, as fetched so far; the tables must not be changed."""

    folder: Path
    flares: pd.DataFrame
    """One row a flare, ascending in `peak_utc`."""
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
        if not damaged and written_from(folder) == origin:
            return []
        tables, problems = derive(raw)
        write_tables(folder, tables, origin)
        return problems


def _origin(raw: RawFolder) -> str:
    digest = hashlib.sha256()
    for service in SERVICES:
        for key, reply in raw.newest(service).items():
            digest.update(f"{service} {key} {reply.sha256} {reply.fetched}\n".encode())
    return digest.hexdigest()


def _stamps(folder: Path) -> _Stamps:
    stamps = []
    for name in NAMES:
        try:
            status = table_path(folder, name).stat()
            stamps.append((status.st_mtime_ns, status.st_size))
        except FileNotFoundError:
            stamps.append((0, 0))
    return tuple(stamps)


def _tables(folder: Path) -> Tables:
    """Read the tables; those that cannot be read are derived from the raw replies."""
    try:
        return _read(folder)
    except (OSError, ValueError, pa.ArrowException):
        if not (folder / "raw").exists():
            if any(table_path(folder, name).exists() for name in NAMES):
                raise CatalogError(
                    f"A table in {folder} is damaged and there are no raw replies to derive it "
                    "from; remove the folder and fetch again."
                ) from None
            return {name: frame(name, []) for name in NAMES}
    try:
        refresh_tables(folder, damaged=True)
        return _read(folder)
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise CatalogError(
            f"The tables in {folder} cannot be derived from the raw replies ({error}); fetch again."
        ) from error


def _read(folder: Path) -> Tables:
    return {name: read_table(folder, name) for name in NAMES}

"""The index of a folder of FITS files: headers read once, kept, refreshed where files changed."""

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from hnn_core.exceptions import HnnError, UnknownSourceError
from hnn_core.magnetogram.conventions import tai_seconds
from hnn_core.magnetogram.fits import read_header
from hnn_core.magnetogram.sharp import sharp_keywords
from hnn_core.storage import home, write_atomically

__all__ = ["IndexRow", "load_index"]

_VERSION = 1
_ENDINGS = (".fits", ".fit", ".fits.gz")


@dataclass(frozen=True)
class IndexRow:
    """One file: what it was when indexed, and what its header holds."""

    path: str
    """Relative to the folder, with forward slashes."""
    size: int
    mtime_ns: int
    problem: str = ""
    """Why the file cannot be used, empty if it can."""
    harp: int = 0
    noaa: tuple[int, ...] = ()
    t_rec: float = 0.0
    """unix_tai seconds."""
    quality: int = 0
    near_real_time: bool = False
    simulated: bool = False
    whole: bool = True
    """False for a file shorter than its header claims: its record is known, its pixels are not."""


def load_index(folder: Path) -> list[IndexRow]:
    """Return one row for every FITS file below a folder, sorted by path, then closed folders.

    Headers are read only of files that are new or changed in size or time since the index was last
    kept. A damaged index is made anew; one that cannot be kept is no error. UnknownSourceError is
    raised if the absolute path is no folder or cannot be read.
    """
    if not folder.is_dir():
        raise UnknownSourceError(f"There is no folder {folder}; write fits:FOLDER.")
    kept = _read_cache(folder)
    rows = []
    changed = False
    files, closed = _scan(folder)
    for path, size, mtime_ns in files:
        row = kept.get(path)
        if row is None or (row.size, row.mtime_ns) != (size, mtime_ns):
            row = _read_row(folder, path, size, mtime_ns)
            changed = True
        rows.append(row)
    if changed or len(rows) != len(kept):
        _write_cache(folder, rows)
    return rows + closed


def _scan(folder: Path) -> tuple[list[tuple[str, int, int]], list[IndexRow]]:
    """Find (relative path, size, mtime_ns) of all FITS files, sorted, and unreadable folders.

    Links to folders are followed, each folder once.
    """
    seen: set[tuple[int, int]] = set()
    found: list[Path] = []
    closed: list[IndexRow] = []

    def refuse(error: OSError) -> None:
        sentence = f"{error.filename} cannot be read: {error.strerror}."
        if error.filename == str(folder):
            raise UnknownSourceError(sentence) from error
        relative = Path(error.filename).relative_to(folder).as_posix()
        closed.append(IndexRow(relative, -1, -1, problem=sentence))

    for root, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        status = Path(root).stat()
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            Path(root) / name
            for name in names
            if not name.startswith(".") and name.lower().endswith(_ENDINGS)
        ]
    return [(path.relative_to(folder).as_posix(), *_stat(path)) for path in sorted(found)], closed


def _stat(path: Path) -> tuple[int, int]:
    """Return size and mtime_ns; -1 for a dangling link, whose header then cannot be read."""
    try:
        status = path.stat()
    except OSError:
        return -1, -1
    return status.st_size, status.st_mtime_ns


def _read_row(folder: Path, path: str, size: int, mtime_ns: int) -> IndexRow:
    try:
        image = read_header(folder / path)
        keywords = sharp_keywords(image.keywords, str(folder / path))
    except HnnError as error:
        return IndexRow(path, size, mtime_ns, problem=str(error))
    if keywords.interpolated:
        problem = f"{folder / path} is a frame made by interpolation, not a record."
        return IndexRow(path, size, mtime_ns, problem=problem)
    return IndexRow(
        path=path,
        size=size,
        mtime_ns=mtime_ns,
        harp=keywords.harp,
        noaa=keywords.noaa,
        t_rec=float(tai_seconds(keywords.t_rec)),
        quality=keywords.quality,
        near_real_time=keywords.near_real_time,
        simulated=keywords.simulated,
        whole=image.whole,
    )


def _cache_path(folder: Path) -> Path:
    digest = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    return home() / "index" / f"{folder.name[:40] or 'root'}-{digest}.json"


def _read_cache(folder: Path) -> dict[str, IndexRow]:
    try:
        stored = json.loads(_cache_path(folder).read_text(encoding="utf-8"))
        if stored["version"] != _VERSION:
            return {}
        rows = [IndexRow(**{**row, "noaa": tuple(row["noaa"])}) for row in stored["rows"]]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {row.path: row for row in rows}


def _write_cache(folder: Path, rows: list[IndexRow]) -> None:
    content = {"version": _VERSION, "folder": str(folder), "rows": [asdict(row) for row in rows]}
    # The index only saves time: a full or read-only disk must not hide the files.
    with suppress(OSError):
        path = _cache_path(folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(content).encode(), shared=True)

"""What lies in a folder of FITS files: every file once, its header read once, kept in an index."""

import hashlib
import json
import os
import stat
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from hnn_core.exceptions import ArchiveError, MachineError, UnknownSourceError
from hnn_core.regions.flare_table import FLARE_TABLE
from hnn_core.sources.archives import is_archive, printable, unpacked, unpacked_home
from hnn_core.sources.header_rows import HeaderFile, IndexRow, Progress, index_row, read_rows
from hnn_core.sources.keyword_table import TABLE_ENDINGS, KeywordTables
from hnn_core.storage import home, read_json, write_atomically

__all__ = ["FolderIndex", "read_index"]

_VERSION = 6
_OURS = (".part", ".sha256")
"""Endings of what fetching leaves next to the files."""


@dataclass
class FolderIndex:
    """Every file of a folder or an archive."""

    root: Path
    """The folder, or where the archive is unpacked."""
    rows: list[IndexRow] = field(default_factory=list)
    """Sorted by path; then what was not looked into: folders that are closed, what is no file."""
    places: dict[str, Path] = field(default_factory=dict)
    """Where each file lies, by the path of its row."""
    tables: KeywordTables = field(default_factory=KeywordTables)


def read_index(
    folder: Path, progress: Progress | None = None, *, workers: int | None = None
) -> FolderIndex:
    """Look through a folder or an archive; only the headers of new and changed files are read.

    Parameters
    ----------
    folder : Path
        Absolute.
    progress : callable (done, total), optional
        While headers are read.
    workers : int, optional
        Processes that read, this one among them; one for each core by default.

    Raises
    ------
    UnknownSourceError
        Neither a folder nor an archive, or it cannot be read.
    ArchiveError
    """
    found = _Scan(folder)
    found.look()
    files = sorted(found.files, key=lambda one: one.name)
    tables = KeywordTables(sorted(found.tables))
    kept, same_tables = _read_cache(folder, found.table_state)
    rows: dict[str, IndexRow] = {}
    for one in files:
        row = kept.get(one.name)
        same = row is not None and (row.size, row.mtime_ns) == (one.size, one.mtime_ns)
        if row is not None and same and (same_tables or not row.bare):
            rows[one.name] = row
    new = [one for one in files if one.name not in rows]
    if new:
        rows.update((row.path, row) for row in read_rows(new, tables, progress, workers))
    ordered = [rows[one.name] for one in files]
    if new or len(rows) != len(kept) or not same_tables:
        kept_rows = [row for row in ordered if not row.passing]
        _write_cache(folder, kept_rows, found.table_state)
    problems = [
        IndexRow(path.relative_to(found.root).as_posix(), -1, -1, problem=reason)
        for path, reason in sorted(tables.problems.items())
    ]
    places = {one.name: one.path for one in files}
    return FolderIndex(found.root, ordered + problems + found.closed, places, tables)


class _Scan:
    """A walk through a folder, archives in it included; links to folders are followed once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder
        self.files: list[HeaderFile] = []
        self.tables: list[Path] = []
        self.closed: list[IndexRow] = []
        self._seen: set[tuple[int, int]] = set()
        self._copies = unpacked_home()

    @property
    def table_state(self) -> list[list[object]]:
        """What changes when a table does."""
        return [[str(path), *_state(path)] for path in sorted(self.tables)]

    def look(self) -> None:
        """Find everything. Raises UnknownSourceError, ArchiveError."""
        name = printable(str(self.folder))
        if name != str(self.folder):
            raise UnknownSourceError(
                f"The name {name} is not UTF-8 or has control characters; rename the folder."
            )
        try:
            is_file, is_folder = self.folder.is_file(), self.folder.is_dir()
        except OSError as error:
            raise UnknownSourceError(f"{name} cannot be read: {error.strerror}.") from error
        if is_file and is_archive(self.folder):
            self.root = self._unpack(self.folder, "")
        elif not is_folder:
            raise UnknownSourceError(
                f"There is no folder {name}; give one that holds SHARP FITS files, or an archive "
                "of them."
            )
        self._walk(self.root, "")

    def _walk(self, folder: Path, prefix: str) -> None:
        def refuse(error: OSError) -> None:
            sentence = f"{printable(error.filename)} cannot be read: {error.strerror}."
            if error.filename == str(self.folder):
                raise UnknownSourceError(sentence) from error
            self._close(prefix + Path(error.filename).relative_to(folder).as_posix(), sentence)

        for root, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
            status = Path(root).stat()
            if (status.st_dev, status.st_ino) in self._seen:
                folders.clear()
                continue
            self._seen.add((status.st_dev, status.st_ino))
            relative = Path(root).relative_to(folder).as_posix()
            below = prefix + ("" if relative == "." else f"{relative}/")
            folders[:] = sorted(
                name
                for name in folders
                if self._is_usable(name, below) and Path(root) / name != self._copies
            )
            for name in names:
                if self._is_usable(name, below) and not name.endswith(_OURS):
                    self._take(Path(root) / name, below + name)

    def _take(self, path: Path, name: str) -> None:
        """Sort a file: one to read, a table, an archive or nothing of these."""
        try:
            mode = path.stat().st_mode
        except OSError:
            mode = stat.S_IFREG  # a dangling link, whose header cannot be read
        if not stat.S_ISREG(mode):
            self._close(name, f"{path} is a pipe, a socket or a device, not a file.")
        elif path == self.root / FLARE_TABLE:
            return
        elif name.lower().endswith(TABLE_ENDINGS):
            self.tables.append(path)
        elif is_archive(path):
            if not path.is_relative_to(self.folder):
                self._close(name, f"{name} is an archive in an archive; unpack it yourself.")
                return
            try:
                self._walk(self._unpack(path, f"{name}/"), f"{name}/")
            except (ArchiveError, MachineError) as error:  # the other files are of use
                self._close(name, str(error))
        else:
            self.files.append(HeaderFile(name, path, *_state(path), str(self.folder / name)))

    def _unpack(self, archive: Path, prefix: str) -> Path:
        folder, skipped = unpacked(archive)
        for one in skipped:
            self._close(prefix + one.path, one.reason)
        return folder

    def _is_usable(self, name: str, below: str) -> bool:
        if printable(name) != name:
            shown = printable(below + name)
            self._close(
                shown, f"{shown} has a name that is not UTF-8 or has control characters; rename it."
            )
            return False
        return not name.startswith(".")

    def _close(self, name: str, reason: str) -> None:
        self.closed.append(IndexRow(name, -1, -1, problem=reason))


def _state(path: Path) -> tuple[int, int]:
    """Return size and mtime_ns; -1 for a dangling link, whose header then cannot be read."""
    try:
        status = path.stat()
    except OSError:
        return -1, -1
    return status.st_size, status.st_mtime_ns


def index_path(folder: Path) -> Path:
    """Return where the index of a folder is kept."""
    digest = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    return home() / "index" / f"{folder.name[:40] or 'root'}-{digest}.json"


def _read_cache(folder: Path, table_state: object) -> tuple[dict[str, IndexRow], bool]:
    """Return the rows that are kept, by path, and whether the tables of keywords are the same."""
    try:
        stored = read_json(index_path(folder))
        if stored["version"] != _VERSION:
            return {}, False
        rows = [index_row(row) for row in stored["rows"]]
        return {row.path: row for row in rows}, stored["tables"] == table_state
    except (OSError, ValueError, KeyError, TypeError):
        return {}, False


def _write_cache(folder: Path, rows: list[IndexRow], table_state: object) -> None:
    content = {
        "version": _VERSION,
        "folder": str(folder),
        "tables": table_state,
        "rows": [asdict(row) for row in rows],
    }
    # The index only saves time: a full or read-only disk must not hide the files.
    with suppress(OSError):
        path = index_path(folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(content).encode(), shared=True)

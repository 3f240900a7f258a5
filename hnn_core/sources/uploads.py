"""Files that a visitor brought: kept for one session, in a folder that only its name opens.

The name is drawn at random, and `hnn_core.sources.open_source` opens such a folder by it alone, so
that no other visitor can reach the files. They are read as any folder of FITS files is, never
executed, and removed when the session ends; what a killed server left is removed by the next one.
A lock in each folder, held as long as its session, shows whether it is left: numbers of processes
come again, and another server may run in a container of its own.
"""

import os
import re
import secrets
import shutil
import weakref
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO

import psutil
from astropy.time import Time
from filelock import FileLock

from hnn_core.exceptions import (
    ArchiveError,
    EmptySourceError,
    FitsError,
    OffLimbError,
    UnknownSourceError,
)
from hnn_core.magnetogram.magnetogram import Magnetogram
from hnn_core.regions.base import SkippedFile
from hnn_core.regions.flare_table import FLARE_TABLE
from hnn_core.sources.archives import is_archive, printable, unpack
from hnn_core.sources.fits_folder import FitsFolder
from hnn_core.sources.folder_index import index_path
from hnn_core.storage import (
    entries,
    home,
    is_held,
    reachable,
    room_on_disk,
    take_lock,
    write_atomically,
)

__all__ = ["MAX_BYTES", "MAX_FILES", "Upload", "UploadedFolder", "uploads_home"]

MAX_BYTES = 500_000_000
"""Of all files of a session, unpacked: some 500 hours of a large region."""
MAX_FILES = 1000
_MAX_BYTES_HERE = 8 * MAX_BYTES
"""Of all sessions together."""
_FEWER = "upload again, or fewer files"
_LONGEST, _SHOWN = 200, 60
"""Bytes of a name that leave room for what is added while a file is written; and how many of a
longer one are shown."""
_NAME = re.compile(r"\d+-[0-9a-f]{32}")
_LOCK = ".lock"


def uploads_home() -> Path:
    """Return the folder with the files of all sessions; hidden, so that no source walks into it."""
    return home() / ".uploads"


class Upload:
    """The files of one session; they are removed with this object.

    Attributes
    ----------
    spec : str
        What `hnn_core.sources.open_source` takes.
    n_files, n_bytes : int
        What is kept.
    skipped : tuple of SkippedFile
        What was not, by its name, and why.
    """

    def __init__(self) -> None:
        _remove_orphans()
        name = f"{os.getpid()}-{secrets.token_hex(16)}"
        self.spec = f"upload:{name}"
        self.skipped: tuple[SkippedFile, ...] = ()
        self._folder = uploads_home() / name
        self._index = index_path(self._folder.absolute())
        self._held: list[IO[bytes]] = []
        weakref.finalize(self, _let_go, self._folder, self._index, self._held)

    @property
    def n_files(self) -> int:
        """Number of files that are kept."""
        return sum(1 for _ in _files(self._folder))

    @property
    def n_bytes(self) -> int:
        """Size of the files that are kept."""
        return sum(path.stat().st_size for path in _files(self._folder))

    def add(self, files: Iterable[tuple[str, bytes | memoryview]]) -> None:
        """Keep files beside those that are there; one of the same name takes the other's place.

        An archive is unpacked and not kept itself.

        Parameters
        ----------
        files : iterable of (name, bytes)

        Notes
        -----
        A file beyond `MAX_FILES` or `MAX_BYTES` is listed in `skipped`, as is an archive that
        cannot be unpacked.
        """
        with room_on_disk(self._folder, _FEWER), _looking():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._held:
                self._held.append((self._folder / _LOCK).open("ab"))
                take_lock(self._held[0])
        skipped = {file.path: file for file in self.skipped}
        files_left, bytes_left = MAX_FILES - self.n_files, MAX_BYTES - self.n_bytes
        here_left = _MAX_BYTES_HERE - sum(path.stat().st_size for path in _files(uploads_home()))
        with room_on_disk(self._folder, _FEWER):
            for name, content in files:
                shown = printable(name)
                stem = re.sub(r"[^\w.+-]", "_", Path(name).name).lstrip(".") or "_"
                target = self._folder / stem
                skipped.pop(shown, None)
                if len(stem.encode()) > _LONGEST:
                    reason = (
                        f"{shown[:_SHOWN]}… was not kept: its name is too long; give it a shorter "
                        "one."
                    )
                elif files_left <= 0 or len(content) > bytes_left:
                    reason = (
                        f"{shown} was not kept: a session holds at most {MAX_FILES} files and "
                        f"{MAX_BYTES / 1e6:.0f} MB. Give a folder on the server instead."
                    )
                elif len(content) > here_left:
                    reason = (
                        f"{shown} was not kept: the visitors of this server have uploaded "
                        f"{_MAX_BYTES_HERE / 1e9:.0f} GB, as much as it holds; try again later."
                    )
                elif is_archive(target):
                    most = min(bytes_left, here_left)
                    folder = target.with_name(f"{stem}.unpacked")
                    reason = self._unpack(target, folder, content, most, files_left, skipped)
                    sizes = [path.stat().st_size for path in _files(folder)]
                    files_left -= len(sizes)
                    bytes_left, here_left = bytes_left - sum(sizes), here_left - sum(sizes)
                else:
                    reason = ""
                    write_atomically(target, content)
                    files_left -= 1
                    bytes_left, here_left = bytes_left - len(content), here_left - len(content)
                if reason:
                    skipped[shown] = SkippedFile(shown, reason)
            self._raise_flare_table()
        self.skipped = tuple(skipped.values())

    def clear(self) -> None:
        """Remove the files."""
        _let_go(self._folder, self._index, self._held)
        self.skipped = ()

    def _raise_flare_table(self) -> None:
        """Put a table of flares that an archive holds where a folder has it."""
        for path in sorted(self._folder.rglob("*")):
            if path.name.lower() == FLARE_TABLE and path.is_file():
                if not (self._folder / FLARE_TABLE).exists():
                    path.rename(self._folder / FLARE_TABLE)
                return

    def _unpack(
        self,
        target: Path,
        folder: Path,
        content: bytes | memoryview,
        max_bytes: int,
        max_files: int,
        skipped: dict[str, SkippedFile],
    ) -> str:
        archive = target.with_name(f".{target.name}")
        try:
            archive.write_bytes(content)
            left = unpack(archive, folder, max_bytes=max_bytes, max_files=max_files)
        except ArchiveError as error:
            return str(error).replace(str(archive), target.name)
        finally:
            archive.unlink(missing_ok=True)
        skipped.update({file.path: file for file in left})
        return ""


class UploadedFolder(FitsFolder):
    """The files of one session as a source, a `FitsFolder`.

    Parameters
    ----------
    name : str
        What stands after ``upload:``.

    Raises
    ------
    UnknownSourceError
        There are no such files, or no more.
    EmptySourceError
        As of `FitsFolder`.
    """

    def __init__(self, name: str) -> None:
        folder = uploads_home() / name
        if not _NAME.fullmatch(name) or not reachable(folder):
            raise UnknownSourceError(
                "These files were uploaded in a session that has ended or is not this one; upload "
                "them again, or put them into a folder on the server."
            )
        try:
            super().__init__(folder)
        except EmptySourceError as error:
            raise EmptySourceError(self._by_name(str(error), folder)) from error
        self.spec = f"upload:{name}"

    def frame(self, region: str, time: Time) -> Magnetogram:
        """As of `FitsFolder`; messages have the names of files, not where the server keeps them."""
        try:
            frame = super().frame(region, time)
        except (FitsError, OffLimbError) as error:
            raise type(error)(self._by_name(str(error), self.folder)) from error
        return replace(frame, origin=self._by_name(frame.origin, self.folder))

    def skipped(self) -> tuple[SkippedFile, ...]:
        """As of `FitsFolder`, by the names of files."""
        return tuple(
            replace(file, reason=self._by_name(file.reason, self.folder))
            for file in super().skipped()
        )

    @staticmethod
    def _by_name(text: str, folder: Path) -> str:
        return text.replace(f"{folder}/", "").replace(str(folder), "The upload")


def _remove(folder: Path, index: Path) -> None:
    """Remove the files of a session, and what is kept of their headers."""
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        index.unlink(missing_ok=True)


def _let_go(folder: Path, index: Path, held: list[IO[bytes]]) -> None:
    _remove(folder, index)
    while held:
        held.pop().close()


def _files(folder: Path) -> Iterable[Path]:
    if not reachable(folder):
        return iter(())
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return (path for path in files if path.name != _LOCK)


def _looking() -> FileLock:
    """Return the lock under which servers take the locks of sessions and look at them."""
    return FileLock(home() / "uploads.lock")


def _remove_orphans() -> None:
    """Remove what sessions of servers left that were killed."""
    with suppress(OSError), _looking():  # a disk that cannot be written keeps what is there
        for folder in entries(uploads_home()):
            held = is_held(folder / _LOCK)
            if held is None:  # of an earlier version, or on a disk without locks
                owner = folder.name.partition("-")[0]
                held = owner.isdigit() and psutil.pid_exists(int(owner))
            if not held:
                _remove(folder, index_path(folder.absolute()))

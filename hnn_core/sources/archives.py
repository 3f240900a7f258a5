"""Archives of an export (tar, plain or packed, and zip), unpacked with care.

Nothing is written outside the folder, no link or device is made, nothing is executed, and what an
archive can swell to has a bound. The copy is for reading only; the archive stays as it is.
"""

import bz2
import errno
import gzip
import hashlib
import json
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import mkdtemp
from typing import IO, Any, cast

from filelock import FileLock

from hnn_core.exceptions import ArchiveError, HnnError
from hnn_core.regions.base import SkippedFile
from hnn_core.storage import (
    fault_words,
    home,
    read_json,
    replace_folder,
    replace_json,
    room_on_disk,
)

__all__ = [
    "ARCHIVE_ENDINGS",
    "MAX_BYTES",
    "MAX_FILES",
    "is_archive",
    "printable",
    "unpack",
    "unpacked",
    "unpacked_home",
]

ARCHIVE_ENDINGS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".zip")
MAX_BYTES = 16 * 2**30
"""Of all files of an archive: about two years of one region."""
MAX_FILES = 50_000
_RATIO = 100
"""Times the archive's size that its files may have; magnetograms reach ten."""
_FREE = 64 * 2**20
"""What any archive may unpack to."""
_CHUNK = 2**20
_AGAIN = "try again"
_OPENERS: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open}


def is_archive(path: Path) -> bool:
    """Whether a file is an archive by its name."""
    return path.name.lower().endswith(ARCHIVE_ENDINGS)


def printable(name: str) -> str:
    r"""Return a file name as it can be written anywhere: bytes that are no text as ``\xff``."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def unpack(
    archive: Path, folder: Path, *, max_bytes: int = MAX_BYTES, max_files: int = MAX_FILES
) -> list[SkippedFile]:
    """Unpack the files of an archive into a folder of their own, all of them or none.

    Parameters
    ----------
    archive : Path
        A tar, plain or packed by gzip or bzip2, or a zip; its content decides.
    folder : Path
        Made anew, readable by this user alone. What was there is replaced.
    max_bytes, max_files : int
        Of all files together.

    Returns
    -------
    list of SkippedFile
        What was not unpacked, by its name in the archive, and why: links, devices, names that
        lead out of the folder or are not UTF-8, encrypted files.

    Raises
    ------
    ArchiveError
        It cannot be read, ends early, or its files exceed `max_bytes`, `max_files` or a hundred
        times its own size. Nothing is left of it.
    DiskFullError

    Examples
    --------
    >>> import zipfile
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as there:
    ...     archive = Path(there) / "export.zip"
    ...     with zipfile.ZipFile(archive, "w") as made:
    ...         made.writestr("a/one.fits", b"SIMPLE")
    ...         made.writestr("../two.fits", b"SIMPLE")
    ...     skipped = unpack(archive, Path(there) / "copy")
    ...     (Path(there) / "copy" / "a" / "one.fits").read_bytes(), [one.path for one in skipped]
    (b'SIMPLE', ['../two.fits'])
    """
    with room_on_disk(folder.parent, _AGAIN):
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(mkdtemp(prefix=".", suffix=".part", dir=folder.parent))
    skipped: list[SkippedFile] = []
    try:
        with room_on_disk(folder.parent, _AGAIN), _translated(archive):
            room = min(max_bytes, max(_FREE, _RATIO * archive.stat().st_size))
            for number, member in enumerate(_members(archive), start=1):
                if number > max_files:
                    raise ArchiveError(
                        f"{archive} holds more than {max_files} files; it was not unpacked."
                    )
                room -= member.size  # what is skipped counts: a packed tar is read through it
                if room < 0:
                    raise ArchiveError(
                        f"{archive} would unpack to more than {max_bytes / 1e9:.3g} GB or "
                        f"{_RATIO} times its own size; it was not unpacked."
                    )
                reason = member.reason or _refusal(member.name) or _copy(member, draft)
                if reason:
                    shown = printable(member.name)
                    skipped.append(SkippedFile(shown, f"{shown} {reason}"))
        with room_on_disk(folder.parent, _AGAIN):
            replace_folder(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return skipped


def unpacked_home() -> Path:
    """Return the program's folder of unpacked archives; it may not exist yet."""
    return home() / "unpacked"


def unpacked(archive: Path) -> tuple[Path, list[SkippedFile]]:
    """Return the folder of the program where an archive's files are, unpacked once, and the rest.

    An archive that was replaced is unpacked anew; copies of archives that are gone are removed.
    Raises as `unpack`.
    """
    status = archive.stat()
    state = {"archive": str(archive), "size": status.st_size, "mtime_ns": status.st_mtime_ns}
    key = hashlib.sha256(json.dumps(state).encode()).hexdigest()[:24]
    folder = unpacked_home() / key
    card = folder.with_suffix(".json")
    if (known := _known(folder, card)) is not None:  # without a lock: the disk may be read-only
        return folder, known
    with room_on_disk(folder.parent, _AGAIN):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.parent / ".lock"):
            if (known := _known(folder, card)) is not None:
                return folder, known
            _remove_stale(folder.parent)
            skipped = unpack(archive, folder)
            replace_json(card, {**state, "skipped": [vars(one) for one in skipped]})
        return folder, skipped


def _known(folder: Path, card: Path) -> list[SkippedFile] | None:
    """Return what was skipped of an archive that is unpacked already; None if it is not."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        if folder.is_dir():
            return [SkippedFile(**one) for one in read_json(card)["skipped"]]
    return None


@dataclass(frozen=True)
class _Member:
    """One entry of an archive."""

    name: str
    size: int
    """As the archive states it."""
    reason: str
    """Why it is not unpacked; empty where it may be."""
    stream: IO[bytes] | None = None


class _Careful:
    """A packed stream of which nobody can have more at once than is good.

    A damaged or made-up header of a tar can request gigabytes for its own text.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.seek, self.tell, self.close = stream.seek, stream.tell, stream.close

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _FREE:
            raise tarfile.ReadError(f"a header of {size} bytes")
        return self._stream.read(size)


def _members(archive: Path) -> Iterator[_Member]:
    with archive.open("rb") as stream:
        start = stream.read(4)
        stream.seek(0)
        if start.startswith(b"PK"):
            yield from _zip_members(stream)
            return
        with _OPENERS.get(start[:2], open)(archive, "rb") as plain:
            yield from _tar_members(cast(IO[bytes], _Careful(plain)))


def _tar_members(stream: IO[bytes]) -> Iterator[_Member]:
    with tarfile.open(fileobj=stream, mode="r:", errors="surrogateescape") as opened:
        for info in opened:
            if info.isdir():
                continue
            if info.isfile():
                yield _Member(info.name, info.size, "", opened.extractfile(info))
            else:
                yield _Member(info.name, info.size, "is a link or a device, not a file.")
        # tarfile takes a damaged header for the end; only zeros are one.
        stream.seek(opened.offset)
        if stream.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise EOFError("no end")
        while stream.read(_CHUNK):  # a packed stream checks itself at its end
            if stream.tell() - opened.offset > _FREE:
                raise EOFError("no end")


def _zip_members(stream: IO[bytes]) -> Iterator[_Member]:
    with zipfile.ZipFile(stream) as opened:
        for info in opened.infolist():
            kind = info.external_attr >> 28
            if info.is_dir():
                continue
            if info.flag_bits & 1:
                yield _Member(info.filename, 0, "is encrypted; unpack it yourself.")
            elif kind not in (0, 8):  # of Unix: none stated, a file
                yield _Member(info.filename, 0, "is a link or a device, not a file.")
            else:
                with opened.open(info) as member:
                    yield _Member(info.filename, info.file_size, "", member)


def _refusal(name: str) -> str:
    """Say why a file of that name is not written; empty if it may be."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return "has a name that is not UTF-8; rename it and pack it again."
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\\" in name or ":" in parts[0]:
        return "would be written outside the folder; it was left out."
    if not name.isprintable():
        return "has a name with control characters; rename it and pack it again."
    return ""


def _copy(member: _Member, folder: Path) -> str:
    """Write a member below a folder; return why it could not be written."""
    target = folder / member.name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        out = target.open("xb")
    except (FileExistsError, NotADirectoryError):
        return "is twice in the archive; the first one is used."
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        return "has a name that is too long; rename it and pack it again."
    left, stream = member.size, cast(IO[bytes], member.stream)
    with out:
        # Not a byte beyond its stated size, which was counted.
        while left and (chunk := stream.read(min(_CHUNK, left))):
            left -= len(chunk)
            out.write(chunk)
    if left or stream.read(1):
        raise EOFError(member.name)
    return ""


def _remove_stale(folder: Path) -> None:
    """Remove the copies of archives that changed or are gone."""
    for card in folder.glob("*.json"):
        with suppress(OSError, ValueError, KeyError, TypeError):
            state = read_json(card)
            status = Path(state["archive"]).stat()
            if (status.st_size, status.st_mtime_ns) == (state["size"], state["mtime_ns"]):
                continue
        shutil.rmtree(card.with_suffix(""), ignore_errors=True)
        card.unlink(missing_ok=True)


@contextmanager
def _translated(archive: Path) -> Iterator[None]:
    """Turn what Python raises on bad archives into `ArchiveError`."""
    try:
        yield
    except HnnError:
        raise
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise ArchiveError(f"{archive} cannot be opened: {error.strerror}.") from error
    except Exception as error:
        if fault_words(error):  # the archive may be sound
            raise
        # tarfile, zipfile and the decoders raise a dozen classes on what is no archive.
        raise ArchiveError(_damaged(archive, error)) from error


def _damaged(archive: Path, error: Exception) -> str:
    return (
        f"{archive} is no tar or zip archive, or is damaged ({type(error).__name__}); "
        "download it again."
    )

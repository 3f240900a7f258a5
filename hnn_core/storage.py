"""The one folder under which the program writes, and how: a kill leaves the old or the new file.

Lines that are appended may be torn by a kill; the readers here pass over them.
"""

import contextlib
import ctypes
import errno
import json
import os
import re
import shutil
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import platformdirs

from hnn_core.exceptions import DiskFullError, HnnError, MachineError, RequestError

__all__ = [
    "append_line",
    "entries",
    "fault_words",
    "flush_folder",
    "home",
    "home_fault",
    "is_held",
    "is_memory_short",
    "json_objects",
    "naming",
    "now",
    "reachable",
    "read_json",
    "read_lines",
    "replace_folder",
    "replace_json",
    "replacing",
    "room_on_disk",
    "take_lock",
    "typed_path",
    "unreadable",
    "write_atomically",
]

_FULL = {errno.ENOSPC: "The disk", errno.EDQUOT: "Your quota on the disk"}
_FAILING = (errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ETIMEDOUT, errno.ENODEV, errno.ENXIO)
_SHORT = ("not enough memory", "out of memory", "can't allocate memory", "cannot allocate memory")
_NUMBER = re.compile(r"os error (\d+)")
"""How safetensors names the system's errors."""


def home() -> Path:
    """Return the program's folder: HNN_HOME, else the user-data folder. It may not exist yet.

    Reading goes without it; whoever writes into it makes it first.
    """
    return Path(os.environ.get("HNN_HOME") or platformdirs.user_data_dir("hnn"))


def home_fault() -> str:
    """Return why nothing can be kept in the program's folder; empty if it can or is but full."""
    folder = home()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        if error.errno in _FULL:
            return ""
        return (
            f"The program's folder {str(folder)[:200]} cannot be written into ({error.strerror}); "
            "set the environment variable HNN_HOME to a folder that can, and start again."
        )


def reachable(path: Path) -> bool:
    """Whether something is at a path and can be reached: False also without permission."""
    try:
        path.stat()
    except (OSError, ValueError):
        return False
    return True


def entries(folder: Path) -> list[Path]:
    """Return what lies in a folder, by name; nothing where it is absent or cannot be reached."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def now() -> str:
    """Return the time as ISO seconds, UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def typed_path(text: str | Path) -> Path:
    """Return the path that a person wrote, with ``~`` as the home folder; it need not exist.

    Raises
    ------
    RequestError
        If no file can have it: a null character, a name too long, an unknown user.
    """
    try:
        path = Path(text).expanduser()
        path.lstat()
    except (RuntimeError, ValueError) as error:
        why = "no such user" if isinstance(error, RuntimeError) else error
        raise RequestError(f"“{str(text)[:60]}” cannot be a path ({why}).") from error
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise RequestError(f"“{str(text)[:60]}…” is too long for a name or path.") from error
    return path


@contextmanager
def replacing(path: Path, *, shared: bool = False) -> Iterator[Path]:
    """Give a draft to write, which takes the file's place, flushed to the disk, at the end.

    Parameters
    ----------
    path : Path
    shared : bool
        Whether several may write the file at once: then each has a draft of its own. Otherwise
        it is ``<name>.part``, so that what a killed writer left is written over by the next.

    Yields
    ------
    Path
        In the same folder; removed where the block fails.
    """
    own = f".{os.getpid()}-{threading.get_ident()}.part"  # short: names may be at their limit
    draft = path.with_name(own if shared else f"{path.name}.part")
    try:
        with naming(path):
            yield draft
            with draft.open("rb+") as stream:
                os.fsync(stream.fileno())
            draft.replace(path)
            _flush(path.parent)
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def write_atomically(path: Path, content: bytes | memoryview, *, shared: bool = False) -> None:
    """Write a file so that it is there whole or not at all; see `replacing`."""
    with replacing(path, shared=shared) as draft:
        draft.write_bytes(content)


def replace_json(path: Path, values: dict[str, Any]) -> None:
    """Write JSON so that it is there whole or not at all, whoever else writes it."""
    text = json.dumps(values, indent=2, allow_nan=False) + "\n"
    write_atomically(path, text.encode(), shared=True)


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object that a file holds; `unreadable` words what is raised.

    Raises
    ------
    OSError
        There is no such file, or it cannot be read.
    ValueError
        It is torn, no JSON, not UTF-8, nested too deep, or of another type than an object.
    """
    try:
        values = json.loads(path.read_bytes().decode())
    except (ValueError, RecursionError) as error:
        raise ValueError("it is not whole JSON") from error
    if not isinstance(values, dict):
        raise ValueError("it holds no JSON object")
    return values


def unreadable(error: Exception) -> str:
    """Return why a file could not be used, without its path: a system's words, or a reader's."""
    words = error.strerror if isinstance(error, OSError) else None
    return words or str(error).strip().split("\n")[0] or type(error).__name__


def replace_folder(draft: Path, folder: Path) -> None:
    """Give a finished draft the place of a folder; one that was there survives a failure.

    Where the system can swap two names (Linux), a folder of that name is there at every moment,
    whoever else replaces it at the same time.

    Raises
    ------
    OSError
    """
    old = draft.with_name(f"{draft.name}-old")
    try:
        draft.rename(folder)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise
        if _swap(draft, folder):
            old = draft
        else:
            folder.rename(old)
            try:
                draft.rename(folder)
            except OSError:
                old.rename(folder)
                raise
    _flush(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def flush_folder(folder: Path) -> None:
    """See that all that lies in a folder is on the disk, before the folder gets its name."""
    for path in folder.rglob("*"):
        if path.is_file():
            with naming(path), path.open("rb+") as stream:
                os.fsync(stream.fileno())
        else:
            _flush(path)
    _flush(folder)


def append_line(path: Path, values: dict[str, Any]) -> None:
    """Append a JSON object as a line, in one write; a torn line before it is ended first."""
    text = json.dumps(values, ensure_ascii=False, allow_nan=False) + "\n"
    with naming(path), path.open("ab+", buffering=0) as stream:
        if stream.seek(0, os.SEEK_END):
            stream.seek(-1, os.SEEK_END)
            if stream.read(1) != b"\n":
                text = "\n" + text
        content = text.encode()
        while content:  # a disk that becomes full takes a part, and refuses the rest
            content = content[stream.write(content) :]


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the JSON objects of a file's lines; torn lines are passed over, no file is empty.

    Raises
    ------
    OSError
        The file is there and cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return []
    return list(json_objects(text.split("\n")))


def json_objects(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield the lines that are a JSON object each."""
    for line in lines:
        if line.startswith("{"):
            with contextlib.suppress(ValueError, RecursionError):
                yield json.loads(line)


@contextmanager
def room_on_disk(folder: Path, then: str) -> Iterator[None]:
    """Turn a full disk, or one that cannot be written, into a sentence that names it.

    Parameters
    ----------
    folder : Path
        What is written into.
    then : str
        What to do once there is room: ``run the same command again: it resumes``.

    Raises
    ------
    DiskFullError
        The disk is full, or what its owner allows is used up.
    MachineError
        Anything else that `fault_words` knows.
    """
    try:
        yield
    except HnnError:
        raise
    except Exception as error:
        cause = _of_system(error)
        if cause in _FULL:
            words = f"{_FULL[cause]} of {folder} is full; make room and {then}."
            raise DiskFullError(words) from error
        if cause is not None and (words := fault_words(error)):
            raise MachineError(words) from error
        raise


def fault_words(error: BaseException) -> str:
    """Say what of the machine failed, and what to do; empty where it is no fault of the machine.

    An error of ours has its own sentence. Full, failing and read-only disks, too many open files,
    too little memory: as Python, torch, pyarrow and safetensors report them.
    """
    if isinstance(error, HnnError):
        return str(error)
    if is_memory_short(error):
        return (
            "There is not enough memory for this; close other programs, or choose fewer or smaller "
            "regions, and try again."
        )
    cause = _of_system(error)
    name = getattr(error, "filename", None)
    file = Path(os.fsdecode(name)) if isinstance(name, str | bytes) else None
    if cause in _FULL:
        disk = f"{_FULL[cause]} " + (f"of {_lasting(file)}" if file else "that is written to")
        return f"{disk} is full; make room and try again."
    if cause == errno.EFBIG:
        return f"{file or 'A file'} would be larger than this system allows (ulimit -f)."
    if cause in (errno.EMFILE, errno.ENFILE):
        return (
            "Too many files are open; close what else is open, or raise the limit (ulimit -n), "
            "and try again."
        )
    if cause in _FAILING:
        return (
            f"{file or 'A file'} cannot be reached ({os.strerror(cause)}); its disk or network "
            "drive is failing."
        )
    if cause == errno.EROFS:
        return home_fault() or f"{file or 'The disk'} cannot be written: the disk is read-only."
    if cause is not None and file is not None and file.is_relative_to(home()):
        return home_fault()
    too_long = f"“{str(file)[:60]}…” is too long for a name or path; choose a shorter one."
    return too_long if cause == errno.ENAMETOOLONG else ""


def _lasting(file: Path) -> Path:
    """Return the folder of a file, or the first above it that is there and no draft of ours."""
    top = str(home())
    return next(p for p in file.parents if reachable(p) and "/." not in str(p).partition(top)[2])


def is_memory_short(error: BaseException) -> bool:
    """Whether an error is for want of memory, of this program or of a device."""
    return isinstance(error, MemoryError) or any(one in str(error).lower() for one in _SHORT)


def _of_system(error: BaseException) -> int | None:
    """Return the system's number of an error; None where it is not the system's."""
    if isinstance(error, OSError):
        return error.errno
    number = None if isinstance(error, HnnError) else _NUMBER.search(str(error))
    return int(number[1]) if number else None


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Give errors of writing and flushing, which have no file's name, that of a file or folder.

    Errors of the system that another library has in its own class become OSError.
    """
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = str(path)
        raise
    except Exception as error:
        number = _of_system(error)
        if number is None:
            raise
        raise OSError(number, os.strerror(number), str(path)) from error


def is_held(path: Path) -> bool | None:
    """Whether a process holds the lock that a file is; None where there is no lock."""
    try:
        with path.open("rb") as lock:
            taken = take_lock(lock, shared=True)
    except OSError:
        return None
    return None if taken is None else not taken


def take_lock(lock: IO[bytes], *, shared: bool = False) -> bool | None:
    """Take the lock that an open file is, if it is free, until it is closed.

    The system lets go of it however its process ends, so that it proves a process alive whatever
    the clock shows. None where files have no locks: Windows, some cluster disks.
    """
    try:
        import fcntl

        fcntl.flock(lock, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # some network disks answer with the latter
        return False
    except (ImportError, OSError):
        return None
    return True


def _swap(one: Path, other: Path) -> bool:
    """Swap two names in one step; False where the system or the disk cannot."""
    try:
        swap = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    names = [os.fsencode(path) for path in (one, other)]
    return bool(swap(here, names[0], here, names[1], exchange) == 0)


def _flush(folder: Path) -> None:
    """See that the names in a folder are on the disk, where the system opens folders."""
    with contextlib.suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)

"""A disk that fails at its N-th step, whoever writes; and real disks that are small or read-only.

What C code writes by itself (safetensors, pyarrow's paths, memory maps) only a real disk refuses.
"""

import builtins
import errno
import io
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

__all__ = ["FailingDisk", "at_every_step", "contents", "mounted"]

_MOVES = ("mkdir", "replace", "rename", "posix_fallocate", "fsync")


class FailingDisk:
    """While it is entered, the `at`-th step of writing below a folder fails, and all after it.

    Steps are: making a folder or a file, a write (of which one half still gets there), a flush, a
    new name. Removing and reading never fail.

    Parameters
    ----------
    root : Path
    at : int
        From 1.
    code : int
        The system's number of the error.
    """

    def __init__(self, root: Path, at: int, code: int = errno.ENOSPC) -> None:
        self.root, self.at, self.code, self.steps = str(root), at, code, 0

    @property
    def failed(self) -> bool:
        return self.steps >= self.at

    def __enter__(self) -> "FailingDisk":
        self._patch = pytest.MonkeyPatch()
        plain = io.open
        self._patch.setattr(io, "open", self._opening(plain))
        self._patch.setattr(builtins, "open", self._opening(plain))
        self._patch.setattr(os, "open", self._creating(os.open))
        for name in _MOVES:
            self._patch.setattr(os, name, self._stepping(getattr(os, name)))
        return self

    def __exit__(self, *_: object) -> None:
        self._patch.undo()

    def _step(self, name: object = None) -> None:
        self.steps += 1
        if self.failed:
            raise OSError(self.code, os.strerror(self.code), *([str(name)] if name else []))

    def _below(self, path: object) -> bool:
        if isinstance(path, int):
            return str(Path(f"/proc/self/fd/{path}").readlink()).startswith(self.root)
        return os.fsdecode(os.fspath(path)).startswith(self.root)  # type: ignore[call-overload]

    def _stepping(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def step(path: Any, *args: Any, **options: Any) -> Any:
            if self._below(path):
                self._step(None if isinstance(path, int) else path)
            return function(path, *args, **options)

        return step

    def _creating(self, function: Callable[..., int]) -> Callable[..., int]:
        def create(path: Any, flags: int, *args: Any, **options: Any) -> int:
            if flags & os.O_CREAT and self._below(path):
                self._step(path)
            return function(path, flags, *args, **options)

        return create

    def _opening(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def open_file(file: Any, mode: str = "r", *args: Any, **options: Any) -> Any:
            if not set(mode) & set("wxa+") or not self._below(file):
                return function(file, mode, *args, **options)
            if set(mode) & set("wxa"):
                self._step(file)
            stream = function(file, mode, *args, **options)
            stream.write = self._writing(stream.write)
            return stream

        return open_file

    def _writing(self, write: Callable[[Any], int]) -> Callable[[Any], int]:
        def half_of(content: Any) -> int:
            try:
                self._step()
            except OSError:
                write(content[: len(content) // 2])
                raise
            return write(content)

        return half_of


def at_every_step(
    root: Path,
    act: Callable[[Path], object],
    after: Callable[[Path, BaseException], object],
    *,
    prepare: Callable[[Path], object] = lambda _: None,
    code: int = errno.ENOSPC,
    every: int = 1,
) -> int:
    """Act in a fresh folder at a time, each of which fails one step later; return all steps.

    Parameters
    ----------
    root : Path
    act : callable (folder)
        The folder is HNN_HOME meanwhile; put it back after.
    after : callable (folder, error)
        Called after each failure, when the disk works again.
    prepare : callable (folder), optional
        Called before the disk begins to fail.
    every : int
        Only every so many steps.
    """
    at = 1
    while True:
        folder = root / f"{at:04d}"
        folder.mkdir(parents=True)
        os.environ["HNN_HOME"] = str(folder)
        prepare(folder)
        error: BaseException | None = None
        with FailingDisk(folder, at, code) as disk:
            try:
                act(folder)
            except Exception as raised:  # noqa: BLE001 - whatever it is, `after` judges it
                error = raised
        if not disk.failed:
            if error is not None:
                raise error
            return disk.steps
        if error is not None:
            after(folder, error)
        at += every


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder by its path there, but for locks."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith("lock")
    }


@contextmanager
def mounted(folder: Path, *, kilobytes: int = 1024, writable: bool = True) -> Iterator[Path]:
    """A small disk in memory at a folder; skips the test where this user may not mount."""
    folder.mkdir(parents=True, exist_ok=True)
    options = f"size={kilobytes}k,{'rw' if writable else 'ro'}"
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        pytest.skip(f"no mount: {error}")
    if done.returncode:
        pytest.skip(f"this user may not mount a disk: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)

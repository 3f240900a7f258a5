"""The one folder under which everything the program writes lives.

What every writer of files needs: one clear sentence when the disk is full.
"""

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import platformdirs

from hnn_core.exceptions import (
    DiskFullError,
)

__all__ = ["home", "now", "replace_json", "room_on_disk", "write_atomically"]


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    temporary = path.with_name(f"{path.name}.part")
    with temporary.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)


def replace_json(path: Path, values: dict[str, Any]) -> None:
    """Write JSON beside its place and rename it there."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        draft.write_text(json.dumps(values, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def now() -> str:
    """Return the time as ISO seconds, UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def home() -> Path:
    """Return the program's folder, made if absent: HNN_HOME, else the user-data folder."""
    folder = Path(os.environ.get("HNN_HOME") or platformdirs.user_data_dir("hnn"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def room_on_disk(folder: Path, then: str) -> Iterator[None]:
    """Say in the program's words that the disk is full.

    Parameters
    ----------
    folder : Path
        What is written into.
    then : str
        What to do once there is room: ``run the same command again: it goes on``.

    Raises
    ------
    DiskFullError
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise DiskFullError(f"The disk of {folder} is full; make room and {then}.") from error

"""What every writer of files needs: one clear sentence when the disk is full."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hnn_core.exceptions import DiskFullError

__all__ = ["room_on_disk"]


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

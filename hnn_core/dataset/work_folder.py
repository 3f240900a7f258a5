"""Where a data set grows until it is whole, so that a killed build can be resumed.

Next to the data set NAME lies ``.NAME.building``: ``dataset/`` is what will be renamed to NAME,
``parts/`` holds one file for each finished region and the frames that do not fill a chunk yet. A
region counts as finished once its file is there; chunks written for an unfinished one are written
again, with the same bytes.
"""

import json
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hnn_core.exceptions import CorruptDatasetError, DatasetError
from hnn_core.storage import flush_folder, read_json, write_atomically

__all__ = ["WorkFolder", "building_folder"]


def building_folder(folder: Path) -> Path:
    """Return where the data set `folder` is built."""
    return folder.with_name(f".{folder.name}.building")


class WorkFolder:
    """The unfinished data set next to the place of the finished one, a folder.

    The identity is everything that decides what the data set will hold, for JSON; DatasetError is
    raised where an unfinished build of another one lies.
    """

    def __init__(self, folder: Path, identity: dict[str, Any]) -> None:
        self.path = building_folder(folder)
        self.dataset = self.path / "dataset"
        self._parts = self.path / "parts"
        self._identity = self.path / "build.json"
        self.dataset.mkdir(parents=True, exist_ok=True)
        self._parts.mkdir(exist_ok=True)
        if self._identity.exists():
            self._compare(identity)
        else:
            write_atomically(self._identity, json.dumps(identity, indent=1).encode())
        self.finished = 0
        """Regions finished; they are the first ones."""
        self.rows = 0
        """Frames of the finished regions."""
        for part in self.parts():
            self.finished += 1
            self.rows = part["first_row"] + len(part["frames"])

    def parts(self) -> Iterator[dict[str, Any]]:
        """Yield the finished parts in order, one in memory at a time."""
        index = 0
        while (path := self._part(index)).exists():
            try:
                yield read_json(path)
            except (OSError, ValueError) as error:
                raise self._damaged(path) from error
            index += 1

    def tail(self, size: int, length: int) -> np.ndarray:
        """Return the frames that did not fill a chunk, float16 (length, size, size)."""
        if not length:
            return np.empty((0, size, size), "<f2")
        path = self._tail(self.finished - 1)
        try:
            part = read_json(self._part(self.finished - 1))
            content = path.read_bytes()
        except (OSError, ValueError) as error:
            raise self._damaged(path) from error
        if zlib.crc32(content) != part.get("tail_crc32"):
            raise self._damaged(path)
        return np.frombuffer(content, "<f2").reshape(length, size, size)

    def commit(self, part: dict[str, Any], tail: np.ndarray) -> None:
        """Keep a finished region; its whole chunks must be written already."""
        pixels = tail.tobytes()
        write_atomically(self._tail(self.finished), pixels)
        content = json.dumps({**part, "tail_crc32": zlib.crc32(pixels)})
        write_atomically(self._part(self.finished), content.encode())
        self._tail(self.finished - 1).unlink(missing_ok=True)
        self.finished += 1
        self.rows += len(part["frames"])

    def publish(self, folder: Path) -> None:
        """Give the finished data set its name and remove what is left of the work."""
        flush_folder(self.dataset)
        self.dataset.replace(folder)
        self.remove()

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _part(self, index: int) -> Path:
        return self._parts / f"{index:06d}.json"

    def _tail(self, index: int) -> Path:
        return self._parts / f"{index:06d}.tail"

    def _compare(self, identity: dict[str, Any]) -> None:
        try:
            kept = read_json(self._identity)
        except (OSError, ValueError) as error:
            raise self._damaged(self._identity) from error
        different = [key for key in identity if kept.get(key) != identity[key]]
        if different:
            raise DatasetError(
                f"{self.path} holds an unfinished build with another {' and '.join(different)}; "
                "remove that folder or choose another name."
            )

    def _damaged(self, path: Path) -> CorruptDatasetError:
        return CorruptDatasetError(
            f"{path} is damaged, so the build cannot be resumed; remove {self.path} and start "
            "again."
        )

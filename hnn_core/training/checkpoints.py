"""Checkpoints that are whole or not there, and the newest one that can be read."""

import contextlib
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io import TorchCheckpointIO

from hnn_core.exceptions import CheckpointError

__all__ = ["AtomicCheckpointIO", "newest_readable", "prune"]


_DAMAGE = (
    OSError, zipfile.BadZipFile, pickle.UnpicklingError, RuntimeError, ValueError, EOFError,
    KeyError, TypeError,
)  # fmt: skip
"""What readers of damaged files raise."""


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint beside its place, flushes it to the disk and renames it."""

    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: str | os.PathLike[str],
        storage_options: Any = None,  # noqa: ARG002 - Lightning's signature; there are none here
    ) -> None:
        """Write a checkpoint, or leave nothing behind."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.part")
        try:
            with draft.open("wb") as stream:
                try:
                    torch.save(checkpoint, stream)
                except RuntimeError as error:
                    # torch's writer hides the operating system's error; a byte more tells it.
                    stream.write(b"\0" * 65536)
                    stream.flush()
                    os.fsync(stream.fileno())
                    raise CheckpointError(f"{target} cannot be written ({error}).") from error
                stream.flush()
                os.fsync(stream.fileno())
            draft.replace(target)
        finally:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)


def newest_readable(folder: Path) -> tuple[Path | None, list[str]]:
    """Find the checkpoint to go on from.

    Parameters
    ----------
    folder : Path
        A run's checkpoints, named so that the newest comes last.

    Returns
    -------
    path : Path or None
        None where no checkpoint was written yet.
    complaints : list of str
        A sentence for each damaged checkpoint that was passed over.

    Raises
    ------
    CheckpointError
        If there are checkpoints and none can be read.
    """
    found = sorted(folder.glob("*.ckpt"), reverse=True) if folder.is_dir() else []
    complaints: list[str] = []
    for path in found:
        problem = _damage(path)
        if problem is None:
            return path, complaints
        complaints.append(f"The checkpoint {path.name} is damaged ({problem}) and was passed over.")
    if found:
        raise CheckpointError(
            f"None of the {len(found)} checkpoints in {folder} can be read; start a new run."
        )
    return None, []


def prune(folder: Path, keep: int) -> None:
    """Remove all but the newest checkpoints, and what an interrupted write left."""
    for path in sorted(folder.glob("*.ckpt"))[:-keep]:
        path.unlink(missing_ok=True)
    for path in folder.glob(".*.part"):
        path.unlink(missing_ok=True)


def _damage(path: Path) -> str | None:
    """Say what is wrong with a checkpoint's file; None if it is whole."""
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
            if broken is not None:
                return f"{broken} has a wrong checksum"
        torch.load(path, map_location="meta", weights_only=True)
    except _DAMAGE as error:
        return str(error).split("\n")[0] or type(error).__name__
    return None

"""Embeddings of all frames by a vision transformer that is not trained, computed once.

They are kept under the program's folder by transformer, data set and precision, so that the folds
of a cross-validation share them and an interrupted pass goes on.
"""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from hnn_core.home import home
from hnn_core.model import HNN
from hnn_core.training.batches import N_SYMMETRIES, apply_symmetry
from hnn_core.training.run_folder import replace_json

__all__ = ["autocast_type", "embed_frames", "embed_once"]

_BATCH = 64


def embed_frames(
    model: HNN,
    frames: np.ndarray,
    *,
    symmetry: int = 0,
    device: torch.device,
    precision: str,
) -> np.ndarray:
    """Embed frames, each once.

    Parameters
    ----------
    model : HNN
        On the device.
    frames : ndarray, float16 (F, size, size)
    symmetry : int
        Applied to each frame first; see `hnn_core.training.batches.apply_symmetry`.
    device : torch.device
    precision : str
        ``"32"``, ``"bf16"`` or ``"16"``.

    Returns
    -------
    ndarray, float32 (F, D)
    """
    half = autocast_type(precision)
    out = np.empty((len(frames), model.config.width), np.float32)
    with torch.inference_mode(), torch.autocast(device.type, half, enabled=half is not None):
        for start in range(0, len(frames), _BATCH):
            some = [apply_symmetry(f, symmetry) for f in frames[start : start + _BATCH]]
            images = torch.from_numpy(np.stack(some)).unsqueeze(1).to(device).float()
            out[start : start + len(some)] = model.embed(images).float().cpu().numpy()
    return out


def embed_once(
    model: HNN,
    frames: np.ndarray,
    frames_key: str,
    *,
    symmetries: bool,
    device: torch.device,
    precision: str,
    tell: Callable[[int, int], None],
) -> np.ndarray:
    """Embed frames in all symmetries that training draws, or read them from an earlier pass.

    Parameters
    ----------
    model : HNN
        In evaluation mode, on the device.
    frames : ndarray, float16 (F, size, size)
    frames_key : str
        Names the frames: checksum of their data set, and which of them.
    symmetries : bool
        False: the frames as they are, only.
    device, precision
        As for `embed_frames`.
    tell : callable (done, total)
        Called after every block.

    Returns
    -------
    ndarray, float32 (1 or 8, F, D)
        Memory-mapped, read-only.
    """
    n = N_SYMMETRIES if symmetries else 1
    # One folder serves with and without symmetries: symmetry 0 comes first.
    folder = home() / "embeddings" / _key(model, frames_key, precision)
    folder.mkdir(parents=True, exist_ok=True)
    shape = (N_SYMMETRIES, len(frames), model.config.width)
    store, mark = folder / "embeddings.npy", folder / "done.json"
    done = json.loads(mark.read_text())["frames"] if mark.exists() and store.exists() else 0
    mode = "r+" if done else "w+"
    kept = np.lib.format.open_memmap(store, mode=mode, dtype=np.float32, shape=shape)
    _reserve(store, kept.offset + n * kept[0].nbytes)
    flat = kept.reshape(-1, shape[-1])
    while done < n * len(frames):
        symmetry, first = divmod(done, len(frames))
        last = min(first + 8 * _BATCH, len(frames))
        flat[done : done + last - first] = embed_frames(
            model, frames[first:last], symmetry=symmetry, device=device, precision=precision
        )
        kept.flush()
        done += last - first
        replace_json(mark, {"frames": done})
        tell(done, n * len(frames))
    del kept, flat
    return np.lib.format.open_memmap(store, mode="r")[:n]


def _reserve(path: Path, size: int) -> None:
    """Take the first bytes of a file from the disk now: a map into a full disk is a crash."""
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as stream:
            os.posix_fallocate(stream.fileno(), 0, size)


def autocast_type(precision: str) -> torch.dtype | None:
    """Half type that a precision computes in; None for full precision."""
    return {"32": None, "bf16": torch.bfloat16, "16": torch.float16}[precision]


def _key(model: HNN, frames_key: str, precision: str) -> str:
    digest = hashlib.sha256(f"{frames_key} {precision} {model.config.patch}".encode())
    for name, weight in sorted(model.vit.state_dict().items()):
        digest.update(name.encode())
        digest.update(weight.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:32]

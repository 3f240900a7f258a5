"""Loaders that know where they are, and embeddings of all frames by a transformer that is frozen.

Such embeddings are computed once and kept under the program's folder by transformer, data set and
precision, so that the folds of a cross-validation share them and an interrupted pass resumes.
"""

import contextlib
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader

from hnn_core.network.model import HNN
from hnn_core.storage import home, read_json, replace_json
from hnn_core.training.config import TrainConfig
from hnn_core.training.data import (
    N_SYMMETRIES,
    Batch,
    BatchPlan,
    BatchSampler,
    Parts,
    SequenceBatches,
    apply_symmetry,
)

__all__ = [
    "ResumableLoader",
    "TrainingData",
    "autocast_type",
    "embed_frames",
    "embed_once",
    "evaluation_plans",
]

_EVALUATION_BATCH = 256
_BATCH = 64


class ResumableLoader(DataLoader[Batch]):
    """Hands over a sampler's batches, and knows where it is: Lightning stores that.

    Parameters
    ----------
    batches : SequenceBatches
    sampler : BatchSampler
    **options
        Of `torch.utils.data.DataLoader`.
    """

    def __init__(self, batches: SequenceBatches, sampler: BatchSampler, **options: Any) -> None:
        super().__init__(batches, sampler=sampler, batch_size=None, **options)
        self.plans = sampler
        self.epoch = self.done = 0
        self.waited = 0.0
        """Seconds spent in waiting for batches, in all."""

    def __len__(self) -> int:
        """Batches in an epoch, also where a pass starts in its middle."""
        return len(self.plans)

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]
        batches = super().__iter__()
        while True:
            start = time.perf_counter()
            batch = next(batches, None)
            self.waited += time.perf_counter() - start
            if batch is None:
                return
            self.epoch, self.done = int(batch["epoch"]), int(batch["batch"]) + 1
            yield batch

    def state_dict(self) -> dict[str, int]:
        """Return the epoch and how many of its batches were handed over."""
        return {"epoch": self.epoch, "done": self.done}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Resume after the batches that were handed over."""
        over, first = divmod(state["done"], len(self.plans))
        self.plans.set_epoch(state["epoch"] + over)
        self.plans.first = first


def evaluation_plans(
    sequences: np.ndarray, *, batch: int, rank: int = 0, world: int = 1
) -> list[BatchPlan]:
    """Plan a pass over sequences in their order, shared out between processes.

    Together the processes' batches hold every sequence. A process for which none is left takes
    the first batch as well, since Lightning wants one; who gathers drops what comes twice.
    """
    batch = min(batch, -(-len(sequences) // world))
    chunks = [sequences[i : i + batch] for i in range(0, len(sequences), batch)]
    return [
        BatchPlan(0, n, chunk, np.zeros(len(chunk), np.int64), np.ones(len(chunk), np.float32))
        for n, chunk in list(enumerate(chunks))[rank::world] or [(0, chunks[0])]
    ]


class TrainingData(LightningDataModule):
    """Loaders of one training; each process takes its share of a batch.

    Parameters
    ----------
    batches : SequenceBatches
    parts : Parts
    config : TrainConfig
    """

    def __init__(self, batches: SequenceBatches, parts: Parts, config: TrainConfig) -> None:
        super().__init__()
        self.batches, self.parts = batches, parts
        gpu = torch.cuda.is_available() and config.accelerator != "cpu"
        workers = config.workers if config.workers >= 0 else 2 if gpu else 0
        sampler = BatchSampler(
            parts.train,
            parts.table["group"].to_numpy()[parts.train],
            batch=config.batch,
            run_hours=config.run_hours,
            symmetries=config.symmetries,
            seed=config.seed,
        )
        self.loader = ResumableLoader(
            batches,
            sampler,
            num_workers=workers,
            pin_memory=gpu,
            persistent_workers=workers > 0,
        )

    def train_dataloader(self) -> ResumableLoader:
        """Return the training loader, for this process's share."""
        assert self.trainer is not None
        self.loader.plans.rank = self.trainer.global_rank
        self.loader.plans.world = self.trainer.world_size
        return self.loader

    def val_dataloader(self) -> DataLoader[Batch] | list[Any]:
        """Return a pass over this process's share of the validation set; none without one."""
        assert self.trainer is not None
        if not self.parts.validation.size:
            return []
        plans = evaluation_plans(
            self.parts.validation,
            batch=_EVALUATION_BATCH,
            rank=self.trainer.global_rank,
            world=self.trainer.world_size,
        )
        return DataLoader(self.batches, sampler=plans, batch_size=None)


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
        Applied to each frame first; see `hnn_core.training.data.apply_symmetry`.
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
    report: Callable[[int, int], None],
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
    report : callable (done, total)
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
    done, kept = _done(mark), None
    if done:
        with contextlib.suppress(OSError, ValueError):  # damaged: written anew
            kept = np.lib.format.open_memmap(store, mode="r+")
    if kept is None or kept.shape != shape or kept.dtype != np.float32:
        done = 0
        mark.unlink(missing_ok=True)  # or a kill now would leave zeros that count as done
        kept = np.lib.format.open_memmap(store, mode="w+", dtype=np.float32, shape=shape)
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
        report(done, n * len(frames))
    del kept, flat
    return np.lib.format.open_memmap(store, mode="r")[:n]


def autocast_type(precision: str) -> torch.dtype | None:
    """Half type that a precision computes in; None for full precision."""
    return {"32": None, "bf16": torch.bfloat16, "16": torch.float16}[precision]


def _reserve(path: Path, size: int) -> None:
    """Take the first bytes of a file from the disk now: a map into a full disk is a crash."""
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as stream:
            os.posix_fallocate(stream.fileno(), 0, size)


def _done(mark: Path) -> int:
    """Read how many frames are there; none where that is not known."""
    try:
        return int(read_json(mark)["frames"])
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return 0


def _key(model: HNN, frames_key: str, precision: str) -> str:
    digest = hashlib.sha256(f"{frames_key} {precision} {model.config.patch}".encode())
    for name, weight in sorted(model.vit.state_dict().items()):
        digest.update(name.encode())
        digest.update(weight.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:32]

"""What happens around the steps of a training: events, checkpoints, the best model, stopping.

Lightning's ModelCheckpoint and EarlyStopping are not used: what they know lies in the checkpoint,
so that after a kill they would keep, or number anew, files written since. Here the best model
comes first, then the checkpoint that knows of it, each whole: a training that is killed anywhere
reaches the same weights.
"""

import math
import os
import pickle
import signal
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
import torch.distributed as dist
from lightning.fabric.plugins.io import TorchCheckpointIO
from lightning.pytorch import Callback, LightningModule, Trainer

from hnn_core.exceptions import MachineError, TrainingError
from hnn_core.network.model_store import save_model
from hnn_core.scores import skill_scores
from hnn_core.storage import fault_words, replacing
from hnn_core.training.config import TrainConfig
from hnn_core.training.loaders import ResumableLoader
from hnn_core.training.module import TrainingModule, focal_loss
from hnn_core.training.progress import EventLog
from hnn_core.training.run_folder import RunFolder

__all__ = [
    "AtomicCheckpointIO",
    "Keeper",
    "Reporter",
    "StopRequestedError",
    "Stopper",
    "newest_readable",
]

_STEP_INTERVAL_S = 1.0
"""Shortest time between two step events."""
_DAMAGE = (
    OSError, zipfile.BadZipFile, pickle.UnpicklingError, RuntimeError, ValueError, EOFError,
    KeyError, TypeError,
)  # fmt: skip
"""What readers of damaged files raise."""


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint whole or not at all."""

    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: str | os.PathLike[str],
        storage_options: Any = None,  # noqa: ARG002 - Lightning's signature; there are none here
    ) -> None:
        """Write a checkpoint, or leave nothing behind."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as draft, draft.open("wb") as stream:
            try:
                torch.save(checkpoint, stream)
            except RuntimeError as error:
                # torch's writer hides the operating system's error; a byte more shows it.
                stream.write(b"\0" * 65536)
                stream.flush()
                os.fsync(stream.fileno())
                raise TrainingError(f"{target} cannot be written ({error}).") from error


def newest_readable(folder: Path) -> tuple[Path | None, list[str]]:
    """Find the checkpoint to resume from.

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
    TrainingError
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
        raise TrainingError(
            f"None of the {len(found)} checkpoints in {folder} can be read; start a new run."
        )
    return None, []


class StopRequestedError(Exception):
    """The training was to stop, and its checkpoint is written."""


class Stopper(Callback):
    """On SIGTERM or SIGINT: finish the step, write a checkpoint, end.

    Parameters
    ----------
    folder : Path
        Where checkpoints lie.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.requested = folder, False

    def on_train_start(self, *_: Any) -> None:
        """Take the signals over from Lightning, which would end without a checkpoint."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._request)

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        """Stop between two steps, all processes at the same one.

        After an epoch's last step the epoch is scored first: a resumed training would not.
        """
        last = trainer.fit_loop.epoch_loop.batch_progress.is_last_batch
        if not last and self._agreed(trainer):
            trainer.save_checkpoint(_checkpoint_path(self.folder, trainer))
            raise StopRequestedError

    def on_train_epoch_end(self, trainer: Trainer, _: LightningModule) -> None:
        """Stop after an epoch, whose checkpoint is written."""
        if self._agreed(trainer):
            raise StopRequestedError

    def _agreed(self, trainer: Trainer) -> bool:
        return trainer.strategy.reduce_boolean_decision(self.requested, all=False)

    def _request(self, *_: Any) -> None:
        self.requested = True


@dataclass(eq=False)
class Keeper(Callback):
    """After each epoch: score the validation set, keep the best model, write a checkpoint."""

    run: RunFolder
    config: TrainConfig
    labels: np.ndarray
    """(n,) of all sequences, 0 or 1."""
    events: EventLog
    card: dict[str, Any]
    """What is stored with the model."""
    best_loss: float = math.inf
    best_epoch: int = 0
    last: dict[str, float] | None = None
    """Scores of the last validation pass."""

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed training must know of the best epoch so far."""
        return {"best_loss": self.best_loss, "best_epoch": self.best_epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the best epoch so far."""
        self.best_loss, self.best_epoch = state_dict["best_loss"], state_dict["best_epoch"]

    def on_validation_epoch_end(self, _: Trainer, module: LightningModule) -> None:
        """Score the logits of all processes."""
        assert isinstance(module, TrainingModule)
        pairs = _gathered(module.validated)
        module.validated.clear()
        sequences, logits = (torch.tensor(column) for column in zip(*pairs, strict=True))
        truth = torch.as_tensor(self.labels[sequences.numpy()])
        loss = focal_loss(logits, truth, self.config.alpha, self.config.gamma)
        scores = skill_scores(truth.numpy(), (torch.sigmoid(logits) >= 0.5).numpy())
        names = ("tss", "hss", "recall", "precision", "accuracy")
        self.last = {"loss": float(loss), **{name: scores[name] for name in names}}

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Keep the model if it is the best so far, then the state of the training."""
        assert isinstance(module, TrainingModule)
        _check_finite(module)
        loss = self.last["loss"] if self.last else -math.inf
        if not self.last or loss < self.best_loss:
            self.best_loss, self.best_epoch = loss, trainer.current_epoch + 1
            if trainer.is_global_zero:
                save_model(
                    module.model,
                    self.run.model_folder,
                    metadata={**self.card, "epoch": self.best_epoch, "validation": self.last},
                )
        trainer.save_checkpoint(_checkpoint_path(self.run.checkpoints, trainer))
        if trainer.is_global_zero:
            _prune(self.run.checkpoints, self.config.keep_checkpoints)
        waited = trainer.current_epoch + 1 - self.best_epoch
        if self.config.patience and waited >= self.config.patience:
            self.events.message(
                f"Stopped early: the validation loss has not fallen for {waited} epochs."
            )
            trainer.should_stop = True


class Reporter(Callback):
    """Writes the events of a training; the page and the command line read them."""

    def __init__(self, events: EventLog, keeper: Keeper, loader: ResumableLoader) -> None:
        self.events, self.keeper, self.loader = events, keeper, loader
        self.losses: list[float] = []
        self.process = psutil.Process()

    def on_train_start(self, trainer: Trainer, _: LightningModule) -> None:
        """Start the clocks."""
        self.begun = self.last = self.epoch_begun = time.monotonic()
        self.first_step = self.last_step = trainer.global_step
        self.waited_before = self.loader.waited

    def on_train_epoch_start(self, *_: Any) -> None:
        """Start an epoch's clock."""
        self.epoch_begun, self.losses = time.monotonic(), []

    def on_train_batch_end(
        self, trainer: Trainer, module: LightningModule, outputs: Any, _: Any, batch_idx: int
    ) -> None:
        """Write a step, at most one a second."""
        self.losses.append(float(outputs["loss"]))
        elapsed = time.monotonic() - self.last
        if elapsed < _STEP_INTERVAL_S and batch_idx + 1 < len(self.loader):
            return
        steps = max(trainer.global_step - self.last_step, 1)
        self.events.write(
            "step",
            epoch=trainer.current_epoch,
            step=trainer.global_step,
            batch=batch_idx + 1,
            batches=len(self.loader),
            loss=float(np.mean(self.losses[-steps:])),
            sequences_per_s=steps * self.loader.plans.batch / max(elapsed, 1e-9),
            data_fraction=(self.loader.waited - self.waited_before) / max(elapsed, 1e-9),
            memory_mb=self._memory(module.device),
            seconds_left=self._seconds_left(trainer),
        )
        self.last, self.last_step = time.monotonic(), trainer.global_step
        self.waited_before = self.loader.waited

    def on_train_epoch_end(self, trainer: Trainer, _: LightningModule) -> None:
        """Write an epoch; the keeper has scored it before."""
        seconds = time.monotonic() - self.epoch_begun
        self.events.write(
            "epoch",
            epoch=trainer.current_epoch + 1,
            step=trainer.global_step,
            train_loss=float(np.mean(self.losses)) if self.losses else math.nan,
            validation=self.keeper.last,
            best_epoch=self.keeper.best_epoch,
            seconds=seconds,
            sequences_per_s=len(self.losses) * self.loader.plans.batch / max(seconds, 1e-9),
            seconds_left=self._seconds_left(trainer),
        )

    def _seconds_left(self, trainer: Trainer) -> float:
        done = max(trainer.global_step - self.first_step, 1)
        left = (trainer.max_epochs or 0) * len(self.loader) - trainer.global_step
        return (time.monotonic() - self.begun) / done * left

    def _memory(self, device: torch.device) -> float:
        if device.type == "cuda":
            return torch.cuda.max_memory_allocated(device) / 2**20
        return self.process.memory_info().rss / 2**20


def _checkpoint_path(folder: Path, trainer: Trainer) -> Path:
    """Name of a checkpoint, so that the newest is the last in order."""
    return folder / f"step{trainer.global_step:09d}-epoch{trainer.current_epoch + 1:05d}.ckpt"


def _gathered(pairs: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """All processes' pairs, each sequence once, in the same order everywhere."""
    if dist.is_available() and dist.is_initialized():
        parts: list[Any] = [None] * dist.get_world_size()
        dist.all_gather_object(parts, pairs)
        pairs = [pair for part in parts for pair in part]
    return sorted(dict(pairs).items())


def _check_finite(module: LightningModule) -> None:
    for name, weight in module.named_parameters():
        if not torch.isfinite(weight).all():
            raise TrainingError(
                f"The weight {name} is not finite after epoch {module.current_epoch + 1}; the "
                "last good checkpoint is kept. Try a smaller learning_rate."
            )


def _prune(folder: Path, keep: int) -> None:
    """Remove all but the newest checkpoints, and what an interrupted write left."""
    for path in [*sorted(folder.glob("*.ckpt"))[:-keep], *folder.glob("*.part")]:
        path.unlink(missing_ok=True)


def _damage(path: Path) -> str | None:
    """Describe what is wrong with a checkpoint's file; None if it is whole."""
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
            if broken is not None:
                return f"{broken} has a wrong checksum"
        torch.load(path, map_location="meta", weights_only=True)
    except _DAMAGE as error:
        if words := fault_words(error):  # it may be whole
            raise MachineError(f"{path} was not read. {words}") from error
        return str(error).split("\n")[0] or type(error).__name__
    return None

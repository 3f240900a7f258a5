"""Loaders that hand batches to Lightning, and know where they are when it stops."""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader

from hnn_core.training.batches import BatchPlan, BatchSampler
from hnn_core.training.config import TrainConfig
from hnn_core.training.data import Batch, Parts, SequenceBatches

__all__ = ["ResumableLoader", "TrainingData", "evaluation_plans"]

_EVALUATION_BATCH = 256


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
        """Go on after the batches that were handed over."""
        over, first = divmod(state["done"], len(self.plans))
        self.plans.set_epoch(state["epoch"] + over)
        self.plans.first = first


def evaluation_plans(
    sequences: np.ndarray, *, batch: int, rank: int = 0, world: int = 1
) -> list[BatchPlan]:
    """Plan a pass over sequences in their order, shared out among processes.

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

"""The data of a training: who learns from which sequences, and how a batch is put together.

A batch is drawn as runs of consecutive hours from several regions. Sequences of neighbouring
hours share all frames but one, so the distinct frames of a batch are a fraction of its sequences
times m: each is embedded once and its embedding is gathered where it is needed.

Everything follows from seed, epoch and batch number alone: a resumed training sees the batches
that an uninterrupted one would have seen.
"""

from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
import pandas as pd
import psutil
import torch
from torch import Tensor
from torch.utils.data import Dataset

from hnn_core.dataset.splits import folds, train_test
from hnn_core.dataset.stored import StoredDataset
from hnn_core.exceptions import OneClassError, TooFewGroupsError, TrainingError
from hnn_core.training.config import TrainConfig

__all__ = [
    "N_SYMMETRIES",
    "Batch",
    "BatchPlan",
    "BatchSampler",
    "Parts",
    "SequenceBatches",
    "apply_symmetry",
    "read_frames_once",
    "share_frames",
]

Batch = dict[str, Any]
_AT_ONCE = 512
N_SYMMETRIES = 8
"""Mirrored north-south or not, mirrored east-west or not, polarity reversed or not."""


@dataclass(frozen=True, eq=False)
class BatchPlan:
    """The S sequences that one process takes in one step; steps count from 0 in each epoch."""

    epoch: int
    batch: int
    sequences: np.ndarray
    """(S,) int64, numbers of sequences."""
    symmetries: np.ndarray
    """(S,) int64, 0 to 7, one for a whole sequence; see `apply_symmetry`."""
    weights: np.ndarray
    """(S,) float32 that make the mean over processes of their weighted sums the mean over the
    batch, however it was shared out. 0 for a stand-in of a process that got none."""


@dataclass(eq=False)
class BatchSampler:
    """Plans of an epoch's batches."""

    sequences: np.ndarray
    """(n,) numbers of the sequences to learn from."""
    groups: np.ndarray
    """(n,) region of each; those of a region are in order of time and adjacent."""
    _: KW_ONLY
    batch: int
    """Sequences in a step, over all processes."""
    run_hours: int
    """Consecutive sequences of a region that stay together."""
    symmetries: bool = False
    """Whether to draw symmetries; otherwise all are 0."""
    seed: int = 0
    rank: int = 0
    """Number of this process, of `world`."""
    world: int = 1
    epoch: int = 0
    first: int = 0
    """Batch that the next pass starts with; then 0 again."""

    def __len__(self) -> int:
        """Batches in an epoch."""
        return -(-len(self.groups) // self.batch)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of the next pass."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[BatchPlan]:
        first, self.first = self.first, 0
        epoch = self.epoch
        order, symmetry = self._order(epoch)
        for number in range(first, len(self)):
            part = slice(number * self.batch, (number + 1) * self.batch)
            yield self._share(epoch, number, order[part], symmetry[part])

    def _order(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """All sequences (n,) in shuffled runs, and their symmetries (n,)."""
        rng = np.random.default_rng([self.seed, 1, epoch])
        starts = np.flatnonzero(np.r_[True, self.groups[1:] != self.groups[:-1]])
        runs: list[np.ndarray] = []
        for start, stop in zip(starts, np.r_[starts[1:], len(self.groups)], strict=True):
            # Another cut in every epoch, so that no two hours are always together.
            shift = int(rng.integers(self.run_hours))
            cuts = np.arange(start + shift, stop, self.run_hours)
            runs += [run for run in np.split(np.arange(start, stop), cuts - start) if run.size]
        rng.shuffle(runs)
        drawn = rng.integers(N_SYMMETRIES if self.symmetries else 1, size=len(runs))
        symmetry = np.repeat(drawn, [len(run) for run in runs])
        return self.sequences[np.concatenate(runs)], symmetry

    def _share(self, epoch: int, number: int, order: np.ndarray, symmetry: np.ndarray) -> BatchPlan:
        """Take this process's part of a batch, neighbours kept together."""
        mine = np.array_split(np.arange(len(order)), self.world)[self.rank]
        weight = self.world / len(order)
        if not mine.size:
            mine, weight = np.zeros(1, np.int64), 0.0
        weights = np.full(len(mine), weight, np.float32)
        return BatchPlan(epoch, number, order[mine], symmetry[mine], weights)


def share_frames(
    rows: np.ndarray, symmetries: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the distinct frames of sequences.

    Parameters
    ----------
    rows : ndarray (S, m)
        Numbers of frames.
    symmetries : ndarray (S,)
        Symmetry of each sequence: the same frame in another one is another image.

    Returns
    -------
    frames : ndarray (U,)
        Numbers of distinct frames.
    symmetry : ndarray (U,)
        Theirs.
    gather : ndarray (S, m)
        Place of each sequence's frames in the distinct ones.
    """
    keys = rows.astype(np.int64) * N_SYMMETRIES + symmetries[:, None]
    distinct, gather = np.unique(keys, return_inverse=True)
    return distinct // N_SYMMETRIES, distinct % N_SYMMETRIES, gather.reshape(rows.shape)


def apply_symmetry(frame: np.ndarray, symmetry: int) -> np.ndarray:
    """Apply a symmetry that keeps the label to a frame (size, size), row 0 south.

    Bit 0 mirrors north-south, bit 1 east-west, bit 2 reverses the polarity.
    """
    if symmetry & 1:
        frame = frame[::-1]
    if symmetry & 2:
        frame = frame[:, ::-1]
    return -frame if symmetry & 4 else frame


@dataclass(frozen=True, eq=False)
class Parts:
    """The labelled sequences of a data set, and who learns from them.

    `table` is `StoredDataset.select`'s; `rows` (n, m) holds each sequence's frames as numbers in
    `frames_used` (the data set's rows that any sequence needs).
    """

    table: pd.DataFrame
    rows: np.ndarray
    frames_used: np.ndarray
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray

    @classmethod
    def of(cls, dataset: StoredDataset, config: TrainConfig) -> "Parts":
        """Select the sequences of a class and split them as configured.

        Raises
        ------
        OneClassError, TooFewGroupsError
            If they cannot be split so that every part has both classes.
        """
        # Split by all sequences of the class, so that the sides are the same for every m.
        every = dataset.select(config.flare_class, 1)
        labels, groups = every["label"].to_numpy(), every["group"].to_numpy()
        if config.fold:
            train, test = folds(labels, groups, n=config.folds, seed=config.seed)[config.fold - 1]
        else:
            # Both classes must remain for each part that is still to come.
            left = 2 if config.validation_fraction else 1
            train, test = _split(labels, groups, config, "test_fraction", left)
        validation = held = train[:0]
        if config.validation_fraction:
            inner, held = _split(labels[train], groups[train], config, "validation_fraction")
            train, validation = train[inner], train[held]
        table = dataset.select(config.flare_class, config.frames)
        train, validation, test = (
            np.flatnonzero(table["group"].isin(groups[side])) for side in (train, validation, test)
        )
        parts = cls(table, *_frames_used(table), train, validation, test)
        for name, side in parts.sides.items():
            # With fewer hours a side has both; a class may have no sequence that is long enough.
            if len(np.unique(parts.labels[side])) < 2 and (name != "validation" or len(held)):
                raise OneClassError(
                    f"The {len(side)} sequences of {config.frames} hours in the {name} part are "
                    "not of both classes; choose fewer frames, another seed or a larger data set."
                )
        return parts

    @classmethod
    def whole(cls, dataset: StoredDataset, config: TrainConfig) -> "Parts":
        """Select the sequences of a class, all of them for the test and for the baselines."""
        table = dataset.select(config.flare_class, config.frames)
        every = np.arange(len(table))
        return cls(table, *_frames_used(table), every, every[:0], every)

    @property
    def sides(self) -> dict[str, np.ndarray]:
        """Numbers of the sequences of each part, by its name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    @property
    def labels(self) -> np.ndarray:
        """(n,) 1 eruptive, 0 confined."""
        return self.table["label"].to_numpy()


def read_frames_once(
    dataset: StoredDataset,
    rows: np.ndarray,
    report: Callable[[int, int], None] = lambda *_: None,
) -> np.ndarray:
    """Read frames of a data set into memory, checked on the way.

    Parameters
    ----------
    dataset : StoredDataset
    rows : ndarray (n,)
        Ascending.
    report : callable (done, total), optional

    Returns
    -------
    ndarray, float16 (n, size, size)

    Raises
    ------
    TrainingError
        If they would not fit.
    CorruptDatasetError
    """
    size = dataset.preprocess.size
    need, free = rows.size * size * size * 2, psutil.virtual_memory().available
    if need > 0.9 * free:
        raise TrainingError(
            f"The {rows.size} frames of {dataset.name} need {need / 1e9:.1f} GB of memory and "
            f"{free / 1e9:.1f} GB are free; close other programs or build a smaller data set."
        )
    frames = np.empty((rows.size, size, size), np.float16)
    for start in range(0, rows.size, _AT_ONCE):
        part = rows[start : start + _AT_ONCE]
        frames[start : start + part.size] = dataset.read_frames(part)
        report(start + part.size, rows.size)
    return frames


class SequenceBatches(Dataset[Batch]):
    """Turns the plan of a batch into its tensors.

    A batch holds ``frames`` (U, 1, size, size) float16, or ``embeddings`` (U, D) where the
    vision transformer is frozen; ``gather`` (S, m), ``labels`` (S,) float32, ``weights`` (S,),
    ``sequences`` (S,), and ``epoch`` and ``batch`` numbers.

    Parameters
    ----------
    parts : Parts
    frames : ndarray, float16 (F, size, size), or None
    embeddings : ndarray (symmetries, F, D), or None
        One of the two is given.
    temporal : bool
        Whether all hours are wanted, or only the last.
    """

    def __init__(
        self,
        parts: Parts,
        frames: np.ndarray | None,
        embeddings: np.ndarray | None = None,
        *,
        temporal: bool = True,
    ) -> None:
        self.parts, self.frames, self.embeddings = parts, frames, embeddings
        self.rows = parts.rows if temporal else parts.rows[:, -1:]
        self.labels = parts.labels.astype(np.float32)

    def __getitem__(self, plan: BatchPlan) -> Batch:
        rows = self.rows[plan.sequences]  # (S, m)
        frames, symmetry, gather = share_frames(rows, plan.symmetries)
        return {
            **self._images(frames, symmetry),
            "gather": torch.from_numpy(gather),
            "labels": torch.from_numpy(self.labels[plan.sequences]),
            "weights": torch.from_numpy(plan.weights),
            "sequences": torch.from_numpy(plan.sequences),
            "epoch": plan.epoch,
            "batch": plan.batch,
        }

    def _images(self, frames: np.ndarray, symmetry: np.ndarray) -> dict[str, Tensor]:
        if self.embeddings is not None:
            return {"embeddings": torch.from_numpy(self.embeddings[symmetry, frames])}
        assert self.frames is not None
        images = np.empty((len(frames), 1, *self.frames.shape[1:]), np.float16)
        for image, row, which in zip(images, frames, symmetry, strict=True):
            image[0] = apply_symmetry(self.frames[row], int(which))
        return {"frames": torch.from_numpy(images)}


def _split(
    labels: np.ndarray, groups: np.ndarray, config: TrainConfig, setting: str, left: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    fraction = getattr(config, setting)
    # Another seed than the test's, or the same groups would come together again.
    seed = config.seed + (setting == "validation_fraction")
    try:
        return train_test(labels, groups, test_fraction=fraction, seed=seed, left=left)
    except TooFewGroupsError as error:
        raise TooFewGroupsError(f"{setting} {fraction:g} cannot be had: {error}") from error


def _frames_used(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    every = np.stack(table["rows"].to_list()).astype(np.int64)  # (n, m)
    used, rows = np.unique(every, return_inverse=True)
    return rows.reshape(every.shape), used

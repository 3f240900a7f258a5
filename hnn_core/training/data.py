"""The data of a training in memory, and how a batch is put together from it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import psutil
import torch
from torch import Tensor
from torch.utils.data import Dataset

from hnn_core.dataset import StoredDataset
from hnn_core.dataset.splits import folds, train_test
from hnn_core.exceptions import OneClassError, ShortOfMemoryError, TooFewGroupsError
from hnn_core.training.batches import BatchPlan, apply_symmetry, share_frames
from hnn_core.training.config import TrainConfig

__all__ = ["Batch", "Parts", "SequenceBatches", "read_frames_once"]

Batch = dict[str, Any]
_AT_ONCE = 512


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
        """Select the sequences of a class and split them as the configuration says.

        Raises
        ------
        OneClassError, TooFewGroupsError
            If they cannot be split, or the part to learn from has one class only.
        """
        # Split by all sequences of the class, so that the sides are the same for every m.
        every = dataset.select(config.flare_class, 1)
        labels, groups = every["label"].to_numpy(), every["group"].to_numpy()
        if config.fold:
            train, test = folds(labels, groups, n=config.folds, seed=config.seed)[config.fold - 1]
        else:
            train, test = _split(labels, groups, config, "test_fraction")
        validation = train[:0]
        if config.validation_fraction:
            inner, held = _split(labels[train], groups[train], config, "validation_fraction")
            train, validation = train[inner], train[held]
        table = dataset.select(config.flare_class, config.frames)
        train, validation, test = (
            np.flatnonzero(table["group"].isin(groups[side])) for side in (train, validation, test)
        )
        if table["label"].iloc[train].nunique() < 2:
            raise OneClassError(
                f"The {len(train)} sequences to learn from are all of one class; choose another "
                "seed, a smaller validation_fraction or a larger data set."
            )
        return cls(table, *_frames_used(table), train, validation, test)

    @classmethod
    def whole(cls, dataset: StoredDataset, config: TrainConfig) -> "Parts":
        """Select the sequences of a class, all of them for the test and for the baselines."""
        table = dataset.select(config.flare_class, config.frames)
        every = np.arange(len(table))
        return cls(table, *_frames_used(table), every, every[:0], every)

    @property
    def labels(self) -> np.ndarray:
        """(n,) 1 eruptive, 0 confined."""
        return self.table["label"].to_numpy()


def _split(
    labels: np.ndarray, groups: np.ndarray, config: TrainConfig, setting: str
) -> tuple[np.ndarray, np.ndarray]:
    fraction = getattr(config, setting)
    # Another seed than the test's, or the same groups would come together again.
    seed = config.seed + (setting == "validation_fraction")
    try:
        return train_test(labels, groups, test_fraction=fraction, seed=seed)
    except TooFewGroupsError as error:
        raise TooFewGroupsError(f"{setting} {fraction:g} cannot be had: {error}") from error


def _frames_used(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    every = np.stack(table["rows"].to_list()).astype(np.int64)  # (n, m)
    used, rows = np.unique(every, return_inverse=True)
    return rows.reshape(every.shape), used


def read_frames_once(
    dataset: StoredDataset, rows: np.ndarray, tell: Callable[[int, int], None] | None = None
) -> np.ndarray:
    """Read frames of a data set into memory, checked on the way.

    Parameters
    ----------
    dataset : StoredDataset
    rows : ndarray (n,)
        Ascending.
    tell : callable (done, total), optional

    Returns
    -------
    ndarray, float16 (n, size, size)

    Raises
    ------
    ShortOfMemoryError
        If they would not fit.
    CorruptDatasetError
    """
    size = dataset.preprocess.size
    need, free = rows.size * size * size * 2, psutil.virtual_memory().available
    if need > 0.9 * free:
        raise ShortOfMemoryError(
            f"The {rows.size} frames of {dataset.name} need {need / 1e9:.1f} GB of memory and "
            f"{free / 1e9:.1f} GB are free; close other programs or build a smaller data set."
        )
    frames = np.empty((rows.size, size, size), np.float16)
    for start in range(0, rows.size, _AT_ONCE):
        part = rows[start : start + _AT_ONCE]
        frames[start : start + part.size] = dataset.read_frames(part)
        if tell is not None:
            tell(start + part.size, rows.size)
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
    share : bool
        Whether frames that sequences share appear once. False is the naive computation, for
        tests and benchmarks.
    """

    def __init__(
        self,
        parts: Parts,
        frames: np.ndarray | None,
        embeddings: np.ndarray | None = None,
        *,
        temporal: bool = True,
        share: bool = True,
    ) -> None:
        self.parts, self.frames, self.embeddings = parts, frames, embeddings
        self.rows = parts.rows if temporal else parts.rows[:, -1:]
        self.labels = parts.labels.astype(np.float32)
        self.share = share

    def __getitem__(self, plan: BatchPlan) -> Batch:
        rows = self.rows[plan.sequences]  # (S, m)
        if self.share:
            frames, symmetry, gather = share_frames(rows, plan.symmetries)
        else:
            frames, symmetry = rows.ravel(), np.repeat(plan.symmetries, rows.shape[1])
            gather = np.arange(rows.size).reshape(rows.shape)
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

"""Which sequences make a batch, and which frames they share.

A batch is drawn as runs of consecutive hours from several regions. Sequences of neighbouring
hours share all frames but one, so the distinct frames of a batch are a fraction of its sequences
times m: each is embedded once and its embedding is gathered where it is needed.

Everything follows from seed, epoch and batch number alone: a resumed training sees the batches
that an uninterrupted one would have seen.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

__all__ = ["N_SYMMETRIES", "BatchPlan", "BatchSampler", "apply_symmetry", "share_frames"]

N_SYMMETRIES = 8
"""Mirrored north-south or not, mirrored east-west or not, polarity reversed or not."""


@dataclass(frozen=True, eq=False)
class BatchPlan:
    """The sequences that one process takes in one step: S of them."""

    epoch: int
    batch: int
    """Number of the step within the epoch, from 0."""
    sequences: np.ndarray
    """(S,) int64, numbers of sequences."""
    symmetries: np.ndarray
    """(S,) int64, 0 to 7, one for a whole sequence; see `apply_symmetry`."""
    weights: np.ndarray
    """(S,) float32 that make the mean over processes of their weighted sums the mean over the
    batch, however it was shared out. 0 for a stand-in of a process that got none."""


class BatchSampler:
    """Plans of an epoch's batches.

    Parameters
    ----------
    sequences : ndarray (n,)
        Numbers of the sequences to learn from.
    groups : ndarray (n,)
        Region of each; those of a region are in order of time and adjacent.
    batch : int
        Sequences in a step, over all processes.
    run_hours : int
        Consecutive sequences of a region that stay together.
    symmetries : bool
        Whether to draw symmetries; otherwise all are 0.
    seed : int
    rank, world : int
        Number of this process among how many.
    """

    def __init__(
        self,
        sequences: np.ndarray,
        groups: np.ndarray,
        *,
        batch: int,
        run_hours: int,
        symmetries: bool = False,
        seed: int = 0,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self.sequences, self.groups = np.asarray(sequences), np.asarray(groups)
        self.batch, self.run_hours, self.symmetries = batch, run_hours, symmetries
        self.seed, self.rank, self.world = seed, rank, world
        self.epoch = 0
        self.first = 0
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
        Place of each sequence's frames among the distinct ones.
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

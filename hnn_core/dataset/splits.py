"""Splits that keep every frame of an active region on one side (docs/method.md, "Labels")."""

import warnings
from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from hnn_core.exceptions import OneClassError, TooFewGroupsError

__all__ = ["folds", "region_groups", "train_test"]


def region_groups(harps: Sequence[int | str], noaas: Sequence[Sequence[int]]) -> np.ndarray:
    """Group regions that share a HARP or a NOAA number, directly or through others.

    Parameters
    ----------
    harps : sequence (regions,)
        HARP numbers, or ids that distinguish definitive regions from near-real-time ones.
    noaas : sequence of sequence of int
        NOAA numbers of each region, none or several.

    Returns
    -------
    ndarray, int64 (regions,)
        Connected component of the HARP–NOAA graph, counted from 0 in order of appearance.
    """
    n = len(harps)
    nodes: dict[tuple[str, int | str], int] = {}
    edges = [
        (region, nodes.setdefault(key, n + len(nodes)))
        for region, (harp, numbers) in enumerate(zip(harps, noaas, strict=True))
        for key in (("harp", harp), *(("noaa", int(number)) for number in numbers))
    ]
    if not edges:
        return np.empty(0, np.int64)
    rows, cols = np.array(edges).T
    size = n + len(nodes)
    graph = coo_array((np.ones(len(edges), np.int8), (rows, cols)), shape=(size, size))
    component = connected_components(graph, directed=False)[1][:n]
    _, first, inverse = np.unique(component, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse].astype(np.int64)


def train_test(
    labels: np.ndarray,
    groups: np.ndarray,
    *,
    test_fraction: float = 0.2,
    seed: int = 0,
    left: int = 1,
) -> tuple[np.ndarray, np.ndarray]:
    """Split sequences once, stratified, groups undivided, both classes on both sides.

    Parameters
    ----------
    labels : ndarray (n,)
        0 or 1.
    groups : ndarray (n,)
    test_fraction : float
        Between 0 and 1/2; the nearest 1/n is used: the first of n folds is the test part. Where it
        would be without a class, groups are placed anew.
    seed : int
    left : int
        Groups of each class that the training part keeps: 2 where it is split once more.

    Returns
    -------
    train, test : ndarray, int64
        Ascending indices; together all of them.

    Raises
    ------
    OneClassError
        All labels are the same.
    TooFewGroupsError
        Fewer groups than folds, or too few hold a class for both sides to have it.
    ValueError
        `test_fraction` is out of range.
    """
    if not 0.0 < test_fraction <= 0.5:
        raise ValueError(f"test_fraction must lie above 0 and up to 0.5, not {test_fraction!r}")
    n = round(1.0 / test_fraction)
    labels, groups = _checked(labels, groups, n, parts=1 + left)
    train, test = _drawn(labels, groups, n, seed)[0]
    if not (_holders(labels, groups, test) >= 1 and _holders(labels, groups, train) >= left):
        train, test = _placed(labels, groups, n, seed, homes=[0, *[1] * left])[0]
    return train, test


def folds(
    labels: np.ndarray, groups: np.ndarray, *, n: int = 5, seed: int = 0
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Split sequences into n folds, stratified, groups undivided, both classes in every part.

    Parameters and errors are those of `train_test`.

    Returns
    -------
    list of (train, test)
        Ascending int64 indices; the test parts together are all sequences, each once.
    """
    labels, groups = _checked(labels, groups, n, parts=n)
    parts = _drawn(labels, groups, n, seed)
    if any(not _holders(labels, groups, side) for part in parts for side in part):
        parts = _placed(labels, groups, n, seed, homes=list(range(n)))
    return parts


def _checked(
    labels: np.ndarray, groups: np.ndarray, n: int, *, parts: int
) -> tuple[np.ndarray, np.ndarray]:
    """Arrays of which `parts` parts can have both classes: each class is held by as many groups."""
    labels, groups = np.asarray(labels), np.asarray(groups)
    if labels.shape != groups.shape or labels.ndim != 1:
        raise ValueError(f"labels {labels.shape} and groups {groups.shape} must be alike, one axis")
    if labels.all() or not labels.any():
        which = "Every one" if labels.any() else "None"
        raise OneClassError(
            f"{which} of the {len(labels)} sequences is eruptive: there is nothing to learn; take "
            "more regions, another flare class or another policy."
        )
    n_groups = len(np.unique(groups))
    most_members = max(np.count_nonzero(labels == label) for label in (0, 1))
    if n < 2 or n_groups < n or most_members < n:
        raise TooFewGroupsError(
            f"{n_groups} groups of regions cannot be split into {n} parts with both classes to "
            "learn from; take more regions or fewer parts."
        )
    held = [len(np.unique(groups[labels == label])) for label in (0, 1)]
    if min(held) < parts:
        rare = "eruptive" if held[1] < held[0] else "confined"
        raise TooFewGroupsError(
            f"{min(held)} of the {n_groups} groups of regions hold {rare} sequences, too few for "
            f"{parts} parts with both classes; take more regions, fewer parts or another flare "
            "class."
        )
    return labels, groups


def _holders(labels: np.ndarray, groups: np.ndarray, side: np.ndarray) -> int:
    """Count the groups of a side that hold the class which fewer of them hold."""
    own, label = groups[side], labels[side]
    return min(len(np.unique(own[label == 0])), len(np.unique(own[label == 1])))


def _drawn(
    labels: np.ndarray, groups: np.ndarray, n: int, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Folds of scikit-learn, which may leave one without a class."""
    from sklearn.model_selection import StratifiedGroupKFold

    splitter = StratifiedGroupKFold(n_splits=n, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # It counts members of a class, not groups; what matters is checked here.
        warnings.simplefilter("ignore", UserWarning)
        return [
            (np.asarray(train, np.int64), np.asarray(test, np.int64))
            for train, test in splitter.split(labels, labels, groups)
        ]


def _placed(
    labels: np.ndarray, groups: np.ndarray, n: int, seed: int, *, homes: Sequence[int]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Folds of which those in `homes` get a core with both classes before all other groups.

    A core is a group that holds both, or one of each class. The others follow, the largest first,
    each to where the classes stay most evenly shared out.
    """
    rng = np.random.default_rng(seed)
    names, member = np.unique(groups, return_inverse=True)
    counts = np.stack([np.bincount(member[labels == k], minlength=len(names)) for k in (0, 1)], 1)
    order = rng.permutation(len(names))
    sizes = counts.sum(axis=1)
    order = order[np.argsort(sizes[order] * n > len(labels), kind="stable")]  # no giant in a core
    has = counts[order] > 0
    single = [order[has[:, k] & ~has[:, 1 - k]] for k in (0, 1)]
    cores = [[group] for group in order[has.all(axis=1)]]
    cores += [[*pair] for pair in zip(*single, strict=False)]
    fold = np.full(len(names), -1)
    for home, core in zip(homes, cores, strict=False):
        fold[core] = home
    shared = np.stack([counts[fold == home].sum(axis=0) for home in range(n)])  # (n, 2)
    for group in order[np.argsort(-sizes[order], kind="stable")]:
        if fold[group] < 0:
            tried = shared + np.eye(n)[:, :, None] * counts[group]  # (n choices, n, 2)
            uneven = (tried / counts.sum(axis=0)).std(axis=1).mean(axis=1)
            fold[group] = int(np.argmin(uneven))
            shared[fold[group]] += counts[group]
    tests = [np.flatnonzero(fold[member] == home) for home in range(n)]
    return [(np.setdiff1d(np.arange(len(labels)), test), test) for test in tests]

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
    labels: np.ndarray, groups: np.ndarray, *, test_fraction: float = 0.2, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Split sequences once, stratified, groups undivided.

    Parameters
    ----------
    labels : ndarray (n,)
        0 or 1.
    groups : ndarray (n,)
    test_fraction : float
        Between 0 and 1/2; the nearest 1/n is used: the first of n folds is the test part.
    seed : int

    Returns
    -------
    train, test : ndarray, int64
        Ascending indices; together all of them.

    Raises
    ------
    OneClassError
        All labels are the same.
    TooFewGroupsError
        Fewer groups than folds, or a part is without a class because too few groups have it.
    ValueError
        `test_fraction` is out of range.
    """
    if not 0.0 < test_fraction <= 0.5:
        raise ValueError(f"test_fraction must lie above 0 and up to 0.5, not {test_fraction!r}")
    return folds(labels, groups, n=round(1.0 / test_fraction), seed=seed)[0]


def folds(
    labels: np.ndarray, groups: np.ndarray, *, n: int = 5, seed: int = 0
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Split sequences into n folds, stratified, groups undivided.

    Parameters and errors are those of `train_test`.

    Returns
    -------
    list of (train, test)
        Ascending int64 indices; the test parts together are all sequences, each once.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    labels, groups = np.asarray(labels), np.asarray(groups)
    if labels.shape != groups.shape or labels.ndim != 1:
        raise ValueError(f"labels {labels.shape} and groups {groups.shape} must be alike, one axis")
    _check(labels, groups, n)
    splitter = StratifiedGroupKFold(n_splits=n, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # It counts members of a class, not groups; what matters is checked here.
        warnings.simplefilter("ignore", UserWarning)
        parts = [
            (np.asarray(train, np.int64), np.asarray(test, np.int64))
            for train, test in splitter.split(labels, labels, groups)
        ]
    if any(len(np.unique(labels[train])) < 2 or not len(test) for train, test in parts):
        raise _too_few(groups, n)
    return parts


def _check(labels: np.ndarray, groups: np.ndarray, n: int) -> None:
    if labels.all() or not labels.any():
        which = "Every one" if labels.any() else "None"
        raise OneClassError(
            f"{which} of the {len(labels)} sequences is eruptive: there is nothing to learn; take "
            "more regions, another flare class or another policy."
        )
    most_members = max(np.count_nonzero(labels == label) for label in (0, 1))
    if n < 2 or len(np.unique(groups)) < n or most_members < n:
        raise _too_few(groups, n)


def _too_few(groups: np.ndarray, n: int) -> TooFewGroupsError:
    return TooFewGroupsError(
        f"{len(np.unique(groups))} groups of regions cannot be split into {n} parts with both "
        "classes to learn from; take more regions or fewer parts."
    )

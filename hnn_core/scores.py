"""Skill of a yes-or-no forecast, and how far it would move with other regions.

Frames of a region repeat each other, so whole groups of regions are drawn anew, each with the
contingency table of its frames: all scores of a thousand draws in hundredths of a second.
"""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

__all__ = [
    "LEAST_GROUPS",
    "SCORES",
    "count_scores",
    "fold_mean",
    "group_counts",
    "group_draws",
    "interval",
    "interval_words",
    "region_interval",
    "resampled_scores",
    "skill_scores",
]

SCORES = ("recall", "precision", "accuracy", "hss", "tss")
"""Keys of the five scores, in the order of the paper's figures 4 and 8."""
LEAST_GROUPS = 5
"""Groups from which an interval is given: two or three drawn anew are nearly always the same."""
_DRAWS = 1000


def skill_scores(y_true: ArrayLike, y_pred: ArrayLike) -> dict[str, float]:
    """Scores of the contingency table, equations 4 to 8 of the paper.

    Parameters
    ----------
    y_true, y_pred : array_like (n,)
        1 or True for eruptive, 0 or False for confined.

    Returns
    -------
    dict
        recall, precision, accuracy, hss, tss and the counts tp, fp, tn, fn. A score whose
        denominator is zero is NaN.

    Raises
    ------
    ValueError
        If the lengths differ, nothing is given, or a value is neither 0 nor 1.

    Examples
    --------
    >>> from hnn_core import skill_scores
    >>> scores = skill_scores([1, 1, 1, 0, 0, 0], [1, 1, 0, 0, 0, 1])
    >>> scores["tp"], scores["fn"], round(scores["tss"], 3)
    (2, 1, 0.333)
    """
    truth, predicted = np.asarray(y_true), np.asarray(y_pred)
    if truth.shape != predicted.shape or truth.ndim != 1 or not truth.size:
        raise ValueError(
            f"two equally long lists are needed, got {truth.shape} and {predicted.shape}"
        )
    if not (np.isin(truth, (0, 1)).all() and np.isin(predicted, (0, 1)).all()):
        raise ValueError("labels and predictions must be 0 or 1")
    tp, fp, tn, fn = (int(n) for n in group_counts(truth, predicted, np.zeros(truth.size))[0])
    scores = {name: float(value) for name, value in count_scores([tp, fp, tn, fn]).items()}
    return {**scores, "tp": tp, "fp": fp, "tn": tn, "fn": fn}


def region_interval(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    groups: ArrayLike,
    *,
    score: str = "tss",
) -> tuple[float, float]:
    """95 % interval of a score by resampling whole groups of regions, not their correlated frames.

    Parameters
    ----------
    y_true, y_pred : array_like (n,)
    groups : array_like (n,)
        Group of regions of each frame.
    score : str
        One of `SCORES`.

    Returns
    -------
    low, high : float
        NaN for fewer than `LEAST_GROUPS` groups, and when the score is undefined in every draw.
        The same numbers wherever the score of the same forecasts is shown.
    """
    return interval(resampled_scores(group_counts(y_true, y_pred, groups))[score])


def interval_words(low: float, high: float) -> str:
    """Write a 95 % interval as it stands next to every score: ``0.625 to 0.782``."""
    if math.isnan(low):
        return "no interval"
    return f"{low:.3f} to {high:.3f}".replace("-", "−")


def count_scores(counts: ArrayLike) -> dict[str, np.ndarray]:
    """Scores of many contingency tables at once: `skill_scores` over the leading axes.

    Parameters
    ----------
    counts : array_like (..., 4)
        tp, fp, tn, fn.

    Returns
    -------
    dict
        One array (...) for each of `SCORES`; NaN where a denominator is zero.
    """
    tp, fp, tn, fn = np.moveaxis(np.asarray(counts, dtype=float), -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):  # 0/0 is the NaN that is wanted
        return {
            "recall": tp / (tp + fn),
            "precision": tp / (tp + fp),
            "accuracy": (tp + tn) / (tp + fp + tn + fn),
            "hss": 2 * (tp * tn - fp * fn) / ((tp + fn) * (fn + tn) + (tp + fp) * (fp + tn)),
            "tss": tp / (tp + fn) - fp / (tn + fp),
        }


def fold_mean(values: ArrayLike) -> dict[str, float]:
    """Mean of a score over the folds of a cross-validation, and its standard error.

    Parameters
    ----------
    values : array_like (n,)
        The score in each fold; one that is undefined (NaN) makes the mean undefined.

    Returns
    -------
    dict
        mean, standard_error and n (folds). The error is the standard deviation over √n, as in
        the paper's Figure 8. The paper does not name its standard deviation; here it is a
        sample's (n − 1 in the denominator), since the folds stand for the splits that might have
        been. NaN for fewer than two folds.
    """
    found = np.asarray(values, dtype=float)
    n = len(found)
    return {
        "mean": float(found.mean()),
        "standard_error": float(found.std(ddof=1) / math.sqrt(n)) if n > 1 else math.nan,
        "n": n,
    }


def group_counts(y_true: ArrayLike, y_pred: ArrayLike, groups: ArrayLike) -> np.ndarray:
    """Contingency table of every group.

    Parameters
    ----------
    y_true, y_pred, groups : array_like (n,)
        1 or True for eruptive; regions that share a group are never apart.

    Returns
    -------
    array (G, 4)
        tp, fp, tn, fn; groups in ascending order. The sum over groups is the whole table.
    """
    truth, predicted = np.asarray(y_true, dtype=bool), np.asarray(y_pred, dtype=bool)
    names, member = np.unique(np.asarray(groups), return_inverse=True)
    cell = np.select([truth & predicted, ~truth & predicted, ~truth & ~predicted], [0, 1, 2], 3)
    return np.bincount(4 * member + cell, minlength=4 * len(names)).reshape(-1, 4)


@lru_cache(maxsize=8)
def group_draws(n_groups: int) -> np.ndarray:
    """How often each group is in each of 1000 draws of `n_groups` with replacement, (draws, G).

    Always the same draws: two forecasts of the same groups are compared draw by draw, and a score
    has one interval. The array is kept and shared, so it cannot be written to.
    """
    even = np.full(n_groups, 1.0 / n_groups)
    drawn = np.random.default_rng(0).multinomial(n_groups, even, size=_DRAWS).astype(float)
    drawn.flags.writeable = False
    return drawn


def resampled_scores(counts: ArrayLike) -> dict[str, np.ndarray]:
    """Scores of resamplings of whole groups, of which `interval` makes 95 % intervals.

    Parameters
    ----------
    counts : array_like (G, 4) or (G, k, 4)
        Of `group_counts`; k tables of the same groups side by side.

    Returns
    -------
    dict
        One array (draws,) or (draws, k) for each of `SCORES`, NaN where a draw leaves it
        undefined; all NaN for fewer than `LEAST_GROUPS` groups.
    """
    counts = np.asarray(counts, dtype=float)
    if len(counts) < LEAST_GROUPS:
        return count_scores(np.full((_DRAWS, *counts.shape[1:]), np.nan))
    weights = group_draws(len(counts))
    return count_scores(np.tensordot(weights, counts, axes=1))


def interval(values: ArrayLike) -> tuple[float, float]:
    """95 % interval of draws (n,), of those in which the score is defined; NaN if none is."""
    found = np.asarray(values, dtype=float)
    found = found[np.isfinite(found)]
    if not found.size:
        return math.nan, math.nan
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)

"""How far a score would move with other regions: whole groups of regions drawn anew.

Frames of a region repeat each other, so the group is what is drawn. What
`metrics.region_interval` does by gathering frames is done here with the groups' contingency
tables: all scores of a thousand draws in hundredths of a second.
"""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from hnn_core.training.metrics import count_scores

__all__ = ["LEAST_GROUPS", "group_counts", "group_draws", "interval", "resampled_scores"]

LEAST_GROUPS = 5
"""Groups from which an interval is given: two or three drawn anew are nearly always the same."""


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
    truth, said = np.asarray(y_true, dtype=bool), np.asarray(y_pred, dtype=bool)
    names, member = np.unique(np.asarray(groups), return_inverse=True)
    cell = np.select([truth & said, ~truth & said, ~truth & ~said], [0, 1, 2], 3)
    return np.bincount(4 * member + cell, minlength=4 * len(names)).reshape(-1, 4)


@lru_cache(maxsize=8)
def group_draws(n_groups: int, *, draws: int = 1000, seed: int = 0) -> np.ndarray:
    """How often each group is in each draw of `n_groups` groups with replacement, (draws, G).

    Two forecasts of the same groups are compared draw by draw with the same seed. The array is
    kept and shared, so it cannot be written to.
    """
    even = np.full(n_groups, 1.0 / n_groups)
    drawn = np.random.default_rng(seed).multinomial(n_groups, even, size=draws).astype(float)
    drawn.flags.writeable = False
    return drawn


def resampled_scores(
    counts: ArrayLike, *, draws: int = 1000, seed: int = 0
) -> dict[str, np.ndarray]:
    """Scores of resamplings of whole groups, of which `interval` makes 95 % intervals.

    Parameters
    ----------
    counts : array_like (G, 4) or (G, k, 4)
        Of `group_counts`; k tables of the same groups side by side.
    draws, seed : int
        As for `group_draws`.

    Returns
    -------
    dict
        One array (draws,) or (draws, k) for each of `SCORES`, NaN where a draw leaves it
        undefined; all NaN for fewer than `LEAST_GROUPS` groups.
    """
    counts = np.asarray(counts, dtype=float)
    if len(counts) < LEAST_GROUPS:
        return count_scores(np.full((draws, *counts.shape[1:]), np.nan))
    weights = group_draws(len(counts), draws=draws, seed=seed)
    return count_scores(np.tensordot(weights, counts, axes=1))


def interval(values: ArrayLike) -> tuple[float, float]:
    """95 % interval of draws (n,), of those in which the score is defined; NaN if none is."""
    found = np.asarray(values, dtype=float)
    found = found[np.isfinite(found)]
    if not found.size:
        return math.nan, math.nan
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)

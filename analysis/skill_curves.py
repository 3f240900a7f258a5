"""How well a forecast ranks sequences, whatever the threshold: ROC and precision-recall."""

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_curve

from hnn_core.exceptions import OneClassError
from hnn_core.training.resampling import LEAST_GROUPS, group_draws, interval

__all__ = [
    "area_under_roc",
    "average_precision",
    "precision_recall",
    "roc",
]


def roc(table: pd.DataFrame) -> pd.DataFrame:
    """Receiver operating characteristic of a forecast.

    Parameters
    ----------
    table : DataFrame
        ``label`` and ``score``, one row a sequence, as of `skill.forecasts`.

    Returns
    -------
    DataFrame
        ``false_alarm_rate``, ``recall``, ``threshold`` (on the score; the first is infinite),
        ascending in both rates.

    Raises
    ------
    OneClassError
        If all labels are the same.
    """
    label, score = _two_classes(table, "ROC curve")
    false_alarms, recall, threshold = roc_curve(label, score)
    return pd.DataFrame(
        {"false_alarm_rate": false_alarms, "recall": recall, "threshold": threshold}
    )


def area_under_roc(
    table: pd.DataFrame, *, draws: int = 1000, seed: int = 0
) -> tuple[float, float, float]:
    """Area under the ROC curve with its 95 % interval from resampling groups.

    The area is the part of all pairs of an eruptive and a confined sequence in which the eruptive
    one has the higher score, ties by half. Pairs are counted once for every pair of groups; a
    draw of groups then weighs them.

    Returns
    -------
    area, low, high : float
        No interval (NaN) for fewer than `LEAST_GROUPS` groups.

    Raises
    ------
    OneClassError
        If all labels are the same.
    """
    label, score = _two_classes(table, "area under the ROC curve")
    names, member = np.unique(table["group"].to_numpy(), return_inverse=True)
    eruptive, of_eruptive = score[label == 1], member[label == 1]
    pairs = np.zeros((len(names), len(names)))
    for group in range(len(names)):
        confined = np.sort(score[(label == 0) & (member == group)])
        below = np.searchsorted(confined, eruptive, "left")
        won = (below + np.searchsorted(confined, eruptive, "right")) / 2
        pairs[:, group] = np.bincount(of_eruptive, won, minlength=len(names))
    counts = np.stack([np.bincount(member[label == k], minlength=len(names)) for k in (1, 0)])
    weights = group_draws(len(names), draws=draws, seed=seed)
    with np.errstate(invalid="ignore"):  # a draw without one of the classes has no area
        drawn = ((weights @ pairs) * weights).sum(axis=1) / (weights @ counts.T).prod(axis=1)
    area = float(pairs.sum() / counts.sum(axis=1).prod())
    return area, *(interval(drawn) if len(names) >= LEAST_GROUPS else (np.nan, np.nan))


def precision_recall(table: pd.DataFrame) -> pd.DataFrame:
    """Precision against recall of a forecast; columns ``recall``, ``precision``, ``threshold``.

    Raises
    ------
    OneClassError
        If all labels are the same.
    """
    label, score = _two_classes(table, "precision-recall curve")
    precision, recall, threshold = precision_recall_curve(label, score)
    # The last point, precision 1 at recall 0, is put there by scikit-learn: no threshold has it.
    return pd.DataFrame(
        {"recall": recall[:-1], "precision": precision[:-1], "threshold": threshold}
    )


def average_precision(table: pd.DataFrame) -> float:
    """Mean precision weighted by the steps in recall; raises OneClassError like the curve."""
    return float(average_precision_score(*_two_classes(table, "average precision")))


def _two_classes(table: pd.DataFrame, what: str) -> tuple[np.ndarray, np.ndarray]:
    label = table["label"].to_numpy(dtype=int)
    if label.min() == label.max():
        one = "eruptive" if label[0] else "confined"
        raise OneClassError(
            f"No {what}: all {len(label)} test sequences are {one}; test on both classes."
        )
    return label, table["score"].to_numpy(dtype=float)

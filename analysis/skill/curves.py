"""Skill beyond one threshold: ROC and precision-recall, all thresholds, reliability, Brier.

Every ``table`` is one forecast of `analysis.skill.forecasts.forecasts`, one row a sequence, with
``label``, ``group``, ``score`` (what it is ranked by) and ``probability``. Curves and the areas
under them raise `OneClassError` if all labels are the same.
"""

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_curve

from hnn_core.exceptions import OneClassError
from hnn_core.scores import (
    LEAST_GROUPS,
    SCORES,
    count_scores,
    group_draws,
    interval,
    resampled_scores,
)

__all__ = [
    "THRESHOLDS",
    "area_under_roc",
    "average_precision",
    "brier_scores",
    "precision_recall",
    "reliability",
    "roc",
    "threshold_scores",
]

THRESHOLDS = np.round(np.linspace(0.0, 1.0, 101), 2)
"""Thresholds at which skill is computed."""


def roc(table: pd.DataFrame) -> pd.DataFrame:
    """Receiver operating characteristic of a forecast.

    Returns
    -------
    DataFrame
        ``false_alarm_rate``, ``recall``, ``threshold`` (on the score; the first is infinite),
        ascending in both rates.
    """
    label, score = _two_classes(table, "ROC curve")
    false_alarms, recall, threshold = roc_curve(label, score)
    return pd.DataFrame(
        {"false_alarm_rate": false_alarms, "recall": recall, "threshold": threshold}
    )


def area_under_roc(table: pd.DataFrame) -> tuple[float, float, float]:
    """Area under the ROC curve with its 95 % interval from resampling groups.

    The area is the part of all pairs of an eruptive and a confined sequence in which the eruptive
    one has the higher score, ties by half. Pairs are counted once for every pair of groups; a
    draw of groups then weighs them.

    Returns
    -------
    area, low, high : float
        No interval (NaN) for fewer than `LEAST_GROUPS` groups.
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
    weights = group_draws(len(names))
    with np.errstate(invalid="ignore"):  # a draw without one of the classes has no area
        drawn = ((weights @ pairs) * weights).sum(axis=1) / (weights @ counts.T).prod(axis=1)
    area = float(pairs.sum() / counts.sum(axis=1).prod())
    return area, *(interval(drawn) if len(names) >= LEAST_GROUPS else (np.nan, np.nan))


def precision_recall(table: pd.DataFrame) -> pd.DataFrame:
    """Precision against recall of a forecast; columns ``recall``, ``precision``, ``threshold``."""
    label, score = _two_classes(table, "precision-recall curve")
    precision, recall, threshold = precision_recall_curve(label, score)
    # The last point, precision 1 at recall 0, is put there by scikit-learn: no threshold has it.
    return pd.DataFrame(
        {"recall": recall[:-1], "precision": precision[:-1], "threshold": threshold}
    )


def average_precision(table: pd.DataFrame) -> float:
    """Mean precision weighted by the steps in recall, the area under that curve."""
    return float(average_precision_score(*_two_classes(table, "average precision")))


def threshold_scores(table: pd.DataFrame) -> pd.DataFrame:
    """Scores at each of `THRESHOLDS`.

    Returns
    -------
    DataFrame
        ``threshold``, one column for each of `SCORES` (NaN where undefined), and ``tss_low``,
        ``tss_high`` (95 %).
    """
    names, member = np.unique(table["group"].to_numpy(), return_inverse=True)
    label = table["label"].to_numpy(dtype=int)
    # How many thresholds a sequence reaches; summed from above, how many reach each threshold.
    reached = np.searchsorted(THRESHOLDS, table["probability"].to_numpy(), side="right")
    shape = (len(names), 2, len(THRESHOLDS) + 1)
    cell = np.ravel_multi_index((member, label, reached), shape)
    tally = np.bincount(cell, minlength=int(np.prod(shape))).reshape(shape)
    positive = tally[:, :, ::-1].cumsum(axis=2)[:, :, ::-1][:, :, 1:]
    fp, tp = positive[:, 0], positive[:, 1]
    tn, fn = (tally.sum(axis=2)[:, :, None] - positive).transpose(1, 0, 2)
    counts = np.stack([tp, fp, tn, fn], axis=-1)  # (G, thresholds, 4)
    whole = count_scores(counts.sum(axis=0))
    tss = resampled_scores(counts)["tss"]
    spans = np.array([interval(drawn) for drawn in tss.T])
    return pd.DataFrame(
        {
            "threshold": THRESHOLDS,
            **{score: whole[score] for score in SCORES},
            "tss_low": spans[:, 0],
            "tss_high": spans[:, 1],
        }
    )


def reliability(table: pd.DataFrame, *, bins: int = 10) -> pd.DataFrame:
    """How often the flare was eruptive where the forecast gave a certain probability.

    Parameters
    ----------
    bins : int
        Of equal width over 0 to 1; a bin holds its lower edge, the last one both.

    Returns
    -------
    DataFrame
        One row a bin: ``low_edge``, ``high_edge``, ``sequences``, ``eruptive``, ``groups``,
        ``probability`` (mean) and ``frequency`` (of eruptive ones), NaN in an empty bin, and
        ``low``, ``high`` (95 %) of the frequency, NaN for fewer than `LEAST_GROUPS`
        groups.
    """
    probability, label = table["probability"].to_numpy(float), table["label"].to_numpy(float)
    names, group = np.unique(table["group"].to_numpy(), return_inverse=True)
    edges = np.arange(bins + 1) / bins  # 3 / 5 is 0.6, which linspace misses
    which = np.clip(np.searchsorted(edges, probability, side="right") - 1, 0, bins - 1)
    flat, size = group * bins + which, len(names) * bins
    per_group = np.bincount(flat, minlength=size).reshape(-1, bins)
    eruptive = np.bincount(flat, label, size).reshape(-1, bins)
    weights = group_draws(len(names))
    with np.errstate(invalid="ignore"):  # an empty bin has neither mean nor frequency
        drawn = (weights @ eruptive) / (weights @ per_group)
        counts = per_group.sum(axis=0)
        mean = np.bincount(which, probability, bins) / counts
        frequency = eruptive.sum(axis=0) / counts
    groups = (per_group > 0).sum(axis=0)
    spans = np.array([interval(drawn[:, k]) for k in range(bins)])
    spans[groups < LEAST_GROUPS] = np.nan
    return pd.DataFrame(
        {
            "low_edge": edges[:-1],
            "high_edge": edges[1:],
            "sequences": counts,
            "eruptive": eruptive.sum(axis=0).astype(int),
            "groups": groups,
            "probability": mean,
            "frequency": frequency,
            "low": spans[:, 0],
            "high": spans[:, 1],
        }
    )


def brier_scores(table: pd.DataFrame) -> dict[str, float]:
    """Brier score, that of climatology, and the skill of the one over the other.

    Returns
    -------
    dict
        ``brier`` and ``climatology``, the mean squares of probability less label, and ``skill``,
        1 − brier / climatology; NaN where climatology makes no error.
    """
    label = table["label"].to_numpy(dtype=float)
    brier = float(np.mean((table["probability"].to_numpy() - label) ** 2))
    climatology = float(np.mean((table["climatology"].to_numpy() - label) ** 2))
    skill = 1.0 - brier / climatology if climatology else float("nan")
    return {"brier": brier, "climatology": climatology, "skill": skill}


def _two_classes(table: pd.DataFrame, what: str) -> tuple[np.ndarray, np.ndarray]:
    label = table["label"].to_numpy(dtype=int)
    if label.min() == label.max():
        one = "eruptive" if label[0] else "confined"
        raise OneClassError(
            f"No {what}: all {len(label)} test sequences are {one}; test on both classes."
        )
    return label, table["score"].to_numpy(dtype=float)

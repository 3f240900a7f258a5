"""Scores of forecasts side by side, with intervals over regions or errors over folds.

Scores in words: with their uncertainty, or why they have no value.
"""

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd

from hnn_core.scores import (
    SCORES,
    count_scores,
    fold_mean,
    group_counts,
    interval,
    resampled_scores,
)

__all__ = [
    "SCORE_NAMES",
    "differences",
    "fold_table",
    "number",
    "score_table",
    "why_undefined",
    "with_error",
    "with_interval",
]


SCORE_NAMES = dict(zip(SCORES, ("recall", "precision", "ACC", "HSS", "TSS"), strict=True))
"""What the paper calls each score."""

NOTHING = "there is no sequence"
NO_ERUPTIVE = "no sequence is eruptive"
NO_CONFINED = "no sequence is confined"
NONE_SAID = "nothing was predicted eruptive"
ALL_ALIKE = "all sequences are of one class and were predicted so"


def why_undefined(score: str, counts: Iterable[int]) -> str:
    """Say why a score of a contingency table is undefined.

    Parameters
    ----------
    score : str
        One of `SCORES`.
    counts : four whole numbers
        tp, fp, tn, fn.

    Returns
    -------
    str
        Half a sentence, without the score's name; empty if the score is defined.
    """
    tp, fp, tn, fn = map(int, counts)
    if tp + fp + tn + fn == 0:
        return NOTHING
    if score in ("recall", "tss") and tp + fn == 0:
        return NO_ERUPTIVE
    if score == "tss" and tn + fp == 0:
        return NO_CONFINED
    if score == "precision" and tp + fp == 0:
        return NONE_SAID
    if score == "hss" and (tp + fn) * (fn + tn) + (tp + fp) * (fp + tn) == 0:
        return ALL_ALIKE
    return ""


def number(value: float) -> str:
    """Write three digits with a true minus sign; the word "undefined" for NaN."""
    return "undefined" if math.isnan(value) else f"{value:.3f}".replace("-", "−")


def with_interval(value: float, low: float, high: float) -> tuple[str, str]:
    """Write a score and its 95 % interval: ``"0.612", "0.45 to 0.72"``.

    The second is empty for an undefined score, and says so where there is no interval.
    """
    if math.isnan(value):
        return number(value), ""
    if math.isnan(low):
        return number(value), "no interval"
    return number(value), f"{low:.2f} to {high:.2f}".replace("-", "−")


def with_error(mean: float, error: float) -> tuple[str, str]:
    """Write a mean and its standard error: ``"0.612", "± 0.034"``; no error where it is NaN."""
    return number(mean), "" if math.isnan(error) else f"± {error:.3f}"


def score_table(told: dict[str, pd.DataFrame], *, draws: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Score every forecast over all its sequences.

    Parameters
    ----------
    told : dict
        Of `forecasts`.
    draws, seed : int
        Of the resampling of whole groups of regions.

    Returns
    -------
    DataFrame
        One row a forecast and score: ``forecast``, ``score`` (of `SCORES`), ``value``, ``low``
        and ``high`` (95 %), ``tp``, ``fp``, ``tn``, ``fn``, ``sequences``, ``groups``, ``why``
        (in words, where the value is undefined; else empty).
    """
    rows = []
    for name, table in told.items():
        by_group = group_counts(table["label"], table["said"], table["group"])
        drawn = resampled_scores(by_group, draws=draws, seed=seed)
        rows += _scored(name, by_group, drawn)
    return pd.DataFrame(rows)


def _scored(
    forecast: str, by_group: np.ndarray, drawn: dict[str, np.ndarray]
) -> list[dict[str, object]]:
    counts = by_group.sum(axis=0)
    whole = count_scores(counts)
    rows = []
    for score in SCORES:
        why = why_undefined(score, counts)
        low, high = (np.nan, np.nan) if why else interval(drawn[score])
        rows.append(
            {
                "forecast": forecast,
                "score": score,
                "value": float(whole[score]),
                "low": low,
                "high": high,
                **dict(zip(("tp", "fp", "tn", "fn"), map(int, counts), strict=True)),
                "sequences": int(counts.sum()),
                "groups": len(by_group),
                "why": why,
            }
        )
    return rows


def fold_table(told: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Score every forecast in each fold of a cross-validation, the paper's Figure 8.

    Returns
    -------
    DataFrame
        One row a forecast and score: ``forecast``, ``score``, ``mean``, ``standard_error`` (see
        `fold_mean`), ``n`` (folds), ``folds`` (list of the values, NaN where undefined),
        ``why`` (the folds in which it is undefined and the first reason; else empty).
    """
    rows = []
    for name, table in told.items():
        counts = np.array(
            [
                group_counts(fold["label"], fold["said"], fold["fold"])[0]
                for _, fold in table.groupby("fold")
            ]
        )
        for score, values in count_scores(counts).items():
            reasons = {
                str(fold): why
                for fold, tally in zip(sorted(set(table["fold"])), counts, strict=True)
                if (why := why_undefined(score, tally))
            }
            rows.append(
                {
                    "forecast": name,
                    "score": score,
                    **fold_mean(values),
                    "folds": values.tolist(),
                    "why": _in_folds(reasons),
                }
            )
    return pd.DataFrame(rows)


def differences(
    told: dict[str, pd.DataFrame], first: str, *, score: str = "tss", draws: int = 1000
) -> pd.DataFrame:
    """Compare a forecast with the others on the same resamplings of regions.

    Returns
    -------
    DataFrame
        One row for each forecast of the same groups but climatology, whose TSS and HSS are 0:
        ``forecast``, ``difference`` (the first's score less its), ``low``, ``high`` (95 %).
    """
    tables = {
        name: group_counts(table["label"], table["said"], table["group"])
        for name, table in told.items()
        if name == first or (name != "climatology" and _same_groups(table, told[first]))
    }
    drawn = {name: resampled_scores(counts, draws=draws)[score] for name, counts in tables.items()}
    whole = {name: count_scores(counts.sum(axis=0))[score] for name, counts in tables.items()}
    rows = []
    for name in tables:
        if name != first:
            low, high = interval(drawn[first] - drawn[name])
            gap = float(whole[first] - whole[name])
            rows.append({"forecast": name, "difference": gap, "low": low, "high": high})
    return pd.DataFrame(rows, columns=["forecast", "difference", "low", "high"])


def _in_folds(reasons: dict[str, str]) -> str:
    if not reasons:
        return ""
    return f"in fold {', '.join(reasons)} {next(iter(reasons.values()))}"


def _same_groups(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    return set(one["group"]) == set(other["group"])

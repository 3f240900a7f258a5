"""Scores in words: with their uncertainty, or why they have no value."""

import math
from collections.abc import Iterable

from hnn_core.training.metrics import SCORES

__all__ = ["SCORE_NAMES", "number", "why_undefined", "with_error", "with_interval"]

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

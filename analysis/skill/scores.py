"""Scores of forecasts: with intervals over regions, errors over folds, in parts and in words."""

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from analysis.figures import style
from hnn_core.regions.goes_classes import flux_of_class, read_class
from hnn_core.scores import (
    SCORES,
    count_scores,
    fold_mean,
    group_counts,
    interval,
    interval_words,
    resampled_scores,
)

__all__ = [
    "CLASS_BINS",
    "LONGITUDE_EDGES",
    "SCORE_NAMES",
    "by_groups",
    "counts_of",
    "differences",
    "fold_table",
    "number",
    "score_table",
    "scored",
    "skill_by_class",
    "skill_by_longitude",
    "why_undefined",
    "with_error",
    "with_interval",
]

SCORE_NAMES = dict(zip(SCORES, ("recall", "precision", "ACC", "HSS", "TSS"), strict=True))
"""What the paper calls each score."""
LONGITUDE_EDGES = np.arange(-45.0, 46.0, 15.0)
"""Degrees from the central meridian, west positive."""
CLASS_BINS = {"C": "C1.0", "M1.0–M4.9": "M1.0", "M5.0–M9.9": "M5.0", "X": "X1.0"}
"""Names of the bins and the classes from which they reach up to the next."""


def score_table(forecasts: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Score every forecast over all its sequences.

    Parameters
    ----------
    forecasts : mapping
        Of `analysis.skill.forecasts.forecasts`.

    Returns
    -------
    DataFrame
        One row a forecast and score: ``forecast``, ``score`` (of `SCORES`), ``value``, ``low``
        and ``high`` (95 %, from 1000 resamplings of whole groups of regions), ``tp``, ``fp``,
        ``tn``, ``fn``, ``sequences``, ``groups``, ``why`` (in words, where the value is undefined;
        else empty).
    """
    rows: list[dict[str, Any]] = []
    for name, table in forecasts.items():
        by_group = by_groups(table)
        tally = by_group.sum(axis=0)
        counts = dict(zip(("tp", "fp", "tn", "fn"), map(int, tally), strict=True))
        drawn = resampled_scores(by_group)
        for score in SCORES:
            numbers = scored(score, tally, drawn)
            why = numbers.pop("why")
            rows.append({"forecast": name, "score": score, **numbers, **counts})
            rows[-1] |= {"sequences": int(tally.sum()), "groups": len(by_group), "why": why}
    return pd.DataFrame(rows)


def fold_table(forecasts: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Score every forecast in each fold of a cross-validation, the paper's Figure 8.

    Returns
    -------
    DataFrame
        One row a forecast and score: ``forecast``, ``score``, ``mean``, ``standard_error`` (see
        `fold_mean`), ``n`` (folds), ``folds`` (list of the values, NaN where undefined),
        ``why`` (the folds in which it is undefined and the first reason; else empty).
    """
    rows: list[dict[str, Any]] = []
    for name, table in forecasts.items():
        counts = group_counts(table["label"], table["said"], table["fold"])  # (folds, 4)
        folds = sorted(set(table["fold"]))
        for score, values in count_scores(counts).items():
            whys = [why_undefined(score, tally) for tally in counts]
            undefined = [str(fold) for fold, why in zip(folds, whys, strict=True) if why]
            where = f"in fold{'s' * (len(undefined) > 1)} {', '.join(undefined)}"
            why = f"{where} {next(filter(None, whys))}" if undefined else ""
            row = {"forecast": name, "score": score, **fold_mean(values)}
            rows.append({**row, "folds": values.tolist(), "why": why})
    return pd.DataFrame(rows)


def differences(forecasts: Mapping[str, pd.DataFrame], first: str) -> pd.DataFrame:
    """Compare a forecast with the others on the same resamplings of regions.

    Returns
    -------
    DataFrame
        One row for each forecast of the same groups but climatology, whose TSS and HSS are 0:
        ``forecast``, ``difference`` (the first's TSS minus its), ``low``, ``high`` (95 %).
    """
    groups = set(forecasts[first]["group"])
    tables = {
        name: by_groups(table)
        for name, table in forecasts.items()
        if name == first or (name != "climatology" and set(table["group"]) == groups)
    }
    drawn = {name: resampled_scores(counts)["tss"] for name, counts in tables.items()}
    whole = {name: count_scores(counts.sum(axis=0))["tss"] for name, counts in tables.items()}
    rows = [
        (name, float(whole[first] - whole[name]), *interval(drawn[first] - drawn[name]))
        for name in tables
        if name != first
    ]
    return pd.DataFrame(rows, columns=["forecast", "difference", "low", "high"])


def by_groups(table: pd.DataFrame) -> np.ndarray:
    """Contingency table of each group of regions, (groups, 4): tp, fp, tn, fn."""
    return group_counts(table["label"], table["said"], table["group"])


def counts_of(table: pd.DataFrame) -> np.ndarray:
    """Contingency table of a forecast, (4,): tp, fp, tn, fn."""
    return by_groups(table).sum(axis=0)


def scored(score: str, counts: np.ndarray, drawn: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Value of a score, its 95 % interval (``low``, ``high``), and ``why`` it is undefined.

    `score` and `counts` as in `why_undefined`; `drawn` of `hnn_core.scores.resampled_scores`.
    """
    if why := why_undefined(score, counts):
        return {"value": np.nan, "low": np.nan, "high": np.nan, "why": why}
    low, high = interval(drawn[score])
    return {"value": float(count_scores(counts)[score]), "low": low, "high": high, "why": ""}


def why_undefined(score: str, counts: Iterable[int]) -> str:
    """Give the reason why a score of a contingency table is undefined.

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
        return "there is no sequence"
    if score in ("recall", "tss") and tp + fn == 0:
        return "no sequence is eruptive"
    if score == "tss" and tn + fp == 0:
        return "no sequence is confined"
    if score == "precision" and tp + fp == 0:
        return "nothing was predicted eruptive"
    if score == "hss" and (tp + fn) * (fn + tn) + (tp + fp) * (fp + tn) == 0:
        return "all sequences are of one class and were predicted so"
    return ""


def number(value: float) -> str:
    """Write three digits with a real minus sign; the word "undefined" for NaN."""
    return "undefined" if math.isnan(value) else style.number(value, ".3f")


def with_interval(value: float, low: float, high: float) -> tuple[str, str]:
    """Write a score and its 95 % interval: ``"0.612", "0.451 to 0.723"``.

    The second is empty for an undefined score, and "no interval" where there is none.
    """
    if math.isnan(value):
        return number(value), ""
    return number(value), interval_words(low, high)


def with_error(mean: float, error: float) -> tuple[str, str]:
    """Write a mean and its standard error: ``"0.612", "± 0.034"``; no error where it is NaN."""
    return number(mean), "" if math.isnan(error) else f"± {error:.3f}"


def skill_by_longitude(table: pd.DataFrame) -> pd.DataFrame:
    """Find the TSS of a forecast in bins of longitude.

    Parameters
    ----------
    table : DataFrame
        Of `analysis.skill.forecasts.forecasts`: ``longitude`` (deg from the central meridian),
        ``label``, ``said``, ``region``, ``group``.

    Returns
    -------
    DataFrame
        One row a bin: ``bin``, ``value``, ``low``, ``high`` (95 %), ``sequences``, ``eruptive``,
        ``regions``, ``groups``, ``why`` (in words, where the value is undefined). A bin holds
        its eastern edge, the last one both. Sequences farther out are in ``attrs["outside"]``,
        their number.
    """
    longitude = table["longitude"].to_numpy(dtype=float)
    edges = LONGITUDE_EDGES
    signs = [style.number(edge, "+.0f") if edge else "0" for edge in edges]
    which = np.searchsorted(edges, longitude, side="right") - 1
    which[longitude == edges[-1]] = len(edges) - 2
    which[~((longitude >= edges[0]) & (longitude <= edges[-1]))] = -1
    names = [f"{low} to {high}°" for low, high in pairwise(signs)]
    return _binned(table, which, names)


def skill_by_class(table: pd.DataFrame) -> pd.DataFrame:
    """Find the TSS of a forecast by the class of the flare that was coming, in `CLASS_BINS`.

    Parameters and return value are those of `skill_by_longitude`, with ``goes_class`` instead of
    ``longitude``; sequences of a flare without a class or below C are "outside", and a class
    without a sequence is left out.
    """
    edges = [flux_of_class(lowest) for lowest in CLASS_BINS.values()]
    names = [read_class(str(name)) for name in table["goes_class"]]
    which = [bisect_right(edges, flux_of_class(name)) - 1 if name else -1 for name in names]
    found = _binned(table, np.array(which), list(CLASS_BINS))
    return found[found["sequences"] > 0].reset_index(drop=True)


def _binned(table: pd.DataFrame, which: np.ndarray, names: Sequence[str]) -> pd.DataFrame:
    """One row for each name; `which` is the place of each sequence's, negative outside of all."""
    rows = []
    for place, name in enumerate(names):
        part = table[which == place]
        by_group = by_groups(part)
        found = scored("tss", by_group.sum(axis=0), resampled_scores(by_group))
        why = found.pop("why")
        rows.append(
            {
                "bin": name,
                **found,
                "sequences": len(part),
                "eruptive": int(part["label"].sum()),
                "regions": part["region"].nunique(),
                "groups": len(by_group),
                "why": why,
            }
        )
    scores = pd.DataFrame(rows)
    scores.attrs["outside"] = int((which < 0).sum())
    return scores

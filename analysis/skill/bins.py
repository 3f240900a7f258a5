"""Skill of a forecast in parts of its test set: by longitude and by flare class."""

from bisect import bisect
from itertools import pairwise

import numpy as np
import pandas as pd

from analysis.skill.scores import why_undefined
from hnn_core.regions.goes_classes import flux_of_class, read_class
from hnn_core.scores import count_scores, group_counts, interval, resampled_scores

__all__ = ["CLASS_BINS", "LONGITUDE_EDGES", "skill_by_class", "skill_by_longitude"]

LONGITUDE_EDGES = np.arange(-45.0, 46.0, 15.0)
"""Degrees from the central meridian, west positive."""

CLASS_BINS = ("C", "M1.0–M4.9", "M5.0–M9.9", "X")
_CLASS_EDGES = [flux_of_class(name) for name in ("C1.0", "M1.0", "M5.0", "X1.0")]


def skill_by_longitude(
    table: pd.DataFrame, *, score: str = "tss", draws: int = 1000
) -> pd.DataFrame:
    """Score a forecast in bins of longitude.

    Parameters
    ----------
    table : DataFrame
        Of `skill.forecasts`: ``longitude`` (deg from the central meridian), ``label``, ``said``,
        ``region``, ``group``.
    score : str
        One of `SCORES`.

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
    names = [f"{_signed(low)} to {_signed(high)}°" for low, high in pairwise(edges)]
    which = np.searchsorted(edges, longitude, side="right") - 1
    which[longitude == edges[-1]] = len(names) - 1
    inside = (longitude >= edges[0]) & (longitude <= edges[-1])
    found = _scored(table[inside], which[inside], names, score, draws)
    found.attrs["outside"] = int((~inside).sum())
    return found


def skill_by_class(table: pd.DataFrame, *, score: str = "tss", draws: int = 1000) -> pd.DataFrame:
    """Score a forecast by the class of the flare that was coming, in `CLASS_BINS`.

    Parameters and return value are those of `skill_by_longitude`, with ``goes_class`` instead of
    ``longitude``; sequences of a flare without a class or below C are "outside", and a class
    without a sequence is left out.
    """
    which = np.array([_class_bin(str(name)) for name in table["goes_class"]])
    found = _scored(table[which >= 0], which[which >= 0], CLASS_BINS, score, draws)
    found = found[found["sequences"] > 0].reset_index(drop=True)
    found.attrs["outside"] = int((which < 0).sum())
    return found


def _class_bin(goes_class: str) -> int:
    name = read_class(goes_class)
    return bisect(_CLASS_EDGES, flux_of_class(name)) - 1 if name else -1


def _scored(
    table: pd.DataFrame,
    which: np.ndarray,
    names: list[str] | tuple[str, ...],
    score: str,
    draws: int,
) -> pd.DataFrame:
    rows = []
    for number, name in enumerate(names):
        part = table[which == number]
        by_group = group_counts(part["label"], part["said"], part["group"])
        counts = by_group.sum(axis=0)
        why = why_undefined(score, counts)
        low, high = np.nan, np.nan
        if not why:
            low, high = interval(resampled_scores(by_group, draws=draws)[score])
        rows.append(
            {
                "bin": name,
                "value": np.nan if why else float(count_scores(counts)[score]),
                "low": low,
                "high": high,
                "sequences": len(part),
                "eruptive": int(part["label"].sum()),
                "regions": part["region"].nunique(),
                "groups": len(by_group),
                "why": why,
            }
        )
    return pd.DataFrame(rows)


def _signed(degrees: float) -> str:
    return f"{degrees:+.0f}".replace("-", "−") if degrees else "0"

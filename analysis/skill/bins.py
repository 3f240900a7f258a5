"""TSS of a forecast in parts of its test set: by longitude and by flare class."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from analysis.figures.style import number
from analysis.skill.scores import by_groups, scored
from hnn_core.regions.goes_classes import flux_of_class, read_class
from hnn_core.scores import resampled_scores

__all__ = ["CLASS_BINS", "LONGITUDE_EDGES", "skill_by_class", "skill_by_longitude"]

LONGITUDE_EDGES = np.arange(-45.0, 46.0, 15.0)
"""Degrees from the central meridian, west positive."""
CLASS_BINS = {"C": "C1.0", "M1.0–M4.9": "M1.0", "M5.0–M9.9": "M5.0", "X": "X1.0"}
"""Names of the bins and the classes from which they reach up to the next."""


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
    signs = [number(edge, "+.0f") if edge else "0" for edge in edges]
    which = np.searchsorted(edges, longitude, side="right") - 1
    which[longitude == edges[-1]] = len(edges) - 2
    which[~((longitude >= edges[0]) & (longitude <= edges[-1]))] = -1
    names = [f"{low} to {high}°" for low, high in pairwise(signs)]
    return _scored(table, which, names)


def skill_by_class(table: pd.DataFrame) -> pd.DataFrame:
    """Find the TSS of a forecast by the class of the flare that was coming, in `CLASS_BINS`.

    Parameters and return value are those of `skill_by_longitude`, with ``goes_class`` instead of
    ``longitude``; sequences of a flare without a class or below C are "outside", and a class
    without a sequence is left out.
    """
    edges = [flux_of_class(lowest) for lowest in CLASS_BINS.values()]
    names = [read_class(str(name)) for name in table["goes_class"]]
    which = [bisect_right(edges, flux_of_class(name)) - 1 if name else -1 for name in names]
    found = _scored(table, np.array(which), list(CLASS_BINS))
    return found[found["sequences"] > 0].reset_index(drop=True)


def _scored(table: pd.DataFrame, which: np.ndarray, names: Sequence[str]) -> pd.DataFrame:
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

"""Eruptive against confined over many windows, with regions as the units of chance."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis.cases.explained import PARTS
from hnn_core.exceptions import OneClassError, TooFewGroupsError
from hnn_core.magnetogram.conventions import number
from hnn_core.scores import interval

__all__ = [
    "QUANTITIES",
    "compare_classes",
    "compare_columns",
    "comparison_sentence",
    "comparison_table",
    "found_trends",
    "overlap_table",
    "quantity_name",
]

QUANTITIES = {
    "moving_unsigned_slope_percent_per_h": "PIL flux slope, moving RoPI (%/h)",
    "union_unsigned_slope_percent_per_h": "PIL flux slope, fixed union (%/h)",
    "last_unsigned_slope_percent_per_h": "PIL flux slope, fixed last (%/h)",
    "moving_unsigned_slope_mx_per_h": "PIL flux slope, moving RoPI (Mx/h)",
    "patch_unsigned_slope_percent_per_h": "total flux slope (%/h)",
    "patch_unsigned_slope_mx_per_h": "total flux slope (Mx/h)",
}
"""Columns of a survey as they are called on pages and in reports; "patch" is the total flux."""

_LEVEL = 0.05
_LEAST_REGIONS = 2
_CHUNK = 2_000_000  # numbers drawn at a time
_Regions = tuple[np.ndarray, np.ndarray, np.ndarray]


def quantity_name(column: str) -> str:
    """Name a column of a survey in a sentence, without its unit."""
    return QUANTITIES.get(column, column).rpartition(" (")[0] or column


def compare_classes(
    table: pd.DataFrame, column: str, *, draws: int = 5000, seed: int = 0
) -> dict[str, Any]:
    """Compare a quantity of a survey between eruptive and confined windows.

    Windows of a region are not independent: they share frames, spots and history. So each region
    counts once, with the mean of its windows of a kind, and chance acts on regions. For
    the permutation test the labels of regions are dealt out anew; a region with windows of both
    kinds exchanges its two values or not. Intervals (95 %, percentiles) come from drawing regions
    with replacement, as many of each sort as there are.

    Parameters
    ----------
    table : DataFrame
        With ``region`` and ``outcome`` ("eruptive", "confined"; others are left out).
    column : str
        Rows without a finite number there are left out.
    draws : int
        Permutations, and resamplings.
    seed : int

    Returns
    -------
    dict
        ``column``; as pairs of eruptive and confined ``n_windows``, ``n_regions`` (a region with
        windows of both kinds counts in both), ``median`` and ``mean`` over regions; of the
        differences, eruptive less confined, ``median_difference`` and ``mean_difference`` with
        ``…_interval`` and ``…_p`` (of one so large, either way, if labels meant nothing);
        ``cliffs_delta`` (how much more often an eruptive region has the larger value than the
        smaller one, −1 to 1) and ``standardised`` (difference of means over the pooled deviation
        of the regions, Hedges' g; NaN if none), each with its ``…_interval``; ``draws``.

    Raises
    ------
    OneClassError
        If only one outcome is in the table.
    TooFewGroupsError
        If fewer than two regions have an outcome.
    """
    known = table["outcome"].isin(["eruptive", "confined"]) & np.isfinite(table[column])
    rows = table[known]
    counts = {kind: int((rows["outcome"] == kind).sum()) for kind in ("eruptive", "confined")}
    if not all(counts.values()):
        raise OneClassError(
            f"There are {counts['eruptive']} eruptive and {counts['confined']} confined windows "
            f"with a known {quantity_name(column)}; to compare takes both."
        )
    regions = _by_region(rows, column)
    alone, both = regions[:2], regions[2]
    sides = [np.concatenate([values, both[:, k]]) for k, values in enumerate(alone)]
    if min(len(side) for side in sides) < _LEAST_REGIONS:
        raise TooFewGroupsError(
            f"{len(sides[0])} eruptive and {len(sides[1])} confined regions are too few; to "
            f"compare takes {_LEAST_REGIONS} of each."
        )
    rng = np.random.default_rng(seed)
    observed = _differences(*(side[np.newaxis] for side in sides))[0]
    by_chance = _permuted(regions, draws, rng)
    drawn = _resampled(regions, draws, rng)
    # The smallest p that draws can show is that of the data themselves among them.
    extreme = np.abs(by_chance) >= np.abs(observed[:2]) * (1 - 1e-12)
    p = (1 + extreme.sum(axis=0)) / (1 + draws)
    limits = [interval(values) for values in drawn.T]
    numbers = [float(value) for value in observed]
    return {
        "column": column,
        "n_windows": (counts["eruptive"], counts["confined"]),
        "n_regions": (len(sides[0]), len(sides[1])),
        "median": (float(np.median(sides[0])), float(np.median(sides[1]))),
        "mean": (float(sides[0].mean()), float(sides[1].mean())),
        "median_difference": numbers[0],
        "median_interval": limits[0],
        "median_p": float(p[0]),
        "mean_difference": numbers[1],
        "mean_interval": limits[1],
        "mean_p": float(p[1]),
        "cliffs_delta": numbers[2],
        "cliffs_interval": limits[2],
        "standardised": numbers[3],
        "standardised_interval": limits[3],
        "draws": draws,
    }


def compare_columns(
    table: pd.DataFrame,
    columns: Sequence[str] = tuple(QUANTITIES),
    *,
    draws: int = 5000,
) -> pd.DataFrame:
    """Compare several quantities, one row each, as `compare_classes`, and add ``q``.

    That is ``median_p`` with the share of false discoveries in these columns kept, by Benjamini
    and Hochberg's procedure.
    """
    found = pd.DataFrame([compare_classes(table, column, draws=draws) for column in columns])
    return found.assign(q=stats.false_discovery_control(found["median_p"]))


def found_trends(table: pd.DataFrame) -> pd.DataFrame:
    """Count windows whose moving PIL flux has a trend, at most 5 % of them false ones.

    By Benjamini and Yekutieli's procedure, which holds for windows that depend on one another, as
    overlapping ones do.

    Parameters
    ----------
    table : DataFrame
        Of `analysis.surveys.survey.survey`, one threshold.

    Returns
    -------
    DataFrame
        A row an outcome: ``windows``, ``fall``, ``rise``, ``none``, each a count.
    """
    p = table["moving_unsigned_p"].to_numpy(np.float64)
    slope = table["moving_unsigned_slope_mx_per_h"].to_numpy(np.float64)
    counted = np.isfinite(p) & np.isfinite(slope)
    found = np.zeros(len(table), dtype=bool)
    if counted.any():
        found[counted] = stats.false_discovery_control(p[counted], method="by") <= _LEVEL
    kinds = pd.DataFrame(
        {
            "outcome": table["outcome"],
            "windows": counted,
            "fall": found & (slope < 0),
            "rise": found & (slope > 0),
            "none": counted & ~found,
        }
    )
    return kinds.groupby("outcome").sum().reset_index()


def comparison_sentence(row: Mapping[str, Any]) -> str:
    """Write whether one quantity differs between the classes, no stronger than `q` allows.

    Parameters
    ----------
    row : mapping
        A row of `analysis.surveys.compare.compare_columns`.
    """
    name = quantity_name(row["column"])
    unit = "%/h" if "percent" in row["column"] else "Mx/h"
    eruptive, confined = row["median"]
    low, high = row["cliffs_interval"]
    differs = row["q"] <= _LEVEL
    does = "differs between the classes" if differs else "shows no difference between the classes"
    return (
        f"The {name} {does}: median {_text(eruptive)} {unit} over {row['n_regions'][0]} eruptive "
        f"regions, {_text(confined)} over {row['n_regions'][1]} confined ones (p = "
        f"{_p(row['median_p'])}, q = {_p(row['q'])}; Cliff's δ = {_text(row['cliffs_delta'])}, "
        f"95 % {_text(low)} to {_text(high)})."
    )


def comparison_table(compared: pd.DataFrame) -> pd.DataFrame:
    """Name and round what `analysis.surveys.compare.compare_columns` found."""
    return pd.DataFrame(
        {
            "quantity": [QUANTITIES.get(name, name) for name in compared["column"]],
            "eruptive, median": [_text(pair[0]) for pair in compared["median"]],
            "confined, median": [_text(pair[1]) for pair in compared["median"]],
            "difference (95 %)": [
                f"{_text(value)} ({_text(low)} to {_text(high)})"
                for value, (low, high) in zip(
                    compared["median_difference"], compared["median_interval"], strict=True
                )
            ],
            "p": compared["median_p"].map(_p),
            "q": compared["q"].map(_p),
            "Cliff's δ": compared["cliffs_delta"].map(_text),
            "regions": [f"{a} + {b}" for a, b in compared["n_regions"]],
            "windows": [f"{a} + {b}" for a, b in compared["n_windows"]],
        }
    )


def overlap_table(found: pd.DataFrame) -> pd.DataFrame:
    """Name and round what `analysis.surveys.maps.class_overlaps` found."""
    by = "said" if "said" in found else "outcome"
    return pd.DataFrame(
        {
            "map": found["method"],
            {"said": "predicted"}.get(by, by): found[by],
            "part": found["part"].map(PARTS),
            "share (%)": (100 * found["share"]).map("{:.1f}".format),
            "expected (%)": (100 * found["expected"]).map("{:.1f}".format),
            "× expected": found["enrichment"].map("{:.2f}".format),
            "p": found["p"].map(_p),
            "regions": found["regions"],
            "windows": found["windows"],
        }
    ).replace("nan", "not known")


def _by_region(rows: pd.DataFrame, column: str) -> _Regions:
    """Mean of each region: of those with eruptive or confined windows alone, (n, 2) of others."""
    means = rows.groupby(["region", "outcome"])[column].mean().unstack()
    values = means.reindex(columns=["eruptive", "confined"]).to_numpy(np.float64)
    first, second = np.isfinite(values).T
    return values[first & ~second, 0], values[second & ~first, 1], values[first & second]


def _permuted(regions: _Regions, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Differences of median and mean with labels dealt anew, (draws, 2)."""
    eruptive, confined, both = regions
    alone = np.concatenate([eruptive, confined])
    n = len(eruptive)
    found = []
    for size in _chunks(draws, len(alone) + 2 * len(both)):
        dealt = rng.permuted(np.tile(alone, (size, 1)), axis=1)
        swap = rng.random((size, len(both))) < 0.5
        left, right = np.where(swap, both[:, ::-1].T[:, None], both.T[:, None])
        sides = np.hstack([dealt[:, :n], left]), np.hstack([dealt[:, n:], right])
        found.append(_centres(*sides))
    return np.concatenate(found)


def _resampled(regions: _Regions, draws: int, rng: np.random.Generator) -> np.ndarray:
    """All four differences for regions drawn with replacement, (draws, 4)."""
    eruptive, confined, both = regions
    ne, nc, nb = len(eruptive), len(confined), len(both)
    found = []
    for size in _chunks(draws, (ne + nb) * (nc + nb)):
        pair = both[rng.integers(0, max(nb, 1), (size, nb))] if nb else np.empty((size, 0, 2))
        sides = []
        for k, alone in enumerate((eruptive, confined)):
            n = len(alone)
            drawn = alone[rng.integers(0, max(n, 1), (size, n))] if n else np.empty((size, 0))
            sides.append(np.hstack([drawn, pair[..., k]]))
        found.append(_differences(*sides))
    return np.concatenate(found)


def _chunks(draws: int, width: int) -> list[int]:
    """Sizes of parts of the draws, so that no array gets too large."""
    size = max(1, min(draws, _CHUNK // max(width, 1)))
    return [min(size, draws - start) for start in range(0, draws, size)]


def _centres(eruptive: np.ndarray, confined: np.ndarray) -> np.ndarray:
    """Differences of the medians and of the means, (k, 2), of (k, n) and (k, m)."""
    median = np.median(eruptive, axis=1) - np.median(confined, axis=1)
    return np.stack([median, eruptive.mean(axis=1) - confined.mean(axis=1)], axis=1)


def _differences(eruptive: np.ndarray, confined: np.ndarray) -> np.ndarray:
    """Differences of median and mean, Cliff's delta and Hedges' g, (k, 4)."""
    centres = _centres(eruptive, confined)
    n, m = eruptive.shape[1], confined.shape[1]
    pairs = np.sign(eruptive[:, :, np.newaxis] - confined[:, np.newaxis, :])
    squares = eruptive.var(axis=1) * n + confined.var(axis=1) * m
    freedom = n + m - 2
    deviation = np.sqrt(squares / freedom)
    small_sample = 1.0 - 3.0 / (4.0 * freedom - 1.0)
    g = np.full(len(eruptive), np.nan)
    np.divide(small_sample * centres[:, 1], deviation, out=g, where=deviation > 0)
    return np.column_stack([centres, pairs.mean(axis=(1, 2)), g])


def _text(value: float) -> str:
    """Write three digits and the sign."""
    known = np.isfinite(value)
    return number(value, "+.2f" if abs(value) < 1e4 else "+.2e") if known else "not known"


def _p(value: float) -> str:
    return number(value, ".2g")

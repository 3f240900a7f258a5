"""What a comparison of classes says, in a sentence and as a table for people."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.map_words import PARTS

__all__ = ["QUANTITIES", "comparison_sentence", "comparison_table", "overlap_table"]

QUANTITIES = {
    "moving_unsigned_slope_percent_per_h": "PIL flux slope, moving RoPI (%/h)",
    "union_unsigned_slope_percent_per_h": "PIL flux slope, fixed union (%/h)",
    "last_unsigned_slope_percent_per_h": "PIL flux slope, fixed last (%/h)",
    "moving_unsigned_slope_mx_per_h": "PIL flux slope, moving RoPI (Mx/h)",
    "patch_unsigned_slope_percent_per_h": "total flux slope (%/h)",
    "patch_unsigned_slope_mx_per_h": "total flux slope (Mx/h)",
}
"""Columns of a survey as they are called on pages and in reports."""

_LEVEL = 0.05


def comparison_sentence(row: Mapping[str, Any]) -> str:
    """Say whether one quantity differs between the classes, no stronger than `q` allows.

    Parameters
    ----------
    row : mapping
        A row of `analysis.survey_compare.compare_columns`.
    """
    name = QUANTITIES[row["column"]].rpartition(" (")[0]
    unit = "%/h" if "percent" in row["column"] else "Mx/h"
    eruptive, confined = row["median"]
    low, high = row["cliffs_interval"]
    differs = row["q"] <= _LEVEL
    does = "differs between the classes" if differs else "does not tell the classes apart here"
    return (
        f"The {name} {does}: median {_told(eruptive)} {unit} over {row['n_regions'][0]} eruptive "
        f"regions, {_told(confined)} over {row['n_regions'][1]} confined ones (p = "
        f"{row['median_p']:.2g}, q = {row['q']:.2g}; Cliff's δ = {_told(row['cliffs_delta'])}, "
        f"95 % {_told(low)} to {_told(high)})."
    )


def comparison_table(compared: pd.DataFrame) -> pd.DataFrame:
    """Name and round what `analysis.survey_compare.compare_columns` found."""
    return pd.DataFrame(
        {
            "quantity": [QUANTITIES.get(name, name) for name in compared["column"]],
            "eruptive, median": [_told(pair[0]) for pair in compared["median"]],
            "confined, median": [_told(pair[1]) for pair in compared["median"]],
            "difference (95 %)": [
                f"{_told(value)} ({_told(low)} to {_told(high)})"
                for value, (low, high) in zip(
                    compared["median_difference"], compared["median_interval"], strict=True
                )
            ],
            "p": compared["median_p"].map("{:.2g}".format),
            "q": compared["q"].map("{:.2g}".format),
            "Cliff's δ": compared["cliffs_delta"].map(_told),
            "regions": [f"{a} + {b}" for a, b in compared["n_regions"]],
            "windows": [f"{a} + {b}" for a, b in compared["n_windows"]],
        }
    )


def overlap_table(found: pd.DataFrame) -> pd.DataFrame:
    """Name and round what `analysis.survey_overlap.class_overlaps` found."""
    by = "said" if "said" in found else "outcome"
    return pd.DataFrame(
        {
            "map": found["method"],
            by: found[by],
            "part": found["part"].map(PARTS),
            "share (%)": (100 * found["share"]).map("{:.1f}".format),
            "expected (%)": (100 * found["expected"]).map("{:.1f}".format),
            "× expected": found["enrichment"].map("{:.2f}".format),
            "p": found["p"].map("{:.2g}".format),
            "regions": found["regions"],
            "windows": found["windows"],
        }
    )


def _told(value: float) -> str:
    """Three digits; a true minus."""
    if not np.isfinite(value):
        return "not known"
    text = f"{value:+.2f}" if abs(value) < 1e4 else f"{value:+.2e}"
    return text.replace("-", "−")

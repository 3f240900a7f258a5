"""What is found about a map, as sentences and tables for people."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.overlap import Overlap

if TYPE_CHECKING:
    from hnn_core.explanation.explanation import Explanation

__all__ = ["PARTS", "norms_sentence", "overlap_rows"]

PARTS = {"ropi": "RoPI", "hull": "convex hull", "near": "10 Mm of the PIL"}
"""Regions of `analysis.overlap.REGION_NAMES` as they are called on pages and in reports."""


def overlap_rows(found: Mapping[str, Overlap]) -> pd.DataFrame:
    """Put the overlaps of one map side by side, rounded, units in the names.

    Parameters
    ----------
    found : mapping of str to Overlap
        By `analysis.overlap.REGION_NAMES`.
    """
    rows = []
    for name, one in found.items():
        known = np.isfinite(one.p)
        rows.append(
            {
                "part": PARTS[name],
                "area (%)": f"{100 * one.area:.1f}",
                "share (%)": f"{100 * one.share:.1f}" if known else "–",
                "expected (%)": f"{100 * one.expected:.1f}" if known else "–",
                "× expected": f"{one.enrichment:.2f}" if known else "–",
                "p": f"{one.p:.2g}" if known else "no PIL",
                "draws": one.draws.size,
            }
        )
    return pd.DataFrame(rows)


def norms_sentence(norms: "Explanation", maps: np.ndarray) -> str:
    """Say how many tokens stand out and how much of a map lies on them.

    Parameters
    ----------
    norms : Explanation
        Of the method ``"token-norms"``.
    maps : (T, g, g) array
        The map, of the same hours.
    """
    flagged = norms.flagged
    if flagged is None:
        raise ValueError(f"{norms.method} flags no tokens")
    count, total = int(flagged.sum()), flagged.size
    if count == 0:
        return (
            f"No token stands out: none of {total} exceeds {norms.parameters['ratio']:g} times the "
            "median norm."
        )
    size = np.abs(maps)
    share = float(size[flagged].sum() / size.sum()) if size.sum() > 0 else 0.0
    return (
        f"{count} of {total} tokens stand out, and {100 * share:.1f} % of the map's magnitude lies "
        "on them: that part of the map may be an artefact."
    )

"""Names, colours and words that the figures of trends share."""

import numpy as np
import plotly.graph_objects as go
from astropy import units as u

from analysis import figure_style as style
from analysis.figures_axes import largest_exponent, power
from analysis.systematics import FluxName
from analysis.trends import Trend
from analysis.trends_fluxes import MaskKind

__all__ = ["COLOURS", "MASK_NAMES", "SYMBOLS", "SYSTEMATIC", "note_simulated", "trend_words"]

MASK_NAMES: dict[MaskKind, str] = {
    "moving": "moving RoPI",
    "union": "fixed: union",
    "last": "fixed: last frame",
    "patch": "whole patch",
}

SYMBOLS: dict[FluxName, str] = {"unsigned": "Φ", "positive": "Φ+", "negative": "Φ−"}
COLOURS: dict[FluxName, str] = {
    "unsigned": "#7c5cff",
    "positive": "#e4738c",
    "negative": "#3fa08f",
}
"""Blue and orange stay with eruptive and confined."""
SYSTEMATIC = "rgba(140,143,153,0.28)"
_RATE = u.Mx / u.h


def trend_words(trend: Trend) -> str:
    """Slope in both units, with its interval and p."""
    if not np.isfinite(trend.slope):
        return "no slope known"
    slope, (low, high) = trend.slope.to_value(_RATE), trend.interval.to_value(_RATE)
    exponent = largest_exponent([slope, low, high], default=19)
    scale = 10.0**exponent
    words = (
        f"slope {slope / scale:+.2f} ({low / scale:+.2f} to {high / scale:+.2f}) × "
        f"{power(exponent)} Mx/h"
    )
    if np.isfinite(trend.percent):
        percent_low, percent_high = trend.percent_interval
        words += f"<br>{trend.percent:+.2f} ({percent_low:+.2f} to {percent_high:+.2f}) % per hour"
    return f"{words}<br>p = {trend.p:.2g}, {trend.n} hours"


def note_simulated(figure: go.Figure, simulated: bool, *, top: bool = False) -> None:
    """Note it inside the axes at the right: above them the legend takes the whole width."""
    if simulated:
        figure.add_annotation(
            text="simulated data", name="simulated", xref="paper", yref="paper", x=1, y=float(top),
            xanchor="right", yanchor="top" if top else "bottom", showarrow=False,
            font={"size": style.FONT_SIZE - 1, "color": style.INTERPOLATED},
        )  # fmt: skip

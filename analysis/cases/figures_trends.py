"""Fluxes of one window with the lines of their trends."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from astropy import units as u

from analysis import figure_style as style
from analysis.figures_axes import fixed_margins, hours_axis, largest_exponent, power
from analysis.figures_passage import legend
from analysis.figures_trends_style import (
    COLOURS,
    MASK_NAMES,
    SYMBOLS,
    SYSTEMATIC,
    note_simulated,
    trend_words,
)
from analysis.systematics import QUANTITIES, FluxName, Systematics
from analysis.trends import Trend
from analysis.trends_fluxes import MASKS, MaskKind

__all__ = ["trend_history"]

_RATE = u.Mx / u.h


def trend_history(
    found: Systematics,
    *,
    mask: MaskKind = "moving",
    dark: bool = False,
    simulated: bool = False,
    height: int = 320,
) -> go.Figure:
    """Draw the fluxes of a window with their Theil–Sen lines.

    Parameters
    ----------
    found : Systematics
    mask : str
        One of `MASKS`.
    dark, simulated : bool
    height : int
        Pixels.

    Returns
    -------
    Figure
        Unsigned, positive and negative flux (by magnitude) as observed, at the least threshold,
        with their formal error, which for one polarity is at most that of the unsigned flux;
        lines through the median point; for the unsigned flux the 95 % interval of the slope and,
        in grey (systematics), its least and largest value over thresholds and μ correction.
        Fluxes that are not known (NaN) are left out, and where none is, a note says so. Made for
        the margins `figures_axes.MARGIN`.

    Raises
    ------
    ValueError
        No such mask.
    """
    m = _index(mask)
    hours = found.fluxes.hours - found.fluxes.hours[-1]
    values = {name: getattr(found.fluxes, name)[:, m] for name in QUANTITIES}
    exponent = largest_exponent(np.concatenate([array.ravel() for array in values.values()]))
    scale = 10.0**exponent
    error = found.fluxes.error[:, m, 0, 0] / scale
    figure = go.Figure()
    every = pd.DataFrame(values["unsigned"].reshape(hours.size, -1) / scale)
    figure.add_trace(_area(hours, every.min(axis=1), every.max(axis=1), SYSTEMATIC, "systematics"))
    for name in QUANTITIES:
        flux = values[name][:, 0, 0] / scale
        trend = found.trend(mask, name, found.fluxes.thresholds[0])
        known = np.isfinite(flux)
        if not known.any():
            continue
        if name == "unsigned" and np.isfinite(trend.slope):
            ends = [_line(hours, flux, slope) for slope in trend.interval.to_value(_RATE) / scale]
            band = _area(
                hours, np.minimum(*ends), np.maximum(*ends), "rgba(124,92,255,0.20)", "95 %"
            )
            figure.add_trace(band)
        if np.isfinite(trend.slope):
            figure.add_trace(
                go.Scatter(
                    x=hours,
                    y=_line(hours, flux, trend.slope.to_value(_RATE) / scale),
                    mode="lines",
                    line={"color": COLOURS[name], "width": 2},
                    legendgroup=name,
                    name=f"{SYMBOLS[name]} line",
                    showlegend=False,
                    hoverinfo="skip",
                )
            )
        figure.add_trace(_points(hours, flux, error, name, trend, found.interpolated, exponent))
    style.apply_style(
        figure,
        dark=dark,
        uirevision=f"trend history {mask}",
        height=height,
        showlegend=True,
        legend={**legend(), "font": {"size": style.FONT_SIZE - 1}},
    )
    note_simulated(figure, simulated)
    if not np.isfinite(values["unsigned"]).any():
        _note(figure, f"{MASK_NAMES[mask]}: not known, the patches differ in shape")
    figure.update_xaxes(title_text="hour of the sequence (h)", tickangle=0, **hours_axis())
    figure.update_yaxes(
        title_text=f"{'total' if mask == 'patch' else 'PIL'} flux ({power(exponent)} Mx)",
        rangemode="tozero",
    )
    return fixed_margins(figure)


def _index(mask: MaskKind) -> int:
    if mask not in MASKS:
        raise ValueError(f"mask must be one of {MASKS}, got {mask!r}")
    return MASKS.index(mask)


def _line(hours: np.ndarray, flux: np.ndarray, slope: float) -> np.ndarray:
    """Line of a slope through the median point of what is known."""
    known = np.isfinite(flux)
    middle = float(np.median(flux[known]))
    return np.asarray(middle + slope * (hours - np.median(hours[known])))


def _area(
    x: np.ndarray, low: np.ndarray | pd.Series, high: np.ndarray | pd.Series, fill: str, name: str
) -> go.Scatter:
    """Area between two lines, of the places where both are known."""
    known = np.isfinite(low) & np.isfinite(high)
    x, low, high = x[known], np.asarray(low)[known], np.asarray(high)[known]
    return go.Scatter(
        x=[*x, *x[::-1]],
        y=[*high, *low[::-1]],
        mode="lines",
        fill="toself",
        fillcolor=fill,
        line={"width": 0},
        name=name,
        hoverinfo="skip",
    )


def _points(
    hours: np.ndarray,
    flux: np.ndarray,
    error: np.ndarray,
    name: FluxName,
    trend: Trend,
    interpolated: np.ndarray,
    exponent: int,
) -> go.Scatter:
    bound = "" if name == "unsigned" else "at most "
    return go.Scatter(
        x=hours,
        y=flux,
        mode="markers",
        name=SYMBOLS[name],
        legendgroup=name,
        error_y={"array": error, "thickness": 1.2, "width": 3},
        marker={
            "size": 7,
            "color": COLOURS[name],
            "symbol": np.where(interpolated, "circle-open", "circle"),
        },
        customdata=np.stack(
            [pd.Series(error).map("{:.2g}".format), np.where(interpolated, ", interpolated", "")],
            axis=1,
        ),
        hovertemplate=(
            f"<b>{SYMBOLS[name]} = %{{y:.3f}} × {power(exponent)} Mx</b>%{{customdata[1]}}<br>"
            f"formal error {bound}%{{customdata[0]}} × {power(exponent)} Mx<br>"
            f"{trend_words(trend)}<extra></extra>"
        ),
    )


def _note(figure: go.Figure, text: str) -> None:
    figure.add_annotation(
        text=text, xref="paper", yref="paper", x=0.5, y=0.5, showarrow=False,
        font={"color": style.UNKNOWN},
    )  # fmt: skip

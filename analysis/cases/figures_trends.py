"""Fluxes of one window with the lines of their trends.

Slopes of one window by mask and polarity, with their intervals and systematics.

Names, colours and words that the figures of trends share.
"""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from astropy import units as u

from analysis.figures import style
from analysis.figures.passage import legend
from analysis.figures.style import fixed_margins, hours_axis, largest_exponent, place_rows, power
from analysis.physics.trends import QUANTITIES, FluxName, Systematics, Trend
from analysis.physics.window_fluxes import MASKS, MaskKind

__all__ = [
    "COLOURS",
    "MASK_NAMES",
    "SYMBOLS",
    "SYSTEMATIC",
    "slope_forest_figure",
    "trend_history_figure",
    "trend_words",
]


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


def trend_history_figure(
    found: Systematics,
    *,
    mask: MaskKind = "moving",
    height: int = 320,
) -> go.Figure:
    """Draw the fluxes of a window with their Theil–Sen lines.

    Parameters
    ----------
    found : Systematics
    mask : str
        One of `MASKS`.
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
        uirevision=f"trend history {mask}",
        height=height,
        showlegend=True,
        legend={**legend(), "font": {"size": style.FONT_SIZE - 1}},
    )
    if found.simulated:
        # Inside the axes: above them the legend takes the whole width.
        style.note_simulated(figure, y=0)
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


def slope_forest_figure(found: Systematics, *, height: int = 360) -> go.Figure:
    """Draw the slopes of a window by mask and polarity.

    Parameters
    ----------
    found : Systematics
    height : int
        Pixels; twelve rows and four headings need 340.

    Returns
    -------
    Figure
        Theil–Sen slopes in % per hour with 95 % intervals, at the least threshold and as
        observed; filled where the flux falls or rises significantly. Behind each, as a wide bar
        (systematics), the slopes' range over thresholds and μ correction. A slope that is not
        known is left out, with a note in its place. Made for the margins `figures_axes.MARGIN`.
    """
    figure = go.Figure()
    style.apply_style(
        figure,
        uirevision="slope forest",
        height=height,
        showlegend=True,
        legend=legend(),
    )
    groups = [(MASK_NAMES[mask], [SYMBOLS[name] for name in QUANTITIES]) for mask in MASKS]
    places = place_rows(figure, groups)
    rows = [
        (mask, name, place)
        for mask, group in zip(MASKS, places, strict=True)
        for name, place in zip(QUANTITIES, group, strict=True)
    ]
    figure.add_trace(_ranges(found, rows))
    for name in QUANTITIES:
        figure.add_trace(
            _slopes(found, name, [(mask, place) for mask, one, place in rows if one == name])
        )
    for mask, name, place in rows:
        if not np.isfinite(_first(found, mask, name).percent):
            figure.add_annotation(
                text="no slope known",
                xref="x domain",
                x=0,
                xshift=14,
                y=place,
                xanchor="left",
                showarrow=False,
                font={"size": style.FONT_SIZE - 2, "color": style.UNKNOWN},
            )
    figure.add_vline(x=0, line={"width": 1})
    if found.simulated:
        style.note_simulated(figure, yanchor="top")
    figure.update_xaxes(title_text="← falls · slope (% per hour) · rises →", zeroline=False)
    return fixed_margins(figure)


def _first(found: Systematics, mask: MaskKind, name: FluxName) -> Trend:
    return found.trend(mask, name, found.fluxes.thresholds[0])


def _ranges(found: Systematics, rows: list[tuple[MaskKind, FluxName, float]]) -> go.Scatter:
    x: list[float | None] = []
    y: list[float | None] = []
    for mask, name, place in rows:
        percents = [
            trend.percent
            for (kind, flux, *_), trend in found.trends.items()
            if (kind, flux) == (mask, name) and np.isfinite(trend.percent)
        ]
        if percents:
            x += [min(percents), max(percents), None]
            y += [place, place, None]
    return go.Scatter(
        x=x,
        y=y,
        mode="lines",
        line={"color": SYSTEMATIC, "width": 13},
        name="systematics",
        hovertemplate="thresholds and μ correction: to %{x:+.2f} % per hour<extra></extra>",
    )


def _slopes(found: Systematics, name: FluxName, rows: list[tuple[MaskKind, float]]) -> go.Scatter:
    drawn = [
        (trend, place, mask)
        for mask, place in rows
        if np.isfinite((trend := _first(found, mask, name)).percent)
    ]
    trends = [trend for trend, _, _ in drawn]
    return go.Scatter(
        x=[trend.percent for trend in trends],
        y=[place for _, place, _ in drawn],
        mode="markers",
        name=SYMBOLS[name],
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [trend.percent_interval[1] - trend.percent for trend in trends],
            "arrayminus": [trend.percent - trend.percent_interval[0] for trend in trends],
            "thickness": 1.6,
            "width": 3,
        },
        marker={
            "size": 8,
            "color": COLOURS[name],
            "symbol": [
                "circle" if trend.falls or trend.rises else "circle-open" for trend in trends
            ],
            "line": {"width": 2, "color": COLOURS[name]},
        },
        text=[
            f"<b>{SYMBOLS[name]}, {MASK_NAMES[mask]}</b><br>{trend_words(t)}"
            for t, _, mask in drawn
        ],
        hovertemplate="%{text}<extra></extra>",
    )

"""Trends of one window: its fluxes with their lines, and slopes by mask and polarity."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis.figures import style
from analysis.figures.style import band, fixed_margins, largest_exponent, number, power
from analysis.physics.trends import QUANTITIES, RATE, FluxName, Systematics, Trend
from analysis.physics.window_fluxes import MASKS, MaskKind

__all__ = ["slope_forest_figure", "trend_history_figure"]

_MASK_NAMES: dict[MaskKind, str] = {
    "moving": "moving RoPI",
    "union": "fixed: union",
    "last": "fixed: last frame",
    "patch": "whole patch",
}
_SYMBOLS: dict[FluxName, str] = {"unsigned": "Φ", "positive": "Φ+", "negative": "Φ−"}
_COLOURS: dict[FluxName, str] = {
    "unsigned": "#7c5cff",
    "positive": "#e4738c",
    "negative": "#3fa08f",
}
"""Blue and orange stay with eruptive and confined."""
_SYSTEMATIC = "rgba(140,143,153,0.28)"


def trend_history_figure(
    found: Systematics, *, mask: MaskKind = "moving", height: int = 320
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
        Unsigned, positive and negative flux (by magnitude) as observed, at the lowest threshold,
        with their formal error, which for one polarity is at most that of the unsigned flux;
        lines through the median point; for the unsigned flux the 95 % interval of the slope and,
        in grey (systematics), its smallest and largest value over thresholds and μ correction.
        Fluxes that are not known (NaN) are left out; where none is known there is a note. Made
        for the margins `style.MARGIN`.

    Raises
    ------
    ValueError
        No such mask.
    """
    if mask not in MASKS:
        raise ValueError(f"mask must be one of {MASKS}, got {mask!r}")
    m = MASKS.index(mask)
    hours = found.fluxes.hours - found.fluxes.hours[-1]
    values = {name: getattr(found.fluxes, name)[:, m] for name in QUANTITIES}
    exponent = largest_exponent(np.concatenate([array.ravel() for array in values.values()]))
    scale = 10.0**exponent
    # pandas: an hour without any number is NaN without a warning.
    every = pd.DataFrame(values["unsigned"].reshape(hours.size, -1) / scale)
    low, high = every.min(axis=1).to_numpy(), every.max(axis=1).to_numpy()
    traces = [band(hours, low, high, _SYSTEMATIC, "systematics")]
    for name in QUANTITIES:
        flux = values[name][:, 0, 0] / scale
        trend = found.trend(mask, name)
        if not np.isfinite(flux).any():
            continue
        if name == "unsigned" and np.isfinite(trend.slope):
            ends = [_line(hours, flux, slope) for slope in trend.interval.to_value(RATE) / scale]
            low, high = np.minimum(*ends), np.maximum(*ends)
            traces.append(band(hours, low, high, "rgba(124,92,255,0.20)", "95 %"))
        if np.isfinite(trend.slope):
            y = _line(hours, flux, trend.slope.to_value(RATE) / scale)
            look: dict[str, Any] = {"legendgroup": name, "showlegend": False}
            traces.append(style.line(f"{_SYMBOLS[name]} line", hours, y, _COLOURS[name], 2, **look))
        error = found.fluxes.error[:, m, 0, 0] / scale
        traces.append(_points(hours, flux, error, name, trend, found.interpolated, exponent))
    figure = style.house_figure(
        traces,
        uirevision=f"trend history {mask}",
        height=height,
        legend={"font": {"size": style.SMALL}},
        xaxis={"title_text": style.HOUR_TITLE, "tickangle": 0, **style.hours_axis()},
        yaxis={
            "title_text": f"{'total' if mask == 'patch' else 'PIL'} flux ({power(exponent)} Mx)",
            "rangemode": "tozero",
        },
    )
    if found.simulated:
        # Inside the axes: above them the legend takes the whole width.
        style.note_simulated(figure, y=0)
    if not np.isfinite(values["unsigned"]).any():
        text = f"{_MASK_NAMES[mask]}: not known, no common grid"
        style.write(figure, text, x=0.5, y=0.5, font={"color": style.UNKNOWN, "size": 13})
    return fixed_margins(figure)


def slope_forest_figure(found: Systematics) -> go.Figure:
    """Draw the slopes of a window by mask and polarity.

    Returns
    -------
    Figure
        Theil–Sen slopes in % per hour with 95 % intervals, at the lowest threshold and as
        observed; filled where the flux falls or rises significantly. Behind each, as a wide bar
        (systematics), the slopes' range over thresholds and μ correction. A slope that is not
        known is left out, with a note in its place. Made for the margins `style.MARGIN`.
    """
    figure = style.house_figure(
        uirevision="slope forest",
        height=360,  # twelve rows and four headings need 340
        xaxis={"title_text": "← falls · slope (% per hour) · rises →"},
    )
    groups = [(_MASK_NAMES[mask], [_SYMBOLS[name] for name in QUANTITIES]) for mask in MASKS]
    places = np.concatenate(style.place_rows(figure, groups))
    kinds = [(mask, name) for mask in MASKS for name in QUANTITIES]
    rows = pd.DataFrame(kinds, columns=["mask", "name"]).assign(place=places)
    rows["trend"] = pd.Series([found.trend(mask, name) for mask, name in kinds])
    figure.add_trace(_ranges(found, rows))
    known = np.isfinite([trend.percent for trend in rows["trend"]])
    for name in QUANTITIES:
        figure.add_trace(_slopes(name, rows[known & (rows["name"] == name)]))
    for place in rows["place"][~known]:
        style.note_row(figure, "no slope known", place)
    figure.add_vline(x=0, line_width=1)
    if found.simulated:
        style.note_simulated(figure, yanchor="top")
    return fixed_margins(figure)


def _line(hours: np.ndarray, flux: np.ndarray, slope: float) -> np.ndarray:
    """Line of a slope through the median point of what is known."""
    known = np.isfinite(flux)
    middle = float(np.median(flux[known]))
    return np.asarray(middle + slope * (hours - np.median(hours[known])))


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
    errors = [number(one, ".2g") for one in error]
    return go.Scatter(
        x=hours,
        y=flux,
        mode="markers",
        name=_SYMBOLS[name],
        legendgroup=name,
        error_y={"array": error, "thickness": 1.2, "width": 3},
        marker={
            "size": 7,
            "color": _COLOURS[name],
            "symbol": np.where(interpolated, "circle-open", "circle"),
        },
        customdata=np.stack([errors, np.where(interpolated, ", interpolated", "")], axis=1),
        hovertemplate=(
            f"<b>{_SYMBOLS[name]} = %{{y:.3f}} × {power(exponent)} Mx</b>%{{customdata[1]}}<br>"
            f"formal error {bound}%{{customdata[0]}} × {power(exponent)} Mx<br>"
            f"{_trend_words(trend)}<extra></extra>"
        ),
    )


def _ranges(found: Systematics, rows: pd.DataFrame) -> go.Scatter:
    ends: list[Any] = []
    for row in rows.itertuples():
        percents = [
            trend.percent
            for (mask, name, *_), trend in found.trends.items()
            if (mask, name) == (row.mask, row.name) and np.isfinite(trend.percent)
        ]
        if percents:
            ends += [(min(percents), row.place), (max(percents), row.place), (None, None)]
    return go.Scatter(
        x=[x for x, _ in ends],
        y=[y for _, y in ends],
        mode="lines",
        line={"color": _SYSTEMATIC, "width": 13},
        name="systematics",
        text=["" if x is None else number(x, "+.2f") for x, _ in ends],
        hovertemplate="thresholds and μ correction: to %{text} % per hour<extra></extra>",
    )


def _slopes(name: FluxName, rows: pd.DataFrame) -> go.Scatter:
    trends = list(rows["trend"])
    return style.estimates(
        _SYMBOLS[name],
        [trend.percent for trend in trends],
        [trend.percent_interval for trend in trends],
        rows["place"],
        filled=[trend.falls or trend.rises for trend in trends],
        colour=_COLOURS[name],
        texts=[
            f"<b>{_SYMBOLS[name]}, {_MASK_NAMES[mask]}</b><br>{_trend_words(trend)}"
            for mask, trend in zip(rows["mask"], trends, strict=True)
        ],
        size=8,
        thickness=1.6,
        width=3,
    )


def _trend_words(trend: Trend) -> str:
    """Slope in both units, with its interval and p."""
    if not np.isfinite(trend.slope):
        return "no slope known"
    slopes = [trend.slope.to_value(RATE), *trend.interval.to_value(RATE)]
    exponent = largest_exponent(slopes, default=19)
    slope, low, high = (number(value / 10.0**exponent, "+.2f") for value in slopes)
    words = f"slope {slope} ({low} to {high}) × {power(exponent)} Mx/h"
    if np.isfinite(trend.percent):
        ends = (trend.percent, *trend.percent_interval)
        percent, low, high = (number(value, "+.2f") for value in ends)
        words += f"<br>{percent} ({low} to {high}) % per hour"
    return f"{words}<br>p = {number(trend.p, '.2g')}, {trend.n} hours"

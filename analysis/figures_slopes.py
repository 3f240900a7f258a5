"""Slopes of one window by mask and polarity, with their intervals and systematics."""

import numpy as np
import plotly.graph_objects as go

from analysis import figure_style as style
from analysis.figures_axes import fixed_margins, place_rows
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

__all__ = ["slope_forest"]


def slope_forest(
    found: Systematics, *, dark: bool = False, simulated: bool = False, height: int = 360
) -> go.Figure:
    """Draw the slopes of a window by mask and polarity.

    Parameters
    ----------
    found : Systematics
    dark, simulated : bool
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
        dark=dark,
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
    figure.add_vline(x=0, line={"color": style.foreground(dark=dark), "width": 1})
    note_simulated(figure, simulated, top=True)
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

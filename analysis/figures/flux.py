"""Magnetic flux from hour to hour: the bars of one sequence, the line of a passage."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from astropy.time import Time

from analysis.figures import style
from analysis.figures.passage import legend, mark_times, style_passage, with_gaps
from analysis.figures.style import largest_exponent, power
from hnn_core.regions.base import Flare

__all__ = ["FLUX_TITLES", "flux_bars_figure", "flux_history_figure", "legend_square"]

FLUX_TITLES = {
    "total_unsigned_flux_mx": "total unsigned flux",
    "positive_flux_mx": "total positive flux",
    "negative_flux_mx": "total negative flux",
    "pil_unsigned_flux_mx": "PIL unsigned flux",
    "pil_positive_flux_mx": "PIL positive flux",
    "pil_negative_flux_mx": "PIL negative flux",
}
"""Columns of `analysis.physics.flux.history` that can be drawn, and what they are called."""

_ERRORS = {
    column: "pil_flux_error_mx" if column.startswith("pil_") else "total_flux_error_mx"
    for column in FLUX_TITLES
}
_LINES = ("#4c9be8", "#e4738c", "#59b38c", "#b58ae0", "#d1a33c", "#8c8f99")


def flux_bars_figure(
    history: pd.DataFrame,
    *,
    column: str,
    positive: bool,
    height: int = 300,
) -> go.Figure:
    """Draw the flux of the frames of one sequence as bars, as the paper's Figures 6 and 7.

    Parameters
    ----------
    history : DataFrame
        Rows of `analysis.physics.flux.history` for the frames t−9 … t, in order of time.
    column : str
        One of `FLUX_TITLES`; drawn by its magnitude.
    positive : bool
        The prediction for t: bars are blue when it is eruptive, orange when confined.
    height : int
        Pixels.

    Returns
    -------
    Figure
        One bar a frame, the axis from 0, interpolated frames hatched.

    Raises
    ------
    ValueError
        If the column is unknown or there is no row.
    """
    flux, exponent = _scaled(history, [column])
    error = (history[_ERRORS[column]] / 10.0**exponent).map("{:.2g}".format)
    interpolated = history["interpolated"].to_numpy(dtype=bool)
    hours = _hours_before_last(history)
    colour = style.ERUPTIVE if positive else style.CONFINED
    figure = go.Figure(
        go.Bar(
            x=hours,
            y=flux[column],
            marker={
                "color": colour,
                "line": {"color": colour, "width": np.where(interpolated, 1.5, 0.0)},
                "pattern": {
                    "shape": ["/" if filled else "" for filled in interpolated],
                    "fillmode": "replace",
                    "size": 7,
                },
            },
            customdata=np.stack(
                [
                    error,
                    [f"{time:%Y-%m-%d %H:%M} TAI" for time in history["t_rec_tai"]],
                    np.where(interpolated, "<br>interpolated", ""),
                ],
                axis=1,
            ),
            hovertemplate=(
                f"<b>(%{{y:.3f}} ± %{{customdata[0]}}) × {power(exponent)} Mx</b><br>"
                "%{customdata[1]}%{customdata[2]}<extra></extra>"
            ),
            showlegend=False,
        )
    )
    for label, shape in (("eruptive", style.ERUPTIVE), ("confined", style.CONFINED)):
        if (label == "eruptive") == positive:
            figure.add_trace(legend_square(f"predicted {label}", shape, ""))
    if interpolated.any():
        figure.add_trace(legend_square("interpolated", colour, "/"))
    style.apply_style(
        figure,
        uirevision=f"bars {column}",
        height=height,
        bargap=0.18,
        showlegend=True,
        legend=legend(),
    )
    figure.update_layout(margin={"t": 40})
    figure.update_xaxes(title_text="hour of the sequence (h)", type="category", showgrid=False)
    figure.update_yaxes(title_text=_flux_title(column, exponent), rangemode="tozero")
    return figure


def flux_history_figure(
    history: pd.DataFrame,
    *,
    columns: Sequence[str] = ("pil_unsigned_flux_mx",),
    current: Time | None = None,
    window: tuple[Time, Time] | None = None,
    flares: Sequence[Flare] = (),
    height: int = 300,
) -> go.Figure:
    """Draw fluxes over a whole disk passage.

    Parameters
    ----------
    history : DataFrame
        Rows of `analysis.physics.flux.history`, in order of time.
    columns : sequence of str
        Some of `FLUX_TITLES`, on one axis; negative fluxes by their magnitude.
    current : Time, optional
        The hour shown on the page, marked by a line.
    window : (Time, Time), optional
        First and last hour of the sequence, shaded.
    flares : sequence of Flare
        Marked at their peak, moved from UTC to TAI; coloured by their CME association.
    height : int
        Pixels.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If a column is unknown or there is no row.
    """
    history = with_gaps(history, "t_rec_tai")
    flux, exponent = _scaled(history, columns)
    times = history["t_rec_tai"]
    interpolated = history["interpolated"].eq(True).to_numpy()
    figure = go.Figure()
    for colour, column in zip(_LINES, columns, strict=False):
        error = (history[_ERRORS[column]] / 10.0**exponent).map("{:.2g}".format)
        figure.add_trace(
            go.Scatter(
                x=times,
                y=flux[column],
                customdata=np.stack([error, np.where(interpolated, ", interpolated", "")], axis=1),
                mode="lines+markers",
                name=FLUX_TITLES[column],
                line={"color": colour, "width": 2},
                marker={
                    "size": 5,
                    "symbol": np.where(interpolated, "circle-open", "circle"),
                },
                hovertemplate=(
                    f"(%{{y:.3f}} ± %{{customdata[0]}}) × {power(exponent)} Mx"
                    f"%{{customdata[1]}}<extra>{FLUX_TITLES[column]}</extra>"
                ),
            )
        )
    mark_times(figure, times, current, window, flares)
    style_passage(figure, f"history {' '.join(columns)}", height)
    name = columns[0] if len(columns) == 1 else "flux"
    figure.update_yaxes(title_text=_flux_title(name, exponent), rangemode="tozero")
    return figure


def _scaled(history: pd.DataFrame, columns: Sequence[str]) -> tuple[dict[str, np.ndarray], int]:
    """Magnitudes in units of a power of ten that suits the largest, and its exponent."""
    if unknown := [column for column in columns if column not in FLUX_TITLES]:
        raise ValueError(f"unknown columns {unknown}: choose from {tuple(FLUX_TITLES)}")
    if history.empty or not columns:
        raise ValueError("no flux to draw: the history or the choice of columns is empty")
    flux = {column: history[column].abs().to_numpy() for column in columns}
    exponent = largest_exponent(np.concatenate(list(flux.values())))
    return {column: values / 10.0**exponent for column, values in flux.items()}, exponent


def _flux_title(column: str, exponent: int) -> str:
    return f"{FLUX_TITLES.get(column, column)} ({power(exponent)} Mx)"


def _hours_before_last(history: pd.DataFrame) -> list[str]:
    """Labels t−9 … t."""
    before = (history["t_rec_tai"].iloc[-1] - history["t_rec_tai"]) / pd.Timedelta(hours=1)
    hours = [round(value) for value in before]
    return ["t" if hour == 0 else f"t−{hour}" for hour in hours]


def legend_square(name: str, colour: str, pattern: str) -> go.Bar:
    """Make an entry of the legend that stands for bars of a kind."""
    return go.Bar(
        x=[None],
        y=[None],
        name=name,
        marker={"color": colour, "pattern": {"shape": pattern, "fillmode": "replace"}},
    )

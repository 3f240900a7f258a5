"""Magnetic flux from hour to hour: the bars of one sequence, the line of a passage."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from astropy.time import Time

from analysis.figures import style
from analysis.figures.passage import mark_times, over_passage, with_gaps
from analysis.figures.style import largest_exponent, power
from hnn_core.magnetogram.conventions import both_scales
from hnn_core.regions.base import Flare

__all__ = ["FLUX_TITLES", "flux_bars_figure", "flux_history_figure", "hour_bars", "legend_square"]

FLUX_TITLES = {
    "total_unsigned_flux_mx": "total unsigned flux",
    "positive_flux_mx": "total positive flux",
    "negative_flux_mx": "total negative flux",
    "pil_unsigned_flux_mx": "PIL unsigned flux",
    "pil_positive_flux_mx": "PIL positive flux",
    "pil_negative_flux_mx": "PIL negative flux",
}
"""Columns of `analysis.physics.flux.flux_history` that can be drawn, and what they are called."""

_NOISE_ONLY = "±: noise only"
"""What the formal error holds: threshold and projection matter hundreds of times more."""
_LINES = ("#4c9be8", "#e4738c", "#59b38c", "#b58ae0", "#d1a33c", "#8c8f99")


def flux_bars_figure(
    history: pd.DataFrame, *, column: str, positive: bool, height: int = 300
) -> go.Figure:
    """Draw the flux of the frames of one sequence as bars, as the paper's Figures 6 and 7.

    Parameters
    ----------
    history : DataFrame
        Rows of `analysis.physics.flux.flux_history` for the frames t−9 … t, in order of time.
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
    exponent = _exponent(history, [column])
    colour = style.ERUPTIVE if positive else style.CONFINED
    bars = hour_bars(
        history,
        column,
        exponent,
        # By their place: a record stands for an hour up to 24 minutes away.
        x=[f"t−{before}" if before else "t" for before in reversed(range(len(history)))],
        colour=colour,
        notes=_errors(history, column, exponent),
        hover=f"<b>(%{{y:.3f}} ± %{{customdata[2]}}) × {power(exponent)} Mx</b><br>"
        f"{_NOISE_ONLY}<br>%{{customdata[0]}}%{{customdata[1]}}<extra></extra>",
    )
    squares = [legend_square(f"predicted {'eruptive' if positive else 'confined'}", colour, "")]
    if history["interpolated"].any():
        squares.append(legend_square("interpolated", colour, "/"))
    return style.house_figure(
        [bars, *squares],
        uirevision=f"bars {column}",
        height=height,
        bargap=0.18,
        meta={"hours": list(history["t_rec_tai"].dt.strftime("%Y-%m-%dT%H:%M")), "shift": 0},
        xaxis={"title_text": style.HOUR_TITLE, "type": "category", "showgrid": False},
        yaxis={"title_text": _flux_title(column, exponent), "rangemode": "tozero"},
    )


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
        Rows of `analysis.physics.flux.flux_history`, in order of time.
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

    Raises
    ------
    ValueError
        If a column is unknown or there is no row.
    """
    history = with_gaps(history, "t_rec_tai")
    exponent = _exponent(history, columns)
    interpolated = history["interpolated"].eq(True).to_numpy()
    figure = over_passage(f"history {' '.join(columns)}", height)
    for colour, column in zip(_LINES, columns, strict=False):
        errors = _errors(history, column, exponent).to_numpy()
        figure.add_trace(
            go.Scatter(
                x=history["t_rec_tai"],
                y=history[column].abs().to_numpy() / 10.0**exponent,
                customdata=np.stack([errors, np.where(interpolated, ", interpolated", "")], axis=1),
                mode="lines+markers",
                name=FLUX_TITLES[column],
                line={"color": colour, "width": 2},
                marker={"size": 5, "symbol": np.where(interpolated, "circle-open", "circle")},
                hovertemplate=(
                    f"(%{{y:.3f}} ± %{{customdata[0]}}) × {power(exponent)} Mx, {_NOISE_ONLY}"
                    f"%{{customdata[1]}}<extra>{FLUX_TITLES[column]}</extra>"
                ),
            )
        )
    mark_times(figure, history["t_rec_tai"], current, window, flares)
    name = columns[0] if len(columns) == 1 else "flux"
    return figure.update_yaxes(title_text=_flux_title(name, exponent), rangemode="tozero")


def hour_bars(
    history: pd.DataFrame,
    column: str,
    exponent: int,
    *,
    x: Any,
    colour: str,
    notes: Sequence[str] | pd.Series,
    hover: str,
    hatch: int = 7,
) -> go.Bar:
    """Return bars of the flux of hours, interpolated ones hatched.

    Parameters
    ----------
    history, column
        As in `flux_bars_figure`; drawn in units of ten to the `exponent`.
    x, notes : sequence
        Place of each bar, and text for `hover`.
    colour : str
    hover : str
        Template in which ``customdata`` holds time, "<br>interpolated" or nothing, and the note.
    hatch : int
        Distance of the hatching, pixels.
    """
    interpolated = history["interpolated"].to_numpy(dtype=bool)
    times = [both_scales(Time(stamp, scale="tai")) for stamp in history["t_rec_tai"]]
    return go.Bar(
        x=x,
        y=history[column].abs().to_numpy() / 10.0**exponent,
        marker={
            "color": colour,
            "line": {"color": colour, "width": np.where(interpolated, 1.5, 0.0)},
            "pattern": {
                "shape": np.where(interpolated, "/", ""),
                "fillmode": "replace",
                "size": hatch,
            },
        },
        customdata=np.stack([times, np.where(interpolated, "<br>interpolated", ""), notes], axis=1),
        hovertemplate=hover,
        showlegend=False,
    )


def legend_square(name: str, colour: str, pattern: str) -> go.Bar:
    """Make an entry of the legend that stands for bars of a kind."""
    marker = {"color": colour, "pattern": {"shape": pattern, "fillmode": "replace"}}
    return go.Bar(x=[None], y=[None], name=name, marker=marker)


def _exponent(history: pd.DataFrame, columns: Sequence[str]) -> int:
    """Power of ten that suits the largest of the fluxes."""
    if unknown := [column for column in columns if column not in FLUX_TITLES]:
        raise ValueError(f"unknown columns {unknown}: choose from {tuple(FLUX_TITLES)}")
    if history.empty or not columns:
        raise ValueError("no flux to draw: the history or the choice of columns is empty")
    return largest_exponent(history[list(columns)].to_numpy(np.float64).ravel())


def _errors(history: pd.DataFrame, column: str, exponent: int) -> pd.Series:
    error = "pil_flux_error_mx" if column.startswith("pil_") else "total_flux_error_mx"
    return (history[error] / 10.0**exponent).map(lambda value: style.number(value, ".2g"))


def _flux_title(column: str, exponent: int) -> str:
    return f"{FLUX_TITLES.get(column, column)} ({power(exponent)} Mx)"

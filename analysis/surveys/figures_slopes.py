"""Slopes of many windows by what happened, and how far the classes are apart."""

from collections.abc import Hashable, Mapping
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis.figures import style
from analysis.figures.style import fixed_margins, largest_exponent, number, power
from analysis.surveys.compare import QUANTITIES, quantity_name
from analysis.surveys.survey import OUTCOMES
from hnn_core.live.reporting import counted

__all__ = ["effect_sizes_figure", "slope_distributions_figure"]

_COLOURS: dict[str, str] = {
    "eruptive": style.ERUPTIVE,
    "confined": style.CONFINED,
    **dict.fromkeys(OUTCOMES[2:], style.UNKNOWN),
}


def slope_distributions_figure(table: pd.DataFrame, column: str) -> go.Figure:
    """Draw how the slopes of windows are distributed, by what happened within 24 h.

    Parameters
    ----------
    table : DataFrame
        Of `analysis.surveys.survey.survey`, one threshold.
    column : str
        One of `analysis.surveys.compare.QUANTITIES`. Windows without a finite number there are
        left out.

    Returns
    -------
    Figure
        For each class a violin of the windows, a point for each region's mean (regions are the
        units of chance), and a line at the median of these, which is what is compared. Counts
        stand in the labels. Made for the margins `style.MARGIN`.

    Raises
    ------
    ValueError
        If there is no such column to draw.
    """
    if column not in QUANTITIES:
        raise ValueError(f"unknown column {column!r}: choose from {tuple(QUANTITIES)}")
    rows = table[np.isfinite(table[column].to_numpy(np.float64))]
    unit, scale = _unit(column, rows[column])
    classes = [name for name in _COLOURS if (rows["outcome"] == name).any()]
    traces, labels = [], []
    for place, name in enumerate(classes):
        windows = rows[rows["outcome"] == name]
        means = windows.groupby("region")[column].agg(["mean", "size"])
        means["mean"] /= scale
        labels.append(
            f"{name}<br>{counted(len(windows), 'window')}<br>{counted(len(means), 'region')}"
        )
        traces += [
            _violin(windows[column].to_numpy() / scale, place, name),
            _regions(means, place, name, unit),
            _median(float(means["mean"].median()), place, unit),
        ]
    figure = style.house_figure(
        traces,
        uirevision=f"slopes {column}",
        height=300,
        showlegend=False,
        violingap=0,
        xaxis=style.places_axis(labels) | {"fixedrange": True},
        yaxis={"title_text": f"slope ({unit})"},
    )
    figure.add_hline(y=0, line={"width": 1, "dash": "dot"})
    title = quantity_name(column)
    style.write(figure, title, x=0.0, y=1.0, xanchor="left", yanchor="bottom", yshift=2)
    if not classes:
        style.write(figure, "no window with a slope", x=0.5, y=0.5, xanchor="center", yshift=2)
    if "simulated" in table and table["simulated"].any():
        style.note_simulated(figure)
    return fixed_margins(figure)


def effect_sizes_figure(comparisons: pd.DataFrame) -> go.Figure:
    """Draw Cliff's delta of each compared quantity with its 95 % interval.

    Parameters
    ----------
    comparisons : DataFrame
        Of `analysis.surveys.compare.compare_columns`.

    Returns
    -------
    Figure
        From −1 (every eruptive region below every confined one) to 1; filled where the false
        discovery rate `q` is at most 0.05. Made for the margins `style.MARGIN`.
    """
    figure = style.house_figure(
        uirevision="effect sizes",
        height=300,
        showlegend=False,
        xaxis={
            "title_text": "← eruptive lower · Cliff's δ · eruptive higher →",
            "range": [-1.05, 1.05],
        },
    )
    names = [QUANTITIES.get(column, column) for column in comparisons["column"]]
    places = style.place_rows(figure, [(name, [""]) for name in names])
    figure.add_trace(
        style.estimates(
            "Cliff's δ",
            comparisons["cliffs_delta"].to_numpy(np.float64),
            comparisons["cliffs_interval"],
            [place for (place,) in places],
            filled=comparisons["q"] <= 0.05,
            colour="#7c5cff",
            texts=[_compared(row) for row in comparisons.to_dict("records")],
        )
    )
    figure.add_vline(x=0, line_width=1)
    figure.update_yaxes(showticklabels=False)
    return fixed_margins(figure)


def _unit(column: str, values: pd.Series) -> tuple[str, float]:
    """Words of the unit, and what a value is divided by."""
    if column.endswith("percent_per_h"):
        return "% per hour", 1.0
    exponent = largest_exponent(values, default=19)
    return f"{power(exponent)} Mx/h", 10.0**exponent


def _compared(row: Mapping[Hashable, Any]) -> str:
    """Words for hovering over one row of `compare_columns`."""
    delta, low, high = (
        number(value, "+.2f") for value in (row["cliffs_delta"], *row["cliffs_interval"])
    )
    eruptive, confined = row["n_regions"]
    return (
        f"<b>{QUANTITIES.get(row['column'], row['column'])}</b><br>"
        f"δ = {delta} ({low} to {high})<br>"
        f"p = {number(row['median_p'], '.2g')}, q = {number(row['q'], '.2g')}<br>"
        f"{eruptive} eruptive, {confined} confined regions"
    )


def _violin(values: np.ndarray, place: int, name: str) -> go.Violin:
    return go.Violin(
        x=np.full(values.size, place),
        y=values,
        name=name,
        width=0.8,
        points=False,
        line={"color": _COLOURS[name], "width": 1.5},
        opacity=0.65,
        spanmode="hard",
        box={"visible": True, "width": 0.12},
        hoverinfo="skip",
    )


def _regions(means: pd.DataFrame, place: int, name: str, unit: str) -> go.Scatter:
    # Side by side by the golden ratio: spread evenly however many there are, and always alike.
    aside = (np.arange(len(means)) * 0.618034 % 1.0 - 0.5) * 0.42
    return go.Scatter(
        x=place + aside,
        y=means["mean"],
        mode="markers",
        name=f"{name}, regions",
        marker={"size": 7, "color": _COLOURS[name], "line": {"width": 1}},
        customdata=[
            [escape(str(region), quote=False), number(mean, "+.3g"), counted(size, "window")]
            for region, mean, size in zip(means.index, means["mean"], means["size"], strict=True)
        ],
        hovertemplate=(
            f"<b>%{{customdata[0]}}</b><br>mean %{{customdata[1]}} {unit} of %{{customdata[2]}}"
            "<extra></extra>"
        ),
    )


def _median(value: float, place: int, unit: str) -> go.Scatter:
    return go.Scatter(
        x=[place - 0.3, place + 0.3],
        y=[value, value],
        mode="lines",
        name="median of regions",
        line={"width": 3},
        hovertemplate=f"median of regions {number(value, '+.3g')} {unit}<extra></extra>",
    )

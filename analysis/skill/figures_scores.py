"""Scores as bars: of one test set, as the paper's Figure 4, and over folds, as its Figure 8."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis.figures import style
from analysis.skill.forecasts import FORECASTS
from analysis.skill.scores import SCORE_NAMES, with_error, with_interval

__all__ = ["COLOURS", "fold_bars_figure", "room_for_legend", "score_bars_figure", "top_legend"]

COLOURS = {
    "hnn": "#7c5cff",
    "vit": "#17a398",
    "climatology": style.UNKNOWN,
    "flux": "#d1a33c",
}
"""Of each forecast. Blue and orange stay with eruptive and confined."""

_FILL = 0.82
"""Part of the axis between two scores that their bars fill."""


def score_bars_figure(
    table: pd.DataFrame, *, paper: Mapping[str, float] | None = None
) -> go.Figure:
    """Draw the five scores of every forecast with their 95 % intervals.

    Parameters
    ----------
    table : DataFrame
        Of `analysis.skill.scores.score_table`.
    paper : mapping, optional
        The paper's TSS of ``hnn`` and ``vit``, drawn as diamonds over those bars.

    Returns
    -------
    Figure
        An undefined score has no bar but the word, and its reason under the pointer.
    """
    numbers = table[["value", "low", "high"]].to_numpy(dtype=float)
    words = ["{}<br>95 %: {}".format(*with_interval(*row)) for row in numbers]
    title = "score (error bar: 95 % interval)"
    return _figure(_bars(table.assign(words=words), paper), np.nanmin(numbers), title)


def fold_bars_figure(table: pd.DataFrame, *, paper: Mapping[str, float] | None = None) -> go.Figure:
    """Draw the mean of the five scores over folds, with its standard error and the folds.

    Parameters
    ----------
    table : DataFrame
        Of `analysis.skill.scores.fold_table`.
    paper
        As in `score_bars_figure`; the paper's TSS is that of its single split.

    Returns
    -------
    Figure
        One dot a fold in front of its bar.
    """
    numbers = table[["mean", "standard_error"]].to_numpy(dtype=float)
    mean, error = numbers.T
    words = [" ".join(with_error(*row)) for row in numbers]
    table = table.assign(value=mean, low=mean - error, high=mean + error, words=words)
    traces = _bars(table, paper)
    names = list(table["forecast"].unique())
    for name, own in table.groupby("forecast", sort=False):
        places = _places(names, str(name))
        folds = pd.Series(own["folds"].to_list(), index=places).explode()
        traces.append(
            go.Scatter(
                x=folds.index,
                y=folds.astype(float),
                mode="markers",
                name=f"{FORECASTS[str(name)]}, folds",
                # A dot that is all rim, which has the colour of the text.
                marker={"size": 2.5, "color": style.CLEAR, "line": {"width": 2.5}, "opacity": 0.55},
                hovertemplate="%{text}<extra>one fold</extra>",
                text=[style.number(value, ".3f") for value in folds],
                showlegend=False,
            )
        )
    lowest = np.nanmin(table["folds"].explode().astype(float))
    return _figure(traces, lowest, "mean over folds (error bar: std/√n)")


def top_legend() -> dict[str, Any]:
    """Return a legend in rows at the top inside the axes, where `room_for_legend` leaves room.

    Above the axes a page may have room for one row only.
    """
    return {"yanchor": "top", "bgcolor": style.CLEAR, "font": {"size": style.SMALL}}


def room_for_legend(low: float) -> dict[str, Any]:
    """Return the axis of a score that is `low` at least: its ticks end at 1, its range above."""
    ticks = [tick / 5 for tick in range(-5, 6) if tick / 5 > low - 0.05]
    return {"range": [low - 0.06, 1.06 + 0.22 * (1.06 - low)], "tickvals": ticks}


def _places(forecasts: Sequence[str], name: str) -> np.ndarray:
    """Where the bars of a forecast stand, (5,); each score has a whole number."""
    aside = list(forecasts).index(name) - (len(forecasts) - 1) / 2
    return np.arange(len(SCORE_NAMES)) + _FILL / len(forecasts) * aside


def _bars(table: pd.DataFrame, paper: Mapping[str, float] | None) -> list[Any]:
    """Bars of ``value`` with errors from ``low`` to ``high``, and ``words`` on hover."""
    traces: list[Any] = []
    names = list(table["forecast"].unique())
    for name in names:
        own = table[table["forecast"] == name]
        at = _places(names, name)
        traces.append(
            go.Bar(
                x=at,
                y=own["value"],
                width=0.94 * _FILL / len(names),
                name=FORECASTS[name],
                marker={"color": COLOURS[name], "line_width": 0},
                error_y=style.error_bars(own["value"], own["low"], own["high"], thickness=1.3),
                customdata=own["words"],
                hovertemplate=f"%{{customdata}}<extra>{FORECASTS[name]}</extra>",
            )
        )
        undefined = own["value"].isna().to_numpy()
        if undefined.any():
            traces.append(_undefined(at[undefined], own[undefined], name))
    return [*traces, _paper_marks(names, paper)] if paper else traces


def _undefined(at: np.ndarray, own: pd.DataFrame, name: str) -> go.Bar:
    """Word in place of a bar: a bar of no height carries it."""
    return go.Bar(
        x=at,
        y=[0.0] * len(own),
        text=["undefined"] * len(own),
        textangle=-90,
        textposition="outside",
        constraintext="none",
        cliponaxis=False,
        textfont={"size": style.FONT_SIZE - 2, "color": COLOURS[name]},
        customdata=own["why"],
        hovertemplate=f"undefined: %{{customdata}}<extra>{FORECASTS[name]}</extra>",
        name=f"{FORECASTS[name]}, undefined",
        showlegend=False,
    )


def _paper_marks(names: list[str], paper: Mapping[str, float]) -> go.Scatter:
    shown = [name for name in paper if name in names]
    tss = list(SCORE_NAMES).index("tss")
    return go.Scatter(
        x=[_places(names, name)[tss] for name in shown],
        y=[paper[name] for name in shown],
        mode="markers",
        name="the paper's TSS",
        marker={
            "symbol": "diamond",
            "size": 11,
            "color": [COLOURS[name] for name in shown],
            "line": {"width": 2},
        },
        customdata=[FORECASTS[name] for name in shown],
        hovertemplate="%{y:.4f}<extra>the paper's %{customdata}</extra>",
    )


def _figure(traces: list[Any], low: float, title: str) -> go.Figure:
    figure = style.house_figure(
        traces,
        uirevision=title,
        height=380,
        barmode="overlay",
        legend=top_legend(),
        xaxis=style.places_axis(list(SCORE_NAMES.values())) | {"fixedrange": True},
        yaxis={"title_text": title, **room_for_legend(min(float(low), 0.0))},
    )
    line = {"color": "rgba(128,136,150,0.9)", "width": 1}
    return figure.add_hline(y=0.0, line=line, layer="below")

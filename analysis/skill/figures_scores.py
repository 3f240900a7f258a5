"""Scores as bars: of one test set, as the paper's Figure 4, and over folds, as its Figure 8.

Colours and legends that the figures of skill share.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis.figures import style
from analysis.skill.forecasts import FORECASTS
from analysis.skill.scores import SCORE_NAMES, with_error, with_interval

__all__ = [
    "BARS_FILL",
    "COLOURS",
    "bar_places",
    "corner_legend",
    "fold_bars_figure",
    "room_for_legend",
    "score_bars_figure",
    "top_legend",
]


COLOURS = {
    "hnn": "#7c5cff",
    "vit": "#17a398",
    "climatology": style.UNKNOWN,
    "flux": "#d1a33c",
}
"""Of each forecast. Blue and orange stay with eruptive and confined."""


BARS_FILL = 0.82
"""Part of the axis between two scores that their bars fill."""


def bar_places(forecasts: Sequence[str], name: str) -> np.ndarray:
    """Return where the bars of a forecast stand, (5,); each score has a whole number."""
    step = BARS_FILL / len(forecasts)
    return np.arange(len(SCORE_NAMES)) + step * (
        list(forecasts).index(name) - (len(forecasts) - 1) / 2
    )


def corner_legend(*, top_left: bool) -> dict[str, Any]:
    """Return a legend inside the axes, in the corner that a good forecast leaves free."""
    return {
        "x": 0.01 if top_left else 0.99,
        "xanchor": "left" if top_left else "right",
        "y": 0.99 if top_left else 0.02,
        "yanchor": "top" if top_left else "bottom",
        "font": {"size": style.FONT_SIZE - 1},
    }


def top_legend() -> dict[str, Any]:
    """Return a legend in rows at the top inside the axes, where `room_for_legend` leaves room.

    Above the axes a page may have room for one row only.
    """
    return {
        "orientation": "h",
        "x": 0.0,
        "xanchor": "left",
        "y": 1.0,
        "yanchor": "top",
        "bgcolor": "rgba(0,0,0,0)",
        "font": {"size": style.FONT_SIZE - 1},
    }


def room_for_legend(low: float) -> dict[str, Any]:
    """Return the axis of a score that is `low` at least: its ticks end at 1, its range above."""
    ticks = [tick / 5 for tick in range(-5, 6) if tick / 5 > low - 0.05]
    return {"range": [low - 0.06, 1.06 + 0.22 * (1.06 - low)], "tickvals": ticks}


def score_bars_figure(
    table: pd.DataFrame,
    *,
    paper: Mapping[str, float] | None = None,
    height: int = 380,
) -> go.Figure:
    """Draw the five scores of every forecast with their 95 % intervals.

    Parameters
    ----------
    table : DataFrame
        Of `skill_scores.score_table`.
    paper : mapping, optional
        The paper's TSS of ``hnn`` and ``vit``, drawn as diamonds over those bars.
    height : int
        Pixels.

    Returns
    -------
    Figure
        An undefined score has no bar but the word, and its reason under the pointer.
    """
    numbers = table[["value", "low", "high"]].to_numpy(dtype=float)
    table = table.assign(
        above=table["high"] - table["value"],
        below=table["value"] - table["low"],
        told=["{}<br>95 %: {}".format(*with_interval(*row)) for row in numbers],
    )
    figure = _bars(table, paper)
    low = float(np.nanmin(numbers))
    title = "score (error bar: 95 % interval)"
    return _styled(figure, low, title, height)


def fold_bars_figure(
    table: pd.DataFrame,
    *,
    paper: Mapping[str, float] | None = None,
    height: int = 380,
) -> go.Figure:
    """Draw the mean of the five scores over folds, with its standard error and the folds.

    Parameters
    ----------
    table : DataFrame
        Of `skill_scores.fold_table`.
    paper, height
        As in `score_bars_figure`; the paper's TSS is that of its single split.

    Returns
    -------
    Figure
        One dot a fold in front of its bar.
    """
    table = table.assign(
        value=table["mean"],
        above=table["standard_error"],
        below=table["standard_error"],
        told=[
            " ".join(with_error(*row))
            for row in table[["mean", "standard_error"]].to_numpy(dtype=float)
        ],
    )
    figure = _bars(table, paper)
    names = list(dict.fromkeys(table["forecast"]))
    for name, own in table.groupby("forecast", sort=False):
        at = bar_places(names, str(name))
        figure.add_trace(
            go.Scatter(
                x=np.concatenate([[x] * len(f) for x, f in zip(at, own["folds"], strict=True)]),
                y=np.concatenate(own["folds"].to_list()),
                mode="markers",
                name=f"{FORECASTS[str(name)]}, folds",
                # A dot that is all rim, which has the colour of the text.
                marker={"size": 2.5, "color": style.CLEAR, "line": {"width": 2.5}, "opacity": 0.55},
                hovertemplate="%{y:.3f}<extra>one fold</extra>",
                showlegend=False,
            )
        )
    low = float(np.nanmin(np.concatenate(table["folds"].to_list())))
    title = "mean over folds (error bar: std/√n)"
    return _styled(figure, low, title, height)


def _bars(table: pd.DataFrame, paper: Mapping[str, float] | None) -> go.Figure:
    figure = go.Figure()
    names = list(dict.fromkeys(table["forecast"]))
    for name in names:
        own = table[table["forecast"] == name]
        at = bar_places(names, name)
        figure.add_trace(
            go.Bar(
                x=at,
                y=own["value"],
                width=0.94 * BARS_FILL / len(names),
                name=FORECASTS[name],
                marker={"color": COLOURS[name], "line_width": 0},
                error_y={
                    "type": "data",
                    "array": own["above"],
                    "arrayminus": own["below"],
                    "thickness": 1.3,
                    "width": 4,
                },
                customdata=own["told"],
                hovertemplate="%{customdata}<extra>" + FORECASTS[name] + "</extra>",
            )
        )
        lacking = own["value"].isna().to_numpy()
        if lacking.any():
            figure.add_trace(_undefined(at[lacking], own[lacking], name))
    if paper:
        figure.add_trace(_paper_marks(names, paper))
    return figure


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
        hovertemplate="undefined: %{customdata}<extra>" + FORECASTS[name] + "</extra>",
        name=f"{FORECASTS[name]}, undefined",
        showlegend=False,
    )


def _paper_marks(names: list[str], paper: Mapping[str, float]) -> go.Scatter:
    shown = [name for name in paper if name in names]
    tss = list(SCORE_NAMES).index("tss")
    return go.Scatter(
        x=[bar_places(names, name)[tss] for name in shown],
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


def _styled(figure: go.Figure, low: float, title: str, height: int) -> go.Figure:
    style.apply_style(
        figure,
        uirevision=title,
        showlegend=True,
        height=height,
        barmode="overlay",
        legend=top_legend(),
    )
    figure.update_layout(margin={"t": 40})
    figure.update_xaxes(
        tickvals=list(range(len(SCORE_NAMES))),
        ticktext=list(SCORE_NAMES.values()),
        range=[-0.5, len(SCORE_NAMES) - 0.5],
        showgrid=False,
        fixedrange=True,
    )
    figure.update_yaxes(title_text=title, **room_for_legend(min(low, 0.0)))
    figure.add_hline(y=0.0, line={"color": "rgba(128,136,150,0.9)", "width": 1}, layer="below")
    return figure

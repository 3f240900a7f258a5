"""How often a predicted probability comes true."""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analysis import figure_style as style
from analysis.figures_skill_style import COLOURS, corner_legend
from analysis.skill import FORECASTS
from analysis.skill_words import number

__all__ = ["reliability_figure"]


def reliability_figure(
    tables: Mapping[str, pd.DataFrame],
    brier: Mapping[str, Mapping[str, float]],
    *,
    base_rate: float,
    dark: bool = False,
    simulated: bool = False,
    height: int = 460,
) -> go.Figure:
    """Draw how often the flare was eruptive against the probability, over the counts of each bin.

    Parameters
    ----------
    tables : mapping
        Of ``hnn`` and ``vit``, what `skill_probability.reliability` finds.
    brier : mapping
        Of the same, what `skill_probability.brier_scores` finds, for the legend.
    base_rate : float
        Share of eruptive sequences in the test set.
    dark, simulated : bool
    height : int
        Pixels.
    """
    figure = make_subplots(
        rows=2, cols=1, shared_xaxes=True, row_heights=[0.74, 0.26], vertical_spacing=0.05
    )
    guides = (
        ("perfect", [0, 1], {"color": style.UNKNOWN, "width": 1.3, "dash": "dash"}),
        (
            f"share of eruptive {base_rate:.2f}",
            [base_rate, base_rate],
            {"color": style.UNKNOWN, "width": 1.3, "dash": "dot"},
        ),
    )
    for text, y, line in guides:
        trace = go.Scatter(x=[0, 1], y=y, mode="lines", name=text, line=line, hoverinfo="skip")
        figure.add_trace(trace, row=1, col=1)
    for name, table in tables.items():
        figure.add_trace(_dots(table, name, _brier_words(name, brier[name])), row=1, col=1)
        figure.add_trace(_counts(table, name), row=2, col=1)
    style.apply_style(
        figure,
        dark=dark,
        uirevision="reliability",
        simulated=simulated,
        height=height,
        barmode="group",
        bargap=0.12,
        legend=corner_legend(dark=dark, top_left=True),
    )
    figure.update_layout(margin={"t": 40})
    figure.update_xaxes(range=[-0.02, 1.02], tickvals=[0, 0.2, 0.4, 0.6, 0.8, 1.0])
    figure.update_xaxes(title_text="predicted probability", row=2, col=1)
    figure.update_yaxes(title_text="observed frequency", range=[-0.02, 1.02], row=1, col=1)
    figure.update_yaxes(title_text="sequences", rangemode="tozero", nticks=4, row=2, col=1)
    return figure


def _brier_words(name: str, brier: Mapping[str, float]) -> str:
    return f"{FORECASTS[name]}: Brier {number(brier['brier'])}, skill {number(brier['skill'])}"


def _dots(table: pd.DataFrame, name: str, text: str) -> go.Scatter:
    held = table[table["sequences"] > 0]
    return go.Scatter(
        x=held["probability"],
        y=held["frequency"],
        mode="lines+markers",
        name=text,
        line={"color": COLOURS[name], "width": 1.6},
        marker={"size": 8},
        error_y={
            "type": "data",
            "array": held["high"] - held["frequency"],
            "arrayminus": held["frequency"] - held["low"],
            "thickness": 1.3,
            "width": 3,
        },
        customdata=held[["sequences", "eruptive", "groups"]],
        hovertemplate=(
            "predicted %{x:.2f}, observed %{y:.2f}<br>%{customdata[1]} of %{customdata[0]} "
            "sequences, %{customdata[2]} groups of regions<extra>" + FORECASTS[name] + "</extra>"
        ),
    )


def _counts(table: pd.DataFrame, name: str) -> go.Bar:
    return go.Bar(
        x=(table["low_edge"] + table["high_edge"]) / 2,
        y=table["sequences"],
        name=f"{FORECASTS[name]}, sequences",
        marker={"color": COLOURS[name], "line_width": 0},
        hovertemplate="%{y} sequences<extra>" + FORECASTS[name] + "</extra>",
        showlegend=False,
    )

"""Skill of a network against the threshold on its probability."""

import pandas as pd
import plotly.graph_objects as go

from analysis import figure_style as style
from analysis.figures_skill_style import room_for_legend, top_legend
from analysis.skill_words import SCORE_NAMES

__all__ = ["threshold_figure"]

LINES = {
    "tss": {"color": "#7c5cff", "width": 3},
    "hss": {"color": "#e4738c", "width": 2},
    "recall": {"color": "#59b38c", "width": 2, "dash": "dash"},
    "precision": {"color": "#d1a33c", "width": 2, "dash": "dot"},
}
"""Scores drawn against the threshold."""


def threshold_figure(
    table: pd.DataFrame,
    *,
    chosen: float,
    own: float = 0.5,
    dark: bool = False,
    simulated: bool = False,
    height: int = 360,
) -> go.Figure:
    """Draw TSS (with its 95 % interval), HSS, recall and precision against the threshold.

    Parameters
    ----------
    table : DataFrame
        Of `skill_probability.threshold_scores`; a line breaks where a score is undefined.
    chosen, own : float
        Threshold in use on the page, and the model's own; each a vertical line.
    dark, simulated : bool
    height : int
        Pixels.
    """
    figure = go.Figure()
    band = table.dropna(subset=["tss_low", "tss_high"])
    figure.add_trace(
        go.Scatter(
            x=[*band["threshold"], *band["threshold"][::-1]],
            y=[*band["tss_high"], *band["tss_low"][::-1]],
            mode="lines",
            fill="toself",
            fillcolor="rgba(124,92,255,0.18)",
            line={"width": 0},
            name="TSS, 95 %",
            hoverinfo="skip",
        )
    )
    for score, line in LINES.items():
        figure.add_trace(
            go.Scatter(
                x=table["threshold"],
                y=table[score],
                mode="lines",
                name=SCORE_NAMES[score],
                line=line,
                connectgaps=False,
                hovertemplate="%{y:.3f}",
            )
        )
    low = min(0.0, *(table[score].min() for score in LINES))
    marks = {own: (style.UNKNOWN, "dot"), chosen: (style.THRESHOLD, "dash")}
    for at, (colour, dash) in marks.items():
        # Up to 1 only: the legend is above.
        figure.add_shape(
            type="line",
            x0=at,
            x1=at,
            y0=low - 0.06,
            y1=1.02,
            line={"color": colour, "width": 1.8, "dash": dash},
        )
    figure.add_annotation(
        x=chosen,
        y=low - 0.05,
        text=f"threshold {chosen:g}",
        showarrow=False,
        xanchor="left" if chosen < 0.75 else "right",
        yanchor="bottom",
        font={"size": style.FONT_SIZE - 1, "color": style.THRESHOLD},
    )
    style.apply_style(
        figure,
        dark=dark,
        uirevision="threshold",
        simulated=simulated,
        height=height,
        hovermode="x unified",
        legend=top_legend(),
    )
    figure.update_layout(margin={"t": 40})
    figure.update_xaxes(title_text="threshold on the probability", range=[0, 1])
    figure.update_yaxes(title_text="score", **room_for_legend(low))
    return figure

"""What an explanation says beside its map: which hours mattered."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from analysis import figure_style as style
from analysis.figures_explanation_style import GRADIENT, MAP
from analysis.figures_passage import legend

if TYPE_CHECKING:
    from hnn_core.explanation.explanation import Explanation

__all__ = ["hour_scores"]

_HOURS = {
    "frame-deletion": ("frame deletion", MAP),
    "integrated-gradients": ("integr. gradients", GRADIENT),
}
_NUMBERS = {
    "logit": "log-odds of eruptive",
    "baseline_logit": "the same where the path starts",
    "residual": "residual of the sum",
}


def hour_scores(
    explanations: "Sequence[Explanation]",
    *,
    dark: bool = False,
    simulated: bool = False,
    height: int = 260,
) -> go.Figure:
    """Draw how much each hour of a sequence spoke for the class.

    Parameters
    ----------
    explanations : sequence of Explanation
        Of methods that score hours, for one class and one sequence; each gets its own bars.
    dark, simulated : bool
    height : int
        Pixels.

    Returns
    -------
    Figure
        Log-odds of the class, t−9 … t from left to right; above 0 the hour spoke for it. The
        residual of integrated gradients and the log-odds are told on hover.

    Raises
    ------
    ValueError
        If there is none, one scores no hours, or their classes or lengths differ.
    """
    scores = {found.method: found.hours for found in explanations}
    lengths = {None if hours is None else len(hours) for hours in scores.values()}
    targets = {found.target for found in explanations}
    if len(lengths) != 1 or None in lengths or len(targets) != 1:
        raise ValueError(
            f"hour scores of {sorted(scores)} for {sorted(map(str, targets))}: give methods that "
            "score the same hours for the same class"
        )
    figure = go.Figure([_hour_bars(found) for found in explanations])
    style.apply_style(
        figure,
        dark=dark,
        uirevision="hour scores",
        simulated=simulated,
        height=height,
        barmode="group",
        bargap=0.25,
        bargroupgap=0.06,
        showlegend=True,
        legend=legend() | {"font": {"size": style.FONT_SIZE - 1}},
    )
    figure.add_hline(y=0.0, line={"color": style.foreground(dark=dark), "width": 1.2})
    figure.update_layout(margin={"t": 40})
    figure.update_xaxes(title_text="hour of the sequence (h)", type="category", showgrid=False)
    figure.update_yaxes(title_text=f"log-odds of {targets.pop()}", nticks=6)
    return figure


def _hour_bars(found: "Explanation") -> go.Bar:
    name, colour = _HOURS.get(found.method, (found.method, style.UNKNOWN))
    hours = np.asarray(found.hours)
    last = len(hours) - 1
    notes = "".join(
        f"<br>{words} {found.numbers[number]:+.3g}"
        for number, words in _NUMBERS.items()
        if number in found.numbers
    )
    return go.Bar(
        x=[f"t−{last - index}" if index < last else "t" for index in range(len(hours))],
        y=hours,
        name=name,
        marker={"color": colour},
        customdata=[f"{time[:16].replace('T', ' ')} TAI" for time in found.t_rec],
        hovertemplate=f"<b>%{{y:+.3g}}</b> at %{{customdata}}{notes}<extra>{name}</extra>",
    )

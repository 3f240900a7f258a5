"""How a map changes when the network loses what it learnt."""

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from analysis import figure_style as style
from analysis.figures_explanation_style import FIELD, MAP
from analysis.figures_passage import legend

if TYPE_CHECKING:  # knows torch
    from hnn_core.explanation.randomised import RandomisedCheck

__all__ = ["randomised_stages"]

_LIMIT = 0.5
"""Rank correlation from which `RandomisedCheck.changes` says that a map hardly changes."""
_SHORT = {"classifier": "class.", "final norm": "norm", "patch embedding": "patch"}


def randomised_stages(
    check: "RandomisedCheck",
    *,
    dark: bool = False,
    simulated: bool = False,
    height: int = 280,
) -> go.Figure:
    """Draw how alike a map stays while the network gets new weights, from the classifier down.

    Parameters
    ----------
    check : RandomisedCheck
    dark, simulated : bool
    height : int
        Pixels.

    Returns
    -------
    Figure
        Rank correlation with the trained network's map by stage; encoders by their number, the
        one next to the input is 1. At or above the dashed line a map counts as hardly changed. A
        stage whose map is the same everywhere has a gap.
    """
    stages = check.stages
    series = {
        "map": ([s.spearman for s in stages], MAP, "circle", "solid"),
        "its magnitude": ([s.spearman_magnitude for s in stages], FIELD, "square", "dot"),
    }
    figure = go.Figure()
    for name, (values, colour, symbol, dash) in series.items():
        figure.add_trace(
            go.Scatter(
                x=list(range(len(stages))),
                y=values,
                mode="lines+markers",
                name=name,
                line={"color": colour, "width": 2, "dash": dash},
                marker={"symbol": symbol, "size": 8},
                customdata=[stage.name for stage in stages],
                hovertemplate=f"%{{y:.2f}} after %{{customdata}}<extra>{name}</extra>",
            )
        )
    style.apply_style(
        figure,
        dark=dark,
        uirevision="randomised",
        simulated=simulated,
        height=height,
        showlegend=True,
        legend=legend(),
    )
    figure.add_hline(
        y=_LIMIT, line={"color": style.THRESHOLD, "width": 1.5, "dash": "dash"}, name="limit"
    )
    figure.update_layout(margin={"t": 40})
    figure.update_xaxes(
        tickvals=list(range(len(stages))),
        ticktext=[_SHORT.get(stage.name, stage.name.removeprefix("encoder ")) for stage in stages],
        tickangle=-90 if len(stages) > 6 else 0,
        range=[-0.5, len(stages) - 0.5],
        showgrid=False,
        title={"text": "new weights down to", "standoff": 4},
    )
    known = [v for values, *_ in series.values() for v in values if np.isfinite(v)]
    figure.update_yaxes(
        title_text="rank correlation", range=[min([-0.1, *(v - 0.1 for v in known)]), 1.08]
    )
    return figure

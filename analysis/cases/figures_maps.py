"""What an explanation says beside its map: which hours mattered.

Where a map lies: its share about the PIL beside those of random regions.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from analysis.cases.explained import PARTS
from analysis.figures import style
from analysis.figures.passage import legend
from analysis.figures.style import GRADIENT, MAP

if TYPE_CHECKING:
    from analysis.cases.overlap import Overlap
    from hnn_core.explanation.service import Explanation

__all__ = ["hour_scores_figure", "overlap_draws_figure"]


_HOURS = {
    "frame-deletion": ("frame deletion", MAP),
    "integrated-gradients": ("integr. gradients", GRADIENT),
}
_NUMBERS = {
    "logit": "log-odds of eruptive",
    "baseline_logit": "the same where the path starts",
    "residual": "residual of the sum",
}


def hour_scores_figure(
    explanations: "Sequence[Explanation]",
    *,
    height: int = 260,
) -> go.Figure:
    """Draw how much each hour of a sequence spoke for the class.

    Parameters
    ----------
    explanations : sequence of Explanation
        Of methods that score hours, for one class and one sequence; each gets its own bars.
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
        uirevision="hour scores",
        height=height,
        barmode="group",
        bargap=0.25,
        bargroupgap=0.06,
        showlegend=True,
        legend=legend() | {"font": {"size": style.FONT_SIZE - 1}},
    )
    figure.add_hline(y=0.0, line={"width": 1.2})
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


def overlap_draws_figure(
    overlaps: "Mapping[str, Overlap]",
    *,
    height: int = 300,
) -> go.Figure:
    """Draw a map's share in regions about the PIL, beside the shares in random regions.

    Parameters
    ----------
    overlaps : mapping of str to Overlap
        By `analysis.cases.overlap.REGION_NAMES`.
    height : int
        Pixels.

    Returns
    -------
    Figure
        A grey violin of the random regions' shares, the map's own as a diamond; p and the
        enrichment above. Both are of whole tokens, as they are compared; the share to the pixel
        is told on hover. A region that is not there, or a map without mass, says so.

    Raises
    ------
    ValueError
        If there is no overlap.
    """
    if not overlaps:
        raise ValueError("no overlap to draw: measure one with analysis.cases.overlap.overlaps")
    figure = go.Figure()
    for place, (name, found) in enumerate(overlaps.items()):
        if np.isfinite(found.p):
            figure.add_trace(_violin(place, found))
        _tell(figure, place, PARTS.get(name, name), found)
    measured = {place: o for place, o in enumerate(overlaps.values()) if np.isfinite(o.p)}
    figure.add_trace(_own_shares(measured))
    style.apply_style(
        figure,
        uirevision="overlap",
        height=height,
        showlegend=True,
        legend=legend(),
    )
    figure.update_layout(margin={"t": 40})
    names = [PARTS.get(name, name) for name in overlaps]
    figure.update_xaxes(
        tickvals=list(range(len(names))),
        ticktext=names,
        range=[-0.5, len(names) - 0.5],
        showgrid=False,
    )
    most = max([0.01] + [max(o.token_share, float(o.draws.max())) for o in measured.values()])
    figure.update_yaxes(title_text="share of the map", tickformat=".0~%", range=[0.0, 1.4 * most])
    return figure


def _violin(place: int, found: "Overlap") -> go.Violin:
    low, high = np.percentile(found.draws, (2.5, 97.5))
    return go.Violin(
        x=np.full(found.draws.size, place, dtype=np.int8),
        y=found.draws.astype(np.float32),
        name="random, of equal |B|",
        legendgroup="random",
        showlegend=place == 0,
        width=0.7,
        points=False,
        spanmode="hard",
        meanline={"visible": True, "color": style.UNKNOWN, "width": 1.5},
        line={"color": style.UNKNOWN, "width": 1.2},
        fillcolor="rgba(140,143,153,0.35)",
        hoveron="violins",
        hoverinfo="text",
        text=f"{found.draws.size} random regions: {found.expected:.1%}, "
        f"95 % from {low:.1%} to {high:.1%}",
    )


def _own_shares(measured: "Mapping[int, Overlap]") -> go.Scatter:
    found = list(measured.values())
    return go.Scatter(
        x=list(measured),
        y=[one.token_share for one in found],
        mode="markers",
        name="the map",
        marker={
            "symbol": "diamond",
            "size": 12,
            "color": MAP,
            "line": {"width": 1.5},
        },
        customdata=np.array([[one.share, one.area] for one in found]).reshape(-1, 2),
        hovertemplate=(
            "<b>%{y:.1%}</b> in whole tokens<br>%{customdata[0]:.1%} to the pixel, on "
            "%{customdata[1]:.1%} of the area<extra></extra>"
        ),
    )


def _tell(figure: go.Figure, place: int, region: str, found: "Overlap") -> None:
    """Write p and enrichment above a region, or why there are none."""
    if np.isfinite(found.p):
        text = f"p = {found.p:.2g}<br>{found.enrichment:.2f} × expected"
    else:
        text = "no mass<br>of the map" if np.isfinite(found.area) and found.area else "no PIL"
    figure.add_annotation(
        text=text,
        name=region,
        x=place,
        y=0.98,
        yref="y domain",
        yanchor="top",
        showarrow=False,
        font={"size": style.FONT_SIZE - 1},
    )

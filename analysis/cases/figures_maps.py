"""Which hours of a sequence mattered, and where a map lies next to random regions."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from analysis.cases.explained import PARTS
from analysis.figures import style
from analysis.figures.style import GRADIENT, MAP, number

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


def hour_scores_figure(explanations: "Sequence[Explanation]") -> go.Figure:
    """Draw how much each hour of a sequence spoke for the class.

    Parameters
    ----------
    explanations : sequence of Explanation
        Of methods that score hours, for one class and one sequence; each gets its own bars.

    Returns
    -------
    Figure
        Log-odds of the class, t−9 … t from left to right; above 0 the hour spoke for it. The
        residual of integrated gradients and the log-odds are shown on hover.

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
    figure = style.house_figure(
        [_hour_bars(found) for found in explanations],
        uirevision="hour scores",
        height=260,
        barmode="group",
        bargap=0.25,
        bargroupgap=0.06,
        legend={"font": {"size": style.SMALL}},
        xaxis={"title_text": style.HOUR_TITLE, "type": "category", "showgrid": False},
        yaxis={"title_text": f"log-odds of {targets.pop()}", "nticks": 6},
    )
    return figure.add_hline(y=0.0, line_width=1.2)


def _hour_bars(found: "Explanation") -> go.Bar:
    name, colour = _HOURS.get(found.method, (found.method, style.UNKNOWN))
    hours = np.asarray(found.hours)
    notes = "".join(
        f"<br>{words} {number(found.numbers[key], '+.3g')}"
        for key, words in _NUMBERS.items()
        if key in found.numbers
    )
    times = [f"{time[:16].replace('T', ' ')} TAI" for time in found.t_rec]
    return go.Bar(
        x=style.hours_axis(len(hours))["ticktext"],
        y=hours,
        name=name,
        marker={"color": colour},
        customdata=[[number(h, "+.3g"), time] for h, time in zip(hours, times, strict=True)],
        hovertemplate=f"<b>%{{customdata[0]}}</b> at %{{customdata[1]}}{notes}"
        f"<extra>{name}</extra>",
    )


def overlap_draws_figure(overlaps: "Mapping[str, Overlap]") -> go.Figure:
    """Draw a map's share in regions about the PIL, next to the shares in random regions.

    Parameters
    ----------
    overlaps : mapping of str to Overlap
        By `analysis.cases.overlap.REGION_NAMES`.

    Returns
    -------
    Figure
        A grey violin of the random regions' shares, the map's own as a diamond; p and the
        enrichment above. Both are of whole tokens, as they are compared; the share to the pixel
        is shown on hover. A region that is not there, or a map without mass, gets a note.

    Raises
    ------
    ValueError
        If there is no overlap.
    """
    if not overlaps:
        raise ValueError("no overlap to draw: measure one with analysis.cases.overlap.overlaps")
    measured = {place: o for place, o in enumerate(overlaps.values()) if np.isfinite(o.p)}
    most = max([0.01] + [max(o.token_share, float(o.draws.max())) for o in measured.values()])
    figure = style.house_figure(
        [*_violins(measured), _own_shares(measured)],
        uirevision="overlap",
        height=300,
        xaxis=style.places_axis([PARTS.get(name, name) for name in overlaps]),
        yaxis={"title_text": "share of the map", "tickformat": ".0~%", "range": [0.0, 1.4 * most]},
    )
    for place, (name, found) in enumerate(overlaps.items()):
        look = {"name": PARTS.get(name, name), "xref": "x", "yref": "y domain", "yanchor": "top"}
        style.write(figure, _above(found), x=place, y=0.98, **look)
    return figure


def _violins(measured: "Mapping[int, Overlap]") -> list[go.Violin]:
    violins: list[go.Violin] = []
    for place, found in measured.items():
        low, high = np.percentile(found.draws, (2.5, 97.5))
        violins.append(
            go.Violin(
                x=np.full(found.draws.size, place, dtype=np.int8),
                y=found.draws.astype(np.float32),
                name="random, of equal |B|",
                legendgroup="random",
                showlegend=not violins,
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
        )
    return violins


def _own_shares(measured: "Mapping[int, Overlap]") -> go.Scatter:
    found = list(measured.values())
    return go.Scatter(
        x=list(measured),
        y=[one.token_share for one in found],
        mode="markers",
        name="the map",
        marker={"symbol": "diamond", "size": 12, "color": MAP, "line": {"width": 1.5}},
        customdata=np.array([[one.share, one.area] for one in found]).reshape(-1, 2),
        hovertemplate=(
            "<b>%{y:.1%}</b> in whole tokens<br>%{customdata[0]:.1%} to the pixel, on "
            "%{customdata[1]:.1%} of the area<extra></extra>"
        ),
    )


def _above(found: "Overlap") -> str:
    """Significance and enrichment, or why there are none."""
    if found.missing:
        return found.missing.replace(" of ", "<br>of ")
    return f"p = {number(found.p, '.2g')}<br>{found.enrichment:.2f} × expected"

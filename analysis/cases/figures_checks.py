"""Whether a map can be trusted: deletion and insertion curves, and the network randomised."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from analysis.figures import style
from analysis.figures.overlays import multiples
from analysis.figures.style import FIELD, GRADIENT, MAP

if TYPE_CHECKING:
    from hnn_core.explanation.faithfulness_result import Faithfulness
    from hnn_core.explanation.randomised import RandomisedCheck

__all__ = ["faithfulness_areas_figure", "faithfulness_curves_figure", "randomised_stages_figure"]

_ORDERS = {
    "map": ("map", MAP, "solid"),
    "field": ("|B|", FIELD, "dash"),
    "gradient": ("gradient", GRADIENT, "dot"),
}
_MARKS = {"better": "diamond", "equal": "diamond-open", "worse": "x"}
_WORDS = {"better": "better than", "equal": "no different from", "worse": "worse than"}
_LIMIT = 0.5
"""Rank correlation from which `RandomisedCheck.changes` counts a map as hardly changing."""
_SHORT = {"classifier": "class.", "final norm": "norm", "patch embedding": "patch"}


def faithfulness_curves_figure(found: "Faithfulness", *, fill: str, kind: str) -> go.Figure:
    """Draw the class's probability while tokens are deleted or inserted.

    Parameters
    ----------
    found : Faithfulness
    fill : str
        What hidden tokens show: ``"zero"`` or ``"blurred"``.
    kind : str
        ``"deletion"`` or ``"insertion"``.

    Returns
    -------
    Figure
        Orders by the map, |B| and the gradient as lines, with the areas under them in the legend,
        over the middle 95 % of the random orders.

    Raises
    ------
    ValueError
        If there are no such curves.
    """
    curves = {
        curve.order: curve
        for curve in found.curves
        if (curve.fill, curve.kind) == (fill, kind) and curve.order in _ORDERS
    }
    if "map" not in curves:
        raise ValueError(f"there is no curve of {kind!r} with the fill {fill!r}")
    fraction, low, high = found.random_band(fill, kind)
    comparison = next(c for c in found.comparisons if (c.fill, c.kind) == (fill, kind))
    area = float(np.mean(comparison.random_areas))
    traces = [style.band(fraction, low, high, "rgba(140,143,153,0.35)", f"random {area:.3f}")]
    for order, curve in reversed(curves.items()):
        name, colour, dash = _ORDERS[order]
        traces.append(
            style.line(
                f"{name} {curve.area:.3f}",
                curve.fraction,
                curve.value,
                colour,
                2.6 if order == "map" else 1.8,
                dash,
                hovertemplate=f"%{{y:.3f}} at %{{x:.0%}}<extra>{name}</extra>",
            )
        )
    figure = style.house_figure(
        traces,
        uirevision=f"faithfulness {fill} {kind}",
        height=280,
        legend={
            "yanchor": "top",
            "traceorder": "reversed",
            "entrywidth": 104,
            "bgcolor": style.CLEAR,
        },
        xaxis={
            "title_text": f"share of tokens {'deleted' if kind == 'deletion' else 'inserted'}",
            "tickformat": ".0%",
            "dtick": 0.25,
            "range": [-0.01, 1.02],
        },
    )
    values = np.concatenate([low, high, *(curve.value for curve in curves.values())])
    _probability_axis(figure, float(values.min()), float(values.max()))
    return figure


def _probability_axis(figure: go.Figure, low: float, high: float) -> None:
    """Give the axis round ticks up to the largest value, and room above for the legend."""
    probability = low >= 0.0 and high <= 1.0
    span = max(high - low, 0.02)
    steps = [digit * 10.0**power for power in range(-3, 4) for digit in (1, 2, 5)]
    step = next((step for step in steps if span / step <= 4), steps[-1])
    ticks = multiples(step * np.floor(low / step), step * np.ceil(high / step), step)
    bottom, top = min(low, float(ticks[0])), max(high, float(ticks[-1]))
    room = top - bottom
    figure.update_yaxes(
        title_text="probability of the class" if probability else "log-odds of the class",
        tickvals=ticks,
        tickformat=".3~f",
        range=[bottom - 0.04 * room, top + 0.38 * room],
    )


def faithfulness_areas_figure(found: "Faithfulness") -> go.Figure:
    """Draw how much better than random order a map is, for each fill and kind.

    Returns
    -------
    Figure
        Differences of area from the mean of the random orders, above 0 for better: the map's with
        the middle 95 % over single random orders, filled where it is better than they, a cross
        where it is worse, open where there is no difference; and those of the orders by |B| and by
        the gradient.
    """
    comparisons = found.comparisons
    places = np.arange(len(comparisons))
    gains = np.array([c.difference for c in comparisons])
    low, high = np.array([c.interval for c in comparisons]).reshape(-1, 2).T
    bars = style.error_bars(gains, np.minimum(low, gains), np.maximum(high, gains), width=5)
    traces = [
        go.Scatter(
            x=places - 0.2,
            y=gains,
            mode="markers",
            name="map, 95 %",
            marker={
                "symbol": [_MARKS[c.state] for c in comparisons],
                "size": 12,
                "color": MAP,
                "line": {"width": 2, "color": "#444"},
            },
            error_y=bars | {"color": MAP},
            customdata=[
                [style.number(c.difference, "+.3g"), _p(c.p_value), _WORDS[c.state]]
                for c in comparisons
            ],
            hovertemplate="<b>%{customdata[0]}</b>, %{customdata[2]} random order, "
            "%{customdata[1]}<extra>map</extra>",
        )
    ]
    for order, shift, symbol in (("field", 0.0, "square"), ("gradient", 0.2, "triangle-up")):
        name, colour, _ = _ORDERS[order]
        own = [replace(c, area=getattr(c, f"{order}_area")).difference for c in comparisons]
        traces.append(
            go.Scatter(
                x=places + shift,
                y=own,
                mode="markers",
                name=name,
                marker={"symbol": symbol, "size": 10, "color": colour},
                text=[style.number(gain, "+.3g") for gain in own],
                hovertemplate=f"%{{text}}<extra>{name}</extra>",
            )
        )
    figure = style.house_figure(
        traces,
        uirevision="faithfulness areas",
        height=280,
        xaxis=style.places_axis([f"{c.kind},<br>{c.fill} field" for c in comparisons]),
        yaxis={"title_text": "gain over random order", "nticks": 6},
    )
    return figure.add_hline(y=0.0, line_width=1.2)


def _p(value: float) -> str:
    return f"p = {style.number(value, '.2g')}"


def randomised_stages_figure(check: "RandomisedCheck") -> go.Figure:
    """Draw how alike a map stays while the network gets new weights, from the classifier down.

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
    traces = [
        style.line(
            name,
            list(range(len(stages))),
            values,
            colour,
            2,
            dash,
            mode="lines+markers",
            marker={"symbol": symbol, "size": 8},
            text=[style.number(value, ".2f") for value in values],
            customdata=[stage.name for stage in stages],
            hovertemplate=f"%{{text}} after %{{customdata}}<extra>{name}</extra>",
        )
        for name, (values, colour, symbol, dash) in series.items()
    ]
    names = [_SHORT.get(stage.name, stage.name.removeprefix("encoder ")) for stage in stages]
    known = [value for values, *_ in series.values() for value in values if np.isfinite(value)]
    figure = style.house_figure(
        traces,
        uirevision="randomised",
        height=280,
        xaxis={
            **style.places_axis(names),
            "tickangle": -90 if len(stages) > 6 else 0,
            "title": {"text": "new weights down to", "standoff": 4},
        },
        yaxis={
            "title_text": "rank correlation",
            "range": [min([-0.1, *(value - 0.1 for value in known)]), 1.08],
        },
    )
    limit = {"color": style.THRESHOLD, "width": 1.5, "dash": "dash"}
    return figure.add_hline(y=_LIMIT, line=limit, name="limit")

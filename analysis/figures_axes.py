"""What axes of several figures share: powers of ten, hours, margins, rows with headings."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from analysis import figure_style as style

__all__ = ["MARGIN", "fixed_margins", "hours_axis", "largest_exponent", "place_rows", "power"]

MARGIN = {"l": 56, "r": 16, "t": 40, "b": 64}
"""Pixels about the axes, those of a page's plots: ticks and titles are made to fit in them."""

_SMALL = style.FONT_SIZE - 1
_BETWEEN_GROUPS = 0.35  # of a row


def power(exponent: int) -> str:
    """``10²¹``."""
    return "10" + str(exponent).translate(str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"))


def largest_exponent(values: Iterable[float], default: int = 21) -> int:
    """Exponent of ten of the largest magnitude; `default` where none is above 0."""
    magnitudes = np.abs(np.asarray(list(values), np.float64))
    magnitudes = magnitudes[np.isfinite(magnitudes) & (magnitudes > 0)]
    return int(np.floor(np.log10(magnitudes.max()))) if magnitudes.size else default


def hours_axis(hours: int = 10) -> dict[str, Any]:
    """Return an axis of the hours t−9 … t, which lie at −9 … 0."""
    places = list(range(1 - hours, 1))
    return {
        "tickvals": places,
        "ticktext": ["t" if place == 0 else f"t−{-place}" for place in places],
        "range": [places[0] - 0.6, 0.6],
        "showgrid": False,
    }


def fixed_margins(figure: go.Figure) -> go.Figure:
    """Give a figure `MARGIN` whatever its labels, in place, and return it."""
    figure.update_layout(margin={**MARGIN, "autoexpand": False})
    figure.update_xaxes(automargin=False)
    figure.update_yaxes(automargin=False)
    return figure


def place_rows(figure: go.Figure, groups: Sequence[tuple[str, Sequence[str]]]) -> list[list[float]]:
    """Lay out rows down the y axis in groups, each under a heading inside the axes.

    Long words do not fit in a margin, so they are headings; only a row's short label is a tick.

    Parameters
    ----------
    figure : Figure
        Changed in place, after its style is set.
    groups : sequence of (heading, labels)
        Labels may be empty text.

    Returns
    -------
    list of list of float
        Place on the y axis of each row, by group.
    """
    places: list[list[float]] = []
    at = 0.0
    for heading, labels in groups:
        figure.add_annotation(
            text=heading,
            xref="x domain",
            x=0,
            xshift=4,
            y=at,
            xanchor="left",
            showarrow=False,
            font={"size": _SMALL},
        )
        places.append([at - 1 - k for k in range(len(labels))])
        at -= len(labels) + 1 + _BETWEEN_GROUPS
    figure.update_yaxes(
        tickvals=[place for group in places for place in group],
        ticktext=[label for _, labels in groups for label in labels],
        range=[at + 0.3 + _BETWEEN_GROUPS, 0.6],
        showgrid=False,
        fixedrange=True,
    )
    return places

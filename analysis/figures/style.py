"""Colours, fonts and layout that all figures share.

What axes of several figures share: powers of ten, hours, margins, rows with headings.

Colours that the figures of explanations share.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

__all__ = [
    "CONFINED",
    "CROP",
    "ERUPTIVE",
    "FIELD",
    "FONT_SIZE",
    "GRADIENT",
    "HEAT_SCALE",
    "HULL",
    "INTERPOLATED",
    "MAP",
    "MARGIN",
    "PIL",
    "ROPI",
    "SIGNED_SCALE",
    "THRESHOLD",
    "UNKNOWN",
    "apply_style",
    "fixed_margins",
    "foreground",
    "hours_axis",
    "largest_exponent",
    "opaque",
    "place_rows",
    "power",
]


ERUPTIVE = "#2f7ed8"
"""Positive predictions and CME-associated flares, as the blue bars of the paper's Figure 6."""
CONFINED = "#f28e2b"
"""Negative predictions and confined flares, as the orange bars of the paper's Figure 6."""
UNKNOWN = "#8c8f99"
"""Flares of which nobody looked for a CME."""
INTERPOLATED = "#ff9f1c"
"""Frame about an hour that was filled by interpolation."""
THRESHOLD = "#d6455d"

PIL = "#ff4fd8"
"""Magenta: the one bright hue that neither the grey field nor the heat scale holds."""
ROPI = "#ffe14d"
HULL = "#7df9ff"
CROP = "#12b886"

HEAT_SCALE = (
    (0.0, "#00007f"),
    (0.125, "#0000ff"),
    (0.375, "#00ffff"),
    (0.625, "#ffff00"),
    (0.875, "#ff0000"),
    (1.0, "#7f0000"),
)
"""Dark blue (little) to dark red (much attention), as the paper's Figure 5."""

SIGNED_SCALE = (
    (0.0, "rgba(112,44,245,1)"),
    (0.25, "rgba(134,76,255,0.7)"),
    (0.5, "rgba(236,236,236,0)"),
    (0.75, "rgba(0,205,105,0.7)"),
    (1.0, "rgba(0,185,85,1)"),
)
"""Violet (against the class) over clear (0) to green (for it), symmetric about 0.

The ends are of middle lightness, to show on black and on white field, and stay apart for the
colour-blind; neither is the blue and orange of predictions, the magenta of the PIL nor the yellow
of the RoPI. Around 0 the field shows through.
"""

FONT_SIZE = 13
_FONT = "Inter, 'Source Sans 3', 'Source Sans Pro', system-ui, 'Helvetica Neue', sans-serif"


def foreground(*, dark: bool) -> str:
    """Colour of text and lines on the page's background."""
    return "#e8eaf0" if dark else "#1c2230"


def _background(*, dark: bool) -> str:
    return "#0e1117" if dark else "#ffffff"


def apply_style(
    figure: go.Figure,
    *,
    dark: bool,
    uirevision: str,
    title: str | None = None,
    simulated: bool = False,
    **layout: Any,
) -> go.Figure:
    """Give a figure the house's look, in place, and return it.

    Parameters
    ----------
    figure : Figure
    dark : bool
        Whether the page behind the figure is dark; the figure's own background is clear.
    uirevision : str
        While this stays the same, zoom and legend choices survive a redraw.
    title : str, optional
    simulated : bool
        Adds a note, kept in exported images, that the data are simulated.
    **layout
        Further layout settings.
    """
    colour = foreground(dark=dark)
    grid = "rgba(255,255,255,0.10)" if dark else "rgba(20,30,60,0.10)"
    axis = {
        "gridcolor": grid,
        "zeroline": False,
        "linecolor": "rgba(128,136,150,0.6)",
        "title_font_size": FONT_SIZE,
        "tickfont_size": FONT_SIZE - 1,
        "automargin": True,
    }
    figure.update_layout(
        template="plotly_dark" if dark else "plotly_white",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": _FONT, "size": FONT_SIZE, "color": colour},
        uirevision=uirevision,
        margin={"l": 8, "r": 8, "t": 44 if title else 12, "b": 8},
        hoverlabel={
            "font": {"size": FONT_SIZE, "family": _FONT, "color": colour},
            "bgcolor": "rgba(24,28,38,0.92)" if dark else "rgba(255,255,255,0.94)",
            "bordercolor": "rgba(128,136,150,0.6)",
        },
        modebar={
            "bgcolor": "rgba(0,0,0,0)",
            "color": "rgba(128,136,150,0.7)",
            "activecolor": colour,
        },
        **layout,
    )
    figure.update_xaxes(**axis)
    figure.update_yaxes(**axis)
    if title:
        figure.update_layout(
            title={
                "text": title,
                "font": {"size": FONT_SIZE + 2},
                "x": 0.0,
                "xref": "paper",
                "xanchor": "left",
                "y": 1.0,
                "yanchor": "top",
                "pad": {"t": 8},
            }
        )
    if simulated:
        # Above the axes, at the end that the legend leaves free.
        side = "left" if figure.layout.images else "right"
        figure.add_annotation(
            text="simulated data",
            name="simulated",
            xref="paper",
            yref="paper",
            x=0.0 if side == "left" else 1.0,
            y=1.0,
            xanchor=side,
            yanchor="bottom",
            showarrow=False,
            font={"size": FONT_SIZE - 1, "color": INTERPOLATED},
        )
    return figure


def opaque(figure: go.Figure, *, dark: bool) -> go.Figure:
    """Return a copy with a solid background, for images that leave the page."""
    copy = go.Figure(figure)
    colour = _background(dark=dark)
    return copy.update_layout(paper_bgcolor=colour, plot_bgcolor=colour)


MARGIN = {"l": 56, "r": 16, "t": 40, "b": 64}
"""Pixels about the axes, those of a page's plots: ticks and titles are made to fit in them."""

_SMALL = FONT_SIZE - 1
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


MAP = "#7c5cff"
"""The network's own map or score: violet, as the network in the figures of skill."""
FIELD = "#d1a33c"
"""|B|: gold, as the forecast from flux in the figures of skill."""
GRADIENT = "#17a398"

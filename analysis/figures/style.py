"""The look that all figures share: colours, a light and a dark theme, axes, marks and numbers.

A figure is built in the light theme; where it is shown or stored, `put_on` gives it the page's.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np
import plotly.graph_objects as go
import plotly.io as pio
from numpy.typing import ArrayLike

from analysis.figures.texts import without_tags
from hnn_core.magnetogram.conventions import number, power

__all__ = [
    "ASSOCIATIONS",
    "CLEAR",
    "CONFINED",
    "CROP",
    "ERUPTIVE",
    "FIELD",
    "FONT_SIZE",
    "GRADIENT",
    "HOUR_TITLE",
    "HULL",
    "INTERPOLATED",
    "LEGIBLE",
    "MAP",
    "MARGIN",
    "PAPER",
    "PIL",
    "ROPI",
    "SIMULATED",
    "SMALL",
    "TEXT",
    "THRESHOLD",
    "UNKNOWN",
    "band",
    "error_bars",
    "estimates",
    "fixed_margins",
    "guide",
    "hours_axis",
    "house_figure",
    "largest_exponent",
    "line",
    "note_row",
    "note_simulated",
    "number",
    "place_rows",
    "places_axis",
    "power",
    "put_on",
    "rim",
    "write",
]

ERUPTIVE = "#2f7ed8"
"""Positive predictions and CME-associated flares, as the blue bars of the paper's Figure 6."""
CONFINED = "#f28e2b"
"""Negative predictions and confined flares, as the orange bars of the paper's Figure 6."""
UNKNOWN = "#8c8f99"
"""Flares of which nobody looked for a CME."""
ASSOCIATIONS = {
    "eruptive": (ERUPTIVE, "CME linked"),
    "unlinked": (CONFINED, "no CME linked in DONKI"),
    "confined": (CONFINED, "confined"),
    "unknown": (UNKNOWN, "CME unknown"),
}
"""Colour and words of a flare's association with a CME."""
INTERPOLATED = "#ff9f1c"
"""Frame about an hour that was filled by interpolation."""
THRESHOLD = "#d6455d"

PIL = "#ff4fd8"
"""Magenta: the one bright hue that neither the grey field nor the heat scale holds."""
ROPI = "#ffe14d"
HULL = "#7df9ff"
CROP = "#12b886"

LEGIBLE = {
    ERUPTIVE: ("#1f5fae", "#6db1f5"),
    CONFINED: ("#9a4f00", "#f5a550"),
    UNKNOWN: ("#5f636e", "#a3a7b3"),
    INTERPOLATED: ("#9a5200", "#ffb454"),
    THRESHOLD: ("#b3243c", "#ff8296"),
}
"""Colours of marks as colours of words, on a light page and on a dark one.

Words need a contrast of 4.5 with the page (WCAG 2.2, 1.4.3), marks only 3.
"""

MAP = "#7c5cff"
"""The network's own map or score: violet, as the network in the figures of skill."""
FIELD = "#d1a33c"
"""|B|: gold, as the forecast from flux in the figures of skill."""
GRADIENT = "#17a398"

CLEAR = "rgba(0,0,0,0)"
FONT_SIZE = 13
SMALL = FONT_SIZE - 1
MARGIN = {"l": 56, "r": 16, "t": 40, "b": 64}
"""Pixels about the axes, those of a page's plots: ticks and titles are made to fit in them."""
HOUR_TITLE = "hour of the sequence (h)"
TEXT = {False: "#1c2230", True: "#e8eaf0"}
PAPER = {False: "#ffffff", True: "#0e1117"}
"""Of a light page and of a dark one."""
SIMULATED = "simulated data"
"""The note in every figure and picture of such data."""

_FONT = "Inter, 'Source Sans 3', 'Source Sans Pro', system-ui, 'Helvetica Neue', sans-serif"
_EDGE = "rgba(128,136,150,0.6)"
_VEIL = {False: "rgba(255,255,255,0.75)", True: "rgba(14,17,23,0.7)"}
_STEPS = {
    False: ("#482173", "#2e6f8e", "#29af7f", "#bddf26"),
    True: ("#b58ae0", "#4c9be8", "#29af7f", "#dfe318"),
}
"""Blue to yellow, legible on the page's colour, for traces that count along a scale."""
_BETWEEN_GROUPS = 0.35  # of a row


@cache
def _theme(*, dark: bool) -> go.layout.Template:
    """Return the template that holds everything which depends on the page's colour.

    Shapes, rims of markers, lines and error bars of bars without a colour of their own get that
    of the text. A text over data takes the page's colour as its ground by ``templateitemname``
    ``"over data"``.
    """
    text = TEXT[dark]
    theme = go.layout.Template(pio.templates["plotly_dark" if dark else "plotly_white"])
    axis = {
        "gridcolor": "rgba(255,255,255,0.10)" if dark else "rgba(20,30,60,0.10)",
        "zeroline": False,
        "showline": True,
        "linecolor": _EDGE,
        "title_font_size": FONT_SIZE,
        "tickfont_size": SMALL,
        "automargin": True,
        "exponentformat": "power",  # 2×10¹³, where plotly alone writes 20T
    }
    note = {"showarrow": False, "font": {"size": SMALL}}
    theme.layout.update(
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        font={"family": _FONT, "size": FONT_SIZE, "color": text},
        margin={"l": 8, "r": 8, "t": 40, "b": 8},
        hoverlabel={
            "font": {"size": FONT_SIZE, "family": _FONT, "color": text},
            "bgcolor": "rgba(24,28,38,0.92)" if dark else "rgba(255,255,255,0.94)",
            "bordercolor": _EDGE,
        },
        modebar={"bgcolor": CLEAR, "color": "rgba(128,136,150,0.7)", "activecolor": text},
        showlegend=True,
        legend={
            "orientation": "h",
            "x": 0.0,
            "xanchor": "left",
            "y": 1.0,
            "yanchor": "bottom",
            "bgcolor": _VEIL[dark],
            "font": {"size": FONT_SIZE},
        },
        annotationdefaults=note,
        annotations=[{"name": "over data", "visible": False, "bgcolor": _VEIL[dark], **note}],
        shapedefaults={"line": {"color": text}, "fillcolor": text},
        colorway=_STEPS[dark],
        xaxis=axis,
        yaxis=axis,
    )
    theme.data.scatter[0].update(line={"color": text}, marker={"line": {"color": text}})
    theme.data.bar[0].update(error_y={"color": text})
    return theme


def house_figure(traces: Any = None, *, uirevision: str, **layout: Any) -> go.Figure:
    """Return a new figure in the light theme, its legend in one row above the axes.

    Parameters
    ----------
    traces : trace or sequence of traces, optional
    uirevision : str
        While this stays the same, zoom and legend choices survive a redraw.
    **layout
        Further layout settings.
    """
    theme = _theme(dark=False)
    return go.Figure(traces, {"template": theme, "uirevision": uirevision, **layout})


def put_on(
    figure: go.Figure, *, dark: bool = False, simulated: bool = False, solid: bool = False
) -> go.Figure:
    """Give a figure the theme of the page on which it is shown or stored, in place.

    Its texts are then `without_tags`, and those in the colour of a mark take its `LEGIBLE` one.

    Parameters
    ----------
    figure : Figure
        Of `house_figure`.
    dark : bool
        Whether the page behind the figure is dark.
    simulated : bool
        Adds the note that the data are simulated, kept in exported images.
    solid : bool
        Give the figure the page's colour as its own ground; it is clear by default.

    Returns
    -------
    Figure
        The same.
    """
    without_tags(figure)
    if simulated:
        note_simulated(figure)
    if figure.layout.template.layout.font.color != TEXT[dark]:
        figure.layout.template = _theme(dark=dark)
    for text in (*figure.layout.annotations, *figure.select_traces("scatter")):
        font = text.font if isinstance(text, go.layout.Annotation) else text.textfont
        for mark, inks in LEGIBLE.items():
            if font.color in (mark, *inks):
                font.color = inks[dark]
    if solid:
        figure.update_layout(paper_bgcolor=PAPER[dark], plot_bgcolor=PAPER[dark])
    return figure


def write(figure: go.Figure, text: str, **place: Any) -> None:
    """Write small text into a figure, in place; by default x and y are shares of its axes."""
    figure.add_annotation(text=text, **{"xref": "paper", "yref": "paper", **place})


def note_simulated(figure: go.Figure, **place: Any) -> go.Figure:
    """Note once that the data are simulated, by default above the axes at the right; in place."""
    place = {"x": 1, "y": 1, "xanchor": "right", "yanchor": "bottom", **place}
    if not any(note.name == "simulated" for note in figure.layout.annotations):
        write(figure, SIMULATED, name="simulated", font_color=INTERPOLATED, **place)
    return figure


def fixed_margins(figure: go.Figure) -> go.Figure:
    """Give a figure `MARGIN` whatever its labels, in place, and return it."""
    figure.update_layout(margin={**MARGIN, "autoexpand": False})
    figure.update_xaxes(automargin=False)
    figure.update_yaxes(automargin=False)
    return figure


def hours_axis(hours: int = 10) -> dict[str, Any]:
    """Return an axis of the hours t−9 … t, which lie at −9 … 0."""
    places = list(range(1 - hours, 1))
    return {
        "tickvals": places,
        "ticktext": ["t" if place == 0 else f"t−{-place}" for place in places],
        "range": [places[0] - 0.6, 0.6],
        "showgrid": False,
    }


def places_axis(names: Sequence[str]) -> dict[str, Any]:
    """Return an axis of things with these names, which lie at 0, 1 and so on."""
    return {
        "tickvals": list(range(len(names))),
        "ticktext": names,
        "range": [-0.5, max(len(names), 1) - 0.5],
        "showgrid": False,
    }


def place_rows(figure: go.Figure, groups: Sequence[tuple[str, Sequence[str]]]) -> list[list[float]]:
    """Lay out rows down the y axis in groups, each under a heading inside the axes.

    Long words do not fit in a margin, so they are headings; only a row's short label is a tick.

    Parameters
    ----------
    figure : Figure
        Changed in place.
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
        _write_row(figure, heading, at, xshift=4)
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


def note_row(figure: go.Figure, text: str, place: float) -> None:
    """Write into a row of `place_rows` why it is empty."""
    _write_row(figure, text, place, xshift=14, font={"size": FONT_SIZE - 2, "color": UNKNOWN})


def _write_row(figure: go.Figure, text: str, place: float, **look: Any) -> None:
    write(figure, text, xref="x domain", x=0, yref="y", y=place, xanchor="left", **look)


def error_bars(
    values: ArrayLike, low: ArrayLike, high: ArrayLike, *, thickness: float = 1.8, width: int = 4
) -> dict[str, Any]:
    """Return error bars from `low` to `high`, numbers like `values`."""
    return {
        "array": np.subtract(high, values),
        "arrayminus": np.subtract(values, low),
        "thickness": thickness,
        "width": width,
    }


def estimates(
    name: str,
    values: ArrayLike,
    intervals: Iterable[tuple[float, float]],
    places: Iterable[float],
    *,
    filled: ArrayLike,
    colour: str,
    texts: list[str],
    size: int = 10,
    upright: bool = False,
    **bars: Any,
) -> go.Scatter:
    """Return marks with error bars, open where not `filled`.

    They stand in rows of `place_rows`, or with `upright` in columns of `places_axis`.
    """
    low, high = np.array(list(intervals), dtype=float).reshape(-1, 2).T
    symbols = np.where(filled, "circle", "circle-open")
    along, across = ("y", "x") if upright else ("x", "y")
    return go.Scatter(
        {along: values, across: list(places)},
        mode="markers",
        name=name,
        marker={"size": size, "symbol": symbols, **rim(colour)},
        text=texts,
        hovertemplate="%{text}<extra></extra>",
        **{f"error_{along}": error_bars(values, low, high, **bars)},
    )


def line(
    name: str, x: Any, y: Any, colour: str, width: float, dash: str = "solid", **more: Any
) -> go.Scatter:
    """Return a line, with `more` of its trace; it answers the pointer by a ``hovertemplate``."""
    look = {"color": colour, "width": width, "dash": dash}
    hover = {} if "hovertemplate" in more else {"hoverinfo": "skip"}
    return go.Scatter(
        {"name": name, "x": x, "y": y, "mode": "lines", "line": look, **hover, **more}
    )


def guide(name: str, y: Sequence[float], *, x: Any = (0, 1), dash: str = "dash") -> go.Scatter:
    """Return a thin grey line to compare with."""
    return line(name, x, y, UNKNOWN, 1.3, dash)


def band(x: ArrayLike, low: ArrayLike, high: ArrayLike, colour: str, name: str) -> go.Scatter:
    """Return the area between two lines, of the places where both are known."""
    known = np.isfinite(low) & np.isfinite(high)
    x, low, high = (np.asarray(values)[known] for values in (x, low, high))
    return go.Scatter(
        x=np.concatenate([x, x[::-1]]),
        y=np.concatenate([high, low[::-1]]),
        mode="lines",
        fill="toself",
        fillcolor=colour,
        line={"width": 0},
        name=name,
        hoverinfo="skip",
    )


def rim(colour: Any) -> dict[str, Any]:
    """Return a marker's colour with a rim of the same, to show as well where it is open."""
    return {"color": colour, "line": {"width": 2, "color": colour}}


def largest_exponent(values: Iterable[float], default: int = 21) -> int:
    """Exponent of ten of the largest magnitude; `default` where none is above 0."""
    magnitudes = np.abs(np.asarray(list(values), np.float64))
    magnitudes = magnitudes[np.isfinite(magnitudes) & (magnitudes > 0)]
    return int(np.floor(np.log10(magnitudes.max()))) if magnitudes.size else default

"""Pictures of a region's hours as a figure that plays."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from PIL import Image

from analysis.figures import style
from analysis.figures.film import SECONDS, one_size
from analysis.figures.filmstrip import image_layer, picture_bytes

__all__ = ["animation_figure"]

_MOST = 2_100_000
"""Bytes of 48 pictures together, which base64 makes a third more; twice as many for more hours."""
_WAYS = ((82, 1.0), (65, 1.0), (45, 1.0), (45, 0.5), (20, 0.5))
"""Quality and scale, the best that is small enough."""
_BUTTONS = 92
"""Width that the buttons take at the left of the slider, pixels."""
_BELOW = 84
"""Height that slider and buttons take below the pictures, pixels."""


def animation_figure(pictures: Sequence[Image.Image], labels: Sequence[str]) -> go.Figure:
    """Draw pictures that play, with buttons and a slider over the hours.

    It needs margins of 84 px below, for the slider and the buttons, and 4 px elsewhere.

    Parameters
    ----------
    pictures : sequence of Image
        In order of time; each goes in as WebP, together under 3 MB for as many as 48 hours.
    labels : sequence of str
        One a picture, next to the slider: its time, TAI.

    Raises
    ------
    ValueError
        If there is no picture, or not a label for each.
    """
    if len(labels) != len(pictures):
        raise ValueError(f"{len(pictures)} pictures need a label each, got {len(labels)}")
    pictures = one_size(pictures)
    width, rows = pictures[0].size
    layers = [image_layer(one, "webp", 0, rows, width, rows) for one in _encoded(pictures)]
    names = [str(index) for index in range(len(layers))]
    axis = {"visible": False, "fixedrange": True, "constrain": "domain"}
    figure = style.house_figure(
        # Axes without a trace would not be drawn.
        go.Scatter(x=[0, width], y=[0, rows], mode="none", hoverinfo="skip", name="film"),
        uirevision="film",
        height=560,
        showlegend=False,
        hovermode=False,
        dragmode=False,
        images=[layers[0]],
        updatemenus=[_buttons()],
        sliders=[_slider(names, labels)],
        margin={"l": 4, "r": 4, "t": 4, "b": _BELOW},
        xaxis={"range": [0, width], **axis},
        yaxis={"range": [0, rows], "scaleanchor": "x", "constraintoward": "bottom", **axis},
    )
    figure.frames = [
        go.Frame(name=name, layout={"images": [layer]})
        for name, layer in zip(names, layers, strict=True)
    ]
    return figure


def _encoded(pictures: Sequence[Image.Image]) -> list[bytes]:
    """Encode pictures as well as their number allows; some of them show how large all will be."""
    some = pictures[:: -(-len(pictures) // 6)]
    each = _MOST * min(2.0, max(1.0, len(pictures) / 48)) / len(pictures)
    quality, scale = next(
        (way for way in _WAYS if sum(len(_webp(one, *way)) for one in some) <= each * len(some)),
        _WAYS[-1],
    )
    return [_webp(one, quality, scale) for one in pictures]


def _webp(picture: Image.Image, quality: int, scale: float) -> bytes:
    if scale != 1.0:
        picture = picture.resize((round(picture.width * scale), round(picture.height * scale)))
    return picture_bytes(picture, "webp", quality=quality, method=2)


def _at_once(seconds: float, *, onwards: bool) -> dict[str, Any]:
    return {
        "mode": "immediate",
        "fromcurrent": onwards,
        # A picture in the layout is drawn anew only by a redraw.
        "frame": {"duration": round(1000 * seconds), "redraw": True},
        "transition": {"duration": 0},
    }


def _buttons() -> dict[str, Any]:
    return {
        "type": "buttons",
        "direction": "left",
        "showactive": False,
        "x": 0.0,
        "xanchor": "left",
        "y": 0.0,
        "yanchor": "top",
        "pad": {"t": 22},
        "bgcolor": "rgba(128,136,150,0.16)",
        "bordercolor": "rgba(128,136,150,0.6)",
        # Under the pointer a button is nearly white whatever the page.
        "font": {"size": style.FONT_SIZE, "color": "#7d8496"},
        "buttons": [
            {"label": "▶", "method": "animate", "args": [None, _at_once(SECONDS, onwards=True)]},
            {"label": "❚❚", "method": "animate", "args": [[None], _at_once(0.0, onwards=False)]},
        ],
    }


def _slider(names: Sequence[str], labels: Sequence[str]) -> dict[str, Any]:
    return {
        "pad": {"l": _BUTTONS, "r": 12, "t": 4, "b": 0},
        "currentvalue": {"suffix": " TAI", "offset": 6, "font": {"size": style.FONT_SIZE}},
        "font": {"size": style.FONT_SIZE - 2},
        "bgcolor": "rgba(128,136,150,0.35)",
        "activebgcolor": style.PIL,
        "bordercolor": "rgba(128,136,150,0.6)",
        "tickcolor": "rgba(128,136,150,0.8)",
        "ticklen": 4,
        "minorticklen": 2,
        "transition": {"duration": 0},
        "steps": [
            {"label": label, "method": "animate", "args": [[name], _at_once(0.0, onwards=False)]}
            for name, label in zip(names, labels, strict=True)
        ],
    }

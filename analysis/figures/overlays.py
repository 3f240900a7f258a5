"""What is drawn on a magnetogram: heat map, lines and regions, crop box, graticule.

Masks become lines, exact at any zoom and light; a heat map's values become colours.
"""

import re
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.colors import hex_to_rgb, sample_colorscale

from analysis.figures import style
from analysis.physics.coordinates import heliographic_to_pixel, pixel_to_heliographic
from analysis.physics.pil import PilMasks
from hnn_core.magnetogram.magnetogram import Magnetogram
from hnn_core.magnetogram.preprocess import CropBox

__all__ = [
    "HEAT_SCALE",
    "INCLINATION_SCALE",
    "PAPER_SCALE",
    "SIGNED_SCALE",
    "channels",
    "colour_bar",
    "crop_trace",
    "graticule_trace",
    "growing",
    "haloed",
    "heat_limits",
    "heat_rgba",
    "heat_traces",
    "heat_unit",
    "line_path",
    "mask_traces",
    "multiples",
    "outline_path",
]


def growing(palette: str, start: float = 0.0) -> tuple[tuple[float, str], ...]:
    """Return a palette of plotly, from `start` on, whose opacity grows with the value.

    It ends at 0.8: at the usual opacity of a map, the field keeps half its contrast there.
    """
    places = np.linspace(0.0, 1.0, 9)
    colours = sample_colorscale(palette, start + (1.0 - start) * places, colortype="tuple")
    return tuple(
        (float(at), f"rgba({','.join(f'{255 * one:.0f}' for one in colour)},{0.8 * at:g})")
        for at, colour in zip(places, colours, strict=True)
    )


HEAT_SCALE = growing("Plasma", 0.5)
"""Rose and clear (little) to yellow (much attention): perceptual, and safe for colour-blind eyes.

It starts where plasma is as light as the middle grey of the field: what is darker would pass
through that grey for an eye without red or green cones.
"""

PAPER_SCALE = (
    (0.0, "#00007f"),
    (0.125, "#0000ff"),
    (0.375, "#00ffff"),
    (0.625, "#ffff00"),
    (0.875, "#ff0000"),
    (1.0, "#7f0000"),
)
"""Dark blue (little) to dark red (much attention), as the paper's Figure 5."""

INCLINATION_SCALE = (
    (0.0, "rgba(0,0,0,1)"),
    (0.25, "rgba(58,48,92,1)"),
    (0.5, "rgba(74,110,145,1)"),
    (0.75, "rgba(112,183,168,1)"),
    (1.0, "rgba(244,245,215,1)"),
)
"""Black (vertical) through blue and green to nearly white (horizontal), even in lightness."""

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


def line_path(pil: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Segments between neighbouring pixels of thin lines (rows, cols), to draw at any zoom.

    Returns
    -------
    x, y : float arrays
        Columns and rows of segment ends; NaN after each segment.
    """
    rows, cols = pil.shape
    padded = np.pad(np.asarray(pil, dtype=bool), 1)

    def neighbour(down: int, right: int) -> np.ndarray:
        return padded[1 + down : 1 + down + rows, 1 + right : 1 + right + cols]

    segments = []
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        linked = pil & neighbour(down, right)
        if down and right:
            # A diagonal that cuts a corner would draw a triangle.
            linked &= ~(neighbour(0, right) | neighbour(down, 0))
        row, col = np.nonzero(linked)
        segments.append(np.stack([col, row, col + right, row + down], axis=1))
    return _segments(np.concatenate(segments).astype(np.float64))


def outline_path(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pixel edges between a mask (rows, cols) and its outside.

    Returns
    -------
    x, y : float arrays
        Columns and rows of segment ends, at half pixels; NaN after each segment. Edges in a
        row or column are joined to one segment.
    """
    padded = np.pad(np.asarray(mask, dtype=np.int8), 1)
    upright = _runs(np.diff(padded[1:-1], axis=1).T)
    level = _runs(np.diff(padded[:, 1:-1], axis=0))
    segments = np.concatenate([level[:, [1, 0, 2, 0]], upright[:, [0, 1, 0, 2]]])
    return _segments(segments - 0.5)


def _runs(change: np.ndarray) -> np.ndarray:
    """Find runs of equal, non-zero values along rows: (n, 3) of row, first, past the last."""
    padded = np.pad(change, ((0, 0), (1, 1)))
    step = np.diff(padded, axis=1) != 0
    row, start = np.nonzero(step & (padded[:, 1:] != 0))
    _, stop = np.nonzero(step & (padded[:, :-1] != 0))
    return np.stack([row, start, stop], axis=1).astype(np.float64)


def _segments(ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    gap = np.full(len(ends), np.nan)
    x = np.stack([ends[:, 0], ends[:, 2], gap], axis=1)
    y = np.stack([ends[:, 1], ends[:, 3], gap], axis=1)
    return x.ravel().astype(np.float32), y.ravel().astype(np.float32)


_ROLLOUT = "attention rollout"


def heat_unit(heat_name: str) -> str:
    """Return the unit of a map's values: rollout shares out attention, the rest log-odds."""
    return "share of attention per token" if heat_name.startswith(_ROLLOUT) else "log-odds"


def heat_limits(
    heats: Sequence[np.ndarray],
    heat_range: tuple[float, float] | None = None,
    *,
    signed: bool = False,
) -> tuple[float, float]:
    """Return the values at the ends of the colour scale.

    Parameters
    ----------
    heats : sequence of arrays
        That share the scale; NaN where there is nothing.
    heat_range : (float, float), optional
        Instead of the extremes of `heats`.
    signed : bool
        Make them symmetric about 0, so that the scale's middle is 0.

    Returns
    -------
    low, high : float
        Never equal; (0, 1) or (−1, 1) where there is no number.
    """
    if heat_range is not None:
        low, high = heat_range
    else:
        known = [heat[np.isfinite(heat)] for heat in heats]
        values = np.concatenate(known) if known else np.empty(0)
        low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    if signed:
        high = max(-low, high)
        return (-high, high) if high > 0.0 else (-1.0, 1.0)
    return low, high if high > low else low + 1.0


def heat_rgba(heat: np.ndarray, limits: tuple[float, float], *, signed: bool = False) -> np.ndarray:
    """Colour values.

    Parameters
    ----------
    heat : (...) array
        NaN comes out clear.
    limits : (float, float)
        As `heat_limits` gives them; what lies outside gets the end's colour.
    signed : bool

    Returns
    -------
    (..., 4) float array
        Red, green, blue and opacity, 0 to 1.
    """
    scale = _scale(signed=signed)
    stops = [position for position, _ in scale]
    colours = np.array([channels(colour) for _, colour in scale])
    fraction = np.nan_to_num((heat - limits[0]) / (limits[1] - limits[0]))
    rgba = np.stack([np.interp(fraction, stops, channel) for channel in colours.T], axis=-1)
    rgba[..., 3] *= np.isfinite(heat)
    return rgba


def _scale(*, signed: bool) -> tuple[tuple[float, str], ...]:
    return SIGNED_SCALE if signed else HEAT_SCALE


def channels(colour: str) -> tuple[float, float, float, float]:
    """Read ``#rrggbb`` or ``rgba(r, g, b, opacity)`` as four numbers of 0 to 1."""
    if colour.startswith("#"):
        red, green, blue = hex_to_rgb(colour)
        opacity = 1.0
    else:
        red, green, blue, opacity = map(float, re.findall(r"[\d.]+", colour))
    return red / 255, green / 255, blue / 255, opacity


def heat_traces(
    mag: Magnetogram,
    heat: np.ndarray,
    crop_box: CropBox | None,
    *,
    whole_box: bool,
    opacity: float,
    heat_name: str,
    signed: bool,
) -> list[go.Heatmap | go.Scatter]:
    """Draw the heat map, and its bar as it looks over middle grey.

    Parameters and errors as in `magnetogram_figure`. With `whole_box` tokens outside the patch
    are drawn too.
    """
    heat = np.asarray(heat, dtype=np.float32)
    if heat.shape == mag.shape:
        values, x, y = heat, np.arange(heat.shape[1]), np.arange(heat.shape[0])
    elif crop_box is not None and heat.ndim == 2 and heat.shape[0] == heat.shape[1]:
        values, x, y = _token_cells(heat, crop_box, None if whole_box else mag.shape)
    else:
        raise ValueError(
            f"heat of shape {heat.shape} is neither on the patch {mag.shape} "
            "nor a square of tokens with a crop box"
        )
    low, high = heat_limits([heat], signed=signed)
    number, unit = "%{z:+.3g}" if signed else "%{z:.3g}", heat_unit(heat_name)
    drawn = go.Heatmap(
        x=x,
        y=y,
        z=values,
        name=heat_name,
        colorscale=[list(stop) for stop in _scale(signed=signed)],
        zmin=low,
        zmax=high,
        opacity=opacity,
        hovertemplate=f"{heat_name} {number} {unit}<extra></extra>",
        showscale=False,
        showlegend=True,
        legendrank=990,
    )
    bar = go.Scatter(
        x=[None],
        y=[None],
        mode="markers",
        name=f"{heat_name} bar",
        marker={
            "color": [low],
            "cmin": low,
            "cmax": high,
            "colorscale": _over_grey(_scale(signed=signed), opacity),
            "showscale": True,
            "colorbar": _heat_bar(heat_name, unit),
        },
        showlegend=False,
        hoverinfo="skip",
    )
    return [drawn, bar]


def _over_grey(scale: Sequence[tuple[float, str]], opacity: float) -> list[tuple[float, str]]:
    """Compose a scale over middle grey, since plotly's bars know no opacity."""
    found = []
    for at, colour in scale:
        *rgb, alpha = channels(colour)
        share = alpha * opacity
        mixed = (round(255 * (share * one + (1.0 - share) * 0.5)) for one in rgb)
        found.append((at, f"rgb({','.join(map(str, mixed))})"))
    return found


def _heat_bar(heat_name: str, unit: str) -> dict[str, Any]:
    """Return a bar whose title is no longer than "attention rollout", the space there is."""
    bar = colour_bar(heat_name, upper=False, half=True)
    if unit == "log-odds":
        name, _, target = heat_name.partition(" for ")
        text = f"{name} ({unit})" + (f"<br>for {target}" if target else "")
        bar["title"] |= {"text": text, "font": {"size": style.FONT_SIZE - 2}}
    return bar


def _token_cells(
    tokens: np.ndarray, box: CropBox, limits: tuple[int, int] | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values and cell edges of tokens in pixel coordinates, cut at the patch."""
    n = tokens.shape[0]
    edges, kept = [], []
    for axis, start in enumerate((box.row0, box.col0)):
        edge = start - 0.5 + box.size / n * np.arange(n + 1)
        first, last = 0, n - 1
        if limits is not None:
            inside = (edge[1:] > -0.5) & (edge[:-1] < limits[axis] - 0.5)
            first, last = np.flatnonzero(inside)[[0, -1]]
            edge = np.clip(edge, -0.5, limits[axis] - 0.5)
        edges.append(edge[first : last + 2])
        kept.append(slice(first, last + 1))
    return tokens[kept[0], kept[1]], edges[1], edges[0]


def mask_traces(masks: PilMasks | None, show: Collection[str]) -> list[go.Scatter]:
    """Draw those of the masks that are to be shown, the lines on top."""
    traces = []
    if masks is not None and "hull" in show:
        traces += haloed("convex hull", *outline_path(masks.hull), style.HULL, 1.6, dash="dash")
    if masks is not None and "ropi" in show:
        traces += haloed("RoPI", *outline_path(masks.ropi), style.ROPI, 1.4)
    if masks is not None and "pil" in show:
        traces += haloed("PIL", *line_path(masks.pil), style.PIL, 2.6)
    return traces


def haloed(
    name: str,
    x: np.ndarray,
    y: np.ndarray,
    colour: str,
    width: float,
    *,
    dash: str = "solid",
    halo: str = "rgba(0,0,0,0.65)",
) -> list[go.Scatter]:
    """Draw a line on a wider one, so that it shows on white field and on heat alike."""
    group = {"legendgroup": name}
    return [
        style.line(f"{name} halo", x, y, halo, width + 2, showlegend=False, **group),
        style.line(name, x, y, colour, width, dash, **group),
    ]


def crop_trace(box: CropBox) -> go.Scatter:
    """Draw the outline of the square that the network sees."""
    left, bottom = box.col0 - 0.5, box.row0 - 0.5
    right, top = left + box.size, bottom + box.size
    x, y = [left, right, right, left, left], [bottom, bottom, top, top, bottom]
    return style.line(f"network's view, {box.size}×{box.size} px", x, y, style.CROP, 2, "dash")


def graticule_trace(mag: Magnetogram) -> go.Scatter:
    """Draw meridians and parallels every 5°, cut at the patch's edges."""
    rows, cols = mag.shape
    row, column = np.mgrid[-0.5 : rows - 0.5 : 20j, -0.5 : cols - 0.5 : 20j]
    positions = pixel_to_heliographic(mag, column, row)
    lines = []
    for axis in (0, 1):
        fixed, running = positions[axis], positions[1 - axis]
        # NaN at the end lifts the pen.
        along = np.append(np.linspace(running.min(), running.max(), 200), np.nan)
        for value in multiples(float(fixed.min()), float(fixed.max()), 5.0):
            pair = (np.full_like(along, value), along)
            lines.append(pair if axis == 0 else pair[::-1])
    x, y = np.empty((2, 0))
    if lines:
        x, y = heliographic_to_pixel(mag, *np.concatenate(lines, axis=1))
        outside = (x < -0.5) | (x > cols - 0.5) | (y < -0.5) | (y > rows - 0.5)
        x, y = np.where(outside, np.nan, x), np.where(outside, np.nan, y)
    x, y = x.astype(np.float32), y.astype(np.float32)
    return style.line("5° grid", x, y, "rgba(120,190,255,0.55)", 1)


def colour_bar(title: str, *, upper: bool, half: bool) -> dict[str, Any]:
    """Bars stand right of the axes, above one another when there are two."""
    size = {"len": 0.48, "y": 1.0 if upper else 0.0, "yanchor": "top" if upper else "bottom"}
    return {
        "title": {"text": title, "side": "right", "font": {"size": style.FONT_SIZE}},
        "tickfont": {"size": style.SMALL},
        "thickness": 14,
        "x": 1.01,
        "xpad": 6,
        "ypad": 0,
        "outlinewidth": 1,
        "outlinecolor": "rgba(128,136,150,0.6)",
        **(size if half else {}),
    }


def multiples(low: float, high: float, step: float) -> np.ndarray:
    """Multiples of a step within an interval."""
    return step * np.arange(np.ceil(low / step), np.floor(high / step) + 1)

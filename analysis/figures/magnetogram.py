"""The magnetogram of an active region with everything that is drawn on it."""

from collections.abc import Collection
from typing import Any

import numpy as np
import plotly.graph_objects as go

from analysis.figures import overlays, style
from analysis.physics.coordinates import pixel_to_heliographic
from analysis.physics.pil import PilMasks
from hnn_core.exceptions import MissingKeywordError
from hnn_core.magnetogram.magnetogram import Magnetogram
from hnn_core.magnetogram.preprocess import CropBox

__all__ = ["OVERLAYS", "magnetogram_figure"]

OVERLAYS = ("pil", "ropi", "hull", "crop", "graticule")
"""What can be drawn over the field, apart from a heat map."""


def magnetogram_figure(
    mag: Magnetogram,
    *,
    clip: float = 500.0,
    heat: np.ndarray | None = None,
    heat_opacity: float = 0.6,
    heat_name: str = "attention rollout",
    signed: bool = False,
    masks: PilMasks | None = None,
    show: Collection[str] = ("pil",),
    crop_box: CropBox | None = None,
    hover_position: bool = True,
    width: int = 1000,
) -> go.Figure:
    """Draw a magnetogram in grey on heliographic axes, with overlays.

    Axes count native pixels from 0 (row 0 south, column 0 east, whole numbers at pixel
    centres); their labels are the longitude from the central meridian along the southern
    edge and the latitude along the eastern edge, exact from the WCS. A patch without WCS
    keywords gets axes in pixels.

    Parameters
    ----------
    mag : Magnetogram
        NaN pixels stay clear.
    clip : float
        Field strength drawn black or white, gauss.
    heat : (rows, cols) or (g, g) array, optional
        A map of the network: on the patch's pixels (NaN is clear), or on the tokens of
        `crop_box`, row 0 south.
    heat_opacity : float
        0 (clear) to 1.
    heat_name : str
        What the map is, for its colour bar and on hover. Attention rollout counts in shares of
        attention per token, any other map in log-odds.
    signed : bool
        Negative values speak against the class: the scale is symmetric about 0 and clear there.
    masks : PilMasks, optional
        Lines and regions for the overlays.
    show : collection of str
        Which of `OVERLAYS` to draw, as far as `masks` and `crop_box` are given.
    crop_box : CropBox, optional
        The square that the network sees. While it is shown the axes reach to its edges, and
        tokens outside the patch are drawn too.
    hover_position : bool
        Give longitude and latitude of every pixel on hover; costs 3 bytes a pixel.
    width : int
        Width of the page in pixels that the height is chosen for; the figure itself takes
        the width it is given.

    Raises
    ------
    ValueError
        If `clip` is not positive, an overlay is unknown, `heat` fits neither the patch nor
        a crop box, or masks are of another shape.
    """
    if not clip > 0:
        raise ValueError(f"clip must be a positive field in gauss, got {clip}")
    if unknown := sorted(set(show) - set(OVERLAYS)):
        raise ValueError(f"unknown overlays {unknown}: choose from {OVERLAYS}")
    if masks is not None and masks.pil.shape != mag.shape:
        raise ValueError(f"masks of shape {masks.pil.shape} for a field of {mag.shape}")
    box = crop_box if "crop" in show else None
    edges = edge_positions(mag)
    traces: list[go.Heatmap | go.Scatter] = [_field_trace(mag, clip, half_bar=heat is not None)]
    if heat is not None:
        look: dict[str, Any] = {"opacity": heat_opacity, "heat_name": heat_name, "signed": signed}
        traces += overlays.heat_traces(mag, heat, crop_box, whole_box=box is not None, **look)
    if edges is not None and hover_position:
        traces.append(_position_trace(mag))
    if edges is not None and "graticule" in show:
        traces.append(overlays.graticule_trace(mag))
    traces += overlays.mask_traces(masks, show)
    if box is not None:
        traces.append(overlays.crop_trace(box))
    figure = style.house_figure(
        traces,
        uirevision=f"magnetogram {mag.harp} {'' if box is None else 'crop'}",
        # The one mode that answers for several heat maps at once.
        hovermode="x unified",
        dragmode="zoom",
        **_layout(mag, edges, box, width),
    )
    return style.note_simulated(figure) if mag.simulated else figure


def _field_trace(mag: Magnetogram, clip: float, *, half_bar: bool) -> go.Heatmap:
    return go.Heatmap(
        z=_whole_gauss(mag.field),
        name="field",
        colorscale=[(0.0, "#000000"), (1.0, "#ffffff")],
        zmin=-clip,
        zmax=clip,
        colorbar=overlays.colour_bar("B<sub>LOS</sub> (G)", upper=True, half=half_bar),
        hovertemplate="<b>%{z:+d} G</b>, column %{x}, row %{y}<extra></extra>",
    )


def _whole_gauss(field: np.ndarray) -> np.ndarray:
    """Round to 1 G, a sixth of the noise: two bytes a pixel instead of four."""
    limit = np.iinfo(np.int16).max
    rounded = np.clip(np.rint(field), -limit, limit)
    # Only floats have NaN for missing pixels.
    return rounded.astype(np.int16 if np.isfinite(field).all() else np.float32)


def edge_positions(mag: Magnetogram) -> tuple[np.ndarray, np.ndarray] | None:
    """Longitudes of the southern row and latitudes of the eastern column, degrees.

    None for a patch whose header does not hold them: it is drawn on pixel axes.
    """
    rows, cols = mag.shape
    try:
        longitude, latitude = pixel_to_heliographic(
            mag,
            np.concatenate([np.arange(cols), np.zeros(rows)]),
            np.concatenate([np.zeros(cols), np.arange(rows)]),
        )
    except MissingKeywordError:
        return None
    return longitude[:cols], latitude[cols:]


def _position_trace(mag: Magnetogram) -> go.Heatmap:
    """Answer the pointer with the position, on clear blocks of 2×2 pixels.

    The centre of a block is half a pixel (0.015°) from its pixels' centres; a quarter of
    the numbers is a quarter of what the browser has to fetch.
    """
    rows, cols = mag.shape
    row, column = np.mgrid[0.5:rows:2, 0.5:cols:2]
    blocks = np.stack(pixel_to_heliographic(mag, column, row), axis=-1).astype(np.float32)
    return go.Heatmap(
        z=np.zeros(blocks.shape[:2], dtype=np.uint8),
        x0=0.5,
        dx=2,
        y0=0.5,
        dy=2,
        customdata=blocks,
        name="position",
        opacity=0.0,
        showscale=False,
        hovertemplate=(
            "longitude %{customdata[0]:+.2f}°, latitude %{customdata[1]:+.2f}°<extra></extra>"
        ),
    )


def _layout(
    mag: Magnetogram, edges: tuple[np.ndarray, np.ndarray] | None, box: CropBox | None, width: int
) -> dict[str, Any]:
    """Height, and axes that reach to the edges of the patch and of the box."""
    rows, cols = mag.shape
    left, right, bottom, top = -0.5, cols - 0.5, -0.5, rows - 0.5
    if box is not None:
        left, right = min(left, box.col0 - 0.5), max(right, box.col0 + box.size - 0.5)
        bottom, top = min(bottom, box.row0 - 0.5), max(top, box.row0 + box.size - 0.5)
    x_axis: dict[str, Any] = {"title_text": "column (px)"}
    y_axis: dict[str, Any] = {"title_text": "row (px)"}
    if edges is not None:
        x_axis = {"title_text": "longitude from the central meridian (deg)"}
        x_axis |= degree_ticks(edges[0], most=12)
        y_axis = {"title_text": "latitude (deg)"} | degree_ticks(edges[1], most=8)
    common = {"constrain": "domain", "showgrid": False, "ticks": "outside"}
    return {
        # 190 px go to the colour bars and the latitudes, 110 px to what is above and below.
        "height": 110 + int(np.clip((width - 190) * (top - bottom) / (right - left), 240, 700)),
        "xaxis": {
            "range": [left, right],
            "constraintoward": "left",
            "showspikes": False,
            "unifiedhovertitle": {"text": f"{mag.t_rec.tai.isot[:16].replace('T', ' ')} TAI"},
            **common,
            **x_axis,
        },
        "yaxis": {
            "range": [bottom, top],
            "constraintoward": "top",
            "scaleanchor": "x",
            "scaleratio": 1,
            **common,
            **y_axis,
        },
    }


def degree_ticks(degrees: np.ndarray, *, most: int) -> dict[str, Any]:
    """Ticks where the position along an edge, monotonic, is a round number of degrees."""
    low, high = float(degrees[0]), float(degrees[-1])
    steps = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
    step = next((step for step in steps if (high - low) / step <= most), steps[-1])
    values = overlays.multiples(low, high, step)
    form = ".1f" if step < 1 else ".0f"
    return {
        "tickvals": np.interp(values, degrees, np.arange(len(degrees))),
        "ticktext": [f"{style.number(value, form)}°" for value in values + 0.0],
    }

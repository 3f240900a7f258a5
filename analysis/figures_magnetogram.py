"""The magnetogram of an active region with everything that is drawn on it."""

from collections.abc import Collection
from typing import Any

import numpy as np
import plotly.graph_objects as go

from analysis import figure_style as style
from analysis.coordinates import heliographic_to_pixel, pixel_to_heliographic
from analysis.pil import PilMasks
from hnn_core.exceptions import MissingKeywordError
from hnn_core.magnetogram import Magnetogram
from hnn_core.preprocess import CropBox

__all__ = ["OVERLAYS", "line_path", "magnetogram", "outline_path"]

OVERLAYS = ("pil", "ropi", "hull", "crop", "graticule")
"""What `magnetogram` can draw beside the field and the heat map."""


def magnetogram(
    mag: Magnetogram,
    *,
    clip: float = 500.0,
    heat: np.ndarray | None = None,
    heat_opacity: float = 0.45,
    heat_range: tuple[float, float] | None = None,
    heat_smooth: bool = False,
    masks: PilMasks | None = None,
    show: Collection[str] = ("pil",),
    crop_box: CropBox | None = None,
    dark: bool = False,
    title: str | None = None,
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
        Attention rollout: on the patch's pixels (NaN is clear), or on the tokens of
        `crop_box`, row 0 south.
    heat_opacity : float
        0 (clear) to 1.
    heat_range : (float, float), optional
        Values at the ends of the colour scale; the extremes of `heat` by default. Give the
        same range to compare hours.
    heat_smooth : bool
        Interpolate between the cells of the heat map; drawn cell by cell by default.
    masks : PilMasks, optional
        Lines and regions for the overlays.
    show : collection of str
        Which of `OVERLAYS` to draw, as far as `masks` and `crop_box` are given.
    crop_box : CropBox, optional
        The square that the network sees. While it is shown the axes reach to its edges, and
        tokens outside the patch are drawn too.
    dark : bool
        Whether the page is dark.
    title : str, optional
    hover_position : bool
        Give longitude and latitude of every pixel on hover; costs 3 bytes a pixel.
    width : int
        Width of the page in pixels that the height is chosen for; the figure itself takes
        the width it is given.

    Returns
    -------
    Figure

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
    edges = _edge_positions(mag)
    figure = go.Figure()
    figure.add_trace(_field_trace(mag, clip, half_bar=heat is not None))
    if heat is not None:
        figure.add_trace(
            _heat_trace(mag, heat, crop_box, box, heat_opacity, heat_range, smooth=heat_smooth)
        )
    if edges is not None and hover_position:
        figure.add_trace(_position_trace(mag))
    if edges is not None and "graticule" in show:
        figure.add_trace(_graticule_trace(mag))
    figure.add_traces(_mask_traces(masks, show))
    if box is not None:
        figure.add_trace(_crop_trace(box))
    _lay_out(figure, mag, edges, box, dark=dark, title=title, width=width)
    return figure


def _field_trace(mag: Magnetogram, clip: float, *, half_bar: bool) -> go.Heatmap:
    return go.Heatmap(
        z=_whole_gauss(mag.field),
        name="field",
        colorscale=[(0.0, "#000000"), (1.0, "#ffffff")],
        zmin=-clip,
        zmax=clip,
        colorbar=_colour_bar("B<sub>LOS</sub> (G)", upper=True, half=half_bar),
        hovertemplate="<b>%{z:+d} G</b>, column %{x}, row %{y}<extra></extra>",
    )


def _edge_positions(mag: Magnetogram) -> tuple[np.ndarray, np.ndarray] | None:
    """Longitudes of the southern row and latitudes of the eastern column, degrees.

    None for a patch whose header cannot tell: it is drawn on pixel axes.
    """
    rows, cols = mag.shape
    try:
        longitude, _ = pixel_to_heliographic(mag, np.arange(cols), np.zeros(cols))
        _, latitude = pixel_to_heliographic(mag, np.zeros(rows), np.arange(rows))
    except MissingKeywordError:
        return None
    return longitude, latitude


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


def _whole_gauss(field: np.ndarray) -> np.ndarray:
    """Round to 1 G, a sixth of the noise: two bytes a pixel instead of four."""
    limit = np.iinfo(np.int16).max
    rounded = np.clip(np.rint(field), -limit, limit)
    # Only floats can say "no data".
    return rounded.astype(np.int16 if np.isfinite(field).all() else np.float32)


def _colour_bar(title: str, *, upper: bool, half: bool) -> dict[str, Any]:
    """Bars stand right of the axes, above one another when there are two."""
    size = {"len": 0.48, "y": 1.0 if upper else 0.0, "yanchor": "top" if upper else "bottom"}
    return {
        "title": {"text": title, "side": "right", "font": {"size": style.FONT_SIZE}},
        "tickfont": {"size": style.FONT_SIZE - 1},
        "thickness": 14,
        "x": 1.01,
        "xpad": 6,
        "ypad": 0,
        "outlinewidth": 0,
        **(size if half else {"len": 1.0, "y": 0.5, "yanchor": "middle"}),
    }


def _heat_trace(
    mag: Magnetogram,
    heat: np.ndarray,
    crop_box: CropBox | None,
    shown_box: CropBox | None,
    opacity: float,
    heat_range: tuple[float, float] | None,
    *,
    smooth: bool,
) -> go.Heatmap:
    heat = np.asarray(heat, dtype=np.float32)
    if heat.shape == mag.shape:
        values, x, y = heat, np.arange(heat.shape[1]), np.arange(heat.shape[0])
    elif crop_box is not None and heat.ndim == 2 and heat.shape[0] == heat.shape[1]:
        limits = None if shown_box is not None else mag.shape
        values, x, y = _token_cells(heat, crop_box, limits, centres=smooth)
    else:
        raise ValueError(
            f"heat of shape {heat.shape} is neither on the patch {mag.shape} "
            "nor a square of tokens with a crop box"
        )
    low, high = heat_range or (float(np.nanmin(heat)), float(np.nanmax(heat)))
    return go.Heatmap(
        x=x,
        y=y,
        z=values,
        name="attention rollout",
        colorscale=[list(stop) for stop in style.HEAT_SCALE],
        zmin=low,
        zmax=high if high > low else low + 1.0,
        zsmooth="best" if smooth else False,
        opacity=opacity,
        hovertemplate="attention %{z:.3g}<extra></extra>",
        colorbar=_colour_bar("attention rollout", upper=False, half=True),
        showlegend=True,
        legendrank=990,
    )


def _token_cells(
    tokens: np.ndarray, box: CropBox, limits: tuple[int, int] | None, *, centres: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values and cell edges (or centres) of tokens in pixel coordinates, cut at the patch."""
    n = tokens.shape[0]
    side = box.size / n
    edges = []
    kept = []
    for axis, start in enumerate((box.row0, box.col0)):
        edge = start - 0.5 + side * np.arange(n + 1)
        keep = np.ones(n, dtype=bool)
        if limits is not None:
            keep = (edge[1:] > -0.5) & (edge[:-1] < limits[axis] - 0.5)
        first, last = np.flatnonzero(keep)[[0, -1]]
        edge = edge[first : last + 2]
        if centres:
            edge = (edge[1:] + edge[:-1]) / 2
        elif limits is not None:
            edge = np.clip(edge, -0.5, limits[axis] - 0.5)
        edges.append(edge)
        kept.append(slice(first, last + 1))
    return tokens[kept[0], kept[1]], edges[1], edges[0]


def line_path(pil: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Segments between neighbouring pixels of thin lines, for drawing them at any zoom.

    Parameters
    ----------
    pil : (rows, cols) array of bool

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
    """Pixel edges between a mask and its outside.

    Parameters
    ----------
    mask : (rows, cols) array of bool

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


def _mask_traces(masks: PilMasks | None, show: Collection[str]) -> list[go.Scatter]:
    if masks is None:
        return []
    traces = []
    if "hull" in show:
        traces += _line("convex hull", *outline_path(masks.hull), style.HULL, 1.6, "dash")
    if "ropi" in show:
        traces += _line("RoPI", *outline_path(masks.ropi), style.ROPI, 1.4)
    if "pil" in show:
        traces += _line("PIL", *line_path(masks.pil), style.PIL, 2.6)
    return traces


def _line(
    name: str, x: np.ndarray, y: np.ndarray, colour: str, width: float, dash: str = "solid"
) -> list[go.Scatter]:
    """Draw a line on a dark one, so that it shows on white field and on heat alike."""
    common = {"x": x, "y": y, "mode": "lines", "hoverinfo": "skip", "legendgroup": name}
    return [
        go.Scatter(
            **common,
            name=f"{name} halo",
            showlegend=False,
            line={"color": "rgba(0,0,0,0.65)", "width": width + 2},
        ),
        go.Scatter(**common, name=name, line={"color": colour, "width": width, "dash": dash}),
    ]


def _crop_trace(box: CropBox) -> go.Scatter:
    left, bottom = box.col0 - 0.5, box.row0 - 0.5
    right, top = left + box.size, bottom + box.size
    return go.Scatter(
        x=[left, right, right, left, left],
        y=[bottom, bottom, top, top, bottom],
        mode="lines",
        name=f"network's view, {box.size}×{box.size} px",
        line={"color": style.CROP, "width": 2, "dash": "dash"},
        hoverinfo="skip",
    )


def _graticule_trace(mag: Magnetogram) -> go.Scatter:
    """Draw meridians and parallels every 5°, cut at the patch's edges."""
    rows, cols = mag.shape
    row, column = np.mgrid[-0.5 : rows - 0.5 : 20j, -0.5 : cols - 0.5 : 20j]
    positions = pixel_to_heliographic(mag, column, row)
    lines = []
    for axis in (0, 1):
        fixed, running = positions[axis], positions[1 - axis]
        along = np.linspace(running.min(), running.max(), 200)
        for value in _multiples(float(fixed.min()), float(fixed.max()), 5.0):
            pair = (np.full_like(along, value), along)
            x, y = heliographic_to_pixel(mag, *(pair if axis == 0 else pair[::-1]))
            inside = (x > -0.5) & (x < cols - 0.5) & (y > -0.5) & (y < rows - 0.5)
            lines += [np.where(inside, np.stack([x, y]), np.nan), np.full((2, 1), np.nan)]
    x, y = np.concatenate(lines, axis=1) if lines else np.empty((2, 0))
    return go.Scatter(
        x=x.astype(np.float32),
        y=y.astype(np.float32),
        mode="lines",
        name="5° grid",
        line={"color": "rgba(120,190,255,0.55)", "width": 1},
        hoverinfo="skip",
    )


def _multiples(low: float, high: float, step: float) -> np.ndarray:
    """Multiples of a step within an interval."""
    return step * np.arange(np.ceil(low / step), np.floor(high / step) + 1)


def _lay_out(
    figure: go.Figure,
    mag: Magnetogram,
    edges: tuple[np.ndarray, np.ndarray] | None,
    box: CropBox | None,
    *,
    dark: bool,
    title: str | None,
    width: int,
) -> None:
    rows, cols = mag.shape
    left, right, bottom, top = -0.5, cols - 0.5, -0.5, rows - 0.5
    if box is not None:
        left, right = min(left, box.col0 - 0.5), max(right, box.col0 + box.size - 0.5)
        bottom, top = min(bottom, box.row0 - 0.5), max(top, box.row0 + box.size - 0.5)
    # 190 px go to the colour bars and the latitudes, 110 px to what is above and below.
    height = 110 + int(np.clip((width - 190) * (top - bottom) / (right - left), 240, 700))
    style.apply_style(
        figure,
        dark=dark,
        title=title,
        uirevision=f"magnetogram {mag.harp} {'crop' if box is not None else ''}",
        simulated=mag.simulated,
        height=height,
        showlegend=True,
        legend={
            "orientation": "h",
            "x": 0.0,
            "xanchor": "left",
            "y": 1.0,
            "yanchor": "bottom",
            "font": {"size": style.FONT_SIZE},
        },
        # The one mode that answers for several heat maps at once.
        hovermode="x unified",
        dragmode="zoom",
    )
    figure.update_layout(margin={"t": 70 if title else 40})
    x_axis: dict[str, Any] = {"title_text": "column (px)"}
    y_axis: dict[str, Any] = {"title_text": "row (px)"}
    if edges is not None:
        x_axis = {"title_text": "longitude from the central meridian (deg)"}
        x_axis |= _ticks(edges[0], most=12)
        y_axis = {"title_text": "latitude (deg)"} | _ticks(edges[1], most=8)
    figure.update_xaxes(
        range=[left, right],
        constrain="domain",
        constraintoward="left",
        showgrid=False,
        showspikes=False,
        ticks="outside",
        unifiedhovertitle={"text": f"{mag.t_rec.tai.isot[:16].replace('T', ' ')} TAI"},
        **x_axis,
    )
    figure.update_yaxes(
        range=[bottom, top],
        constrain="domain",
        constraintoward="top",
        scaleanchor="x",
        scaleratio=1,
        showgrid=False,
        ticks="outside",
        **y_axis,
    )


def _ticks(degrees: np.ndarray, *, most: int) -> dict[str, Any]:
    """Ticks where the position along an edge, monotonic, is a round number of degrees."""
    low, high = float(degrees[0]), float(degrees[-1])
    steps = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
    step = next((step for step in steps if (high - low) / step <= most), steps[-1])
    values = _multiples(low, high, step)
    decimals = 1 if step < 1 else 0
    return {
        "tickvals": np.interp(values, degrees, np.arange(len(degrees))),
        "ticktext": [f"{value:.{decimals}f}°".replace("-", "−") for value in values + 0.0],
    }

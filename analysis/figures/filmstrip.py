"""The frames of one sequence as a strip of small pictures."""

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from PIL import Image

from analysis.figures import style
from analysis.figures.overlays import heat_limits, heat_rgba, heat_unit
from hnn_core.exceptions import SequenceError
from hnn_core.magnetogram.conventions import both_scales, iso_minute
from hnn_core.magnetogram.grid import covering_box, frame_boxes, placed, placed_frame
from hnn_core.magnetogram.magnetogram import Magnetogram

__all__ = ["composite", "filmstrip_figure", "image_layer", "picture_bytes"]

_THUMBNAIL = 190
"""Width of a picture, pixels."""
_LABEL = 24
"""Height of the line that names the hour, pixels."""
_WIDTH = 0.96
"""Of a picture, in distances from one to the next, as are the axes."""


def filmstrip_figure(
    frames: Sequence[Magnetogram],
    heats: Sequence[np.ndarray] | None = None,
    *,
    clip: float = 500.0,
    heat_opacity: float = 0.6,
    heat_name: str = "attention rollout",
    signed: bool = False,
    width: int = 1000,
) -> go.Figure:
    """Draw the frames of a sequence with their heat maps, hour by hour.

    Patches that differ in size or place lie on the box that holds all of them.

    Parameters
    ----------
    frames : sequence of Magnetogram
        In order of time; the last is x_t, which is highlighted.
    heats : sequence of (rows, cols) arrays, optional
        A map of the network on the patch's pixels
        (`hnn_core.magnetogram.preprocess.tokens_to_patch`), NaN where the network saw nothing. One
        colour scale serves all frames.
    clip, heat_opacity, signed
        As in `composite`.
    heat_name : str
        What the map is, on hover with its smallest and largest value.
    width : int
        Width of the page in pixels that the height is chosen for.

    Raises
    ------
    ValueError
        If there is no frame, or not one heat map for each.
    """
    n = len(frames)
    if n == 0 or (heats is not None and len(heats) != n):
        raise ValueError(f"{n} frames need as many heat maps, and at least one frame")
    frames, heats = _on_one_grid(frames, heats)
    look: dict[str, Any] = {"clip": clip, "heat_opacity": heat_opacity, "signed": signed}
    heat_range = heat_limits(heats or (), signed=signed)
    outlines, images, labels = [], [], []
    for left, mag in enumerate(frames):
        heat = None if heats is None else heats[left]
        height = _WIDTH * mag.shape[0] / mag.shape[1]
        picture = composite(mag.field, heat, heat_range=heat_range, **look)
        content = picture_bytes(Image.fromarray(picture), "webp", quality=80)
        images.append(image_layer(content, "webp", left, 0.0, _WIDTH, height))
        extremes = "" if heat is None else _extremes(heat, heat_name, signed=signed)
        outlines.append(_outline(mag, left, height, n - 1 - left, extremes))
        labels += _labels(mag, left, height, last=left == n - 1)
    room = _LABEL * n / width
    aspect = max(mag.shape[0] / mag.shape[1] for mag in frames)
    simulated = any(mag.simulated for mag in frames)
    figure = style.house_figure(
        outlines,
        uirevision="filmstrip",
        images=images,
        annotations=labels,
        height=round((room + aspect) * width / n) + 16 + 20 * simulated,
        margin={"l": 8, "r": 8, "t": 8 + 20 * simulated, "b": 8},
        showlegend=False,
        hovermode="closest",
        dragmode=False,
        meta={"hours": [iso_minute(mag.t_rec) for mag in frames], "shift": _WIDTH / 2},
        xaxis={"range": [-0.01, n - 0.03], "visible": False, "fixedrange": True},
        yaxis={
            "range": [-aspect, room],
            "visible": False,
            "fixedrange": True,
            "scaleanchor": "x",
            "constrain": "domain",
        },
    )
    return style.note_simulated(figure, x=0, xanchor="left") if simulated else figure


def _on_one_grid(
    frames: Sequence[Magnetogram], heats: Sequence[np.ndarray] | None
) -> tuple[Sequence[Magnetogram], Sequence[np.ndarray] | None]:
    """Place frames and maps on the box that holds all; as they are where it is not known."""
    try:
        boxes = frame_boxes(frames)
    except SequenceError:
        return frames, heats
    whole = covering_box(boxes)
    if heats is not None:
        heats = [placed(heat, box, whole) for heat, box in zip(heats, boxes, strict=True)]
    return [placed_frame(one, at, whole) for one, at in zip(frames, boxes, strict=True)], heats


def composite(
    field: np.ndarray,
    heat: np.ndarray | None = None,
    *,
    clip: float = 500.0,
    heat_opacity: float = 0.6,
    heat_range: tuple[float, float] | None = None,
    signed: bool = False,
    width: int = _THUMBNAIL,
) -> np.ndarray:
    """Blend a magnetogram and a heat map to a small colour picture.

    Parameters
    ----------
    field : (rows, cols) array
        Gauss, row 0 south; NaN is drawn as no field.
    heat : (rows, cols) array, optional
        NaN is clear.
    clip, heat_opacity, signed
        As in `analysis.figures.magnetogram.magnetogram_figure`.
    heat_range : (float, float), optional
        Values at the ends of the colour scale; the extremes of `heat` by default.
    width : int
        Largest width of the picture, pixels.

    Returns
    -------
    (h, w, 3) array of uint8
        Row 0 north, as pictures are.
    """
    step = -(-field.shape[1] // width)
    small = np.nan_to_num(_block_mean(field, step))
    grey = np.clip(small / (2.0 * clip) + 0.5, 0.0, 1.0)[..., np.newaxis] * np.ones(3)
    if heat is not None:
        cells = heat[step // 2 :: step, step // 2 :: step][: grey.shape[0], : grey.shape[1]]
        colour = heat_rgba(cells, heat_limits([heat], heat_range, signed=signed), signed=signed)
        seen = colour[..., 3:] * heat_opacity
        grey = (1.0 - seen) * grey + seen * colour[..., :3]
    return np.rint(255.0 * grey[::-1]).astype(np.uint8)


def picture_bytes(picture: Image.Image, kind: str, **options: Any) -> bytes:
    """Return a picture as the bytes of a file; `options` are those of Pillow for the kind."""
    buffer = io.BytesIO()
    picture.save(buffer, format=kind, **options)
    return buffer.getvalue()


def image_layer(
    content: bytes, kind: str, x: float, y: float, width: float, height: float
) -> dict[str, Any]:
    """Return a picture below the traces, as a figure's layout takes it; x and y of its top left."""
    return {
        "source": f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}",
        "xref": "x",
        "yref": "y",
        "x": x,
        "y": y,
        "sizex": width,
        "sizey": height,
        "sizing": "stretch",
        "layer": "below",
    }


def _block_mean(field: np.ndarray, step: int) -> np.ndarray:
    """Mean over step × step pixels; the pixels left over at the edges are dropped."""
    rows, cols = (step * (length // step) for length in field.shape)
    blocks = np.nan_to_num(field[:rows, :cols]).reshape(rows // step, step, cols // step, step)
    return blocks.mean(axis=(1, 3))


def _extremes(heat: np.ndarray, heat_name: str, *, signed: bool) -> str:
    """Range of a map, as lines of the hover text."""
    values = heat[np.isfinite(heat)]
    if not values.size:
        return ""
    form = "+.2g" if signed else ".2g"
    low, high = (style.number(value, form) for value in (values.min(), values.max()))
    return f"<br>{heat_name} from {low} to {high}<br>{heat_unit(heat_name)}"


def _outline(mag: Magnetogram, left: int, height: float, before: int, extremes: str) -> go.Scatter:
    """Outline one picture, the last in the colour of the text, and answer the pointer."""
    line: dict[str, Any] = {"color": "rgba(128,136,150,0.5)", "width": 1.0}
    if not before:
        line = {"width": 3.0}
    if mag.interpolated:
        line = {"color": style.INTERPOLATED, "width": 2.5, "dash": "dash"}
    name = f"t−{before} h" if before else "t"
    filled = ", interpolated" if mag.interpolated else ""
    right = left + _WIDTH
    return go.Scatter(
        x=[left, right, right, left, left],
        y=[0.0, 0.0, -height, -height, 0.0],
        mode="lines",
        line=line,
        fill="toself",
        fillcolor=style.CLEAR,
        hoveron="fills",
        hoverinfo="text",
        text=f"{both_scales(mag.t_rec)}<br>{name}{filled}{extremes}",
        name=name,
    )


def _labels(mag: Magnetogram, left: int, height: float, *, last: bool) -> list[dict[str, Any]]:
    """Time above a picture, and the mark of an interpolated one."""
    time = mag.t_rec.tai.isot[11:16]
    text = f"<b>{time}</b>" if last else time
    notes = [{"text": text, "x": left, "y": 0.0, "xanchor": "left", "yanchor": "bottom"}]
    if mag.interpolated:
        notes.append(
            {
                "text": "interpolated",
                "x": left + _WIDTH / 2,
                "y": -height,
                "yanchor": "bottom",
                "font": {"color": "#1c2230"},
                "bgcolor": style.INTERPOLATED,
            }
        )
    return notes

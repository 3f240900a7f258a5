"""The frames of one sequence as a strip of small pictures."""

import base64
import io
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from PIL import Image

from analysis.figures import style
from analysis.figures.overlays import heat_limits, heat_rgba, heat_unit
from hnn_core.magnetogram.magnetogram import Magnetogram

__all__ = ["composite", "filmstrip_figure"]

_THUMBNAIL = 190
"""Width of a picture, pixels."""
_LABEL = 24
"""Height of the line that names the hour, pixels."""


def filmstrip_figure(
    frames: Sequence[Magnetogram],
    heats: Sequence[np.ndarray] | None = None,
    *,
    interpolated: Sequence[bool] | None = None,
    current: int = -1,
    columns: int | None = None,
    clip: float = 500.0,
    heat_opacity: float = 0.45,
    heat_name: str = "attention rollout",
    signed: bool = False,
    width: int = 1000,
) -> go.Figure:
    """Draw the frames of a sequence with their heat maps, hour by hour.

    Parameters
    ----------
    frames : sequence of Magnetogram
        In order of time; the last is x_t.
    heats : sequence of (rows, cols) arrays, optional
        A map of the network on the patch's pixels
        (`hnn_core.magnetogram.preprocess.tokens_to_patch`), NaN where the network saw nothing. One
        colour scale serves all frames.
    interpolated : sequence of bool, optional
        Frames that fill a gap; by default what the frames say of themselves.
    current : int
        The frame to highlight.
    columns : int, optional
        Pictures in a row; all of them by default.
    clip : float
        Field strength drawn black or white, gauss.
    heat_opacity : float
        0 (clear) to 1.
    heat_name : str
        What the map is, on hover beside its least and largest value.
    signed : bool
        Negative values speak against the class: the scale is symmetric about 0 and clear there.
    width : int
        Width of the page in pixels that the height is chosen for.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If there is no frame, or not one heat map and mark for each.
    """
    n = len(frames)
    marks = [mag.interpolated for mag in frames] if interpolated is None else list(interpolated)
    if n == 0 or len(marks) != n or (heats is not None and len(heats) != n):
        raise ValueError(f"{n} frames need as many heat maps and marks, and at least one frame")
    columns = min(columns or n, n)
    heat_range = heat_limits(heats or (), signed=signed)
    label = _LABEL * columns / width  # in widths of a picture, as are the axes
    aspect = max(mag.shape[0] / mag.shape[1] for mag in frames)
    figure = go.Figure()
    for index, mag in enumerate(frames):
        picture = composite(
            mag.field,
            None if heats is None else heats[index],
            clip=clip,
            heat_opacity=heat_opacity,
            heat_range=heat_range,
            signed=signed,
        )
        left, top = float(index % columns), -float(index // columns) * (aspect + label)
        _add_picture(figure, picture, left, top, mag.shape[0] / mag.shape[1])
        highlight = index == current % n
        told = "" if heats is None else _extremes(heats[index], heat_name, signed=signed)
        _add_frame(figure, left, top, mag, n - 1 - index, marks[index], highlight, told)
    rows = -(-n // columns)
    bottom = -(rows - 1) * (aspect + label) - aspect
    simulated = any(mag.simulated for mag in frames)
    style.apply_style(
        figure,
        uirevision="filmstrip",
        height=round((label - bottom) * width / columns) + 16 + 20 * simulated,
        showlegend=False,
        hovermode="closest",
        dragmode=False,
    )
    figure.update_xaxes(range=[-0.01, columns - 0.03], visible=False, fixedrange=True)
    figure.update_layout(margin={"t": 8 + 20 * simulated})
    if simulated:
        style.note_simulated(figure, x=0, xanchor="left")
    figure.update_yaxes(
        range=[bottom, label],
        visible=False,
        fixedrange=True,
        scaleanchor="x",
        constrain="domain",
    )
    return figure


def composite(
    field: np.ndarray,
    heat: np.ndarray | None = None,
    *,
    clip: float = 500.0,
    heat_opacity: float = 0.45,
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
    clip : float
        Field strength drawn black or white, gauss.
    heat_opacity : float
        0 (clear) to 1.
    heat_range : (float, float), optional
        Values at the ends of the colour scale; the extremes of `heat` by default.
    signed : bool
        As for `filmstrip`.
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


def _block_mean(field: np.ndarray, step: int) -> np.ndarray:
    """Mean over step × step pixels; the pixels left over at the edges are dropped."""
    rows, cols = (step * (length // step) for length in field.shape)
    blocks = np.nan_to_num(field[:rows, :cols]).reshape(rows // step, step, cols // step, step)
    return blocks.mean(axis=(1, 3))


def _extremes(heat: np.ndarray, heat_name: str, *, signed: bool) -> str:
    """Tell a map's range, as a line of the hover text."""
    values = heat[np.isfinite(heat)]
    if not values.size:
        return ""
    low, high = (f"{value:{'+' if signed else ''}.2g}" for value in (values.min(), values.max()))
    return f"<br>{heat_name} from {low} to {high}<br>{heat_unit(heat_name)}"


def _add_picture(
    figure: go.Figure, picture: np.ndarray, left: float, top: float, aspect: float
) -> None:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG")
    figure.add_layout_image(
        source="data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii"),
        x=left,
        y=top,
        sizex=0.96,
        sizey=0.96 * aspect,
        xref="x",
        yref="y",
        xanchor="left",
        yanchor="top",
        sizing="stretch",
        layer="below",
    )


def _add_frame(
    figure: go.Figure,
    left: float,
    top: float,
    mag: Magnetogram,
    hours_before: int,
    interpolated: bool,
    highlight: bool,
    told: str,
) -> None:
    """Outline one picture, say its hour above it, and answer the pointer."""
    right, bottom = left + 0.96, top - 0.96 * mag.shape[0] / mag.shape[1]
    line = {"color": "rgba(128,136,150,0.5)", "width": 1.0}
    if highlight:
        line = {"width": 3.0}
    if interpolated:
        line = {"color": style.INTERPOLATED, "width": 2.5, "dash": "dash"}
    when = mag.t_rec.tai.isot[:16].replace("T", " ")
    offset = f"t−{hours_before} h" if hours_before else "t"
    figure.add_trace(
        go.Scatter(
            x=[left, right, right, left, left],
            y=[top, top, bottom, bottom, top],
            mode="lines",
            line=line,
            fill="toself",
            fillcolor="rgba(0,0,0,0)",
            hoveron="fills",
            hoverinfo="text",
            text=f"{when} TAI ({offset})" + (", interpolated" if interpolated else "") + told,
            name=offset,
        )
    )
    label = f"<b>{offset}</b>" if highlight else offset
    figure.add_annotation(
        text=f"{label} · {when[11:]}",
        x=left,
        y=top,
        xanchor="left",
        yanchor="bottom",
        showarrow=False,
        font={"size": style.FONT_SIZE - 1},
    )
    if interpolated:
        figure.add_annotation(
            text="interpolated",
            x=(left + right) / 2,
            y=bottom,
            xanchor="center",
            yanchor="bottom",
            showarrow=False,
            font={"size": style.FONT_SIZE - 1, "color": "#1c2230"},
            bgcolor=style.INTERPOLATED,
        )

"""Inside the vision transformer: what every head looks at, and tokens that stand out.

Both figures need the margins of a picture: room for a colour bar at the right.
"""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from analysis.figures import style
from analysis.figures.overlays import colour_bar, haloed, outline_path

__all__ = ["layer_heads_figure", "token_norms_figure"]

_NORM_SCALE = "Cividis"
_DECADES = 3
"""That the colours of attention span: most heads spread it over 200 tokens, some look at one."""


def layer_heads_figure(attention: np.ndarray) -> go.Figure:
    """Draw the class token's attention in every encoder and head as small pictures.

    Parameters
    ----------
    attention : (L, heads, g, g) array
        Of one frame (`hnn_core.explanation.rollout.class_attention`), row 0 south.

    Returns
    -------
    Figure
        One row an encoder, 1 (next to the input) at the top; one column a head; row 0 of each
        picture at its bottom. One logarithmic colour scale, over three decades up to the largest
        attention; what is less has its lowest colour.

    Raises
    ------
    ValueError
        If the array has not these axes.
    """
    attention = np.asarray(attention, dtype=np.float32)
    if attention.ndim != 4 or attention.shape[2] != attention.shape[3] or not attention.size:
        raise ValueError(f"attention has axes (L, heads, g, g), not shape {attention.shape}")
    layers, heads, side, _ = attention.shape
    gap = max(1, side // 8)
    pitch = side + gap
    values, places = _mosaic(attention, gap)
    most = float(np.nanmax(values, initial=0.0)) or 1.0
    lowest = most / 10.0**_DECADES
    bar = colour_bar("share of attention per token", upper=False, half=False)
    mosaic = go.Heatmap(
        z=np.log10(np.maximum(values, lowest)),
        name="attention",
        colorscale="Plasma",
        zmin=float(np.log10(lowest)),
        zmax=float(np.log10(most)),
        hoverongaps=False,
        customdata=places,
        text=[[style.number(value, ".2g") for value in row] for row in values.tolist()],
        hovertemplate=(
            "encoder %{customdata[0]}, head %{customdata[1]}<br>token row %{customdata[2]}, "
            "column %{customdata[3]}: <b>%{text}</b><extra></extra>"
        ),
        colorbar=bar | _decades(lowest, most),
    )
    return _picture(
        mosaic,
        uirevision="heads",
        height=520,
        xaxis={"title_text": "head", **_numbered(np.arange(heads), pitch, gap)},
        yaxis={"title_text": "encoder", **_numbered(np.arange(layers)[::-1], pitch, gap)},
    )


def _numbered(order: np.ndarray, pitch: int, gap: int) -> dict[str, Any]:
    """Axis of pictures numbered from 1, each at its place in `order`."""
    return {
        "tickvals": pitch * order + (pitch - gap - 1) / 2,
        "ticktext": [str(number) for number in range(1, len(order) + 1)],
        "range": [-0.5, len(order) * pitch - gap - 0.5],
    }


def _decades(lowest: float, most: float) -> dict[str, list]:
    """Ticks at 1, 2 and 5 times powers of ten."""
    powers = range(int(np.floor(np.log10(lowest))), 1)
    ticks = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
    shown = [tick for tick in ticks if 0.999 * lowest <= tick <= 1.001 * most]
    return {"tickvals": np.log10(shown).tolist(), "ticktext": [style.number(t) for t in shown]}


def _mosaic(attention: np.ndarray, gap: int) -> tuple[np.ndarray, np.ndarray]:
    """Lay pictures out with gaps of NaN: values, and encoder, head, row and column of each."""
    first = np.array([1, 1, 0, 0]).reshape(-1, 1, 1, 1, 1)  # rows and columns count from 0
    places = (np.indices(attention.shape) + first).astype(np.uint8)
    return (
        _laid_out(attention, gap, np.nan),
        np.stack([_laid_out(one, gap, 0) for one in places], axis=-1),
    )


def _laid_out(pictures: np.ndarray, gap: int, between: float) -> np.ndarray:
    """(L, heads, g, g) as one picture: encoders from the top down, heads from left to right."""
    padded = np.pad(pictures[::-1], [(0, 0), (0, 0), (0, gap), (0, gap)], constant_values=between)
    layers, heads, pitch, _ = padded.shape
    whole = padded.transpose(0, 2, 1, 3).reshape(layers * pitch, heads * pitch)
    return whole[:-gap, :-gap]


def token_norms_figure(norms: np.ndarray, flagged: np.ndarray) -> go.Figure:
    """Draw the norm of each token of one frame; those that stand out are outlined.

    Parameters
    ----------
    norms : (g, g) array
        Row 0 south.
    flagged : (g, g) array of bool

    Raises
    ------
    ValueError
        If the shapes differ or are no square.
    """
    norms, flagged = np.asarray(norms, dtype=np.float32), np.asarray(flagged, dtype=bool)
    if norms.shape != flagged.shape or norms.ndim != 2:
        raise ValueError(
            f"norms {norms.shape} and flags {flagged.shape} are not of one shape (g, g)"
        )
    field = go.Heatmap(
        z=norms,
        name="norm",
        colorscale=_NORM_SCALE,
        colorbar=colour_bar("norm of the token", upper=False, half=False),
        hovertemplate="token row %{y}, column %{x}: <b>%{z:.3g}</b><extra></extra>",
    )
    name = f"{int(flagged.sum())} of {flagged.size} flagged"
    outline = outline_path(flagged)
    rows, columns = norms.shape
    return _picture(
        [field, *haloed(name, *outline, style.THRESHOLD, 2.5, halo="rgba(255,255,255,0.8)")],
        uirevision="token norms",
        height=420,
        xaxis={"title_text": "token column, from the east", "range": [-0.5, columns - 0.5]},
        yaxis={"title_text": "token row, from the south", "range": [-0.5, rows - 0.5]},
    )


def _picture(
    traces: Any, *, xaxis: dict[str, Any], yaxis: dict[str, Any], **layout: Any
) -> go.Figure:
    """Square pixels, with room for a colour bar at the right."""
    common = {"constrain": "domain", "showgrid": False}
    return style.house_figure(
        traces,
        margin={"l": 8, "r": 112, "t": 40, "b": 8},
        xaxis={**common, "constraintoward": "left", **xaxis},
        yaxis={**common, "constraintoward": "top", "scaleanchor": "x", "scaleratio": 1, **yaxis},
        **layout,
    )

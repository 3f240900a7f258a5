"""Inside the vision transformer: what every head looks at, and tokens that stand out."""

import numpy as np
import plotly.graph_objects as go

from analysis.figures import style
from analysis.figures.overlays import colour_bar, outline_path

__all__ = ["layer_heads_figure", "token_norms_figure"]

_NORM_SCALE = "Cividis"
_DECADES = 3
"""That the colours of attention span: most heads spread it over 200 tokens, some look at one."""


def layer_heads_figure(
    attention: np.ndarray,
    *,
    height: int = 520,
) -> go.Figure:
    """Draw the class token's attention in every encoder and head as small pictures.

    It needs the margins of a picture: room for a colour bar at the right.

    Parameters
    ----------
    attention : (L, heads, g, g) array
        Of one frame (`hnn_core.explanation.rollout.class_attention`), row 0 south.
    height : int
        Pixels.

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
    pitch = side + max(1, side // 8)
    values, places = _mosaic(attention, pitch)
    most = float(np.nanmax(values, initial=0.0)) or 1.0
    least = most / 10.0**_DECADES
    figure = go.Figure(
        go.Heatmap(
            z=np.log10(np.maximum(values, least)),
            name="attention",
            colorscale=[list(stop) for stop in style.HEAT_SCALE],
            zmin=float(np.log10(least)),
            zmax=float(np.log10(most)),
            hoverongaps=False,
            customdata=places,
            text=[[f"{value:.2g}" for value in row] for row in values.tolist()],
            hovertemplate=(
                "encoder %{customdata[0]}, head %{customdata[1]}<br>token row %{customdata[2]}, "
                "column %{customdata[3]}: <b>%{text}</b><extra></extra>"
            ),
            colorbar=colour_bar("share of attention per token", upper=False, half=False)
            | _decades(least, most),
        )
    )
    _style(figure, "heads", height=height)
    middle = (side - 1) / 2
    figure.update_xaxes(
        title_text="head",
        tickvals=pitch * np.arange(heads) + middle,
        ticktext=[str(head) for head in range(1, heads + 1)],
        range=[-0.5, heads * pitch - (pitch - side) - 0.5],
    )
    figure.update_yaxes(
        title_text="encoder",
        tickvals=pitch * np.arange(layers)[::-1] + middle,
        ticktext=[str(layer) for layer in range(1, layers + 1)],
        range=[-0.5, layers * pitch - (pitch - side) - 0.5],
    )
    return figure


def _decades(least: float, most: float) -> dict[str, list]:
    """Return ticks at 1, 2 and 5 times powers of ten."""
    powers = range(int(np.floor(np.log10(least))), 1)
    ticks = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
    shown = [tick for tick in ticks if 0.999 * least <= tick <= 1.001 * most]
    return {"tickvals": np.log10(shown).tolist(), "ticktext": [f"{tick:.3g}" for tick in shown]}


def _mosaic(attention: np.ndarray, pitch: int) -> tuple[np.ndarray, np.ndarray]:
    """Lay pictures out with gaps of NaN: values, and encoder, head, row and column of each."""
    layers, heads, side, _ = attention.shape
    values = np.full((layers * pitch, heads * pitch), np.nan, dtype=np.float32)
    places = np.zeros((*values.shape, 4), dtype=np.uint8)
    row, column = np.mgrid[:side, :side]
    for layer, head in np.ndindex(layers, heads):
        bottom, left = (layers - 1 - layer) * pitch, head * pitch
        part = (slice(bottom, bottom + side), slice(left, left + side))
        values[part] = attention[layer, head]
        labels = np.broadcast_arrays(layer + 1, head + 1, row, column)
        places[part] = np.stack(labels, axis=-1)
    gap = pitch - side
    return values[: layers * pitch - gap, : heads * pitch - gap], places[
        : layers * pitch - gap, : heads * pitch - gap
    ]


def token_norms_figure(
    norms: np.ndarray,
    flagged: np.ndarray,
    *,
    height: int = 420,
) -> go.Figure:
    """Draw the norm of each token of one frame; those that stand out are outlined.

    It needs the margins of a picture: room for a colour bar at the right.

    Parameters
    ----------
    norms : (g, g) array
        Row 0 south.
    flagged : (g, g) array of bool
    height : int
        Pixels.

    Returns
    -------
    Figure

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
    x, y = outline_path(flagged)
    line = {"x": x, "y": y, "mode": "lines", "hoverinfo": "skip", "legendgroup": "flagged"}
    figure = go.Figure(
        [
            go.Heatmap(
                z=norms,
                name="norm",
                colorscale=_NORM_SCALE,
                colorbar=colour_bar("norm of the token", upper=False, half=False),
                hovertemplate="token row %{y}, column %{x}: <b>%{z:.3g}</b><extra></extra>",
            ),
            go.Scatter(
                **line,
                name="halo",
                showlegend=False,
                line={"color": "rgba(255,255,255,0.8)", "width": 5},
            ),
            go.Scatter(
                **line,
                name=f"{int(flagged.sum())} of {flagged.size} flagged",
                line={"color": style.THRESHOLD, "width": 2.5},
            ),
        ]
    )
    _style(figure, "token norms", height=height)
    rows, columns = norms.shape
    figure.update_xaxes(title_text="token column, from the east", range=[-0.5, columns - 0.5])
    figure.update_yaxes(title_text="token row, from the south", range=[-0.5, rows - 0.5])
    return figure


def _style(figure: go.Figure, uirevision: str, height: int) -> None:
    style.apply_style(
        figure,
        uirevision=uirevision,
        height=height,
        showlegend=True,
        legend={"orientation": "h", "x": 0.0, "xanchor": "left", "y": 1.0, "yanchor": "bottom"},
    )
    figure.update_layout(margin={"t": 40, "r": 112})
    figure.update_xaxes(constrain="domain", constraintoward="left", showgrid=False)
    figure.update_yaxes(
        constrain="domain", constraintoward="top", showgrid=False, scaleanchor="x", scaleratio=1
    )

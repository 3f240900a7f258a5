"""Flares of a catalogue: their latitudes over time, and where on the disk they were."""

from collections.abc import Callable
from html import escape
from textwrap import wrap

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis.figures import style
from analysis.figures.disk import MERIDIANS_DEG, ROOM, orthographic, sphere

__all__ = ["butterfly_figure", "disk_figure", "largest_placed"]

_ORDER = ("unknown", "unlinked", "eruptive")
"""Of drawing: what is known best lies on top."""
_LIMB_DEG = 90.0
_SMALLEST_FLUX = 1e-6
_SMALLEST_PX, _DECADE_PX, _LARGEST_PX = 4.0, 4.5, 20.0
_HOVER_CHARACTERS = 60


def largest_placed(flares: pd.DataFrame, most: int = 3000) -> pd.DataFrame:
    """Return the flares that can be drawn: those whose position is known, the largest of many.

    Parameters
    ----------
    flares : DataFrame
        Rows of the catalogue; ``flux_w_m2`` and, in degrees with NaN where not known,
        ``longitude_deg`` and ``latitude_deg``.
    most : int
        More points would make a browser slow.

    Returns
    -------
    DataFrame
        Largest first.
    """
    placed = flares.dropna(subset=["longitude_deg", "latitude_deg"])
    return placed.sort_values("flux_w_m2", ascending=False, kind="stable").head(most)


def butterfly_figure(flares: pd.DataFrame) -> go.Figure:
    """Draw the latitude of flares over time.

    Parameters
    ----------
    flares : DataFrame
        Of `largest_placed`.

    Returns
    -------
    Figure
        A trace an association; ``customdata`` of a point begins with its ``flare_id``.
    """
    reach = max(45.0, 5.0 + float(flares["latitude_deg"].abs().max() if len(flares) else 0))
    return style.house_figure(
        _points(flares, lambda part: (part["peak_utc"], part["latitude_deg"])),
        uirevision="butterfly",
        height=340,
        legend={"itemsizing": "constant"},
        dragmode="zoom",
        xaxis={"title_text": "peak (UTC)", "type": "date"},
        yaxis={
            "title_text": "latitude (°, north positive)",
            "range": [-reach, reach],
            "dtick": 15,
            "zeroline": True,
        },
    )


def disk_figure(flares: pd.DataFrame) -> go.Figure:
    """Draw flares where they were on the disk at their time, seen from the Earth.

    The solar axis is upright in the plane of the sky (no B₀ angle); west, positive, is right.

    Parameters
    ----------
    flares
        As in `butterfly_figure`; flares beyond the limb are not drawn.
    """

    def project(part: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        x, y, _ = orthographic(part["longitude_deg"], part["latitude_deg"])
        return x, y

    seen = flares[flares["longitude_deg"].abs() <= _LIMB_DEG]
    axis = {"range": [-ROOM, ROOM], "visible": False}
    figure = style.house_figure(
        [sphere(), *_points(seen, project)],
        uirevision="disk",
        height=340,
        showlegend=False,
        dragmode="zoom",
        modebar={"orientation": "v"},  # a row of buttons would lie on the words above
        xaxis=axis,
        yaxis=axis | {"scaleanchor": "x", "scaleratio": 1},
    )
    for degrees in MERIDIANS_DEG:
        figure.add_annotation(
            x=np.sin(np.deg2rad(degrees)),
            y=0.0,
            text=f"{'E' if degrees < 0 else 'W'}{abs(degrees)}°" if degrees else "0°",
            yshift=-9,
            font={"size": style.FONT_SIZE - 2},
            opacity=0.7,
        )
    return figure


def _points(flares: pd.DataFrame, place: Callable[[pd.DataFrame], tuple]) -> list[go.Scatter]:
    """One trace an association, at x and y as `place` finds them."""
    traces = []
    for association in _ORDER:
        colour, name = style.ASSOCIATIONS[association]
        part = flares[flares["association"] == association]
        x, y = place(part)
        traces.append(
            go.Scatter(
                x=x,
                y=y,
                mode="markers",
                name=name,
                marker={
                    "size": _sizes(part["flux_w_m2"].to_numpy(dtype=float)),
                    "color": colour,
                    "opacity": 0.75,
                    "line": {"width": 0.5, "color": "rgba(128,136,150,0.9)"},
                },
                customdata=[[row["flare_id"], _words(row)] for row in part.to_dict("records")],
                hovertemplate="%{customdata[1]}<extra></extra>",
            )
        )
    return traces


def _sizes(flux: np.ndarray) -> np.ndarray:
    """Diameters in pixels: C1 is 4, and 4.5 more for every ten times the flux."""
    decades = np.log10(np.clip(np.nan_to_num(flux), _SMALLEST_FLUX, None) / _SMALLEST_FLUX)
    return np.clip(_SMALLEST_PX + _DECADE_PX * decades, None, _LARGEST_PX)


def _words(flare: dict) -> str:
    where = f"AR {flare['noaa']}, " if flare["noaa"] else ""
    reason = "<br>".join(wrap(escape(str(flare["reason"])), _HOVER_CHARACTERS))
    longitude, latitude = (
        style.number(flare[f"{n}_deg"], ".0f") for n in ("longitude", "latitude")
    )
    return (
        f"<b>{escape(str(flare['goes_class']))}</b> {where}{flare['peak_utc']:%Y-%m-%d %H:%M} UTC"
        f"<br>longitude {longitude}°, latitude {latitude}°"
        f"<br>{reason or style.ASSOCIATIONS[flare['association']][1]}"
    )

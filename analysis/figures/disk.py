"""The disk as it is seen from the Earth, and the regions that are on it at one hour."""

from collections.abc import Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from analysis.figures import style
from hnn_core.sources import DiskPlace

__all__ = ["MERIDIANS_DEG", "ROOM", "disk_regions_figure", "orthographic", "sphere"]

MERIDIANS_DEG = (-70, -45, 0, 45, 70)
"""Drawn on a disk: the limits of training and of prediction, and the central one."""
ROOM = 1.08
"""Half the side of a disk's figure, in solar radii."""
_PARALLELS_DEG = (-30, 0, 30)
_GRID = "rgba(128,136,150,0.6)"
_SIZE_PX = 190
_BEHIND = -1e-9


def orthographic(
    longitude: ArrayLike, latitude: ArrayLike, b0: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Place points of the Sun on the disk, seen from far away with the solar axis upright.

    Parameters
    ----------
    longitude, latitude : arrays of one shape
        Degrees; Stonyhurst longitude, from the central meridian, west positive. NaN stays.
    b0 : float
        Latitude of the middle of the disk, degrees.

    Returns
    -------
    x, y, z : float64 arrays of that shape
        Solar radii: to the west, to the north, and towards the observer; behind the limb z < 0.
    """
    lon, lat, tilt = (np.deg2rad(np.asarray(one, float)) for one in (longitude, latitude, b0))
    ahead = np.cos(lat) * np.cos(lon)
    return (
        np.cos(lat) * np.sin(lon),
        np.sin(lat) * np.cos(tilt) - ahead * np.sin(tilt),
        np.sin(lat) * np.sin(tilt) + ahead * np.cos(tilt),
    )


def sphere(b0: float = 0.0, step: float = 2.0) -> go.Scatter:
    """Return the limb, and the meridians and parallels this side of it.

    Parameters
    ----------
    b0 : float
        As of `orthographic`.
    step : float
        Degrees between the points of a line.
    """
    along = np.append(np.arange(-90.0, 90.0 + step / 2, step), np.nan)  # NaN lifts the pen
    lines = [(np.full_like(along, meridian), along) for meridian in MERIDIANS_DEG]
    lines += [(along, np.full_like(along, parallel)) for parallel in _PARALLELS_DEG]
    longitude, latitude = np.concatenate(lines, axis=1)
    x, y, z = orthographic(longitude, latitude, b0)
    x, y = (np.where(z < _BEHIND, np.nan, one) for one in (x, y))
    around = np.deg2rad(np.arange(0.0, 360.0 + step / 2, step))
    x, y = np.append(np.sin(around), [np.nan, *x]), np.append(np.cos(around), [np.nan, *y])
    return style.line("limb, meridians and parallels", x.round(4), y.round(4), _GRID, 1)


def disk_regions_figure(places: Sequence[DiskPlace], shown: str, b0: float = 0.0) -> go.Figure:
    """Draw the regions of a source where they are on the disk at an hour.

    Parameters
    ----------
    places : sequence of DiskPlace
        Those without a position or behind the limb are not drawn.
    shown : str
        `Region.id` of the one that the page shows.
    b0 : float
        As of `orthographic`.

    Returns
    -------
    Figure
        A trace ``regions``, then ``shown``; ``customdata`` of a point is its region's id.
    """
    traces = [sphere(b0, step=5.0)]
    for name, own, look in (
        ("regions", False, {"size": 9, "symbol": "circle-open", "color": style.UNKNOWN}),
        ("shown", True, {"size": 12, "color": style.PIL}),
    ):
        part = [place for place in places if (place.region.id == shown) is own]
        x, y, z = orthographic(
            [place.longitude for place in part], [place.latitude for place in part], b0
        )
        seen = z >= 0.0
        names = [[place.region.id, escape(place.region.name)] for place in part]
        traces.append(
            go.Scatter(
                x=x[seen],
                y=y[seen],
                mode="markers",
                name=name,
                marker={"line": {"width": 2}, **look},
                customdata=[one for one, here in zip(names, seen, strict=True) if here],
                hovertemplate="%{customdata[1]}<extra></extra>",
            )
        )
    axis = {"range": [-ROOM, ROOM], "visible": False, "fixedrange": True}
    figure = style.house_figure(
        traces,
        uirevision="disk_here",
        height=_SIZE_PX,
        showlegend=False,
        dragmode=False,
        xaxis=axis,
        yaxis=axis | {"scaleanchor": "x", "scaleratio": 1},
    )
    for degrees in (-70, -45, 45, 70):
        x, y, _ = orthographic(degrees, -8.0, b0)
        text = f"{abs(degrees)}°"
        figure.add_annotation(x=x, y=y, text=text, font={"size": 9}, opacity=0.8)
    return figure

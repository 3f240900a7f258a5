"""How the values of a heat map become colours: limits, units, and pixels."""

import re
from collections.abc import Sequence

import numpy as np
from plotly.colors import hex_to_rgb

from analysis import figure_style as style

__all__ = ["heat_limits", "heat_rgba", "heat_scale", "heat_unit"]

_ROLLOUT = "attention rollout"


def heat_unit(heat_name: str) -> str:
    """Return the unit of a map's values: rollout shares out attention, the rest log-odds."""
    return "share of attention per token" if heat_name.startswith(_ROLLOUT) else "log-odds"


def heat_scale(*, signed: bool) -> list[list[float | str]]:
    """Return the colour scale as plotly takes it."""
    return [list(stop) for stop in (style.SIGNED_SCALE if signed else style.HEAT_SCALE)]


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
    scale = style.SIGNED_SCALE if signed else style.HEAT_SCALE
    stops = [position for position, _ in scale]
    colours = np.array([_channels(colour) for _, colour in scale])
    fraction = np.nan_to_num((heat - limits[0]) / (limits[1] - limits[0]))
    rgba = np.stack([np.interp(fraction, stops, channel) for channel in colours.T], axis=-1)
    rgba[..., 3] *= np.isfinite(heat)
    return rgba


def _channels(colour: str) -> tuple[float, float, float, float]:
    """Read ``#rrggbb`` or ``rgba(r, g, b, opacity)``."""
    if colour.startswith("#"):
        red, green, blue = hex_to_rgb(colour)
        opacity = 1.0
    else:
        red, green, blue, opacity = map(float, re.findall(r"[\d.]+", colour))
    return red / 255, green / 255, blue / 255, opacity

"""Colours and legends that the figures of skill share."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from analysis import figure_style as style
from analysis.skill_words import SCORE_NAMES

__all__ = ["BARS_FILL", "COLOURS", "bar_places", "corner_legend", "room_for_legend", "top_legend"]

COLOURS = {
    "hnn": "#7c5cff",
    "vit": "#17a398",
    "climatology": style.UNKNOWN,
    "flux": "#d1a33c",
}
"""Of each forecast. Blue and orange stay with eruptive and confined."""


BARS_FILL = 0.82
"""Part of the axis between two scores that their bars fill."""


def bar_places(forecasts: Sequence[str], name: str) -> np.ndarray:
    """Return where the bars of a forecast stand, (5,); each score has a whole number."""
    step = BARS_FILL / len(forecasts)
    return np.arange(len(SCORE_NAMES)) + step * (
        list(forecasts).index(name) - (len(forecasts) - 1) / 2
    )


def corner_legend(*, dark: bool, top_left: bool) -> dict[str, Any]:
    """Return a legend inside the axes, in the corner that a good forecast leaves free."""
    return {
        "x": 0.01 if top_left else 0.99,
        "xanchor": "left" if top_left else "right",
        "y": 0.99 if top_left else 0.02,
        "yanchor": "top" if top_left else "bottom",
        "bgcolor": "rgba(14,17,23,0.7)" if dark else "rgba(255,255,255,0.75)",
        "font": {"size": style.FONT_SIZE - 1},
    }


def top_legend() -> dict[str, Any]:
    """Return a legend in rows at the top inside the axes, where `room_for_legend` leaves room.

    Above the axes a page may have room for one row only.
    """
    return {
        "orientation": "h",
        "x": 0.0,
        "xanchor": "left",
        "y": 1.0,
        "yanchor": "top",
        "bgcolor": "rgba(0,0,0,0)",
        "font": {"size": style.FONT_SIZE - 1},
    }


def room_for_legend(low: float) -> dict[str, Any]:
    """Return the axis of a score that is `low` at least: its ticks end at 1, its range above."""
    ticks = [tick / 5 for tick in range(-5, 6) if tick / 5 > low - 0.05]
    return {"range": [low - 0.06, 1.06 + 0.22 * (1.06 - low)], "tickvals": ticks}

"""Flares and CMEs marked along the top of figures over time."""

import math
from collections.abc import Sequence
from html import escape
from textwrap import wrap

import pandas as pd
import plotly.graph_objects as go
from astropy.time import Time

from analysis import figure_style as style
from hnn_core.sources.base import Cme, Flare

__all__ = ["mark_cmes", "mark_flares"]

_ASSOCIATION = {
    "eruptive": (style.ERUPTIVE, "flare, CME linked"),
    "unlinked": (style.CONFINED, "flare, no CME linked in DONKI"),
    "confined": (style.CONFINED, "flare, no CME linked"),
    "unknown": (style.UNKNOWN, "flare, CME unknown"),
}
_CME_LABEL = "CME, when first seen"
_CME_LEVEL = 0.88
"""Flares hang at 1: the labels of a flare and of its CME lie on two lines."""
_LABEL_SHARES = {"flare": 0.09, "cme": 0.22}
"""What a label takes of the width of a narrow figure."""
_HOVER_CHARACTERS = 60


def mark_flares(
    figure: go.Figure, flares: Sequence[Flare], first: pd.Timestamp, last: pd.Timestamp
) -> None:
    """Hang flares from the top, the largest with label and line where there is room for them.

    Parameters
    ----------
    figure : Figure
        Changed in place; its second y axis runs from 0 to 1.
    flares : sequence of Flare
        Coloured by their association.
    first, last : Timestamp
        Of what is drawn else, TAI.
    """
    sides = _label_sides(
        [flare.peak for flare in flares],
        [flare.flux("science") for flare in flares],
        first,
        last,
        _LABEL_SHARES["flare"],
    )
    for flare, side in zip(flares, sides, strict=True):
        if side:
            line = {"color": _ASSOCIATION[flare.association][0], "width": 1.2, "dash": "dot"}
            figure.add_vline(x=_stamp(flare.peak), line=line)
    for association, (colour, label) in _ASSOCIATION.items():
        marked = [
            (flare, side)
            for flare, side in zip(flares, sides, strict=True)
            if flare.association == association
        ]
        if marked:
            trace = _marks([flare.peak for flare, _ in marked], [side for _, side in marked])
            figure.add_trace(
                trace.update(
                    name=label,
                    text=[flare.goes_class if side else "" for flare, side in marked],
                    textfont_color=colour,
                    marker={"symbol": "triangle-down", "size": 10, "color": colour},
                    customdata=[_flare_words(flare) for flare, _ in marked],
                    hovertemplate="%{customdata}<extra></extra>",
                )
            )


def mark_cmes(
    figure: go.Figure, flares: Sequence[Flare], first: pd.Timestamp, last: pd.Timestamp
) -> None:
    """Mark the CMEs linked to flares where a coronagraph first saw them, once each.

    Parameters
    ----------
    figure, flares, first, last
        As in `mark_flares`; the fastest CMEs have labels where there is room.
    """
    cmes = {cme.id: cme for flare in flares for cme in flare.cmes}
    if not cmes:
        return
    times = [cme.start for cme in cmes.values()]
    speeds = [0.0 if math.isnan(cme.speed) else cme.speed for cme in cmes.values()]
    sides = _label_sides(times, speeds, first, last, _LABEL_SHARES["cme"])
    linked = {
        name: ", ".join(flare.goes_class for flare in flares if cme in flare.cmes)
        for name, cme in cmes.items()
    }
    figure.add_trace(
        _marks(times, sides, level=_CME_LEVEL).update(
            name=_CME_LABEL,
            text=[
                _cme_name(cme) if side else ""
                for cme, side in zip(cmes.values(), sides, strict=True)
            ],
            textfont_color=style.ERUPTIVE,
            marker={
                "symbol": "circle-open",
                "size": 9,
                "color": style.ERUPTIVE,
                "line_width": 2,
            },
            customdata=[
                f"<b>{_cme_name(cme)}</b> first seen {_utc(cme.start)}, linked to "
                f"{escape(linked[cme.id])}<br>{escape(cme.id)}"
                for cme in cmes.values()
            ],
            hovertemplate="%{customdata}<extra></extra>",
        )
    )


def _marks(times: list[Time], sides: list[str], *, level: float = 1.0) -> go.Scatter:
    return go.Scatter(
        x=[_stamp(time) for time in times],
        y=[level] * len(times),
        yaxis="y2",
        mode="markers+text",
        textposition=[f"middle {side or 'right'}" for side in sides],
        textfont_size=style.FONT_SIZE - 1,
        cliponaxis=False,
    )


def _label_sides(
    times: list[Time],
    sizes: list[float],
    first: pd.Timestamp,
    last: pd.Timestamp,
    share: float,
) -> list[str]:
    """Return the side of its mark on which each label fits, the largest first; empty if none."""
    stamps = [pd.Timestamp(_stamp(time)) for time in times]
    last = max([last, *stamps])
    width = share * (last - first)
    sides = [""] * len(times)
    taken: list[pd.Timestamp] = []
    for index in sorted(range(len(times)), key=lambda one: -sizes[one]):
        for side, low in (("right", stamps[index]), ("left", stamps[index] - width)):
            inside = first <= low and low + width <= last
            if inside and all(abs(low - other) >= width for other in taken):
                sides[index] = side
                taken.append(low)
                break
    return sides


def _flare_words(flare: Flare) -> str:
    reason = "<br>".join(wrap(escape(flare.reason), _HOVER_CHARACTERS))
    head = f"<b>{escape(flare.goes_class)}</b> flare, peak {_utc(flare.peak)}"
    return f"{head}<br>{reason or _ASSOCIATION[flare.association][1]}"


def _cme_name(cme: Cme) -> str:
    return "CME" if math.isnan(cme.speed) else f"CME {cme.speed:.0f} km/s"


def _utc(time: Time) -> str:
    return f"{time.utc.isot[:16].replace('T', ' ')} UTC"


def _stamp(time: Time) -> str:
    return str(time.tai.isot)

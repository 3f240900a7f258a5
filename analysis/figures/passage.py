"""What figures over a disk passage share: gaps, the current hour, flares, CMEs, the time axis.

The predicted probability over a disk passage.

Flares and CMEs marked along the top of figures over time.
"""

import math
from collections.abc import Sequence
from html import escape
from textwrap import wrap
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from astropy.time import Time

from analysis.figures import style
from hnn_core.regions.base import Cme, Flare

__all__ = [
    "legend",
    "mark_cmes",
    "mark_flares",
    "mark_times",
    "probability_figure",
    "style_passage",
    "with_gaps",
]


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


_TIME_TITLE = "T_REC (TAI)"


def with_gaps(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Sort by time and put a row without numbers wherever hours are missing.

    Lines break there instead of bridging hours of which nothing is known.
    """
    table = table.sort_values(column, ignore_index=True)
    late = table[column].diff() > pd.Timedelta(minutes=90)
    if not late.any():
        return table
    breaks = pd.DataFrame({column: table.loc[late, column] - pd.Timedelta(minutes=30)})
    return pd.concat([table, breaks]).sort_values(column, ignore_index=True)


def mark_times(
    figure: go.Figure,
    times: pd.Series,
    current: Time | None,
    window: tuple[Time, Time] | None,
    flares: Sequence[Flare],
) -> None:
    """Shade the window, mark the current hour, and mark flares on the axis' top."""
    if window is not None:
        figure.add_vrect(
            x0=_stamp(window[0]),
            x1=_stamp(window[1]),
            opacity=0.10,
            line_width=0,
            layer="below",
            name="sequence",
        )
    if current is not None:
        figure.add_vline(
            x=_stamp(current),
            line={"width": 1.5},
            name="current hour",
        )
    first, last = times.min(), times.max() + pd.Timedelta(hours=24)
    shown = [flare for flare in flares if first <= pd.Timestamp(_stamp(flare.peak)) <= last]
    mark_flares(figure, shown, first, times.max())
    mark_cmes(figure, shown, first, times.max())


def style_passage(
    figure: go.Figure,
    uirevision: str,
    height: int,
) -> None:
    """Give a figure over time its axis in TAI, its legend and the hidden axis of flares."""
    style.apply_style(
        figure,
        uirevision=uirevision,
        height=height,
        hovermode="x unified",
        showlegend=True,
        legend=legend(),
        # Flares hang from the top whatever the flux; this axis is theirs and is not drawn.
        yaxis2={"overlaying": "y", "range": [0, 1.04], "visible": False, "fixedrange": True},
    )
    figure.update_layout(margin={"t": 40})
    figure.update_xaxes(title_text=_TIME_TITLE, type="date", hoverformat="%Y-%m-%d %H:%M TAI")


def legend() -> dict[str, Any]:
    """Return a legend in one row above the axes."""
    return {
        "orientation": "h",
        "x": 0.0,
        "xanchor": "left",
        "y": 1.0,
        "yanchor": "bottom",
        "font": {"size": style.FONT_SIZE},
    }


def probability_figure(
    passage: pd.DataFrame,
    *,
    threshold: float = 0.5,
    current: Time | None = None,
    flares: Sequence[Flare] = (),
    height: int = 300,
) -> go.Figure:
    """Draw the probability that the coming flare is eruptive over a disk passage.

    Parameters
    ----------
    passage : DataFrame
        ``t_rec`` (TAI; strings, datetimes or Time) and ``probability`` (0…1); hours
        without a sequence are NaN or absent, and the line breaks there.
    threshold : float
        From here on a prediction is positive.
    current, flares, height
        As in `flux_history`.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If there is no row or the threshold is outside 0…1.
    """
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold must be a probability, got {threshold}")
    if passage.empty:
        raise ValueError("no hour to draw the probability of")
    stamps = [time.tai.isot if isinstance(time, Time) else time for time in passage["t_rec"]]
    table = pd.DataFrame(
        {
            "t_rec": pd.to_datetime(pd.Series(stamps)),
            "probability": passage["probability"].to_numpy(dtype=float),
        }
    )
    table = with_gaps(table, "t_rec")
    times, values = table["t_rec"], table["probability"].to_numpy()
    figure = go.Figure(
        go.Scatter(
            x=times,
            y=values,
            mode="lines+markers",
            name="probability",
            connectgaps=False,
            line={"width": 1.6},
            marker={
                "size": 7,
                "color": np.where(values >= threshold, style.ERUPTIVE, style.CONFINED),
            },
            hovertemplate="<b>%{y:.3f}</b><extra>probability</extra>",
            showlegend=False,
        )
    )
    for low, high, colour in (
        (threshold, 1.0, style.ERUPTIVE),
        (0.0, threshold, style.CONFINED),
    ):
        figure.add_hrect(
            y0=low, y1=high, fillcolor=colour, opacity=0.10, line_width=0, layer="below"
        )
    figure.add_hline(
        y=threshold,
        line={"color": style.THRESHOLD, "width": 1.5, "dash": "dash"},
        annotation={
            "text": f"eruptive from {threshold:g}",
            "font": {"size": style.FONT_SIZE - 1, "color": style.THRESHOLD},
        },
        annotation_position="top left",
    )
    mark_times(figure, times, current, None, flares)
    style_passage(figure, "probability", height)
    figure.update_yaxes(title_text="probability eruptive (0–1)", range=[-0.02, 1.02])
    return figure

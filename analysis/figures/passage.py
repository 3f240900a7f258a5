"""Figures over a disk passage: gaps, the current hour, flares and CMEs, and the probability."""

import math
from collections.abc import Sequence
from html import escape
from textwrap import wrap

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from astropy.time import Time

from analysis.figures import style
from hnn_core.regions.base import Cme, Flare

__all__ = ["mark_times", "over_passage", "probability_figure", "with_gaps"]

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
        As in `analysis.figures.flux.flux_history_figure`.

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
    table = pd.DataFrame({"t_rec": pd.to_datetime(pd.Series(stamps))})
    table["probability"] = passage["probability"].to_numpy(dtype=float)
    table = with_gaps(table, "t_rec")
    times, values = table["t_rec"], table["probability"].to_numpy()
    figure = over_passage("probability", height)
    figure.add_trace(
        go.Scatter(
            x=times,
            y=values,
            mode="lines+markers",
            name="P(eruptive)",
            connectgaps=False,
            line={"width": 1.6},
            marker={
                "size": 7,
                "color": np.where(values >= threshold, style.ERUPTIVE, style.CONFINED),
            },
            hovertemplate="<b>%{y:.3f}</b><extra>P(eruptive)</extra>",
            showlegend=False,
        )
    )
    for low, high, colour in ((threshold, 1.0, style.ERUPTIVE), (0.0, threshold, style.CONFINED)):
        look = {"opacity": 0.10, "line_width": 0, "layer": "below"}
        figure.add_hrect(y0=low, y1=high, fillcolor=colour, **look)
    figure.add_hline(
        y=threshold,
        line={"color": style.THRESHOLD, "width": 1.5, "dash": "dash"},
        annotation={
            "text": f"eruptive from {threshold:g}",
            "font": {"size": style.SMALL, "color": style.THRESHOLD},
        },
        annotation_position="top left",
    )
    mark_times(figure, times, current, None, flares)
    return figure.update_yaxes(title_text="P(eruptive)", range=[-0.02, 1.02])


def over_passage(uirevision: str, height: int) -> go.Figure:
    """Return an empty figure over time in TAI, with the hidden axis of flares."""
    return style.house_figure(
        uirevision=uirevision,
        height=height,
        hovermode="x unified",
        # Flares hang from the top whatever the flux; this axis is theirs and is not drawn.
        yaxis2={"overlaying": "y", "range": [0, 1.04], "visible": False, "fixedrange": True},
        xaxis={"title_text": "T_REC (TAI)", "type": "date", "hoverformat": "%Y-%m-%d %H:%M TAI"},
    )


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
    """Shade the window, mark the current hour, and hang flares and CMEs from the top, in place.

    Parameters
    ----------
    figure : Figure
        Of `over_passage`.
    times : Series
        Of what is drawn, TAI; flares up to a day after the last are marked too.
    current : Time or None
    window : (Time, Time) or None
    flares : sequence of Flare
        Coloured by their association; the largest flares and the fastest CMEs get labels where
        there is room for them.
    """
    if window is not None:
        look = {"opacity": 0.10, "line_width": 0, "layer": "below", "name": "sequence"}
        figure.add_vrect(x0=_stamp(window[0]), x1=_stamp(window[1]), **look)
    if current is not None:
        figure.add_vline(x=_stamp(current), line_width=1.5, name="current hour")
    first, last = times.min(), times.max()
    until = last + pd.Timedelta(hours=24)
    shown = [flare for flare in flares if first <= pd.Timestamp(_stamp(flare.peak)) <= until]
    _mark_flares(figure, shown, first, last)
    _mark_cmes(figure, shown, first, last)


def _mark_flares(
    figure: go.Figure, flares: Sequence[Flare], first: pd.Timestamp, last: pd.Timestamp
) -> None:
    sizes = [flare.flux("science") for flare in flares]
    sides = _label_sides([f.peak for f in flares], sizes, first, last, _LABEL_SHARES["flare"])
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
            trace = _marks(
                [flare.peak for flare, _ in marked],
                [flare.goes_class for flare, _ in marked],
                [side for _, side in marked],
                colour,
                [_flare_words(flare) for flare, _ in marked],
            )
            marker = {"symbol": "triangle-down", "size": 10, "color": colour}
            figure.add_trace(trace.update(name=label, marker=marker))


def _mark_cmes(
    figure: go.Figure, flares: Sequence[Flare], first: pd.Timestamp, last: pd.Timestamp
) -> None:
    """Mark the CMEs linked to flares where a coronagraph first saw them, once each."""
    cmes = list({cme.id: cme for flare in flares for cme in flare.cmes}.values())
    if not cmes:
        return
    times = [cme.start for cme in cmes]
    speeds = [0.0 if math.isnan(cme.speed) else cme.speed for cme in cmes]
    sides = _label_sides(times, speeds, first, last, _LABEL_SHARES["cme"])
    hovers = []
    for cme in cmes:
        linked = ", ".join(f.goes_class for f in flares if cme.id in {one.id for one in f.cmes})
        hovers.append(
            f"<b>{_cme_name(cme)}</b> first seen {_utc(cme.start)}, linked to "
            f"{escape(linked)}<br>{escape(cme.id)}"
        )
    trace = _marks(times, [_cme_name(cme) for cme in cmes], sides, style.ERUPTIVE, hovers)
    marker = {"symbol": "circle-open", "size": 9, "color": style.ERUPTIVE, "line_width": 2}
    figure.add_trace(
        trace.update(name=_CME_LABEL, marker=marker, y=[_CME_LEVEL] * len(cmes)),
    )


def _marks(
    times: list[Time], labels: list[str], sides: list[str], colour: str, hovers: list[str]
) -> go.Scatter:
    return go.Scatter(
        x=[_stamp(time) for time in times],
        y=[1.0] * len(times),
        yaxis="y2",
        mode="markers+text",
        text=[label if side else "" for label, side in zip(labels, sides, strict=True)],
        textposition=[f"middle {side or 'right'}" for side in sides],
        textfont={"size": style.SMALL, "color": colour},
        cliponaxis=False,
        customdata=hovers,
        hovertemplate="%{customdata}<extra></extra>",
    )


def _label_sides(
    times: list[Time],
    sizes: list[float],
    first: pd.Timestamp,
    last: pd.Timestamp,
    share: float,
) -> list[str]:
    """Side of its mark on which each label fits, the largest first; empty if none."""
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

"""Figures over a disk passage: gaps, the current hour, flares and CMEs, and the probability."""

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

__all__ = ["mark_times", "over_passage", "probability_figure", "with_gaps"]

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
    if first == last:  # else the axis of a single hour counts in milliseconds
        hour = pd.Timedelta(hours=1)
        figure.update_xaxes(autorangeoptions_include=[first - hour, last + hour])
    until = last + pd.Timedelta(hours=24)
    shown = [flare for flare in flares if first <= pd.Timestamp(_stamp(flare.peak)) <= until]
    rows: list[tuple] = [
        (_stamp(f.peak), f.flux("science"), f.goes_class, _flare_words(f), f.known) for f in shown
    ]
    marks = _placed(rows, first, last, _LABEL_SHARES["flare"])
    for row in marks[marks["side"] != ""].to_dict("records"):
        line = {"color": style.ASSOCIATIONS[row["kind"]][0], "width": 1.2, "dash": "dot"}
        figure.add_vline(x=row["time"], line=line)
    named = {kind: words for kind, (_, words) in style.ASSOCIATIONS.items()}
    if any(flare.known == "eruptive" != flare.association for flare in shown):
        named["eruptive"] = "eruptive"  # by the literature, whose CMEs are not linked here
    for association, (colour, _) in style.ASSOCIATIONS.items():
        marker = {"symbol": "triangle-down", "size": 10, "color": colour}
        name = f"flare, {named[association]}"
        _add_marks(figure, marks[marks["kind"] == association], name, marker)
    # CMEs stand where a coronagraph first saw them, once each.
    cmes = {cme.id: cme for flare in shown for cme in flare.cmes}.values()
    rows = [
        (_stamp(c.start), np.nan_to_num(c.speed), _cme_name(c), _cme_words(c, shown), "cme")
        for c in cmes
    ]
    marker = {"symbol": "circle-open", "size": 9, "color": style.ERUPTIVE, "line_width": 2}
    marks = _placed(rows, first, last, _LABEL_SHARES["cme"])
    _add_marks(figure, marks, _CME_LABEL, marker, level=_CME_LEVEL)


def _placed(
    rows: list[tuple], first: pd.Timestamp, last: pd.Timestamp, share: float
) -> pd.DataFrame:
    """Table of marks, with the side of each on which its label fits, the largest first."""
    marks = pd.DataFrame(rows, columns=["time", "size", "label", "hover", "kind"])
    stamps = list(pd.to_datetime(marks["time"]))
    last = max([last, *stamps])
    width = share * (last - first)
    sides = [""] * len(marks)
    taken: list[pd.Timestamp] = []
    for index in marks["size"].sort_values(ascending=False, kind="stable").index:
        for side, low in (("right", stamps[index]), ("left", stamps[index] - width)):
            inside = first <= low and low + width <= last
            if inside and all(abs(low - other) >= width for other in taken):
                sides[index] = side
                taken.append(low)
                break
    return marks.assign(side=sides)


def _add_marks(
    figure: go.Figure, marks: pd.DataFrame, name: str, marker: dict[str, Any], *, level: float = 1.0
) -> None:
    """Draw marks on the hidden axis, with labels where there is room."""
    if marks.empty:
        return
    labelled = marks["side"] != ""
    figure.add_trace(
        go.Scatter(
            x=marks["time"],
            y=[level] * len(marks),
            yaxis="y2",
            mode="markers+text",
            name=name,
            marker=marker,
            text=marks["label"].where(labelled, ""),
            textposition="middle " + marks["side"].where(labelled, "right"),
            textfont={"size": style.SMALL, "color": marker["color"]},
            cliponaxis=False,
            customdata=marks["hover"],
            hovertemplate="%{customdata}<extra></extra>",
        )
    )


def _flare_words(flare: Flare) -> str:
    reason = "<br>".join(wrap(escape(flare.reason), _HOVER_CHARACTERS))
    head = f"<b>{escape(flare.goes_class)}</b> flare, peak {_utc(flare.peak)}"
    source = f"<br>known from {escape(flare.source)}" if flare.source else ""
    return f"{head}<br>{reason or f'flare, {style.ASSOCIATIONS[flare.known][1]}'}{source}"


def _cme_words(cme: Cme, flares: Sequence[Flare]) -> str:
    linked = ", ".join(flare.goes_class for flare in flares if cme in flare.cmes)
    head = f"<b>{_cme_name(cme)}</b> first seen {_utc(cme.start)}"
    return f"{head}, linked to {escape(linked)}<br>{escape(cme.id)}"


def _cme_name(cme: Cme) -> str:
    return "CME" if math.isnan(cme.speed) else f"CME {cme.speed:.0f} km/s"


def _utc(time: Time) -> str:
    return f"{time.utc.isot[:16].replace('T', ' ')} UTC"


def _stamp(time: Time) -> str:
    return str(time.tai.isot)

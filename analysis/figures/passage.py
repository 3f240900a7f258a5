"""Figures over a disk passage: gaps, the current hour, flares and CMEs, and the probability."""

import math
from collections.abc import Sequence
from html import escape
from textwrap import wrap
from typing import Any, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from astropy.time import Time

from analysis.figures import style
from hnn_core.magnetogram.conventions import both_scales
from hnn_core.regions.base import Cme, Flare

__all__ = [
    "TimeScale",
    "keyword_history_figure",
    "mark_times",
    "over_passage",
    "probability_figure",
    "stacked_figure",
    "with_gaps",
]

TimeScale = Literal["tai", "utc"]

_CME_LABEL = "CME, when first seen"
_CME_LEVEL = 0.88
"""Flares hang at 1: the labels of a flare and of its CME lie on two lines."""
_LABEL_SHARES = {"flare": 0.09, "cme": 0.22}
"""What a label takes of the width of a narrow figure."""
_HOVER_CHARACTERS = 60
_ROW_TITLE = 24
"""Pixels above each row of a stack."""


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


def keyword_history_figure(
    history: pd.DataFrame, keyword: str, unit: str, meaning: str, *, height: int = 300
) -> go.Figure:
    """Draw a keyword of the records over a disk passage, as it stands in their headers.

    Parameters
    ----------
    history : DataFrame
        Of `analysis.physics.keywords.keyword_history`; the line breaks at NaN.
    keyword : str
        A column of it.
    unit, meaning : str
        As `analysis.physics.keywords.SHARP_KEYWORDS` has them.
    height : int
        Pixels.
    """
    table = with_gaps(history, "t_rec_tai")
    figure = over_passage(f"keyword {keyword}", height)
    figure.add_trace(
        go.Scatter(
            x=table["t_rec_tai"],
            y=table[keyword].to_numpy(dtype=float),
            mode="lines+markers",
            name=keyword,
            line={"color": style.GRADIENT, "width": 2},
            marker={"size": 5},
            hovertemplate=f"%{{y:.5~g}} {unit}<extra>{keyword}</extra>",
            showlegend=False,
        )
    )
    mark_times(figure, table["t_rec_tai"], None, None, ())
    return figure.update_yaxes(title_text=f"{keyword}, {meaning} ({unit})")


def stacked_figure(
    rows: Sequence[go.Figure],
    *,
    name: str,
    scale: TimeScale = "tai",
    span: tuple[Time, Time] | None = None,
    current: Time | None = None,
    window: tuple[Time, Time] | None = None,
    flares: Sequence[Flare] = (),
    row_height: int = 130,
) -> go.Figure:
    """Put figures over one passage above each other, on one time axis that zooms all of them.

    Flares and CMEs hang in the first; the lines that mark times run through all. The layout's
    ``meta`` holds the scale of the axis, for who asks which time lies at a place.

    Parameters
    ----------
    rows : sequence of Figure
        Of `probability_figure`, `analysis.figures.flux.flux_history_figure` and
        `keyword_history_figure`, without marks.
    name : str
        Of the region; with the scale it is the figure's ``uirevision``.
    scale : str
        ``"tai"`` or ``"utc"``, of the axis; the pointer is answered with both.
    span : (Time, Time) or None
        What the axis shows; None for everything that there is.
    current, window, flares
        As in `analysis.figures.flux.flux_history_figure`.
    row_height : int
        Pixels from one row to the next.

    Raises
    ------
    ValueError
        If there is no row.
    """
    if not rows:
        raise ValueError("no figure to put over the time axis")
    whole = row_height * len(rows)
    figure = over_passage(f"{name} {scale}", whole + style.MARGIN["t"] + style.MARGIN["b"])
    for index, row in enumerate(rows):
        ends = [whole - (index + 1) * row_height, whole - index * row_height - _ROW_TITLE]
        _take_row(figure, row, f"y{index + 2}" if index else "y", [end / whole for end in ends])
    known = [
        pd.to_datetime(one.x)[np.isfinite(np.asarray(one.y, dtype=float))] for one in figure.data
    ]
    times = pd.Series(np.unique(np.concatenate(known)))
    start = len(figure.layout.shapes)
    mark_times(figure, times, current, window, flares)
    for shape in figure.layout.shapes[start:]:
        shape.yref = "paper"
    _add_clock(figure, times, scale)
    if scale == "utc":
        _to_utc(figure)
    if span is not None:
        figure.update_xaxes(range=[str(getattr(one, scale).isot) for one in span])
    figure.update_yaxes(fixedrange=True)
    lowest = f"y{len(rows) + 1}" if len(rows) > 1 else "y"
    return figure.update_layout(
        meta={"scale": scale},
        hoversubplots="axis",
        yaxis2_domain=figure.layout.yaxis.domain,
        xaxis={
            "anchor": lowest,
            "title_text": f"T_REC ({scale.upper()})",
            "hoverformat": f"%Y-%m-%d %H:%M:%S {scale.upper()}",
            "showspikes": True,
            "spikemode": "across",
            "spikethickness": 1,
            "spikedash": "dot",
        },
    )


def _take_row(figure: go.Figure, row: go.Figure, axis: str, domain: list[float]) -> None:
    """Move what a figure shows to an axis of its own in another, its title above it."""
    own = row.layout.yaxis
    figure.update_layout({f"yaxis{axis[1:]}": {**own.to_plotly_json(), "domain": domain}})
    figure.layout[f"yaxis{axis[1:]}"].title.text = None
    write = {"y": domain[1], "xanchor": "left", "yanchor": "bottom", "font_size": style.FONT_SIZE}
    style.write(figure, own.title.text, x=0, **write)
    include = row.layout.xaxis.autorangeoptions.include
    if include is not None:
        figure.update_xaxes(autorangeoptions_include=include)
    for trace in row.data:
        figure.add_trace(trace.update(yaxis=axis, showlegend=False))
    for one in (*row.layout.shapes, *row.layout.annotations):
        one.yref = one.yref.replace("y", axis)
    figure.layout.shapes += row.layout.shapes
    figure.layout.annotations += row.layout.annotations


def _add_clock(figure: go.Figure, times: pd.Series, scale: TimeScale) -> None:
    """Answer the pointer with the time in the other scale, by marks that are not seen."""
    other = "utc" if scale == "tai" else "tai"
    stamps = getattr(Time(times.to_numpy(), scale="tai"), other).isot
    figure.add_trace(
        go.Scatter(
            x=times,
            y=np.zeros(len(times)),
            yaxis="y2",
            mode="markers",
            marker={"opacity": 0},
            customdata=[f"{stamp[:19].replace('T', ' ')} {other.upper()}" for stamp in stamps],
            hovertemplate="%{customdata}<extra></extra>",
            showlegend=False,
        )
    )


def _to_utc(figure: go.Figure) -> None:
    """Put everything over the axis of time from TAI to UTC, in place."""

    def moved(times: Any) -> np.ndarray:
        return Time(pd.to_datetime(times).to_numpy(), scale="tai").utc.datetime64

    for trace in figure.data:
        trace.x = moved(trace.x)
    for shape in figure.layout.shapes:
        if shape.xref == "x":
            shape.x0, shape.x1 = (str(one) for one in moved([shape.x0, shape.x1]))


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
    head = f"<b>{escape(flare.goes_class)}</b> flare, peak {both_scales(flare.peak, first='utc')}"
    source = f"<br>known from {escape(flare.source)}" if flare.source else ""
    return f"{head}<br>{reason or f'flare, {style.ASSOCIATIONS[flare.known][1]}'}{source}"


def _cme_words(cme: Cme, flares: Sequence[Flare]) -> str:
    linked = ", ".join(flare.goes_class for flare in flares if cme in flare.cmes)
    head = f"<b>{_cme_name(cme)}</b> first seen {both_scales(cme.start, first='utc')}"
    return f"{head}, linked to {escape(linked)}<br>{escape(cme.id)}"


def _cme_name(cme: Cme) -> str:
    return "CME" if math.isnan(cme.speed) else f"CME {cme.speed:.0f} km/s"


def _stamp(time: Time) -> str:
    return str(time.tai.isot)

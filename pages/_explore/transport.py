"""The transport: the hour, play, and the marks of a passage, in sight wherever one scrolls.

Its code is in the browser (assets/viewer/transport.js and charts.js): steps and play go through
the viewer, and the page follows when they rest. Here it is given what there is to mark, and the
scale of times is kept, TAI or UTC.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st
from astropy.time import Time, TimeDelta

from analysis.figures import style
from analysis.figures.passage import TimeScale
from hnn_core.magnetogram.conventions import both_scales, iso_second, parse_t_rec
from hnn_core.regions.base import Flare, Region
from pages._shared.link import hour_of, one_of, publish, refused, restore
from pages._shared.selectors import Selection

__all__ = ["hour_words", "mark_predictions", "time_control", "time_scale", "time_span"]

_SCALES = ("tai", "utc")
_SPEEDS = (1, 10)
"""Hours a second, least and most."""
_AFTER = TimeDelta(86400.0, format="sec")
"""Flares so long after the last hour are marked at the end of the line."""
_FOLDER = Path(__file__).parents[2] / "assets" / "viewer"
_HTML, _CSS, _JS, _CLICKS = (
    (_FOLDER / name).read_text(encoding="utf-8")
    for name in ("transport.html", "transport.css", "transport.js", "charts.js")
)
_TRANSPORT = st.components.v2.component("hnn_transport", html=_HTML, css=_CSS, js=_JS)
_CHARTS = st.components.v2.component("hnn_charts", js=_CLICKS)


def time_control(
    region: Region,
    hours: Sequence[str],
    default: Callable[[], str],
    shown: Callable[[str], str],
) -> str:
    """Draw the transport and return the chosen hour.

    Parameters
    ----------
    region : Region
        Its flares and their CMEs are marked.
    hours : sequence of str
        Those with a good record, ascending ISO minutes (TAI).
    default : callable
        Gives the hour that the region opens on.
    shown : callable
        Gives the hour by which a time in a link is known.
    """
    state = st.session_state
    restore("hour", default, hour_of(hours, shown))
    restore("time", _SCALES[0], one_of(_SCALES, "scale of times"))
    if state["time"] != _SCALES[0] or "time" in st.query_params:
        publish("time")
    link = _linked(region.id, hours)
    publish("hour")
    _TRANSPORT(
        key="transport_line",
        data={
            "region": region.id,
            "hours": list(hours),
            "utc": _in_utc(tuple(hours)),
            "hour": state["hour"],
            "scale": state["time"],
            "events": _events(region, hours),
            "colours": {kind: colour for kind, (colour, _) in style.ASSOCIATIONS.items()}
            | {"cme": style.ERUPTIVE},
            "link": link,
        },
        on_hour_change=lambda: _take("hour", hours),
        on_time_change=lambda: _take("time", _SCALES),
        on_span_change=_take_span,
    )
    return str(state["hour"])


def time_scale() -> TimeScale:
    """Return the scale of times chosen at the transport."""
    return "utc" if st.session_state["time"] == "utc" else "tai"


def time_span() -> tuple[Time, Time] | None:
    """Return the part of the passage that the charts over it show; None for the whole."""
    found: tuple[Time, Time] | None = st.session_state["span_shown"]
    return found


def hour_words(hour: str) -> str:
    """Write an hour, ISO minutes (TAI), in the chosen scale: ``2011-02-13 05:00 TAI``."""
    if time_scale() == "utc":
        return f"{_in_utc((hour,))[0].replace('T', ' ')} UTC"
    return f"{hour.replace('T', ' ')} TAI"


def mark_predictions(selection: Selection, passage: pd.DataFrame) -> None:
    """Give the transport P(eruptive) of the hours that have one, and let charts answer clicks."""
    hours = passage["hour"].dt.strftime("%Y-%m-%dT%H:%M")
    probabilities = passage["probability"].round(4)
    _CHARTS(
        key="transport_marks",
        data={
            "region": selection.region.id,
            "probabilities": dict(zip(hours, probabilities.tolist(), strict=True)),
            "threshold": selection.model.config.threshold,
        },
    )


def _take(name: str, options: Sequence[str]) -> None:
    """Take what was chosen in the browser."""
    value = st.session_state["transport_line"].get(name)
    if value in options:
        st.session_state[name] = value


def _take_span() -> None:
    """Take the part of the passage to which a chart was zoomed; the whole is empty."""
    value = st.session_state["transport_line"].get("span")
    if isinstance(value, str):
        st.session_state["span_chosen"] = value


@st.cache_data(max_entries=32, show_spinner=False)
def _in_utc(hours: tuple[str, ...]) -> list[str]:
    return [str(text)[:19] for text in Time(list(hours), scale="tai").utc.isot]


def _events(region: Region, hours: Sequence[str]) -> list[dict[str, Any]]:
    """Flares, the largest first, and the CMEs linked to them, each once."""
    first, last = parse_t_rec(hours[0]), parse_t_rec(hours[-1]) + _AFTER
    flares = [flare for flare in region.flares if first <= flare.peak <= last]
    flares.sort(key=lambda flare: flare.flux("science"), reverse=True)
    cmes = {cme.id: cme for flare in flares for cme in flare.cmes}.values()
    return [
        *({"kind": one.known, "time": iso_second(one.peak)} | _named(one) for one in flares),
        *(
            {
                "kind": "cme",
                "time": iso_second(cme.start),
                "label": "",
                "words": f"CME, first seen {both_scales(cme.start, first='utc')}",
            }
            for cme in cmes
        ),
    ]


def _named(flare: Flare) -> dict[str, str]:
    association = style.ASSOCIATIONS[flare.known][1]
    peak = both_scales(flare.peak, first="utc")
    return {
        "label": flare.goes_class,
        "words": f"{flare.goes_class} flare, {association}, peak {peak}",
    }


def _linked(region: str, hours: Sequence[str]) -> dict[str, Any]:
    """Read from the address what the browser writes of time; note what is none."""
    state, read = st.session_state, st.query_params
    found: dict[str, Any] = {"loop": None, "span": None, "speed": None}
    for name in found:
        state.pop(name, None)
    loop, span, speed = (read.get(name) for name in found)
    same = state.get("loop_of", region) == region  # else they were those of the region before
    state["loop_of"] = region
    if not same:
        state.pop("span_chosen", None)
    span = state.get("span_chosen", span) or None  # Streamlit sends the address it last wrote
    if loop is not None:
        start, _, end = loop.partition("_")
        if start in hours and end in hours and start < end:
            found["loop"] = [start, end]
        elif same:
            refused("loop", loop)
        else:
            del read["loop"]
    state["span_shown"] = None
    if span is not None:
        state["span_shown"] = _span(span, hours)
        if state["span_shown"]:
            found["span"] = span.split("_")
        elif same:
            refused("span", span)
        elif "span" in read:
            del read["span"]
    if speed is not None:
        with suppress(ValueError):
            if _SPEEDS[0] <= int(speed) <= _SPEEDS[1]:
                found["speed"] = int(speed)
        if found["speed"] is None:
            refused("speed", speed)
    return found


def _span(text: str, hours: Sequence[str]) -> tuple[Time, Time] | None:
    """Read two times in TAI between which there is something of the passage; else None."""
    with suppress(ValueError):
        start, end = (Time(one, format="isot", scale="tai") for one in text.split("_"))
        if start < end and start <= parse_t_rec(hours[-1]) and parse_t_rec(hours[0]) <= end:
            return start, end
    return None

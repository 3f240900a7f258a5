"""Which flares of the catalogue are looked at; the address bar holds the choice."""

from typing import Any

import streamlit as st

from analysis.catalog_table import ASSOCIATION_WORDS
from hnn_core.live.words import read_day
from pages._data_fields import checked, field
from pages._data_words import checked_region, checked_span

__all__ = ["choose_flares"]

CLASSES = ("C", "M", "M5.0", "X", "any")
_WHOLE = (-90, 90)
_LINKED = {"bind": "query-params"}


def choose_flares() -> dict[str, Any] | None:
    """Draw the filters and return them as `find_flares` takes them; None where one is no filter."""
    st.markdown("#### Flares shown")
    days = field("Peak from (UTC)", "from", placeholder="2011-02-01", **_LINKED)
    field("to", "to", placeholder="2011-02-28", **_LINKED)
    st.selectbox(
        "Least class",
        CLASSES,
        key="least",
        persist_state="session",
        help="On the scale that the row names: as announced until 2019, true flux from then on.",
        **_LINKED,
    )
    region = field("Region", "of", placeholder="11158 or HARP 377", **_LINKED)
    associations = st.pills(
        "CME",
        list(ASSOCIATION_WORDS.values()),
        selection_mode="multi",
        key="cme",
        persist_state="session",
        help="None chosen: all. A flare without a linked CME is not one without a CME.",
        **_LINKED,
    )
    longitude, latitude = (
        st.slider(
            name, *_WHOLE, _WHOLE, 5, format="%d°", key=key, persist_state="session", **_LINKED
        )
        for name, key in (("Longitude, west positive", "lon"), ("Latitude", "lat"))
    )
    state = st.session_state
    span = checked(days, checked_span, state["from"] or "", state["to"] or "")
    asked = (state["of"] or "").strip()
    wanted = checked(region, checked_region, asked) if asked else None
    if span is None or (asked and wanted is None):
        return None
    return {
        "start": read_day(span[0]) if span[0] else None,
        "end": read_day(span[1]) if span[1] else None,
        "least_class": "" if state["least"] == "any" else state["least"],
        "noaa": wanted.noaa if wanted else None,
        "harp": wanted.harp if wanted else None,
        "longitude": None if longitude == _WHOLE else longitude,
        "latitude": None if latitude == _WHOLE else latitude,
        "associations": tuple(
            name for name, words in ASSOCIATION_WORDS.items() if words in associations
        ),
    }

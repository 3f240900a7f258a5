"""The catalogue of flares and CMEs: fetched for a span of days, filtered, drawn."""

from functools import partial
from typing import Any

import streamlit as st

from analysis.export import ASSOCIATION_WORDS, flare_csv
from hnn_core.catalogs.queries import find_flares
from hnn_core.catalogs.store import Catalog
from hnn_core.regions.goes_classes import LISTED
from hnn_core.regions.words import read_day
from pages._data.flares import show_chosen, show_flares, show_maps
from pages._data.forms import checked, checked_region, checked_span, field, read_span, start, submit
from pages._data.jobs import show_jobs
from pages._shared.link import bound
from pages._shared.messages import nothing_kept, plain
from pages._shared.widgets import download

__all__ = ["show_catalogue"]

CLASSES = (LISTED, "M", "M5.0", "X", "any")
_WHOLE = (-90, 90)


def show_catalogue() -> None:
    """Draw what the filters leave of the catalogue, and the form that fetches more of it."""
    with st.sidebar:
        filters = _choose_flares()
    catalog = Catalog.open()
    st.markdown("## Flares and CMEs")
    with st.expander("Fetch more", icon=":material/download:", expanded=catalog.flares.empty):
        _show_form()
    show_jobs("flares", "cmes")
    if catalog.flares.empty:
        words = (
            "The catalogue is empty. Fetch the flares and CMEs of some days above, such as "
            "2011-02-01 to 2011-02-28."
        )
        if nothing_kept():
            words = "No fetched flare can be shown now."
        st.info(words, icon=":material/info:")
        return
    if filters is None:
        st.caption("Correct the filter on the left to see flares.")
        return
    found = find_flares(catalog, **filters)
    if found.empty:
        st.info("No flare of the catalogue passes these filters.", icon=":material/filter_alt:")
        return
    show_maps(found)
    show_chosen(found)
    show_flares(found, catalog.cmes)
    content = partial(flare_csv, found, catalog.cmes)
    download(f"These {len(found):,} flares, CSV", content, "flares.csv", "flares_csv")


def _choose_flares() -> dict[str, Any] | None:
    """Draw the filters and return them as `find_flares` takes them; None where one is no filter."""
    st.markdown("#### Flares shown")
    days = field("Peak from (UTC)", "from", placeholder="2011-02-01", in_link=True)
    field("to", "to", placeholder="2011-02-28", in_link=True)
    least = bound(
        st.selectbox,
        "Minimum class",
        CLASSES,
        key="least",
        value=CLASSES[0],
        help="On the scale that the row names: as announced until 2019, true flux since.",
    )
    region = field("Region", "of", placeholder="11158 or HARP 377", in_link=True)
    associations = bound(
        st.pills,
        "CME",
        list(ASSOCIATION_WORDS.values()),
        key="cme",
        value=[],
        selection_mode="multi",
        help="None chosen: all. No linked CME does not mean no CME.",
    )
    longitude, latitude = (
        bound(st.slider, plain(name), *_WHOLE, key=key, value=_WHOLE, step=5, format="%d°")
        for name, key in (("Longitude, west positive", "lon"), ("Latitude", "lat"))
    )
    state = st.session_state
    span = checked(days, read_span, state["from"] or "", state["to"] or "")
    typed = (state["of"] or "").strip()
    wanted = checked(region, checked_region, typed) if typed else None
    if span is None or (typed and wanted is None):
        return None
    return {
        "start": read_day(span[0]) if span[0] else None,
        "end": read_day(span[1]) if span[1] else None,
        "minimum_class": "" if least == "any" else least,
        "noaa": wanted.noaa if wanted else None,
        "harp": wanted.harp if wanted else None,
        "longitude": None if longitude == _WHOLE else longitude,
        "latitude": None if latitude == _WHOLE else latitude,
        "associations": tuple(
            name for name, words in ASSOCIATION_WORDS.items() if words in associations
        ),
    }


def _show_form() -> None:
    with st.form("catalogue_form", border=False), st.container(horizontal=True):
        days = field("From (UTC)", "catalogue_start", placeholder="2011-02-01")
        field("To (UTC)", "catalogue_end", placeholder="2011-02-28")
        pressed = submit("catalogue", "Fetch flares and CMEs", "catalogue_fetch", "download")
    again = st.checkbox(
        "Fetch again what was fetched before",
        key="catalogue_again",
        help="Without this, what is here is requested only where DONKI may still revise it.",
    )
    st.caption(
        "Flares from NOAA's GOES reports (NCEI) and from HEK, which names more regions; CMEs and "
        "their links to flares from DONKI, which begins in 2010 and is sparse before 2014."
    )
    example = "2011-02-01 and 2011-02-28" if pressed else ""
    span = checked_span(days, "catalogue", example)
    if pressed and span:
        dates = ["--start", span[0], "--end", span[1], *(["--again"] if again else [])]
        start("flares", dates, f"Flares and CMEs, {' to '.join(span)}")

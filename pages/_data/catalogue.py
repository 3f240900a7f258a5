"""The catalogue of flares and CMEs: fetched for a span of days, looked through, drawn."""

from typing import Any

import pandas as pd
import streamlit as st

from analysis.catalog_table import flare_csv
from hnn_core.catalogs.query import find_flares
from hnn_core.catalogs.store import Catalog
from hnn_core.exceptions import RequestError
from pages._access import writes_refused
from pages._data_chosen import show_chosen
from pages._data_fields import checked, field
from pages._data_flares import show_flares
from pages._data_jobs import show_jobs
from pages._data_maps import show_maps
from pages._data_start import start
from pages._data_words import checked_span

__all__ = ["show_catalogue"]


def show_catalogue(filters: dict[str, Any] | None) -> None:
    """Draw what the filters leave of the catalogue, and the form that fetches more of it."""
    catalog = Catalog.open()
    st.markdown("## Flares and CMEs")
    with st.expander("Fetch more", icon=":material/download:", expanded=catalog.flares.empty):
        _show_form()
    show_jobs("flares", "cmes")
    if catalog.flares.empty:
        st.info(
            "The catalogue is empty. Fetch the flares and CMEs of some days above, such as "
            "2011-02-01 to 2011-02-28.",
            icon=":material/info:",
        )
        return
    if filters is None:
        st.caption("Mend the filter on the left to see flares.")
        return
    found = find_flares(catalog, **filters)
    if found.empty:
        st.info("No flare of the catalogue passes these filters.", icon=":material/filter_alt:")
        return
    show_maps(found)
    show_chosen(found)
    show_flares(found, catalog.cmes)
    _show_download(found, catalog.cmes)


def _show_form() -> None:
    refused = writes_refused()
    with st.form("catalogue_form", border=False), st.container(horizontal=True):
        days = field("From (UTC)", "catalogue_start", placeholder="2011-02-01")
        field("To (UTC)", "catalogue_end", placeholder="2011-02-28")
        with st.container(key="catalogue_press", width="content"):
            pressed = st.form_submit_button(
                "Fetch flares and CMEs",
                key="catalogue_fetch",
                type="primary",
                icon=":material/download:",
                disabled=bool(refused),
                help=refused or None,
            )
    again = st.checkbox(
        "Ask also for what was fetched before",
        key="catalogue_again",
        help="DONKI revises its records; without this, months that are here are not asked for.",
    )
    st.caption(
        "Flares from NOAA's GOES reports (NCEI) and, where those have none yet, HEK; CMEs and "
        "their links to flares from DONKI, which begins in 2010 and is sparse before 2014."
    )
    state = st.session_state
    span = checked(days, _whole_span, state["catalogue_start"], state["catalogue_end"], pressed)
    if pressed and span:
        dates = ["--start", span[0], "--end", span[1], *(["--again"] if again else [])]
        start("flares", dates, f"Flares and CMEs, {' to '.join(span)}")


def _whole_span(first: str, last: str, needed: bool) -> tuple[str, str]:
    span = checked_span(first or "", last or "")
    if needed and not all(span):
        raise RequestError("Give a first and a last day, such as 2011-02-01 and 2011-02-28.")
    return span


def _show_download(found: pd.DataFrame, cmes: pd.DataFrame) -> None:
    st.download_button(
        f"These {len(found):,} flares, CSV",
        lambda: flare_csv(found, cmes),
        "flares.csv",
        "text/csv",
        key="flares_csv",
        icon=":material/download:",
        on_click="ignore",
    )

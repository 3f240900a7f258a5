"""The chosen flares in words, and how to get the magnetograms before them."""

import pandas as pd
import streamlit as st

from analysis.catalog_table import ASSOCIATION_WORDS, place
from pages._data_choice import chosen_flares
from pages._data_start import start, start_button
from pages._data_view import open_view
from pages._data_words import plain

__all__ = ["show_chosen"]


def show_chosen(found: pd.DataFrame) -> None:
    """Draw one box, always of the same height, so that nothing jumps at a click."""
    chosen = chosen_flares(found)
    with st.container(border=True, key="chosen", gap="xsmall"):
        if chosen.empty:
            st.markdown("**No flare is chosen**")
            st.caption("Click a dot in a map or tick rows of the table.")
            return
        flare = chosen.iloc[0]
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{_name(flare)}**{_more(chosen)}", width="stretch")
            _show_buttons(flare)
        where = f"{place(flare['longitude_deg'], flare['latitude_deg'])} · "
        words = ASSOCIATION_WORDS.get(flare["association"], "not known")
        words = words if "CME" in words else f"CME {words}"
        words = words[:1].upper() + words[1:]
        reason = str(flare["reason"])
        reason = plain(reason[:1].upper() + reason[1:])
        st.caption(f"{where.removeprefix(' · ')}{words}. {reason}")


def _show_buttons(flare: pd.Series) -> None:
    known = bool(flare["noaa"] or flare["harp"])
    if not known:
        st.caption("Its region is not known, so its magnetograms cannot be asked for.")
        return
    if start_button(
        "Fetch the 48 h before it",
        "chosen_fetch",
        icon="download",
        primary=True,
    ):
        start("fetch", ["--flare", str(flare["flare_id"])], f"{_name(flare)}, the 48 h before")
    if st.button("In the fetch form", key="chosen_form", icon=":material/edit:"):
        open_view("fetch")


def _name(flare: pd.Series) -> str:
    region = f" of AR {flare['noaa']}" if flare["noaa"] else ""
    region = region or (f" of HARP {flare['harp']}" if flare["harp"] else "")
    return f"{flare['goes_class']}{region}, {flare['peak_utc']:%Y-%m-%d %H:%M} UTC"


def _more(chosen: pd.DataFrame) -> str:
    return f" and {len(chosen) - 1:,} smaller ones" if len(chosen) > 1 else ""

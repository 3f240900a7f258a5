"""Which part of the Data page is looked at, and the ways out of it."""

from html import escape
from typing import Any

import streamlit as st

from hnn_core.live.holdings import Holding
from hnn_core.services.endpoints import elsewhere
from pages._shared.access import writes_refused
from pages._shared.link import linked, reopened
from pages._shared.messages import plain

__all__ = ["choose_view", "explore_button", "follow", "follows", "show_standing"]

VIEWS = {
    "here": ":material/folder: On this machine",
    "fetch": ":material/download: Fetch",
    "catalogue": ":material/flare: Catalogue",
    "sets": ":material/dataset: Data sets",
    "origin": ":material/info: Where it comes from",
}
_WANTED = "explore_wanted"
_KINDS = {"jsoc:": "jsoc", "jsoc:nrt": "nrt"}


def choose_view() -> str:
    """Draw the choice of what to look at."""
    reopened()
    return linked(st.radio, "Show", VIEWS, key="show", label_visibility="collapsed")


def follow() -> None:
    """Open Explore if a button requested that before the page was drawn."""
    if wanted := st.session_state.pop(_WANTED, None):
        st.session_state.pop("hour", None)
        st.session_state.update(wanted)
        st.switch_page("pages/explore.py")


def follows() -> bool:
    """Whether `follow` has somewhere to go."""
    return _WANTED in st.session_state


def explore_button(one: Holding, key: str, hour: str = "", **more: Any) -> None:
    """Draw the button that opens Explore on a downloaded region; by default at its own hour.

    It may be pressed while the page changes: `follow` acts.
    """
    region = one.region
    names = [*(f"AR {number}" for number in region.noaa), f"HARP {region.harp}"]
    view = {"source": _KINDS[one.source], "region": region.id, **({"hour": hour} if hour else {})}
    st.button(
        f"Explore {plain(' · '.join(names))}",
        key=key,
        icon=":material/travel_explore:",
        on_click=st.session_state.update,
        args=({_WANTED: view},),
        **more,
    )


def show_standing() -> None:
    """Draw whose data these are, and who may fetch."""
    if place := elsewhere():
        st.html(
            f'<div class="simulated"><b>Not the real services.</b> {escape(place)} stands in for '
            "them: what it sends are emulated data, kept apart from real ones.</div>"
        )
    if reason := writes_refused():
        st.info(
            f"Here you can watch, not fetch, build or remove. {plain(reason)}",
            icon=":material/lock:",
        )

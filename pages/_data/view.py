"""Which part of the Data page is looked at, and the ways out of it."""

from html import escape

import streamlit as st

from hnn_core.services.endpoints import elsewhere
from pages._shared.access import writes_refused
from pages._shared.link import linked

__all__ = [
    "ask_to_explore",
    "choose_view",
    "explore",
    "follow",
    "follows",
    "open_view",
    "show_standing",
]

VIEWS = {
    "here": ":material/folder: On this machine",
    "fetch": ":material/download: Fetch",
    "catalogue": ":material/flare: Catalogue",
    "sets": ":material/dataset: Data sets",
    "origin": ":material/info: Where it comes from",
}
_EMULATED = (
    '<div class="simulated"><b>Not the real services.</b> {} stands in for them: what it sends are '
    "emulated data, kept apart from real ones.</div>"
)
_WANTED = "explore_wanted"
_KINDS = {"jsoc:": "jsoc", "jsoc:nrt": "nrt"}


def choose_view() -> str:
    """Draw the choice of what to look at."""
    st.session_state.update(st.session_state.pop("data_opening", {}))
    return linked(st.radio, "Show", VIEWS, key="show", label_visibility="collapsed")


def open_view(view: str) -> None:
    """Run the page anew with this view."""
    st.session_state["data_opening"] = {"show": view}
    st.rerun()


def follow() -> None:
    """Go to Explore if a button requested that before the page was drawn."""
    if wanted := st.session_state.pop(_WANTED, None):
        explore(*wanted)


def follows() -> bool:
    """Whether `follow` has somewhere to go."""
    return _WANTED in st.session_state


def ask_to_explore(source: str, region: str, hour: str = "") -> None:
    """Have `follow` open Explore: for buttons that may be pressed while the page changes."""
    st.session_state[_WANTED] = (source, region, hour)


def explore(source: str, region: str, hour: str = "") -> None:
    """Open Explore on a downloaded region; without an hour, on the one that it chooses."""
    st.session_state.pop("hour", None)
    hours = {"hour": hour} if hour else {}
    st.session_state.update({"source": _KINDS[source], "region": region, **hours})
    st.switch_page("pages/explore.py")


def show_standing() -> None:
    """Draw whose data these are, and who may fetch."""
    if place := elsewhere():
        st.html(_EMULATED.format(escape(place)))
    if reason := writes_refused():
        st.info(f"Here you can watch, not fetch, build or remove. {reason}", icon=":material/lock:")

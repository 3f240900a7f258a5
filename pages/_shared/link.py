"""The view in the address bar, so that a link reproduces it.

Streamlit's ``bind="query-params"`` serves switches with a fixed default. It leaves a value out
while it is the default and writes labels instead of ids; the default region and hour change as
data arrive and labels as catalogues do, so those are kept here: always written, by id.

Pages run by app.py, also when the first thing asked of a fresh server is one of them.

Until app.py has named its pages, Streamlit takes the files of pages/ for them, and ``/training``
runs that file by itself. It then starts over with app.py, which comes back to it. Were the address
no file's name, Streamlit would say that there is no such page, over the page itself.
"""

from collections.abc import Callable, Collection, Sequence

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from hnn_core.exceptions import HnnError, RequestError, UnknownTimeError

__all__ = ["ask_for", "hour_of", "note", "one_of", "publish", "restore", "routed", "show_notes"]


def hour_of(hours: Sequence[str]) -> Callable[[str], str]:
    """Make a reader of hours: a text that is not among them raises UnknownTimeError."""

    def read(text: str) -> str:
        if text not in hours:
            raise UnknownTimeError(
                f"There is no magnetogram at “{text}”; the hours run from {hours[0]} to "
                f"{hours[-1]} TAI."
            )
        return text

    return read


def restore(key: str, default: str, read: Callable[[str], str]) -> None:
    """Give the widget `key` its value, before it is drawn: the link's, its own, the default.

    `read` turns a text into an option or raises an error of ours. What it says of the link's
    text is noted; a value of the widget's own that has ceased to be an option is replaced in
    silence.
    """
    state = st.session_state
    asked = st.query_params.get(key)
    from_link = asked is not None and asked != state.get(f"{key}_in_link")
    wanted = asked if from_link else state.get(key)
    if from_link:
        state[f"{key}_in_link"] = asked
    try:
        state[key] = default if wanted is None else read(wanted)
    except HnnError as error:
        state[key] = default
        if from_link:
            note(key, f"{error} Shown instead: {default}.")


def one_of(what: str, options: Collection[str]) -> Callable[[str], str]:
    """Make a reader for `restore`: a text that is none of the options raises RequestError."""

    def read(text: str) -> str:
        if text not in options:
            raise RequestError(f"There is no {what} “{text}”, only {', '.join(options)}.")
        return text

    return read


def publish(*keys: str) -> None:
    """Write the values of these widgets to the address bar."""
    view = {key: str(st.session_state[key]) for key in keys if key in st.session_state}
    for key, value in view.items():
        st.session_state[f"{key}_in_link"] = value
    if any(st.query_params.get(key) != value for key, value in view.items()):
        st.query_params.update(view)


def note(key: str, text: str) -> None:
    """Keep a sentence on a value of the link that could not be had, while its place is kept."""
    notes = st.session_state.setdefault("link_notes", {})
    notes[key] = (st.session_state.get(key), text)


def show_notes() -> None:
    """Show what is noted of values that the person has not changed since."""
    kept = {
        key: (value, text)
        for key, (value, text) in st.session_state.get("link_notes", {}).items()
        if st.session_state.get(key) == value
    }
    st.session_state["link_notes"] = kept
    if kept:
        lines = "".join(f"\n- {text}" for _, text in kept.values())
        st.warning(f"Not everything in the link is here.{lines}", icon=":material/link_off:")


def routed(page: StreamlitPage, pages: list[StreamlitPage]) -> None:
    """Note, in app.py, that a page is about to be run; go to another one if that was asked for."""
    wanted = st.session_state.pop("wanted_page", None)
    for one in pages:
        if one.url_path == wanted and one is not page:
            st.switch_page(one, query_params=st.query_params.to_dict())
    st.session_state["routed"] = True


def ask_for(name: str) -> None:
    """Start over with app.py if it has not run in this session; `name` is the page's address."""
    if not st.session_state.get("routed", False):
        st.session_state["wanted_page"] = name
        st.switch_page("app.py", query_params=st.query_params.to_dict())

"""The view in the address bar, so that a link reproduces it.

Streamlit's ``bind="query-params"`` serves switches with a fixed default. It leaves a value out
while it is the default and writes labels instead of ids; the default region and hour change as
data arrive and labels as catalogues do, so those are kept here: always written, by id.
"""

from collections.abc import Callable

import streamlit as st

from hnn_core.exceptions import HnnError

__all__ = ["publish", "restore"]


def restore(key: str, default: str, read: Callable[[str], str]) -> None:
    """Give the widget `key` its value, before it is drawn: the link's, its own, the default.

    `read` turns a text into an option or raises an error of ours. What it says of the link's
    text is shown until another value is chosen; a value of the widget's own that has ceased to
    be an option is replaced in silence.
    """
    state = st.session_state
    asked = st.query_params.get(key)
    from_link = asked is not None and asked != state.get(f"{key}_in_link")
    wanted = asked if from_link else state.get(key)
    if from_link:
        state[f"{key}_in_link"] = asked
        state[f"{key}_notice"] = None
    try:
        state[key] = default if wanted is None else read(wanted)
    except HnnError as error:
        state[key] = default
        if from_link:
            state[f"{key}_notice"] = (default, f"{error} The link asked for it; this is {default}.")
    while_value, text = state.get(f"{key}_notice") or (None, "")
    if state[key] == while_value:
        st.warning(text, icon=":material/link_off:")


def publish(*keys: str) -> None:
    """Write the values of these widgets to the address bar."""
    view = {key: str(st.session_state[key]) for key in keys if key in st.session_state}
    for key, value in view.items():
        st.session_state[f"{key}_in_link"] = value
    if any(st.query_params.get(key) != value for key, value in view.items()):
        st.query_params.update(view)

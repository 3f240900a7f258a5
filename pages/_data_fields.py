"""Fields whose text is checked, with what is wrong right below them."""

from collections.abc import Callable
from typing import Any, TypeVar

import streamlit as st

from hnn_core.exceptions import RequestError
from pages._data_words import plain

__all__ = ["checked", "field"]

T = TypeVar("T")


def field(label: str, key: str, **more: Any) -> Any:
    """Draw a text field and return the place below it, for what is wrong with its text."""
    with st.container(gap="xsmall"):
        st.text_input(label, key=key, persist_state="session", **more)
        return st.empty()


def checked(place: Any, read: Callable[..., T], *texts: str) -> T | None:
    """Read texts; if they mean nothing, say so at the place and return None."""
    try:
        return read(*texts)
    except RequestError as error:
        place.markdown(f":small[:red[:material/error: {plain(str(error))}]]")
        return None

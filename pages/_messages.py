"""Errors in words: what a person reads when something fails, and what the log keeps."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from hnn_core.exceptions import HnnError

__all__ = ["show_simulated", "worded_errors"]

_log = logging.getLogger(__name__)


def show_simulated(words: str = "") -> None:
    """Draw the banner of simulated data; by default the words for one region."""
    words = words or (
        "This region was made by a model of magnetic elements; it never was on the Sun."
    )
    st.html(f'<div class="simulated"><b>Simulated data.</b> {words}</div>')


@contextmanager
def worded_errors() -> Iterator[None]:
    """Show an error of ours as its sentence and any other one by its type only.

    The traceback of an unexpected error goes to the server's log.
    """
    try:
        yield
    except HnnError as error:
        st.error(str(error), icon=":material/error:")
    except Exception as error:  # noqa: BLE001 - the last place before a person sees it
        _log.exception("Unexpected error on a page")
        st.error(
            f"Something went wrong here that should not ({type(error).__name__}). Choose another "
            "region or hour to go on. To report it, send the address of this page and the last "
            "lines of the server's log.",
            icon=":material/bug_report:",
        )

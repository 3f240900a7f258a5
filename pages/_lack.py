"""What Explore shows while its source holds nothing."""

import streamlit as st

from pages._data_cases import show_cases
from pages._data_jobs import show_jobs
from pages._data_view import follow

__all__ = ["show_lack"]

_NOTHING = {
    "jsoc": "No magnetogram of JSOC is on this machine yet. Fetch one of the well-known flares "
    "below, or any region on the Data page.",
    "nrt": "No region that is on the disk now has been fetched yet. The Data page fetches them.",
}


def show_lack() -> None:
    """Say what is missing in the chosen source, and how to get it."""
    follow()
    source = st.session_state.get("source")
    if source not in _NOTHING:
        st.info("Type the path of a folder with SHARP FITS files on the left.")
        return
    st.info(_NOTHING[source], icon=":material/info:")
    st.page_link(
        "pages/data.py",
        label="Fetch on the Data page",
        icon=":material/download:",
        query_params={"show": "fetch"},
    )
    if source == "jsoc":
        show_jobs("fetch")
        show_cases()

"""Pages run by app.py, also when the first thing asked of a fresh server is one of them.

Until app.py has named its pages, Streamlit takes the files of pages/ for them, and ``/training``
runs that file by itself. It then starts over with app.py, which comes back to it. Were the address
no file's name, Streamlit would say that there is no such page, over the page itself.
"""

import streamlit as st
from streamlit.navigation.page import StreamlitPage

__all__ = ["ask_for", "routed"]


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

"""Data: what is on this machine, where more comes from, and how it is fetched."""

import streamlit as st

from pages._data.catalogue import show_catalogue
from pages._data.fetch import show_fetch
from pages._data.jobs import show_holdings
from pages._data.origin import show_origin
from pages._data.sets import show_data_sets
from pages._data.view import choose_view, follow, show_standing
from pages._shared.link import require_app

_VIEWS = {
    "here": show_holdings,
    "fetch": show_fetch,
    "catalogue": show_catalogue,
    "sets": show_data_sets,
    "origin": show_origin,
}

require_app("data")
follow()
with st.sidebar:
    view = choose_view()
show_standing()
_VIEWS[view]()

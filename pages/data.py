"""Data: what is on this machine, where more comes from, and how it is fetched."""

import streamlit as st

from pages._data.catalogue import choose_flares, show_catalogue
from pages._data.fetch import show_fetch
from pages._data.jobs import show_holdings
from pages._data.origin import show_origin
from pages._data.sets import show_data_sets
from pages._data.view import choose_view, follow, show_standing
from pages._shared.link import require_app

require_app("data")
follow()

with st.sidebar:
    view = choose_view()
    filters = choose_flares() if view == "catalogue" else None
show_standing()
if view == "here":
    show_holdings()
elif view == "fetch":
    show_fetch()
elif view == "catalogue":
    show_catalogue(filters)
elif view == "sets":
    show_data_sets()
elif view == "origin":
    show_origin()

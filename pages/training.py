"""Train networks: request a run, watch it, compare runs."""

import streamlit as st

from pages._shared.access import writes_refused
from pages._shared.link import require_app
from pages._shared.messages import plain
from pages._training.curves import show_comparison
from pages._training.form import show_form
from pages._training.live import show_run
from pages._training.runs import choose_run, choose_view

require_app("training")

with st.sidebar:
    view = choose_view()
    run = choose_run() if view == "watch" else None

if reason := writes_refused():
    st.info(
        f"Here you can watch, not start, stop or delete. {plain(reason)}", icon=":material/lock:"
    )
if view == "new":
    show_form()
elif view == "compare":
    show_comparison()
elif run is not None:
    show_run(run)

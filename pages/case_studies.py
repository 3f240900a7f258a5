"""Case studies: a few in the paper's layout, many as a statistic, and how far to believe either."""

import streamlit as st

from pages._cases.chosen import choose_view
from pages._cases.few import show_few
from pages._cases.film import show_film
from pages._cases.many import show_many
from pages._cases.truth import show_truth
from pages._shared.link import ask_for
from pages._shared.messages import worded_errors
from pages._shared.selectors import selected

_VIEWS = {"few": show_few, "many": show_many, "truth": show_truth, "film": show_film}

ask_for("case_studies")
selection = selected()
with worded_errors():
    with st.sidebar:
        view = choose_view(selection)
    _VIEWS[view](selection)

"""Case studies: a few in the paper's layout, many as a statistic, and how far to believe either."""

import streamlit as st

from pages._cases_few import show_few
from pages._cases_film import show_film
from pages._cases_many import show_many
from pages._cases_truth import show_truth
from pages._cases_view import choose_view
from pages._messages import worded_errors
from pages._routing import ask_for
from pages._selectors import selected

_VIEWS = {"few": show_few, "many": show_many, "truth": show_truth, "film": show_film}

ask_for("case_studies")
selection = selected()
with worded_errors():
    with st.sidebar:
        view = choose_view(selection)
    _VIEWS[view](selection)

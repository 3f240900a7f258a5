"""Case studies: a few in the paper's layout, many as a statistic, and how far to believe either."""

import streamlit as st

from pages._cases.chosen import choose_view
from pages._cases.few import show_few
from pages._cases.film import show_film
from pages._cases.many import show_many, show_truth
from pages._shared.link import require_app
from pages._shared.selectors import selected

_VIEWS = {"few": show_few, "many": show_many, "truth": show_truth, "film": show_film}

require_app("case_studies")
selection = selected()
with st.sidebar:
    view = choose_view(selection)
_VIEWS[view](selection)

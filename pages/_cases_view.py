"""Which part of the Case studies page is looked at, and the hour that a case can be made of."""

import streamlit as st

from hnn_core.case import Case
from hnn_core.reference_hour import reference_hour
from pages import _caches
from pages._cases_chosen import add_case, chosen_cases, fault, put_cases, suggested
from pages._clock import hour_of
from pages._link import one_of, publish, restore
from pages._selectors import Selection

__all__ = ["choose_view"]

VIEWS = {
    "few": ":material/bar_chart: A few cases",
    "many": ":material/scatter_plot: Many cases",
    "truth": ":material/fact_check: Against the truth",
    "film": ":material/movie: Film",
}


def choose_view(selection: Selection) -> str:
    """Draw the choice, and for a few cases the buttons that add one."""
    restore("study", "few", one_of("view", VIEWS))
    st.radio(
        "Show",
        list(VIEWS),
        format_func=VIEWS.__getitem__,
        key="study",
        label_visibility="collapsed",
        persist_state="session",
    )
    publish("study")
    if st.session_state["study"] == "few":
        _choose_case(selection)
    return st.session_state["study"]


def _choose_case(selection: Selection) -> None:
    hours = list(_caches.hours(selection.source.spec, selection.region.id))
    restore("hour", reference_hour(hours, selection.region), hour_of(hours))
    st.selectbox(
        "Reference time t (TAI)",
        hours,
        key="hour",
        persist_state="session",
        format_func=lambda hour: hour.replace("T", " "),
        filter_mode="contains",
        help="The window is the ten hours that end here.",
    )
    publish("hour")
    cases = chosen_cases(selection)
    case = Case(
        selection.source.spec,
        selection.region.id,
        st.session_state["hour"],
        selection.model.name,
    )
    st.button(
        "Add this case",
        key="case_add",
        icon=":material/add:",
        type="primary",
        width="stretch",
        on_click=add_case,
        args=(case,),
    )
    if words := fault():
        st.warning(words, icon=":material/info:")
    st.button(
        "Suggest six of this source",
        key="case_suggest",
        icon=":material/auto_awesome:",
        width="stretch",
        help="The last hour before a flare of each region, both outcomes in turn. Replaces the "
        "cases shown.",
        on_click=lambda: put_cases(suggested(selection)),
    )
    name = selection.model.name
    others = [one for one in cases if one.model != name]
    if others:
        st.button(
            f"Ask {name} about all cases",
            key="case_ask",
            icon=":material/swap_horiz:",
            width="stretch",
            on_click=lambda: put_cases(
                [Case(one.source, one.region, one.hour, name) for one in cases]
            ),
        )

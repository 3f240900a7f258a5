"""Which cases are looked at: the list in the address bar, additions, suggestions.

Which part of the Case studies page is looked at, and the hour that a case can be made of.
"""

from collections.abc import Sequence

import streamlit as st

from hnn_core.exceptions import HnnError
from hnn_core.regions.case import MOST_CASES, Case, cases_from_link, cases_to_link
from hnn_core.regions.well_known import reference_hour, suggested_cases
from pages._shared import caches
from pages._shared.link import hour_of, one_of, publish, restore
from pages._shared.messages import plain
from pages._shared.selectors import Selection

__all__ = [
    "add_case",
    "choose_view",
    "chosen_cases",
    "fault",
    "put_cases",
    "show_drop",
    "suggested",
]


_KEY = "cases"
_FAULT = "cases_fault"


def chosen_cases(selection: Selection) -> tuple[Case, ...]:
    """Return the cases of the link, or this session's, or at the first visit six suggested ones."""
    state = st.session_state
    if _KEY not in state and _KEY not in st.query_params:
        state[_KEY] = cases_to_link(suggested(selection))
    restore(_KEY, "", lambda text: cases_to_link(cases_from_link(text)))
    publish(_KEY)
    return cases_from_link(state[_KEY])


def put_cases(cases: Sequence[Case]) -> None:
    """Look at these cases from now on."""
    st.session_state[_KEY] = cases_to_link(tuple(cases))


def add_case(case: Case) -> None:
    """Add a case; what stands against it is kept for `fault`."""
    st.session_state.pop(_FAULT, None)
    kept = cases_from_link(st.session_state.get(_KEY, ""))
    if case.key in {one.key for one in kept}:
        st.session_state[_FAULT] = f"{case.region} at {case.hour} is among the cases already."
    elif len(kept) >= MOST_CASES:
        st.session_state[_FAULT] = f"There are {MOST_CASES} cases already; take one out first."
    else:
        put_cases((*kept, case))


def show_drop(case: Case) -> None:
    """Draw the button that takes a case out."""
    st.button(
        "Take it out",
        key=f"drop_{case.source}_{case.region}_{case.hour}",
        icon=":material/close:",
        type="tertiary",
        on_click=_drop,
        args=(case,),
    )


def _drop(case: Case) -> None:
    put_cases([one for one in cases_from_link(st.session_state[_KEY]) if one.key != case.key])


def fault(*, keep: bool = False) -> str:
    """Say why the last addition failed; empty if it did not, or it has been said."""
    said = str(st.session_state.get(_FAULT, ""))
    if not keep:
        st.session_state.pop(_FAULT, None)
    return plain(said)


def suggested(selection: Selection) -> tuple[Case, ...]:
    """Choose up to six cases of the selected source; see `suggested_cases`."""
    spec, model = selection.source.spec, selection.model
    hours = [(region, list(_hours(spec, region.id))) for region in selection.source.regions()]
    return suggested_cases(spec, hours, model.name, model.flare_class)


def _hours(spec: str, region: str) -> dict[str, str]:
    try:
        return caches.hours(spec, region)
    except HnnError:
        return {}  # a region that cannot be read is none to begin with


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
    hours = list(caches.hours(selection.source.spec, selection.region.id))
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

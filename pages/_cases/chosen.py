"""Which cases are looked at, by the list in the address, and the study of each."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

import streamlit as st

from analysis.cases.case_study import DEFAULT_CLASS, HOURS, CaseStudy, case_study
from hnn_core.exceptions import HnnError, PositionError, SequenceError
from hnn_core.network.model_store import ModelInfo
from hnn_core.regions.case import MOST_CASES, Case, cases_from_link, cases_to_link
from hnn_core.regions.well_known import reference_hour, suggested_cases
from pages._shared import caches
from pages._shared.link import hour_of, linked, publish, restore
from pages._shared.messages import plain
from pages._shared.selectors import Selection

__all__ = [
    "add_case",
    "choose_view",
    "chosen_cases",
    "find_model",
    "put_cases",
    "show_drop",
    "study",
    "study_all",
    "suggested",
]

_KEY = "cases"
VIEWS = {
    "few": ":material/bar_chart: A few cases",
    "many": ":material/scatter_plot: Many cases",
    "truth": ":material/fact_check: Against the truth",
    "film": ":material/movie: Film",
}


def chosen_cases(selection: Selection) -> tuple[Case, ...]:
    """Return the cases of the link, or this session's, or at the first visit six suggested ones."""
    state = st.session_state
    if _KEY not in state and _KEY not in st.query_params:
        state[_KEY] = cases_to_link(suggested(selection))
    restore(_KEY, "", _read_cases)
    publish(_KEY)
    return cases_from_link(state[_KEY])


def _read_cases(text: str) -> str:
    """Read a link's cases, each by the hour that its sequence is known by."""
    return cases_to_link(tuple(_by_its_hour(case) for case in cases_from_link(text)))


def _by_its_hour(case: Case) -> Case:
    if case.hour.endswith(":00"):
        return case
    with suppress(HnnError):  # of a source that is not here its study will tell
        place = caches.Place(case.source, case.region)
        return replace(case, hour=caches.hour_shown(place, case.hour))
    return case


def put_cases(cases: Sequence[Case]) -> None:
    """Look at these cases from now on."""
    st.session_state[_KEY] = cases_to_link(tuple(cases))


def add_case(case: Case) -> None:
    """Add a case, and show in passing that it was, or why not."""
    kept = cases_from_link(st.session_state.get(_KEY, ""))
    words = "Added to the case studies."
    if case.key in {one.key for one in kept}:
        words = f"{case.region} at {case.hour} is one of the cases already."
    elif len(kept) >= MOST_CASES:
        words = f"There are {MOST_CASES} cases already; remove one first."
    else:
        put_cases((*kept, case))
    st.toast(plain(words), icon=":material/compare:")


def show_drop(case: Case) -> None:
    """Draw the button that removes a case."""
    st.button(
        "Remove",
        key=f"drop_{case.key}",
        icon=":material/close:",
        type="tertiary",
        on_click=lambda: put_cases(
            [one for one in cases_from_link(st.session_state[_KEY]) if one.key != case.key]
        ),
    )


def suggested(selection: Selection) -> tuple[Case, ...]:
    """Choose up to six cases of the selected source; see `suggested_cases`."""
    spec, model = selection.source.spec, selection.model
    hours = []
    for region in selection.source.regions():
        with suppress(HnnError):  # a region that cannot be read is none to begin with
            hours.append((region, list(caches.hours(caches.Place(spec, region.id)))))
    return suggested_cases(spec, hours, model.name, model.flare_class)


def choose_view(selection: Selection) -> str:
    """Draw the choice, and for a few cases the buttons that add one."""
    view = linked(st.radio, "Show", VIEWS, key="study", label_visibility="collapsed")
    if view == "few":
        _choose_case(selection)
    return view


def study_all(cases: tuple[Case, ...]) -> tuple[list[CaseStudy], dict[Case, str]]:
    """Study cases one by one under a bar; return the studies, and why others cannot be shown."""
    studies, absent = [], {}
    place = st.empty()
    for done, case in enumerate(cases):
        place.progress(done / len(cases), plain(f"Studying {case.region} at {case.hour} …"))
        try:
            studies.append(study(case))
        except HnnError as error:
            absent[case] = str(error)
    place.empty()
    return studies, absent


def study(case: Case) -> CaseStudy:
    """Study a case; raises an error of ours if it cannot be shown."""
    info, reason = find_model(case.model)
    place = caches.Place(case.source, case.region)
    return _study(
        Case(case.source, case.region, case.hour, case.model),
        info.sha256 if info else "",
        reason,
        place.state,
    )


def find_model(name: str) -> tuple[ModelInfo | None, str]:
    """Return a model that is here, or why there is none."""
    if not name:
        return None, "No model was requested."
    found = next((info for info in caches.models()[0] if info.name == name), None)
    if found is None:
        return None, f"The model “{name}” is not here any more, so there is no prediction."
    return found, ""


def _choose_case(selection: Selection) -> None:
    hours, place, model = list(caches.hours(selection.place)), selection.place, selection.model.name
    hour = linked(
        st.selectbox,
        "Reference time t (TAI)",
        hours,
        key="hour",
        default=reference_hour(hours, selection.region),
        read=hour_of(hours, partial(caches.hour_shown, selection.place)),
        format_func=lambda hour: hour.replace("T", " "),
        filter_mode="contains",
        help="The window is the ten hours that end here.",
    )
    cases = chosen_cases(selection)
    st.button(
        "Add this case",
        key="case_add",
        icon=":material/add:",
        type="primary",
        width="stretch",
        on_click=add_case,
        args=(Case(place.spec, place.region, hour, model),),
    )
    st.button(
        "Suggest six of this source",
        key="case_suggest",
        icon=":material/auto_awesome:",
        width="stretch",
        help="The last hour before a flare of each region, both outcomes in turn. Replaces the "
        "cases shown.",
        on_click=lambda: put_cases(suggested(selection)),
    )
    if any(one.model != model for one in cases):
        every = [Case(one.source, one.region, one.hour, model) for one in cases]
        st.button(
            f"Run {plain(model)} on all cases",
            key="case_ask",
            icon=":material/swap_horiz:",
            width="stretch",
            on_click=lambda: put_cases(every),
        )


@st.cache_resource(ttl=3600, max_entries=24, show_spinner=False)
def _study(case: Case, sha256: str, reason: str, state: tuple[str, str, int]) -> CaseStudy:
    del sha256, state
    place = caches.Place(case.source, case.region)
    info, _ = find_model(case.model)
    prediction = sequence = None
    if info is not None:
        try:
            prediction = caches.prediction(info, place, case.hour)
        except (SequenceError, PositionError) as error:
            reason = str(error)
    with suppress(SequenceError, PositionError):
        sequence = caches.sequence(place, case.hour, HOURS)
    return case_study(
        caches.source(case.source),
        case,
        flare_class=info.flare_class if info else DEFAULT_CLASS,
        prediction=prediction,
        no_prediction=reason,
        sequence=sequence,
    )

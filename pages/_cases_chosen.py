"""Which cases are looked at: the list in the address bar, additions, suggestions."""

from collections.abc import Sequence

import streamlit as st

from hnn_core.case import MOST_CASES, Case, cases_from_link, cases_to_link
from hnn_core.exceptions import HnnError
from hnn_core.live.cases import well_known_cases
from hnn_core.outcome import what_happened
from hnn_core.sources import Region, Source
from hnn_core.tai import iso_minute, parse_t_rec
from pages import _caches
from pages._data_words import plain
from pages._labels import goes_size, largest_flare
from pages._link import publish, restore
from pages._selectors import Selection

__all__ = ["add_case", "chosen_cases", "fault", "put_cases", "show_drop", "suggested_cases"]

_KEY = "cases"
_FAULT = "cases_fault"
_SUGGESTED = 6
"""As many as the paper's Figures 6 and 7 show."""


def chosen_cases(selection: Selection) -> tuple[Case, ...]:
    """Return the cases of the link, or this session's, or at the first visit six suggested ones."""
    state = st.session_state
    if _KEY not in state and _KEY not in st.query_params:
        state[_KEY] = cases_to_link(suggested_cases(selection))
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


def suggested_cases(selection: Selection) -> tuple[Case, ...]:
    """Choose up to six cases of a source: the hour before a flare, both outcomes in turn.

    Of each region its largest flare of the model's class; of those that the literature knows, its
    hour. Regions without a flare come last.
    """
    spec, model = selection.source.spec, selection.model
    by_outcome: dict[str, list[Case]] = {}
    for region in selection.source.regions():
        hour = _hour_before(selection.source, region)
        if hour is None:
            continue
        case = Case(spec, region.id, hour, model.name)
        word = what_happened(region, parse_t_rec(hour), model.flare_class).word
        by_outcome.setdefault(word, []).append(case)
    flareless = by_outcome.pop("no flare", [])
    found: list[Case] = []
    rows = list(by_outcome.values())
    for turn in range(max((len(row) for row in rows), default=0)):
        found += [row[turn] for row in rows if turn < len(row)]
    return tuple((found + flareless)[:_SUGGESTED])


def _hour_before(source: Source, region: Region) -> str | None:
    """Last hour before the region's largest flare with ten hours behind it, else its last."""
    try:
        hours = list(_caches.hours(source.spec, region.id))
    except HnnError:
        return None
    full = hours[9:]
    known = [
        case.reference_tai
        for case in sorted(well_known_cases(), key=lambda one: goes_size(one.flare), reverse=True)
        if case.harp == region.harp and case.reference_tai in full
    ]
    if known:
        return known[0]
    flare = largest_flare(region)
    before = [hour for hour in full if flare is not None and hour < iso_minute(flare.peak)]
    chosen = before or full or hours
    return chosen[-1] if chosen else None

"""Sets of cases: saved under a name, opened, deleted."""

from contextlib import suppress
from dataclasses import replace

import streamlit as st

from hnn_core.exceptions import HnnError
from hnn_core.regions.case import Case, CaseSet, delete_set, list_sets, save_set
from pages._cases.chosen import find_model, put_cases, study
from pages._shared.access import guarded_button, perform_first
from pages._shared.messages import plain
from pages._shared.widgets import list_skipped

__all__ = ["show_sets"]

_OPENED = "set_opened"
_RESULT = "set_result"


def show_sets(cases: tuple[Case, ...]) -> None:
    """Draw a line with the saved sets and what can be done with the cases shown."""
    sets, skipped = list_sets()
    with st.container(horizontal=True, vertical_alignment="bottom", key="sets"):
        if sets:
            names = {one.name: one for one in sets}
            name = st.selectbox(
                "Saved sets",
                list(names),
                index=None,
                placeholder="Open a saved set …",
                key="set_name",
                label_visibility="collapsed",
                width=280,
            )
            chosen = names.get(name or "")
            st.button(
                "Open",
                key="set_open",
                icon=":material/folder_open:",
                disabled=chosen is None,
                on_click=_open,
                args=(chosen,),
            )
            guarded_button(
                "Delete",
                "set_delete",
                "delete",
                "Deletes the set; magnetograms and models stay.",
                type="tertiary",
                disabled=chosen is None,
                on_click=perform_first,
                args=(_RESULT, _delete, chosen),
            )
        if cases:
            with st.popover("Save these cases", icon=":material/save:"):
                _show_saving(cases, {one.name: one for one in sets})
    fault, words = st.session_state.pop(_RESULT, ("", ""))
    if fault or words:
        (st.error if fault else st.success)(plain(fault or words))
    list_skipped("set", skipped)
    _show_changes(cases)


def _show_saving(cases: tuple[Case, ...], known: dict[str, CaseSet]) -> None:
    name = st.text_input("Name", key="set_new", max_chars=60, placeholder="AR 11158, Valentine's")
    over = st.checkbox("Replace a set of that name", key="set_replace")
    guarded_button(
        "Save",
        "set_save",
        "save",
        type="primary",
        on_click=perform_first,
        args=(_RESULT, _save, name, cases, over, known.get(" ".join(name.split()))),
    )
    st.caption(
        "The address of this page holds the cases too: send it to show them to a colleague who "
        "has the same data."
    )


def _save(name: str, cases: tuple[Case, ...], over: bool, seen: CaseSet | None) -> str:
    predicted = tuple(_with_prediction(case) for case in cases)
    made = save_set(name, predicted, replace=over, seen=seen)
    st.session_state[_OPENED] = made
    return f"Saved as “{made.name}”."


def _with_prediction(case: Case) -> Case:
    """Note what the model predicts now, so that a later reader sees whether it has changed."""
    info, _ = find_model(case.model)
    prediction = None
    with suppress(HnnError):
        prediction = study(case).prediction
    return replace(
        case,
        sha256=info.sha256 if info else case.sha256,
        probability=prediction.probability if prediction else None,
    )


def _open(chosen: CaseSet) -> None:
    put_cases(chosen.cases)
    st.session_state[_OPENED] = chosen


def _delete(chosen: CaseSet) -> str:
    delete_set(chosen.name)
    return f"“{chosen.name}” is deleted."


def _show_changes(cases: tuple[Case, ...]) -> None:
    """Draw where a model now predicts otherwise than when the set was saved."""
    opened: CaseSet | None = st.session_state.get(_OPENED)
    if opened is None or [one.key for one in opened.cases] != [one.key for one in cases]:
        return
    saved = opened.saved[:16].replace("T", " ")
    st.caption(
        f":material/bookmark: Set “{plain(opened.name)}”, saved {plain(saved)} UTC by version "
        f"{plain(opened.program)}."
    )
    for case in opened.cases:
        info, why = find_model(case.model)
        where = f"{case.region} at {case.hour.replace('T', ' ')}"
        then = "" if case.probability is None else f"P(eruptive) was {case.probability:.2f} then."
        if case.model and info is None:
            st.warning(plain(f"{where}: {why} {then}"), icon=":material/warning:")
        elif info and case.sha256 and not info.is_known_as(case.sha256):
            changed = f"{case.model} has other weights or settings than when the set was saved."
            st.warning(plain(f"{where}: {changed} {then}"), icon=":material/warning:")

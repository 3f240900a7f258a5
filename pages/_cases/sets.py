"""Sets of cases: saved under a name, opened, renamed by saving anew, deleted, taken along."""

from dataclasses import asdict

import streamlit as st

from hnn_core.exceptions import HnnError
from hnn_core.regions.case import Case, CaseSet, delete_set, list_sets, save_set
from pages._cases.chosen import put_cases
from pages._cases.studied import find_model, study
from pages._shared.access import require_writes, writes_refused
from pages._shared.messages import plain
from pages._shared.selectors import list_skipped

__all__ = ["show_sets"]

_OPENED = "set_opened"
_SAID = "set_said"


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
            st.button(
                "Delete",
                key="set_delete",
                icon=":material/delete:",
                type="tertiary",
                disabled=chosen is None or bool(writes_refused()),
                help=writes_refused() or "Deletes the set; magnetograms and models stay.",
                on_click=_delete,
                args=(chosen,),
            )
        if cases:
            with st.popover("Save these cases", icon=":material/save:"):
                _show_saving(cases)
    if words := st.session_state.pop(_SAID, ""):
        (st.error if words.startswith("!") else st.success)(plain(words.removeprefix("!")))
    list_skipped("set", skipped)
    _tell_changes(cases)


def _show_saving(cases: tuple[Case, ...]) -> None:
    refused = writes_refused()
    name = st.text_input("Name", key="set_new", max_chars=60, placeholder="AR 11158, Valentine's")
    over = st.checkbox("Replace a set of that name", key="set_replace")
    st.button(
        "Save",
        key="set_save",
        icon=":material/save:",
        type="primary",
        disabled=bool(refused),
        help=refused or None,
        on_click=_save,
        args=(name, cases, over),
    )
    st.caption(
        "The address of this page holds the cases too: send it to show them to a colleague who "
        "has the same data."
    )


def _save(name: str, cases: tuple[Case, ...], over: bool) -> None:
    try:
        require_writes()
        made = save_set(name, tuple(_with_answer(case) for case in cases), replace=over)
        st.session_state[_OPENED] = made
        st.session_state[_SAID] = f"Saved as “{made.name}”."
    except HnnError as error:
        st.session_state[_SAID] = f"!{error}"


def _with_answer(case: Case) -> Case:
    """Note what the model says now, so that a later reader sees whether it has changed."""
    info, _ = find_model(case.model)
    try:
        said = study(case).prediction
    except HnnError:
        said = None
    values = asdict(case) | {
        "sha256": info.sha256 if info else case.sha256,
        "probability": said.probability if said else None,
    }
    return Case(**values)


def _open(chosen: CaseSet) -> None:
    put_cases(chosen.cases)
    st.session_state[_OPENED] = chosen


def _delete(chosen: CaseSet) -> None:
    try:
        require_writes()
        delete_set(chosen.name)
        st.session_state[_SAID] = f"“{chosen.name}” is deleted."
    except HnnError as error:
        st.session_state[_SAID] = f"!{error}"


def _tell_changes(cases: tuple[Case, ...]) -> None:
    """Say where a model now answers otherwise than when the set was saved."""
    opened: CaseSet | None = st.session_state.get(_OPENED)
    if opened is None or [one.key for one in opened.cases] != [one.key for one in cases]:
        return
    saved = opened.saved[:16].replace("T", " ")
    st.caption(
        f":material/bookmark: Set “{plain(opened.name)}”, saved {saved} UTC by version "
        f"{plain(opened.program)}."
    )
    for case in opened.cases:
        info, why = find_model(case.model)
        where = f"{case.region} at {case.hour.replace('T', ' ')}"
        if case.model and info is None:
            said = "" if case.probability is None else f" It said {case.probability:.2f} then."
            st.warning(plain(f"{where}: {why}{said}"), icon=":material/warning:")
        elif info and case.sha256 and info.sha256 != case.sha256:
            st.warning(
                plain(f"{where}: {case.model}")
                + " has other weights than when the set was saved"
                + ("." if case.probability is None else f"; it said {case.probability:.2f} then."),
                icon=":material/warning:",
            )

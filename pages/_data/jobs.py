"""One job: how far it is, what it says, and what can be done with it."""

from collections import Counter
from html import escape
from typing import Any

import streamlit as st

from hnn_core.exceptions import HnnError
from hnn_core.live.jobs import DataJob, again, forget, stop_data_job
from hnn_core.live.reporting import duration, size
from hnn_core.training.run_folder import State
from pages._access import require_writes, writes_refused
from pages._data_result import offer_result
from pages._data_words import KINDS, STAGES, plain
from pages._training_words import COLOURS, ICONS

__all__ = ["show_job"]

_MOST_NOTES = 20
_FAULT = "job_fault"
"""Why the last button could not do what it says, and of which job."""
_BUTTONS = {
    "stop": ("Cancel", "stop_circle", "What is fetched is kept."),
    "again": ("Go on", "resume", "Only what is missing is fetched."),
    "repeat": ("Fetch again", "refresh", "Only what is missing or new is fetched."),
    "forget": ("Forget", "close", "Takes it off this list; what it fetched stays."),
}


def show_job(job: DataJob) -> None:
    """Draw a job in a box of its own."""
    state, events = job.state, job.events()
    with st.container(border=True, key=f"job_{job.name}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.html(f"<b>{escape(job.title)}</b>", width="content")
            st.badge(state.state, icon=ICONS[state.state], color=COLOURS[state.state])
            begun = job.begun[:16].replace("T", " ")
            st.caption(f"{KINDS.get(job.kind, plain(job.kind))} · {begun} UTC", width="stretch")
            _show_buttons(job, state)
        _show_message(state)
        whose, fault = st.session_state.get(_FAULT, ("", ""))
        if whose == job.name:
            st.error(plain(fault), icon=":material/error:")
        _show_progress(events, busy=job.alive)
        if state.state == "finished":
            offer_result(job, events)
        _show_notes(events)


def _show_message(state: State) -> None:
    if state.message:
        words = st.error if state.state == "failed" else st.caption
        words(plain(state.message))


def _show_progress(events: list[dict[str, Any]], *, busy: bool) -> None:
    """Draw a bar for each stage that has begun; only while at work, or where it broke off."""
    stages = {str(one.get("stage")): one for one in events if one.get("event") == "progress"}
    if busy and not stages:
        st.progress(0.0, "Asking what there is …")
    if not busy and any(one.get("event") == "end" for one in events):
        return
    for name, one in stages.items():
        done, total = int(one.get("done", 0)), int(one.get("total", 0))
        words = [f"{STAGES.get(name, plain(name))}: {done:,} of {total:,}"]
        if busy and done < total:
            words += [f"{size(one['bytes_per_s'])}/s"] if one.get("bytes_per_s") else []
            words += [f"{duration(one['seconds_left'])} left"] if one.get("seconds_left") else []
            words += [plain(str(one["what"]))] if one.get("what") else []
        st.progress(min(done / total, 1.0) if total else 0.0, " · ".join(words))


def _show_notes(events: list[dict[str, Any]]) -> None:
    notes = [str(one.get("text", "")) for one in events if one.get("event") == "note"]
    left_out: Counter[tuple[str, str]] = Counter()
    for one in events:
        if one.get("event") == "excluded":
            left_out[str(one.get("what", "")), str(one.get("why", ""))] += int(one.get("count", 1))
    if not notes and not left_out:
        return
    parts = [f"{len(notes)} note{'' if len(notes) == 1 else 's'}"] if notes else []
    parts += ["what was left out"] if left_out else []
    with st.expander(" and ".join(parts).capitalize(), icon=":material/info:"):
        for text in reversed(notes[-_MOST_NOTES:]):
            st.caption(plain(text))
        if left_out:
            rows = [{"left out": what, "why": why} for what, why in left_out]
            st.dataframe(rows, hide_index=True)


def _show_buttons(job: DataJob, state: State) -> None:
    """Draw the buttons that a job in this state has."""
    alive = job.alive
    shown = {
        "stop": alive and state.state != "stopping",
        "again": not alive and state.state != "finished",
        "repeat": state.state == "finished" and job.kind in ("fetch", "verify"),
        "forget": not alive,
    }
    refused = writes_refused()
    for name, (label, icon, words) in _BUTTONS.items():
        if shown[name]:
            st.button(
                label,
                key=f"{name}_{job.name}",
                icon=f":material/{icon}:",
                type="tertiary",
                disabled=bool(refused),
                help=refused or words,
                on_click=_act,
                args=(name, job),
            )


def _act(name: str, job: DataJob) -> None:
    """Do what a button asks, before the page is drawn: a press while it changes is not lost."""
    acts = {"stop": stop_data_job, "again": again, "repeat": again, "forget": forget}
    st.session_state.pop(_FAULT, None)
    try:
        require_writes()
        acts[name](job)
    except HnnError as error:
        st.session_state[_FAULT] = (job.name, str(error))

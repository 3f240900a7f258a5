"""One job: how far it is, what it says, and what can be done with it.

The jobs that fetch and build: those at work with their progress, and what became of others.

What a finished job offers: a region to explore, the catalogue, a data set.

The downloaded regions, known to every part of the Data page.
"""

from collections import Counter
from html import escape
from typing import Any

import streamlit as st

from hnn_core.exceptions import HnnError
from hnn_core.jobs.data_jobs import DataJob, again, list_data_jobs, remove, stop_data_job
from hnn_core.jobs.jobs import State
from hnn_core.live.holdings import Holding, holdings
from hnn_core.live.reporting import duration, size
from hnn_core.sources.jsoc import newest
from pages._data.forms import KINDS, STAGES
from pages._data.view import ask_to_explore, follows, open_view
from pages._shared.access import require_writes, writes_refused
from pages._shared.messages import COLOURS, ICONS, plain

__all__ = ["SERIES", "known_holdings", "offer_result", "region_words", "show_job", "show_jobs"]


SERIES = {"jsoc:": "definitive", "jsoc:nrt": "near-real-time"}
"""By `Holding.source`."""


def known_holdings() -> list[Holding]:
    """Return what is on this machine; files are looked at only when some have come."""
    return _holdings(tuple(map(newest, SERIES)))


def region_words(holding: Holding) -> str:
    """``AR 11158 · HARP 377``."""
    return " · ".join(
        [*(f"AR {number}" for number in holding.region.noaa), f"HARP {holding.region.harp}"]
    )


@st.cache_data(max_entries=2, show_spinner="Looking through the downloads …")
def _holdings(state: tuple[int, ...]) -> list[Holding]:
    del state
    return holdings()


_MOST_REGIONS = 8
_VIEWS = {
    "flares": ("Look at the catalogue", "catalogue"),
    "cmes": ("Look at the catalogue", "catalogue"),
    "build": ("Look at the data set", "sets"),
}


def offer_result(job: DataJob, events: list[dict[str, Any]]) -> None:
    """Draw the buttons that lead from a finished job to what it brought."""
    if job.kind == "fetch":
        _offer_regions(job, events)
    elif job.kind in _VIEWS and "--plan" not in job.arguments:
        label, view = _VIEWS[job.kind]
        here = st.session_state.get("show") == view
        if not here and st.button(label, key=f"see_{job.name}", icon=":material/arrow_forward:"):
            open_view(view)


def _offer_regions(job: DataJob, events: list[dict[str, Any]]) -> None:
    told = {str(name) for one in events for name in one.get("regions", ())}
    source = "jsoc:nrt" if "--now" in job.arguments else "jsoc:"
    found = [one for one in known_holdings() if one.source == source and one.region.id in told]
    with st.container(horizontal=True):
        for one in found[:_MOST_REGIONS]:
            st.button(
                f"Explore {region_words(one)}",
                key=f"explore_{job.name}_{one.region}",
                icon=":material/travel_explore:",
                on_click=ask_to_explore,
                args=(one.source, one.region, _hour(job)),
            )
    if len(found) > _MOST_REGIONS:
        st.caption("The others are in the list “On this machine”.")


def _hour(job: DataJob) -> str:
    """Return the last hour that was asked for, where it was an hour and not a day."""
    arguments = job.arguments
    last = arguments[arguments.index("--end") + 1] if "--end" in arguments else ""
    return last if "T" in last else ""


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
    acts = {"stop": stop_data_job, "again": again, "repeat": again, "forget": remove}
    st.session_state.pop(_FAULT, None)
    try:
        require_writes()
        acts[name](job)
    except HnnError as error:
        st.session_state[_FAULT] = (job.name, str(error))


_REFRESH_S = 2
_AT_FIRST = 4


def show_jobs(*kinds: str) -> None:
    """Draw the jobs of these kinds, all if none is named; while one is at work, again and again."""
    jobs = _jobs(kinds)
    if not jobs:
        return
    st.markdown("### Jobs")
    busy = any(job.alive for job in jobs)
    st.fragment(_show, run_every=_REFRESH_S if busy else None)(kinds, _states(jobs))


def _show(kinds: tuple[str, ...], seen: dict[str, str]) -> None:
    """Draw the list; a job that has changed its state may have changed the page around it."""
    jobs = _jobs(kinds)
    if _states(jobs) != seen or follows():
        st.rerun()
    for job in jobs[:_AT_FIRST]:
        show_job(job)
    if earlier := jobs[_AT_FIRST:]:
        with st.expander(f"{len(earlier)} earlier", icon=":material/history:"):
            for job in earlier:
                show_job(job)


def _jobs(kinds: tuple[str, ...]) -> list[DataJob]:
    """Those at work first, then the newest."""
    found = [job for job in list_data_jobs() if not kinds or job.kind in kinds]
    return sorted(found, key=lambda job: not job.alive)


def _states(jobs: list[DataJob]) -> dict[str, str]:
    return {job.name: job.state.state for job in jobs}

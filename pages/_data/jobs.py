"""The magnetograms on this machine, and the jobs that fetch and build."""

from collections import Counter
from collections.abc import Callable
from html import escape
from typing import Any

import streamlit as st

from hnn_core.jobs.data_jobs import DataJob, again, broken_data_jobs, list_data_jobs, remove
from hnn_core.jobs.jobs import State, stop
from hnn_core.live.holdings import Holding, holdings
from hnn_core.live.reporting import duration, size
from hnn_core.magnetogram.conventions import iso_minute
from hnn_core.regions.goes_classes import LISTED
from hnn_core.sources.jsoc import newest
from pages._data.forms import job_button
from pages._data.view import explore_button, follows
from pages._shared.access import guarded_button, perform_first
from pages._shared.link import reopen
from pages._shared.messages import nothing_kept, plain, show_state, yes_no
from pages._shared.widgets import choose_row, list_skipped, show_table

__all__ = ["show_holdings", "show_jobs"]

_SERIES = {"jsoc:": "definitive", "jsoc:nrt": "near-real-time"}
"""By `Holding.source`."""
_KINDS = {
    "fetch": "magnetograms",
    "flares": "flares and CMEs",
    "cmes": "CMEs",
    "build": "data set",
    "verify": "check of all files",
    "watch": "watch",
}
_STAGES = {
    "catalogue": "Catalogues",
    "positions": "Regions of flares by position",
    "magnetograms": "Magnetograms",
    "data set": "Data set",
    "predictions": "Predictions",
}
_BUTTONS: dict[str, tuple[str, str, str, Callable[[DataJob], object]]] = {
    "stop": ("Cancel", "stop_circle", "What is fetched is kept.", lambda job: stop(job, 10)),
    "again": ("Resume", "resume", "Only what is missing is fetched.", again),
    "repeat": ("Fetch again", "refresh", "Only what is missing or new is fetched.", again),
    "remove": ("Remove", "close", "From this list only; what it fetched stays.", remove),
}
_VIEWS = {
    "cmes": ("Open the catalogue", "catalogue"),
    "build": ("Open the data set", "sets"),
}
_REFRESH_S = 2
_AT_FIRST = 4
_MOST_REGIONS = 8
_MOST_NOTES = 20


def show_jobs(*kinds: str) -> None:
    """Draw the jobs of these kinds, all if none is named; while one is at work, again and again."""
    jobs = _jobs(kinds)
    list_skipped("job", broken_data_jobs(), "broken")
    if not jobs:
        return
    st.markdown("### Jobs")
    busy = any(job.alive for job in jobs)
    st.fragment(_show, run_every=_REFRESH_S if busy else None)(kinds, _states(jobs))


def show_holdings() -> None:
    """Draw the table with its totals, the way to Explore, and all jobs."""
    st.markdown("## On this machine")
    found = _known_holdings()
    if not found and nothing_kept():
        st.info("No downloaded magnetogram can be shown now.", icon=":material/info:")
    elif not found:
        st.info(
            "No magnetogram has been downloaded yet. Fetch a region by its number, or one of the "
            "well-known flares.",
            icon=":material/info:",
        )
        if st.button("Fetch magnetograms", key="here_fetch", icon=":material/download:"):
            reopen(show="fetch")
    else:
        _show_table(found)
        job_button(
            "Check every file",
            "here_verify",
            "fact_check",
            ("verify", [], "Check of every file"),
            "Reads every magnetogram, reply and data set on this machine once more.",
        )
    show_jobs()


def _show(kinds: tuple[str, ...], seen: dict[str, str]) -> None:
    """Draw the list; a job that has changed its state may have changed the page around it."""
    jobs = _jobs(kinds)
    if _states(jobs) != seen or follows():
        st.rerun()
    for job in jobs[:_AT_FIRST]:
        _show_job(job)
    if earlier := jobs[_AT_FIRST:]:
        with st.expander(f"{len(earlier):d} earlier", icon=":material/history:"):
            for job in earlier:
                _show_job(job)


def _jobs(kinds: tuple[str, ...]) -> list[DataJob]:
    """Those at work first, then the newest."""
    found = [job for job in list_data_jobs() if not kinds or job.kind in kinds]
    return sorted(found, key=lambda job: not job.alive)


def _states(jobs: list[DataJob]) -> dict[str, str]:
    return {job.name: job.state.state for job in jobs}


def _known_holdings() -> list[Holding]:
    """Return what is on this machine; files are looked at only when some have come."""
    return _holdings(tuple(map(newest, _SERIES)))


@st.cache_data(max_entries=2, show_spinner="Looking through the downloads …")
def _holdings(state: tuple[int, ...]) -> list[Holding]:
    del state
    return holdings()


def _show_job(job: DataJob) -> None:
    """Draw a job in a box of its own."""
    state, events = job.state, job.events()
    with st.container(border=True, key=f"job_{job.name}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.html(f"<b>{escape(job.title)}</b>", width="content")
            show_state(state)
            begun = job.begun[:16].replace("T", " ")
            st.caption(plain(f"{_KINDS.get(job.kind, job.kind)} · {begun} UTC"), width="stretch")
            _show_buttons(job, state)
        if state.message:
            (st.error if state.state == "failed" else st.caption)(plain(state.message))
        fault, _ = st.session_state.get(f"outcome_{job.name}", ("", ""))
        if fault:
            st.error(plain(fault), icon=":material/error:")
        _show_progress(events, busy=job.alive)
        if state.state == "finished":
            _offer_result(job, events)
        _show_notes(job, events)
        if state.state == "failed" and (log := job.log_tail()):
            with st.expander("Log", icon=":material/terminal:"):
                st.code(log, language=None)


def _show_progress(events: list[dict[str, Any]], *, busy: bool) -> None:
    """Draw a bar for each stage that has begun; only while at work, or where it broke off."""
    steps = [one for one in events if one["event"] in ("progress", "region")]
    stages = {str(one.get("stage", "data set")): one for one in steps}
    if busy and not stages:
        st.progress(0.0, "Looking up what there is …")
    if not busy and any(one["event"] == "end" for one in events):
        return
    for name, one in stages.items():
        done, total = int(one.get("done", 0)), int(one.get("total", 0))
        words = [f"{_STAGES.get(name, name)}: {done:,} of {total:,}"]
        if busy and done < total:
            words += [f"{size(one['bytes_per_s'])}/s"] if one.get("bytes_per_s") else []
            words += [f"{duration(one['seconds_left'])} left"] if one.get("seconds_left") else []
            words += [str(one["what"])] if one.get("what") else []
        st.progress(min(done / total, 1.0) if total else 0.0, plain(" · ".join(words)))


def _show_notes(job: DataJob, events: list[dict[str, Any]]) -> None:
    notes = [str(one.get("text", "")) for one in events if one.get("event") == "note"]
    left_out: Counter[tuple[str, str]] = Counter()
    for one in events:
        if one.get("event") == "excluded":
            left_out[str(one.get("what", "")), str(one.get("why", ""))] += int(one.get("count", 1))
    if not notes and not left_out:
        return
    parts = [f"{len(notes)} note{'' if len(notes) == 1 else 's'}"] if notes else []
    parts += ["what was left out"] if left_out else []
    with st.expander(plain(" and ".join(parts).capitalize()), icon=":material/info:"):
        for text in reversed(notes[-_MOST_NOTES:]):
            st.caption(plain(text))
        if left_out:
            rows = [{"left out": what, "why": why} for what, why in left_out]
            show_table(rows, f"left_out_{job.name}")


def _show_buttons(job: DataJob, state: State) -> None:
    alive = job.alive
    shown = {
        "stop": alive and state.state != "stopping",
        "again": not alive and state.state != "finished",
        "repeat": state.state == "finished" and job.kind in ("fetch", "verify"),
        "remove": not alive,
    }
    for name, (label, icon, words, act) in _BUTTONS.items():
        if shown[name]:
            guarded_button(
                plain(label),
                f"{name}_{job.name}",
                icon,
                plain(words),
                type="tertiary",
                on_click=perform_first,
                args=(f"outcome_{job.name}", act, job),
            )


def _offer_result(job: DataJob, events: list[dict[str, Any]]) -> None:
    """Draw the buttons that lead from a finished job to what it brought."""
    if job.kind == "fetch":
        _offer_regions(job, events)
    elif job.kind == "flares":
        _offer_flares(job)
    elif job.kind in _VIEWS and "--plan" not in job.arguments:
        label, view = _VIEWS[job.kind]
        here = st.session_state.get("show") == view
        if not here and st.button(
            plain(label), key=f"see_{job.name}", icon=":material/arrow_forward:"
        ):
            reopen(show=view)


def _offer_flares(job: DataJob) -> None:
    """Draw the button that shows the flares which a job has counted, and no others."""
    given = dict(zip(job.arguments[::2], job.arguments[1::2], strict=False))
    view = {
        "show": "catalogue",
        "from": given.get("--start", ""),
        "to": given.get("--end", ""),
        "least": LISTED,
        "of": "",
    }
    if any(st.session_state.get(key) != value for key, value in view.items()) and st.button(
        "Show these flares", key=f"see_{job.name}", icon=":material/arrow_forward:"
    ):
        reopen(**view)


def _offer_regions(job: DataJob, events: list[dict[str, Any]]) -> None:
    named = {str(name) for one in events for name in one.get("regions", ())}
    source = "jsoc:nrt" if "--now" in job.arguments else "jsoc:"
    found = [one for one in _known_holdings() if one.source == source and one.region.id in named]
    with st.container(horizontal=True):
        for one in found[:_MOST_REGIONS]:
            explore_button(one, f"explore_{job.name}_{one.region.id}", _hour(job))
    if len(found) > _MOST_REGIONS:
        st.caption("The others are in the list “On this machine”.")


def _hour(job: DataJob) -> str:
    """Return the last hour requested, where it was an hour and not a day."""
    arguments = job.arguments
    last = arguments[arguments.index("--end") + 1] if "--end" in arguments else ""
    return last if "T" in last else ""


def _show_table(found: list[Holding]) -> None:
    records = sum(one.region.n_records for one in found)
    n_bytes = sum(one.n_bytes for one in found)
    st.caption(
        f"{len(found):,} region{'' if len(found) == 1 else 's'} · {records:,} magnetograms · "
        f"{plain(size(n_bytes))}"
    )
    one = choose_row(found, _row, "holdings", height="auto")
    explore_button(one, "holding_explore", type="primary")


def _row(one: Holding) -> dict[str, object]:
    return {
        "NOAA": ", ".join(map(str, one.region.noaa)) or "–",
        "HARP": one.region.harp,
        "series": _SERIES[one.source],
        "magnetograms": one.region.n_records,
        "from (TAI)": iso_minute(one.region.first).replace("T", " "),
        "to (TAI)": iso_minute(one.region.last).replace("T", " "),
        "MB": one.n_bytes / 1e6,
        "simulated": yes_no(one.region.simulated),
    }

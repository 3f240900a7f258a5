"""Data sets of a flare class: planned, then fetched and built; and those on this machine."""

from typing import Any

import streamlit as st

from hnn_core.dataset.card import DatasetInfo, list_datasets
from hnn_core.jobs.data_jobs import list_data_jobs
from hnn_core.live.reporting import counted, duration, size
from hnn_core.regions.goes_classes import FLARE_CLASSES
from pages._data.forms import checked, checked_name, checked_span, field, job_button, start, submit
from pages._data.jobs import show_jobs
from pages._shared.messages import POLICY_WORDS, count_rows, plain, yes_no
from pages._shared.widgets import choose, choose_row, list_skipped, show_table

__all__ = ["show_data_sets"]


def show_data_sets() -> None:
    """Draw the form, the plan that it led to, the jobs, and the data sets there are."""
    st.markdown("## Data sets")
    _show_form()
    if arguments := st.session_state.get("build_requested"):
        _show_plan(arguments)
    show_jobs("build")
    _show_sets()


def _show_form() -> None:
    with st.form("build_form"):
        st.markdown("#### Build one from magnetograms of JSOC")
        with st.container(horizontal=True):
            flare_class = st.segmented_control(
                "Class of the coming flare",
                FLARE_CLASSES,
                format_func=lambda text: f"≥{text}",
                key="build_class",
                default="M",
                required=True,
            )
            days = field("First day (UTC)", "build_start", placeholder="2010-05-01")
            field("Last day (UTC)", "build_end", placeholder="2022-12-31")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            usual = f"jsoc-{flare_class.lower()}"
            name = field("Name", "build_name", placeholder=usual)
            policy = choose(st.selectbox, "Policy", POLICY_WORDS, key="build_policy")
            pressed = submit(
                "build",
                "Plan",
                "build_plan",
                "checklist",
                "Fetches the catalogues and counts; no magnetogram yet.",
            )
    span = checked_span(days, "build", "2010-05-01 and 2022-12-31" if pressed else "")
    called = checked(name, checked_name, st.session_state["build_name"] or usual)
    if pressed and span and called:
        arguments = ["--class", flare_class, "--start", span[0], "--end", span[1]]
        arguments += ["--out", called, "--policy", policy]
        st.session_state["build_requested"] = arguments
        start("build", [*arguments, "--plan"], f"Plan of {_title(arguments)}")


def _show_plan(arguments: list[str]) -> None:
    """Draw what the plan requested last costs, and the button that builds it."""
    plans = [job for job in list_data_jobs() if job.arguments == [*arguments, "--plan"]]
    found = [one for job in plans for one in job.events() if one.get("event") == "plan"]
    if not found or plans[0].alive:
        return
    with st.container(border=True, key="plan"):
        st.markdown(f"**{plain(_title(arguments))}**")
        with st.container(key="run_facts", horizontal=True, gap="medium"):
            for label, value in _costs(found[-1]).items():
                st.metric(plain(label), plain(value), width="content")
        job = ("build", arguments, _title(arguments))
        job_button("Fetch and build", "build_start_job", "play_arrow", job, type="primary")


def _costs(plan: dict[str, Any]) -> dict[str, str]:
    frames = f"{plan.get('frames', 0):,}"
    if here := plan.get("here"):
        frames += f" ({here:,} here)"
    return {
        "Regions": f"{plan.get('regions', 0):,}",
        "Magnetograms": frames,
        "To fetch": size(plan.get("bytes", 0)),
        "About": duration(plan.get("seconds", 0)),
    }


def _title(arguments: list[str]) -> str:
    given = dict(zip(arguments[::2], arguments[1::2], strict=False))
    return f"{given['--out']}: ≥{given['--class']}, {given['--start']} to {given['--end']}"


def _show_sets() -> None:
    """Draw the list and, of the chosen data set, what is in it."""
    st.markdown("### On this machine")
    found, skipped = list_datasets()
    list_skipped("folder", skipped)
    if not found:
        st.caption("There is no data set yet.")
        return
    st.caption("Frames are hours of regions; sequences those that have a label.")
    _show_set(choose_row(found, _row, "data_sets"))


def _row(info: DatasetInfo) -> dict[str, object]:
    return {
        "name": info.name,
        "source": info.source,
        "policy": info.policy,
        "regions": info.card.get("regions"),
        "frames": info.card.get("frames"),
        "sequences": info.card.get("sequences"),
        "simulated": yes_no(info.simulated),
        "SHA-256": info.sha256,
    }


def _show_set(info: DatasetInfo) -> None:
    st.markdown(f"#### {plain(info.name)} next to the paper's Table 1")
    show_table(count_rows(info, *info.counts), "data_set_counts", placeholder="–")
    if info.simulated:
        st.caption("Simulated data: these counts hold nothing about the Sun.")
    st.page_link("pages/training.py", label="Train on it", icon=":material/model_training:")
    st.markdown("#### Hours left out, and why")
    excluded = info.card.get("excluded")
    if excluded:
        rows = [{"hours": count, "why": why} for why, count in excluded.items()]
        show_table(rows, "data_set_excluded", width="content")
    else:
        st.caption("Not known." if excluded is None else "None.")
    if noted := info.card.get("noted_records"):
        st.caption(plain(f"{counted(len(noted), 'record')} with a note, the first: {noted[0]}"))

"""A data set of a flare class: planned first, then fetched and built."""

from typing import Any

import streamlit as st

from hnn_core.dataset import DEFAULT_POLICY, FLARE_CLASSES, POLICIES
from hnn_core.exceptions import RequestError
from hnn_core.live.jobs import list_data_jobs
from hnn_core.live.reporting import duration, size
from pages._access import writes_refused
from pages._data_fields import checked, field
from pages._data_jobs import show_jobs
from pages._data_sets import show_sets
from pages._data_start import start, start_button
from pages._data_words import checked_name, checked_span

__all__ = ["show_data_sets"]

_POLICY_WORDS = {
    DEFAULT_POLICY: "no linked CME counts as confined (the paper's)",
    "strict": "no linked CME is left out",
}


def show_data_sets() -> None:
    """Draw the form, the plan that it led to, the jobs, and the data sets there are."""
    st.markdown("## Data sets")
    _show_form()
    if arguments := st.session_state.get("build_asked"):
        _show_plan(arguments)
    show_jobs("build")
    show_sets()


def _show_form() -> None:
    refused = writes_refused()
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
            name = field("Name", "build_name", placeholder=f"jsoc-{flare_class.lower()}")
            policy = st.selectbox(
                "Policy",
                list(POLICIES),
                format_func=lambda key: _POLICY_WORDS.get(key, key),
                key="build_policy",
            )
            with st.container(key="build_press", width="content"):
                pressed = st.form_submit_button(
                    "Plan",
                    key="build_plan",
                    type="primary",
                    icon=":material/checklist:",
                    disabled=bool(refused),
                    help=refused or "Fetches the catalogues and counts; no magnetogram yet.",
                )
    state = st.session_state
    span = checked(days, _whole_span, state["build_start"], state["build_end"], pressed)
    called = checked(name, checked_name, state["build_name"] or f"jsoc-{flare_class.lower()}")
    if pressed and span and called:
        arguments = ["--class", flare_class, "--start", span[0], "--end", span[1]]
        arguments += ["--out", called, "--policy", policy]
        state["build_asked"] = arguments
        start("build", [*arguments, "--plan"], f"Plan of {_title(arguments)}")


def _show_plan(arguments: list[str]) -> None:
    """Draw what the plan asked for last costs, and the button that builds it."""
    plans = [job for job in list_data_jobs() if job.arguments == [*arguments, "--plan"]]
    told = [one for job in plans for one in job.events() if one.get("event") == "plan"]
    if not told or plans[0].alive:
        return
    with st.container(border=True, key="plan"):
        st.markdown(f"**{_title(arguments)}**")
        with st.container(key="run_facts", horizontal=True, gap="medium"):
            for label, value in _costs(told[-1]).items():
                st.metric(label, value, width="content")
        if start_button("Fetch and build", "build_start_job", icon="play_arrow", primary=True):
            start("build", arguments, _title(arguments))


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
    asked = dict(zip(arguments[::2], arguments[1::2], strict=False))
    return f"{asked['--out']}: ≥{asked['--class']}, {asked['--start']} to {asked['--end']}"


def _whole_span(first: str, last: str, needed: bool) -> tuple[str, str]:
    span = checked_span(first or "", last or "")
    if needed and not all(span):
        raise RequestError("Give a first and a last day, such as 2010-05-01 and 2022-12-31.")
    return span

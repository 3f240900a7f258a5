"""The jobs that fetch and build: those at work with their progress, and what became of others."""

import streamlit as st

from hnn_core.live.jobs import DataJob, list_data_jobs
from pages._data_job import show_job
from pages._data_view import follows

__all__ = ["show_jobs"]

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

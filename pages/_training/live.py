"""One run: what was asked for, how far it is, its curves, its log."""

import streamlit as st

from hnn_core.jobs.jobs import effective_state
from hnn_core.training.progress import Progress, member_progress, read_progress
from hnn_core.training.run_folder import RunFolder
from pages._shared.messages import COLOURS, ICONS
from pages._training.actions import show_actions
from pages._training.curves import show_curves, show_members
from pages._training.dataset import dataset_words
from pages._training.runs import KINDS, duration, network, number

__all__ = ["show_run"]

_REFRESH_S = 2
_MANY_EVENTS, _SLOW_REFRESH_S = 15_000, 15
"""After hours of training, reading its events anew takes a part of a second."""
_MOST_MESSAGES = 20
_LOG_LINES = 200
_LEVELS = {"warning": ":orange[:material/warning:]", "error": ":red[:material/error:]"}


def show_run(run: RunFolder) -> None:
    """Draw a run; while it is at work, what changes is drawn anew every few seconds."""
    state = effective_state(run)
    with st.container(key="heading", horizontal=True, vertical_alignment="bottom"):
        st.markdown(f"## {run.name}", width="content")
        st.badge(state.state, icon=ICONS[state.state], color=COLOURS[state.state])
        st.caption(f"{KINDS[run.kind]} · {network(run)} · {dataset_words(run)}")
    show_actions(run, state)
    pause = _REFRESH_S if len(run.events()) < _MANY_EVENTS else _SLOW_REFRESH_S
    st.fragment(_show_live, run_every=pause if run.alive else None)(run)
    with st.expander("What was asked for", icon=":material/tune:"):
        st.dataframe(
            [{"field": name, "value": str(value)} for name, value in run.config.items()],
            hide_index=True,
            width="content",
            height="content",
            key="run_config",
        )


def _show_live(run: RunFolder) -> None:
    busy = run.alive
    state = effective_state(run)
    if state.message:
        words = st.error if state.state == "failed" else st.caption
        words(state.message)
    events = run.events()
    progress = read_progress(events)
    if run.kind == "train":
        _show_progress(run, progress, busy=busy)
        show_curves(run, progress)
    else:
        show_members(run, member_progress(events), busy=busy)
    _show_messages(progress)
    with st.expander("Log", icon=":material/terminal:"):
        st.code(run.log_tail(_LOG_LINES) or "Nothing yet.", language=None, height=320)


def _show_progress(run: RunFolder, progress: Progress, *, busy: bool) -> None:
    if progress.preparing and busy:
        left = f", {duration(progress.seconds_left)} left" if progress.seconds_left else ""
        st.progress(progress.prepared, f"{progress.preparing}: {progress.prepared:.0%}{left}")
        return
    done = f"Epoch {progress.epoch} of {progress.epochs or run.config.get('epochs')} done"
    if progress.batch and busy:
        done += f", step {progress.batch} of {progress.batches} in the next one"
    st.progress(progress.fraction, done)
    sequences = ", ".join(f"{number} {part}" for part, number in progress.sequences.items())
    facts = {
        "Time left": duration(progress.seconds_left) if busy else "–",
        "Throughput": number(progress.sequences_per_s, "{:.1f} sequences/s"),
        "Waiting for data": number(progress.data_fraction, "{:.0%}"),
        "Memory": number(progress.memory_mb, "{:,.0f} MB"),
        "Best epoch": str(progress.best_epoch or "–"),
        "Validation TSS": number(progress.validation.get("tss"), "{:.3f}"),
    }
    with st.container(key="run_facts", horizontal=True, gap="medium"):
        for label, value in facts.items():
            st.metric(label, value, width="content")
    if progress.device:
        st.caption(f"{progress.device}. Sequences: {sequences}.")


def _show_messages(progress: Progress) -> None:
    if not progress.messages:
        return
    st.markdown("#### What it says")
    with st.container(gap="xsmall"):
        for message in reversed(progress.messages[-_MOST_MESSAGES:]):
            time = message.time.replace("T", " ").removesuffix("Z")
            mark = _LEVELS.get(message.level, ":material/info:")
            st.caption(f"{mark} {time} UTC · {message.text}")

"""One run: what was requested, how far it is, what can be done with it, its curves, its log."""

from collections.abc import Callable

import streamlit as st

from hnn_core.jobs import jobs
from hnn_core.jobs.jobs import State, effective_state
from hnn_core.live.reporting import duration
from hnn_core.training.evaluate import adopt_model
from hnn_core.training.progress import Progress, member_progress, read_progress
from hnn_core.training.run_folder import RunFolder, delete, resume
from pages._shared.access import guarded_button, perform
from pages._shared.messages import plain, show_state, written
from pages._shared.widgets import show_table
from pages._training.curves import show_curves, show_members
from pages._training.runs import (
    KINDS,
    best_epoch_facts,
    dataset_words,
    field_words,
    is_simulated,
    network,
    number,
)

__all__ = ["show_run"]

_REFRESH_S = 2
_MANY_EVENTS, _SLOW_REFRESH_S = 15_000, 15
"""After hours of training, reading its events anew takes a part of a second."""
_MOST_MESSAGES = 20
_LOG_LINES = 200
_LEVELS = {"warning": ":orange[:material/warning:]", "error": ":red[:material/error:]"}
_RESUMABLE = ("stopped", "interrupted", "failed")


def show_run(run: RunFolder) -> None:
    """Draw a run; while it is at work, what changes is drawn anew every few seconds."""
    state = effective_state(run)
    with st.container(key="heading", horizontal=True, vertical_alignment="bottom"):
        st.markdown(f"## {plain(run.name)}", width="content")
        show_state(state)
        words = f"{KINDS[run.kind]} · {network(run)} · {dataset_words(run)}"
        simulated = ", :orange[simulated data]" if is_simulated(run) else ""
        st.caption(f"{plain(words)}{simulated}")
    _show_actions(run, state)
    pause = _REFRESH_S if len(run.events()) < _MANY_EVENTS else _SLOW_REFRESH_S
    st.fragment(_show_live, run_every=pause if run.alive else None)(run)
    with st.expander("Configuration", icon=":material/tune:"):
        fields = {field_words(name): written(value) for name, value in run.config.items()}
        rows = [{"field": name, "value": value} for name, value in fields.items()]
        show_table(rows, "run_config", width="content", height="content")


def _show_live(run: RunFolder) -> None:
    busy = run.alive
    state = effective_state(run)
    if state.message:
        (st.error if state.state == "failed" else st.caption)(plain(state.message))
    events, lost = run.read_events()
    progress = read_progress(events)
    if run.kind == "train":
        _show_progress(run, progress, busy=busy)
        show_curves(run, progress)
    else:
        show_members(run, member_progress(events), busy=busy)
    _show_messages(progress)
    if lost:
        lines = "1 line" if lost == 1 else f"{lost} lines"
        st.caption(f":material/block: Left out: {plain(lines)} of metrics.jsonl, torn or damaged.")
    with st.expander("Log", icon=":material/terminal:"):
        st.code(run.log_tail(_LOG_LINES) or "Nothing yet.", language=None, height=320)


def _show_progress(run: RunFolder, progress: Progress, *, busy: bool) -> None:
    if progress.preparing and busy:
        left = f", {duration(progress.seconds_left)} left" if progress.seconds_left else ""
        st.progress(
            progress.prepared, plain(f"{progress.preparing}: {progress.prepared:.0%}{left}")
        )
        return
    done = f"Epoch {progress.epoch} of {progress.epochs or run.config.get('epochs')} done"
    if progress.batch and busy:
        done += f", step {progress.batch} of {progress.batches} in the next one"
    st.progress(progress.fraction, plain(done))
    sequences = ", ".join(f"{count:,} {part}" for part, count in progress.sequences.items())
    facts = {
        "Time left": number(progress.seconds_left, duration) if busy else "–",
        "Throughput": number(progress.sequences_per_s, "{:.1f} sequences/s"),
        "Waiting for data": number(progress.data_fraction, "{:.0%}"),
        "Memory": number(progress.memory_mb, "{:,.0f} MB"),
        **best_epoch_facts(progress),
    }
    with st.container(key="run_facts", horizontal=True, gap="medium"):
        for label, value in facts.items():
            st.metric(plain(label), plain(value), width="content")
    if progress.device:
        st.caption(plain(f"{progress.device}. Sequences: {sequences}."))


def _show_messages(progress: Progress) -> None:
    if not progress.messages:
        return
    st.markdown("#### Messages")
    with st.container(gap="xsmall"):
        for message in reversed(progress.messages[-_MOST_MESSAGES:]):
            time = message["time"].replace("T", " ").removesuffix("Z")
            mark = _LEVELS.get(message["level"], ":material/info:")
            words = f"{time} UTC · {message['text']}"
            st.caption(f"{mark} {plain(words)}")


def _show_actions(run: RunFolder, state: State) -> None:
    """Draw the buttons that a run in this state has."""
    alive = run.alive
    own = not run.shipped
    shown = {
        "stop": alive and state.state in ("queued", "running"),
        "kill": state.state == "stopping",
        "resume": own and state.state in _RESUMABLE,
        "adopt": run.has_model,
        "delete": own and not alive,
    }
    pressed = []
    with st.container(key="run_actions", horizontal=True, vertical_alignment="center"):
        for name, (label, icon, words, act) in _BUTTONS.items():
            if shown[name] and guarded_button(plain(label), f"run_{name}", icon, plain(words)):
                pressed.append(act)
        if run.has_predictions:
            st.page_link(
                "pages/skill.py",
                label="Skill on the test set",
                icon=":material/monitoring:",
                query_params={"run": run.name},
            )
    for act in pressed:
        perform(act, run, rerun=act is not _confirm_delete)


def _adopt(run: RunFolder) -> None:
    with st.spinner("Copying the model …"):
        name = adopt_model(run)
    st.session_state["model"] = name
    st.switch_page("pages/explore.py")


@st.dialog("Delete this run?")
def _confirm_delete(run: RunFolder) -> None:
    st.markdown(
        f"**{plain(run.name)}** goes with its checkpoints, its scores and its model. A model that "
        "was copied to Explore stays. This cannot be undone."
    )
    if st.button("Delete for good", key="run_delete_sure", type="primary"):
        perform(delete, run)


def _kill(run: RunFolder) -> None:
    jobs.stop(run, 0)


_BUTTONS: dict[str, tuple[str, str, str, Callable[[RunFolder], object]]] = {
    "stop": ("Stop", "stop_circle", "Finishes its step, writes a checkpoint.", jobs.request_stop),
    "kill": ("Kill", "dangerous", "What came after the last checkpoint is lost.", _kill),
    "resume": ("Resume", "resume", "From the newest checkpoint that can be read.", resume),
    "adopt": ("Use in Explore", "travel_explore", "Copies the best model to your models.", _adopt),
    "delete": (
        "Delete …",
        "delete",
        "The run with its checkpoints and its model.",
        _confirm_delete,
    ),
}

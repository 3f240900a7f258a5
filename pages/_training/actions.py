"""Stop, resume, delete a run, and make its model the one that Explore uses."""

import streamlit as st

from hnn_core.jobs import jobs
from hnn_core.jobs.jobs import State
from hnn_core.training.evaluate import adopt_model
from hnn_core.training.run_folder import RunFolder, delete, resume
from pages._shared import caches
from pages._shared.access import require_writes, writes_refused
from pages._shared.messages import worded_errors

__all__ = ["show_actions"]

_RESUMABLE = ("stopped", "interrupted", "failed")
_BUTTONS = {
    "stop": ("Stop", "stop_circle", "It finishes its step and writes a checkpoint."),
    "kill": ("Kill", "dangerous", "At once: what came after the last checkpoint is lost."),
    "resume": ("Resume", "resume", "From the newest checkpoint that can be read."),
    "adopt": ("Use in Explore", "travel_explore", "Copies the best model to your models."),
    "delete": ("Delete …", "delete", "The run with its checkpoints and its model."),
}


def show_actions(run: RunFolder, state: State) -> None:
    """Draw the buttons that a run in this state has; each asks again whether it may act."""
    alive = run.alive
    own = not run.shipped
    shown = {
        "stop": alive and state.state in ("queued", "running"),
        "kill": state.state == "stopping",
        "resume": own and state.state in _RESUMABLE,
        "adopt": run.has_model,
        "delete": own and not alive,
    }
    refused = writes_refused()
    with st.container(key="run_actions", horizontal=True, vertical_alignment="center"):
        for name, (label, icon, words) in _BUTTONS.items():
            if shown[name]:
                st.button(
                    label,
                    key=f"run_{name}",
                    icon=f":material/{icon}:",
                    disabled=bool(refused),
                    help=refused or words,
                )
        if run.has_predictions:
            st.page_link(
                "pages/skill.py",
                label="Skill on the test set",
                icon=":material/monitoring:",
                query_params={"run": run.name},
            )
    for name, act in _ACTIONS.items():
        if st.session_state.get(f"run_{name}"):
            with worded_errors():
                require_writes()
                act(run)


def _stop(run: RunFolder) -> None:
    jobs.ask_to_stop(run)
    st.rerun()


def _kill(run: RunFolder) -> None:
    jobs.stop(run, 0)
    st.rerun()


def _resume(run: RunFolder) -> None:
    resume(run)
    st.rerun()


def _adopt(run: RunFolder) -> None:
    with st.spinner("Copying the model …"):
        name = adopt_model(run)
    caches.models.clear()
    st.session_state["model"] = name
    st.switch_page("pages/explore.py")


@st.dialog("Delete this run?")
def _ask_to_delete(run: RunFolder) -> None:
    st.markdown(
        f"**{run.name}** goes with its checkpoints, its scores and its model. A model that was "
        "copied to Explore stays. This cannot be undone."
    )
    if st.button("Delete for good", key="run_delete_sure", type="primary"):
        with worded_errors():
            require_writes()
            delete(run)
            st.rerun()


_ACTIONS = {
    "stop": _stop,
    "kill": _kill,
    "resume": _resume,
    "adopt": _adopt,
    "delete": _ask_to_delete,
}

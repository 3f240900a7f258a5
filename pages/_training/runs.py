"""The list of runs in the sidebar, which of them is looked at, and what they are called."""

from collections.abc import Callable, Mapping
from contextlib import suppress

import streamlit as st

from hnn_core.dataset.card import list_datasets
from hnn_core.exceptions import RunError
from hnn_core.jobs.jobs import effective_state
from hnn_core.magnetogram.conventions import number as plain_number
from hnn_core.training.progress import Progress
from hnn_core.training.run_folder import RunFolder, list_runs
from pages._shared.link import linked, reopened
from pages._shared.messages import STATES, plain
from pages._shared.widgets import list_skipped

__all__ = [
    "KINDS",
    "best_epoch_facts",
    "choose_run",
    "choose_view",
    "dataset_words",
    "field_words",
    "is_simulated",
    "network",
    "number",
]

VIEWS = {"new": "New", "watch": "Runs", "compare": "Compare"}
KINDS = {"train": "One training", "crossval": "Cross-validation of HNN and ViT", "sweep": "Sweep"}
_REFRESH_S = 3


def choose_view() -> str:
    """Draw the choice between a new run, the runs there are, and their comparison."""
    reopened()
    return linked(
        st.segmented_control,
        "Show",
        VIEWS,
        key="view",
        default="watch" if list_runs()[0] else "new",
        required=True,
        label_visibility="collapsed",
        width="stretch",
    )


def choose_run() -> RunFolder | None:
    """Draw the list of runs with their states; None where there is none."""
    found, skipped = list_runs()
    found.sort(key=lambda run: run.shipped)
    runs = {run.name: run for run in reversed(found)}  # the user's own hides a shipped one
    now = {name: effective_state(run) for name, run in runs.items()}
    if not runs:
        st.caption("There is no run yet.")
        return None
    order = list(dict.fromkeys(run.name for run in found))
    with st.container(height=520 if len(order) > 8 else "content", border=False):
        chosen = linked(
            st.radio,
            "Runs",
            {name: f"{STATES[now[name].state][1]} {plain(name)}" for name in order},
            key="run",
            read="There is no run “{}”.",
            captions=[
                f":{STATES[state.state][0]}[{plain(state.state)}] · {plain(_about(runs[name]))}"
                for name, state in ((name, now[name]) for name in order)
            ],
        )
    list_skipped("run", skipped, "broken")
    st.session_state["run_states"] = _states()
    busy = any(run.alive for run in runs.values())
    st.fragment(_run_anew_on_change, run_every=_REFRESH_S if busy else None)()
    return runs[chosen]


def field_words(name: str) -> str:
    """``learning rate``: what a field of a training's configuration is called."""
    return name.replace("lstm", "LSTM").replace("dataset", "data set").replace("_", " ")


def network(run: RunFolder) -> str:
    """``HNN, ≥M``; both networks where a run trains both."""
    name = "HNN" if run.config.get("temporal", True) else "ViT baseline"
    if run.kind == "crossval":
        name = "HNN and ViT"
    return f"{name}, ≥{run.config.get('flare_class', '?')}"


def is_simulated(run: RunFolder) -> bool:
    """Whether a run's data are simulated, as far as its scores or its data set show."""
    with suppress(RunError):  # none yet, or a broken file, which the list of runs names
        return bool(run.scores().get("simulated"))
    name = str(run.config.get("dataset"))
    return any(info.simulated for info in list_datasets()[0] if info.name == name)


def dataset_words(run: RunFolder) -> str:
    """Name a run's data set."""
    return f"data set {run.config.get('dataset')}"


def number(value: float | None, form: str | Callable[[float], str]) -> str:
    """Return a number as `form` writes it; a dash where it is not known."""
    if value is None:
        return "–"
    return form.format(value) if isinstance(form, str) else form(value)


def best_epoch_facts(progress: Progress) -> dict[str, str]:
    """Name the best epoch by its criterion, with its own scores next to those of the last."""
    last = {f"TSS after epoch {progress.epoch}": _validation(progress.validation, "tss")}
    if not progress.best_epoch:
        return {"Best epoch": "–"}
    if not progress.best_validation:
        return {"Kept: the last epoch (no validation set)": str(progress.best_epoch)}
    best = {
        "Best epoch: lowest validation loss": str(progress.best_epoch),
        "Its validation loss": _validation(progress.best_validation, "loss"),
        "Its validation TSS": _validation(progress.best_validation, "tss"),
    }
    return best if progress.best_epoch == progress.epoch else best | last


def _validation(scores: Mapping[str, float | None], name: str) -> str:
    """Write a score of a validation pass, with the digits that it has everywhere."""
    value = scores.get(name)
    return "undefined" if value is None else plain_number(value, ".4f" if name == "loss" else ".3f")


def _about(run: RunFolder) -> str:
    parts = [network(run)]
    if run.kind != "train":
        parts.append("cross-validation" if run.kind == "crossval" else run.kind)
    if run.shipped:
        parts.append("shipped")
    return " · ".join(parts)


def _states() -> dict[str, tuple[str, bool]]:
    """State of every run by its folder, and whether its process is there.

    A training that writes its last state takes a moment to end.
    """
    return {str(run.path): (effective_state(run).state, run.alive) for run in list_runs()[0]}


def _run_anew_on_change() -> None:
    if _states() != st.session_state["run_states"]:
        st.rerun()

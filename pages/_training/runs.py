"""The list of runs in the sidebar, and which of them is looked at.

What runs and their states are called on the Training page.
"""

import streamlit as st

from hnn_core.exceptions import UnknownRunError
from hnn_core.jobs.jobs import State, effective_state
from hnn_core.training.run_folder import RunFolder, list_runs
from pages._shared.link import one_of, publish, restore
from pages._shared.messages import COLOURS, ICONS

__all__ = [
    "KINDS",
    "choose_run",
    "choose_view",
    "duration",
    "network",
    "number",
    "open_run",
    "run_caption",
]


KINDS = {
    "train": "One training",
    "crossval": "Cross-validation of HNN and ViT",
    "sweep": "Sweep",
}


def network(run: RunFolder) -> str:
    """``HNN, ≥M``; both networks where a run trains both."""
    name = "HNN" if run.config.get("temporal", True) else "ViT baseline"
    if run.kind == "crossval":
        name = "HNN and ViT"
    return f"{name}, ≥{run.config.get('flare_class', '?')}"


def run_caption(run: RunFolder, state: State) -> str:
    """Return the line below a run's name in the list."""
    parts = [f":{COLOURS[state.state]}[{state.state}]", network(run)]
    if run.kind != "train":
        parts.append("cross-validation" if run.kind == "crossval" else run.kind)
    if run.shipped:
        parts.append("shipped")
    return " · ".join(parts)


def duration(seconds: float | None) -> str:
    """``3 h 05 min``, ``4 min 10 s``, ``8 s``; a dash where it is not known."""
    if seconds is None:
        return "–"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def number(value: float | None, form: str) -> str:
    """Return a number as `form` writes it; a dash where it is not known."""
    return "–" if value is None else form.format(value)


VIEWS = {"new": "New", "watch": "Runs", "compare": "Compare"}
_REFRESH_S = 3


def choose_view() -> str:
    """Draw the choice between a new run, the runs there are, and their comparison."""
    st.session_state.update(st.session_state.pop("opening", {}))
    runs = list_runs()[0]
    restore("view", "watch" if runs else "new", one_of("view", VIEWS))
    st.segmented_control(
        "Show",
        list(VIEWS),
        format_func=VIEWS.__getitem__,
        key="view",
        required=True,
        label_visibility="collapsed",
        width="stretch",
        persist_state="session",
    )
    publish("view")
    return st.session_state["view"]


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
    restore("run", order[0], lambda text: _read_run(text, order))
    with st.container(height=520 if len(order) > 8 else "content", border=False):
        st.radio(
            "Runs",
            order,
            format_func=lambda name: f"{ICONS[now[name].state]} {name}",
            captions=[run_caption(runs[name], now[name]) for name in order],
            key="run",
            persist_state="session",
        )
    publish("run")
    for one in skipped:
        st.caption(f":material/block: {one.reason}")
    _watch(any(run.alive for run in runs.values()))
    return runs[st.session_state["run"]]


def open_run(name: str) -> None:
    """Run the page anew, with this run in view."""
    st.session_state["opening"] = {"view": "watch", "run": name}
    st.rerun()


def _states() -> dict[str, tuple[str, bool]]:
    """State of every run by its folder, and whether its process is there.

    A training that writes its last state takes a moment to end.
    """
    return {str(run.path): (effective_state(run).state, run.alive) for run in list_runs()[0]}


def _watch(busy: bool) -> None:
    """While a run is at work, run the page anew when any changes its state; else do nothing."""
    st.session_state["run_states"] = _states()
    st.fragment(_run_anew_on_change, run_every=_REFRESH_S if busy else None)()


def _run_anew_on_change() -> None:
    if _states() != st.session_state["run_states"]:
        st.rerun()


def _read_run(text: str, names: list[str]) -> str:
    if text not in names:
        raise UnknownRunError(f"There is no run “{text}”.")
    return text

"""Which run's skill is looked at, next to which other one, with which threshold."""

from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from analysis.export import history_csv
from analysis.skill.forecasts import (
    FORECASTS,
    forecasts,
    join_network,
    read_predictions,
    read_scores,
    sequences_in_common,
)
from hnn_core.exceptions import RunError
from hnn_core.regions.base import SkippedFile
from hnn_core.training.run_folder import RunFolder, list_runs
from pages._shared.charts import show_chart
from pages._shared.link import bound, linked
from pages._shared.messages import plain
from pages._shared.widgets import download, list_skipped

__all__ = ["Chosen", "choose_run", "show_figure"]

_MISSING = "There is no finished run “{}” with predictions."


@dataclass(frozen=True)
class Chosen:
    """A run with its test predictions, and how they are read."""

    name: str
    runs: dict[str, RunFolder]
    """The run of each network; the first is the one that was chosen."""
    predictions: pd.DataFrame
    scores: dict[str, Any]
    threshold: float

    @property
    def simulated(self) -> bool:
        """Whether the test set is simulated."""
        return bool(self.scores["simulated"])

    @cached_property
    def forecasts(self) -> dict[str, pd.DataFrame]:
        """Networks, then baselines, at the threshold."""
        return forecasts(self.predictions, self.threshold)

    @property
    def folds(self) -> int:
        """Folds of a cross-validation; 1 for a single run."""
        return self.predictions["fold"].nunique()


def choose_run() -> Chosen | None:
    """Draw the selectors and return the choice; None where there is no run to choose.

    Raises
    ------
    RunError
        If the files of the run cannot be used; the selectors stay, to choose another one.
    """
    runs, skipped = _scored_runs()
    list_skipped("run", skipped, "broken")
    if not runs:
        return None
    name = linked(
        st.selectbox,
        "Run",
        {name: _label(name, run) for name, run in runs.items()},
        key="run",
        read=_MISSING,
        filter_mode="contains",
        help="Finished trainings and cross-validations whose test set was predicted.",
    )
    predictions, scores = _read_run(runs[name].path, runs[name].status.time)
    of = dict.fromkeys(predictions["model"].unique(), runs[name])
    missing = [network for network in ("hnn", "vit") if network not in of]
    common = {
        other: _in_common(runs[name], runs[other])
        for other in runs
        if other != name and _compares(runs[other], scores, missing)
    }
    # Among equals a run of the same kind comes first.
    others = sorted(common, key=lambda other: (-common[other], runs[other].kind != runs[name].kind))
    if st.session_state.setdefault("beside_of", name) != name:
        st.session_state["beside_of"] = name
        st.session_state.pop("beside", None)  # another run has another that is nearest
    if others:
        labels = {other: f"{other} · {common[other]:,} in common" for other in others}
        other = linked(
            st.selectbox,
            f"Compare with {FORECASTS[missing[0]]} from",
            labels | {"–": "–"},
            key="beside",
            default=others[0] if common[others[0]] else "–",
            read=_MISSING,
            help="Runs of the other network on the same data set and class, those first whose "
            "test set has most sequences in common with this one.",
        )
        if other != "–":
            try:
                theirs, _ = _read_run(runs[other].path, runs[other].status.time)
                predictions = join_network(predictions, theirs)
                of[missing[0]] = runs[other]
            except RunError as error:
                st.warning(plain(error), icon=":material/warning:")
    return Chosen(name, of, predictions, scores, _choose_threshold(float(scores["threshold"])))


def show_figure(
    chosen: Chosen, figure: go.Figure, data: pd.DataFrame, *, key: str, what: str, **more: Any
) -> None:
    """Draw a figure and a button for its data as CSV; `more` goes to `show_chart`."""
    stem = f"{chosen.name} {what}".replace("/", " ")
    alt = f"{what} of the run {chosen.name}"
    show_chart(figure, key=key, alt=alt, simulated=chosen.simulated, **more)
    file = f"{stem} figure.csv".replace(" ", "_")
    content = partial(history_csv, data)
    download("Data of this figure, CSV", content, file, f"data_{key}", type="tertiary")


@st.cache_resource(ttl=300, max_entries=8, show_spinner="Reading the predictions …")
def _read_run(path: Path, written: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Predictions and scores of a run; one finished anew, at another time, is read anew."""
    del written
    run = RunFolder(path)
    return read_predictions(run.predictions()), read_scores(run.scores())


def _in_common(run: RunFolder, other: RunFolder) -> int:
    """Count the test sequences that two runs share; none with one that cannot be read."""
    return _count_in_common(run.path, run.status.time, other.path, other.status.time)


@st.cache_data(max_entries=256, show_spinner=False)
def _count_in_common(path: Path, written: str, other: Path, other_written: str) -> int:
    try:
        tables = [_read_run(*one)[0] for one in ((path, written), (other, other_written))]
    except RunError:
        return 0  # shown when that run is chosen itself
    return sequences_in_common(*tables)


def _scored_runs() -> tuple[dict[str, RunFolder], list[SkippedFile]]:
    """Finished runs with predictions by name, shipped ones first; folders that are no runs.

    Of a sweep it is the members that have predictions. A run whose scores or predictions are
    broken is with the folders.
    """
    found, skipped = list_runs()
    runs: dict[str, RunFolder] = {}
    for run in found:
        members = run.members if run.kind == "sweep" else [run]
        for one in members:
            if not one.has_predictions or one.status.state != "finished":
                continue
            try:
                one.check_results()
            except RunError as error:
                skipped.append(SkippedFile(str(one.path), str(error)))
            else:
                runs[one.name if one is run else f"{run.name}/{one.name}"] = one
    return runs, skipped


def _compares(run: RunFolder, scores: dict[str, Any], missing: list[str]) -> bool:
    try:
        theirs = read_scores(run.scores())
    except RunError:
        return False  # shown when that run is chosen itself
    same = all(theirs[key] == scores[key] for key in ("dataset_sha256", "flare_class"))
    return same and any(row.get("model") in missing for row in theirs["rows"])


def _choose_threshold(own: float) -> float:
    state = st.session_state
    if state.get("threshold") == state.get("threshold_own"):
        state.pop("threshold", None)  # another model's own is followed
    state["threshold_own"] = own
    chosen = bound(
        st.slider,
        "Threshold on P(eruptive)",
        0.0,
        1.0,
        key="threshold",
        value=own,
        step=0.01,
        help="A network's forecast is eruptive from here on.",
    )
    if chosen != own:
        st.caption(
            f"The model's own is {own:g}. A threshold that is chosen by looking at the test set "
            "makes its scores optimistic."
        )
        st.button(
            f"Back to {own:g}",
            key="threshold_back",
            on_click=lambda: st.session_state.update(threshold=own),
        )
    return round(float(chosen), 2)


def _label(name: str, run: RunFolder) -> str:
    kind = "cross-validation" if run.kind == "crossval" else "single run"
    own = " · shipped" if run.shipped else ""
    return f"{name} · ≥{run.config.get('flare_class', '?')} · {kind}{own}"

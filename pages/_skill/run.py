"""Which run's skill is looked at, with which threshold; the address bar holds both.

What a run is read with: the other network's run beside it, and the threshold.

A figure of skill on the page, with its numbers to take along.
"""

from dataclasses import dataclass
from functools import cached_property
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
)
from hnn_core.exceptions import RunError, UnknownRunError
from hnn_core.regions.base import SkippedFile
from hnn_core.training.run_folder import RunFolder, list_runs
from pages._shared.charts import show_chart
from pages._shared.link import note, publish, restore

__all__ = [
    "Chosen",
    "among",
    "choose_other",
    "choose_run",
    "choose_threshold",
    "read_run",
    "scored_runs",
    "show_figure",
]


def among(text: str, names: list[str]) -> str:
    """Return the text if it names a run that can be chosen; raise UnknownRunError otherwise."""
    if text not in names:
        raise UnknownRunError(f"There is no finished run “{text}” with predictions.")
    return text


@st.cache_resource(ttl=300, max_entries=8, show_spinner="Reading the predictions …")
def read_run(path: str, written: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Predictions and scores of a run; one finished anew, at another time, is read anew."""
    del written
    run = RunFolder(path)
    return read_predictions(run.predictions()), read_scores(run.scores())


def choose_other(
    name: str,
    runs: dict[str, RunFolder],
    predictions: pd.DataFrame,
    scores: dict[str, Any],
    of: dict[str, RunFolder],
) -> tuple[pd.DataFrame, dict[str, RunFolder]]:
    """Offer runs of the network that this one lacks; those on the same data and class only."""
    lacking = [network for network in ("hnn", "vit") if network not in of]
    others = [other for other in runs if other != name and _compares(runs[other], scores, lacking)]
    if not others:
        return predictions, of
    restore("beside", others[0], lambda text: text if text == "–" else among(text, others))
    st.selectbox(
        f"{FORECASTS[lacking[0]]} beside it, from",
        [*others, "–"],
        key="beside",
        persist_state="session",
        help="Runs of the other network on the same data set and class.",
    )
    publish("beside")
    other = st.session_state["beside"]
    if other == "–":
        return predictions, of
    try:
        joined = join_network(
            predictions, read_run(str(runs[other].path), runs[other].status.time)[0]
        )
    except RunError as error:
        st.warning(str(error), icon=":material/warning:")
        return predictions, of
    return joined, {**of, lacking[0]: runs[other]}


def _compares(run: RunFolder, scores: dict[str, Any], lacking: list[str]) -> bool:
    try:
        theirs = run.scores()
    except RunError:
        return False  # said when that run is chosen itself
    same = all(theirs.get(key) == scores[key] for key in ("dataset_sha256", "flare_class"))
    rows = theirs.get("rows", [])
    return same and any(row.get("model") in lacking for row in rows)


def choose_threshold(own: float) -> float:
    """Draw the slider; one that is not the model's own is said to be optimistic."""
    asked = st.query_params.get("threshold")
    chosen = st.slider(
        "Threshold on the probability",
        0.0,
        1.0,
        own,
        0.01,
        key="threshold",
        bind="query-params",
        help="A network's forecast is eruptive from here on.",
    )
    # Streamlit takes a value it cannot use, and the default, out of the address.
    if asked is not None and "threshold" not in st.query_params and not _is(asked, own):
        note("threshold", f"threshold cannot be “{asked}”. Shown instead: {own:g}.")
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
    return round(chosen, 2)


def _is(text: str, number: float) -> bool:
    try:
        return float(text) == number
    except ValueError:
        return False


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
    def run(self) -> RunFolder:
        """The run that was chosen."""
        return next(iter(self.runs.values()))

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


def scored_runs() -> tuple[dict[str, RunFolder], list[SkippedFile]]:
    """Finished runs with predictions by name, shipped ones first; folders that are no runs.

    Of a sweep it is the members that have predictions.
    """
    found, skipped = list_runs()
    runs: dict[str, RunFolder] = {}
    for run in found:
        members = run.members if run.kind == "sweep" else [run]
        for one in members:
            if one.has_predictions and one.status.state == "finished":
                runs[one.name if one is run else f"{run.name}/{one.name}"] = one
    return runs, skipped


def choose_run() -> Chosen | None:
    """Draw the selectors and return the choice; None where there is no run to choose.

    Raises
    ------
    RunError
        If the files of the run cannot be used; the selectors stay, to choose another one.
    """
    runs, skipped = scored_runs()
    if skipped:
        with st.expander(
            f"{len(skipped)} folder{'' if len(skipped) == 1 else 's'} skipped",
            icon=":material/block:",
        ):
            for one in skipped:
                st.caption(one.reason)
    if not runs:
        return None
    names = list(runs)
    restore("run", names[0], lambda text: among(text, names))
    st.selectbox(
        "Run",
        names,
        format_func=lambda name: _label(name, runs[name]),
        key="run",
        persist_state="session",
        filter_mode="contains",
        help="Finished trainings and cross-validations whose test set was predicted.",
    )
    publish("run")
    name = st.session_state["run"]
    predictions, scores = read_run(str(runs[name].path), runs[name].status.time)
    of = dict.fromkeys(predictions["model"].unique(), runs[name])
    predictions, of = choose_other(name, runs, predictions, scores, of)
    return Chosen(name, of, predictions, scores, choose_threshold(float(scores["threshold"])))


def _label(name: str, run: RunFolder) -> str:
    kind = "cross-validation" if run.kind == "crossval" else "single run"
    own = " · shipped" if run.shipped else ""
    return f"{name} · ≥{run.config.get('flare_class', '?')} · {kind}{own}"


def show_figure(
    chosen: Chosen, figure: go.Figure, data: pd.DataFrame, *, key: str, what: str, **more: Any
) -> None:
    """Draw a figure and a button for its data as CSV; `more` goes to `show_chart`."""
    stem = f"{chosen.name} {what}".replace("/", " ")
    alt = f"{what} of the run {chosen.name}"
    show_chart(figure, key=key, filename=stem, alt=alt, simulated=chosen.simulated, **more)
    st.download_button(
        "Data of this figure, CSV",
        lambda: history_csv(data),
        f"{stem} figure.csv".replace(" ", "_"),
        "text/csv",
        key=f"data_{key}",
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
    )

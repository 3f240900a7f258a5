"""Which run's skill is looked at, with which threshold; the address bar holds both."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd
import streamlit as st

from analysis.skill import forecasts
from hnn_core.sources import SkippedFile
from hnn_core.training.run_folder import RunFolder
from hnn_core.training.runs import list_runs
from pages._link import publish, restore
from pages._skill_options import among, choose_other, choose_threshold, read_run

__all__ = ["Chosen", "choose_run", "scored_runs"]


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

"""What a run is read with: the other network's run beside it, and the threshold."""

from typing import Any

import pandas as pd
import streamlit as st

from analysis.skill import FORECASTS, beside, read_predictions, read_scores
from hnn_core.exceptions import RunError, UnknownRunError
from hnn_core.training.run_folder import RunFolder
from pages._link import note, publish, restore

__all__ = ["among", "choose_other", "choose_threshold", "read_run"]


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
        joined = beside(predictions, read_run(str(runs[other].path), runs[other].status.time)[0])
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

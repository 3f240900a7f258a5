"""The data set to train on, its counts beside the paper's, and a small one at one click."""

import streamlit as st

from hnn_core.dataset.card import DatasetInfo, list_datasets
from hnn_core.jobs.data_jobs import SMALL, DataBuild, start_small_build, stop_small_build
from hnn_core.regions.goes_classes import FLARE_CLASSES
from hnn_core.training.config import FIELD_HELP
from hnn_core.training.run_folder import RunFolder
from pages._shared.access import require_writes, writes_refused
from pages._shared.messages import worded_errors

__all__ = ["choose_dataset", "dataset_words", "is_simulated"]

COUNTS = {
    "positive": "eruptive frames",
    "negative": "confined frames",
    "eruptive_flares": "eruptive flares",
    "confined_flares": "confined flares",
    "unknown_flares": "flares not judged",
}
_BUILD = (
    "build_small",
    "Build the small simulated data set",
    ":material/play_arrow:",
    start_small_build,
)
_STOP = ("build_stop", "Stop building", ":material/stop_circle:", stop_small_build)
_REFRESH_S = 2


def choose_dataset() -> tuple[str, str] | None:
    """Draw the choice of data set and class; None, with what to do, where there is none."""
    found, skipped = list_datasets()
    datasets = {info.name: info for info in found}
    for one in skipped:
        st.caption(f":material/block: {one.reason}")
    if not datasets:
        _offer_small_build()
        return None
    left, right = st.columns(2, gap="medium")
    with left:
        if st.session_state.get("train_dataset") not in datasets:
            st.session_state["train_dataset"] = next(iter(datasets))
        name = st.selectbox(
            "Data set",
            list(datasets),
            key="train_dataset",
            persist_state="session",
            help=FIELD_HELP["dataset"],
        )
    with right:
        st.session_state.setdefault("train_class", "M")
        flare_class = st.segmented_control(
            "Class of the coming flare",
            FLARE_CLASSES,
            format_func=lambda text: f"≥{text}",
            key="train_class",
            required=True,
            persist_state="session",
            help=FIELD_HELP["flare_class"],
        )
    _show_counts(datasets[name], flare_class)
    return name, flare_class


def is_simulated(run: RunFolder) -> bool:
    """Whether a run's data are simulated, as far as its scores or its data set tell."""
    if (run.path / "scores.json").is_file():
        return bool(run.scores().get("simulated"))
    asked = str(run.config.get("dataset"))
    return any(info.simulated for info in list_datasets()[0] if info.name == asked)


def dataset_words(run: RunFolder) -> str:
    """Name a run's data set, and whether it is simulated."""
    words = f"data set {run.config.get('dataset')}"
    return words + (", :orange[simulated data]" if is_simulated(run) else "")


def _show_counts(info: DatasetInfo, flare_class: str) -> None:
    card = info.card
    rows = []
    for title, table in ((info.name, "counts"), ("the paper's Table 1", "paper_table1")):
        counts = card.get(table, {}).get(flare_class, {})
        rows.append(
            {f"≥{flare_class}": title} | {words: counts.get(key) for key, words in COUNTS.items()}
        )
    st.dataframe(rows, hide_index=True, placeholder="–", key="dataset_counts")
    about = (
        f"From {info.source}, {card['regions']} regions; sequences of up to {info.hours} hours; "
        f"policy {info.policy}."
    )
    st.caption(f"Simulated data. {about}" if info.simulated else about)
    if info.is_partial(flare_class):
        st.warning(
            f"This data set was fetched for stronger flares: of those of class ≥{flare_class} it "
            "holds only the hours that lie near them.",
            icon=":material/warning:",
        )


def _offer_small_build() -> None:
    build = DataBuild()
    busy = build.alive
    if not busy:
        st.info(
            "There is no data set to train on yet. Build one from magnetograms with "
            "`python -m hnn_core data build --help`, or start with a small one of 40 simulated "
            "regions, which takes a minute or two.",
            icon=":material/database:",
        )
    name, label, icon, act = _STOP if busy else _BUILD
    refused = writes_refused()
    pressed = st.button(
        label, key=name, icon=icon, disabled=bool(refused), help=refused or None, type="primary"
    )
    if busy or build.begun:
        st.fragment(_show_build, run_every=_REFRESH_S if busy else None)(busy=busy)
    if pressed:
        with worded_errors():
            require_writes()
            act()
            st.rerun()


def _show_build(*, busy: bool) -> None:
    build = DataBuild()
    if busy and not build.alive:
        st.rerun()
    if busy:
        st.markdown(f":blue[:material/progress_activity:] Building the data set **{SMALL}** …")
    else:
        st.warning(
            "The last building did not come to its end; building again goes on with it.",
            icon=":material/warning:",
        )
    st.code(build.log_tail() or "Starting …", language=None)

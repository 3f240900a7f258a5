"""A new training: data set, class, network, hyperparameters, start."""

from typing import Any

import streamlit as st

from hnn_core.exceptions import TrainingError
from hnn_core.training import jobs
from hnn_core.training.commands import create_run
from hnn_core.training.config import FIELD_HELP, TrainConfig
from pages._access import require_writes, writes_refused
from pages._messages import worded_errors
from pages._training_data import choose_dataset
from pages._training_fields import choose_start, field_values, show_fields, show_presets
from pages._training_runs import open_run
from pages._training_words import KINDS

__all__ = ["show_form"]

_NAME = "Of the run and, in small letters, of its model; made of network, class and time if empty."
NETWORKS = {True: "HNN", False: "ViT baseline"}


def show_form() -> None:
    """Draw the form; without a data set, how to get one."""
    st.markdown("## New training")
    chosen = choose_dataset()
    if chosen is None:
        return
    dataset, flare_class = chosen
    left, middle, right = st.columns([5, 3, 4], gap="medium")
    with left:
        kind = st.segmented_control(
            "What to train",
            ["train", "crossval"],
            format_func=KINDS.__getitem__,
            key="train_kind",
            default="train",
            required=True,
            help="A cross-validation trains both networks on every fold, one training after "
            "the other: ten for five folds.",
        )
    with middle:
        temporal = st.segmented_control(
            "Network",
            list(NETWORKS),
            format_func=NETWORKS.__getitem__,
            key="train_network",
            default=True,
            required=True,
            disabled=kind == "crossval",
            help=FIELD_HELP["temporal"],
        )
    with right:
        choose_start()
    with st.container(key="presets", horizontal=True, vertical_alignment="center"):
        st.markdown("### Hyperparameters", width="content")
        show_presets()
    show_fields()
    _show_start(kind, {"dataset": dataset, "flare_class": flare_class, "temporal": temporal})


def _show_start(kind: str, chosen: dict[str, Any]) -> None:
    try:
        config = TrainConfig(**chosen, **field_values())
    except TrainingError as error:
        st.warning(str(error), icon=":material/warning:")
        st.button("Start", key="train_start", disabled=True, icon=":material/play_arrow:")
        return
    refused = writes_refused()
    model = config.model_name if kind == "train" else kind
    with st.container(key="start_row", horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(
            "Name",
            key="train_name",
            placeholder=f"{model}-{config.flare_class}-…",
            width=320,
            help=_NAME,
        )
        pressed = st.button(
            "Start",
            key="train_start",
            type="primary",
            icon=":material/play_arrow:",
            disabled=bool(refused),
            help=refused or None,
        )
    st.caption(_changes(config))
    if pressed:
        with worded_errors():
            require_writes()
            run = create_run(kind, config, name.strip())
            jobs.begin(run)
            del st.session_state["train_name"]
            open_run(run.name)


def _changes(config: TrainConfig) -> str:
    paper = TrainConfig(dataset=config.dataset).to_dict()
    asked = config.to_dict()
    passed_over = ("flare_class", "temporal")
    changed = [
        f"{name} {asked[name]}"
        for name in asked
        if asked[name] != paper[name] and name not in passed_over
    ]
    if not changed:
        return "As in the paper, where it says; the rest by default."
    return f"Changed from the defaults: {', '.join(changed)}."

"""A new training: data set, class, network, hyperparameters, start; or first a small data set."""

from typing import Any

import streamlit as st

from hnn_core.dataset.card import DatasetInfo, list_datasets
from hnn_core.exceptions import TrainingError
from hnn_core.jobs.data_jobs import list_data_jobs
from hnn_core.regions.goes_classes import FLARE_CLASSES
from hnn_core.training.config import FIELD_HELP, PRESETS, TrainConfig
from hnn_core.training.run_folder import begin, create_run
from pages._data.forms import job_button
from pages._data.jobs import show_jobs
from pages._shared.access import guarded_button, perform
from pages._shared.link import reopen
from pages._shared.messages import count_rows, nothing_kept, plain, written
from pages._shared.widgets import choose, list_skipped, show_table
from pages._training.runs import KINDS, field_words

__all__ = ["show_form"]

GROUPS = {
    "The paper's protocol": (
        *("frames", "patch", "depth", "heads", "width", "lstm_hidden"),
        *("epochs", "batch", "learning_rate", "alpha", "gamma", "test_fraction", "folds"),
    ),
    "Beyond the paper": (
        *("freeze_vit", "symmetries", "run_hours", "weight_decay", "gradient_clip"),
        *("validation_fraction", "patience", "seed"),
    ),
    "This machine": (
        *("precision", "recompute", "accelerator", "devices", "nodes", "workers"),
        "keep_checkpoints",
    ),
}
NETWORKS = {True: "HNN", False: "ViT baseline"}
CHOICES = {"precision": ("auto", "32", "bf16", "16"), "accelerator": ("auto", "cpu", "gpu")}
STARTS = {"hub": "ImageNet, from the hub", "none": "Random weights", "file": "A file …"}
_PRESET_NAMES = {
    "paper": ("The paper's protocol", ":material/article:"),
    "laptop": ("A minute on a laptop", ":material/laptop:"),
}
_STEPS = {"learning_rate": 1e-5, "weight_decay": 1e-5, "gamma": 0.5, "gradient_clip": 0.5}
_STEP = 0.05
_DEFAULTS: dict[str, Any] = {
    name: field.default for name, field in TrainConfig.model_fields.items() if name != "dataset"
}
_SMALL = ("build", ["--source", "sim:1:40", "--out", "sim-40"], "sim-40: 40 simulated regions")
"""The job that builds a data set for the first training."""


def show_form() -> None:
    """Draw the form; without a data set, how to get one."""
    st.markdown("## New training")
    chosen = _choose_dataset()
    if chosen is None:
        return
    dataset, flare_class = chosen
    left, middle, right = st.columns([5, 3, 4], gap="medium")
    with left:
        kind = choose(
            st.segmented_control,
            "What to train",
            {name: KINDS[name] for name in ("train", "crossval")},
            key="train_kind",
            default="train",
            required=True,
            help="A cross-validation trains both networks on every fold, one training after "
            "the other: ten for five folds.",
        )
    with middle:
        temporal = choose(
            st.segmented_control,
            "Network",
            NETWORKS,
            key="train_network",
            default=True,
            required=True,
            disabled=kind == "crossval",
            help=FIELD_HELP["temporal"],
        )
    for name, value in {**_DEFAULTS, "file": ""}.items():
        st.session_state.setdefault(f"train_{name}", value)
    with right:
        _choose_start()
    with st.container(key="presets", horizontal=True, vertical_alignment="center"):
        st.markdown("### Hyperparameters", width="content")
        for name, (label, icon) in _PRESET_NAMES.items():
            st.button(plain(label), key=f"preset_{name}", icon=icon, on_click=_set, args=(name,))
    for tab, names in zip(st.tabs(list(GROUPS)), GROUPS.values(), strict=True):
        with tab, st.container(horizontal=True, vertical_alignment="bottom"):
            for name in names:
                _field(name)
    _show_start(kind, {"dataset": dataset, "flare_class": flare_class, "temporal": temporal})


def _show_start(kind: str, chosen: dict[str, Any]) -> None:
    state = st.session_state
    values = {name: state[f"train_{name}"] for group in GROUPS.values() for name in group}
    start = state["train_pretrained"]
    values["pretrained"] = state["train_file"] if start == "file" else start
    try:
        config = TrainConfig(**chosen, **values)
    except TrainingError as error:
        st.warning(plain(error), icon=":material/warning:")
        st.button("Start", key="train_start", disabled=True, icon=":material/play_arrow:")
        return
    model = config.model_name if kind == "train" else kind
    with st.container(key="start_row", horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(
            "Name",
            key="train_name",
            placeholder=f"{model}-{config.flare_class}-…",
            width=320,
            help="Of the run and, in small letters, of its model; made of network, class and time "
            "if empty.",
        )
        pressed = guarded_button("Start", "train_start", "play_arrow", type="primary")
    st.caption(plain(_changes(config)))
    if pressed:
        perform(_start, kind, config, name.strip())


def _start(kind: str, config: TrainConfig, name: str) -> None:
    run = create_run(kind, config, name)
    begin(run)
    del st.session_state["train_name"]
    reopen(view="watch", run=run.name)


def _changes(config: TrainConfig) -> str:
    paper = TrainConfig(dataset=config.dataset).to_dict()
    changed = [
        f"{field_words(name)} {written(value)}"
        for name, value in config.to_dict().items()
        if value != paper[name] and name not in ("flare_class", "temporal")
    ]
    if not changed:
        return "As in the paper where it gives a value; the rest by default."
    return f"Changed from the defaults: {', '.join(changed)}."


def _choose_start() -> None:
    shared = {"help": FIELD_HELP["pretrained"], **_kept("pretrained")}
    choose(st.selectbox, "Pretrained", STARTS, **shared)
    if st.session_state["train_pretrained"] == "file":
        st.text_input(
            "File of weights",
            placeholder="/data/weights/vit.safetensors",
            help="A timm vision transformer as .safetensors, on the machine that trains.",
            **_kept("file"),
        )


def _field(name: str) -> None:
    default = _DEFAULTS[name]
    label = field_words(name)
    shared = {
        "label": plain(label[0].upper() + label[1:]),
        "help": FIELD_HELP[name],
        "width": 160,
        **_kept(name),
    }
    if name in CHOICES:
        st.selectbox(options=CHOICES[name], **shared)
    elif isinstance(default, bool):
        st.toggle(**shared)
    elif isinstance(default, int):
        st.number_input(step=1, **shared)
    else:
        st.number_input(step=_STEPS.get(name, _STEP), format="%g", **shared)


def _set(preset: str) -> None:
    for name, value in (_DEFAULTS | PRESETS[preset]).items():
        st.session_state[f"train_{name}"] = value


def _kept(name: str) -> dict[str, Any]:
    return {"key": f"train_{name}", "persist_state": "session"}


def _choose_dataset() -> tuple[str, str] | None:
    """Draw the choice of data set and class; None, with what to do, where there is none."""
    found, skipped = list_datasets()
    datasets = {info.name: info for info in found}
    list_skipped("folder", skipped)
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
    _show_counts(datasets[name], str(flare_class))
    return name, str(flare_class)


def _show_counts(info: DatasetInfo, flare_class: str) -> None:
    card = info.card
    show_table(count_rows(info, flare_class), "dataset_counts", placeholder="–")
    about = (
        f"From {info.source}, {card['regions']} regions; sequences of up to {info.hours} hours; "
        f"policy {info.policy}."
    )
    st.caption(plain(f"Simulated data. {about}" if info.simulated else about))
    if info.is_partial(flare_class):
        st.warning(
            "This data set was fetched for stronger flares: of those of class "
            f"≥{plain(flare_class)} it holds only the hours that lie near them.",
            icon=":material/warning:",
        )


def _offer_small_build() -> None:
    if nothing_kept():
        st.info("No data set can be shown or built now.", icon=":material/database:")
    elif not any(job.alive for job in list_data_jobs() if job.kind == "build"):
        st.info(
            "There is no data set to train on yet. Build one from magnetograms on the Data page, "
            "or start with a small one of 40 simulated regions, which takes a minute or two.",
            icon=":material/database:",
        )
        label = "Build the small simulated data set"
        job_button(label, "build_small", "play_arrow", _SMALL, type="primary")
    show_jobs("build")

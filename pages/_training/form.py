"""A new training: data set, class, network, hyperparameters, start.

The hyperparameters: a widget for each field of a training's configuration.
"""

from typing import Any

import streamlit as st

from hnn_core.exceptions import TrainingError
from hnn_core.training.config import FIELD_HELP, PRESETS, TrainConfig
from hnn_core.training.run_folder import begin, create_run
from pages._shared.access import require_writes, writes_refused
from pages._shared.messages import worded_errors
from pages._training.dataset import choose_dataset
from pages._training.runs import KINDS, open_run

__all__ = ["choose_start", "field_values", "show_fields", "show_form", "show_presets"]


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


def show_presets() -> None:
    """Draw a button for each preset; it sets every hyperparameter."""
    for name, (label, icon) in _PRESET_NAMES.items():
        st.button(label, key=f"preset_{name}", icon=icon, on_click=_set, args=(name,))


def choose_start() -> None:
    """Draw what the vision transformer starts from."""
    _fill()
    st.selectbox(
        "Pretrained",
        list(STARTS),
        format_func=STARTS.__getitem__,
        help=FIELD_HELP["pretrained"],
        **_kept("pretrained"),
    )
    if st.session_state["train_pretrained"] == "file":
        st.text_input(
            "File of weights",
            placeholder="/data/weights/vit.safetensors",
            help="A timm vision transformer as .safetensors, on the machine that trains.",
            **_kept("file"),
        )


def show_fields() -> None:
    """Draw the groups of hyperparameters."""
    _fill()
    for tab, names in zip(st.tabs(list(GROUPS)), GROUPS.values(), strict=True):
        with tab, st.container(horizontal=True, vertical_alignment="bottom"):
            for name in names:
                _field(name)


def field_values() -> dict[str, Any]:
    """Return what the widgets hold, as fields of a configuration."""
    values = {
        name: st.session_state[f"train_{name}"] for group in GROUPS.values() for name in group
    }
    start = st.session_state["train_pretrained"]
    return values | {"pretrained": st.session_state["train_file"] if start == "file" else start}


def _field(name: str) -> None:
    default = _DEFAULTS[name]
    label = name.replace("lstm", "LSTM").replace("_", " ")
    shared = {
        "label": label[0].upper() + label[1:],
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


def _fill() -> None:
    for name, value in {**_DEFAULTS, "file": ""}.items():
        st.session_state.setdefault(f"train_{name}", value)


def _set(preset: str) -> None:
    for name, value in (_DEFAULTS | PRESETS[preset]).items():
        st.session_state[f"train_{name}"] = value


def _kept(name: str) -> dict[str, Any]:
    return {"key": f"train_{name}", "persist_state": "session"}


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
            begin(run)
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

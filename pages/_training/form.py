"""The hyperparameters: a widget for each field of a training's configuration."""

from dataclasses import fields
from typing import Any

import streamlit as st

from hnn_core.training.config import FIELD_HELP, PRESETS, TrainConfig

__all__ = ["choose_start", "field_values", "show_fields", "show_presets"]

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
    item.name: item.default for item in fields(TrainConfig) if item.name != "dataset"
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

"""The selectors that all pages share: source, region, model."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from hnn_core.exceptions import UnknownModelError, UnknownSourceError
from hnn_core.model_store import ModelInfo
from hnn_core.sources import Region, SkippedFile, Source, find_region, open_source
from pages import _caches
from pages._labels import model_label, region_label
from pages._link import publish, restore

__all__ = ["Selection", "select", "selected"]

SOURCES = {"sim": "Simulated regions", "fits": "Folder of SHARP FITS"}
_MOST_SKIPPED = 100


@dataclass(frozen=True)
class Selection:
    """What the shared selectors stand on."""

    source: Source
    region: Region
    model: ModelInfo


def selected() -> Selection:
    """Return what app.py selected in this very run.

    Streamlit runs a file of pages/ by itself when it is the first thing that a fresh server is
    asked for; then the run starts over with app.py.
    """
    selection = st.session_state.pop("selection", None)
    if selection is None:
        st.switch_page("app.py", query_params=st.query_params.to_dict())
    return selection


def select() -> Selection | None:
    """Draw the shared selectors and keep the choice for `selected`; None until a folder is given.

    Errors of the source and the models are raised for the caller to show.
    """
    source = _select_source()
    if source is None:
        return None
    region = _select_region(source)
    model = _select_model()
    publish("source", "region", "model")
    st.session_state["selection"] = Selection(source, region, model)
    return st.session_state["selection"]


def _select_source() -> Source | None:
    folder = os.environ.get("HNN_FITS_DIR", "")
    restore("source", "fits" if folder else "sim", _read_source)
    kind = st.selectbox("Source", list(SOURCES), format_func=SOURCES.__getitem__, **_kept("source"))
    if kind == "sim":
        return _select_population()
    restore("folder", folder, str)
    st.text_input(
        "Folder",
        **_kept("folder"),
        placeholder="/data/sharps",
        help="SHARP CEA magnetograms, any mix of regions, at any depth. Only read, never changed.",
    )
    publish("source", "folder")
    if not st.session_state["folder"].strip():
        return None
    source = _caches.source(f"fits:{st.session_state['folder'].strip()}")
    _list_skipped("file", source.skipped())
    return source


def _select_population() -> Source:
    restore("population", "", _read_population)
    st.text_input(
        "Population",
        **_kept("population"),
        placeholder="those that come with the program",
        help="Other simulated regions: a seed such as 1, or seed and number of regions, 1:800.",
    )
    publish("population")
    return _caches.source(f"sim:{st.session_state['population'].strip()}")


def _read_population(text: str) -> str:
    open_source(f"sim:{text}")
    return text


def _kept(key: str) -> dict[str, str]:
    """Arguments of a widget whose value outlives an error that hides it."""
    return {"key": key, "persist_state": "session"}


def _read_source(text: str) -> str:
    if text not in SOURCES:
        raise UnknownSourceError(f"There is no source “{text}”, only {' and '.join(SOURCES)}.")
    return text


def _list_skipped(what: str, skipped: Sequence[SkippedFile]) -> None:
    if not skipped:
        return
    plural = "" if len(skipped) == 1 else "s"
    with (
        st.expander(f"{len(skipped)} {what}{plural} skipped", icon=":material/block:"),
        st.container(height=240, border=False, gap="xsmall"),
    ):
        for one in skipped[:_MOST_SKIPPED]:
            told = Path(one.path).name in one.reason
            st.caption(one.reason if told else f"{one.path}: {one.reason}")
        if len(skipped) > _MOST_SKIPPED:
            st.caption(f"… and {len(skipped) - _MOST_SKIPPED} more.")


def _select_region(source: Source) -> Region:
    regions = {region.id: region for region in source.regions()}
    ids = list(regions)
    restore("region", ids[0], lambda text: find_region(source, text).id)
    st.selectbox(
        "Active region",
        ids,
        format_func=lambda region: region_label(regions[region]),
        **_kept("region"),
        filter_mode="contains",
        help="Type a NOAA or HARP number, a flare class or a date.",
    )
    here = ids.index(st.session_state["region"])
    with st.container(horizontal=True, gap="small"):
        for name, icon, step in (("Previous", "arrow_back", -1), ("Next", "arrow_forward", 1)):
            st.button(
                name,
                key=f"region_{name.lower()}",
                icon=f":material/{icon}:",
                icon_position="left" if step < 0 else "right",
                disabled=not 0 <= here + step < len(ids),
                on_click=lambda there: st.session_state.update(region=there),
                args=(ids[(here + step) % len(ids)],),
                width="stretch",
            )
    return regions[st.session_state["region"]]


def _select_model() -> ModelInfo:
    found, skipped = _caches.models()
    if not found:
        raise UnknownModelError(
            "No model is here: assets/models holds none and the user's folder neither; "
            "fetch the program again or train a model."
        )
    models = {info.name: info for info in found}

    def read(text: str) -> str:
        if text not in models:
            raise UnknownModelError(f"There is no model “{text}”; here are {', '.join(models)}.")
        return text

    restore("model", found[0].name, read)
    st.selectbox(
        "Model and flare class",
        list(models),
        format_func=lambda name: model_label(models[name]),
        **_kept("model"),
        help="The class is the lowest of the coming flare that the model was trained for.",
    )
    _list_skipped("model", skipped)
    return models[st.session_state["model"]]

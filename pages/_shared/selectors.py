"""The selectors that all pages share: source, region, model.

Which source of magnetograms is looked at.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from hnn_core.exceptions import EmptySourceError, UnknownModelError
from hnn_core.network.model_store import ModelInfo
from hnn_core.regions.base import Region, SkippedFile, Source
from hnn_core.sources import find_region, open_source
from pages._shared import caches
from pages._shared.link import one_of, publish, restore
from pages._shared.messages import model_label, region_label

__all__ = ["DOWNLOADED", "Selection", "kept", "list_skipped", "select", "select_source", "selected"]


SOURCES = {
    "sim": "Simulated regions",
    "fits": "Folder of SHARP FITS",
    "jsoc": "Downloaded from JSOC",
    "nrt": "Now on the disk",
}
DOWNLOADED = {"jsoc": "jsoc:", "nrt": "jsoc:nrt"}
_MOST_SKIPPED = 100


def select_source() -> Source | None:
    """Draw the choice of source; None until a folder is given, or while nothing is downloaded."""
    folder = os.environ.get("HNN_FITS_DIR", "")
    restore("source", "fits" if folder else "sim", one_of("source", SOURCES))
    kind = st.selectbox("Source", list(SOURCES), format_func=SOURCES.__getitem__, **kept("source"))
    if kind == "sim":
        return _select_population()
    if kind in DOWNLOADED:
        return _downloaded(DOWNLOADED[kind])
    restore("folder", folder, str)
    st.text_input(
        "Folder",
        **kept("folder"),
        placeholder="/data/sharps",
        help="SHARP CEA magnetograms, any mix of regions, at any depth. Only read, never changed.",
    )
    publish("source", "folder")
    if not st.session_state["folder"].strip():
        return None
    source = caches.source(f"fits:{st.session_state['folder'].strip()}")
    list_skipped("file", source.skipped())
    return source


def _downloaded(spec: str) -> Source | None:
    publish("source")
    try:
        source = caches.source(spec)
    except EmptySourceError:
        return None  # what can be done about it takes more room than the sidebar has
    list_skipped("file", source.skipped())
    return source


def _select_population() -> Source:
    restore("population", "", _read_population)
    st.text_input(
        "Population",
        **kept("population"),
        placeholder="those that come with the program",
        help="Other simulated regions: a seed such as 1, or seed and number of regions, 1:800.",
    )
    publish("population")
    return caches.source(f"sim:{st.session_state['population'].strip()}")


def _read_population(text: str) -> str:
    open_source(f"sim:{text}")
    return text


def kept(key: str) -> dict[str, str]:
    """Arguments of a widget whose value outlives an error that hides it."""
    return {"key": key, "persist_state": "session"}


def list_skipped(what: str, skipped: Sequence[SkippedFile]) -> None:
    """Draw what could not be used, each with its reason; nothing where all could."""
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
    """Draw the shared selectors and keep the choice for `selected`; None while there is no source.

    Errors of the source and the models are raised for the caller to show.
    """
    source = select_source()
    if source is None:
        return None
    region = _select_region(source)
    model = _select_model()
    publish("source", "region", "model")
    st.session_state["selection"] = Selection(source, region, model)
    return st.session_state["selection"]


def _select_region(source: Source) -> Region:
    regions = {region.id: region for region in source.regions()}
    ids = list(regions)
    restore("region", ids[0], lambda text: find_region(source, text).id)
    st.selectbox(
        "Active region",
        ids,
        format_func=lambda region: region_label(regions[region]),
        **kept("region"),
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
    found, skipped = caches.models()
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
        **kept("model"),
        help="The class is the lowest of the coming flare that the model was trained for.",
    )
    list_skipped("model", skipped)
    return models[st.session_state["model"]]

"""The selectors that all pages share: source, region, model."""

from dataclasses import dataclass

import streamlit as st

from hnn_core.exceptions import UnknownModelError
from hnn_core.model_store import ModelInfo
from hnn_core.sources import Region, Source, find_region
from pages import _caches
from pages._labels import model_label, region_label
from pages._link import publish, restore
from pages._source import kept, list_skipped, select_source

__all__ = ["Selection", "select", "selected"]


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
        **kept("model"),
        help="The class is the lowest of the coming flare that the model was trained for.",
    )
    list_skipped("model", skipped)
    return models[st.session_state["model"]]

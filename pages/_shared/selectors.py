"""The selectors that Explore and Case studies share: source, region, model."""

from dataclasses import dataclass
from typing import Any

import streamlit as st

from hnn_core.exceptions import EmptySourceError, UnknownModelError, UnknownSourceError
from hnn_core.network.model_store import ModelInfo
from hnn_core.regions.base import Region, Source
from hnn_core.sources import find_region
from pages._shared import caches
from pages._shared.access import MOST_REGIONS
from pages._shared.link import linked
from pages._shared.messages import model_label, plain, region_label
from pages._shared.right import named_folders
from pages._shared.upload import choose_upload, skipped_uploads
from pages._shared.widgets import list_skipped

__all__ = ["Selection", "choose_population", "select", "selected"]

SOURCES = {
    "sim": "Simulated regions",
    "fits": "Folder of SHARP FITS",
    "upload": "Your own files",
    "jsoc": "Downloaded from JSOC",
    "nrt": "Now on the disk",
}
DOWNLOADED = {"jsoc": "jsoc:", "nrt": "jsoc:nrt"}


@dataclass(frozen=True)
class Selection:
    """What the shared selectors stand on."""

    source: Source
    region: Region
    model: ModelInfo

    @property
    def place(self) -> caches.Place:
        """The region as the caches know it."""
        return caches.Place(self.source.spec, self.region.id)


def select() -> Selection | None:
    """Draw the shared selectors and keep the choice for `selected`; None while there is no source.

    Errors of the source and the models are raised for the caller to show.
    """
    source = _select_source()
    if source is None:
        return None
    selection = Selection(source, _select_region(source), _select_model())
    st.session_state["selection"] = selection
    return selection


def selected() -> Selection:
    """Return what app.py selected in this very run.

    Streamlit runs a file of pages/ by itself when it is the first thing that a fresh server is
    requested; then the run starts over with app.py.
    """
    selection: Selection | None = st.session_state.pop("selection", None)
    if selection is None:
        st.switch_page("app.py", query_params=st.query_params.to_dict())
    return selection


def choose_population(label: str, key: str, default: str, **more: Any) -> Source:
    """Draw a field for simulated regions, a seed or seed and number, and open them.

    Raises UnknownSourceError for a text that is neither, which stays in the field.
    """
    text = linked(st.text_input, label, key=key, default=default, **more).strip()
    try:
        return caches.source(f"sim:{text}")
    except UnknownSourceError as error:
        raise UnknownSourceError(
            f"“{text}” in the field {label} is no population; write a seed such as 1, or seed and "
            f"number of regions, from 1 to {MOST_REGIONS}, such as 1:800."
        ) from error


def _select_source() -> Source | None:
    """Draw the choice of source; None until there are files in it."""
    named = [str(folder) for folder in named_folders()]
    kind = linked(
        st.selectbox,
        "Source",
        SOURCES,
        key="source",
        default="fits" if named else "sim",
        read="source",
    )
    if kind == "sim":
        return choose_population(
            "Population",
            "population",
            "",
            placeholder="those that come with the program",
            help="Other simulated regions: a seed such as 1, or seed and number of regions, 1:800.",
        )
    if kind == "fits":
        here = f"Folders of this server: {', '.join(named)}." if named else ""
        text = linked(
            st.text_input,
            "Folder",
            key="folder",
            default=named[0] if named else "",
            placeholder="/data/sharps",
            help="SHARP CEA magnetograms, any mix of regions, at any depth, or an archive of them. "
            f"Only read, never changed. {plain(here)}",
        )
        if not text.strip():
            return None
        source = caches.source(f"fits:{text.strip()}")
    elif kind == "upload":
        spec = choose_upload()
        list_skipped("file", skipped_uploads())
        if spec is None:
            return None
        source = caches.source(spec)
    else:
        try:
            source = caches.source(DOWNLOADED[kind])
        except EmptySourceError:
            return None  # what can be done about it takes more room than the sidebar has
    list_skipped("file", source.skipped())
    return source


def _select_region(source: Source) -> Region:
    regions = {region.id: region for region in source.regions()}
    ids = list(regions)
    chosen = linked(
        st.selectbox,
        "Active region",
        {name: region_label(region) for name, region in regions.items()},
        key="region",
        read=lambda text: find_region(source, text).id,
        filter_mode="contains",
        help="Type a NOAA or HARP number, a flare class or a date.",
    )
    here = ids.index(chosen)
    with st.container(horizontal=True, gap="small"):
        for name, icon, step in (("Previous", "arrow_back", -1), ("Next", "arrow_forward", 1)):
            st.button(
                plain(name),
                key=f"region_{name.lower()}",
                icon=f":material/{icon}:",
                icon_position="left" if step < 0 else "right",
                disabled=not 0 <= here + step < len(ids),
                on_click=lambda there: st.session_state.update(region=there),
                args=(ids[(here + step) % len(ids)],),
                width="stretch",
            )
    return regions[chosen]


def _select_model() -> ModelInfo:
    found, skipped = caches.models()
    if not found:
        raise UnknownModelError(
            "No model is here: assets/models holds none and the user's folder neither; "
            "fetch the program again or train a model."
        )
    models = {info.name: info for info in found}

    chosen = linked(
        st.selectbox,
        "Model and flare class",
        {name: model_label(info) for name, info in models.items()},
        key="model",
        read=f"There is no model “{{}}”; here are {', '.join(models)}.",
        help="The class is the lowest of the coming flare that the model was trained for.",
    )
    list_skipped("model", skipped)
    return models[chosen]

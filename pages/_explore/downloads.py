"""Results to take along; a file is made when its button is pressed."""

import pandas as pd
import streamlit as st

from analysis.export import heat_hdul, history_csv, masks_hdul, to_bytes
from analysis.physics.keywords import keywords_with_units
from hnn_core.magnetogram.magnetogram import Magnetogram
from hnn_core.regions.case import Case
from pages._cases.chosen import add_case
from pages._explore.histories import Histories
from pages._explore.view import HeatView, View
from pages._shared import caches
from pages._shared.widgets import download

__all__ = ["show_downloads"]


def show_downloads(
    view: View, histories: Histories, heat: HeatView | None, computed: pd.DataFrame
) -> None:
    """Draw a button for each file; what is `computed` of `show_histories` goes with keywords."""
    stem = f"{view.selection.region.id}_{view.hour}".replace(" ", "").replace(":", "")
    st.markdown("### Downloads")
    with st.container(horizontal=True):
        _offer_case(view)
        csv, fits = f"{stem}_flux.csv", f"{stem}_masks.fits"
        download("Flux histories, CSV", lambda: history_csv(histories.flux), csv, "download_csv")
        none = view.masks is None  # of Br, at an hour without its vector
        of = view.frame
        if view.field.pil == "br" and not none:
            of = caches.vector(view.place, view.t_rec).place
        download("Masks, FITS", lambda: _masks(view, of), fits, "download_masks", disabled=none)
        if not histories.keywords.empty and len(histories.keywords.columns) > 1:
            table = keywords_with_units(histories.keywords, computed)
            file = f"{stem}_keywords.csv"
            download("SHARP keywords, CSV", lambda: history_csv(table), file, "download_keywords")
        if heat:
            file = f"{stem}_{heat.choice.method}.fits"
            download("Heat map, FITS", lambda: _heat(view, heat), file, "download_heat")
    st.caption(
        "PNG, SVG and PDF, with caption and methods: the button “Figure …” at each figure. FITS "
        "files carry the patch's coordinates; the address of this page brings back this view."
    )


def _offer_case(view: View) -> None:
    """Draw the button that adds the view to the case studies."""
    selection = view.selection
    case = Case(selection.source.spec, selection.region.id, view.hour, selection.model.name)
    st.button(
        "Add to the case studies",
        key="to_cases",
        icon=":material/compare:",
        help="Ten hours up to this one; the page Case studies sets up to twelve side by side.",
        on_click=add_case,
        args=(case,),
    )


def _masks(view: View, of: Magnetogram) -> bytes:
    assert view.masks is not None  # else the button is disabled
    return to_bytes(masks_hdul(of, view.masks))


def _heat(view: View, heat: HeatView) -> bytes:
    model = view.selection.model
    return to_bytes(
        heat_hdul(
            view.frame,
            heat.heats[-1],
            method=heat.choice.method,
            options=heat.choice.options,
            model=model.name,
            sha256=model.sha256,
            flare_class=model.flare_class,
            probability=view.prediction.probability if view.prediction else None,
            box=view.box,
        )
    )

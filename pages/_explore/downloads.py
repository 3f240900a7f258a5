"""Results to take along: the words of the figures, and files made when a button is pressed."""

from pathlib import Path

import pandas as pd
import streamlit as st

from analysis.export import heat_hdul, history_csv, masks_hdul, to_bytes
from analysis.physics.keywords import keywords_with_units
from analysis.printed.captions import FigureWords, Subject, magnetogram_caption
from hnn_core.magnetogram.magnetogram import Magnetogram
from hnn_core.regions.case import Case
from pages._cases.chosen import add_case
from pages._explore.view import HeatView, View
from pages._shared import caches
from pages._shared.charts import open_sheet
from pages._shared.messages import position
from pages._shared.selectors import Selection
from pages._shared.widgets import download

__all__ = ["figure_words", "offer_picture", "show_downloads"]

_ASK = st.components.v2.component(
    "hnn_figure_ask",
    js=(Path(__file__).parents[2] / "assets" / "figures" / "ask.js").read_text(encoding="utf-8"),
)


def show_downloads(
    view: View,
    flux: pd.DataFrame,
    keywords: pd.DataFrame,
    computed: pd.DataFrame,
    heat: HeatView | None,
) -> None:
    """Draw a button for each file; what is `computed` of `show_histories` goes with keywords."""
    stem = f"{view.selection.region.id}_{view.hour}".replace(" ", "").replace(":", "")
    st.markdown("### Downloads")
    with st.container(horizontal=True):
        _offer_case(view)
        csv, fits = f"{stem}_flux.csv", f"{stem}_masks.fits"
        download("Flux histories, CSV", lambda: history_csv(flux), csv, "download_csv")
        none = view.masks is None  # of Br, at an hour without its vector
        of = view.frame
        if view.field.pil == "br" and not none:
            of = caches.vector(view.place, view.t_rec).place
        download("Masks, FITS", lambda: _masks(view, of), fits, "download_masks", disabled=none)
        if not keywords.empty and len(keywords.columns) > 1:
            table = keywords_with_units(keywords, computed)
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


@st.fragment
def offer_picture(view: View, heat: HeatView | None) -> None:
    """Let the viewer's button open the sheet of what it draws."""
    settings = _ASK(key="viewer_figure", on_open_change=lambda: None).get("open")
    if isinstance(settings, dict):
        name = heat.choice.name if heat else ""
        open_sheet(magnetogram_caption(_subject(view.selection, view), settings, name), "viewer")


def figure_words(selection: Selection, view: View | None, what: str, *topics: str) -> FigureWords:
    """Return the words of a figure about a region: title and caption, with the answer if any.

    Parameters
    ----------
    selection : Selection
    view : View or None
        Of the hour that the figure is about; None for a whole passage.
    what : str
        What the figure shows, a sentence without its full stop.
    *topics : str
        Of `analysis.printed.captions.METHODS`.
    """
    return _subject(selection, view).words(what, *topics)


def _subject(selection: Selection, view: View | None) -> Subject:
    region, model = selection.region, selection.model
    prediction = view.prediction if view else None
    return Subject(
        region=region.name,
        hour=view.hour if view else "",
        model=model.name,
        flare_class=model.flare_class,
        probability=prediction.probability if prediction else None,
        threshold=prediction.threshold if prediction else None,
        position=position(view.frame) if view else "",
        simulated=region.simulated,
    )

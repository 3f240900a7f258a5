"""The words that go with the figures of Explore, and the sheet of the viewer's picture."""

from pathlib import Path

import streamlit as st

from analysis.printed.captions import FigureWords, Subject, magnetogram_caption
from pages._explore.view import HeatView, View
from pages._shared.figure_menu import open_sheet
from pages._shared.messages import position
from pages._shared.selectors import Selection

__all__ = ["figure_words", "offer_picture"]

_ASK = st.components.v2.component(
    "hnn_figure_ask",
    js=(Path(__file__).parents[2] / "assets" / "figures" / "ask.js").read_text(encoding="utf-8"),
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

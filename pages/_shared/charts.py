"""How every figure is put on a page."""

from collections.abc import Callable
from html import escape
from typing import Literal

import plotly.graph_objects as go
import streamlit as st

from analysis.figures.style import put_on
from analysis.printed.captions import FigureWords, plain_words
from pages._shared.figure_menu import offer_figure

__all__ = ["is_dark", "show_chart"]

_FONT = '"Source Sans", sans-serif'
"""The page's own, which Streamlit brings along."""

_MARGINS = {
    "plot": {"l": 56, "r": 16, "t": 40, "b": 64},
    "picture": {"l": 60, "r": 112, "t": 40, "b": 56},
    "strip": {"l": 4, "r": 4, "t": 4, "b": 4},
    "disk": {"l": 4, "r": 4, "t": 22, "b": 4},
    "film": {"l": 4, "r": 4, "t": 4, "b": 84},
}
"""Pixels about the axes. Given, because plotly finds them by drawing the figure three times:
a magnetogram then takes seconds, and the axes move from hour to hour."""


def is_dark() -> bool:
    """Whether the page behind the figures is dark."""
    return st.context.theme.type == "dark"


def show_chart(
    figure: go.Figure,
    *,
    key: str,
    alt: str,
    kind: Literal["plot", "picture", "strip", "disk", "film"] = "plot",
    ratio: float | None = None,
    simulated: bool = False,
    on_select: Callable[[], None] | None = None,
    words: FigureWords | None = None,
) -> None:
    """Draw a figure in the page's theme, with the button that saves it for a paper.

    The `words` go with what is saved; by default they are `alt`.
    With `simulated` a note in the figure, saved too, says that the data are simulated.
    With `ratio`, height over width of what is inside the margins, the figure is as high as the
    width it is given asks for, up to most of the window. With `on_select`, points are chosen by a
    click or by a box about them.
    """
    put_on(figure, dark=is_dark(), simulated=simulated)
    noted = any(note.name == "simulated" for note in figure.layout.annotations)
    words = words or plain_words(alt, simulated=noted)
    margin = dict(_MARGINS[kind])
    if kind == "strip" and noted:
        margin["t"] += 18
    figure.update_layout(
        margin={**margin, "autoexpand": False},
        font_family=_FONT,
        hoverlabel_font_family=_FONT,
    )
    figure.update_xaxes(automargin=False)
    figure.update_yaxes(automargin=False)
    removed = ["lasso2d", "toImage", *([] if on_select else ["select2d"])]
    with st.container(key=f"chart_{key}", gap=None):
        if ratio is not None:
            _follow_width(figure, key, margin, ratio)
        st.plotly_chart(
            figure,
            key=key,
            alt=alt,
            theme=None,
            height="stretch" if ratio is not None else "content",
            on_select=on_select or "ignore",
            selection_mode=("points", "box"),
            config={
                "displayModeBar": "hover",
                "displaylogo": False,
                "modeBarButtonsToRemove": removed,
            },
        )
        if kind != "film":  # which has files of its own
            offer_figure(figure, words, key, ratio)


def _follow_width(figure: go.Figure, key: str, margin: dict[str, int], ratio: float) -> None:
    """Tell the browser the height of a figure: it follows the width, unknown to Python."""
    sides, ends = margin["l"] + margin["r"], margin["t"] + margin["b"]
    height = f"min(calc((100cqw - {sides:d}px) * {ratio:.4f} + {ends:d}px), 80vh)"
    # A style alone would be laid where dialogs are, and one would take the other's place.
    style = f"<style>.st-key-{escape(key)} {{ height: {height} !important; }}</style>"
    st.html(f"{style}<i hidden></i>")
    figure.layout.height = None

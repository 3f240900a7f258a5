"""How every figure is put on a page, and the sheet of its button: files to save, words to copy."""

import base64
import gzip
import re
from collections.abc import Callable
from functools import cache, partial
from html import escape
from pathlib import Path
from typing import Any, Literal

import plotly.graph_objects as go
import streamlit as st
from plotly.offline import get_plotlyjs

from analysis.figures.style import put_on
from analysis.printed.captions import FigureWords, plain_words
from analysis.printed.publication import for_publication, pdf_bytes, sheet
from hnn_core.exceptions import FigureError

__all__ = ["is_dark", "open_sheet", "show_chart"]

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
_HELP = "For a paper or a talk: PNG, SVG, PDF, and the words that go with it"
_FOLDER = Path(__file__).parents[2] / "assets" / "figures"


def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


_EXPORT = st.components.v2.component(
    "hnn_figure", html=_text("export.html"), css=_text("export.css"), js=_text("export.js")
)


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
            _offer_figure(figure, words, key, ratio)


def _follow_width(figure: go.Figure, key: str, margin: dict[str, int], ratio: float) -> None:
    """Tell the browser the height of a figure: it follows the width, unknown to Python."""
    sides, ends = margin["l"] + margin["r"], margin["t"] + margin["b"]
    height = f"min(calc((100cqw - {sides:d}px) * {ratio:.4f} + {ends:d}px), 80vh)"
    # A style alone would be laid where dialogs are, and one would take the other's place.
    style = f"<style>.st-key-{escape(key)} {{ height: {height} !important; }}</style>"
    st.html(f"{style}<i hidden></i>")
    figure.layout.height = None


@st.fragment
def _offer_figure(figure: go.Figure, words: FigureWords, key: str, ratio: float | None) -> None:
    """Draw the button of a figure; nothing is made or sent before it is pressed."""
    if st.button("Figure …", key=f"figure_{key}", type="tertiary", help=_HELP):
        open_sheet(words, key, for_publication(figure, simulated=words.simulated, ratio=ratio))


def open_sheet(words: FigureWords, key: str, figure: go.Figure | None = None) -> None:
    """Open the sheet of a figure, or of the viewer's picture without one."""
    data: dict[str, Any] = {
        "sheet": sheet(words.title, words.credit, words.whole_caption),
        "name": re.sub(r"\W+", "_", words.title[0]).strip("_")[:100],
        "alt": words.caption,
    }
    if figure is not None:
        data["figure"] = figure.to_json()
        if not st.session_state.get("plotly_is_there"):
            data["plotly"] = _plotly()
            st.session_state["plotly_is_there"] = True
    _show_sheet(words, f"sheet_{key}", data)


@st.dialog("Figure for a paper or a talk", width="large")
def _show_sheet(words: FigureWords, name: str, data: dict[str, Any]) -> None:
    """Draw it; nothing is computed here, or the sheet that was open before would be seen again."""
    _EXPORT(key=name, data={**data, "pdf": _pdf(name)}, on_pdf_change=partial(_note_drawing, name))
    st.markdown("**Caption**")
    st.code(words.whole_caption, language=None, wrap_lines=True)
    if words.methods:
        st.markdown("**Methods and what to cite**")
        st.code(words.methods, language=None, wrap_lines=True)


def _note_drawing(name: str) -> None:
    st.session_state[f"{name}_drawing"] = st.session_state[name].get("pdf")


def _pdf(name: str) -> dict[str, Any] | None:
    """Make the PDF of the drawing that the browser has just sent, if any."""
    svg = st.session_state.pop(f"{name}_drawing", None)
    if not isinstance(svg, str):
        return None
    number = st.session_state["pdfs_made"] = st.session_state.get("pdfs_made", 0) + 1
    try:
        content = base64.b64encode(pdf_bytes(svg)).decode()
    except FigureError as error:
        return {"number": number, "fault": str(error)}
    return {"number": number, "content": content}


@cache
def _plotly() -> str:
    """plotly.js as it comes with plotly, packed: 1.4 MB, once a visit."""
    return base64.b64encode(gzip.compress(get_plotlyjs().encode(), 6)).decode()

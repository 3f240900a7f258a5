"""The button at a figure, and the sheet that it opens: files to save, words to copy."""

import base64
import gzip
import re
from functools import cache, partial
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import streamlit as st
from plotly.offline import get_plotlyjs

from analysis.printed.captions import FigureWords
from analysis.printed.publication import for_publication, pdf_bytes, sheet
from hnn_core.exceptions import FigureError

__all__ = ["offer_figure", "open_sheet"]

_HELP = "For a paper or a talk: PNG, SVG, PDF, and the words that go with it"
_FOLDER = Path(__file__).parents[2] / "assets" / "figures"


def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


_EXPORT = st.components.v2.component(
    "hnn_figure", html=_text("export.html"), css=_text("export.css"), js=_text("export.js")
)


@st.fragment
def offer_figure(figure: go.Figure, words: FigureWords, key: str, ratio: float | None) -> None:
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

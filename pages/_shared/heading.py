"""What stands on every page: the name, the button that copies the link, the first steps."""

from pathlib import Path

import streamlit as st

from hnn_core import __version__

__all__ = ["ABOUT", "show_first_steps", "show_name"]

ABOUT = (
    f"**HNN Explorer {__version__}**, under the BSD 3-Clause licence. Data, credits and how to "
    "cite: the page Help."
)
"""In Streamlit's menu, which has the choice of light or dark as soon as it holds anything."""
_FOLDER = Path(__file__).parents[2] / "assets" / "page"


def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


_LINK = st.components.v2.component(
    "hnn_link", html=_text("link.html"), css=_text("link.css"), js=_text("link.js")
)
_STEPS = st.components.v2.component(
    "hnn_steps", html=_text("steps.html"), css=_text("steps.css"), js=_text("steps.js")
)


def show_name() -> None:
    """Draw the program's name and the button that copies the address of the view."""
    with st.container(key="program", horizontal=True, vertical_alignment="center"):
        st.markdown("## HNN Explorer", width="content")
        _LINK(key="copy_link", width="content", height="content")


def show_first_steps() -> None:
    """Draw the first steps, over the page, for a browser that has not shut them for good."""
    with st.container(key="first_steps"):
        _STEPS(key="steps", height="content")

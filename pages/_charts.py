"""How every figure is put on a page."""

import plotly.graph_objects as go
import streamlit as st

__all__ = ["is_dark", "show_chart"]


_FONT = '"Source Sans", sans-serif'
"""The page's own, which Streamlit brings along."""


def is_dark() -> bool:
    """Whether the page behind the figures is dark."""
    return st.context.theme.type == "dark"


def show_chart(figure: go.Figure, *, key: str, filename: str, alt: str) -> None:
    """Draw a figure; its camera button saves a PNG of twice the size under that name."""
    st.plotly_chart(
        figure.update_layout(font_family=_FONT, hoverlabel_font_family=_FONT),
        key=key,
        alt=alt,
        theme=None,
        config={
            "displayModeBar": "hover",
            "displaylogo": False,
            "modeBarButtonsToRemove": ["lasso2d", "select2d"],
            "toImageButtonOptions": {
                "format": "png",
                "filename": filename.replace(" ", "_").replace(":", ""),
                "scale": 2,
            },
        },
    )

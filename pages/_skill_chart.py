"""A figure of skill on the page, with its numbers to take along."""

from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from analysis.skill_export import table_csv
from pages._charts import show_chart
from pages._skill_run import Chosen

__all__ = ["show_figure"]


def show_figure(
    chosen: Chosen, figure: go.Figure, data: pd.DataFrame, *, key: str, what: str, **more: Any
) -> None:
    """Draw a figure and a button for its data as CSV; `more` goes to `show_chart`."""
    stem = f"{chosen.name} {what}".replace("/", " ")
    show_chart(figure, key=key, filename=stem, alt=f"{what} of the run {chosen.name}", **more)
    st.download_button(
        "Data of this figure, CSV",
        lambda: table_csv(data),
        f"{stem} figure.csv".replace(" ", "_"),
        "text/csv",
        key=f"data_{key}",
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
    )

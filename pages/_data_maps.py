"""Flares over time and on the disk; a click chooses them."""

import pandas as pd
import streamlit as st

from analysis import figures
from hnn_core.services.endpoints import elsewhere
from pages._charts import is_dark, show_chart
from pages._data_choice import choose_from_chart

__all__ = ["show_maps"]


def show_maps(found: pd.DataFrame) -> None:
    """Draw both maps and say what is not on them."""
    placed = figures.largest_placed(found)
    look = {"dark": is_dark(), "simulated": bool(elsewhere())}
    left, right = st.columns([5, 3], gap="small")
    with left:
        show_chart(
            figures.butterfly(placed, **look),
            key="butterfly",
            filename="flares over time",
            alt="Latitude of the flares over time",
            on_select=lambda: choose_from_chart("butterfly"),
        )
    with right:
        show_chart(
            figures.disk(placed, **look),
            kind="disk",
            key="disk",
            filename="flares on the disk",
            alt="Where on the disk the flares were",
            on_select=lambda: choose_from_chart("disk"),
        )
    st.caption(_words(found, placed))


def _words(found: pd.DataFrame, placed: pd.DataFrame) -> str:
    words = ["Dots grow with the class. Click one, or draw a box about many, to choose."]
    unplaced = int(found[["longitude_deg", "latitude_deg"]].isna().any(axis=1).sum())
    if unplaced:
        words.append(f"{unplaced:,} of {len(found):,} flares have no position and are not drawn.")
    if len(placed) + unplaced < len(found):
        words.append(f"Of the others the {len(placed):,} largest are drawn.")
    return " ".join(words)

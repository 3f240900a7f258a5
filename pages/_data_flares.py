"""The table of flares and, below it, of the CMEs linked to them."""

import pandas as pd
import streamlit as st

from analysis.catalog_table import flare_table
from pages._data_choice import TABLE, choose_from_table, tick

__all__ = ["show_flares"]

_MOST_ROWS = 5000
_HEIGHT = 420


def show_flares(found: pd.DataFrame, cmes: pd.DataFrame) -> None:
    """Draw the table, newest first; of too many flares the largest."""
    shown = found.nlargest(_MOST_ROWS, "flux_w_m2") if len(found) > _MOST_ROWS else found
    shown = shown.sort_values("peak_utc", ascending=False)
    ids = shown["flare_id"].tolist()
    st.markdown("### Table")
    left = "" if len(shown) == len(found) else f"; the {len(shown):,} largest are listed"
    st.caption(f"{len(found):,} flares{left}. Times are UTC, positions Stonyhurst.")
    tick(ids)
    minutes = st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm")
    st.dataframe(
        flare_table(shown, cmes),
        hide_index=True,
        key=TABLE,
        height=_HEIGHT if len(shown) > 10 else "content",
        on_select=lambda: choose_from_table(ids),
        selection_mode="multi-row",
        placeholder="–",
        column_config={
            "peak (UTC)": minutes,
            "fetched (UTC)": minutes,
            "NOAA": st.column_config.NumberColumn(format="%d"),
            "HARP": st.column_config.NumberColumn(format="%d"),
            "CMEs linked": st.column_config.TextColumn(width="medium"),
        },
    )

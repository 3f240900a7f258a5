"""Which flares are chosen: by a click on a map or a tick in the table, the last one counts."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from pages._data_words import window_before

__all__ = ["TABLE", "choose_from_chart", "choose_from_table", "chosen_flares", "tick"]

TABLE = "flares"
"""Key of the table."""
_CHOSEN, _TICK = "chosen_flares", "tick_flares"


def choose_from_chart(key: str) -> None:
    """Keep the flares whose dots were chosen; the table is to tick them."""
    points = st.session_state[key].selection.points
    ids = [str(point["customdata"][0]) for point in points if point.get("customdata")]
    st.session_state[_CHOSEN] = list(dict.fromkeys(ids))
    st.session_state[_TICK] = True


def choose_from_table(ids: Sequence[str]) -> None:
    """Keep the flares whose rows are ticked; `ids` are those of the rows."""
    rows = st.session_state[TABLE].selection.rows
    st.session_state[_CHOSEN] = [ids[row] for row in rows if row < len(ids)]


def chosen_flares(found: pd.DataFrame) -> pd.DataFrame:
    """Return the chosen ones of these flares, the largest first; they fill the fetch form."""
    ids = st.session_state.get(_CHOSEN, [])
    chosen = found[found["flare_id"].isin(ids)].sort_values("flux_w_m2", ascending=False)
    if ids and ids != st.session_state.get("filled_from"):
        st.session_state["filled_from"] = ids
        _fill(chosen)
    return chosen


def tick(ids: Sequence[str]) -> None:
    """Tick the rows of what was chosen on a map, before the table is drawn."""
    if st.session_state.pop(_TICK, False):
        chosen = set(st.session_state[_CHOSEN])
        rows = [row for row, name in enumerate(ids) if name in chosen]
        st.session_state[TABLE] = {"selection": {"rows": rows, "columns": [], "cells": []}}


def _fill(chosen: pd.DataFrame) -> None:
    numbered = chosen[(chosen["noaa"] > 0) | (chosen["harp"] > 0)]
    if numbered.empty:
        return
    row = numbered.iloc[0]
    first, last = window_before(row["peak_utc"])
    region = f"HARP {row['harp']}" if row["harp"] else f"AR {row['noaa']}"
    st.session_state.update(fetch_region=region, fetch_start=first, fetch_end=last)

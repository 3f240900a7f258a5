"""Flares over time, on the disk and in a table; a click on a dot or a tick chooses them."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from analysis.export import ASSOCIATION_WORDS, flare_table, place
from analysis.figures.catalogue import butterfly_figure, disk_figure, largest_placed
from hnn_core.services.endpoints import elsewhere
from pages._data.forms import job_button, window_before
from pages._shared.charts import show_chart
from pages._shared.link import reopen
from pages._shared.messages import plain
from pages._shared.widgets import WHOLE, show_table

__all__ = ["show_chosen", "show_flares", "show_maps"]

_TABLE = "flares"
_CHOSEN, _TICK = "chosen_flares", "tick_flares"
_MOST_ROWS = 5000
_HEIGHT = 420


def show_maps(found: pd.DataFrame) -> None:
    """Draw both maps, and below them what is not on them."""
    placed = largest_placed(found)
    simulated = bool(elsewhere())
    left, right = st.columns([5, 3], gap="small")
    with left:
        show_chart(
            butterfly_figure(placed),
            key="butterfly",
            simulated=simulated,
            alt="Latitude of the flares over time",
            on_select=lambda: _choose_from_chart("butterfly"),
        )
    with right:
        show_chart(
            disk_figure(placed),
            kind="disk",
            key="disk",
            simulated=simulated,
            alt="Where on the disk the flares were",
            on_select=lambda: _choose_from_chart("disk"),
        )
    st.caption(plain(_words(found, placed)))


def _words(found: pd.DataFrame, placed: pd.DataFrame) -> str:
    words = ["Dots grow with the class. Click one, or draw a box about many, to choose."]
    unplaced = int(found[["longitude_deg", "latitude_deg"]].isna().any(axis=1).sum())
    if unplaced:
        words.append(f"{unplaced:,} of {len(found):,} flares have no position and are not drawn.")
    if len(placed) + unplaced < len(found):
        words.append(f"Of the others the {len(placed):,} largest are drawn.")
    return " ".join(words)


def show_chosen(found: pd.DataFrame) -> None:
    """Draw one box, always of the same height, so that nothing jumps at a click."""
    chosen = _chosen_flares(found)
    with st.container(border=True, key="chosen", gap="xsmall"):
        if chosen.empty:
            st.markdown("**No flare is chosen**")
            st.caption("Click a dot in a map or tick rows of the table.")
            return
        flare = chosen.iloc[0]
        more = f" and {len(chosen) - 1:,} smaller ones" if len(chosen) > 1 else ""
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(_name(flare))}**{more}", width="stretch")
            _show_buttons(flare)
        where = place(flare["longitude_deg"], flare["latitude_deg"])
        cme = ASSOCIATION_WORDS.get(flare["association"], "not known")
        cme = cme if "CME" in cme else f"CME {cme}"
        cme, reason = (text[:1].upper() + text[1:] for text in (cme, str(flare["reason"])))
        st.caption(plain(" · ".join(filter(None, (where, f"{cme}. {reason}")))))


def _show_buttons(flare: pd.Series) -> None:
    if not (flare["noaa"] or flare["harp"]):
        st.caption("Its region is not known, so its magnetograms cannot be fetched.")
        return
    job = ("fetch", ["--flare", str(flare["flare_id"])], f"{_name(flare)}, the 48 h before")
    job_button("Fetch the 48 h before it", "chosen_fetch", "download", job, type="primary")
    if st.button("In the fetch form", key="chosen_form", icon=":material/edit:"):
        reopen(show="fetch")


def _name(flare: pd.Series) -> str:
    region = f" of AR {flare['noaa']}" if flare["noaa"] else ""
    region = region or (f" of HARP {flare['harp']}" if flare["harp"] else "")
    return f"{flare['goes_class']}{region}, {flare['peak_utc']:%Y-%m-%d %H:%M} UTC"


def show_flares(found: pd.DataFrame, cmes: pd.DataFrame) -> None:
    """Draw the table, newest first; of too many flares the largest."""
    shown = found.nlargest(_MOST_ROWS, "flux_w_m2") if len(found) > _MOST_ROWS else found
    shown = shown.sort_values("peak_utc", ascending=False)
    ids = shown["flare_id"].tolist()
    st.markdown("### Table")
    left = "" if len(shown) == len(found) else f"; the {len(shown):,} largest are listed"
    st.caption(f"{len(found):,} flares{left}. Times are UTC, positions Stonyhurst.")
    _tick(ids)
    show_table(
        flare_table(shown, cmes),
        _TABLE,
        columns={"NOAA": WHOLE},
        height=_HEIGHT if len(shown) > 10 else "content",
        on_select=lambda: _choose_from_table(ids),
        selection_mode="multi-row",
        placeholder="–",
    )


def _choose_from_chart(key: str) -> None:
    """Keep the flares whose dots were chosen; the table is to tick them."""
    points = st.session_state[key].selection.points
    ids = [str(point["customdata"][0]) for point in points if point.get("customdata")]
    st.session_state[_CHOSEN] = list(dict.fromkeys(ids))
    st.session_state[_TICK] = True


def _choose_from_table(ids: Sequence[str]) -> None:
    rows = st.session_state[_TABLE].selection.rows
    st.session_state[_CHOSEN] = [ids[row] for row in rows if row < len(ids)]


def _chosen_flares(found: pd.DataFrame) -> pd.DataFrame:
    """Return the chosen flares, the largest first; they fill the fetch form."""
    ids = st.session_state.get(_CHOSEN, [])
    chosen = found[found["flare_id"].isin(ids)].sort_values("flux_w_m2", ascending=False)
    if ids and ids != st.session_state.get("filled_from"):
        st.session_state["filled_from"] = ids
        _fill(chosen)
    return chosen


def _tick(ids: Sequence[str]) -> None:
    """Tick the rows of what was chosen on a map, before the table is drawn."""
    if st.session_state.pop(_TICK, False):
        chosen = set(st.session_state[_CHOSEN])
        rows = [row for row, name in enumerate(ids) if name in chosen]
        st.session_state[_TABLE] = {"selection": {"rows": rows, "columns": [], "cells": []}}


def _fill(chosen: pd.DataFrame) -> None:
    numbered = chosen[(chosen["noaa"] > 0) | (chosen["harp"] > 0)]
    if numbered.empty:
        return
    row = numbered.iloc[0]
    first, last = window_before(row["peak_utc"])
    region = f"HARP {row['harp']}" if row["harp"] else f"AR {row['noaa']}"
    st.session_state.update(fetch_region=region, fetch_start=first, fetch_end=last)

"""The magnetograms that are on this machine, region by region."""

import streamlit as st

from hnn_core.live.holdings import Holding
from hnn_core.live.reporting import size
from hnn_core.magnetogram.conventions import iso_minute
from pages._data.forms import start, start_button
from pages._data.jobs import SERIES, known_holdings, region_words, show_jobs
from pages._data.view import explore, open_view

__all__ = ["show_holdings"]


def show_holdings() -> None:
    """Draw the table with its totals, the way to Explore, and all jobs."""
    st.markdown("## On this machine")
    found = known_holdings()
    if not found:
        st.info(
            "No magnetogram has been downloaded yet. Fetch a region by its number, or one of the "
            "well-known flares.",
            icon=":material/info:",
        )
        if st.button("Fetch magnetograms", key="here_fetch", icon=":material/download:"):
            open_view("fetch")
    else:
        _show_table(found)
        if start_button(
            "Check every file",
            "here_verify",
            icon="fact_check",
            words="Reads every magnetogram, reply and data set on this machine once more.",
        ):
            start("verify", [], "Check of every file")
    show_jobs()


def _show_table(found: list[Holding]) -> None:
    records = sum(one.region.n_records for one in found)
    n_bytes = sum(one.n_bytes for one in found)
    st.caption(
        f"{len(found)} region{'' if len(found) == 1 else 's'} · {records:,} magnetograms · "
        f"{size(n_bytes)}"
    )
    chosen = st.dataframe(
        [_row(one) for one in found],
        hide_index=True,
        key="holdings",
        on_select="rerun",
        selection_mode="single-row-required",
        height="auto",
        column_config={
            "from (TAI)": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
            "to (TAI)": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
            "HARP": st.column_config.NumberColumn(format="%d"),
            "MB": st.column_config.NumberColumn(format="%.1f"),
        },
    )
    rows = [row for row in chosen.selection.rows if row < len(found)]
    one = found[rows[0]] if rows else found[0]
    if st.button(
        f"Explore {region_words(one)}",
        key="holding_explore",
        type="primary",
        icon=":material/travel_explore:",
    ):
        explore(one.source, one.region.id)


def _row(one: Holding) -> dict[str, object]:
    return {
        "NOAA": ", ".join(map(str, one.region.noaa)) or "–",
        "HARP": one.region.harp,
        "series": SERIES[one.source],
        "magnetograms": one.region.n_records,
        "from (TAI)": iso_minute(one.region.first).replace("T", " "),
        "to (TAI)": iso_minute(one.region.last).replace("T", " "),
        "MB": one.n_bytes / 1e6,
        "simulated": "yes" if one.region.simulated else "no",
    }

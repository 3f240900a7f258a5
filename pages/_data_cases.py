"""Flares that the literature has studied, to fetch by one click."""

import astropy.units as u
import streamlit as st

from hnn_core.live.cases import Case, well_known_cases
from hnn_core.tai import iso_minute, parse_t_rec
from pages._data_start import start, start_button

__all__ = ["show_cases"]

_HOURS = 48 * u.hour
"""A label's day, and the day that its sequences reach into."""


def show_cases() -> None:
    """Draw the table and the button that fetches the hours before the chosen flare."""
    cases = well_known_cases()
    chosen = st.dataframe(
        [_row(case) for case in cases],
        hide_index=True,
        key="cases",
        on_select="rerun",
        selection_mode="single-row-required",
        height="content",
        column_config={
            "NOAA": st.column_config.NumberColumn(format="%d"),
            "HARP": st.column_config.NumberColumn(format="%d"),
        },
    )
    case = cases[(chosen.selection.rows or [0])[0]]
    first = iso_minute(parse_t_rec(case.reference_tai) - _HOURS)
    if start_button(
        f"Fetch the 48 hours before the {case.name}",
        "case_fetch",
        icon="download",
        words=f"From {first} to {case.reference_tai} TAI.".replace("T", " ", 2),
    ):
        start(
            "fetch",
            ["--harp", str(case.harp), "--start", first, "--end", case.reference_tai],
            f"{case.name}, the 48 h before",
        )


def _row(case: Case) -> dict[str, object]:
    return {
        "flare": case.flare,
        "NOAA": case.noaa,
        "HARP": case.harp,
        "peak (UTC)": case.peak_utc.replace("T", " "),
        "last hour before (TAI)": case.reference_tai.replace("T", " "),
        "outcome in the literature": case.outcome,
        "studied in": case.literature,
    }

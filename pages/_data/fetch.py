"""Asking for magnetograms: a region, a well-known flare, or all that is on the disk now.

Flares that the literature has studied, to fetch by one click.

The regions on the disk now: fetched once or watched, and what the network said of them.
"""

import astropy.units as u
import streamlit as st

from hnn_core.live.watch import prediction_log, read_predictions
from hnn_core.magnetogram.conventions import iso_minute, parse_t_rec
from hnn_core.regions.well_known import WellKnownCase, well_known_cases
from pages._data.forms import checked, checked_region, checked_span, field, start, start_button
from pages._data.jobs import show_jobs
from pages._shared.access import writes_refused

__all__ = ["show_cases", "show_disk_now", "show_fetch"]


_HOURS = 48 * u.hour
"""A label's day, and the day that its sequences reach into."""


def show_cases() -> None:
    """Draw the table and the button that fetches the hours before the chosen flare."""
    cases = well_known_cases()
    chosen = st.dataframe(
        [_case_row(case) for case in cases],
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


def _case_row(case: WellKnownCase) -> dict[str, object]:
    return {
        "flare": case.flare,
        "NOAA": case.noaa,
        "HARP": case.harp,
        "peak (UTC)": case.peak_utc.replace("T", " "),
        "last hour before (TAI)": case.reference_tai.replace("T", " "),
        "outcome in the literature": case.outcome,
        "studied in": case.literature,
    }


_MOST_ROWS = 200


def show_disk_now() -> None:
    """Draw the two buttons and the newest predictions of the log."""
    st.markdown("### Now on the disk")
    st.caption(
        "The last hours of every region that JSOC's near-real-time series shows today. Its HARP "
        "numbers are not those of the definitive series. Watching fetches them every hour and "
        "appends a prediction for each to a log, until it is cancelled."
    )
    with st.container(horizontal=True):
        if start_button("Fetch every region now on the disk", "fetch_now", icon="today"):
            start("fetch", ["--now"], "Every region now on the disk")
        if start_button("Watch the disk", "watch_start", icon="visibility"):
            start("watch", [], "Watch of the disk")
    lines = read_predictions()
    if lines:
        st.dataframe(
            [_watch_row(one) for one in reversed(lines[-_MOST_ROWS:])],
            hide_index=True,
            key="predictions",
        )
        st.caption(
            f"The newest of {len(lines):,} predictions in {prediction_log()}. Each tells what a "
            "coming flare would be, not whether one will come."
        )


def _watch_row(line: dict[str, object]) -> dict[str, object]:
    noaa = line.get("noaa")
    return {
        "region": str(line.get("region")),
        "NOAA": ", ".join(map(str, noaa)) if isinstance(noaa, list) else "",
        "hour (TAI)": str(line.get("t_rec", "")).replace("T", " "),
        "probability eruptive": line.get("probability"),
        "says": line.get("label") or line.get("refused"),
        "simulated": "yes" if line.get("simulated") else "no",
        "model": line.get("model"),
        "made (UTC)": str(line.get("made_utc", ""))[:16].replace("T", " "),
    }


def show_fetch() -> None:
    """Draw the form, the jobs, and the well-known flares."""
    st.markdown("## Fetch magnetograms")
    _show_form()
    show_jobs("fetch", "watch")
    st.markdown("### Well-known flares")
    show_cases()
    show_disk_now()


def _show_form() -> None:
    refused = writes_refused()
    with (
        st.form("fetch_form"),
        st.container(horizontal=True, vertical_alignment="top"),
    ):
        region = field("Region", "fetch_region", placeholder="11158 or HARP 377")
        days = field("From (TAI)", "fetch_start", placeholder="whole passage, or 2011-02-13")
        field("To (TAI)", "fetch_end", placeholder="whole passage, or 2011-02-15")
        with st.container(key="fetch_press", width="content"):
            pressed = st.form_submit_button(
                "Fetch",
                key="fetch_start_job",
                type="primary",
                icon=":material/download:",
                disabled=bool(refused),
                help=refused or None,
            )
    st.caption(
        "One magnetogram an hour while the region is within 70° of the central meridian, line of "
        "sight, from hmi.sharp_cea_720s. A number from 10000 to 19999 is NOAA's, others are HARPs. "
        "What is here already is not fetched again."
    )
    asked = {name: st.session_state[f"fetch_{name}"] or "" for name in ("region", "start", "end")}
    wanted = None
    if pressed or asked["region"].strip():
        wanted = checked(region, checked_region, asked["region"])
    span = checked(days, checked_span, asked["start"], asked["end"])
    if pressed and wanted is not None and span is not None:
        number = ["--noaa", str(wanted.noaa)] if wanted.noaa else ["--harp", str(wanted.harp)]
        first, last = span
        dates = (["--start", first] if first else []) + (["--end", last] if last else [])
        spoken = " to ".join(filter(None, span)) if first and last else ""
        spoken = spoken or (f"from {first}" if first else f"up to {last}" if last else "")
        start("fetch", number + dates, f"{wanted.words}, {spoken or 'whole passage'}")

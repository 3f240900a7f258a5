"""Fetching magnetograms: a region, a well-known flare, or all that is on the disk now."""

import astropy.units as u
import streamlit as st

from hnn_core.live.watch import prediction_log, read_predictions
from hnn_core.magnetogram.conventions import iso_minute, parse_t_rec
from hnn_core.regions.well_known import WellKnownCase, well_known_cases
from pages._data.forms import (
    checked,
    checked_region,
    checked_span,
    field,
    job_button,
    start,
    submit,
)
from pages._data.jobs import show_jobs
from pages._shared.messages import plain, worded_errors, yes_no
from pages._shared.widgets import WHOLE, choose_row, show_table

__all__ = ["show_cases", "show_fetch"]

_HOURS = 48 * u.hour
"""A label's day, and the day that its sequences reach into."""
_OUTCOMES = {"unlinked": "not known; no CME linked in DONKI"}
_MOST_ROWS = 200


def show_fetch() -> None:
    """Draw the form, the jobs, the well-known flares, and the disk now."""
    st.markdown("## Fetch magnetograms")
    _show_form()
    show_jobs("fetch", "watch")
    st.markdown("### Well-known flares")
    show_cases()
    _show_disk_now()


def show_cases() -> None:
    """Draw the table and the button that fetches the hours before the chosen flare."""
    more = {"columns": {"NOAA": WHOLE}, "placeholder": "not known"}
    case = choose_row(well_known_cases(), _case_row, "cases", **more)
    first = iso_minute(parse_t_rec(case.reference_tai) - _HOURS)
    number = ["--harp", str(case.harp)] if case.harp else ["--noaa", str(case.noaa)]
    arguments = [*number, "--start", first, "--end", case.reference_tai]
    job_button(
        f"Fetch the 48 hours before the {plain(case.name)}",
        "case_fetch",
        "download",
        ("fetch", arguments, f"{case.name}, the 48 h before"),
        plain(f"From {first} to {case.reference_tai} TAI.".replace("T", " ", 2)),
    )


def _show_form() -> None:
    with st.form("fetch_form"):
        with st.container(horizontal=True, vertical_alignment="top"):
            region = field("Region", "fetch_region", placeholder="11158 or HARP 377")
            days = field("From (TAI)", "fetch_start", placeholder="whole passage, or 2011-02-13")
            field("To (TAI)", "fetch_end", placeholder="whole passage, or 2011-02-15")
            pressed = submit("fetch", "Fetch", "fetch_start_job", "download")
        nrt = st.checkbox(
            "Near real time",
            key="fetch_nrt",
            persist_state="session",
            help="A region of the last weeks, which is in the near-real-time series only; give "
            "both days.",
        )
    st.caption(
        "One magnetogram an hour while the region is within 70° of the central meridian, line of "
        "sight, from the SHARP CEA series. A number from 10000 to 19999 is NOAA's, others are "
        "HARPs. What is here already is not fetched again."
    )
    typed = (st.session_state["fetch_region"] or "").strip()
    wanted = checked(region, checked_region, typed) if pressed or typed else None
    example = "2011-02-13 and 2011-02-15" if nrt and pressed else ""
    span = checked_span(days, "fetch", example)
    if pressed and wanted is not None and span is not None:
        number = ["--noaa", str(wanted.noaa)] if wanted.noaa else ["--harp", str(wanted.harp)]
        first, last = span
        dates = (["--start", first] if first else []) + (["--end", last] if last else [])
        words = " to ".join(filter(None, span)) if first and last else ""
        words = words or (f"from {first}" if first else f"up to {last}" if last else "")
        series = ["--nrt"] if nrt else []
        words = (words or "whole passage") + (", near real time" if nrt else "")
        start("fetch", number + dates + series, f"{wanted.words}, {words}")


def _case_row(case: WellKnownCase) -> dict[str, object]:
    return {
        "flare": case.flare,
        "NOAA": case.noaa,
        "HARP": case.harp or None,
        "peak (UTC)": case.peak_utc.replace("T", " "),
        "last hour before (TAI)": case.reference_tai.replace("T", " "),
        "outcome in the literature": _OUTCOMES.get(case.outcome, case.outcome),
        "reference": case.literature,
    }


def _show_disk_now() -> None:
    st.markdown("### Now on the disk")
    st.caption(
        "The last hours of every region that JSOC's near-real-time series shows today. Its HARP "
        "numbers are not those of the definitive series. Watching fetches them every hour and "
        "appends a prediction for each to a log, until it is cancelled."
    )
    with st.container(horizontal=True):
        job = ("fetch", ["--now"], "Every region now on the disk")
        job_button("Fetch every region now on the disk", "fetch_now", "today", job)
        job_button(
            "Watch the disk", "watch_start", "visibility", ("watch", [], "Watch of the disk")
        )
    lines = []
    with worded_errors():
        lines = read_predictions()
    if lines:
        show_table([_watch_row(one) for one in reversed(lines[-_MOST_ROWS:])], "predictions")
        st.caption(
            f"The newest of {len(lines):,} predictions in {plain(prediction_log())}. Each is what "
            "a coming flare would be, not whether one will come."
        )


def _watch_row(line: dict[str, object]) -> dict[str, object]:
    noaa = line.get("noaa")
    return {
        "region": str(line.get("region")),
        "NOAA": (", ".join(map(str, noaa)) or "–") if isinstance(noaa, list) else "not known",
        "hour (TAI)": str(line.get("t_rec", "")).replace("T", " "),
        "P(eruptive)": line.get("probability"),
        "prediction": line.get("label") or line.get("refused"),
        "simulated": yes_no(line.get("simulated")),
        "model": line.get("model"),
        "made (UTC)": str(line.get("made_utc", ""))[:16].replace("T", " "),
    }

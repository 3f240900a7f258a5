"""Asking for magnetograms: a region, a well-known flare, or all that is on the disk now."""

import streamlit as st

from pages._access import writes_refused
from pages._data_cases import show_cases
from pages._data_fields import checked, field
from pages._data_jobs import show_jobs
from pages._data_start import start
from pages._data_watch import show_disk_now
from pages._data_words import checked_region, checked_span

__all__ = ["show_fetch"]


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

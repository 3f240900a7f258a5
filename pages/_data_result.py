"""What a finished job offers: a region to explore, the catalogue, a data set."""

from typing import Any

import streamlit as st

from hnn_core.live.jobs import DataJob
from pages._data_holdings import known_holdings, region_words
from pages._data_view import ask_to_explore, open_view

__all__ = ["offer_result"]

_MOST_REGIONS = 8
_VIEWS = {
    "flares": ("Look at the catalogue", "catalogue"),
    "cmes": ("Look at the catalogue", "catalogue"),
    "build": ("Look at the data set", "sets"),
}


def offer_result(job: DataJob, events: list[dict[str, Any]]) -> None:
    """Draw the buttons that lead from a finished job to what it brought."""
    if job.kind == "fetch":
        _offer_regions(job, events)
    elif job.kind in _VIEWS and "--plan" not in job.arguments:
        label, view = _VIEWS[job.kind]
        here = st.session_state.get("show") == view
        if not here and st.button(label, key=f"see_{job.name}", icon=":material/arrow_forward:"):
            open_view(view)


def _offer_regions(job: DataJob, events: list[dict[str, Any]]) -> None:
    told = {str(name) for one in events for name in one.get("regions", ())}
    source = "jsoc:nrt" if "--now" in job.arguments else "jsoc:"
    found = [one for one in known_holdings() if one.source == source and one.region in told]
    with st.container(horizontal=True):
        for one in found[:_MOST_REGIONS]:
            st.button(
                f"Explore {region_words(one)}",
                key=f"explore_{job.name}_{one.region}",
                icon=":material/travel_explore:",
                on_click=ask_to_explore,
                args=(one.source, one.region, _hour(job)),
            )
    if len(found) > _MOST_REGIONS:
        st.caption("The others are in the list “On this machine”.")


def _hour(job: DataJob) -> str:
    """Return the last hour that was asked for, where it was an hour and not a day."""
    arguments = job.arguments
    last = arguments[arguments.index("--end") + 1] if "--end" in arguments else ""
    return last if "T" in last else ""

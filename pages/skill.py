"""Skill of a finished run: scores beside what they must beat, curves, reliability, misses."""

import pandas as pd
import streamlit as st

from analysis.skill.forecasts import FORECASTS
from pages._shared.link import ask_for, publish, restore
from pages._shared.messages import worded_errors
from pages._skill.details import show_counts, show_curves, show_reliability
from pages._skill.parts import show_downloads, show_misses, show_parts
from pages._skill.run import Chosen, choose_run
from pages._skill.scores import (
    BANNER,
    NO_RUN,
    show_caveats,
    show_folds,
    show_heading,
    show_lacking,
    show_scores,
)

ask_for("skill")


def choose_forecast(chosen: Chosen) -> str:
    """Draw the choice of the network that is looked at closely."""
    networks = list(chosen.runs)
    restore("forecast", networks[0], lambda text: text if text in networks else networks[0])
    if len(networks) > 1:
        st.segmented_control(
            "Network",
            networks,
            format_func=FORECASTS.__getitem__,
            key="forecast",
            required=True,
            label_visibility="collapsed",
            persist_state="session",
        )
    publish("forecast")
    return st.session_state["forecast"]


def show_skill(chosen: Chosen) -> None:
    """Draw everything about a run."""
    if chosen.simulated:
        st.html(BANNER)
    show_heading(chosen)
    show_lacking(chosen)
    folds = show_folds(chosen) if chosen.folds > 1 else pd.DataFrame()
    scores = show_scores(chosen)
    show_caveats(chosen)
    st.markdown("### Right and wrong")
    forecast = choose_forecast(chosen)
    show_counts(chosen, forecast, scores)
    st.markdown("### Whatever the threshold")
    show_curves(chosen)
    st.markdown("### Do the probabilities mean what they say?")
    show_reliability(chosen)
    st.markdown("### Where it holds")
    show_parts(chosen, forecast, scores)
    show_misses(chosen, forecast)
    show_downloads(chosen, scores, folds)


# Errors are shown here, so that app.py still tells what was wrong with the link.
with worded_errors():
    with st.sidebar:
        run = choose_run()
    if run is None:
        st.info(NO_RUN, icon=":material/info:")
    else:
        show_skill(run)

"""Skill of a finished run: scores next to what they must beat, curves, reliability, misses."""

import pandas as pd
import streamlit as st

from analysis.skill.forecasts import FORECASTS
from pages._shared.link import linked, require_app
from pages._shared.messages import show_simulated
from pages._skill.details import (
    show_counts,
    show_curves,
    show_downloads,
    show_misses,
    show_parts,
    show_reliability,
)
from pages._skill.run import Chosen, choose_run
from pages._skill.scores import (
    NO_RUN,
    show_caveats,
    show_folds,
    show_heading,
    show_missing,
    show_scores,
)

require_app("skill")


def choose_forecast(chosen: Chosen) -> str:
    """Draw the choice of the network that is looked at closely."""
    networks = {name: FORECASTS[name] for name in chosen.runs}
    first = next(iter(networks))
    if len(networks) == 1:
        return first
    return linked(
        st.segmented_control,
        "Network",
        networks,
        key="forecast",
        read="network",
        required=True,
        label_visibility="collapsed",
    )


def show_skill(chosen: Chosen) -> None:
    """Draw everything about a run."""
    if chosen.simulated:
        show_simulated(
            "These scores show nothing about the Sun: the test set was made by a model of magnetic "
            "elements."
        )
    show_heading(chosen)
    show_missing(chosen)
    folds = show_folds(chosen) if chosen.folds > 1 else pd.DataFrame()
    scores = show_scores(chosen)
    show_caveats(chosen)
    st.markdown("### Right and wrong")
    forecast = choose_forecast(chosen)
    show_counts(chosen, forecast, scores)
    st.markdown("### Whatever the threshold")
    show_curves(chosen)
    st.markdown("### Are the probabilities reliable?")
    show_reliability(chosen)
    st.markdown("### Where it holds")
    show_parts(chosen, forecast, scores)
    show_misses(chosen, forecast)
    show_downloads(chosen, scores, folds)


with st.sidebar:
    run = choose_run()
if run is None:
    st.info(NO_RUN, icon=":material/info:")
else:
    show_skill(run)

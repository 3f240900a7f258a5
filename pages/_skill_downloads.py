"""Everything behind the page as files; each is made when its button is pressed."""

import pandas as pd
import streamlit as st

from analysis.skill_export import scores_csv, scores_json, table_csv
from pages._skill_run import Chosen

__all__ = ["show_downloads"]


def show_downloads(chosen: Chosen, scores: pd.DataFrame, folds: pd.DataFrame) -> None:
    """Draw a button for each file."""
    stem = chosen.name.replace("/", "_").replace(" ", "_")
    look = {"threshold": chosen.threshold, "simulated": chosen.simulated}
    files = [
        ("predictions", "Predictions, CSV", lambda: table_csv(chosen.predictions), "csv"),
        ("scores", "Scores, CSV", lambda: scores_csv(scores, folds, **look), "csv"),
        ("run_scores", "Scores of the run, JSON", lambda: scores_json(chosen.scores), "json"),
    ]
    st.markdown("### Take it with you")
    with st.container(horizontal=True):
        for key, label, make, kind in files:
            st.download_button(
                label,
                make,
                f"{stem}_{key}.{kind}",
                "text/csv" if kind == "csv" else "application/json",
                key=f"download_{key}",
                icon=":material/download:",
                on_click="ignore",
            )
    st.caption(
        "The CSV holds the scores at the threshold in use with their intervals; the JSON is the "
        "run's own, at its own threshold. PNG: the camera on each figure. The address of this page "
        "brings back this view."
    )

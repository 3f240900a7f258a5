"""Several runs on one chart."""

import streamlit as st

from analysis.figures_training import SCORES, compare_runs
from hnn_core.training.run_folder import RunFolder
from hnn_core.training.runs import list_runs
from pages._charts import is_dark, show_chart
from pages._training_data import is_simulated
from pages._training_words import network

__all__ = ["show_comparison"]

_AT_FIRST = 4


def show_comparison() -> None:
    """Draw the choice of runs and of the score, the chart, and a table of what differs."""
    st.markdown("## Compare runs")
    found = sorted(list_runs()[0], key=lambda run: run.shipped)
    runs = {name: run for one in found for name, run in _curves(one).items()}
    if not runs:
        st.info("There is no run yet.", icon=":material/info:")
        return
    wide, narrow = st.columns([3, 1], vertical_alignment="bottom")
    with wide:
        chosen = st.multiselect(
            "Runs",
            list(runs),
            list(runs)[:_AT_FIRST],
            key="compared",
            persist_state="session",
            filter_mode="contains",
        )
    with narrow:
        score = st.selectbox(
            "Score",
            list(SCORES),
            format_func=SCORES.__getitem__,
            key="compared_score",
            persist_state="session",
        )
    tables = {name: runs[name].history()[1] for name in chosen if name in runs}
    simulated = any(is_simulated(runs[name]) for name in tables)
    without = [name for name, table in tables.items() if score not in table]
    if len(without) < len(tables):
        show_chart(
            compare_runs(tables, score=score, dark=is_dark(), simulated=simulated),
            key="comparison",
            filename=f"runs {SCORES[score]}",
            alt=f"{SCORES[score]} of {', '.join(chosen)} against the epoch",
        )
    if without:
        st.caption(f"Nothing to draw yet: {', '.join(without)}.")
    if tables:
        st.dataframe(
            [_row(name, runs[name]) for name in tables],
            hide_index=True,
            key="compared_table",
        )


def _curves(run: RunFolder) -> dict[str, RunFolder]:
    """Run by name; of a cross-validation or a sweep, its members."""
    if run.kind == "train":
        return {run.name: run}
    return {f"{run.name}/{member.name}": member for member in run.members}


def _row(name: str, run: RunFolder) -> dict[str, object]:
    shown = ("dataset", "pretrained", "frames", "patch", "depth", "width", "batch")
    values = {field: str(run.config.get(field, "–")) for field in shown}
    rates = {field: run.config.get(field) for field in ("learning_rate", "seed")}
    return {"run": name, "network": network(run), **values, **rates}

"""Curves of loss and skill: of one training, of a larger run's members, of several runs."""

from typing import Any

import streamlit as st

from analysis.figures.training import SCORES, compare_runs_figure, loss_figure, validation_figure
from hnn_core.live.reporting import duration
from hnn_core.training.progress import Progress, n_members, share_done
from hnn_core.training.run_folder import RunFolder, list_runs
from pages._shared.charts import show_chart
from pages._shared.link import bound, linked
from pages._shared.messages import plain
from pages._shared.widgets import WHOLE, show_table
from pages._training.runs import field_words, is_simulated, network, number

__all__ = ["show_comparison", "show_curves", "show_members"]

_AT_FIRST = 4
_COMPARED = (
    *("dataset", "pretrained", "frames", "patch", "depth", "width", "batch"),
    *("learning_rate", "seed"),
)
_RATE = st.column_config.NumberColumn(format="scientific")


def show_curves(run: RunFolder, progress: Progress) -> None:
    """Draw loss and validation scores of one training, side by side."""
    steps, epochs = run.history()
    if steps.empty and epochs.empty:
        st.caption("The curves begin with the first step.")
        return
    simulated = is_simulated(run)
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("#### Loss")
        show_chart(
            loss_figure(steps, epochs, n_epochs=progress.epochs),
            key="run_loss",
            simulated=simulated,
            alt=f"Loss of {run.name} against the epoch",
        )
    with right:
        st.markdown("#### Skill on the validation set")
        show_chart(
            validation_figure(
                epochs,
                best_epoch=progress.best_epoch if progress.best_validation else None,
                n_epochs=progress.epochs,
            ),
            key="run_skill",
            simulated=simulated,
            alt=f"Validation scores of {run.name} against the epoch",
        )


def show_members(run: RunFolder, members: dict[str, Progress], *, busy: bool) -> None:
    """Draw how far the trainings of a larger run are, and their skill on one chart."""
    total = n_members(run.config)
    st.progress(share_done(members, total), f"{len(members):d} of {total:d} trainings begun")
    if not members:
        return
    show_table(
        [
            {
                "training": name,
                "done": one.fraction,
                "epoch": f"{one.epoch} of {one.epochs or '…'}",
                "best epoch (lowest validation loss)": one.best_epoch,
                "its validation TSS": one.best_validation.get("tss"),
                "TSS after the last epoch": one.validation.get("tss"),
                "time left": number(one.seconds_left, duration)
                if busy and one.fraction < 1
                else "–",
            }
            for name, one in members.items()
        ],
        "run_member_table",
        columns={"done": st.column_config.ProgressColumn(format="percent")},
        placeholder="–",
    )
    tables = {one.name: one.history()[1] for one in run.members}
    if not tables:
        return  # a shipped run has left its members behind
    st.markdown("#### Validation TSS")
    show_chart(
        compare_runs_figure(tables),
        key="run_members",
        simulated=is_simulated(run),
        alt=f"Validation TSS of the trainings of {run.name} against the epoch",
    )


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
        chosen = bound(
            st.multiselect,
            "Runs",
            list(runs),
            key="compared",
            value=list(runs)[:_AT_FIRST],
            filter_mode="contains",
        )
    with narrow:
        score = linked(st.selectbox, "Score", SCORES, key="compared_score", read="score")
    tables = {name: runs[name].history()[1] for name in chosen if name in runs}
    simulated = any(is_simulated(runs[name]) for name in tables)
    without = [name for name, table in tables.items() if score not in table]
    if len(without) < len(tables):
        show_chart(
            compare_runs_figure(tables, score=score),
            key="comparison",
            simulated=simulated,
            alt=f"{SCORES[score]} of {', '.join(chosen)} against the epoch",
        )
    if without:
        st.caption(f"Nothing to draw yet: {plain(', '.join(without))}.")
    if tables:
        rows = [_row(name, runs[name]) for name in tables]
        show_table(rows, "compared_table", columns={"seed": WHOLE, "learning rate": _RATE})


def _curves(run: RunFolder) -> dict[str, RunFolder]:
    """Run by name; of a cross-validation or a sweep, its members."""
    if run.kind == "train":
        return {run.name: run}
    return {f"{run.name}/{member.name}": member for member in run.members}


def _row(name: str, run: RunFolder) -> dict[str, Any]:
    return {
        "run": name,
        "network": network(run),
        **{field_words(field): run.config.get(field) for field in _COMPARED},
    }

"""A run's curves: loss and skill of one training, skill of the members of a larger run."""

import streamlit as st

from analysis.figures_training import compare_runs, loss_curve, skill_curves
from hnn_core.training.progress import Progress, n_members, share_done
from hnn_core.training.run_folder import RunFolder
from pages._charts import is_dark, show_chart
from pages._training_data import is_simulated
from pages._training_words import duration

__all__ = ["show_curves", "show_members"]


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
            loss_curve(
                steps,
                epochs,
                n_epochs=progress.epochs,
                dark=is_dark(),
                simulated=simulated,
            ),
            key="run_loss",
            filename=f"{run.name} loss",
            alt=f"Loss of {run.name} against the epoch",
        )
    with right:
        st.markdown("#### Skill on the validation set")
        show_chart(
            skill_curves(
                epochs,
                best_epoch=progress.best_epoch,
                n_epochs=progress.epochs,
                dark=is_dark(),
                simulated=simulated,
            ),
            key="run_skill",
            filename=f"{run.name} skill",
            alt=f"Validation scores of {run.name} against the epoch",
        )


def show_members(run: RunFolder, members: dict[str, Progress], *, busy: bool) -> None:
    """Draw how far the trainings of a larger run are, and their skill on one chart."""
    total = n_members(run.config)
    st.progress(share_done(members, total), f"{len(members)} of {total} trainings begun")
    if not members:
        return
    st.dataframe(
        [
            {
                "training": name,
                "done": one.fraction,
                "epoch": f"{one.epoch} of {one.epochs or '…'}",
                "validation TSS": one.validation.get("tss"),
                "time left": duration(one.seconds_left) if busy and one.fraction < 1 else "–",
            }
            for name, one in members.items()
        ],
        hide_index=True,
        placeholder="–",
        key="run_member_table",
        column_config={
            "done": st.column_config.ProgressColumn(format="percent"),
            "validation TSS": st.column_config.NumberColumn(format="%.3f"),
        },
    )
    tables = {one.name: one.history()[1] for one in run.members}
    if not tables:
        return  # a shipped run has left its members behind
    st.markdown("#### Validation TSS")
    show_chart(
        compare_runs(tables, dark=is_dark(), simulated=is_simulated(run)),
        key="run_members",
        filename=f"{run.name} members",
        alt=f"Validation TSS of the trainings of {run.name} against the epoch",
    )

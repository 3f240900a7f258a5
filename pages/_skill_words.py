"""What must be said beside scores."""

import streamlit as st

from analysis.skill import FORECASTS, PAPER_TSS
from pages._skill_run import Chosen

__all__ = ["BANNER", "NO_RUN", "show_caveats", "show_heading", "show_lacking"]

BANNER = (
    '<div class="simulated"><b>Simulated data.</b> These scores say nothing about the Sun: the '
    "test set was made by a model of magnetic elements.</div>"
)
NO_RUN = (
    "There is no finished run with predictions of its test set. Start a training or a "
    "cross-validation on the Training page, or with `python -m hnn_core train`; when it has come "
    "to its end, its skill is here."
)


def show_heading(chosen: Chosen) -> None:
    """Draw the name of the run and what its scores rest on."""
    scores, table = chosen.scores, next(iter(chosen.forecasts.values()))
    folds = f"{chosen.folds} folds · " if chosen.folds > 1 else ""
    with st.container(key="heading", horizontal=True, vertical_alignment="bottom"):
        st.markdown(f"## Skill of {chosen.name}", width="content")
        st.caption(
            f"{folds}≥{scores['flare_class']} flares · data set {scores['dataset']} "
            f"(SHA-256 {str(scores['dataset_sha256'])[:12]}) · test set {len(table):,} sequences "
            f"of {table['region'].nunique()} regions, {100 * table['label'].mean():.1f} % eruptive"
        )


def show_lacking(chosen: Chosen) -> None:
    """Say which network there is no run of, so that nobody looks for its bars."""
    for name in ("hnn", "vit"):
        if name not in chosen.runs:
            st.info(
                f"There are no predictions of {FORECASTS[name]} on these test sequences, so it is "
                "not shown. Train it on the same data set with the same seed and test fraction, "
                "or start a cross-validation, which trains both.",
                icon=":material/info:",
            )


def show_caveats(chosen: Chosen) -> None:
    """Draw what a reader of such scores ought to know."""
    told = PAPER_TSS.get(chosen.scores["flare_class"], {})
    paper = " and ".join(f"{value} for {FORECASTS[name]}" for name, value in told.items())
    where = "on real magnetograms and " if chosen.simulated else ""
    policy = chosen.scores.get("policy")
    with st.expander("How to read these scores", icon=":material/menu_book:"):
        st.markdown(
            f"- **The paper** reports a TSS of {paper or 'no value'} for this class, {where}on its "
            "own test set: the diamonds stand beside the bars, they were not measured on these "
            "sequences. Of its other bars (Figures 4 and 8) only the pictures are published, "
            "so they are not drawn.\n"
            "- **What confined means**: no CME is linked to the flare in DONKI. That is not the "
            "same as no CME; before 2014 DONKI holds only about a quarter of the M and X flares."
            + (f" Policy of this data set: {policy}." if policy else "")
            + "\n- **Other work** on the same question reports TSS of 0.7 to 0.92 with other "
            "splits. Splitting frame by frame puts hours of one region on both sides, and scaling "
            "each class by itself tells the label: both leak. Here every region, with all that "
            "shares its numbers, is on one side.\n"
            "- **What a network must beat** stands beside it: climatology (the base rate of the "
            "training part) and one threshold on the total unsigned flux, chosen on the training "
            "part.\n"
            "- **TSS** does not depend on how many sequences are eruptive; precision, ACC and HSS "
            "do, so they are not comparable between test sets.\n"
            "- **The condition** is that a flare of this class comes within 24 hours: the network "
            "does not say whether one will."
        )

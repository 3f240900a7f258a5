"""The five scores of every forecast, as bars and numbers, and what must be known with them."""

from collections.abc import Callable
from html import escape

import pandas as pd
import streamlit as st

from analysis.skill.figures_scores import fold_bars_figure, score_bars_figure
from analysis.skill.forecasts import FORECASTS, PAPER_TSS
from analysis.skill.scores import (
    SCORE_NAMES,
    differences,
    fold_table,
    score_table,
    with_error,
    with_interval,
)
from hnn_core.scores import SCORES
from pages._shared.messages import plain
from pages._skill.run import Chosen, show_figure

__all__ = [
    "NO_RUN",
    "show_caveats",
    "show_folds",
    "show_heading",
    "show_missing",
    "show_numbers",
    "show_scores",
]

NO_RUN = (
    "There is no finished run with predictions of its test set. Start a training or a "
    "cross-validation on the Training page; when it has finished, its skill is here."
)


def show_heading(chosen: Chosen) -> None:
    """Draw the name of the run and what its scores rest on."""
    scores, table = chosen.scores, next(iter(chosen.forecasts.values()))
    folds = f"{chosen.folds} folds · " if chosen.folds > 1 else ""
    with st.container(key="heading", horizontal=True, vertical_alignment="bottom"):
        st.markdown(f"## Skill of {plain(chosen.name)}", width="content")
        words = (
            f"{folds}≥{scores['flare_class']} flares · data set {scores['dataset']} "
            f"(SHA-256 {str(scores['dataset_sha256'])[:12]}) · test set {len(table):,} sequences "
            f"of {table['region'].nunique()} regions, {100 * table['label'].mean():.1f} % eruptive"
        )
        st.caption(plain(words))


def show_missing(chosen: Chosen) -> None:
    """Name the network that there is no run of, so that nobody looks for its bars."""
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
    published = PAPER_TSS[chosen.scores["flare_class"]]
    paper = " and ".join(f"{value} for {FORECASTS[name]}" for name, value in published.items())
    drawn = (
        "it is not drawn here, next to scores of simulated regions"
        if chosen.simulated
        else "the diamonds stand next to the bars, they were not measured on these sequences"
    )
    policy = chosen.scores.get("policy")
    with st.expander("How to read these scores", icon=":material/menu_book:"):
        st.markdown(
            f"- **The paper** reports a TSS of {plain(paper)} for this class, on its own test set "
            f"of real magnetograms: {drawn}. Of its other bars (Figures 4 and 8) only the pictures "
            "are published, so they are not drawn.\n"
            "- **What confined means**: no CME linked in DONKI, by the policy. That is not the "
            "same as no CME; before 2014 DONKI holds only about a quarter of the M and X flares."
            + (f" Policy of this data set: {plain(policy)}." if policy else "")
            + "\n- **Other work** on the same question reports TSS of 0.7 to 0.92 with other "
            "splits. Splitting frame by frame puts hours of one region on both sides, and scaling "
            "each class by itself gives away the label: both leak. Here every region, with all "
            "that shares its numbers, is on one side.\n"
            "- **What a network must beat** stands next to it: climatology (the base rate of the "
            "training part) and one threshold on the total unsigned flux, chosen on the training "
            "part.\n"
            "- **TSS** does not depend on how many sequences are eruptive; precision, ACC and HSS "
            "do, so they are not comparable between test sets.\n"
            "- **The condition** is that a flare of this class comes within 24 hours: the network "
            "does not predict whether one will."
        )


def show_scores(chosen: Chosen) -> pd.DataFrame:
    """Draw the scores over the whole test set and return them."""
    table = score_table(chosen.forecasts)
    st.markdown("### Scores" if chosen.folds == 1 else "### All folds taken together")
    wide, narrow = st.columns([1, 1], gap="medium")
    with wide:
        figure = score_bars_figure(table, paper=_paper(chosen) if chosen.folds == 1 else None)
        show_figure(chosen, figure, table, key="scores", what="scores")
    with narrow:
        _show_table(table, with_interval, "value", "low", "high")
        st.caption(
            "Below each score its 95 % interval, from drawing whole groups of regions anew, since "
            "the hours of a region repeat each other. With fewer than about ten groups the "
            "interval is too narrow."
        )
        _show_undefined(table)
        _show_differences(chosen)
    return table


def show_folds(chosen: Chosen) -> pd.DataFrame:
    """Draw the mean scores over the folds of a cross-validation and return them."""
    table = fold_table(chosen.forecasts)
    st.markdown(f"### Mean over {chosen.folds:d} folds")
    wide, narrow = st.columns([1, 1], gap="medium")
    with wide:
        figure = fold_bars_figure(table, paper=_paper(chosen))
        show_figure(chosen, figure, table.explode("folds"), key="folds", what="folds")
    with narrow:
        _show_table(table, with_error, "mean", "standard_error")
        st.caption(
            f"Mean ± std/√{chosen.folds:d}, as in the paper's Figure 8; dots are folds. The "
            "standard deviation is a sample's (n − 1 in the denominator): the folds stand for "
            "splits that might have been. The paper does not state which one it took; with n its "
            "bars would be shorter, by a tenth for five folds."
        )
        _show_undefined(table)
    return table


def show_numbers(heads: list[str], rows: dict[str, list[tuple[str, str]]]) -> None:
    """Draw a small table, a row known by its name; a cell is a number and a small text below."""
    head = "".join(f"<th>{escape(text)}</th>" for text in ("", *heads))
    body = "".join(
        f"<tr><th>{escape(name)}</th>"
        + "".join(f"<td>{escape(one)}<small>{escape(small)}</small></td>" for one, small in cells)
        + "</tr>"
        for name, cells in rows.items()
    )
    st.html(f'<table class="numbers"><tr>{head}</tr>{body}</table>')


def _paper(chosen: Chosen) -> dict[str, float] | None:
    """Return the paper's TSS where it may stand beside: on the Sun, not on simulated regions."""
    return None if chosen.simulated else PAPER_TSS[chosen.scores["flare_class"]]


def _show_table(table: pd.DataFrame, words: Callable[..., tuple[str, str]], *columns: str) -> None:
    """Put the numbers into a small table, scores down and forecasts across."""
    names = list(dict.fromkeys(table["forecast"]))
    cells = {
        (row["score"], row["forecast"]): words(*(row[column] for column in columns))
        for row in table.to_dict("records")
    }
    rows = {SCORE_NAMES[score]: [cells[score, name] for name in names] for score in SCORES}
    show_numbers([FORECASTS[name] for name in names], rows)


def _show_undefined(table: pd.DataFrame) -> None:
    """Draw what is undefined and why, scores that share forecasts and reason together."""
    undefined = table[table["why"] != ""]
    whose = undefined.groupby(["score", "why"], sort=False)["forecast"].agg(tuple).reset_index()
    alike: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for row in whose.to_dict("records"):
        alike.setdefault((row["forecast"], row["why"]), []).append(SCORE_NAMES[row["score"]])
    parts = [
        f"{', '.join(scores)} of {', '.join(FORECASTS[name] for name in names)} ({why})"
        for (names, why), scores in alike.items()
    ]
    if parts:
        st.caption(f":material/block: Undefined: {plain('; '.join(parts))}.")


def _show_differences(chosen: Chosen) -> None:
    first = next(iter(chosen.runs))
    found = differences(chosen.forecasts, first).dropna(subset="difference").to_dict("records")
    parts = [
        "{} {} ({})".format(
            FORECASTS[row["forecast"]], *with_interval(row["difference"], row["low"], row["high"])
        )
        for row in found
    ]
    if not parts:
        return
    words = f"TSS of {FORECASTS[first]} less that of: {'; '.join(parts)}."
    st.caption(
        f":material/compare_arrows: {plain(words)} "
        "Both on the same draws of regions: where the interval excludes 0, the difference does "
        "not depend on which regions were tested."
    )

"""The five scores of every forecast: as bars, as numbers, and what is undefined about them."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from analysis.figures_skill import fold_bars, score_bars
from analysis.skill import FORECASTS, PAPER_TSS
from analysis.skill_scores import differences, fold_table, score_table
from analysis.skill_words import SCORE_NAMES, with_error, with_interval
from hnn_core.training.metrics import SCORES
from pages._charts import is_dark
from pages._skill_chart import show_figure
from pages._skill_run import Chosen

__all__ = ["show_folds", "show_scores"]


def show_scores(chosen: Chosen) -> pd.DataFrame:
    """Draw the scores over the whole test set and return them."""
    table = score_table(chosen.forecasts)
    st.markdown("### Scores" if chosen.folds == 1 else "### All folds taken together")
    wide, narrow = st.columns([1, 1], gap="medium")
    with wide:
        figure = score_bars(
            table,
            paper=_paper(chosen) if chosen.folds == 1 else None,
            dark=is_dark(),
            simulated=chosen.simulated,
        )
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
    st.markdown(f"### Mean over {chosen.folds} folds")
    wide, narrow = st.columns([1, 1], gap="medium")
    with wide:
        figure = fold_bars(table, paper=_paper(chosen), dark=is_dark(), simulated=chosen.simulated)
        show_figure(chosen, figure, table.explode("folds"), key="folds", what="folds")
    with narrow:
        _show_table(table, with_error, "mean", "standard_error")
        st.caption(
            f"Mean ± std/√{chosen.folds}, as in the paper's Figure 8; dots are folds. The standard "
            "deviation is a sample's (n − 1 in the denominator): the folds stand for splits that "
            "might have been. The paper does not say which one it took; with n its bars would be "
            "shorter, by a tenth for five folds."
        )
        _show_undefined(table)
    return table


def _paper(chosen: Chosen) -> dict[str, float]:
    return PAPER_TSS.get(chosen.scores["flare_class"], {})


def _show_table(table: pd.DataFrame, words: Callable[..., tuple[str, str]], *columns: str) -> None:
    """Put the numbers into a small table, scores down and forecasts across."""
    names = list(dict.fromkeys(table["forecast"]))
    told = {
        (row["score"], row["forecast"]): words(*(row[column] for column in columns))
        for row in table.to_dict("records")
    }
    head = "".join(f"<th>{FORECASTS[name]}</th>" for name in names)
    body = "".join(
        f"<tr><th>{SCORE_NAMES[score]}</th>"
        + "".join("<td>{}<small>{}</small></td>".format(*told[score, name]) for name in names)
        + "</tr>"
        for score in SCORES
    )
    st.html(f'<table class="numbers"><tr><th></th>{head}</tr>{body}</table>')


def _show_undefined(table: pd.DataFrame) -> None:
    """Say what is undefined and why; scores that share forecasts and reason in one breath."""
    lacking = table[table["why"] != ""]
    whose = lacking.groupby(["score", "why"], sort=False)["forecast"].agg(tuple).reset_index()
    told = [
        f"{', '.join(SCORE_NAMES[score] for score in group['score'])} of "
        f"{', '.join(FORECASTS[name] for name in names)} ({why})"
        for (names, why), group in whose.groupby(["forecast", "why"], sort=False)
    ]
    if told:
        st.caption(f":material/block: Undefined: {'; '.join(told)}.")


def _show_differences(chosen: Chosen) -> None:
    first = next(iter(chosen.runs))
    told = [
        "{} {} ({})".format(
            FORECASTS[row.forecast], *with_interval(row.difference, row.low, row.high)
        )
        for row in differences(chosen.forecasts, first).dropna(subset="difference").itertuples()
    ]
    if not told:
        return
    st.caption(
        f":material/compare_arrows: TSS of {FORECASTS[first]} less that of: {'; '.join(told)}. "
        "Both on the same draws of regions: where the interval leaves out 0, the difference does "
        "not hang on which regions were tested."
    )

"""Right and wrong at the threshold, what other thresholds would do, and what probabilities mean."""

import pandas as pd
import streamlit as st

from analysis.skill.curves import brier_scores, reliability, threshold_scores
from analysis.skill.figures_curves import (
    curve_data,
    precision_recall_figure,
    reliability_figure,
    roc_figure,
    threshold_figure,
)
from analysis.skill.figures_tables import confusion_data, confusion_figure
from analysis.skill.forecasts import FORECASTS
from analysis.skill.scores import number
from hnn_core.exceptions import OneClassError
from pages._skill.run import Chosen, show_figure

__all__ = ["show_counts", "show_curves", "show_reliability"]


def show_counts(chosen: Chosen, forecast: str, scores: pd.DataFrame) -> None:
    """Draw the contingency table, and the scores against the threshold."""
    own = scores[scores["forecast"] == forecast].iloc[0]
    counts = own[["tp", "fp", "tn", "fn"]].to_numpy()
    left, right = st.columns([4, 5], gap="large")
    with left:
        st.markdown(f"#### {FORECASTS[forecast]} at threshold {chosen.threshold:g}")
        show_figure(
            chosen,
            confusion_figure(counts),
            confusion_data(counts),
            key="confusion",
            what=f"{FORECASTS[forecast]} confusion matrix",
        )
    with right:
        st.markdown(f"#### {FORECASTS[forecast]} at other thresholds")
        table = threshold_scores(chosen.forecasts[forecast])
        figure = threshold_figure(
            table,
            chosen=chosen.threshold,
            own=float(chosen.scores["threshold"]),
        )
        what = f"{FORECASTS[forecast]} skill against threshold"
        show_figure(chosen, figure, table, key="thresholds", what=what)


def show_curves(chosen: Chosen) -> None:
    """Draw the ROC and precision-recall curves of all forecasts."""
    told = chosen.forecasts
    try:
        figures = roc_figure(told), precision_recall_figure(told)
    except OneClassError as error:
        st.info(str(error), icon=":material/info:")
        return
    data = curve_data(told)
    titles = {"ROC": "#### ROC", "precision-recall": "#### Precision and recall"}
    for place, figure, (kind, title) in zip(
        st.columns(2, gap="large"), figures, titles.items(), strict=True
    ):
        with place:
            st.markdown(title)
            part = data[data["curve"] == kind].dropna(axis="columns", how="all")
            show_figure(chosen, figure, part, key=kind.replace("-", "_"), what=f"{kind} curve")
    st.caption(
        "Dots are where the forecasts stand now. AUC with 95 % interval over groups of regions. "
        "The flux curve moves the threshold on the total unsigned flux; climatology, the same "
        "for all sequences, ranks nothing."
    )


def show_reliability(chosen: Chosen) -> None:
    """Draw the reliability diagram with its counts, and tell the Brier scores."""
    networks = {name: chosen.forecasts[name] for name in chosen.runs}
    tables = {name: reliability(table) for name, table in networks.items()}
    brier = {name: brier_scores(table) for name, table in networks.items()}
    first = next(iter(networks.values()))
    left, right = st.columns([5, 4], gap="large")
    with left:
        figure = reliability_figure(
            tables,
            brier,
            base_rate=float(first["label"].mean()),
        )
        data = pd.concat(table.assign(forecast=name) for name, table in tables.items())
        show_figure(chosen, figure, data, key="reliability", what="reliability")
    with right:
        _tell_brier(brier)


def _tell_brier(brier: dict[str, dict[str, float]]) -> None:
    heads = "".join(f"<th>{text}</th>" for text in ("", "Brier", "of climatology", "Brier skill"))
    body = "".join(
        f"<tr><th>{FORECASTS[name]}</th>"
        + "".join(f"<td>{number(found[key])}</td>" for key in ("brier", "climatology", "skill"))
        + "</tr>"
        for name, found in brier.items()
    )
    st.html(f'<table class="numbers"><tr>{heads}</tr>{body}</table>')
    st.caption(
        "On the diagonal a probability of 0.7 comes true in 7 of 10 cases. Bars: 95 % intervals "
        "over groups of regions; none where a bin holds fewer than five."
    )
    st.caption(
        "The Brier score is the mean square of probability less truth, 0 at best. Its skill is "
        "1 − Brier / that of climatology, which gives every sequence the base rate of the training "
        "part; undefined where climatology makes no error."
    )
    st.caption(
        "The networks learn with a focal loss and unequal class weights, neither of which asks for "
        "true probabilities: a curve off the diagonal is to be expected and does not lower TSS."
    )

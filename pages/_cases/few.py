"""One of the cases in detail: histories, trends by every choice, and what weakens them."""

import streamlit as st

from analysis import figures
from analysis.case_study import CaseStudy
from analysis.case_table import beside
from pages._answer import DECISIONS
from pages._cases_chosen import show_drop
from pages._charts import is_dark, show_chart
from pages._data_words import plain
from pages._labels import frame_notes

__all__ = ["show_detail"]

_MASKS = {
    "moving": "Each hour's own RoPI",
    "union": "Fixed: union of the window",
    "last": "Fixed: last hour's",
    "patch": "Whole patch",
}
_COLOURS = {
    "consistent with cancellation": "blue",
    "mixed evidence": "orange",
    "flux rises": "violet",
}


def show_detail(studies: list[CaseStudy]) -> None:
    """Draw the choice of a case and everything about it."""
    names = [study.name for study in studies]
    if st.session_state.get("case_detail") not in names:
        st.session_state["case_detail"] = names[0]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Case in detail", names, key="case_detail")
        study = studies[names.index(name)]
        show_drop(study.case)
    with st.container(border=True, key="detail"):
        left, right = st.columns([3, 2], gap="medium")
        with left:
            _show_history(study)
            _show_slopes(study)
        with right:
            _show_verdict(study)
        st.dataframe(
            beside(study),
            hide_index=True,
            key="detail_beside",
            column_config={"meaning": st.column_config.TextColumn(width="large")},
        )
        with st.expander("All trends: every mask, polarity, threshold, with and without B/μ"):
            st.dataframe(study.systematics.table(), hide_index=True, key="detail_table")


def _show_verdict(study: CaseStudy) -> None:
    word = study.verdict.word
    st.badge(word, color=_COLOURS.get(word, "gray"), icon=":material/gavel:")
    st.markdown(study.verdict.sentence)
    for sentence in study.verdict.evidence:
        st.caption(sentence)
    with st.popover("What weakens this", icon=":material/warning:"):
        for sentence in study.verdict.caveats:
            st.markdown(f"- {sentence}")
    if study.incomplete:
        st.warning(plain(study.incomplete), icon=":material/timelapse:")
    if study.prediction is None:
        st.caption(f"The network: {plain(study.no_prediction)}")
    else:
        said = study.prediction
        st.caption(
            f"The network ({said.model}, ≥{said.flare_class}): p = {said.probability:.2f}, "
            f"{DECISIONS[said.label]}."
        )
        for words in frame_notes(said):
            st.caption(f":material/info: {words}")
    st.caption(f"What happened: {study.outcome.sentence}")


def _show_history(study: CaseStudy) -> None:
    mask = st.selectbox(
        "Mask", list(_MASKS), format_func=_MASKS.__getitem__, key="detail_mask", width=300
    )
    show_chart(
        figures.trend_history(
            study.systematics,
            mask=mask,
            dark=is_dark(),
            simulated=study.simulated,
            height=360,
        ),
        key=f"detail_history_{mask}",
        filename=f"{study.name} history",
        alt=f"Flux history of {study.name} with its trend",
    )


def _show_slopes(study: CaseStudy) -> None:
    show_chart(
        figures.slope_forest(
            study.systematics, dark=is_dark(), simulated=study.simulated, height=360
        ),
        key="detail_forest",
        filename=f"{study.name} slopes",
        alt=f"Slopes of {study.name} by mask and polarity with 95 % intervals",
    )
    st.caption(
        "Filled points: the slope is significant (p < 0.05, and its whole interval on one side). "
        "Systematics: thresholds on |B| of 0, 20, 50 and 100 G, each with and without B/μ."
    )

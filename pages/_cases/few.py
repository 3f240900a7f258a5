"""A few cases side by side as in the paper, and one of them in detail."""

from typing import Any

import streamlit as st

from analysis.cases.case_study import CaseStudy
from analysis.cases.figures_bars import case_bars_figure
from analysis.cases.figures_trends import slope_forest_figure, trend_history_figure
from analysis.cases.tables import other_measures, overview
from analysis.printed.captions import FigureWords, Subject
from pages._cases.chosen import chosen_cases, show_drop, study_all
from pages._cases.report import show_report
from pages._cases.sets import show_sets
from pages._shared.charts import show_chart
from pages._shared.link import bound, linked
from pages._shared.messages import DECISIONS, MASK_WORDS, frame_notes, plain, show_simulated
from pages._shared.selectors import Selection
from pages._shared.widgets import show_facts

__all__ = ["show_few"]

_COLOURS: dict[str, Any] = {
    "consistent with cancellation": "blue",
    "consistent with the field turning horizontal": "green",
    "mixed evidence": "orange",
    "flux rises": "violet",
}
_CLASSES: dict[str, Any] = {"eruptive": "blue", "confined": "orange"}
"""Colours of a class, predicted or known."""
_TOPICS = ("magnetogram", "pil", "flux", "network")
"""How the figures are made, for their captions."""
_FLUXES: dict[Any, tuple[str, str]] = {
    "pil": ("PIL unsigned flux", "As the paper's Figure 6: the flux inside the RoPI of each hour."),
    "total": ("Total unsigned flux", "As the paper's Figure 7: the flux of the whole patch."),
}


def show_few(selection: Selection) -> None:
    """Draw the whole view."""
    st.markdown("## Case studies")
    cases = chosen_cases(selection)
    show_sets(cases)
    if not cases:
        st.info("No case is chosen. Choose a region and a time on the left and add it.")
        return
    studies, absent = study_all(cases)
    for case, why in absent.items():
        row = st.container(horizontal=True, vertical_alignment="center", key=f"absent_{case.key}")
        with row:
            where = f"{case.region} at {case.hour.replace('T', ' ')}"
            st.error(plain(f"{where}: {why}"), icon=":material/error:")
            show_drop(case)
    if not studies:
        return
    if count := sum(study.simulated for study in studies):
        show_simulated(_simulated_words(count, len(studies)))
    _show_bars(studies)
    st.markdown("### What the histories show")
    show_facts(overview(studies), "case_overview")
    st.caption(
        "Predicted: P(eruptive) in brackets. Slopes: Theil–Sen with 95 % interval, of the flux in "
        "each hour's own RoPI, in % of its median an hour. p: Mann–Kendall, corrected for serial "
        "correlation (Hamed & Rao)."
    )
    _show_detail(studies)
    show_report(tuple(study.case for study in studies))


def _simulated_words(count: int, total: int) -> str:
    if count == total:
        return "These regions were made by a model of magnetic elements; none was ever on the Sun."
    verb = "was" if count == 1 else "were"
    return (
        f"{count} of these {total} cases, marked as simulated, {verb} made by a model of magnetic "
        f"elements and never {verb} on the Sun."
    )


def _show_bars(studies: list[CaseStudy]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name: Any = linked(
            st.segmented_control,
            "Flux",
            {name: plain(title) for name, (title, _) in _FLUXES.items()},
            key="flux",
            read="flux",
            required=True,
            label_visibility="collapsed",
        )
        same = bound(st.toggle, "Same scale in all panels", key="case_scale", value=True)
    title, words = _FLUXES[name]
    st.caption(plain(words))
    alt = f"{title} of {len(studies)} cases, ten hours each"
    about = _words_of_all(studies, title)
    with st.container(key="case_panels", gap=None):
        # The style sheet shows the one for which the page has the width.
        for key, columns in (("case_bars", 2), ("case_narrow", 1)):
            figure = case_bars_figure(studies, flux=name, same_scale=same, columns=columns)
            show_chart(figure, key=f"{key}_{name}", alt=alt, words=about)
    for study in studies:
        if note := study.systematics.fluxes.area_note:
            st.caption(f":material/crop_free: {plain(study.name)}: {plain(note)}")


def _words_of_all(studies: list[CaseStudy], title: str) -> FigureWords:
    """Title and caption of the panels, with each case and its answer."""
    parts = []
    for study in studies:
        mark = " (simulated)" if study.simulated else ""
        parts.append(f"{study.name}{mark}. {_subject(study).answer}")
    kinds = {study.simulated for study in studies}
    what = f"{title}, ten hours each"
    lines = [what, "simulated data"] if kinds == {True} else [what]
    return FigureWords(
        tuple(lines),
        f"{what}. {' '.join(parts)}",
        _TOPICS,
        simulated=kinds == {True},
        mixed=len(kinds) > 1,
    )


def _subject(study: CaseStudy) -> Subject:
    region, hour, made = study.region.name, study.case.hour, study.prediction
    if made is None:
        return Subject(region, hour, simulated=study.simulated)
    return Subject(
        region,
        hour,
        made.model,
        made.flare_class,
        made.probability,
        made.threshold,
        simulated=study.simulated,
    )


def _show_detail(studies: list[CaseStudy]) -> None:
    """Draw the choice of a case and everything about it."""
    names = {str(number): study.name for number, study in enumerate(studies, 1)}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        number = linked(st.selectbox, "Case in detail", names, key="case_detail", read="case")
        study = studies[int(number) - 1]
        show_drop(study.case)
    with st.container(border=True, key="detail"):
        left, right = st.columns([3, 2], gap="medium")
        with left:
            _show_history(study)
            _show_slopes(study)
        with right:
            _show_verdict(study)
            show_facts(other_measures(study), "detail_beside")
        with st.expander("All trends: every mask, polarity, threshold, with and without B/μ"):
            show_facts(study.systematics.table(), "detail_table")


def _show_verdict(study: CaseStudy) -> None:
    word, made, followed = study.verdict.word, study.prediction, study.outcome.word
    with st.container(key="detail_badges", horizontal=True, gap="xsmall"):
        st.badge(plain(word), color=_COLOURS.get(word, "gray"), icon=":material/gavel:")
        if made is not None:
            predicted = f"predicted {made.label}, {made.probability:.2f}"
            st.badge(plain(predicted), color=_CLASSES.get(made.label, "gray"))
        st.badge(plain(f"outcome: {followed}"), color=_CLASSES.get(followed, "gray"))
    st.markdown(plain(study.verdict.sentence))
    for sentence in study.verdict.evidence:
        st.caption(plain(sentence))
    with st.popover("What weakens this", icon=":material/warning:"):
        for sentence in study.verdict.caveats:
            st.markdown(f"- {plain(sentence)}")
    _show_vector_verdict(study)
    if study.incomplete:
        st.warning(plain(study.incomplete), icon=":material/timelapse:")
    if made is None:
        st.caption(f"The network: {plain(study.no_prediction)}")
    else:
        st.caption(
            f"The network ({plain(made.model)}, ≥{plain(made.flare_class)}): P(eruptive) = "
            f"{made.probability:.2f}, {DECISIONS[made.label]}."
        )
        for words in frame_notes(made):
            st.caption(f":material/info: {plain(words)}")
    st.caption(f"What happened: {plain(study.outcome.sentence)}")


def _show_vector_verdict(study: CaseStudy) -> None:
    """Draw what the field vectors say, which the line-of-sight field cannot."""
    found = study.vector_verdict
    if found is None:
        st.caption(f"By the field vector: not known. {plain(study.no_vector)}")
        return
    with st.container(key="vector_badges", horizontal=True, gap="xsmall"):
        st.badge(
            f"by the field vector: {plain(found.word)}",
            color=_COLOURS.get(found.word, "gray"),
            icon=":material/arrow_outward:",
        )
    st.markdown(plain(found.sentence))
    for sentence in found.evidence:
        st.caption(plain(sentence))
    with st.popover("What weakens this", icon=":material/warning:"):
        for sentence in found.caveats:
            st.markdown(f"- {plain(sentence)}")


def _show_history(study: CaseStudy) -> None:
    mask: Any = linked(st.selectbox, "Mask", MASK_WORDS, key="detail_mask", read="mask", width=300)
    show_chart(
        trend_history_figure(study.systematics, mask=mask, height=360),
        key=f"detail_history_{mask}",
        alt=f"Flux history of {study.name} with its trend",
        words=_subject(study).words("Flux history with its trend", *_TOPICS),
    )


def _show_slopes(study: CaseStudy) -> None:
    show_chart(
        slope_forest_figure(study.systematics),
        key="detail_forest",
        alt=f"Slopes of {study.name} by mask and polarity with 95 % intervals",
        words=_subject(study).words("Slopes of the flux with 95 % intervals", *_TOPICS),
    )
    st.caption(
        "Filled points: the slope is significant (p < 0.05, and its whole interval on one side). "
        "Systematics: thresholds on |B| of 0, 20, 50 and 100 G, each with and without B/μ."
    )

"""A few cases side by side as in the paper, and one of them in detail."""

import streamlit as st

from analysis import figures
from analysis.case_study import CaseStudy
from analysis.case_table import overview
from hnn_core.case import Case
from pages._cases_chosen import chosen_cases, show_drop
from pages._cases_detail import show_detail
from pages._cases_report import show_report
from pages._cases_sets import show_sets
from pages._cases_studied import study_all
from pages._charts import is_dark, show_chart
from pages._data_words import plain
from pages._link import one_of, publish, restore
from pages._messages import show_simulated
from pages._selectors import Selection

__all__ = ["show_few"]

_FLUXES = {
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
        _show_absent(case, why)
    if not studies:
        return
    if count := sum(study.simulated for study in studies):
        show_simulated(_simulated_words(count, len(studies)))
    _show_bars(studies)
    st.markdown("### What the histories allow one to say")
    _show_overview(studies)
    show_detail(studies)
    show_report(tuple(study.case for study in studies))


def _simulated_words(count: int, total: int) -> str:
    if count == total:
        return "These regions were made by a model of magnetic elements; none was ever on the Sun."
    verb = "was" if count == 1 else "were"
    return (
        f"{count} of these {total} cases, marked as simulated, {verb} made by a model of magnetic "
        f"elements and never {verb} on the Sun."
    )


def _show_absent(case: Case, why: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=f"absent_{case.region}"):
        where = f"{case.region} at {case.hour.replace('T', ' ')}"
        st.error(plain(f"{where}: {why}"), icon=":material/error:")
        show_drop(case)


def _show_bars(studies: list[CaseStudy]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        restore("flux", "pil", one_of("flux", _FLUXES))
        name = st.segmented_control(
            "Flux",
            list(_FLUXES),
            required=True,
            format_func=lambda one: _FLUXES[one][0],
            key="flux",
            persist_state="session",
            label_visibility="collapsed",
        )
        publish("flux")
        same = st.toggle("Same scale in all panels", True, key="case_scale", bind="query-params")
    title, words = _FLUXES[name or "pil"]
    st.caption(words)
    show_chart(
        figures.case_bars(
            studies, flux=name or "pil", same_scale=same, dark=is_dark(), row_height=200
        ),
        key=f"case_bars_{name}",
        filename=f"cases {name} flux",
        alt=f"{title} of {len(studies)} cases, ten hours each",
    )


def _show_overview(studies: list[CaseStudy]) -> None:
    table = overview(studies)
    st.dataframe(table, hide_index=True, key="case_overview")
    st.caption(
        "Slopes: Theil–Sen with 95 % interval, of the flux in each hour's own RoPI, in % of its "
        "median an hour. p: Mann–Kendall, corrected for serial correlation (Hamed & Rao)."
    )

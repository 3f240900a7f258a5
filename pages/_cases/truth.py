"""Simulated regions, whose cancellation is known: how far the measured decline follows it."""

import streamlit as st

from analysis.physics.window_fluxes import MASKS
from analysis.surveys.figures_validation import measured_against_true_figure, trust_figure
from analysis.surveys.validation import validate, validation_table
from hnn_core.regions.base import Source
from hnn_core.sources import open_source
from pages._shared import caches
from pages._shared.background import Task, busy, finished, forget, start, wait_for
from pages._shared.charts import show_chart
from pages._shared.link import publish, restore
from pages._shared.selectors import Selection

__all__ = ["show_truth"]

_MASK_WORDS = {
    "moving": "each hour's own RoPI",
    "union": "fixed: union of the window",
    "last": "fixed: last hour's RoPI",
}
_STEP = 6
_POPULATION = "2:40"
"""Regions that no model here was trained on; sixteen are too few to tell by longitude."""


def show_truth(selection: Selection) -> None:
    """Draw the population, the progress and the result."""
    del selection
    st.markdown("## Against the truth")
    st.caption(
        "The simulator knows how much flux cancels at the PIL of its regions. The same detector "
        "and the same slopes as for real regions are put beside it. A measured decline that "
        "follows the truth can rank regions; whether it is a rate, the gain tells."
    )
    restore("truth", _POPULATION, _read_population)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "Simulated population",
            key="truth",
            persist_state="session",
            placeholder="the 16 that come with the program",
            help="Seed and number of regions. About a second for each region.",
            width=340,
        )
        mask = st.selectbox(
            "PIL mask",
            [mask for mask in MASKS if mask != "patch"],
            format_func=_MASK_WORDS.__getitem__,
            key="truth_mask",
            width=300,
        )
    publish("truth")
    source = caches.source(f"sim:{st.session_state['truth'].strip()}")
    key = ("truth", source.spec)
    if key not in st.session_state.setdefault("truths_begun", set()) and finished(key) is None:
        st.session_state["truths_begun"].add(key)
        _begin(source)
    table = wait_for(key, "truth")
    if table is None:
        if not busy(key):
            st.button(
                "Measure",
                key="truth_start",
                icon=":material/play_arrow:",
                on_click=_anew,
                args=(source,),
            )
        return
    found = validate(table, mask)
    st.success(found.statement, icon=":material/fact_check:")
    left, right = st.columns([3, 2], gap="medium")
    with left:
        show_chart(
            measured_against_true_figure(table, found),
            key=f"truth_scatter_{mask}",
            filename="measured against true",
            alt="Measured decline of PIL flux against the true cancellation rate",
        )
    with right:
        show_chart(
            trust_figure(found),
            key=f"truth_trust_{mask}",
            filename="correlation by longitude and threshold",
            alt="Correlation with the truth by longitude and threshold",
        )
    with st.expander("Numbers"):
        st.dataframe(found.table(), hide_index=True, key="truth_numbers")
    with st.container(horizontal=True):
        st.download_button(
            "All windows, csv",
            lambda: table.to_csv(index=False).encode(),
            "validation.csv",
            key="truth_csv",
            icon=":material/download:",
            on_click="ignore",
        )
        st.button("Measure anew", key="truth_again", on_click=_anew, args=(source,))


def _begin(source: Source) -> None:
    def work(task: Task) -> object:
        return validation_table(source, step=_STEP, progress=task.tell, cancel=task.cancel)

    start(("truth", source.spec), "Measuring simulated regions", "regions", work)


def _anew(source: Source) -> None:
    forget(("truth", source.spec))
    _begin(source)


def _read_population(text: str) -> str:
    open_source(f"sim:{text.strip()}")
    return text

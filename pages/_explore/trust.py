"""Whether the map is faithful: its tokens hidden and shown, and the network randomised."""

from collections.abc import Hashable

import streamlit as st

from analysis import figures
from hnn_core.explanation.checks import check_faithfulness, check_randomised
from hnn_core.explanation.explanation import Explanation
from hnn_core.explanation.faithfulness_result import Faithfulness
from hnn_core.explanation.randomised import RandomisedCheck
from pages import _caches
from pages._background import Task, busy, finished, start, wait_for
from pages._charts import is_dark, show_chart
from pages._map_view import HeatView, explained, view_key
from pages._view import View

__all__ = ["show_faithful"]

_HOURS = {
    "last": "those of the last hour",
    "all": "those of all hours (ten times as long)",
}


def show_faithful(view: View, heat: HeatView) -> None:
    """Draw what to check, the button, and what the check found."""
    if view.prediction is None:
        st.info("There is no prediction at this hour that a map could be faithful to.")
        return
    hours = st.radio(
        "Tokens that are hidden",
        list(_HOURS),
        format_func=_HOURS.__getitem__,
        key="faithful_hours",
        horizontal=True,
    )
    cascade = st.toggle(
        "Randomise the network part by part",
        False,
        key="faithful_cascade",
        help="New weights from the classifier down, one encoder after the other: makes the map "
        "once for each part, and shows on which of them it rests.",
    )
    key = view_key(view, "faithful", heat.choice, hours, cascade)
    if finished(key) is None and not busy(key):
        st.button(
            "Check this map",
            key="faithful_start",
            icon=":material/play_arrow:",
            type="primary",
            help="Tokens are hidden and shown in the map's order, in |B| order, in the gradient's "
            "and in 20 random orders, and the network is asked each time.",
            on_click=_begin,
            args=(key, view, heat, hours, cascade),
        )
    found: tuple[Faithfulness, RandomisedCheck] | None = wait_for(key, "faithful")
    if found is not None:
        _show_check(view, *found)


def _show_check(view: View, found: Faithfulness, randomised: RandomisedCheck) -> None:
    good = any(comparison.better for comparison in found.comparisons)
    (st.success if good else st.warning)(found.verdict, icon=":material/fact_check:")
    simulated = view.selection.region.simulated
    fill = st.segmented_control(
        "Hidden tokens show",
        ["zero", "blurred"],
        default="zero",
        required=True,
        format_func={"zero": "no field", "blurred": "the blurred field"}.__getitem__,
        key="faithful_fill",
    )
    sides = st.columns(2, gap="medium")
    for side, kind in zip(sides, ("deletion", "insertion"), strict=True):
        with side:
            st.markdown(f"**{kind.capitalize()}**")
            show_chart(
                figures.faithfulness_curves(
                    found, fill=fill or "zero", kind=kind, dark=is_dark(), simulated=simulated
                ),
                key=f"faithful_{kind}_{fill}",
                filename=f"{view.selection.region.id} {view.hour} {kind}",
                alt=f"Probability while tokens are hidden or shown, {kind}",
            )
    for comparison in found.comparisons:
        st.caption(comparison.words)
    st.markdown(f"Randomised network: {randomised.words}")
    if len(randomised.stages) > 1:
        show_chart(
            figures.randomised_stages(randomised, dark=is_dark(), simulated=simulated),
            key="randomised_stages",
            filename=f"{view.selection.region.id} {view.hour} randomised",
            alt="How alike the map stays while the network gets new weights, part by part",
        )


def _begin(key: Hashable, view: View, heat: HeatView, hours: str, cascade: bool) -> None:
    predictor, sequence = _caches.predictor(view.selection.model), view.sequence
    assert sequence is not None
    choice = heat.choice
    explanation: Explanation = heat.explanation or explained(view, "rollout", **choice.options)

    def work(task: Task) -> tuple[Faithfulness, RandomisedCheck]:
        faithful = check_faithfulness(
            predictor, sequence, explanation, hours=hours, progress=task.tell, cancel=task.cancel
        )
        randomised = check_randomised(
            predictor,
            sequence,
            choice.method,
            cascade=cascade,
            progress=task.tell,
            cancel=task.cancel,
            **choice.options,
        )
        return faithful, randomised

    start(key, "Hiding and showing tokens", "frames", work)

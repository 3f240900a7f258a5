"""What stands behind a map: which hours mattered, where it lies, whether it is faithful."""

from collections.abc import Callable, Hashable

import streamlit as st

from analysis import figures
from analysis.explained_case import HOUR_METHODS, combine_hours, hour_overlaps
from analysis.map_words import overlap_rows
from hnn_core.explanation.checks import check_faithfulness, check_randomised
from hnn_core.explanation.explanation import Explanation
from hnn_core.explanation.faithfulness_result import Faithfulness
from hnn_core.explanation.randomised import RandomisedCheck
from pages import _caches
from pages._background import Task, busy, finished, start, wait_for
from pages._charts import is_dark, show_chart
from pages._link import one_of, publish, restore
from pages._map_view import HeatView, explained, view_key
from pages._trust_layers import show_layers, show_norms
from pages._view import View

__all__ = ["show_trust"]

_LOW, _HIGH = "last", "all"


def show_trust(view: View, heat: HeatView) -> None:
    """Draw the choice, and what is chosen; nothing is computed before."""
    parts: dict[str, tuple[str, Callable[[View, HeatView], None] | None]] = {
        "none": ("Not now", None),
        "hours": ("Which hours mattered", _show_hours),
        "place": ("Where the map lies", _show_place),
        "faithful": ("Is it faithful?", _show_faithful),
        "layers": ("Layers and heads", show_layers),
        "norms": ("Artefact tokens", show_norms),
    }
    st.markdown("### Can the map be trusted?")
    restore("trust", "none", one_of("question", parts))
    chosen = st.segmented_control(
        "Look at",
        list(parts),
        required=True,
        format_func=lambda name: parts[name][0],
        key="trust",
        persist_state="session",
        label_visibility="collapsed",
    )
    publish("trust")
    show = parts[chosen or "none"][1]
    if show is None:
        st.caption("Choose a question above; the answer is worked out for the hour shown.")
    else:
        show(view, heat)


def _show_hours(view: View, heat: HeatView) -> None:
    target = heat.choice.target
    scores = [explained(view, method, target=target) for method in HOUR_METHODS]
    show_chart(
        figures.hour_scores(scores, dark=is_dark(), simulated=view.selection.region.simulated),
        key="hour_scores",
        filename=f"{view.selection.region.id} {view.hour} hours",
        alt="How much each of the hours spoke for the class",
    )
    st.caption(
        f"For the class {target}, in log-odds; above 0 the hour spoke for it. Frame deletion: what "
        "is lost when the hour shows no field. Integrated gradients: how the change from "
        "no field at all is shared out over the ten embeddings; they sum to it."
    )


def _show_place(view: View, heat: HeatView) -> None:
    sequence = view.sequence
    assert sequence is not None
    masks = _caches.sequence_masks(
        view.selection.source.spec, view.selection.region.id, view.hour, len(sequence)
    )
    hours = hour_overlaps(heat.maps, sequence.frames, masks, heat.box.size)
    both = {"This hour": hours[-1], f"All {len(hours)} hours": combine_hours(hours)}
    sides = st.columns(2, gap="medium")
    for number, (side, (title, found)) in enumerate(zip(sides, both.items(), strict=True)):
        with side:
            st.markdown(f"**{title}**")
            show_chart(
                figures.overlap_draws(
                    found, dark=is_dark(), simulated=view.selection.region.simulated
                ),
                key=f"overlap_{number}",
                filename=f"{view.selection.region.id} {view.hour} overlap",
                alt=f"{title}: share of the map in RoPI, hull and 10 Mm against random regions",
            )
            st.dataframe(overlap_rows(found), hide_index=True, key=f"overlap_table_{number}")
    st.caption(
        "Share of the map's positive mass, against 1000 random regions of the same area and the "
        "same |B|. A p just under 0.05 means little: of maps that follow |B| alone 6 to 12 % get "
        "one (benchmarks/RESULTS.md)."
    )


def _show_faithful(view: View, heat: HeatView) -> None:
    if view.prediction is None:
        st.info("There is no prediction at this hour that a map could be faithful to.")
        return
    hours = st.radio(
        "Tokens that are hidden",
        [_LOW, _HIGH],
        format_func={
            _LOW: "those of the last hour",
            _HIGH: "those of all hours (ten times as long)",
        }.__getitem__,
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

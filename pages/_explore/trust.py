"""What stands behind a map: which hours mattered, where it lies, whether it is faithful.

Whether the map is faithful: its tokens hidden and shown, and the network randomised.

Inside the transformer: each encoder and head by itself, and tokens that stand out.
"""

from collections.abc import Callable, Hashable

import numpy as np
import pandas as pd
import streamlit as st

from analysis.cases.explained import (
    HOUR_METHODS,
    combine_hours,
    hour_overlaps,
    norms_sentence,
    overlap_rows,
)
from analysis.cases.figures_checks import faithfulness_curves_figure, randomised_stages_figure
from analysis.cases.figures_maps import hour_scores_figure, overlap_draws_figure
from analysis.cases.figures_tokens import layer_heads_figure, token_norms_figure
from hnn_core.explanation.checks import check_faithfulness, check_randomised
from hnn_core.explanation.faithfulness_result import Faithfulness
from hnn_core.explanation.randomised import RandomisedCheck
from hnn_core.explanation.rollout import class_attention
from hnn_core.explanation.service import Explanation
from hnn_core.network.model_store import ModelInfo
from hnn_core.sources.jsoc import newest
from pages._explore.view import HeatView, View, explained, view_key
from pages._shared import caches
from pages._shared.background import Task, busy, finished, start, wait_for
from pages._shared.charts import show_chart
from pages._shared.link import one_of, publish, restore

__all__ = ["show_faithful", "show_layers", "show_norms", "show_trust"]


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
                faithfulness_curves_figure(found, fill=fill or "zero", kind=kind),
                key=f"faithful_{kind}_{fill}",
                simulated=simulated,
                filename=f"{view.selection.region.id} {view.hour} {kind}",
                alt=f"Probability while tokens are hidden or shown, {kind}",
            )
    for comparison in found.comparisons:
        st.caption(comparison.words)
    st.markdown(f"Randomised network: {randomised.words}")
    if len(randomised.stages) > 1:
        show_chart(
            randomised_stages_figure(randomised),
            key="randomised_stages",
            simulated=simulated,
            filename=f"{view.selection.region.id} {view.hour} randomised",
            alt="How alike the map stays while the network gets new weights, part by part",
        )


def _begin(key: Hashable, view: View, heat: HeatView, hours: str, cascade: bool) -> None:
    predictor, sequence = caches.predictor(view.selection.model), view.sequence
    assert sequence is not None
    choice = heat.choice
    explanation: Explanation = heat.explanation or explained(view, "rollout", **choice.options)

    def work(task: Task) -> tuple[Faithfulness, RandomisedCheck]:
        faithful = check_faithfulness(
            predictor,
            sequence,
            {"map": explanation},
            hours=hours,
            progress=task.tell,
            cancel=task.cancel,
        )["map"]
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


_BY_WEIGHTS = {ModelInfo: lambda info: (info.name, info.sha256)}


def show_layers(view: View, heat: HeatView) -> None:
    """Draw the class token's attention in every encoder and head, for the hour shown."""
    del heat  # whatever is rolled out, this is what there is to roll out
    selection = view.selection
    spec, region = selection.source.spec, selection.region.id
    attention = _attention(selection.model, spec, region, view.hour, newest(spec, region))
    left, right = st.columns([3, 2], gap="medium")
    with left, st.container(key="heads"):
        show_chart(
            layer_heads_figure(attention),
            kind="picture",
            ratio=attention.shape[0] / attention.shape[1],
            key="layer_heads",
            simulated=selection.region.simulated,
            filename=f"{region} {view.hour} heads",
            alt="Attention of the class token, one picture for each encoder and head",
        )
    right.caption(
        "What the class token looks at in the frame of this hour: one row an encoder, one column a "
        "head, one logarithmic colour scale for all. Nothing is rolled out. To lay the map of some "
        "encoders or of one head over the magnetogram, open “Settings of the map” on the left."
    )


@st.cache_data(ttl=3600, max_entries=64, hash_funcs=_BY_WEIGHTS, show_spinner=False)
def _attention(info: ModelInfo, spec: str, region: str, hour: str, state: int) -> np.ndarray:
    """Attention of the last frame, (L, heads, g, g)."""
    del state
    predictor = caches.predictor(info)
    images = predictor.images(caches.sequence(spec, region, hour, info.config.frames))
    found: np.ndarray = class_attention(predictor.model, images[-1:])[:, :, 0].cpu().numpy()
    return found


def show_norms(view: View, heat: HeatView) -> None:
    """Draw the norms of the last encoder's tokens and how much of the map lies on artefacts."""
    found = explained(view, "token-norms")
    assert found.maps is not None
    assert found.flagged is not None
    left, right = st.columns([2, 3], gap="medium")
    with left, st.container(key="norms"):
        show_chart(
            token_norms_figure(
                found.maps[-1],
                found.flagged[-1],
            ),
            kind="picture",
            ratio=1.0,
            key="token_norms",
            simulated=view.selection.region.simulated,
            filename=f"{view.selection.region.id} {view.hour} token norms",
            alt="Norm of each token at the output of the last encoder",
        )
    with right:
        st.markdown(norms_sentence(found, heat.maps))
        st.caption(
            "Large transformers may use a few tokens of plain background as scratch paper; their "
            "norm is many times the others', and a map that lies on them shows nothing of the "
            "region (Darcet et al. 2024). Flagged: above 3 times the median of the sequence."
        )


def show_trust(view: View, heat: HeatView) -> None:
    """Draw the choice, and what is chosen; nothing is computed before."""
    parts: dict[str, tuple[str, Callable[[View, HeatView], None] | None]] = {
        "none": ("Not now", None),
        "hours": ("Which hours mattered", _show_hours),
        "place": ("Where the map lies", _show_place),
        "faithful": ("Is it faithful?", show_faithful),
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
        hour_scores_figure(scores),
        key="hour_scores",
        simulated=view.selection.region.simulated,
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
    masks = caches.sequence_masks(
        view.selection.source.spec, view.selection.region.id, view.hour, len(sequence)
    )
    hours = hour_overlaps(heat.maps, sequence.frames, masks, heat.box.size)
    both = {"This hour": hours[-1], f"All {len(hours)} hours": combine_hours(hours)}
    sides = st.columns(2, gap="medium")
    for number, (side, (title, found)) in enumerate(zip(sides, both.items(), strict=True)):
        with side:
            st.markdown(f"**{title}**")
            show_chart(
                overlap_draws_figure(found),
                key=f"overlap_{number}",
                simulated=view.selection.region.simulated,
                filename=f"{view.selection.region.id} {view.hour} overlap",
                alt=f"{title}: share of the map in RoPI, hull and 10 Mm against random regions",
            )
    rows = {title: overlap_rows(found) for title, found in both.items()}
    table = pd.concat(rows, names=["hours"]).reset_index("hours")
    st.dataframe(table, hide_index=True, key="overlap_table")
    st.caption(
        "Share of the map's positive mass, against 1000 random regions of the same area and the "
        "same |B|. A p just under 0.05 means little: of maps that follow |B| alone 6 to 12 % get "
        "one (benchmarks/RESULTS.md)."
    )

"""What stands behind a map: which hours mattered, where it lies, whether it is faithful."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import plotly.graph_objects as go
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
from pages._explore.figure_words import figure_words
from pages._explore.view import HeatView, View, explained, view_key
from pages._shared import caches
from pages._shared.background import offer
from pages._shared.charts import show_chart
from pages._shared.link import linked
from pages._shared.messages import plain
from pages._shared.widgets import choose, show_table

__all__ = ["show_trust"]


_HOURS = {"last": "those of the last hour", "all": "those of all hours (ten times as long)"}


def show_trust(view: View, heat: HeatView) -> None:
    """Draw the choice, and what is chosen; nothing is computed before."""
    parts: dict[str, tuple[str, Callable[[View, HeatView], None] | None]] = {
        "none": ("Not now", None),
        "hours": ("Which hours mattered", _show_hours),
        "place": ("Where the map lies", _show_place),
        "faithful": ("Is it faithful?", _show_faithful),
        "layers": ("Layers and heads", _show_layers),
        "norms": ("Artefact tokens", _show_norms),
    }
    st.markdown("### Can the map be trusted?")
    chosen = linked(
        st.segmented_control,
        "Look at",
        {name: plain(label) for name, (label, _) in parts.items()},
        key="trust",
        read="question",
        required=True,
        label_visibility="collapsed",
    )
    show = parts[chosen][1]
    if show is None:
        st.caption("Choose a question above; the answer is worked out for the hour shown.")
    else:
        show(view, heat)


def _show_chart(view: View, figure: go.Figure, *, alt: str, **more: Any) -> None:
    simulated = view.selection.region.simulated
    words = figure_words(view.selection, view, alt, "magnetogram", "network")
    more |= {"simulated": simulated, "words": words}
    show_chart(figure, alt=f"{view.name}: {alt}", **more)


def _show_hours(view: View, heat: HeatView) -> None:
    target = heat.choice.target
    scores = [explained(view, method, target=target) for method in HOUR_METHODS]
    _show_chart(
        view,
        hour_scores_figure(scores),
        key="hour_scores",
        alt="How much each of the hours counts for the class",
    )
    st.caption(
        f"For the class {plain(target)}, in log-odds; above 0 the hour counts for it. Frame "
        "deletion: what is lost when the hour shows no field. Integrated gradients: how the "
        "change from no field at all is shared out over the ten embeddings; they sum to it."
    )


def _show_place(view: View, heat: HeatView) -> None:
    masks = caches.sequence_masks(view.place, view.hour, len(heat.sequence))
    hours = hour_overlaps(heat.maps, heat.sequence.frames, masks, heat.box.size)
    both = {"This hour": hours[-1], f"All {len(hours)} hours": combine_hours(hours)}
    sides = st.columns(2, gap="medium")
    for number, (side, (title, found)) in enumerate(zip(sides, both.items(), strict=True)):
        with side:
            st.markdown(f"**{plain(title)}**")
            _show_chart(
                view,
                overlap_draws_figure(found),
                key=f"overlap_{number}",
                alt=f"{title}: share of the map in RoPI, hull and 10 Mm against random regions",
            )
    rows = {title: overlap_rows(found) for title, found in both.items()}
    table = pd.concat(rows, names=["hours"]).reset_index("hours")
    show_table(table, "overlap_table")
    st.caption(
        "Share of the map's positive mass, against 1000 random regions of the same area and the "
        "same |B|. A p just under 0.05 means little: of maps that follow |B| alone 6 to 12 % get "
        "one (the project's benchmarks)."
    )


def _show_faithful(view: View, heat: HeatView) -> None:
    """Draw what to check, the button, and what the check found."""
    if view.prediction is None:
        st.info("There is no prediction at this hour that a map could be faithful to.")
        return
    label = "Tokens that are hidden"
    hours = choose(st.radio, label, _HOURS, key="faithful_hours", horizontal=True)
    cascade = st.toggle(
        "Randomise the network part by part",
        False,
        key="faithful_cascade",
        help="New weights from the classifier down, one encoder after the other: makes the map "
        "once for each part, and shows on which of them it rests.",
    )
    key = view_key(view, "faithful", heat.choice, hours, cascade)
    found: tuple[Faithfulness, RandomisedCheck] | None = offer(
        "Check this map",
        "faithful_start",
        key,
        "Hiding and showing tokens",
        "frames",
        lambda: _checks(view, heat, hours, cascade),
        type="primary",
        help="Tokens are hidden and shown in the map's order, in |B| order, in the gradient's "
        "and in 20 random orders, and the network runs each time.",
    )
    if found is not None:
        _show_check(view, *found)


def _show_check(view: View, found: Faithfulness, randomised: RandomisedCheck) -> None:
    # Green is for a map that passes every curve; one of four is no pass.
    {"better": st.success, "worse": st.error, "equal": st.info}.get(found.state, st.warning)(
        plain(found.verdict), icon=":material/fact_check:"
    )
    fill = choose(
        st.segmented_control,
        "Hidden tokens show",
        {"zero": "no field", "blurred": "the blurred field"},
        default="zero",
        required=True,
        key="faithful_fill",
    )
    sides = st.columns(2, gap="medium")
    for side, kind in zip(sides, ("deletion", "insertion"), strict=True):
        with side:
            st.markdown(f"**{plain(kind.capitalize())}**")
            _show_chart(
                view,
                faithfulness_curves_figure(found, fill=fill, kind=kind),
                key=f"faithful_{kind}_{fill}",
                alt=f"Probability of the class while tokens are hidden or shown, {kind}",
            )
    for comparison in found.comparisons:
        st.caption(plain(comparison.words))
    st.markdown(f"Randomised network: {plain(randomised.words)}")
    if len(randomised.stages) > 1:
        _show_chart(
            view,
            randomised_stages_figure(randomised),
            key="randomised_stages",
            alt="How alike the map stays while the network gets new weights, part by part",
        )


def _checks(view: View, heat: HeatView, hours: str, cascade: bool) -> Callable[..., Any]:
    predictor, sequence, choice = caches.predictor(view.selection.model), heat.sequence, heat.choice
    explanation = heat.explanation or explained(view, "rollout", **choice.options)

    def work(**watched: Any) -> tuple[Faithfulness, RandomisedCheck]:
        return (
            check_faithfulness(predictor, sequence, {"map": explanation}, hours=hours, **watched)[
                "map"
            ],
            check_randomised(
                predictor, sequence, choice.method, cascade=cascade, **watched, **choice.options
            ),
        )

    return work


def _show_layers(view: View, heat: HeatView) -> None:
    """Draw the class token's attention in every encoder and head, for the hour shown."""
    del heat  # whatever is rolled out, this is what there is to roll out
    attention = caches.attention(view.selection.model, view.place, view.hour)
    left, right = st.columns([3, 2], gap="medium")
    with left, st.container(key="heads"):
        _show_chart(
            view,
            layer_heads_figure(attention),
            kind="picture",
            ratio=attention.shape[0] / attention.shape[1],
            key="layer_heads",
            alt="Attention of the class token, one picture for each encoder and head",
        )
    right.caption(
        "What the class token looks at in the frame of this hour: one row an encoder, one column a "
        "head, one logarithmic colour scale for all. Nothing is rolled out. To lay the map of some "
        "encoders or of one head over the magnetogram, open “Settings of the map” on the left."
    )


def _show_norms(view: View, heat: HeatView) -> None:
    """Draw the norms of the last encoder's tokens and how much of the map lies on artefacts."""
    found = explained(view, "token-norms")
    assert found.maps is not None
    assert found.flagged is not None
    left, right = st.columns([2, 3], gap="medium")
    with left, st.container(key="norms"):
        _show_chart(
            view,
            token_norms_figure(found.maps[-1], found.flagged[-1]),
            kind="picture",
            ratio=1.0,
            key="token_norms",
            alt="Norm of each token at the output of the last encoder",
        )
    with right:
        st.markdown(plain(norms_sentence(found, heat.maps)))
        st.caption(
            "Large transformers may use a few tokens of plain background as scratch paper; their "
            "norm is many times the others', and a map that lies on them shows nothing of the "
            "region (Darcet et al. 2024). Flagged: above 3 times the median of the sequence."
        )

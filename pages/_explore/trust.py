"""What stands behind a map: which hours mattered, where it lies, whether it is faithful."""

from collections.abc import Callable, Hashable
from functools import partial
from pathlib import Path
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
from analysis.cases.marks import (
    Mark,
    check_map,
    faithful_mark,
    hours_mark,
    place_hours,
    place_mark,
    score_hours,
)
from hnn_core.explanation.faithfulness_result import Faithfulness
from hnn_core.explanation.randomised import RandomisedCheck
from pages._explore.downloads import figure_words
from pages._explore.view import HeatView, View, explained, view_key
from pages._shared import caches
from pages._shared.background import Found, at_rest, kept, offer
from pages._shared.charts import show_chart
from pages._shared.link import bound, linked, one_of, publish, restore
from pages._shared.messages import plain
from pages._shared.widgets import choose, show_table

__all__ = ["show_trust"]


_HOURS = {"last": "those of the last hour", "all": "those of all hours (ten times as long)"}
_QUESTIONS = {
    "hours": "Which hours mattered",
    "place": "Where the map lies",
    "faithful": "Is it faithful?",
    "layers": "Layers and heads",
    "norms": "Artefact tokens",
}
_MARKS = {"hours": "Hours", "place": "PIL", "faithful": "Faithful"}
_ICONS = {
    "yes": "check_circle",
    "no": "cancel",
    "unsure": "help",
    "unknown": "remove",
    "pending": "hourglass_empty",
    "more": "more_horiz",
}
_REST = st.components.v2.component(
    "hnn_rest",
    js=(Path(__file__).parents[2] / "assets" / "viewer" / "rest.js").read_text(encoding="utf-8"),
)


def show_trust(view: View, heat: HeatView | None) -> None:
    """Draw the three marks, computed while a person rests at the hour, and the detail of one."""
    restore("trust", "none", one_of(("none", *_QUESTIONS), "question"))
    publish("trust")
    chosen = st.session_state["trust"]
    _show_marks(view, heat, chosen)
    if chosen == "none":
        return
    with st.container(key="trust_detail"):
        _choose_question(chosen)
        if heat is None:
            st.info(plain(_no_map(view)), icon=":material/info:")
            return
        {
            "hours": _show_hours,
            "place": _show_place,
            "faithful": _show_faithful,
            "layers": _show_layers,
            "norms": _show_norms,
        }[chosen](view, heat)


@st.fragment
def _show_marks(view: View, heat: HeatView | None, chosen: str) -> None:
    """Draw a mark for each question; while some are computed the browser asks again."""
    begin = st.session_state.pop("at_rest_now", False)
    works = {} if heat is None else _works(view, heat)
    keys = {name: key for name, (key, _, _) in works.items()}
    found = at_rest(
        tuple(keys.values()), {key: work for key, work, _ in works.values()}, begin=begin
    )
    results = dict(zip(works, found, strict=True))
    marks = {
        name: _mark(view, title, results.get(name), works[name][2] if name in works else None)
        for name, title in _MARKS.items()
    }
    more = Mark("more", "More", "Layers and heads, and tokens that may be artefacts.")
    with st.container(key="trust", horizontal=True, gap="xsmall"):
        pressed = [_show_mark(*one, chosen) for one in (marks | {"layers": more}).items()]
    busy = any(one.busy for one in found)
    st.session_state["rest_tick"] = tick = st.session_state.get("rest_tick", 0) + 1
    _REST(key="rest", data={"pending": busy, "tick": tick}, on_again_change=_note_rest)
    if any(pressed):
        st.rerun()


def _note_rest() -> None:
    st.session_state["at_rest_now"] = True


def _show_mark(name: str, mark: Mark, chosen: str) -> bool:
    """Draw a mark as the button that opens its detail, or closes it."""
    pending = mark.state == "pending"
    return st.button(
        f":gray[{plain(mark.verdict)}]" if pending else plain(mark.verdict),
        key=f"mark_{name}",
        icon=f":material/{_ICONS[mark.state]}:",
        help=plain(mark.words),
        type="primary" if name == chosen else "secondary",
        on_click=st.session_state.update,
        args=({"trust": "none" if name == chosen else name},),
    )


def _mark(view: View, title: str, found: Found | None, judge: Callable[[Any], Mark] | None) -> Mark:
    if found is None or judge is None:
        return Mark.unknown(title, _no_map(view))
    if found.busy:
        so_far = found.words.partition(", about")[0] or "to be computed …"
        words = found.words or "It begins when you stay at this hour for a second."
        return Mark("pending", f"{title}: {so_far}", words)
    return Mark.unknown(title, found.words) if found.result is None else judge(found.result)


def _no_map(view: View) -> str:
    if view.prediction is None:
        return f"There is no prediction at this hour. {view.reason}"
    return "There is no map yet; make it first."


def _works(
    view: View, heat: HeatView
) -> dict[str, tuple[Hashable, tuple[str, str, Callable[..., Any]], Callable[[Any], Mark]]]:
    """Key, work and judge of each mark that can be had; see `at_rest`."""
    predictor, sequence, choice = caches.predictor(view.selection.model), heat.sequence, heat.choice
    place = partial(place_hours, heat.maps, sequence.frames, heat.box.size)
    works: dict[str, Any] = {
        "place": (
            _place_key(view, heat),
            ("Comparing with random regions", "frames", place),
            lambda hours: place_mark(hours[-1]),
        )
    }
    if view.prediction is not None:
        scores = partial(score_hours, predictor, sequence, choice.target)
        works["hours"] = (
            _hours_key(view, heat),
            ("Scoring the hours", "frames", scores),
            hours_mark,
        )
        works["faithful"] = (
            view_key(view, "faithful", choice, "last", False),
            ("Hiding and showing tokens", "frames", _checks(view, heat, "last", False)),
            lambda both: faithful_mark(*both),
        )
    return works


def _hours_key(view: View, heat: HeatView) -> Hashable:
    return view_key(view, "hours", heat.choice.target)


def _place_key(view: View, heat: HeatView) -> Hashable:
    return view_key(view, "place", heat.choice)


def _choose_question(chosen: str) -> None:
    """Draw the heading of the detail, where another question can be chosen."""
    st.session_state["trust_question"] = chosen

    def follow() -> None:
        st.session_state["trust"] = st.session_state["trust_question"]

    with st.container(horizontal=True, vertical_alignment="center"):
        choose(
            st.segmented_control,
            "Can the map be trusted?",
            {name: plain(label) for name, label in _QUESTIONS.items()},
            key="trust_question",
            required=True,
            on_change=follow,
            label_visibility="collapsed",
        )
        st.button(
            "Close",
            key="trust_close",
            icon=":material/close:",
            type="tertiary",
            on_click=st.session_state.update,
            args=({"trust": "none"},),
        )


def _show_chart(view: View, figure: go.Figure, *, alt: str, **more: Any) -> None:
    simulated = view.selection.region.simulated
    words = figure_words(view.selection, view, alt, "magnetogram", "network")
    more |= {"simulated": simulated, "words": words}
    show_chart(figure, alt=f"{view.name}: {alt}", **more)


def _show_hours(view: View, heat: HeatView) -> None:
    target = heat.choice.target
    scores = kept(_hours_key(view, heat)) or [
        explained(view, method, target=target) for method in HOUR_METHODS
    ]
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
    hours = kept(_place_key(view, heat))
    if hours is None:
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
        "same |B|. A p just under 0.05 means little: of maps that follow |B| alone 5 to 16 % get "
        "one (the project's benchmarks)."
    )


def _show_faithful(view: View, heat: HeatView) -> None:
    """Draw what to check, the button, and what the check found."""
    if view.prediction is None:
        st.info("There is no prediction at this hour that a map could be faithful to.")
        return
    label = "Tokens that are hidden"
    hours = linked(
        st.radio,
        label,
        {name: plain(words) for name, words in _HOURS.items()},
        key="faithful_hours",
        read="choice of hours",
        horizontal=True,
    )
    cascade = bound(
        st.toggle,
        "Randomise the network part by part",
        key="faithful_cascade",
        value=False,
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
    fill = linked(
        st.segmented_control,
        "Hidden tokens show",
        {"zero": "no field", "blurred": "the blurred field"},
        key="faithful_fill",
        read="field of hidden tokens",
        required=True,
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
    return partial(
        check_map,
        caches.predictor(view.selection.model),
        heat.sequence,
        heat.choice.method,
        heat.explanation,
        hours=hours,
        cascade=cascade,
        **heat.choice.options,
    )


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

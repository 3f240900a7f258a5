"""All windows of a source: do slopes tell the classes apart, and do the maps lie at the PIL."""

from collections.abc import Hashable
from typing import Any

import streamlit as st

from analysis.survey import expected_windows, survey
from analysis.survey_overlap import map_survey
from hnn_core.dataset.classes import FLARE_CLASSES
from hnn_core.dataset.labels import DEFAULT_POLICY, POLICIES
from hnn_core.live.newest import newest
from hnn_core.sources import Region
from pages import _caches
from pages._background import Task, busy, finished, forget, start, wait_for
from pages._cases_many_results import show_maps, show_slopes
from pages._labels import region_label
from pages._selectors import Selection

__all__ = ["show_many"]

_POLICY_WORDS = {
    DEFAULT_POLICY: "no CME linked counts as confined (the paper's)",
    "strict": "no CME linked counts as unknown",
}


def show_many(selection: Selection) -> None:
    """Draw what to take, the buttons, and the results there are."""
    st.markdown("## Many cases")
    st.caption(
        "Every window of ten hours of the chosen regions is measured as a case is; regions, not "
        "windows, are the units of chance."
    )
    asked = _choose(selection)
    for kind, label, words in (
        ("slopes", "Measure slopes", "Trends of all windows; about a second for ten windows."),
        (
            "maps",
            "Take maps",
            f"Rollout and relevance of {selection.model.name}, window by window.",
        ),
    ):
        key = _key(kind, selection, asked)
        st.markdown("### " + ("Flux slopes by class" if kind == "slopes" else "Where the maps lie"))
        if finished(key) is None and not busy(key):
            st.button(
                label,
                key=f"many_{kind}",
                icon=":material/play_arrow:",
                type="primary",
                help=words,
                on_click=_begin,
                args=(kind, key, selection, asked),
            )
        result = wait_for(key, f"many_{kind}")
        if result is not None:
            (show_slopes if kind == "slopes" else show_maps)(result, selection)
            st.button("Measure anew", key=f"again_{kind}", on_click=forget, args=(key,))


def _choose(selection: Selection) -> dict[str, Any]:
    """Draw what is to be taken."""
    regions = {region.id: region for region in selection.source.regions()}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.multiselect(
            "Regions",
            list(regions),
            format_func=lambda name: region_label(regions[name]),
            key="many_regions",
            placeholder=f"all {len(regions)} of this source",
            width="stretch",
            persist_state="session",
        )
        flare_class = st.selectbox(
            "Flares that count",
            FLARE_CLASSES,
            index=FLARE_CLASSES.index(selection.model.flare_class),
            format_func="≥{}".format,
            key="many_class",
            width=160,
            persist_state="session",
        )
        step = st.number_input(
            "Hours between windows",
            1,
            48,
            4,
            key="many_step",
            width=200,
            help="With 1, neighbouring windows share nine frames.",
            persist_state="session",
        )
        policy = st.selectbox(
            "Flares in DONKI without a CME",
            list(POLICIES),
            format_func=_POLICY_WORDS.__getitem__,
            key="many_policy",
            width=360,
            persist_state="session",
        )
    _tell_extent([regions[name] for name in chosen or regions], step)
    return {
        "regions": tuple(chosen),
        "flare_class": flare_class,
        "step": int(step),
        "policy": policy,
    }


def _tell_extent(regions: list[Region], step: int) -> None:
    st.caption(f"{len(regions)} regions, about {expected_windows(regions, step):,} windows.")


def _key(kind: str, selection: Selection, asked: dict[str, Any]) -> Hashable:
    spec = selection.source.spec
    own = selection.model.sha256 if kind == "maps" else ""
    return (kind, spec, newest(spec), own, tuple(asked.items()))


def _begin(kind: str, key: Hashable, selection: Selection, asked: dict[str, Any]) -> None:
    """Start the work; all that it needs of the caches is taken before."""
    source, regions = selection.source, asked["regions"] or None
    common = {"policy": asked["policy"], "step": asked["step"]}
    if kind == "slopes":
        flare_class = asked["flare_class"]

        def slopes(task: Task) -> Any:
            return survey(
                source,
                regions,
                flare_class=flare_class,
                progress=task.tell,
                cancel=task.cancel,
                **common,
            )

        start(key, "Measuring slopes", "regions", slopes)
        return
    predictor = _caches.predictor(selection.model)

    def maps(task: Task) -> Any:
        return map_survey(
            source, predictor, regions, progress=task.tell, cancel=task.cancel, **common
        )

    start(key, "Taking maps", "regions", maps)

"""All windows of a source: do slopes tell the classes apart, and do the maps lie at the PIL.

What many windows say, as figures, tests and tables to take along.
"""

from collections.abc import Hashable
from typing import Any

import pandas as pd
import streamlit as st

from analysis.surveys.compare import (
    QUANTITIES,
    compare_columns,
    comparison_sentence,
    comparison_table,
    found_trends,
    overlap_table,
)
from analysis.surveys.figures_slopes import effect_sizes_figure, slope_distributions_figure
from analysis.surveys.maps import class_overlaps, flat_rows, map_survey
from analysis.surveys.survey import expected_windows, survey
from hnn_core.exceptions import HnnError
from hnn_core.regions.base import Region
from hnn_core.regions.goes_classes import FLARE_CLASSES
from hnn_core.regions.labels import DEFAULT_POLICY, POLICIES
from hnn_core.sources.jsoc import newest
from pages._shared import caches
from pages._shared.background import Task, busy, finished, forget, start, wait_for
from pages._shared.charts import show_chart
from pages._shared.messages import region_label
from pages._shared.selectors import Selection

__all__ = ["show_many", "show_maps", "show_slopes"]


_COLUMNS = ("moving_unsigned_slope_percent_per_h", "patch_unsigned_slope_percent_per_h")
_HEADINGS = {"said": "By what the network said", "outcome": "By what happened"}


def show_slopes(table: pd.DataFrame, selection: Selection) -> None:
    """Draw the distributions of slopes by class and what chance would do."""
    compared = None
    try:
        compared = compare_columns(table)
    except HnnError as error:
        st.info(f"No comparison: {error}", icon=":material/info:")
    if compared is not None:
        for column in _COLUMNS:
            row = compared[compared["column"] == column].iloc[0]
            st.markdown(comparison_sentence(row))
    for side, column in zip(st.columns(2, gap="medium"), _COLUMNS, strict=True):
        with side:
            show_chart(
                slope_distributions_figure(table, column),
                key=f"many_{column}",
                filename=f"slopes {column}",
                alt=f"{QUANTITIES[column]} of {len(table)} windows by outcome",
            )
    if compared is not None:
        st.dataframe(comparison_table(compared), hide_index=True, key="many_compared")
        left, right = st.columns([3, 2], gap="medium")
        with left:
            show_chart(
                effect_sizes_figure(compared),
                key="many_effects",
                simulated=bool(table["simulated"].all()),
                filename="effect sizes",
                alt="Cliff's delta of each compared quantity with its 95 % interval",
            )
        right.caption(
            "Differences are eruptive less confined; each region counts once. p: "
            f"{compared['draws'].iloc[0]:,} permutations of labels over regions. q: false "
            "discovery rate over the rows (Benjamini & Hochberg). Cliff's δ: how much more often "
            "an eruptive region has the larger value; −1 and 1 are complete separation. Filled "
            "points: q ≤ 0.05."
        )
    _tell_policy(selection)
    _show_found(table)
    _offer(table, f"survey {selection.source.spec}", "slopes")


def _tell_policy(selection: Selection) -> None:
    """Say what confined means here, where that is not known by itself."""
    if not selection.source.simulated:
        st.caption(
            "“Confined” follows the choice above: by the paper's policy it holds flares that are "
            "in DONKI with no CME linked, which is not the same as known to be confined."
        )


def _show_found(table: pd.DataFrame) -> None:
    found = found_trends(table)
    with st.expander(
        "Windows with a significant trend of their own, after false-discovery control"
    ):
        st.dataframe(found, hide_index=True, key="many_found")
        st.caption("Benjamini & Yekutieli at 5 %, which holds for overlapping windows too.")


def show_maps(table: pd.DataFrame, selection: Selection) -> None:
    """Draw the overlaps of the maps with the PIL, by what was said and by what happened."""
    st.caption(
        "Share of each map's positive mass in the RoPI, in the hull and within 10 Mm of the PIL, "
        "against random regions of the same area and |B|. Each region counts once. Rollout is the "
        "same whatever is predicted; relevance is that of the class eruptive."
    )
    for side, (by, heading) in zip(st.columns(2, gap="medium"), _HEADINGS.items(), strict=True):
        with side:
            st.markdown(f"**{heading}**")
            st.dataframe(
                overlap_table(class_overlaps(table, by)), hide_index=True, key=f"many_maps_{by}"
            )
    st.caption(
        "Of maps that follow |B| alone, 6 to 12 % get p ≤ 0.05 (benchmarks/RESULTS.md): a p just "
        "under 0.05 means little."
    )
    _tell_policy(selection)
    _offer(flat_rows(table), f"maps {selection.source.spec}", "maps")


def _offer(table: pd.DataFrame, name: str, key: str) -> None:
    stem = "".join(letter if letter.isalnum() else "_" for letter in name)
    with st.container(horizontal=True):
        for kind, make in (
            ("csv", lambda: table.to_csv(index=False).encode()),
            ("parquet", lambda: table.to_parquet(index=False)),
        ):
            st.download_button(
                f"All windows, {kind}",
                make,
                f"{stem}.{kind}",
                key=f"many_{key}_{kind}",
                icon=":material/download:",
                on_click="ignore",
            )


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
    predictor = caches.predictor(selection.model)

    def maps(task: Task) -> Any:
        return map_survey(
            source, predictor, regions, progress=task.tell, cancel=task.cancel, **common
        )

    start(key, "Taking maps", "regions", maps)

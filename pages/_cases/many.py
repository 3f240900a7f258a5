"""All windows of a source: slopes by class, maps at the PIL, and the truth of simulated regions."""

from collections.abc import Callable, Hashable
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from analysis.export import table_csv
from analysis.surveys.compare import (
    QUANTITIES,
    compare_columns,
    comparison_sentence,
    comparison_table,
    found_trends,
    overlap_table,
)
from analysis.surveys.figures_slopes import effect_sizes_figure, slope_distributions_figure
from analysis.surveys.figures_validation import measured_against_true_figure, trust_figure
from analysis.surveys.maps import class_overlaps, flat_rows, map_survey
from analysis.surveys.survey import expected_windows, survey
from analysis.surveys.validation import validate, validation_table
from hnn_core.exceptions import HnnError
from hnn_core.regions.goes_classes import FLARE_CLASSES
from pages._shared import caches
from pages._shared.background import discard, discard_refused, offer
from pages._shared.charts import show_chart
from pages._shared.link import bound, linked
from pages._shared.messages import MASK_WORDS, POLICY_WORDS, plain, region_label
from pages._shared.selectors import Selection, choose_population
from pages._shared.widgets import download, show_facts, show_table

__all__ = ["show_many", "show_truth"]

_COLUMNS = ("moving_unsigned_slope_percent_per_h", "patch_unsigned_slope_percent_per_h")
_HEADINGS = {"said": "By what was predicted", "outcome": "By what happened"}
_MASKS = {name: words for name, words in MASK_WORDS.items() if name != "patch"}
_STEP = 6
_POPULATION = "2:40"
"""Regions that no model here was trained on; sixteen are too few to compare longitudes."""


def show_many(selection: Selection) -> None:
    """Draw what to take, the buttons, and the results there are."""
    st.markdown("## Many cases")
    st.caption(
        "Every window of ten hours of the chosen regions is measured as a case is; regions, not "
        "windows, are the units of chance."
    )
    wanted, windows = _choose(selection)
    state, model = caches.Place(selection.source.spec, "").state, selection.model
    st.markdown("### Flux slopes by class")
    words = "Trends of all windows; about a second for ten windows."
    work = partial(survey, selection.source, **wanted)
    key: Hashable = ("slopes", state, *wanted.items())
    labels = ("Measure slopes", "Measuring slopes", words)
    _measure(selection, "slopes", key, labels, lambda: work, windows)
    st.markdown("### Where the maps lie")
    key = ("maps", state, model.sha256, *wanted.items())
    words = f"Rollout and relevance of {model.name}, window by window."
    del wanted["flare_class"]  # maps are of the model's own class
    _measure(
        selection,
        "maps",
        key,
        ("Compute maps", "Computing maps", words),
        lambda: partial(map_survey, selection.source, caches.predictor(model), **wanted),
        windows,
    )


def show_truth(selection: Selection) -> None:
    """Draw the population, the progress and the result."""
    del selection
    st.markdown("## Against the truth")
    st.caption(
        "The simulator knows how much flux cancels at the PIL of its regions. The same detector "
        "and the same slopes as for real regions are compared with it. A measured decline that "
        "follows the truth can rank regions; whether it is a rate, the gain shows."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        source = choose_population(
            "Simulated population",
            "truth",
            _POPULATION,
            placeholder="the 16 that come with the program",
            help="Seed and number of regions. About a second for each region.",
            width=340,
        )
        mask: Any = linked(
            st.selectbox, "PIL mask", _MASKS, key="truth_mask", read="mask", width=300
        )
    key = ("truth", source.spec)
    work = partial(validation_table, source, step=_STEP)
    title, unit = "Measuring simulated regions", "regions"
    windows = expected_windows(source.regions(), _STEP)
    table = offer(
        "Measure", "truth_start", key, title, unit, lambda: work, windows=windows, type="primary"
    )
    if table is None:
        return
    found = validate(table, mask)
    st.success(plain(found.statement), icon=":material/fact_check:")
    left, right = st.columns([3, 2], gap="medium")
    with left:
        show_chart(
            measured_against_true_figure(table, found),
            key=f"truth_scatter_{mask}",
            alt="Measured decline of PIL flux against the true cancellation rate",
        )
    with right:
        show_chart(
            trust_figure(found),
            key=f"truth_trust_{mask}",
            alt="Correlation with the truth by longitude and threshold",
        )
    with st.expander("Numbers"):
        show_facts(found.table(), "truth_numbers")
    with st.container(horizontal=True):
        download("All windows, CSV", lambda: table_csv(table), "validation.csv", "truth_csv")
        kept = discard_refused(key)
        st.button(
            "Measure anew",
            key="truth_again",
            disabled=bool(kept),
            help=plain(kept) or None,
            on_click=discard,
            args=(key,),
        )


def _measure(
    selection: Selection,
    name: str,
    key: Hashable,
    words: tuple[str, str, str],
    prepare: Callable[[], Callable[..., Any]],
    windows: int,
) -> None:
    """Draw the button of a survey, by its label, title and help, and the result there is."""
    label, title, text = words
    more = {"type": "primary", "help": plain(text)}
    table = offer(
        plain(label), f"many_{name}", key, title, "regions", prepare, windows=windows, **more
    )
    if table is not None:
        {"slopes": _show_slopes, "maps": _show_maps}[name](table, selection)
        kept = discard_refused(key)
        st.button(
            "Measure anew",
            key=f"again_{name}",
            disabled=bool(kept),
            help=plain(kept) or None,
            on_click=discard,
            args=(key,),
        )


def _choose(selection: Selection) -> tuple[dict[str, Any], int]:
    """Draw what is to be taken; return it and how many windows it has."""
    regions = {region.id: region for region in selection.source.regions()}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = bound(
            st.multiselect,
            "Regions",
            list(regions),
            format_func=lambda name: region_label(regions[name]),
            key="many_regions",
            value=[],
            placeholder=f"all {len(regions)} of this source",
            width="stretch",
        )
        flare_class = linked(
            st.selectbox,
            "Flares that count",
            FLARE_CLASSES,
            default=selection.model.flare_class,
            format_func="≥{}".format,
            key="many_class",
            read="class",
            width=160,
        )
        step = bound(
            st.number_input,
            "Hours between windows",
            1,
            48,
            key="many_step",
            value=4,
            width=200,
            help="With 1, neighbouring windows share nine frames.",
        )
        policy = linked(
            st.selectbox,
            "Flares with no CME linked in DONKI",
            POLICY_WORDS,
            key="many_policy",
            read="policy",
            width=360,
        )
    extent = expected_windows([regions[name] for name in chosen or regions], step)
    st.caption(f"{len(chosen or regions):d} regions, about {extent:,} windows.")
    wanted = {
        "regions": tuple(chosen) or None,
        "flare_class": flare_class,
        "step": int(step),
        "policy": policy,
    }
    return wanted, extent


def _show_slopes(table: pd.DataFrame, selection: Selection) -> None:
    """Draw the distributions of slopes by class and what chance would do."""
    compared = None
    try:
        compared = compare_columns(table)
    except HnnError as error:
        st.info(f"No comparison: {plain(error)}", icon=":material/info:")
    if compared is not None:
        for column in _COLUMNS:
            row: Any = compared[compared["column"] == column].iloc[0]
            st.markdown(plain(comparison_sentence(row)))
    for side, column in zip(st.columns(2, gap="medium"), _COLUMNS, strict=True):
        with side:
            show_chart(
                slope_distributions_figure(table, column),
                key=f"many_{column}",
                alt=f"{QUANTITIES[column]} of {len(table)} windows by outcome",
            )
    if compared is not None:
        show_facts(comparison_table(compared), "many_compared")
        left, right = st.columns([3, 2], gap="medium")
        with left:
            show_chart(
                effect_sizes_figure(compared),
                key="many_effects",
                simulated=bool(table["simulated"].any()),
                alt="Cliff's delta of each compared quantity with its 95 % interval",
            )
        right.caption(
            "Differences are eruptive less confined; each region counts once. p: "
            f"{compared['draws'].iloc[0]:,} permutations of labels over regions. q: false "
            "discovery rate over the rows (Benjamini & Hochberg). Cliff's δ: how much more often "
            "an eruptive region has the larger value; −1 and 1 are complete separation. Filled "
            "points: q ≤ 0.05."
        )
    _show_policy(selection)
    with st.expander(
        "Windows with a significant trend of their own, after false-discovery control"
    ):
        show_table(found_trends(table), "many_found")
        st.caption("Benjamini & Yekutieli at 5 %, which holds for overlapping windows too.")
    _show_files(table, f"survey {selection.source.spec}", "slopes")


def _show_policy(selection: Selection) -> None:
    """Draw what confined means here, where that is not known by itself."""
    if not selection.source.simulated:
        st.caption(
            "“Confined” follows the choice above: by the paper's policy it holds flares with "
            "no CME linked in DONKI, which is not the same as known to be confined."
        )


def _show_maps(table: pd.DataFrame, selection: Selection) -> None:
    """Draw the overlaps of the maps with the PIL, by prediction and by what happened."""
    st.caption(
        "Share of each map's positive mass in the RoPI, in the hull and within 10 Mm of the PIL, "
        "against random regions of the same area and |B|. Each region counts once. Rollout is the "
        "same whatever is predicted; relevance is that of the class eruptive."
    )
    for side, (by, heading) in zip(st.columns(2, gap="medium"), _HEADINGS.items(), strict=True):
        with side:
            st.markdown(f"**{plain(heading)}**")
            show_facts(overlap_table(class_overlaps(table, by)), f"many_maps_{by}")
    st.caption(
        "Of maps that follow |B| alone, 5 to 16 % get p ≤ 0.05 (the project's benchmarks): a p "
        "just under 0.05 means little."
    )
    _show_policy(selection)
    _show_files(flat_rows(table), f"maps {selection.source.spec}", "maps")


def _show_files(table: pd.DataFrame, name: str, key: str) -> None:
    stem = "".join(letter if letter.isalnum() else "_" for letter in name)
    with st.container(horizontal=True):
        csv, parquet = (f"{stem}.{kind}" for kind in ("csv", "parquet"))
        download("All windows, CSV", lambda: table_csv(table), csv, f"many_{key}_csv")
        download(
            "All windows, parquet",
            lambda: table.to_parquet(index=False),
            parquet,
            f"many_{key}_parquet",
        )

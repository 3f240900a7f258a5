"""What many windows say, as figures, tests and tables to take along."""

import pandas as pd
import streamlit as st

from analysis import figures
from analysis.survey_compare import compare_columns, found_trends
from analysis.survey_overlap import class_overlaps, flat_rows
from analysis.survey_words import QUANTITIES, comparison_sentence, comparison_table, overlap_table
from hnn_core.exceptions import HnnError
from pages._charts import is_dark, show_chart
from pages._selectors import Selection

__all__ = ["show_maps", "show_slopes"]

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
                figures.slope_distributions(
                    table, column, dark=is_dark(), simulated=bool(table["simulated"].all())
                ),
                key=f"many_{column}",
                filename=f"slopes {column}",
                alt=f"{QUANTITIES[column]} of {len(table)} windows by outcome",
            )
    if compared is not None:
        st.dataframe(comparison_table(compared), hide_index=True, key="many_compared")
        left, right = st.columns([3, 2], gap="medium")
        with left:
            show_chart(
                figures.effect_sizes(compared, dark=is_dark()),
                key="many_effects",
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

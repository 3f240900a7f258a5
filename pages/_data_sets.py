"""The data sets on this machine: their counts beside the paper's, and what was left out."""

import streamlit as st

from hnn_core.dataset import DatasetInfo, list_datasets
from pages._data_words import plain
from pages._training_data import COUNTS

__all__ = ["show_sets"]


def show_sets() -> None:
    """Draw the list and, of the chosen data set, what is in it."""
    st.markdown("### On this machine")
    found, skipped = list_datasets()
    for one in skipped:
        st.caption(f":material/block: {plain(one.reason)}")
    if not found:
        st.caption("There is no data set yet.")
        return
    st.caption("Frames are hours of regions; sequences those that have a label.")
    chosen = st.dataframe(
        [_row(info) for info in found],
        hide_index=True,
        key="data_sets",
        on_select="rerun",
        selection_mode="single-row-required",
        height="content",
    )
    rows = [row for row in chosen.selection.rows if row < len(found)]
    _show_set(found[rows[0] if rows else 0])


def _row(info: DatasetInfo) -> dict[str, object]:
    return {
        "name": info.name,
        "source": info.source,
        "policy": info.policy,
        "regions": info.card.get("regions"),
        "frames": info.card.get("frames"),
        "sequences": info.card.get("sequences"),
        "simulated": "yes" if info.simulated else "no",
        "SHA-256": info.sha256,
    }


def _show_set(info: DatasetInfo) -> None:
    st.markdown(f"#### {plain(info.name)} beside the paper's Table 1")
    st.dataframe(_counts(info), hide_index=True, placeholder="–", key="data_set_counts")
    if info.simulated:
        st.caption("Simulated data: these counts say nothing about the Sun.")
    st.page_link("pages/training.py", label="Train on it", icon=":material/model_training:")
    st.markdown("#### Hours left out, and why")
    excluded = info.card.get("excluded") or {}
    if excluded:
        rows = [{"hours": count, "why": why} for why, count in excluded.items()]
        st.dataframe(rows, hide_index=True, key="data_set_excluded", width="content")
    else:
        st.caption("None.")


def _counts(info: DatasetInfo) -> list[dict[str, object]]:
    rows = []
    for flare_class, own in info.counts.items():
        paper = info.card.get("paper_table1", {}).get(flare_class, {})
        for whose, counts in ((info.name, own), ("the paper", paper)):
            words = {name: counts.get(key) for key, name in COUNTS.items()}
            rows.append({"class": f"≥{flare_class}", "of": whose} | words)
    return rows

"""What stands behind a map: which hours mattered, where it lies, whether it is faithful."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from analysis import figures
from analysis.explained_case import HOUR_METHODS, combine_hours, hour_overlaps
from analysis.map_words import overlap_rows
from pages import _caches
from pages._charts import is_dark, show_chart
from pages._link import one_of, publish, restore
from pages._map_view import HeatView, explained
from pages._trust_faithful import show_faithful
from pages._trust_layers import show_layers, show_norms
from pages._view import View

__all__ = ["show_trust"]


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
    rows = {title: overlap_rows(found) for title, found in both.items()}
    table = pd.concat(rows, names=["hours"]).reset_index("hours")
    st.dataframe(table, hide_index=True, key="overlap_table")
    st.caption(
        "Share of the map's positive mass, against 1000 random regions of the same area and the "
        "same |B|. A p just under 0.05 means little: of maps that follow |B| alone 6 to 12 % get "
        "one (benchmarks/RESULTS.md)."
    )

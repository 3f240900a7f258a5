"""Below the magnetogram: fluxes of the ten hours, and everything over the whole passage."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pandas as pd
import streamlit as st

from analysis.figures.flux import flux_bars_figure, flux_history_figure
from analysis.figures.passage import probability_figure
from analysis.physics.flux import size_note
from analysis.physics.window_fluxes import area_note, common_parts
from hnn_core.exceptions import FitsError, PositionError
from hnn_core.live.reporting import counted
from hnn_core.magnetogram.conventions import parse_t_rec
from pages._explore.downloads import figure_words
from pages._explore.view import View
from pages._shared import caches
from pages._shared.charts import show_chart
from pages._shared.messages import plain
from pages._shared.selectors import Selection
from pages._shared.widgets import show_table

__all__ = ["flux_history", "show_area", "show_flux_bars", "show_flux_line", "show_probabilities"]

_HEIGHT = 280
_PATIENCE = 0.4
"""Seconds before a bar shows how far the work is."""


def show_probabilities(selection: Selection, hour: str) -> None:
    """Draw P(eruptive) of every hour of the passage, computed at the first visit."""
    region = selection.region
    with _progress("Predicting the passage") as show:
        table = caches.passage(selection.model, selection.place, show)
    if table.empty:
        st.info("No hour of this passage has a sequence, so there is no P(eruptive) to draw.")
    else:
        show_chart(
            probability_figure(
                table,
                threshold=selection.model.config.threshold,
                current=parse_t_rec(hour),
                flares=region.flares,
                height=_HEIGHT,
            ),
            key="passage",
            simulated=region.simulated,
            alt=f"P(eruptive) over the passage of {region.id}",
            words=figure_words(
                *(selection, None, "P(eruptive) over the passage", "magnetogram", "network")
            ),
        )
    if notes := table.attrs["notes"]:
        with st.expander(f"{plain(counted(len(notes), 'note'))} on the records of this passage"):
            show_table([{"note": note} for note in notes], "passage_notes")
    if absent := table.attrs["absent"]:
        with st.expander(f"{plain(counted(len(absent), 'hour'))} without a prediction"):
            rows = [{"hour (TAI)": hour, "why": why} for hour, why in absent.items()]
            show_table(rows, "absent")


def flux_history(selection: Selection, records: Mapping[str, str]) -> pd.DataFrame:
    """Return the fluxes of every hour of the passage, measuring those not yet known.

    Hours whose record breaks are left out, and named.
    """
    rows, broken = [], []
    with _progress("Measuring fluxes") as show:
        for done, (hour, t_rec) in enumerate(records.items(), start=1):
            try:
                rows.append(caches.flux_row(selection.place, t_rec))
            except (FitsError, PositionError) as error:
                broken.append({"hour (TAI)": hour, "why": str(error)})
            show(done, len(records))
    if broken:
        hours = counted(len(broken), "hour")
        with st.expander(f"{plain(hours)} left out", icon=":material/broken_image:"):
            show_table(broken, "left_out")
    history = pd.DataFrame(rows)
    if rows and (note := size_note(history)):
        st.caption(f":material/crop_free: Passage: {plain(note)}")
    return history


def show_area(view: View | None) -> None:
    """Write which area the bars of the sequence's hours count, where the patch changes its box."""
    if view is None or view.sequence is None:
        return
    frames = view.sequence.frames
    if note := area_note([frame.shape for frame in frames], common_parts(frames)):
        st.caption(f":material/crop_free: Bars: {plain(note)}")


def show_flux_bars(view: View | None, name: str, title: str) -> None:
    """Draw a flux of the sequence's hours as bars in the colour of the prediction."""
    if view is None or view.sequence is None:
        st.info(f"{plain(title)}: no sequence ends at this hour, so there are no bars.")
        return
    length = len(view.sequence)
    table = caches.sequence_flux(view.place, view.hour, length)
    show_chart(
        flux_bars_figure(
            table, column=f"{name}_unsigned_flux_mx", positive=view.eruptive, height=_HEIGHT
        ),
        key=f"bars_{name}",
        simulated=view.selection.region.simulated,
        alt=f"{title} of the {length} hours up to {view.hour} TAI",
        words=figure_words(
            *(view.selection, view, f"{title} of the {length} hours", "magnetogram", "pil", "flux")
        ),
    )


def show_flux_line(
    selection: Selection, hour: str, history: pd.DataFrame, view: View | None, name: str, title: str
) -> None:
    """Draw a flux over the passage, the sequence's hours shaded."""
    if history.empty:
        st.info(f"{plain(title)}: no hour of this passage could be measured.")
        return
    region = selection.region
    hours = view.sequence.hours if view and view.sequence else None
    show_chart(
        flux_history_figure(
            history,
            columns=[f"{name}_unsigned_flux_mx"],
            current=parse_t_rec(hour),
            window=None if hours is None else (hours[0], hours[-1]),
            flares=region.flares,
            height=_HEIGHT,
        ),
        key=f"line_{name}",
        simulated=region.simulated,
        alt=f"{title} over the passage of {region.id}",
        words=figure_words(
            *(selection, None, f"{title} over the passage", "magnetogram", "pil", "flux")
        ),
    )


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar once work takes noticeable time, until it is done."""
    place, begun = st.empty(), time.monotonic()

    def show(done: int, total: int) -> None:
        if time.monotonic() - begun > _PATIENCE:
            place.progress(done / total, f"{plain(what)}: {done:d} of {total:d} magnetograms …")

    try:
        yield show
    finally:
        place.empty()

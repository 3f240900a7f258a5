"""Below the magnetogram: fluxes of the ten hours, and everything over the whole passage."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pandas as pd
import streamlit as st
from astropy.time import Time

from analysis.figures.flux import flux_bars_figure, flux_history_figure
from analysis.figures.passage import (
    keyword_history_figure,
    probability_figure,
    stacked_figure,
)
from analysis.figures.vector import mark_computed
from analysis.physics.flux import size_note
from analysis.physics.keywords import SHARP_KEYWORDS, computed_history, keyword_history
from analysis.physics.sharp_parameters import UNITS
from analysis.physics.window_fluxes import area_note, common_parts
from hnn_core.exceptions import FitsError, PositionError
from hnn_core.live.reporting import counted
from hnn_core.magnetogram.conventions import parse_t_rec
from hnn_core.regions.base import Region
from pages._explore.downloads import figure_words
from pages._explore.transport import time_scale, time_span
from pages._explore.view import View
from pages._shared import caches
from pages._shared.charts import show_chart
from pages._shared.link import bound
from pages._shared.messages import plain
from pages._shared.selectors import Selection
from pages._shared.widgets import show_table

__all__ = ["Histories", "read_histories", "show_area", "show_flux_bars", "show_histories"]

_HEIGHT = 280
_PATIENCE = 0.4
"""Seconds before a bar shows how far the work is."""


@dataclass(frozen=True)
class Histories:
    """What is known of every hour of a passage, one row a record or a sequence."""

    probability: pd.DataFrame
    """Of `hnn_core.network.passage`."""
    flux: pd.DataFrame
    """Of `analysis.physics.flux.flux_history`; hours whose record breaks are left out."""
    keywords: pd.DataFrame
    """Of `analysis.physics.keywords.keyword_history`."""
    records: tuple[str, ...]
    """T_REC of the rows of `keywords`."""


def read_histories(selection: Selection, records: Mapping[str, str]) -> Histories:
    """Compute and measure what is not yet known of the passage; name what is left out."""
    with _progress("Predicting the passage") as show:
        table = caches.passage(selection.model, selection.place, show)
    rows, headers, times, broken = [], [], [], []
    with _progress("Measuring fluxes") as show:
        for done, (hour, t_rec) in enumerate(records.items(), start=1):
            try:
                rows.append(caches.flux_row(selection.place, t_rec))
                headers.append(caches.keyword_row(selection.place, t_rec))
                times.append(t_rec)
            except (FitsError, PositionError) as error:
                broken.append({"hour (TAI)": hour, "why": str(error)})
            show(done, len(records))
    if broken:
        hours = counted(len(broken), "hour")
        with st.expander(f"{plain(hours)} left out", icon=":material/broken_image:"):
            show_table(broken, "left_out")
    kept = keyword_history(Time(times, format="isot", scale="tai"), headers) if times else None
    kept = pd.DataFrame() if kept is None else kept
    return Histories(table, pd.DataFrame(rows), kept, tuple(times))


def show_histories(
    selection: Selection, hour: str, view: View | None, found: Histories
) -> pd.DataFrame:
    """Draw P(eruptive), fluxes and keywords of the passage over one axis of time.

    Returns
    -------
    DataFrame
        Of `analysis.physics.keywords.computed_history`, while keywords are drawn; else empty.
    """
    region, place = selection.region, st.container()
    chosen = _choose_keywords(region, found.keywords, bool(caches.with_vector(selection.place)))
    rows = []
    if not found.probability.empty:
        threshold = selection.model.config.threshold
        rows.append(probability_figure(found.probability, threshold=threshold))
    if not found.flux.empty:
        columns = [f"{name}_unsigned_flux_mx" for name in ("pil", "total")]
        rows += [flux_history_figure(found.flux, columns=[column]) for column in columns]
    computed = _computed(selection, found.records) if chosen else pd.DataFrame()
    for name in chosen:
        unit, meaning = SHARP_KEYWORDS[name]
        history = found.keywords
        if name not in history:
            history = history.assign(**{name: float("nan")})
        row = keyword_history_figure(history, name, unit, meaning)
        rows.append(mark_computed(row, computed, name, unit))
    hours = view.sequence.hours if view and view.sequence else None
    with place:
        if found.probability.empty:
            st.info("No hour of this passage has a sequence, so there is no P(eruptive) to draw.")
        if found.flux.empty:
            st.info("No hour of this passage could be measured, so there is no flux to draw.")
        if rows:
            figure = stacked_figure(
                rows,
                name=region.id,
                scale=time_scale(),
                span=time_span(),
                current=parse_t_rec(hour),
                window=None if hours is None else (hours[0], hours[-1]),
                flares=region.flares,
            )
            show_chart(
                figure,
                key="histories",
                simulated=region.simulated,
                alt=f"P(eruptive), fluxes and keywords over the passage of {region.id}",
                words=figure_words(
                    *(selection, None, "P(eruptive) and fluxes over the passage"),
                    *("magnetogram", "network", "pil", "flux"),
                ),
            )
    if not computed.empty:
        st.caption("Diamonds: computed here from the field vector of the record.")
    _show_notes(found)
    return computed


def _computed(selection: Selection, records: Sequence[str]) -> pd.DataFrame:
    """Compute the parameters of the hours that have a vector; name what cannot be."""
    place = selection.place
    there = [t_rec for t_rec in records if t_rec in caches.with_vector(place)]
    times, rows, broken = [], [], []
    with _progress("Computing SHARP parameters") as show:
        for done, t_rec in enumerate(there, start=1):
            try:
                rows.append(caches.parameters(place, t_rec))
                times.append(t_rec)
            except (FitsError, PositionError, ValueError) as error:
                broken.append(str(error))
            show(done, len(there))
    if broken:
        hours = counted(len(broken), "hour")
        st.caption(f"No parameters could be computed at {plain(hours)}: {plain(broken[0])}")
    if not rows:
        return pd.DataFrame()
    return computed_history(Time(times, format="isot", scale="tai"), rows)


def _choose_keywords(region: Region, keywords: pd.DataFrame, vectors: bool) -> list[str]:
    """Draw the choice of the keywords that the records have, or vectors give; maybe none."""
    names = list(keywords.columns[1:])
    if vectors and not keywords.empty:
        names = [name for name in SHARP_KEYWORDS if name in names or name in UNITS]
    elif region.simulated:
        st.caption("Simulated regions have no SHARP keywords.")
        return []
    if not names:
        st.caption("The headers of these records hold no SHARP keywords.")
        return []
    chosen = bound(
        st.multiselect,
        "SHARP keywords",
        names,
        key="keywords",
        value=[],
        placeholder="Choose keywords to draw",
        help="As they stand in the headers of the records, of the vector field and of the "
        "pixels that the pipeline chose. Diamonds are computed here, at the hours whose record "
        "has its field vector. Units are those that the values have: mean gradients per pixel of "
        "0.03°, where the series states Mm, and SAVNCPP per square arcsecond.",
    )
    return list(chosen)


def _show_notes(found: Histories) -> None:
    """List what there is to know of the records, and the hours without a prediction."""
    if found.flux.size and (note := size_note(found.flux)):
        st.caption(f":material/crop_free: Passage: {plain(note)}")
    table = found.probability
    if notes := table.attrs["notes"]:
        with st.expander(f"{plain(counted(len(notes), 'note'))} on the records of this passage"):
            show_table([{"note": note} for note in notes], "passage_notes")
    if absent := table.attrs["absent"]:
        with st.expander(f"{plain(counted(len(absent), 'hour'))} without a prediction"):
            rows = [{"hour (TAI)": hour, "why": why} for hour, why in absent.items()]
            show_table(rows, "absent")


def show_area(view: View | None) -> None:
    """Write which field and which area the bars of the sequence's hours count, where it matters."""
    if view is None or view.sequence is None:
        return
    if caches.with_vector(view.place):
        st.caption(
            "Fluxes, here and over the passage, are those of the line-of-sight field, in the RoPI "
            "of that field, whatever is chosen for the picture."
        )
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

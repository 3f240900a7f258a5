"""Below the magnetogram: fluxes of the ten hours, and everything over the whole passage."""

import time
from collections.abc import Callable, Mapping

import pandas as pd
import streamlit as st

from analysis.figures.flux import flux_bars_figure, flux_history_figure
from analysis.figures.passage import probability_figure
from hnn_core.exceptions import FitsError, PositionError
from hnn_core.magnetogram.conventions import parse_t_rec
from pages._explore.view import View
from pages._shared import caches
from pages._shared.caches import passage
from pages._shared.charts import show_chart
from pages._shared.selectors import Selection

__all__ = ["flux_history", "show_flux_bars", "show_flux_line", "show_probabilities"]

_HEIGHT = 280
_PATIENCE = 0.4
"""Seconds before a bar tells how far the work is."""


def show_probabilities(selection: Selection, hour: str) -> None:
    """Draw the probability of every hour of the passage, computed at the first visit."""
    region = selection.region
    with _Progress("Predicting the passage") as tell:
        table = passage(selection.model, selection.source.spec, region.id, tell)
    if table.empty:
        st.info("No hour of this passage has a sequence, so there is no probability to draw.")
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
            filename=f"{region.id} probability",
            alt=f"Probability of an eruptive flare over the passage of {region.id}",
        )
    if absent := table.attrs["absent"]:
        with st.expander(f"{len(absent)} hours without a prediction"):
            st.dataframe(
                {"hour (TAI)": list(absent), "why": list(absent.values())}, hide_index=True
            )


def flux_history(selection: Selection, records: Mapping[str, str]) -> pd.DataFrame:
    """Return the fluxes of every hour of the passage, measuring those not yet known.

    Hours whose record breaks are left out, and named.
    """
    rows, broken = [], []
    with _Progress("Measuring fluxes") as tell:
        for done, (hour, t_rec) in enumerate(records.items(), start=1):
            try:
                rows.append(caches.flux_row(selection.source.spec, selection.region.id, t_rec))
            except (FitsError, PositionError) as error:
                broken.append(f"{hour}: {error}")
            tell(done, len(records))
    if broken:
        st.caption(":material/broken_image: Left out: " + " ".join(broken))
    return pd.DataFrame(rows)


def show_flux_bars(view: View | None, name: str, title: str) -> None:
    """Draw a flux of the sequence's hours as bars in the colour of the prediction."""
    if view is None or view.sequence is None:
        st.info(f"{title}: no sequence ends at this hour, so there are no bars.")
        return
    selection, hour, length = view.selection, view.hour, len(view.sequence)
    table = caches.sequence_flux(selection.source.spec, selection.region.id, hour, length)
    show_chart(
        flux_bars_figure(
            table,
            column=f"{name}_unsigned_flux_mx",
            positive=view.eruptive,
            height=_HEIGHT,
        ),
        key=f"bars_{name}",
        simulated=selection.region.simulated,
        filename=f"{selection.region.id} {hour} {name} flux bars",
        alt=f"{title} of the {length} hours up to {hour} TAI",
    )


def show_flux_line(
    selection: Selection,
    hour: str,
    history: pd.DataFrame,
    view: View | None,
    name: str,
    title: str,
) -> None:
    """Draw a flux over the passage, the sequence's hours shaded."""
    if history.empty:
        st.info(f"{title}: no hour of this passage could be measured.")
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
        filename=f"{region.id} {name} flux",
        alt=f"{title} over the passage of {region.id}",
    )


class _Progress:
    """A bar that appears when work takes noticeable time, and goes when it is done."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.place = st.empty()
        self.begun = time.monotonic()

    def __enter__(self) -> Callable[[int, int], None]:
        return self.tell

    def tell(self, done: int, total: int) -> None:
        if time.monotonic() - self.begun > _PATIENCE:
            self.place.progress(done / total, f"{self.what}: {done} of {total} magnetograms …")

    def __exit__(self, *_: object) -> None:
        self.place.empty()

"""Below the magnetogram: fluxes of the ten hours, and everything over the whole passage."""

import time
from collections.abc import Callable, Mapping

import pandas as pd
import streamlit as st

from analysis import figures
from hnn_core.exceptions import FitsError, PositionError
from hnn_core.prediction import Prediction
from hnn_core.sequence import Sequence
from hnn_core.tai import parse_t_rec
from pages import _caches
from pages._charts import is_dark, show_chart
from pages._selectors import Selection

__all__ = ["flux_history", "show_flux", "show_probabilities"]

FLUXES = {"pil": "PIL unsigned flux", "total": "Total unsigned flux"}
_PATIENCE = 0.4
"""Seconds before a bar tells how far the work is."""


def show_probabilities(selection: Selection, hour: str) -> None:
    """Draw the probability of every hour of the passage, computed at the first visit."""
    region, spec = selection.region, selection.source.spec
    with _Progress("Predicting the passage") as tell:
        table = _caches.passage(selection.model, spec, region.id, tell)
    if table.empty:
        st.info("No hour of this passage has a sequence, so there is no probability to draw.")
        return
    show_chart(
        figures.probability(
            table,
            threshold=selection.model.config.threshold,
            current=parse_t_rec(hour),
            flares=region.flares,
            dark=is_dark(),
            simulated=region.simulated,
            height=270,
        ),
        key="passage",
        filename=f"{region.id} probability",
        alt=f"Probability that the coming flare is eruptive over the passage of {region.id}",
    )
    if absent := table.attrs["absent"]:
        with st.expander(f"{len(absent)} hours without a prediction"):
            st.dataframe(
                {"hour (TAI)": list(absent), "why": list(absent.values())}, hide_index=True
            )


def flux_history(selection: Selection, hours: Mapping[str, str]) -> pd.DataFrame:
    """Return the fluxes of every hour of the passage, measuring those not yet known.

    Hours whose record breaks are left out, and named.
    """
    rows, broken = [], []
    with _Progress("Measuring fluxes") as tell:
        for done, (hour, t_rec) in enumerate(hours.items(), start=1):
            try:
                rows.append(_caches.flux_row(selection.source.spec, selection.region.id, t_rec))
            except (FitsError, PositionError) as error:
                broken.append(f"{hour}: {error}")
            tell(done, len(hours))
    if broken:
        st.caption(":material/broken_image: Left out: " + " ".join(broken))
    return pd.DataFrame(rows)


def show_flux(
    selection: Selection,
    hour: str,
    history: pd.DataFrame,
    sequence: Sequence | None,
    prediction: Prediction | None,
) -> None:
    """Draw each flux as ten bars beside its line over the passage."""
    region = selection.region
    window = None if sequence is None else (sequence.hours[0], sequence.hours[-1])
    shared = {"dark": is_dark(), "simulated": region.simulated, "height": 280}
    for name, title in FLUXES.items():
        column = f"{name}_unsigned_flux_mx"
        left, right = st.columns([2, 3], gap="medium")
        with left:
            if sequence is None:
                st.info(f"{title}: no sequence ends at this hour, so there are no ten bars.")
            else:
                table = _caches.sequence_flux(
                    selection.source.spec, region.id, hour, len(sequence.frames)
                )
                positive = prediction is not None and prediction.label == "eruptive"
                show_chart(
                    figures.flux_bars(table, column=column, positive=positive, **shared),
                    key=f"bars_{name}",
                    filename=f"{region.id} {hour} {name} flux bars",
                    alt=f"{title} of the {len(sequence.frames)} hours up to {hour} TAI",
                )
        with right:
            show_chart(
                figures.flux_history(
                    history,
                    columns=[column],
                    current=parse_t_rec(hour),
                    window=window,
                    flares=region.flares,
                    **shared,
                ),
                key=f"line_{name}",
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

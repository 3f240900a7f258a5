"""One hour and the chosen map of the network, read once; and an hour packed for the viewer."""

import math
from collections.abc import Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from analysis.figures.packed_frame import frame_geometry, pack_arrows, pack_frame
from analysis.physics.pil import PilMasks, detect_pils
from hnn_core.exceptions import (
    FitsError,
    HnnError,
    OffLimbError,
    PositionError,
    SequenceError,
)
from hnn_core.jsoc.keywords import NEAR_REAL_TIME
from hnn_core.magnetogram.conventions import refusal
from hnn_core.magnetogram.grid import Place
from hnn_core.magnetogram.magnetogram import Magnetogram
from hnn_core.magnetogram.preprocess import (
    CropBox,
    PreprocessConfig,
    crop_boxes,
    tokens_to_patch,
)
from hnn_core.regions.well_known import reference_hour
from hnn_core.sources.sequence import Sequence
from pages._explore.controls import FieldChoice, MapChoice
from pages._shared import caches
from pages._shared.background import offer
from pages._shared.selectors import Selection

if TYPE_CHECKING:
    from hnn_core.explanation.service import Explanation
    from hnn_core.network.predictor import Prediction

__all__ = [
    "HeatView",
    "View",
    "explained",
    "first_hour",
    "pack_hour",
    "read_heat",
    "read_view",
    "view_key",
]

_TRIED = 48
"""Hours tried for a prediction before a region opens without one."""


@dataclass(frozen=True)
class View:
    """One hour of the selected region through the selected model."""

    selection: Selection
    hour: str
    """ISO minutes, TAI."""
    t_rec: str
    """Of the record, as the caches know it."""
    frame: Magnetogram
    masks: PilMasks | None
    """None where they are to be those of Br and there is no field vector to be read."""
    box: CropBox
    """What the network sees of the frame."""
    sequence: Sequence | None
    maps: np.ndarray | None
    """Attention rollout, (T, g, g)."""
    prediction: "Prediction | None"
    reason: str
    """Why there is no prediction; empty if there is one."""

    field: FieldChoice

    @property
    def place(self) -> caches.Place:
        """The region as the caches know it."""
        return self.selection.place

    @property
    def name(self) -> str:
        """Of the region and the hour, for files."""
        return f"{self.selection.region.id} {self.hour}"

    @property
    def eruptive(self) -> bool:
        """Whether the prediction is positive."""
        return self.prediction is not None and self.prediction.label == "eruptive"


def first_hour(selection: Selection, records: Mapping[str, str]) -> str:
    """Choose the hour that a region opens on, one with a prediction if there is any.

    Without running the network: the magnetogram is drawn before torch has been imported.

    Parameters
    ----------
    selection : Selection
    records : mapping of str to str
        T_REC of the record of each hour, ascending, as of `caches.hours`.

    Returns
    -------
    str
        On the disk now the newest hour with a prediction; elsewhere the hour before a flare that
        `reference_hour` chooses, or the nearest before it with one, or after it. Without any
        prediction the first hour in that order whose record can be read.
    """
    hours, place, model = list(records), selection.place, selection.model
    now = selection.source.spec == NEAR_REAL_TIME.spec
    wanted = hours[-1] if now else reference_hour(hours, selection.region)
    start = hours.index(wanted) + 1
    readable = ""
    for hour in [*hours[:start][::-1], *hours[start:]][:_TRIED]:
        try:
            sequence = caches.sequence(place, hour, model.config.frames)
        except (SequenceError, PositionError, FitsError):
            with suppress(PositionError, FitsError):
                if not readable and caches.record(place, records[hour]):
                    readable = hour
        else:
            readable = readable or hour
            if not refusal(sequence.longitude):
                return hour
    return readable or wanted


def read_view(selection: Selection, hour: str, t_rec: str, field: FieldChoice) -> View:
    """Read an hour whose record is the one at `t_rec`.

    Raises
    ------
    FitsError, PositionError
        The record itself cannot be shown. Whatever else is missing stands in `View.reason`.
    """
    place, model = selection.place, selection.model
    frame = caches.record(place, t_rec)
    sequence = maps = prediction = None
    reason = ""
    try:
        sequence = caches.sequence(place, hour, model.config.frames)
        maps = caches.rollout(model, place, hour)
        prediction = caches.prediction(model, place, hour)
    except (SequenceError, PositionError) as error:
        reason = str(error)
    return View(
        selection=selection,
        hour=hour,
        t_rec=t_rec,
        frame=frame,
        masks=_masks(place, t_rec, field),
        box=crop_boxes([frame], PreprocessConfig.from_dict(model.config.preprocess).crop)[0],
        sequence=sequence,
        maps=maps,
        prediction=prediction,
        reason=reason,
        field=field,
    )


def _masks(place: caches.Place, t_rec: str, field: FieldChoice) -> PilMasks | None:
    """Inversion lines of the chosen field; None of Br where there is no vector to be read."""
    if field.pil == "los":
        return caches.masks(place, t_rec)
    if t_rec in caches.with_vector(place):
        with suppress(FitsError, OffLimbError):  # the section on the vector says why
            return caches.radial_masks(place, t_rec)
    return None


@st.cache_data(
    max_entries=128,
    ttl=3600,
    hash_funcs={caches.Place: lambda place: place.state},
    show_spinner=False,
)
def pack_hour(
    place: caches.Place, t_rec: str, first: str, shown: FieldChoice, there: bool
) -> tuple[dict[str, Any], list[bytes]]:
    """Pack a record for the viewer.

    Parameters
    ----------
    place : Place
    t_rec, first : str
        Of the record, and of that of the region's first hour.
    shown : FieldChoice
    there : bool
        Whether the record has its field vector.

    Returns
    -------
    tuple of dict and list of bytes
        Facts for the header; the field with the masks, and arrows where there is a vector.
    """
    drawn = mag = caches.record(place, t_rec)
    masks, note, arrows = _masks(place, t_rec, shown), "", []
    if masks is None:
        masks, note = detect_pils(np.zeros(mag.shape)), "no field vector, so no PIL of Br"
    try:
        vector = caches.vector(place, t_rec) if there else None
    except (FitsError, OffLimbError):
        if shown.field != "los":
            raise
        vector, note = None, "the field vector of this hour cannot be read"
    if vector is not None:
        arrows = [pack_arrows(vector)]
        if shown.field == "br":
            drawn = vector.place
        if shown.field == "inclination":
            drawn = replace(mag, field=10.0 * vector.inclination)
    facts = {
        "shown": shown.field,
        "pil": shown.pil,
        "note": note,
        "geometry": frame_geometry(mag),
        "mm": math.sqrt(mag.pixel_area.to_value("Mm2")),
        "origin": _origin(place, t_rec, first),
        "simulated": mag.simulated,
    }
    return facts, [pack_frame(drawn, masks), *arrows]


def _origin(place: caches.Place, t_rec: str, first: str) -> list[int]:
    """Row and column of a record's first pixel on the array of the region's first hour."""
    with suppress(HnnError):
        on = Place.of(caches.record(place, first))
        row, col = Place.of(caches.record(place, t_rec)).corner_on(on)
        return [round(row), round(col)]
    return [0, 0]


@dataclass(frozen=True)
class HeatView:
    """A map of every hour of the sequence."""

    choice: MapChoice
    sequence: Sequence
    maps: np.ndarray
    """(T, g, g)"""
    box: CropBox
    """What the network sees of the last frame."""
    explanation: "Explanation | None"
    """None for the paper's rollout, which comes with the prediction."""

    @property
    def signed(self) -> bool:
        """Whether negative values speak against the class."""
        return self.explanation is not None and self.explanation.signed

    @cached_property
    def heats(self) -> list[np.ndarray]:
        """On each patch's pixels, one for each frame; NaN where the network saw nothing."""
        boxes = crop_boxes(self.sequence.frames, self.box.size)
        return [tokens_to_patch(*one) for one in zip(self.maps, boxes, strict=True)]


def read_heat(view: View, choice: MapChoice) -> HeatView | None:
    """Return the map, or None where there is none yet: occlusion takes long, after a button."""
    sequence = view.sequence
    if sequence is None:
        return None
    if choice.plain:
        return None if view.maps is None else HeatView(choice, sequence, view.maps, view.box, None)
    if choice.method == "occlusion":
        found = _occluded(view, sequence, choice) if view.prediction else None
    else:
        try:
            found = explained(view, choice.method, **choice.options)
        except (SequenceError, PositionError):
            return None  # the card shows why there is no prediction
    if found is None or found.maps is None:
        return None
    return HeatView(choice, sequence, found.maps, view.box, found)


def explained(view: View, method: str, **options: Any) -> "Explanation":
    """Explain the shown prediction by a method that takes a second or so."""
    return caches.explained(view.selection.model, view.place, view.hour, method, **options)


def view_key(view: View, *more: Hashable) -> Hashable:
    """Everything that a result about the shown prediction depends on."""
    return (view.selection.model.sha256, view.place.state, view.hour, *more)


def _occluded(view: View, sequence: Sequence, choice: MapChoice) -> "Explanation | None":
    from hnn_core.explanation.service import explain

    found: Explanation | None = offer(
        "Make the occlusion map",
        "occlusion_start",
        view_key(view, "map", choice),
        "Hiding blocks of tokens",
        "frames",
        lambda: partial(
            explain,
            caches.predictor(view.selection.model),
            sequence,
            choice.method,
            **choice.options,
        ),
        help="Each block of each hour is hidden in turn, and the network runs again.",
    )
    return found

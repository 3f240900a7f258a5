"""Everything that is shown of one hour, read once through the caches.

The chosen map of the shown hour, on tokens and on the patch.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import streamlit as st

from analysis.physics.pil import PilMasks
from hnn_core.exceptions import PositionError, SequenceError
from hnn_core.explanation.service import Explanation, explain
from hnn_core.magnetogram.magnetogram import Magnetogram
from hnn_core.magnetogram.preprocess import CropBox, PreprocessConfig, tokens_to_patch
from hnn_core.network.model_store import ModelInfo
from hnn_core.network.predictor import Prediction
from hnn_core.sources.jsoc import newest
from hnn_core.sources.sequence import Sequence
from pages._explore.controls import MapChoice
from pages._shared import caches
from pages._shared.background import Task, busy, finished, start, wait_for
from pages._shared.selectors import Selection

__all__ = ["HeatView", "View", "explained", "read_heat", "read_view", "view_key"]


@dataclass(frozen=True)
class View:
    """One hour of the selected region through the selected model."""

    selection: Selection
    hour: str
    """ISO minutes, TAI."""
    frame: Magnetogram
    masks: PilMasks
    box: CropBox
    """What the network sees of the frame."""
    sequence: Sequence | None
    maps: np.ndarray | None
    """Attention rollout, (T, g, g)."""
    prediction: Prediction | None
    reason: str
    """Why there is no prediction; empty if there is one."""

    @property
    def eruptive(self) -> bool:
        """Whether the prediction is positive."""
        return self.prediction is not None and self.prediction.label == "eruptive"


def read_view(selection: Selection, hour: str, t_rec: str) -> View:
    """Read an hour whose record is the one at `t_rec`.

    Raises
    ------
    FitsError, PositionError
        The record itself cannot be shown. Whatever else is missing is told in `View.reason`.
    """
    spec, region, model = selection.source.spec, selection.region.id, selection.model
    frame = caches.record(spec, region, t_rec)
    sequence = maps = prediction = None
    reason = ""
    try:
        sequence = caches.sequence(spec, region, hour, model.config.frames)
        maps = caches.rollout(model, spec, region, hour)
        prediction = caches.prediction(model, spec, region, hour)
    except (SequenceError, PositionError) as error:
        reason = str(error)
    return View(
        selection=selection,
        hour=hour,
        frame=frame,
        masks=caches.masks(spec, region, t_rec),
        box=CropBox.centred(frame.shape, PreprocessConfig.from_dict(model.config.preprocess).crop),
        sequence=sequence,
        maps=maps,
        prediction=prediction,
        reason=reason,
    )


_BY_WEIGHTS = {ModelInfo: lambda info: (info.name, info.sha256)}


@dataclass(frozen=True)
class HeatView:
    """A map of every hour of the sequence."""

    choice: MapChoice
    maps: np.ndarray
    """(T, g, g)"""
    box: CropBox
    explanation: Explanation | None
    """None for the paper's rollout, which comes with the prediction."""

    @property
    def signed(self) -> bool:
        """Whether negative values speak against the class."""
        return self.explanation is not None and self.explanation.signed

    @cached_property
    def heats(self) -> list[np.ndarray]:
        """On the patch's pixels, one for each frame; NaN where the network saw nothing."""
        return [tokens_to_patch(tokens, self.box) for tokens in self.maps]


def read_heat(view: View, choice: MapChoice) -> HeatView | None:
    """Return the map; None where there is none yet, which is then said.

    Occlusion takes long and waits for a button.
    """
    if view.sequence is None:
        return None
    if choice.plain:
        return None if view.maps is None else HeatView(choice, view.maps, view.box, None)
    if choice.method == "occlusion":
        found = _occluded(view, choice)
    else:
        try:
            found = explained(view, choice.method, **choice.options)
        except (SequenceError, PositionError):
            return None  # the card says why there is no prediction
    if found is None or found.maps is None:
        return None
    return HeatView(choice, found.maps, view.box, found)


def explained(view: View, method: str, **options: Any) -> Explanation:
    """Explain the shown prediction by a method that takes a second or so."""
    selection = view.selection
    spec, region = selection.source.spec, selection.region.id
    return _explained(
        selection.model,
        spec,
        region,
        view.hour,
        method,
        tuple(sorted(options.items())),
        newest(spec, region),
    )


@st.cache_data(ttl=3600, max_entries=128, hash_funcs=_BY_WEIGHTS, show_spinner="Asking how …")
def _explained(
    info: ModelInfo,
    spec: str,
    region: str,
    hour: str,
    method: str,
    options: tuple[tuple[str, Any], ...],
    state: int,
) -> Explanation:
    del state
    sequence = caches.sequence(spec, region, hour, info.config.frames)
    return explain(caches.predictor(info), sequence, method, **dict(options))


def view_key(view: View, *more: Hashable) -> Hashable:
    """Everything that a result about the shown prediction depends on."""
    spec, region = view.selection.source.spec, view.selection.region.id
    sha256 = view.selection.model.sha256
    return (sha256, spec, region, view.hour, newest(spec, region), *more)


def _occluded(view: View, choice: MapChoice) -> Explanation | None:
    key = view_key(view, "map", choice)
    if finished(key) is None and not busy(key):
        if view.prediction is None:
            return None
        st.button(
            "Make the occlusion map",
            key="occlude",
            icon=":material/play_arrow:",
            help="Each block of each hour is hidden in turn, and the network asked again.",
            on_click=_begin,
            args=(key, view, choice),
        )
    found: Explanation | None = wait_for(key, "occlusion")
    return found


def _begin(key: Hashable, view: View, choice: MapChoice) -> None:
    predictor, sequence = caches.predictor(view.selection.model), view.sequence
    assert sequence is not None

    def work(task: Task) -> Explanation:
        return explain(
            predictor,
            sequence,
            choice.method,
            progress=task.tell,
            cancel=task.cancel,
            **choice.options,
        )

    start(key, "Hiding blocks of tokens", "frames", work)

"""The chosen map of the shown hour, on tokens and on the patch."""

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import streamlit as st

from hnn_core.exceptions import PositionError, SequenceError
from hnn_core.explanation.explanation import Explanation
from hnn_core.explanation.service import explain
from hnn_core.live.newest import newest
from hnn_core.model_store import ModelInfo
from hnn_core.preprocess import CropBox, tokens_to_patch
from pages import _caches
from pages._background import Task, busy, finished, start, wait_for
from pages._map_choice import MapChoice
from pages._view import View

__all__ = ["HeatView", "explained", "read_heat", "view_key"]

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
    sequence = _caches.sequence(spec, region, hour, info.config.frames)
    return explain(_caches.predictor(info), sequence, method, **dict(options))


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
    predictor, sequence = _caches.predictor(view.selection.model), view.sequence
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

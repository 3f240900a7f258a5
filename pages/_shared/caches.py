"""What the pages keep between runs: plain functions of the floors below, behind caches.

Frames and masks are read-only and shared between sessions, without a copy at every step; what is
small is copied. A record is known by its T_REC, written as ISO time, TAI, and by the size and time
of its file; what rests on several records by those of all files of the region. Files are looked at
once a run (`look_again`). The network is imported where it is called: torch takes seconds, and
magnetograms need not wait for it.
"""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd
import streamlit as st
from astropy.time import Time
from streamlit.delta_generator import DeltaGenerator

from analysis.physics import keywords
from analysis.physics.flux import frame_flux
from analysis.physics.pil import PilMasks, detect_pils
from analysis.physics.sharp_parameters import SharpParameters, sharp_parameters
from analysis.physics.window_fluxes import common_parts
from hnn_core.exceptions import FitsError
from hnn_core.live.reporting import duration
from hnn_core.magnetogram.conventions import iso_minute, parse_t_rec
from hnn_core.magnetogram.magnetogram import Magnetogram
from hnn_core.magnetogram.sequence_plan import sequence_hours
from hnn_core.magnetogram.vector import VectorMagnetogram
from hnn_core.network.model_store import SHIPPED, ModelInfo, list_models
from hnn_core.regions.base import SkippedFile, Source, VectorSource
from hnn_core.sources import open_source
from hnn_core.sources.changes import Stamp, folder_state, record_stamps, source_state
from hnn_core.sources.sequence import Sequence, build_sequence, shown_hour
from hnn_core.storage import home
from pages._shared.access import require_few, require_folder
from pages._shared.messages import plain
from pages._shared.upload import require_own

if TYPE_CHECKING:
    from hnn_core.explanation.service import Explanation
    from hnn_core.network.predictor import Prediction, Predictor

__all__ = [
    "Place",
    "attention",
    "explained",
    "flux_row",
    "hour_shown",
    "hours",
    "keyword_row",
    "look_again",
    "masks",
    "models",
    "parameters",
    "passage",
    "prediction",
    "predictor",
    "radial_masks",
    "record",
    "rollout",
    "sequence",
    "sequence_flux",
    "sequence_masks",
    "source",
    "vector",
    "with_vector",
]


T = TypeVar("T")


@dataclass(frozen=True)
class Place:
    """A region of a source; the caches of what rests on several records see its newest file too."""

    spec: str
    """Of the source, as `open_source` takes it."""
    region: str

    @property
    def state(self) -> tuple[str, str, int]:
        """Changes when a file of the region comes, goes or is replaced."""
        found = hash(tuple(_stamps(self).items())) if self.region else _source_state(self.spec)
        return self.spec, self.region, found


_FRAMES = 96
"""Frames kept: two passages of 48 hours, 1 to 4 MB each, 16 MB at most."""
_VECTORS = 4
"""Field vectors kept, eight arrays of 1 MB each."""
_PASSAGES = 32
_MANY_HEADERS = 500
_LOOKED = "files_looked_at"
_KNOWN_BY: dict[str | type[Any], Callable[[Any], Any]] = {
    ModelInfo: lambda info: (info.name, info.sha256),
    Place: lambda place: place.state,
}


def look_again() -> None:
    """Look at files anew from here on; app.py calls it once at the start of every run."""
    st.session_state[_LOOKED] = {}


def _looked(key: Hashable, look: Callable[[], T]) -> T:
    """Return what was seen in this run under a key, looking where nothing was."""
    seen: dict[Hashable, Any] = st.session_state.setdefault(_LOOKED, {})
    if key not in seen:
        seen[key] = look()
    found: T = seen[key]
    return found


def _source_state(spec: str) -> int:
    return _looked(spec, lambda: source_state(spec))


def _stamps(place: Place) -> dict[str, Stamp]:
    return _looked(place, lambda: record_stamps(source(place.spec), place.region))


def source(spec: str) -> Source:
    """Open a source; anew once a file of it came, went or was replaced.

    What another session uploaded is refused, as are folders that this one may not open, and
    populations that would take the server's time from the others.
    """
    require_own(spec)
    require_folder(spec)
    require_few(spec)
    return _source(spec, _source_state(spec))


@st.cache_resource(ttl=3600, max_entries=4, show_spinner=False)  # it would cover the progress
def _source(spec: str, state: int) -> Source:
    del state
    return open_source(spec, _headers_read())


def _headers_read() -> Callable[[int, int], None]:
    """Return what draws how many headers of a large folder are read, with the time left."""
    begun = time.monotonic()
    place: list[DeltaGenerator] = []

    def show(done: int, total: int) -> None:
        if not place and total < _MANY_HEADERS:
            return
        if not place:
            place.append(st.empty())
        if done >= total:
            place[0].empty()
        elif done:
            left = (time.monotonic() - begun) / done * (total - done)
            text = f"Headers read: {done:d} of {total:d}, {plain(duration(left))} left"
            place[0].progress(done / total, text=text)

    return show


def models() -> tuple[list[ModelInfo], list[SkippedFile]]:
    """Models that ship with the program and the user's own, and folders that are none."""
    parents = SHIPPED, home() / "models"
    return _models(str(parents[1]), _looked(parents, lambda: folder_state(*parents)))


@st.cache_resource(max_entries=1, show_spinner=False)
def _models(folder: str, state: int) -> tuple[list[ModelInfo], list[SkippedFile]]:
    del folder, state
    return list_models()


@st.cache_resource(max_entries=2, hash_funcs=_KNOWN_BY, show_spinner="Loading the model …")
def predictor(info: ModelInfo) -> "Predictor":
    """Load a model; other weights under the same name are another model."""
    from hnn_core.network.predictor import Predictor

    return Predictor.load(info.folder)


@st.cache_data(ttl=3600, max_entries=64, hash_funcs=_KNOWN_BY, show_spinner=False)
def hours(place: Place) -> dict[str, str]:
    """Every hour of a passage that has a good record (ISO minutes, TAI), with its T_REC."""
    opened = source(place.spec)
    times = opened.times(place.region)
    planned = sequence_hours(times, opened.quality(place.region), length=1)
    return {
        iso_minute(hour): str(times[plan.slots[0].left].isot)
        for hour, plan in planned
        if not isinstance(plan, Exception)
    }


def hour_shown(place: Place, text: str) -> str:
    """Return the hour, ISO minutes, TAI, by which a time is known; a text that is none as it is."""
    try:
        time = parse_t_rec(text)
    except ValueError:
        return text
    return iso_minute(shown_hour(source(place.spec), place.region, time))


def record(place: Place, t_rec: str) -> Magnetogram:
    """One magnetogram of a source."""
    return _record(place, t_rec, _stamps(place).get(t_rec))


@st.cache_resource(ttl=3600, max_entries=_FRAMES, show_spinner=False)
def _record(place: Place, t_rec: str, file: Stamp | None) -> Magnetogram:
    del file
    return source(place.spec).frame(place.region, parse_t_rec(t_rec))


@st.cache_resource(ttl=3600, max_entries=16, hash_funcs=_KNOWN_BY, show_spinner=False)
def sequence(place: Place, hour: str, length: int) -> Sequence:
    """Build the sequence of `length` hours that ends at one; real frames are shared records."""

    def frame(region: str, time: Time) -> Magnetogram:
        return record(Place(place.spec, region), str(time.tai.isot))

    end = parse_t_rec(hour)
    return build_sequence(source(place.spec), place.region, end, length, frame=frame)


def masks(place: Place, t_rec: str) -> PilMasks:
    """Polarity inversion lines of a record."""
    return _masks(place, t_rec, _stamps(place).get(t_rec))


@st.cache_resource(ttl=3600, max_entries=_FRAMES, show_spinner=False)
def _masks(place: Place, t_rec: str, file: Stamp | None) -> PilMasks:
    del file
    return detect_pils(record(place, t_rec).field)


def with_vector(place: Place) -> frozenset[str]:
    """T_REC of the records of a region whose field vector is there."""
    return _with_vector(place, _source_state(place.spec))


@st.cache_data(ttl=3600, max_entries=64, show_spinner=False)
def _with_vector(place: Place, state: int) -> frozenset[str]:
    del state
    opened = source(place.spec)
    if not isinstance(opened, VectorSource):
        return frozenset()
    there = opened.has_vector(place.region)
    return frozenset(map(str, opened.times(place.region)[there].isot))


def vector(place: Place, t_rec: str) -> VectorMagnetogram:
    """Field vector of a record that has one, on the pixels of its magnetogram; else FitsError."""
    return _vector(place, t_rec, _source_state(place.spec))


@st.cache_resource(ttl=3600, max_entries=_VECTORS, show_spinner=False)
def _vector(place: Place, t_rec: str, state: int) -> VectorMagnetogram:
    del state
    opened = source(place.spec)
    assert isinstance(opened, VectorSource)  # `with_vector` has the record
    found = opened.vector(place.region, parse_t_rec(t_rec))
    if found.shape != record(place, t_rec).shape:
        raise FitsError(
            f"{found.place.origin} has {found.shape} pixels and the magnetogram of its record "
            f"{record(place, t_rec).shape}; fetch the segments of one record."
        )
    return found


def radial_masks(place: Place, t_rec: str) -> PilMasks:
    """Polarity inversion lines of the radial field of a record that has a vector."""
    return _radial_masks(place, t_rec, _source_state(place.spec))


@st.cache_resource(ttl=3600, max_entries=_FRAMES, show_spinner=False)
def _radial_masks(place: Place, t_rec: str, state: int) -> PilMasks:
    del state
    return detect_pils(vector(place, t_rec).radial)


def parameters(place: Place, t_rec: str) -> SharpParameters:
    """SHARP parameters of a record that has a vector; ValueError where they cannot be had."""
    return _parameters(place, t_rec, _source_state(place.spec))


@st.cache_resource(ttl=3600, max_entries=_FRAMES, show_spinner=False)
def _parameters(place: Place, t_rec: str, state: int) -> SharpParameters:
    del state
    return sharp_parameters(vector(place, t_rec), record(place, t_rec).field)


def flux_row(place: Place, t_rec: str) -> dict[str, object]:
    """Fluxes of a record: one row of `analysis.physics.flux.flux_history`."""
    return _flux_row(place, t_rec, _stamps(place).get(t_rec))


@st.cache_data(ttl=3600, max_entries=8192, show_spinner=False)
def _flux_row(place: Place, t_rec: str, file: Stamp | None) -> dict[str, object]:
    del file
    return frame_flux(record(place, t_rec), masks=masks(place, t_rec))


def keyword_row(place: Place, t_rec: str) -> dict[str, float]:
    """SHARP keywords of a record, as of `analysis.physics.keywords.keyword_row`."""
    return _keyword_row(place, t_rec, _stamps(place).get(t_rec))


@st.cache_data(ttl=3600, max_entries=8192, show_spinner=False)
def _keyword_row(place: Place, t_rec: str, file: Stamp | None) -> dict[str, float]:
    del file
    return keywords.keyword_row(record(place, t_rec).header)


def sequence_masks(place: Place, hour: str, length: int) -> list[PilMasks]:
    """Polarity inversion lines of the frames of a sequence, interpolated ones too."""
    return [
        detect_pils(frame.field) if frame.interpolated else masks(place, str(frame.t_rec.tai.isot))
        for frame in sequence(place, hour, length).frames
    ]


@st.cache_data(ttl=3600, max_entries=256, hash_funcs=_KNOWN_BY, show_spinner=False)
def sequence_flux(place: Place, hour: str, length: int) -> pd.DataFrame:
    """Fluxes of the frames of a sequence, interpolated ones too, of the area they all cover."""
    frames = sequence(place, hour, length).frames
    rows = []
    for frame, part in zip(frames, common_parts(frames), strict=True):
        whole = part == tuple(slice(0, side) for side in frame.shape)
        if whole and not frame.interpolated:
            rows.append(flux_row(place, str(frame.t_rec.tai.isot)))
        else:
            rows.append(frame_flux(frame, part=part))
    return pd.DataFrame(rows)


@st.cache_data(ttl=3600, max_entries=512, hash_funcs=_KNOWN_BY, show_spinner=False)
def prediction(info: ModelInfo, place: Place, hour: str) -> "Prediction":
    """Predict from the sequence that ends at an hour; its attention comes in the same pass."""
    return predictor(info).predict(sequence(place, hour, info.config.frames), with_rollout=True)


@st.cache_data(ttl=3600, max_entries=512, hash_funcs=_KNOWN_BY, show_spinner=False)
def rollout(info: ModelInfo, place: Place, hour: str) -> np.ndarray:
    """Attention rollout of every frame of a sequence, (T, g, g)."""
    return predictor(info).rollout(sequence(place, hour, info.config.frames))


@st.cache_data(ttl=3600, max_entries=64, hash_funcs=_KNOWN_BY, show_spinner=False)
def attention(info: ModelInfo, place: Place, hour: str) -> np.ndarray:
    """Attention of the last frame of a sequence, (L, heads, g, g)."""
    from hnn_core.explanation.rollout import class_attention

    network = predictor(info)
    images = network.images(sequence(place, hour, info.config.frames))
    found: np.ndarray = class_attention(network.model, images[-1:])[:, :, 0].cpu().numpy()
    return found


@st.cache_data(ttl=3600, max_entries=128, hash_funcs=_KNOWN_BY, show_spinner="Explaining …")
def explained(
    info: ModelInfo, place: Place, hour: str, method: str, **options: Any
) -> "Explanation":
    """Explain the prediction of an hour by a method that takes a second or so."""
    from hnn_core.explanation.service import explain

    return explain(predictor(info), sequence(place, hour, info.config.frames), method, **options)


@st.cache_resource(ttl=3600, max_entries=1, show_spinner=False)
def _passages() -> dict[tuple[object, ...], pd.DataFrame]:
    return {}


def passage(info: ModelInfo, place: Place, progress: Callable[[int, int], None]) -> pd.DataFrame:
    """Predict every hour of a passage.

    It takes seconds and shows its progress, which a cached function cannot: the tables are put
    into a cached store.
    """
    kept = _passages()
    key = (info.sha256, len(hours(place)), place.state)
    if key not in kept:
        table = predictor(info).passage(source(place.spec), place.region, progress)
        while len(kept) >= _PASSAGES:
            kept.pop(next(iter(kept)), None)
        kept[key] = table
    return kept[key]

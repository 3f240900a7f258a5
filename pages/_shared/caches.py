"""What the pages keep between runs: plain functions of the floors below, behind caches.

Frames and masks are read-only and shared between sessions, without a copy at every step; what is
small is copied. A record is known by its T_REC, written as ISO time, TAI. What rests on several
records is asked for anew once files have come to a downloaded region.

Predictions of whole passages, kept between runs.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
import streamlit as st
from astropy.time import Time

from analysis.physics.flux import frame_flux
from analysis.physics.pil import PilMasks, detect_pils
from hnn_core.magnetogram.conventions import iso_minute, parse_t_rec
from hnn_core.magnetogram.magnetogram import Magnetogram
from hnn_core.magnetogram.sequence_plan import sequence_hours
from hnn_core.network.model_store import ModelInfo, list_models
from hnn_core.network.predictor import Prediction, Predictor
from hnn_core.regions.base import SkippedFile, Source
from hnn_core.sources import open_source
from hnn_core.sources.jsoc import newest
from hnn_core.sources.sequence import Sequence, build_sequence

__all__ = [
    "flux_row",
    "hours",
    "masks",
    "models",
    "passage",
    "prediction",
    "predictor",
    "record",
    "rollout",
    "sequence",
    "sequence_flux",
    "sequence_masks",
    "source",
]


_FRAMES = 96
"""Frames kept: two passages of 48 hours, 1 to 4 MB each."""
_BY_WEIGHTS = {ModelInfo: lambda info: (info.name, info.sha256)}


def source(spec: str) -> Source:
    """Open a source; a folder is looked through again after five minutes, downloads when new."""
    return _source(spec, newest(spec))


@st.cache_resource(ttl=300, max_entries=4, show_spinner="Looking through the source …")
def _source(spec: str, state: int) -> Source:
    del state
    return open_source(spec)


@st.cache_resource(ttl=60, max_entries=1, show_spinner=False)
def models() -> tuple[list[ModelInfo], list[SkippedFile]]:
    """Models that ship with the program and the user's own, and folders that are none."""
    return list_models()


@st.cache_resource(max_entries=2, hash_funcs=_BY_WEIGHTS, show_spinner="Loading the model …")
def predictor(info: ModelInfo) -> Predictor:
    """Load a model; other weights under the same name are another model."""
    return Predictor.load(info.folder)


def hours(spec: str, region: str) -> dict[str, str]:
    """Every hour of a passage that has a good record (ISO minutes, TAI), with its T_REC."""
    return _hours(spec, region, newest(spec, region))


@st.cache_data(ttl=300, max_entries=64, show_spinner=False)
def _hours(spec: str, region: str, state: int) -> dict[str, str]:
    del state
    of = source(spec)
    times = of.times(region)
    planned = sequence_hours(times, of.quality(region), length=1)
    return {
        iso_minute(hour): str(times[plan.slots[0].left].isot)
        for hour, plan in planned
        if not isinstance(plan, Exception)
    }


@st.cache_resource(ttl=3600, max_entries=_FRAMES, show_spinner=False)
def record(spec: str, region: str, t_rec: str) -> Magnetogram:
    """One magnetogram of a source."""
    return source(spec).frame(region, parse_t_rec(t_rec))


def sequence(spec: str, region: str, hour: str, length: int) -> Sequence:
    """Build the sequence of `length` hours that ends at one; real frames are shared records."""
    return _sequence(spec, region, hour, length, newest(spec, region))


@st.cache_resource(ttl=3600, max_entries=16, show_spinner=False)
def _sequence(spec: str, region: str, hour: str, length: int, state: int) -> Sequence:
    del state

    def frame(name: str, time: Time) -> Magnetogram:
        return record(spec, name, str(time.tai.isot))

    return build_sequence(source(spec), region, parse_t_rec(hour), length, frame=frame)


@st.cache_resource(ttl=3600, max_entries=_FRAMES, show_spinner=False)
def masks(spec: str, region: str, t_rec: str) -> PilMasks:
    """Polarity inversion lines of a record."""
    return detect_pils(record(spec, region, t_rec).field)


@st.cache_data(ttl=3600, max_entries=8192, show_spinner=False)
def flux_row(spec: str, region: str, t_rec: str) -> dict[str, object]:
    """Fluxes of a record: one row of `analysis.physics.flux.flux_history`."""
    return frame_flux(record(spec, region, t_rec), masks=masks(spec, region, t_rec))


def sequence_masks(spec: str, region: str, hour: str, length: int) -> list[PilMasks]:
    """Polarity inversion lines of the frames of a sequence, interpolated ones too."""
    return [
        detect_pils(frame.field)
        if frame.interpolated
        else masks(spec, region, str(frame.t_rec.tai.isot))
        for frame in sequence(spec, region, hour, length).frames
    ]


def sequence_flux(spec: str, region: str, hour: str, length: int) -> pd.DataFrame:
    """Fluxes of the frames of a sequence, interpolated ones too."""
    return _sequence_flux(spec, region, hour, length, newest(spec, region))


@st.cache_data(ttl=3600, max_entries=256, show_spinner=False)
def _sequence_flux(spec: str, region: str, hour: str, length: int, state: int) -> pd.DataFrame:
    del state
    frames = sequence(spec, region, hour, length).frames
    return pd.DataFrame(
        [
            frame_flux(frame)
            if frame.interpolated
            else flux_row(spec, region, str(frame.t_rec.tai.isot))
            for frame in frames
        ]
    )


def prediction(info: ModelInfo, spec: str, region: str, hour: str) -> Prediction:
    """Predict from the sequence that ends at an hour; its attention comes in the same pass."""
    return _prediction(info, spec, region, hour, newest(spec, region))


@st.cache_data(ttl=3600, max_entries=512, hash_funcs=_BY_WEIGHTS, show_spinner=False)
def _prediction(info: ModelInfo, spec: str, region: str, hour: str, state: int) -> Prediction:
    del state
    frames = sequence(spec, region, hour, info.config.frames)
    return predictor(info).predict(frames, with_rollout=True)


def rollout(info: ModelInfo, spec: str, region: str, hour: str) -> np.ndarray:
    """Attention rollout of every frame of a sequence, (T, g, g)."""
    return _rollout(info, spec, region, hour, newest(spec, region))


@st.cache_data(ttl=3600, max_entries=512, hash_funcs=_BY_WEIGHTS, show_spinner=False)
def _rollout(info: ModelInfo, spec: str, region: str, hour: str, state: int) -> np.ndarray:
    del state
    frames = sequence(spec, region, hour, info.config.frames)
    return predictor(info).rollout(frames)


_PASSAGES = 32


@st.cache_resource(ttl=3600, max_entries=1, show_spinner=False)
def _passages() -> dict[tuple[str, str, str, int, int], pd.DataFrame]:
    return {}


def passage(
    info: ModelInfo, spec: str, region: str, progress: Callable[[int, int], None]
) -> pd.DataFrame:
    """Predict every hour of a passage.

    It takes seconds and shows its progress, which a cached function cannot: the tables are put
    into a cached store.
    """
    kept = _passages()
    key = (info.sha256, spec, region, len(hours(spec, region)), newest(spec, region))
    if key not in kept:
        table = predictor(info).passage(source(spec), region, progress)
        while len(kept) >= _PASSAGES:
            kept.pop(next(iter(kept)), None)
        kept[key] = table
    return kept[key]

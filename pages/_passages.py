"""Predictions of whole passages, kept between runs."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from hnn_core.live.newest import newest
from hnn_core.model_store import ModelInfo
from pages import _caches

__all__ = ["passage"]

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
    key = (info.sha256, spec, region, len(_caches.hours(spec, region)), newest(spec, region))
    if key not in kept:
        table = _caches.predictor(info).passage(_caches.source(spec), region, progress)
        while len(kept) >= _PASSAGES:
            kept.pop(next(iter(kept)), None)
        kept[key] = table
    return kept[key]

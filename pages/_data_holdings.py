"""The downloaded regions, known to every part of the Data page."""

import streamlit as st

from hnn_core.live.holdings import Holding, holdings
from hnn_core.live.newest import newest

__all__ = ["SERIES", "known_holdings", "region_words"]

SERIES = {"jsoc:": "definitive", "jsoc:nrt": "near-real-time"}
"""By `Holding.source`."""


def known_holdings() -> list[Holding]:
    """Return what is on this machine; files are looked at only when some have come."""
    return _holdings(tuple(map(newest, SERIES)))


def region_words(holding: Holding) -> str:
    """``AR 11158 · HARP 377``."""
    return " · ".join([*(f"AR {number}" for number in holding.noaa), f"HARP {holding.harp}"])


@st.cache_data(max_entries=2, show_spinner="Looking through the downloads …")
def _holdings(state: tuple[int, ...]) -> list[Holding]:
    del state
    return holdings()

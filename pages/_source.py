"""Which source of magnetograms is looked at."""

import os
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from hnn_core.exceptions import EmptySourceError
from hnn_core.sources import SkippedFile, Source, open_source
from pages import _caches
from pages._link import one_of, publish, restore

__all__ = ["DOWNLOADED", "kept", "list_skipped", "select_source"]

SOURCES = {
    "sim": "Simulated regions",
    "fits": "Folder of SHARP FITS",
    "jsoc": "Downloaded from JSOC",
    "nrt": "Now on the disk",
}
DOWNLOADED = {"jsoc": "jsoc:", "nrt": "jsoc:nrt"}
_MOST_SKIPPED = 100


def select_source() -> Source | None:
    """Draw the choice of source; None until a folder is given, or while nothing is downloaded."""
    folder = os.environ.get("HNN_FITS_DIR", "")
    restore("source", "fits" if folder else "sim", one_of("source", SOURCES))
    kind = st.selectbox("Source", list(SOURCES), format_func=SOURCES.__getitem__, **kept("source"))
    if kind == "sim":
        return _select_population()
    if kind in DOWNLOADED:
        return _downloaded(DOWNLOADED[kind])
    restore("folder", folder, str)
    st.text_input(
        "Folder",
        **kept("folder"),
        placeholder="/data/sharps",
        help="SHARP CEA magnetograms, any mix of regions, at any depth. Only read, never changed.",
    )
    publish("source", "folder")
    if not st.session_state["folder"].strip():
        return None
    source = _caches.source(f"fits:{st.session_state['folder'].strip()}")
    list_skipped("file", source.skipped())
    return source


def _downloaded(spec: str) -> Source | None:
    publish("source")
    try:
        source = _caches.source(spec)
    except EmptySourceError:
        return None  # what can be done about it takes more room than the sidebar has
    list_skipped("file", source.skipped())
    return source


def _select_population() -> Source:
    restore("population", "", _read_population)
    st.text_input(
        "Population",
        **kept("population"),
        placeholder="those that come with the program",
        help="Other simulated regions: a seed such as 1, or seed and number of regions, 1:800.",
    )
    publish("population")
    return _caches.source(f"sim:{st.session_state['population'].strip()}")


def _read_population(text: str) -> str:
    open_source(f"sim:{text}")
    return text


def kept(key: str) -> dict[str, str]:
    """Arguments of a widget whose value outlives an error that hides it."""
    return {"key": key, "persist_state": "session"}


def list_skipped(what: str, skipped: Sequence[SkippedFile]) -> None:
    """Draw what could not be used, each with its reason; nothing where all could."""
    if not skipped:
        return
    plural = "" if len(skipped) == 1 else "s"
    with (
        st.expander(f"{len(skipped)} {what}{plural} skipped", icon=":material/block:"),
        st.container(height=240, border=False, gap="xsmall"),
    ):
        for one in skipped[:_MOST_SKIPPED]:
            told = Path(one.path).name in one.reason
            st.caption(one.reason if told else f"{one.path}: {one.reason}")
        if len(skipped) > _MOST_SKIPPED:
            st.caption(f"… and {len(skipped) - _MOST_SKIPPED} more.")

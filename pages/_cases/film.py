"""A region's hours as a film, with its lines and a heat map, and each picture to take along."""

from collections.abc import Hashable
from typing import Any

import streamlit as st

from analysis.cases.film import Film, make_film
from analysis.figures.film import animation_gif, frames_zip
from analysis.figures.film_player import animation_figure
from hnn_core.magnetogram.conventions import parse_t_rec
from hnn_core.sources.jsoc import newest
from pages._shared import caches
from pages._shared.background import Task, busy, finished, start, wait_for
from pages._shared.charts import show_chart
from pages._shared.messages import show_simulated
from pages._shared.selectors import Selection

__all__ = ["show_film"]

_MAPS = {
    "rollout": "Attention rollout",
    "relevance": "Relevance of the class eruptive",
    "none": "No heat map",
}
_LINES = {"pil": "PIL", "ropi": "RoPI", "hull": "Hull"}
_AT_FIRST = 24
"""Hours of the film that a visitor gets without asking for more."""


def show_film(selection: Selection) -> None:
    """Draw what to film, the film, and the files."""
    st.markdown(f"## Film of {selection.region.name}")
    if selection.region.simulated:
        show_simulated()
    records = caches.hours(selection.source.spec, selection.region.id)
    hours = list(records)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        first, last = st.select_slider(
            "Hours (TAI)",
            hours,
            (hours[max(0, len(hours) - _AT_FIRST)], hours[-1]),
            key=f"film_hours_{selection.region.id}",
            format_func=lambda hour: hour.replace("T", " "),
        )
        method = st.selectbox(
            "Heat map", list(_MAPS), format_func=_MAPS.__getitem__, key="film_map", width=280
        )
        show = st.multiselect(
            "Lines",
            list(_LINES),
            ["pil", "ropi"],
            format_func=_LINES.__getitem__,
            key="film_lines",
            width=280,
        )
    chosen = {hour: records[hour] for hour in hours if first <= hour <= last}
    key = _key(selection, tuple(chosen), method, tuple(show))
    if finished(key) is None and not busy(key):
        st.button(
            f"Make the film of {len(chosen)} hours",
            key="film_start",
            icon=":material/movie:",
            type="primary",
            on_click=_begin,
            args=(key, selection, chosen, method, tuple(show)),
        )
    film = wait_for(key, "film")
    if film is not None:
        _show(film, selection)


def _show(film: Film, selection: Selection) -> None:
    with st.container(key="film_box"):
        show_chart(
            animation_figure(film.pictures, film.labels),
            kind="film",
            ratio=film.pictures[0].height / film.pictures[0].width,
            key="film",
            filename=f"{selection.region.id} film",
            alt=f"{len(film.pictures)} hours of {selection.region.name}",
        )
    stem = f"{selection.region.id}_{film.names[0]}".replace(" ", "").replace(":", "")
    with st.container(horizontal=True):
        st.download_button(
            "Film, GIF",
            lambda: animation_gif(film.pictures),
            f"{stem}.gif",
            "image/gif",
            key="film_gif",
            icon=":material/movie:",
            on_click="ignore",
        )
        st.download_button(
            f"All {len(film.pictures)} pictures, zip",
            lambda: frames_zip(film.pictures, film.names),
            f"{stem}_frames.zip",
            "application/zip",
            key="film_zip",
            icon=":material/photo_library:",
            on_click="ignore",
        )
    st.caption(film.words)


def _key(
    selection: Selection, hours: tuple[str, ...], method: str, show: tuple[str, ...]
) -> Hashable:
    spec, region = selection.source.spec, selection.region.id
    model = selection.model.sha256 if method != "none" else ""
    return ("film", spec, region, newest(spec, region), model, hours, method, show)


def _begin(
    key: Hashable,
    selection: Selection,
    hours: dict[str, str],
    method: str,
    show: tuple[str, ...],
) -> None:
    """Start the work; all that it needs of the caches is taken before."""
    predictor = None if method == "none" else caches.predictor(selection.model)
    source, region = selection.source, selection.region.id
    times = [parse_t_rec(hour) for hour in hours]

    def work(task: Task) -> Any:
        return make_film(
            source,
            region,
            times,
            predictor=predictor,
            method=method,
            show=show,
            progress=task.tell,
            cancel=task.cancel,
        )

    start(key, "Making the film", "hours", work)

"""A region's hours as a film, with its lines and a heat map, and each picture to take along."""

from functools import partial

import streamlit as st

from analysis.cases.film import Film, make_film
from analysis.printed.film_player import (
    animation_figure,
    animation_gif,
    animation_mp4,
    frames_zip,
    no_mp4,
)
from hnn_core.magnetogram.conventions import parse_t_rec
from pages._shared import caches
from pages._shared.background import offer
from pages._shared.charts import show_chart
from pages._shared.link import bound, linked
from pages._shared.messages import plain, show_simulated
from pages._shared.selectors import Selection
from pages._shared.widgets import download

__all__ = ["show_film"]

_MAPS = {
    "rollout": "Attention rollout",
    "relevance": "Relevance of the class eruptive",
    "none": "No heat map",
}
_LINES = {"pil": "PIL", "ropi": "RoPI", "hull": "Hull"}
_AT_FIRST = 24
"""Hours of the film at first."""


def show_film(selection: Selection) -> None:
    """Draw what to film, the film, and the files."""
    st.markdown(f"## Film of {plain(selection.region.name)}")
    if selection.region.simulated:
        show_simulated()
    records = caches.hours(selection.place)
    hours = list(records)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        first, last = bound(
            st.select_slider,
            "Hours (TAI)",
            hours,
            key="film_hours",
            value=(hours[max(0, len(hours) - _AT_FIRST)], hours[-1]),
            format_func=lambda hour: hour.replace("T", " "),
        )
        method = linked(st.selectbox, "Heat map", _MAPS, key="film_map", read="heat map", width=280)
        show = bound(
            st.multiselect, "Lines", _LINES, key="film_lines", value=["pil", "ropi"], width=280
        )
    chosen = {hour: records[hour] for hour in hours if first <= hour <= last}
    model = "" if method == "none" else selection.model.sha256
    key = ("film", selection.place.state, model, tuple(chosen), method, tuple(show))
    film = offer(
        f"Make the film of {len(chosen):d} hours",
        "film_start",
        key,
        "Making the film",
        "hours",
        lambda: partial(
            make_film,
            selection.source,
            selection.region.id,
            [parse_t_rec(hour) for hour in chosen],
            predictor=caches.predictor(selection.model) if model else None,
            method=method,
            show=tuple(show),
        ),
        icon=":material/movie:",
        type="primary",
    )
    if film is not None:
        _show(film, selection)


def _show(film: Film, selection: Selection) -> None:
    with st.container(key="film_box"):
        show_chart(
            animation_figure(film.pictures, [name.replace("T", " ") for name in film.names]),
            kind="film",
            ratio=film.pictures[0].height / film.pictures[0].width,
            key="film",
            alt=f"{len(film.pictures)} hours of {selection.region.name}",
        )
    stem = f"{selection.region.id}_{film.names[0]}".replace(" ", "").replace(":", "")
    with st.container(horizontal=True):
        gif, pictures = f"{stem}.gif", f"{stem}_frames.zip"
        if not no_mp4():
            mp4 = f"{stem}.mp4"
            download(
                "Film, MP4", lambda: animation_mp4(film.pictures), mp4, "film_mp4", icon="movie"
            )
        download("Film, GIF", lambda: animation_gif(film.pictures), gif, "film_gif", icon="movie")
        download(
            f"All {len(film.pictures):d} pictures, zip",
            lambda: frames_zip(film.pictures, film.names),
            pictures,
            "film_zip",
            icon="photo_library",
        )
    if reason := no_mp4():
        st.caption(plain(reason))
    st.caption(plain(film.words))

"""Explore an active region: magnetogram, attention, inversion lines, P(eruptive), flux."""

from functools import partial

import streamlit as st

from analysis.figures.filmstrip import filmstrip_figure
from pages._explore.answer import show_answer
from pages._explore.controls import choose_map, time_control
from pages._explore.downloads import show_downloads
from pages._explore.eyepiece import send_maps, send_second, show_viewer
from pages._explore.histories import (
    flux_history,
    show_area,
    show_flux_bars,
    show_flux_line,
    show_probabilities,
)
from pages._explore.view import View, first_hour, read_heat, read_view
from pages._shared import caches
from pages._shared.charts import show_chart
from pages._shared.messages import flares_sentence, plain, position, worded_errors
from pages._shared.selectors import selected

STRIP_WIDTH = 1000  # pixels; wider pages enlarge it
FLUXES = {"pil": "PIL unsigned flux", "total": "Total unsigned flux"}

selection = selected()
region = selection.region
with st.sidebar:
    choice = choose_map(selection.model.config)

records = caches.hours(selection.place)
hours = list(records)
with st.container(key="heading", horizontal=True, vertical_alignment="bottom"):
    st.markdown(f"## {plain(region.name)}", width="content")
    when_and_where = st.empty()
shown = partial(caches.hour_shown, selection.place)
with st.container(key="transport"):  # whatever it draws, the viewer below keeps its place
    hour = time_control(hours, partial(first_hour, selection, records), shown)

with st.container(key="viewer", horizontal=True):
    picture = st.container(key="picture")
    card = st.container(key="answer", border=True)
with picture:
    show_viewer(selection, hour, records)  # before the network runs

view: View | None = None
with card, worded_errors(), st.spinner("Reading the hours and running the network …"):
    view = read_view(selection, hour, records[hour])
where = f"{position(view.frame) or 'Position not known,'} at" if view else "At"
when_and_where.caption(plain(f"{where} {hour.replace('T', ' ')} TAI. {flares_sentence(region)}"))

heat = None
if view:
    with card:
        show_answer(view)
    with worded_errors():
        heat = read_heat(view, choice)
    with picture:
        send_maps(view, heat)
        send_second(selection, hour, records, choice)
if view and view.sequence:
    st.markdown("### Input hours of the network")
    strip = filmstrip_figure(
        view.sequence.frames,
        heat.heats if heat else None,
        heat_name=choice.name,
        signed=heat is not None and heat.signed,
        width=STRIP_WIDTH,
    )
    with st.container(key="strip"):
        show_chart(
            strip,
            kind="strip",
            ratio=strip.layout.height / STRIP_WIDTH,
            key="filmstrip",
            alt=f"The {len(view.sequence)} magnetograms up to {hour} TAI",
        )

if view and heat:
    from pages._explore.trust import show_trust  # imports torch, which is here by now

    with worded_errors():
        show_trust(view, heat)

st.markdown("### P(eruptive) over the passage")
show_probabilities(selection, hour)
st.markdown("### Magnetic flux")
history = flux_history(selection, records)
show_area(view)
for name, title in FLUXES.items():
    left, right = st.columns([2, 3], gap="medium")
    with left:
        show_flux_bars(view, name, title)
    with right:
        show_flux_line(selection, hour, history, view, name, title)
if view:
    show_downloads(view, history, heat)

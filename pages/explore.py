"""Explore an active region: magnetogram, attention, inversion lines, P(eruptive), flux."""

from functools import partial

import streamlit as st

from analysis.figures.filmstrip import filmstrip_figure
from pages._explore.answer import show_answer
from pages._explore.around import show_around
from pages._explore.controls import choose_field, choose_map
from pages._explore.downloads import figure_words, offer_picture, show_downloads
from pages._explore.eyepiece import send_maps, send_second, show_viewer
from pages._explore.histories import (
    read_histories,
    show_area,
    show_flux_bars,
    show_histories,
)
from pages._explore.transport import hour_words, mark_predictions, time_control
from pages._explore.vector import show_vector
from pages._explore.view import View, first_hour, read_heat, read_view
from pages._shared import caches
from pages._shared.charts import show_chart
from pages._shared.messages import (
    flares_label,
    flares_sentence,
    plain,
    position,
    show_simulated,
    worded_errors,
)
from pages._shared.selectors import selected

STRIP_WIDTH = 1000  # pixels; wider pages enlarge it
FLUXES = {"pil": "PIL unsigned flux", "total": "Total unsigned flux"}

selection = selected()
region = selection.region
with st.sidebar:
    choice = choose_map(selection.model.config)
    field = choose_field(selection.place)

records = caches.hours(selection.place)
hours = list(records)
heading = st.container(key="heading", horizontal=True, vertical_alignment="center", gap="small")
# The places of everything, in their order on the page; app.css lays them out for each width.
with st.container(key="explore"):
    with st.container(key="seen"):
        picture = st.container(key="picture")
        strip_place = st.container(key="strip")
        trust_place = st.container(key="trust_place")
    with st.container(key="found"):
        with st.container(key="side"):
            card = st.container(key="answer", border=True)
            around = st.container(key="around")
        passage_place = st.container(key="passage_place")
below = st.container(key="below")
transport = st.container(key="transport")

with heading:
    st.markdown(f"## {plain(region.name)}", width="content")
    when_and_where = st.empty()
    with st.popover(plain(flares_label(region)), type="tertiary", icon=":material/flare:"):
        st.markdown(plain(flares_sentence(region)))
    if region.simulated:
        show_simulated()
shown = partial(caches.hour_shown, selection.place)
with transport:
    hour = time_control(region, hours, partial(first_hour, selection, records), shown)
with picture:
    show_viewer(selection, hour, records, field)  # before the network runs

view: View | None = None
with card, worded_errors(), st.spinner("Reading the hours and running the network …"):
    view = read_view(selection, hour, records[hour], field)
where = (position(view.frame) if view else "") or "Position not known"
when_and_where.caption(f"{plain(where)} · {plain(hour_words(hour))}", width="content")

heat = None
if view:
    with card:
        show_answer(view)
    with around:
        show_around(view)
    with worded_errors():
        heat = read_heat(view, choice)
    with picture:
        send_maps(view, heat)
        send_second(selection, hour, records, field, choice)
        offer_picture(view, heat)
if view and view.sequence:
    strip = filmstrip_figure(
        view.sequence.frames,
        heat.heats if heat else None,
        heat_name=choice.name,
        signed=heat is not None and heat.signed,
        width=STRIP_WIDTH,
    )
    (left, right), (low, high) = strip.layout.xaxis.range, strip.layout.yaxis.range
    with strip_place:
        show_chart(
            strip,
            kind="strip",
            ratio=(high - low) / (right - left),
            key="filmstrip",
            alt=f"The {len(view.sequence)} magnetograms up to {hour} TAI",
            simulated=region.simulated,
            words=figure_words(
                *(selection, view, "Input hours of the network", "magnetogram", "network")
            ),
        )

if view:
    from pages._explore.trust import show_trust  # imports torch, which is here by now

    with trust_place, worded_errors():
        show_trust(view, heat)

histories = read_histories(selection, records)
with passage_place:
    st.markdown("### Over the passage")
    computed = show_histories(selection, hour, view, histories)
mark_predictions(selection, histories.probability)
with below:
    st.markdown("### Magnetic flux of the network's hours")
    show_area(view)
    for side, (name, title) in zip(st.columns(2, gap="medium"), FLUXES.items(), strict=True):
        with side:
            show_flux_bars(view, name, title)
    if view:
        with worded_errors():
            show_vector(view)
        show_downloads(view, histories.flux, histories.keywords, computed, heat)

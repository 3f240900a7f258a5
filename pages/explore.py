"""Explore an active region: magnetogram, attention, inversion lines, probability, flux."""

import streamlit as st

from analysis import figures
from hnn_core.exceptions import PositionError, SequenceError
from hnn_core.preprocess import PreprocessConfig, preprocess, tokens_to_patch
from pages import _caches
from pages._answer import show_answer, show_no_answer
from pages._charts import is_dark, show_chart
from pages._clock import first_shown, hour_of, time_control
from pages._downloads import show_downloads
from pages._histories import flux_history, show_flux, show_probabilities
from pages._labels import flares_sentence, position, region_name
from pages._link import publish, restore
from pages._overlays import choose_overlays
from pages._selectors import Selection

selection: Selection = st.session_state["selection"]
region, model, spec = selection.region, selection.model, selection.source.spec
with st.sidebar:
    overlays = choose_overlays()

hours = _caches.hours(spec, region.id)
restore("hour", first_shown(list(hours), region), hour_of(list(hours)))
title = st.empty()
hour = time_control(list(hours))
publish("hour")
frame = _caches.record(spec, region.id, hours[hour])
masks = _caches.masks(spec, region.id, hours[hour])
with title.container(horizontal=True, vertical_alignment="bottom"):
    st.markdown(f"## {region_name(region)}", width="content")
    st.caption(f"{position(frame)} at {hour.replace('T', ' ')} TAI. {flares_sentence(region)}")

sequence = prediction = maps = None
reason = ""
try:
    with st.spinner("Reading the hours and asking the network …"):
        sequence = _caches.sequence(spec, region.id, hour, model.config.frames)
        maps = _caches.rollout(model, spec, region.id, hour)
        prediction = _caches.prediction(model, spec, region.id, hour)
except (SequenceError, PositionError) as error:
    reason = str(error)
box = preprocess(frame.field, PreprocessConfig.from_dict(model.config.preprocess))[1]
heats = None if maps is None else [tokens_to_patch(tokens, box) for tokens in maps]

with st.container(key="viewer", horizontal=True):
    with st.container(key="picture"):
        show_chart(
            figures.magnetogram(
                frame,
                clip=overlays.clip,
                heat=maps[-1] if overlays.attention and maps is not None else None,
                heat_opacity=overlays.opacity,
                heat_range=None if maps is None else (maps.min(), maps.max()),
                masks=masks,
                show=overlays.lines,
                crop_box=box,
                width=920,
                dark=is_dark(),
            ),
            key="magnetogram",
            filename=f"{region.id} {hour}",
            alt=f"Magnetogram of {region_name(region)} at {hour} TAI",
        )
    with st.container(key="answer", border=True):
        if prediction is not None:
            show_answer(prediction, model)
        else:
            show_no_answer(reason, model)

if sequence is not None:
    st.markdown("### The hours the network saw")
    show_chart(
        figures.filmstrip(
            sequence.frames,
            heats if overlays.attention else None,
            interpolated=sequence.interpolated,
            clip=overlays.clip,
            heat_opacity=overlays.opacity,
            dark=is_dark(),
        ),
        key="filmstrip",
        filename=f"{region.id} {hour} sequence",
        alt=f"The {len(sequence)} magnetograms up to {hour} TAI",
    )

st.markdown("### Probability over the passage")
show_probabilities(selection, hour)
st.markdown("### Magnetic flux")
history = flux_history(selection, hours)
show_flux(selection, hour, history, sequence, prediction)
show_downloads(
    selection, hour, frame, masks, history, None if heats is None else heats[-1], box, prediction
)

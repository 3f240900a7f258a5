"""The card with the answer: P(eruptive), decision, caveats; or what the source is missing."""

from html import escape

import streamlit as st

from hnn_core.network.model_store import ModelInfo
from hnn_core.network.predictor import Prediction
from pages._data.fetch import show_cases
from pages._data.jobs import show_jobs
from pages._data.view import follow
from pages._explore.view import View
from pages._shared.messages import DECISIONS, frame_notes, model_sentence, nothing_kept

__all__ = ["show_answer", "show_missing"]

_DIAL = """
<div class="answer {label}" data-hour="{hour}">
  <div class="question">P(eruptive) of the coming ≥{flare_class} flare</div>
  <div class="number">{probability:.2f}</div>
  <div class="bar" role="img" aria-label="{probability:.2f} on a scale from 0 to 1, threshold
    {threshold:g}">
    <span class="fill" style="width:{percent:.1f}%"></span>
    <span class="tick" style="left:{tick:.1f}%"></span>
  </div>
  <div class="scale"><span>0 confined</span><span>threshold {threshold:g}</span><span>eruptive 1
    </span></div>
</div>
"""
_NOTHING = {
    "jsoc": "No magnetogram of JSOC is on this machine yet. Fetch one of the well-known flares "
    "below, or any region on the Data page.",
    "nrt": "No region that is on the disk now has been fetched yet. The Data page fetches them.",
}
_TO_GIVE = {
    "fits": "Type the path of a folder with SHARP FITS files on the left.",
    "upload": "Drop SHARP FITS files, or a .tar, .tar.gz or .zip of an export, into the field on "
    "the left.",
}


def show_answer(view: View) -> None:
    """Draw the card: the prediction, or the reason why there is none."""
    info = view.selection.model
    if view.prediction is None:
        with st.container(key="answer_words"):
            st.markdown("**No prediction for this hour**")
            st.markdown(view.reason)
            st.caption(f"Model {info.name}: {info.config.frames} hourly frames make a sequence.")
            frames = view.sequence.frames if view.sequence else (view.frame,)
            for words in dict.fromkeys(note for frame in frames for note in frame.notes):
                st.warning(words, icon=":material/warning:")
    else:
        _show_prediction(view.prediction, info)


def show_missing() -> None:
    """Draw what is missing in the chosen source, and how to get it."""
    follow()
    source = str(st.session_state.get("source"))
    if source != "fits" and nothing_kept():
        words = "Choose another source: what is uploaded or downloaded cannot be kept now."
        st.info(words, icon=":material/info:")
        return
    if source in _TO_GIVE:
        st.info(_TO_GIVE[source], icon=":material/info:")
        return
    st.info(_NOTHING[source], icon=":material/info:")
    st.page_link(
        "pages/data.py",
        label="Fetch on the Data page",
        icon=":material/download:",
        query_params={"show": "fetch"},
    )
    if source == "jsoc":
        show_jobs("fetch")
        show_cases()


def _show_prediction(prediction: Prediction, info: ModelInfo) -> None:
    with st.container(key="answer_dial"):
        st.html(
            _DIAL.format(
                label=prediction.label,
                hour=prediction.hour,
                flare_class=escape(prediction.flare_class),
                probability=prediction.probability,
                threshold=prediction.threshold,
                percent=100 * prediction.probability,
                tick=100 * prediction.threshold,
            )
        )
    with st.container(key="answer_words", gap="xsmall"):
        colour = "blue" if prediction.label == "eruptive" else "orange"
        st.markdown(
            f"A ≥{prediction.flare_class} flare within 24 h would be "
            f":{colour}[**{DECISIONS[prediction.label]}**]."
        )
        st.caption(f"{model_sentence(info)}  \nModel {info.name}, {prediction.device}.")
        for words in frame_notes(prediction):
            st.caption(f":material/info: {words}")
    caution = info.metadata.get("caution")
    for words in prediction.warnings:
        if prediction.simulated and words == caution:
            continue  # it is about real regions
        st.warning(words, icon=":material/warning:")

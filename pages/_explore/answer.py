"""The card with the answer: probability, decision, and everything that qualifies them."""

from html import escape

import streamlit as st

from hnn_core.model_store import ModelInfo
from hnn_core.prediction import Prediction
from pages._labels import frame_notes, model_sentence
from pages._view import View

__all__ = ["show_answer"]

DECISIONS = {
    "eruptive": "eruptive, with a CME",
    "confined": "confined, without a CME",
}

_DIAL = """
<div class="answer {label}" data-hour="{t_rec}">
  <div class="question">Probability that the coming ≥{flare_class} flare is eruptive</div>
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


def show_answer(view: View) -> None:
    """Draw the card: the prediction, or the reason why there is none."""
    info = view.selection.model
    if view.prediction is None:
        with st.container(key="answer_words"):
            st.markdown("**No prediction for this hour**")
            st.markdown(view.reason)
            st.caption(f"Model {info.name}: {info.config.frames} hourly frames make a sequence.")
    else:
        _show_prediction(view.prediction, info)


def _show_prediction(prediction: Prediction, info: ModelInfo) -> None:
    with st.container(key="answer_dial"):
        st.html(
            _DIAL.format(
                label=prediction.label,
                t_rec=prediction.t_rec,
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
            continue  # it speaks of real regions
        st.warning(words, icon=":material/warning:")

"""The card with the answer: P(eruptive), decision, caveats; or what the source is missing."""

import re
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from hnn_core.network.model_store import ModelInfo
from pages._data.fetch import show_cases
from pages._data.jobs import show_jobs
from pages._data.view import follow
from pages._explore.view import View
from pages._shared.messages import (
    DECISIONS,
    frame_notes,
    model_sentence,
    nothing_kept,
    plain,
)

if TYPE_CHECKING:
    from hnn_core.network.predictor import Prediction

__all__ = ["show_answer", "show_missing"]

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
        st.markdown("**No prediction for this hour**")
        st.markdown(plain(view.reason))
        st.caption(
            f"Model {plain(info.name)}: {info.config.frames:d} hourly frames make a sequence."
        )
        frames = view.sequence.frames if view.sequence else (view.frame,)
        for words in dict.fromkeys(note for frame in frames for note in frame.notes):
            st.warning(plain(words), icon=":material/warning:")
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


def _show_prediction(prediction: "Prediction", info: ModelInfo) -> None:
    """Draw the number; what limits it is named in short, in full behind a press."""
    st.html(
        f"""
<div class="answer {escape(prediction.label)}" data-hour="{escape(prediction.hour)}">
  <div class="question">P(eruptive), ≥{escape(prediction.flare_class)} within 24 h</div>
  <div class="number">{prediction.probability:.2f}</div>
  <div class="verdict">{escape(DECISIONS[prediction.label])}</div>
  <div class="bar" role="img" aria-label="{prediction.probability:.2f} on a scale from 0 to 1,
    threshold {prediction.threshold:g}">
    <span class="fill" style="width:{100 * prediction.probability:.1f}%"></span>
    <span class="tick" style="left:{100 * prediction.threshold:.1f}%"></span>
  </div>
  <div class="scale"><span>0</span><span>threshold {prediction.threshold:g}</span>
    <span>1</span></div>
</div>
"""
    )
    caution = info.metadata.get("caution")
    with st.container(key="cautions", gap="xxsmall"):
        for words in prediction.warnings:
            if prediction.simulated and words == caution:
                continue  # it is about real regions
            with st.popover(plain(_short(words)), icon=":material/warning:"):
                st.warning(plain(words), icon=":material/warning:")
        notes = frame_notes(prediction)
        with st.popover(
            f"Model {plain(info.name)}{' · notes' if notes else ''}", icon=":material/info:"
        ):
            st.markdown(
                f"A ≥{plain(prediction.flare_class)} flare within 24 h would be "
                f"**{DECISIONS[prediction.label]}**: P(eruptive) is "
                f"{'at least' if prediction.label == 'eruptive' else 'below'} the threshold."
            )
            st.caption(f"{plain(model_sentence(info))}  \nComputed on: {plain(prediction.device)}.")
            for words in notes:
                st.caption(f":material/info: {plain(words)}")


def _short(words: str) -> str:
    """Return what a sentence says first."""
    return re.split(r"[:;,.](?=\s|$)", words, maxsplit=1)[0]

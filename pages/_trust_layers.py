"""Inside the transformer: each encoder and head by itself, and tokens that stand out."""

import numpy as np
import streamlit as st

from analysis import figures
from analysis.map_words import norms_sentence
from hnn_core.explanation.rollout_views import class_attention
from hnn_core.explanation.subject import subject_images
from hnn_core.live.newest import newest
from hnn_core.model_store import ModelInfo
from pages import _caches
from pages._charts import is_dark, show_chart
from pages._map_view import HeatView, explained
from pages._view import View

__all__ = ["show_layers", "show_norms"]

_BY_WEIGHTS = {ModelInfo: lambda info: (info.name, info.sha256)}


def show_layers(view: View, heat: HeatView) -> None:
    """Draw the class token's attention in every encoder and head, for the hour shown."""
    del heat  # whatever is rolled out, this is what there is to roll out
    selection = view.selection
    spec, region = selection.source.spec, selection.region.id
    attention = _attention(selection.model, spec, region, view.hour, newest(spec, region))
    left, right = st.columns([3, 2], gap="medium")
    with left, st.container(key="heads"):
        show_chart(
            figures.layer_heads(attention, dark=is_dark(), simulated=selection.region.simulated),
            kind="picture",
            ratio=attention.shape[0] / attention.shape[1],
            key="layer_heads",
            filename=f"{region} {view.hour} heads",
            alt="Attention of the class token, one picture for each encoder and head",
        )
    right.caption(
        "What the class token looks at in the frame of this hour: one row an encoder, one column a "
        "head, one logarithmic colour scale for all. Nothing is rolled out. To lay the map of some "
        "encoders or of one head over the magnetogram, open “Settings of the map” on the left."
    )


@st.cache_data(ttl=3600, max_entries=64, hash_funcs=_BY_WEIGHTS, show_spinner=False)
def _attention(info: ModelInfo, spec: str, region: str, hour: str, state: int) -> np.ndarray:
    """Attention of the last frame, (L, heads, g, g)."""
    del state
    predictor = _caches.predictor(info)
    images = subject_images(predictor, _caches.sequence(spec, region, hour, info.config.frames))
    found: np.ndarray = class_attention(predictor.model, images[-1:])[:, :, 0].cpu().numpy()
    return found


def show_norms(view: View, heat: HeatView) -> None:
    """Draw the norms of the last encoder's tokens and how much of the map lies on artefacts."""
    found = explained(view, "token-norms")
    assert found.maps is not None
    assert found.flagged is not None
    left, right = st.columns([2, 3], gap="medium")
    with left, st.container(key="norms"):
        show_chart(
            figures.token_norms(
                found.maps[-1],
                found.flagged[-1],
                dark=is_dark(),
                simulated=view.selection.region.simulated,
            ),
            kind="picture",
            ratio=1.0,
            key="token_norms",
            filename=f"{view.selection.region.id} {view.hour} token norms",
            alt="Norm of each token at the output of the last encoder",
        )
    with right:
        st.markdown(norms_sentence(found, heat.maps))
        st.caption(
            "Large transformers may use a few tokens of plain background as scratch paper; their "
            "norm is many times the others', and a map that lies on them shows nothing of the "
            "region (Darcet et al. 2024). Flagged: above 3 times the median of the sequence."
        )

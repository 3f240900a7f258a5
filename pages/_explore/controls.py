"""Which field is drawn, and which map of the network over it."""

from dataclasses import dataclass
from typing import Any

import streamlit as st

from hnn_core.network.config import HNNConfig
from pages._shared import caches
from pages._shared.link import bound, linked, refused

__all__ = ["FieldChoice", "MapChoice", "choose_field", "choose_map"]

MAPS = {
    "rollout": "Attention rollout",
    "relevance": "Relevance (gradient × attention)",
    "occlusion": "Occlusion",
}
_HELP = (
    "Rollout (the paper's) follows attention down the encoders; it is the same whatever is "
    "predicted. Relevance is about one class, through the LSTM. Occlusion hides blocks of tokens "
    "and runs the network again: slow, and the most direct."
)
_WORDS = {
    "rollout": "Where the class token's attention comes from; not why.",
    "relevance": "Attention weighted by the gradient of the class's log-odds.",
    "occlusion": "What the class's log-odds lose when a block of tokens is hidden.",
}


_FIELDS = {
    "los": "Along the line of sight",
    "br": "Radial, Br",
    "inclination": "Inclination",
}
_PIL_OF = {"los": "Line-of-sight field", "br": "Radial field, Br"}


@dataclass(frozen=True)
class FieldChoice:
    """What the viewer draws, and of which field the inversion lines are."""

    field: str = "los"
    """``los``, ``br`` or ``inclination``."""
    pil: str = "los"
    """``los`` or ``br``."""


@dataclass(frozen=True)
class MapChoice:
    """A map and its settings; hashable, so that results can be kept under it."""

    method: str = "rollout"
    target: str = "eruptive"
    layers: tuple[int, int] | None = None
    """Half-open range of encoders; None for all."""
    head: int | None = None
    signed: bool = True
    block: int = 2

    @property
    def name(self) -> str:
        """The text at the colour bar."""
        if self.method == "rollout":
            return "attention rollout"
        return f"{self.method} for {self.target}"

    @property
    def plain(self) -> bool:
        """Whether it is rollout over all encoders and heads, as the paper's."""
        return self.method == "rollout" and self.layers is None and self.head is None

    @property
    def options(self) -> dict[str, Any]:
        """Settings as `hnn_core.explanation.service.explain` takes them."""
        if self.method == "occlusion":
            return {"target": self.target, "block": self.block}
        found: dict[str, Any] = {"head": self.head}
        if self.layers is not None:
            found["layers"] = self.layers
        if self.method == "relevance":
            found |= {"target": self.target, "signed": self.signed}
        return found


def choose_field(place: caches.Place) -> FieldChoice:
    """Draw the choice of the field where any record of the region has its vector."""
    keys = ("field", "pil_of")
    if not caches.with_vector(place):
        for key in keys:
            st.session_state.pop(key, None)
            text = st.query_params.get(key)
            if text not in (None, "los"):
                refused(key, text)
            st.query_params.pop(key, None)
        return FieldChoice()
    field = linked(
        st.selectbox,
        "Field shown",
        _FIELDS,
        key="field",
        read="field",
        help="The network's input is the line-of-sight field, whatever is shown. Inclination is "
        "the angle from the vertical: 0° vertical, 90° horizontal. In weak field it is noise.",
    )
    pil = linked(
        st.selectbox,
        "PIL of",
        _PIL_OF,
        key="pil_of",
        read="field for the PIL",
        help="Lines, RoPI and hull in the viewer, their FITS file and the profile along the PIL "
        "follow. Fluxes, their histories and the map's share at the PIL stay those of the "
        "line-of-sight field.",
    )
    return FieldChoice(field, pil)


def choose_map(config: HNNConfig) -> MapChoice:
    """Draw the choice of a map and, folded away, its settings."""
    method = linked(st.selectbox, "Map", MAPS, key="map", read="map", help=_HELP)
    st.caption(_WORDS[method])
    with st.expander("Settings of the map"):
        target = "eruptive"
        if method != "rollout":
            target = linked(
                st.radio,
                "For the class",
                {"eruptive": "eruptive", "confined": "confined"},
                key="map_class",
                read="class",
                horizontal=True,
            )
        if method == "occlusion":
            side = "Side of a hidden block (tokens)"
            block = bound(st.select_slider, side, [1, 2, 4], key="block", value=2)
            return MapChoice(method, target, block=block)
        layers, head = _choose_layers(config)
        signed = True
        if method == "relevance":
            signed = bound(
                st.toggle,
                "Signed",
                key="signed",
                value=True,
                help="Keep what counts against the class; off is the published method.",
            )
    return MapChoice(method, target, layers, head, signed)


def _choose_layers(config: HNNConfig) -> tuple[tuple[int, int] | None, int | None]:
    depth, heads = config.depth, config.heads
    first, last = 1, depth
    if depth > 1:
        first, last = bound(
            st.slider,
            "Encoders",
            1,
            depth,
            key=f"layers_{depth}",
            value=(1, depth),
            help="1 is next to the input. The published methods take all.",
        )
    head = linked(
        st.selectbox,
        "Head",
        {"mean": "mean over all"}
        | {str(one): f"head {one:d} alone" for one in range(1, heads + 1)},
        key="head",
        read="head",
        help="Heads of the same number in different encoders have nothing in common.",
    )
    layers = None if (first, last) == (1, depth) else (first - 1, last)
    return layers, None if head == "mean" else int(head) - 1

"""What is drawn on the magnetogram: switches, opacity, clip. The address bar holds them.

Which map of the network is laid over the magnetogram, and its settings.
"""

from dataclasses import dataclass
from typing import Any

import streamlit as st

from hnn_core.network.model import HNNConfig
from pages._shared.link import note, one_of, publish, restore

__all__ = ["MAPS", "MapChoice", "Overlays", "choose_map", "choose_overlays"]


SWITCHES = {
    "attention": ("Heat map", True, "A map of the network over the field; which one, below."),
    "pil": ("Polarity inversion lines", True, "Thinned lines between strong polarities."),
    "ropi": ("RoPI", False, "Region of polarity inversion: the PIL flux is taken here."),
    "hull": ("Convex hull", False, "One convex hull over all lines."),
    "crop": ("Network's view", False, "The square that the network sees."),
}
CLIPS = (100, 200, 500, 1000, 2000)


@dataclass(frozen=True)
class Overlays:
    """The choice."""

    attention: bool
    lines: tuple[str, ...]
    """Those of ``pil``, ``ropi``, ``hull``, ``crop`` that are on."""
    opacity: float
    """Of the heat map, 0 to 1."""
    clip: float
    """Field drawn black or white, gauss."""


def choose_overlays() -> Overlays:
    """Draw the switches and return the choice; what a link may not ask for is noted."""
    asked = st.query_params.to_dict()
    st.markdown("#### Overlays")
    on = [
        name
        for name, (label, default, text) in SWITCHES.items()
        if st.toggle(label, default, key=name, help=text, bind="query-params")
    ]
    percent = st.slider(
        "Heat map opacity",
        0,
        100,
        45,
        5,
        format="%d %%",
        key="opacity",
        disabled="attention" not in on,
        bind="query-params",
    )
    clip = st.select_slider(
        "Field drawn black or white, ± gauss", CLIPS, 500, key="clip", bind="query-params"
    )
    defaults = {name: str(default).lower() for name, (_, default, _) in SWITCHES.items()}
    for key, default in (defaults | {"opacity": "45", "clip": "500"}).items():
        # Streamlit takes a value it cannot use, and a default, out of the address.
        if key in asked and key not in st.query_params and asked[key].lower() != default:
            note(key, f"{key} cannot be “{asked[key]}”. Shown instead: {default}.")
    return Overlays(
        attention="attention" in on,
        lines=tuple(name for name in on if name != "attention"),
        opacity=percent / 100,
        clip=float(clip),
    )


MAPS = {
    "rollout": "Attention rollout",
    "relevance": "Relevance (gradient × attention)",
    "occlusion": "Occlusion",
}
_HELP = (
    "Rollout (the paper's) follows attention down the encoders; it is the same whatever is "
    "predicted. Relevance is about one class, through the LSTM. Occlusion hides blocks of tokens "
    "and asks the network again: slow, and the most direct."
)
_WORDS = {
    "rollout": "Where the class token's attention comes from; not why.",
    "relevance": "Attention weighted by the gradient of the class's log-odds.",
    "occlusion": "What the class's log-odds lose when a block of tokens is hidden.",
}


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
        """What the colour bar says."""
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


def choose_map(config: HNNConfig, *, disabled: bool) -> MapChoice:
    """Draw the choice of a map and, folded away, its settings."""
    restore("map", "rollout", one_of("map", MAPS))
    method = st.selectbox(
        "Map",
        list(MAPS),
        format_func=MAPS.__getitem__,
        key="map",
        persist_state="session",
        help=_HELP,
        disabled=disabled,
    )
    publish("map")
    st.caption(_WORDS[method])
    with st.expander("Settings of the map"):
        target = "eruptive"
        if method != "rollout":
            target = st.radio(
                "For the class",
                ["eruptive", "confined"],
                key="map_class",
                horizontal=True,
                bind="query-params",
            )
        if method == "occlusion":
            block = st.select_slider("Side of a hidden block (tokens)", [1, 2, 4], 2, key="block")
            return MapChoice(method, target, block=block)
        layers, head = _choose_layers(config)
        signed = True
        if method == "relevance":
            signed = st.toggle(
                "Signed",
                True,
                key="signed",
                help="Keep what speaks against the class; off is the published method.",
                bind="query-params",
            )
    return MapChoice(method, target, layers, head, signed)


def _choose_layers(config: HNNConfig) -> tuple[tuple[int, int] | None, int | None]:
    depth, heads = config.depth, config.heads
    first, last = 1, depth
    if depth > 1:
        first, last = st.slider(
            "Encoders",
            1,
            depth,
            (1, depth),
            key=f"layers_{depth}",
            help="1 is next to the input. The published methods take all.",
        )
    head = st.selectbox(
        "Head",
        [None, *range(heads)],
        format_func=lambda one: "mean over all" if one is None else f"head {one + 1} alone",
        key=f"head_{heads}",
        help="Heads of the same number in different encoders have nothing in common.",
    )
    return (None if (first, last) == (1, depth) else (first - 1, last)), head

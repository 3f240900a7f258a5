"""What is drawn on the magnetogram: switches, opacity, clip. The address bar holds them."""

from dataclasses import dataclass

import streamlit as st

from pages._link import note

__all__ = ["Overlays", "choose_overlays"]

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

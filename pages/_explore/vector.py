"""The field vector of an hour: its SHARP parameters next to the header's, and the PIL's profile."""

import math
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from analysis.export import history_csv
from analysis.figures.vector import pil_profile_figure
from analysis.physics.keywords import SHARP_KEYWORDS, parameter_oddities, parameter_table
from analysis.physics.pil_profile import pil_profile, profile_table
from analysis.physics.sharp_parameters import header_parameters
from hnn_core.magnetogram.conventions import number
from pages._explore.downloads import figure_words
from pages._explore.view import View
from pages._shared import caches
from pages._shared.charts import show_chart
from pages._shared.messages import plain
from pages._shared.widgets import download, show_facts

__all__ = ["show_vector"]

_OF = {"los": "the line-of-sight field", "br": "the radial field Br"}
_ABOUT = (
    "Computed here from Br, Bt and Bp, next to what the record's header states; ± is the formal "
    "error, from the noise of the pixels alone."
)


def show_vector(view: View) -> None:
    """Draw the section of an hour that has its field vector; nothing for another one."""
    if view.t_rec not in caches.with_vector(view.place):
        return
    st.markdown("### The field vector")
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _show_parameters(view)
    with right:
        _show_profile(view)


def _show_parameters(view: View) -> None:
    vector = caches.vector(view.place, view.t_rec)
    try:
        found = caches.parameters(view.place, view.t_rec)
    except ValueError as error:
        st.info(f"No SHARP parameters: {plain(error)}")
        return
    table = parameter_table(found, header_parameters(vector.place))
    own = table[table["keyword"].isin([*SHARP_KEYWORDS, "CMASK"])]
    show_facts([_row(one) for one in own.to_dict("records")], "parameters")
    st.caption(_ABOUT)
    if not found.errors:
        st.caption("The error segments are not there, so no formal errors are known.")
    if vector.confidence is None:
        st.caption("conf_disambig is not there, so every pixel of the patch's bitmap counts.")
    side = math.sqrt(vector.place.pixel_area.to_value("Mm2"))
    for sentence in parameter_oddities(found, side):
        st.caption(plain(sentence))
    name, make = f"{_stem(view)}_parameters.csv", partial(_csv, view, table)
    download("SHARP parameters, CSV", make, name, "download_parameters")


def _stem(view: View) -> str:
    return view.name.replace(" ", "_").replace(":", "")


def _row(one: dict[Any, Any]) -> dict[str, str]:
    """Write a parameter for the table on the page."""
    name = one["keyword"]
    return {
        "keyword": name,
        "meaning": one["meaning"],
        "computed": _written(one["value"], ".5g"),
        "±": _written(one["formal_error"], ".2g"),
        "header": _written(one["header"], ".5g"),
        "difference (%)": _written(one["difference_percent"], "+.3f"),
        "unit": SHARP_KEYWORDS[name][0] if name in SHARP_KEYWORDS else "pixels",
    }


def _written(value: float, form: str) -> str:
    return "–" if math.isnan(value) else number(value, form).replace(" ", "\u00a0")


def _csv(view: View, table: pd.DataFrame) -> str:
    facts: dict[str, Any] = {
        "region": view.selection.region.id,
        "t_rec_tai": pd.Timestamp(view.t_rec),
        "simulated": view.frame.simulated,
    }
    for place, (name, value) in enumerate(facts.items()):
        table = table.copy()
        table.insert(place, name, value)
    return history_csv(table)


def _show_profile(view: View) -> None:
    vector, of = caches.vector(view.place, view.t_rec), _OF[view.field.pil]
    profile = None if view.masks is None else pil_profile(vector, view.masks.pil)
    if profile is None:
        st.info(f"This hour has no inversion line of {plain(of)}, so there is no profile.")
        return
    show_chart(
        pil_profile_figure(profile),
        key="pil_profile",
        simulated=view.selection.region.simulated,
        alt=f"Shear angle, Bh and |B| along the longest inversion line at {view.hour} TAI",
        words=figure_words(
            *(view.selection, view, f"Field vector along the longest inversion line of {of}"),
            *("magnetogram", "vector", "pil"),
        ),
    )
    name, table = f"{_stem(view)}_pil_profile.csv", profile_table(profile)
    download("Profile, CSV", partial(history_csv, table), name, "download_profile")
    st.caption(
        f"Along the longest inversion line of {plain(of)}, from its eastern end. Shear is the "
        "angle, in the horizontal plane, between the measured horizontal field and that of the "
        "potential field of the same Br. Open circles: the direction is not sure there."
    )

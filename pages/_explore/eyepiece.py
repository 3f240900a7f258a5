"""The viewer of magnetograms: its code in the browser, and what it is sent.

The viewer (assets/viewer/) is one element of the page that stays between runs. Hours are sent to it
packed, over the session's own socket: the one that is shown, before anything slow, and those that
it asks for, by a fragment, while the rest of the page stays as it is. The maps follow when the
network has run. What is drawn, and which part, is switched in the browser, which also writes it to
the address; here it is only read from there.
"""

import math
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import streamlit as st

from analysis.figures import overlays, style
from analysis.figures.overlays import channels, heat_unit
from analysis.figures.packed_frame import frame_geometry, join_payload, pack_frame, pack_numbers
from hnn_core.exceptions import HnnError
from hnn_core.magnetogram.conventions import iso_minute
from hnn_core.magnetogram.grid import Place
from hnn_core.magnetogram.preprocess import CropBox, crop_boxes
from pages._explore.view import HeatView, View
from pages._shared import caches
from pages._shared.link import refused
from pages._shared.selectors import Selection

__all__ = ["send_maps", "show_viewer"]

_SWITCHES = ("attention", "pil", "ropi", "hull", "crop", "graticule", "clipped", "contours")
_CHOICES = {"palette": ("plasma", "viridis", "paper"), "axes": ("deg", "Mm", "px")}
_RANGES = {"opacity": (0, 100), "clip": (20, 10_000)}
_MOST_WANTED = 4
"""Hours in one answer, 0.2 MB each."""
_FOLDER = Path(__file__).parents[2] / "assets" / "viewer"


def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _joined(*names: str) -> str:
    """Join modules to one, which is all that a component takes; the last one keeps its exports."""
    inner = [re.sub(r"^export (?!default)", "", _text(name), flags=re.MULTILINE) for name in names]
    return re.sub(r"^import .*$", "", "\n".join(inner), flags=re.MULTILINE)


_VIEWER = st.components.v2.component(
    "hnn_viewer",
    html=_text("viewer.html"),
    css=_text("viewer.css"),
    js=_joined(
        "frame.js", "axes.js", "contours.js", "draw.js", "hand.js", "address.js", "viewer.js"
    ),
)
_FEED = st.components.v2.component("hnn_viewer_feed", js=_text("feed.js"))


def show_viewer(selection: Selection, hour: str, records: Mapping[str, str]) -> None:
    """Draw the viewer at an hour, and send it that hour.

    Parameters
    ----------
    selection : Selection
    hour : str
        ISO minutes, TAI.
    records : mapping of str to str
        T_REC of the record of each hour, as of `caches.hours`.
    """
    _VIEWER(key="magnetogram", on_hour_change=_follow)
    _send_hours(selection, hour, dict(records), _linked())


def send_maps(view: View, heat: HeatView | None) -> None:
    """Send the viewer the network's view of an hour, and the map of the hours that it serves."""
    box = view.box
    hours: dict[str, dict[str, Any]] = {view.hour: {"box": _box(box), "values": None}}
    header = {"kind": "maps", "name": "", "unit": "", "signed": False, "hours": hours}
    choice: object = ""
    if heat is not None:
        choice, name = heat.choice, heat.choice.name
        header |= {"name": name, "unit": heat_unit(name), "signed": heat.signed}
        hours[view.hour]["values"] = pack_numbers(heat.maps[-1])
        if heat.choice.plain:
            hours |= _earlier(heat)
    header["key"] = f"{hash((view.selection.model.sha256, view.place.state, choice)):x}"
    _FEED(key="viewer_maps", data=join_payload(header))


def _earlier(heat: HeatView) -> dict[str, dict[str, Any]]:
    """Rollout rests on one frame: the earlier hours of the sequence have theirs already."""
    found, frames, size = {}, heat.sequence.frames, heat.box.size
    for frame, box, tokens in zip(frames, crop_boxes(frames, size), heat.maps, strict=True):
        if not frame.interpolated and box == crop_boxes([frame], size)[0]:
            hour = iso_minute(frame.t_rec)
            found[hour] = {"box": _box(box), "values": pack_numbers(tokens)}
    return found


def _box(box: CropBox) -> dict[str, int]:
    return {"row0": box.row0, "col0": box.col0, "size": box.size}


def _follow() -> None:
    """Let the page follow to the hour at which the hand rests in the viewer."""
    hour = st.session_state["magnetogram"].get("hour")
    if isinstance(hour, str):
        st.session_state["hour"] = hour
        st.session_state["playing"] = False


def _linked() -> dict[str, Any]:
    """Read from the address what is drawn and where; note, for one run, what cannot be had."""
    read, settings = st.query_params, {}
    for name in (*_SWITCHES, *_CHOICES, *_RANGES, "extent"):
        st.session_state.pop(name, None)
    for name in (*_SWITCHES, *_CHOICES, *_RANGES):
        text = read.get(name)
        value = None if text is None else _setting(name, text)
        if value is not None:
            settings[name] = value
        elif text is not None:
            refused(name, text)
    place = read.get("extent")
    extent = None
    if place is not None:
        with suppress(ValueError):
            col, row, across = map(float, place.split("_"))
            if all(map(math.isfinite, (col, row, across))) and across > 0:
                extent = {"col": col, "row": row, "across": across}
        if extent is None:
            refused("extent", place)
    return {"settings": settings, "extent": extent}


def _setting(name: str, text: str) -> bool | str | int | None:
    """Read a value of the address; None where it is none."""
    if name in _SWITCHES:
        return {"true": True, "false": False}.get(text.lower())
    if name in _CHOICES:
        return text if text in _CHOICES[name] else None
    low, high = _RANGES[name]
    with suppress(ValueError):
        number = float(text)
        return round(number) if low <= number <= high else None
    return None


@st.fragment
def _send_hours(
    selection: Selection, hour: str, records: dict[str, str], link: dict[str, Any]
) -> None:
    """Send the hour shown and those that the viewer asks for, unless it has them."""
    place = selection.place
    key = f"{hash(place.state):x}"
    sent: dict[str, set[str]] = st.session_state.setdefault("viewer_has", {})
    asked = st.session_state.pop("viewer_wants", None)
    wanted = [hour]
    if asked and asked["key"] == key:
        sent[key] = set(asked["have"])
        wanted += [one for one in asked["hours"] if one in records][:_MOST_WANTED]
    has = sent.setdefault(key, set())
    frames: dict[str, Any] = {}
    blobs: list[bytes] = []
    unreadable: dict[str, str] = {}
    for one in wanted:
        if one in has or one in frames:
            continue
        try:
            facts, content = _packed(place, records[one], next(iter(records.values())))
        except HnnError as error:
            unreadable[one] = str(error)
            continue
        frames[one] = {**facts, "blob": len(blobs)}
        blobs.append(content)
    has |= set(frames)
    header = {
        "kind": "hours",
        "key": key,
        "region": f"{hash((place.spec, place.region)):x}",  # a path is nobody's business
        "title": selection.region.name,
        "hours": list(records),
        "hour": hour,
        "frames": frames,
        "unreadable": unreadable,
        "link": link,
        "style": _style(),
    }
    _FEED(key="viewer_hours", data=join_payload(header, blobs), on_want_change=_note_wants)


def _note_wants() -> None:
    st.session_state["viewer_wants"] = st.session_state["viewer_hours"].get("want")


@st.cache_data(
    max_entries=128,
    ttl=3600,
    hash_funcs={caches.Place: lambda place: place.state},
    show_spinner=False,
)
def _packed(place: caches.Place, t_rec: str, first: str) -> tuple[dict[str, Any], bytes]:
    """Pack a record: facts for the header, and the field with the masks."""
    mag = caches.record(place, t_rec)
    facts = {
        "geometry": frame_geometry(mag),
        "mm": math.sqrt(mag.pixel_area.to_value("Mm2")),
        "origin": _origin(place, t_rec, first),
        "simulated": mag.simulated,
    }
    return facts, pack_frame(mag, caches.masks(place, t_rec))


def _origin(place: caches.Place, t_rec: str, first: str) -> list[int]:
    """Row and column of a record's first pixel on the array of the region's first hour."""
    with suppress(HnnError):
        on = Place.of(caches.record(place, first))
        row, col = Place.of(caches.record(place, t_rec)).corner_on(on)
        return [round(row), round(col)]
    return [0, 0]


@st.cache_data(max_entries=1, show_spinner=False)
def _style() -> dict[str, Any]:
    """Colours of the layers, and the palettes of maps as stops of colour with their alpha."""
    scales = {
        "plasma": overlays.HEAT_SCALE,
        "viridis": overlays.growing("Viridis", 0.55),
        "paper": overlays.PAPER_SCALE,
        "signed": overlays.SIGNED_SCALE,
    }
    palettes = {}
    for name, scale in scales.items():
        read = [(at, channels(colour)) for at, colour in scale]
        palettes[name] = [[at, [*(255 * one for one in rgb), alpha]] for at, (*rgb, alpha) in read]
    layers = {"pil": style.PIL, "ropi": style.ROPI, "hull": style.HULL, "crop": style.CROP}
    return {"colours": layers, "palettes": palettes}

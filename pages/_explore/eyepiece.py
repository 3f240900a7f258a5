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
from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from analysis.figures import overlays, style
from analysis.figures.overlays import channels, heat_unit
from analysis.figures.packed_frame import join_payload, pack_numbers
from hnn_core.exceptions import HnnError
from hnn_core.magnetogram.conventions import iso_minute
from hnn_core.magnetogram.preprocess import CropBox, crop_boxes
from hnn_core.regions.well_known import reference_hour
from hnn_core.sources import find_region
from pages._explore.controls import FieldChoice, MapChoice
from pages._explore.view import HeatView, View, pack_hour, read_heat, read_view
from pages._shared import caches
from pages._shared.link import refused
from pages._shared.messages import model_label, region_label
from pages._shared.selectors import Selection

__all__ = ["send_maps", "send_second", "show_viewer"]

_SWITCHES = (
    "attention",
    "pil",
    "ropi",
    "hull",
    "crop",
    "graticule",
    "clipped",
    "contours",
    "arrows",
)
_CHOICES = {
    "palette": ("plasma", "viridis", "paper"),
    "axes": ("deg", "Mm", "px"),
    "panes": ("one", "map", "hours", "models", "regions"),
    "show": ("side", "blink", "difference"),
}
_RANGES = {"opacity": (0, 100), "clip": (20, 10_000), "lines": (0, 100), "rate": (0.5, 3)}
_SECOND = ("hour2", "model2", "region2")
"""What the second picture shows, each empty until it is chosen."""
_NARROWEST = 12
"""Columns of the narrowest view, as in assets/viewer/part.js."""
_MOST_WANTED = 4
"""Hours in one answer, 0.2 MB each."""
_FOLDER = Path(__file__).parents[2] / "assets" / "viewer"


def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _joined(*names: str) -> str:
    """Join modules to one, which is all that a component takes; the last one keeps its exports."""
    inner = [re.sub(r"^export (?!default)", "", _text(name), flags=re.MULTILINE) for name in names]
    return re.sub(r"^import .*$", "", "\n".join(inner), flags=re.MULTILINE)


_CODE = _joined(
    *("frame.js", "axes.js", "shown.js", "compare.js", "contours.js", "arrows.js", "draw.js"),
    *("picture.js", "part.js"),
    *("supply.js", "pane.js", "second.js", "hand.js", "address.js"),
    *("cut/places.js", "cut/panel.js", "cut/cut.js", "viewer.js"),
)
_VIEWER = st.components.v2.component(
    "hnn_viewer", html=_text("viewer.html"), css=_text("viewer.css"), js=_CODE
)
_FEED = st.components.v2.component("hnn_viewer_feed", js=_text("feed.js"))


def show_viewer(
    selection: Selection, hour: str, records: Mapping[str, str], shown: FieldChoice
) -> None:
    """Draw the viewer at an hour, and send it that hour.

    Parameters
    ----------
    selection : Selection
    hour : str
        ISO minutes, TAI.
    records : mapping of str to str
        T_REC of the record of each hour, as of `caches.hours`.
    shown : FieldChoice
    """
    _VIEWER(key="magnetogram", on_hour_change=_follow)
    _send_hours(selection, hour, dict(records), shown, _linked(selection, records))


def send_maps(view: View, heat: HeatView | None) -> None:
    """Send the viewer the network's view of an hour, and the map of the hours that it serves."""
    _FEED(key="viewer_maps", data=join_payload({"kind": "maps", **_maps(view, heat)}))


def _maps(view: View, heat: HeatView | None) -> dict[str, Any]:
    here: dict[str, Any] = {"box": _box(view.box), "values": None}
    if view.prediction:
        here["probability"] = view.prediction.probability
    hours: dict[str, dict[str, Any]] = {view.hour: here}
    header = {"name": "", "unit": "", "signed": False, "hours": hours}
    header["model"] = model_label(view.selection.model)
    choice: object = ""
    if heat is not None:
        choice, name = heat.choice, heat.choice.name
        header |= {"name": name, "unit": heat_unit(name), "signed": heat.signed}
        here["values"] = pack_numbers(heat.maps[-1])
        if heat.choice.plain:
            header["hours"] = _earlier(heat) | hours
    header["key"] = f"{hash((view.selection.model.sha256, view.place.state, choice)):x}"
    return header


@st.fragment
def send_second(
    selection: Selection,
    hour: str,
    records: Mapping[str, str],
    shown: FieldChoice,
    choice: MapChoice,
) -> None:
    """Send the viewer the other hour, model or region that its second picture shows.

    Parameters are those of `show_viewer`, and the map, which is made for the second picture too.
    What it shows is the link's, then what the viewer last wanted: Streamlit sends the address as
    it was when the session began.
    """
    wants = st.session_state.pop("viewer_wants_second", None)
    linked = {name: st.query_params.get(name, "") for name in ("panes", *_SECOND)}
    request = st.session_state.setdefault("viewer_second_shows", linked)
    kind = request["panes"]
    models = {info.name: info for info in caches.models()[0]}
    chosen = dict(request)
    header: dict[str, Any] = {"kind": "second", "request": request, "chosen": chosen, "note": ""}
    header["models"] = [[name, model_label(info)] for name, info in models.items()]
    blobs: list[bytes] = []
    other, there = selection, dict(records)
    if kind == "models":
        chosen["model2"] = request["model2"] or _next(selection.model.name, list(models))
        other = replace(selection, model=models.get(chosen["model2"], selection.model))
    if kind == "regions":
        regions = {region.id: region for region in selection.source.regions()}
        header["regions"] = [[name, region_label(region)] for name, region in regions.items()]
        chosen["region2"] = request["region2"] or _next(selection.region.id, list(regions))
        other = replace(selection, region=regions.get(chosen["region2"], selection.region))
        there = caches.hours(other.place)
        if request["hour2"] not in there:
            chosen["hour2"] = reference_hour(list(there), other.region)
        header["hours"], blobs = _hours(
            *(other, chosen["hour2"], there, shown, wants, "viewer_has_second")
        )
    at = hour if kind == "models" else chosen["hour2"]
    if kind in ("hours", "models", "regions") and at in there:
        try:
            view = read_view(other, at, there[at], shown)
            header["note"] = "" if view.prediction else "no prediction for this picture"
            header["maps"] = _maps(view, _other_heat(view, choice))
        except HnnError as error:
            header["note"] = str(error)
    data = join_payload(header, blobs)
    _FEED(key="viewer_second", data=data, on_want_change=_note_second_wants)


def _note_second_wants() -> None:
    wants = st.session_state["viewer_second"].get("want")
    st.session_state["viewer_wants_second"] = wants
    if wants:
        st.session_state["viewer_second_shows"] = wants["shows"]


def _next(name: str, names: list[str]) -> str:
    return names[(names.index(name) + 1) % len(names)]


def _other_heat(view: View, choice: MapChoice) -> HeatView | None:
    """Make the same map of another view; occlusion takes long and is made of the first only."""
    if choice.method == "occlusion":
        return None
    config = view.selection.model.config
    if max(choice.layers or (0,)) > config.depth or (choice.head or 0) >= config.heads:
        choice = replace(choice, layers=None, head=None)
    return read_heat(view, choice)


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


def _linked(selection: Selection, records: Mapping[str, str]) -> dict[str, Any]:
    """Read from the address what is drawn and where; note, for one run, what cannot be had."""
    read, settings = st.query_params, {}
    region = selection.region.id
    same = st.session_state.get("second_of", region) == region  # else hour2 was that one's
    st.session_state["second_of"] = region
    for name in (*_SWITCHES, *_CHOICES, *_RANGES, *_SECOND, "extent", "cut"):
        st.session_state.pop(name, None)
    for name in (*_SWITCHES, *_CHOICES, *_RANGES, *_SECOND):
        text = read.get(name)
        value: bool | str | float | None = None
        if text is not None:
            second = name in _SECOND
            value = _of_second(name, text, selection, records) if second else _setting(name, text)
        if value is not None:
            settings[name] = value
        elif name == "hour2" and not same:
            read.pop(name, None)
        elif text is not None:
            refused(name, text)
    place = read.get("extent")
    extent = None
    if place is not None:
        with suppress(ValueError):
            col, row, across = map(float, place.split("_"))
            if all(map(math.isfinite, (col, row, across))) and across >= _NARROWEST:
                extent = {"col": col, "row": row, "across": across}
        if extent is None:
            refused("extent", place)
    return {"settings": settings, "extent": extent, "cut": _cut(read.get("cut"))}


def _cut(text: str | None) -> list[list[float]] | None:
    """Read the ends of a cut: Carrington longitude and latitude of one or two, degrees."""
    if text is None:
        return None
    with suppress(ValueError):
        numbers = [float(one) for one in text.split("_")]
        ends = [numbers[:2], numbers[2:]][: len(numbers) // 2]
        sound = all(0 <= lon <= 360 and -90 <= lat <= 90 for lon, lat in ends)
        if len(numbers) in (2, 4) and sound:
            return ends
    refused("cut", text)
    return None


def _of_second(
    name: str, text: str, selection: Selection, records: Mapping[str, str]
) -> str | None:
    """Read what the second picture shows; None where there is no such hour, model or region."""
    if name == "model2":
        return text if any(text == info.name for info in caches.models()[0]) else None
    if name == "region2":
        with suppress(HnnError):
            return find_region(selection.source, text).id
        return None
    if st.query_params.get("panes") == "regions":
        records = _hours_there(selection)
    return text if text in records else None


def _hours_there(selection: Selection) -> Mapping[str, str]:
    """Return the records of the region that the link has for the second picture, by hour."""
    regions = {region.id: region for region in selection.source.regions()}
    wanted = _of_second("region2", st.query_params.get("region2", ""), selection, {})
    region = regions[wanted or _next(selection.region.id, list(regions))]
    with suppress(HnnError):
        return caches.hours(replace(selection, region=region).place)
    return {}


def _setting(name: str, text: str) -> bool | str | float | None:
    """Read a value of the address; None where it is none."""
    if name in _SWITCHES:
        return {"true": True, "false": False}.get(text.lower())
    if name in _CHOICES:
        return text if text in _CHOICES[name] else None
    low, high = _RANGES[name]
    with suppress(ValueError):
        number = float(text)
        step = 0.5 if name == "rate" else 1
        return step * round(number / step) if low <= number <= high else None
    return None


@st.fragment
def _send_hours(
    selection: Selection,
    hour: str,
    records: dict[str, str],
    shown: FieldChoice,
    link: dict[str, Any],
) -> None:
    """Send the hour shown and those that the viewer asks for, unless it has them."""
    asked = st.session_state.pop("viewer_wants", None)
    header, blobs = _hours(selection, hour, records, shown, asked, "viewer_has")
    header |= {"kind": "hours", "link": link, "style": _style()}
    _FEED(key="viewer_hours", data=join_payload(header, blobs), on_want_change=_note_wants)


def _hours(
    selection: Selection,
    hour: str,
    records: Mapping[str, str],
    shown: FieldChoice,
    asked: dict[str, Any] | None,
    sent_to: str,
) -> tuple[dict[str, Any], list[bytes]]:
    """Make what the viewer is sent of a region: the hour shown and those asked for, unless there.

    What it was sent is kept in the session's state under `sent_to`.
    """
    place = selection.place
    vectors = caches.with_vector(place)
    key = f"{hash((place.state, shown, vectors)):x}"
    sent: dict[str, set[str]] = st.session_state.setdefault(sent_to, {})
    wanted = [hour]
    if asked and asked["key"] == key:
        sent[key] = set(asked["have"])
        wanted += [one for one in asked["hours"] if one in records][:_MOST_WANTED]
    has = sent.setdefault(key, set())
    frames: dict[str, Any] = {}
    blobs: list[bytes] = []
    lacking = [] if shown.field == "los" else [h for h in records if records[h] not in vectors]
    unreadable = dict.fromkeys(lacking, "no field vector")
    for one in wanted:
        if one in has or one in frames or one in unreadable:
            continue
        try:
            there = records[one] in vectors
            facts, parts = pack_hour(
                place, records[one], next(iter(records.values())), shown, there
            )
        except HnnError as error:
            unreadable[one] = str(error)
            continue
        places = range(len(blobs), len(blobs) + len(parts))
        frames[one] = facts | dict(zip(("blob", "arrows"), places, strict=False))
        blobs += parts
    has |= set(frames)
    header = {
        "key": key,
        "region": f"{hash((place.spec, place.region)):x}",  # a path is nobody's business
        "title": selection.region.name,
        "source": _source_words(selection.source.spec),
        "hours": list(records),
        "hour": hour,
        "frames": frames,
        "unreadable": unreadable,
        "vectors": bool(vectors),
        "lacking": lacking,
    }
    return header, blobs


def _source_words(spec: str) -> str:
    """Name a source without the place of its folder on the server."""
    kind, _, rest = spec.partition(":")
    return f"{kind}:{Path(rest).name}" if kind in ("fits", "upload") else spec


def _note_wants() -> None:
    st.session_state["viewer_wants"] = st.session_state["viewer_hours"].get("want")


@st.cache_data(max_entries=1, show_spinner=False)
def _style() -> dict[str, Any]:
    """Colours of the layers, and the palettes of maps as stops of colour with their alpha."""
    scales = {
        "plasma": overlays.HEAT_SCALE,
        "viridis": overlays.growing("Viridis", 0.55),
        "paper": overlays.PAPER_SCALE,
        "signed": overlays.SIGNED_SCALE,
        "inclination": overlays.INCLINATION_SCALE,
    }
    palettes = {}
    for name, scale in scales.items():
        read = [(at, channels(colour)) for at, colour in scale]
        palettes[name] = [[at, [*(255 * one for one in rgb), alpha]] for at, (*rgb, alpha) in read]
    layers = {"pil": style.PIL, "ropi": style.ROPI, "hull": style.HULL, "crop": style.CROP}
    return {"colours": layers, "palettes": palettes}

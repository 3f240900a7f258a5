"""The disk with its regions, pages elsewhere about the one shown, and code for the view."""

import math
from html import escape

import streamlit as st

from analysis.figures.disk import disk_regions_figure
from analysis.physics.coordinates import header_number
from hnn_core.magnetogram.conventions import format_t_rec, parse_t_rec
from hnn_core.services.endpoints import region_pages
from hnn_core.sources import DiskPlace, regions_at
from pages._explore.view import View
from pages._shared import caches
from pages._shared.charts import show_chart
from pages._shared.messages import plain

__all__ = ["again_code", "archive_code", "show_again", "show_around", "show_disk", "show_elsewhere"]

_CHART, _LIST = "disk_here", "disk_region"
_NO_PAGES = (
    "This region is simulated: it never was on the Sun, so that Helioviewer, SolarMonitor and JSOC "
    "have nothing about it."
)


def show_around(view: View) -> None:
    """Draw the disk, the pages elsewhere and, folded away, the code."""
    with st.container(key="disk_place", gap="xxsmall"):
        show_disk(view)
        show_elsewhere(view)
        with st.popover("Code for this view", icon=":material/code:", type="tertiary"):
            show_again(view)


def show_disk(view: View) -> None:
    """Draw the regions on the disk at the hour; a click, or the list, goes to another one."""
    shown = view.selection.region.id
    places = _places(view.place, view.hour)
    tilt = header_number(view.frame, "CRLT_OBS")
    figure = disk_regions_figure(places, shown, 0.0 if math.isnan(tilt) else tilt)
    with st.container(key="disk_box", width=200):
        show_chart(
            figure,
            kind="disk",
            key=_CHART,
            alt=f"Regions of the source on the disk at {view.hour} TAI",
            simulated=view.frame.simulated,
            on_select=_go_to_dot,
        )
    others = len(places) - 1
    click = "; click one to go there" if others else ""
    st.caption(f"Regions whose hours cover this time: {len(places):d}{plain(click)}.")
    unplaced = [place.region.name for place in places if math.isnan(place.longitude)]
    if unplaced:
        st.caption(plain(f"Position not known: {', '.join(unplaced)}."))
    if others:
        names = {place.region.id: place.region.name for place in places}
        st.session_state[_LIST] = shown
        st.selectbox(
            "Regions at this time",
            list(names),
            format_func=names.__getitem__,
            key=_LIST,
            on_change=lambda: _go(st.session_state[_LIST]),
        )


def show_elsewhere(view: View) -> None:
    """Draw links to pages of others about the region at the time; why there are none."""
    frame = view.frame
    if frame.simulated:
        st.caption(_NO_PAGES)
        return
    region = view.selection.region
    pages = region_pages(
        frame.harp, region.noaa, frame.t_rec, near_real_time=region.id.startswith("NRT-")
    )
    links = " · ".join(
        f'<a href="{escape(url)}" target="_blank" rel="noopener" style="color: inherit">'
        f"{escape(name)}</a>"
        for name, url in pages.items()
    )
    st.html(
        '<p class="elsewhere" style="font-size: 0.875rem; margin: 0">'
        f"Elsewhere (new tab): {links}</p>"
    )


def show_again(view: View) -> None:
    """Draw the code that makes the view again."""
    st.caption("With the program itself:")
    st.code(again_code(view), language="python")
    if not view.frame.simulated:
        st.caption("The same record from JSOC, by drms and sunpy with its maps (`sunpy[map]`):")
        st.code(archive_code(view), language="python")


def again_code(view: View) -> str:
    """Write Python that reads the sequence, predicts, and finds the inversion lines."""
    selection, where = view.selection, ""
    spec = selection.source.spec
    if spec.startswith("upload:"):
        spec, where = "fits:FOLDER", "  # the folder that holds the files you uploaded"
    result = ""
    if view.prediction:
        result = f"  # {view.prediction.probability:.4f}"
    lines = "field"
    if view.field.pil == "br":
        lines = f"source.vector({selection.region.id!r}, frame.t_rec).radial"
    return f"""\
from astropy.time import Time

from analysis import detect_pils
from hnn_core import Predictor, build_sequence, open_source

source = open_source({spec!r}){where}
predictor = Predictor.load({selection.model.name!r})
hour = Time({view.hour!r}, scale="tai")
sequence = build_sequence(source, {selection.region.id!r}, hour, predictor.frames)

prediction = predictor.predict(sequence)
print("P(eruptive):", round(prediction.probability, 4)){result}
maps = predictor.rollout(sequence)  # (hours, tokens down, tokens across)
frame = sequence.frames[-1]
field = frame.field  # gauss, row 0 south
lines = detect_pils({lines})
print("pixels of PIL:", int(lines.pil.sum()), "of RoPI:", int(lines.ropi.sum()))
"""


def archive_code(view: View) -> str:
    """Write Python that fetches the record from JSOC and draws it."""
    near = "_nrt" if view.selection.region.id.startswith("NRT-") else ""
    record = f"hmi.sharp_cea_720s{near}[{view.frame.harp}][{format_t_rec(view.frame.t_rec)}]"
    return f"""\
import drms
import sunpy.map

client = drms.Client(email="NAME@EXAMPLE.ORG")  # an address that is registered with JSOC
record = {record!r}
print(client.query(record, key="T_REC, NOAA_ARS, LON_FWT, LAT_FWT, USFLUX, QUALITY").T)
export = client.export(record + "{{magnetogram}}", method="url", protocol="fits")
files = export.download(".")
sunpy.map.Map(files.download.iloc[0]).peek()
"""


@st.cache_data(
    ttl=3600,
    max_entries=256,
    hash_funcs={caches.Place: lambda place: (place.spec, caches.Place(place.spec, "").state)},
    show_spinner=False,
)
def _places(place: caches.Place, hour: str) -> list[DiskPlace]:
    return regions_at(caches.source(place.spec), parse_t_rec(hour))


def _go_to_dot() -> None:
    """Go to the region whose dot was clicked."""
    points = st.session_state[_CHART].selection.points
    for point in points:
        if point.get("customdata"):
            _go(str(point["customdata"][0]))


def _go(region: str) -> None:
    """Show another region; the hour stays."""
    st.session_state["region"] = region

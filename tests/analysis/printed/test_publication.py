"""Figures for a paper: whole, on white, with title, credit and font; nothing foreign gets in."""

import base64
import io
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from astropy.time import Time
from PIL import Image

from analysis.figures.flux import flux_bars_figure, flux_history_figure
from analysis.figures.magnetogram import magnetogram_figure
from analysis.figures.passage import probability_figure
from analysis.figures.style import put_on
from analysis.physics.flux import flux_history
from analysis.physics.pil import detect_pils
from analysis.printed.captions import FigureWords, Subject, magnetogram_caption, plain_words
from analysis.printed.publication import (
    figure_svg,
    fill_sheet,
    find_browser,
    for_publication,
    pdf_bytes,
    png_bytes,
    sheet,
)
from hnn_core.exceptions import FigureError
from tests.support.drawn_regions import boundary, drawn_magnetogram

GOLDEN = Path(__file__).with_name("golden")
SVG = "{http://www.w3.org/2000/svg}"
PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="700" height="300">{}</svg>'
TITLE = ("AR 11158 · HARP 377", "model <demo> {width} · P(eruptive) 0.93 × 10⁻³")
CREDIT = "Courtesy of NASA/SDO and the HMI science team."


def filled(picture: str = PICTURE.format("<rect width='9' height='9'/>")) -> str:
    return fill_sheet(sheet(TITLE, CREDIT, "A drawn field"), picture)


def texts(svg: str) -> list[str]:
    return ["".join(one.itertext()) for one in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def pixels(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("RGBA"), dtype=float)


def test_a_sheet_has_title_credit_description_and_font_around_the_picture():
    svg = filled()
    root = ElementTree.fromstring(svg)
    assert (root.get("width"), root.get("viewBox")) == ("700", f"0 0 700 {root.get('height')}")
    assert texts(svg) == [*TITLE, CREDIT]
    assert root.find(f"{SVG}title").text == " · ".join(TITLE)
    assert root.find(f"{SVG}desc").text == "A drawn field"
    assert svg.count("@font-face") == 2
    assert float(root.get("height")) > 300 + 2 * 15  # picture, two lines and the credit


def test_a_narrow_picture_and_a_long_title_are_whole():
    svg = fill_sheet(sheet(["long " * 40], CREDIT), '<svg width="200" height="100.4"><g/></svg>')
    root = ElementTree.fromstring(svg)
    assert root.get("width") == "640"
    rows = texts(svg)
    assert len(rows) == 4
    assert all(len(row) * 7 < 640 for row in rows)


def test_pdf_and_png_are_opaque_white_with_the_letters_of_the_font():
    image = pixels(png_bytes(filled(), scale=2))
    height = int(ElementTree.fromstring(filled()).get("height"))
    assert image.shape == (2 * height, 1400, 4)
    assert image[..., 3].min() == 255
    assert all((image[y, x] == 255).all() for y in (0, -1) for x in (0, -1))
    assert (image[20:64, 30:200, :3] < 100).any()  # the title
    pdf = pdf_bytes(filled())
    assert pdf.startswith(b"%PDF")
    assert b"FigureSans-Regular" in pdf
    assert b"FigureSans-Bold" in pdf


@pytest.mark.parametrize(
    "content",
    [
        '<image href="/etc/hostname.png"/>',
        '<image href="http://127.0.0.1/a.png"/>',
        '<image href="data:image/svg+xml;base64,AAAA"/>',
        '<image xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="file:///a.png"/>',
        '<rect style="fill:url(http://127.0.0.1/a.svg#x)"/>',
        "<style>@import url('http://127.0.0.1/a.css');</style>",
        "<style>@import 'http://127.0.0.1/a.css';</style>",
        "<!-- --><rect/>",
        "<rect>",
    ],
)
def test_a_drawing_that_asks_for_anything_outside_itself_is_refused(content):
    with pytest.raises(FigureError):
        pdf_bytes(PICTURE.format(content))


def test_entities_and_endless_drawings_are_refused():
    bomb = '<!DOCTYPE svg [<!ENTITY a "aaaa">]>' + PICTURE.format("&a;")
    for svg in (bomb, PICTURE.format(" " * 40_000_001), "no svg"):
        with pytest.raises(FigureError):
            pdf_bytes(svg)
    with pytest.raises(FigureError, match="width and a height"):
        fill_sheet(sheet(TITLE, CREDIT), "<svg/>")


def bars(history: pd.DataFrame) -> go.Figure:
    return flux_bars_figure(history, column="pil_unsigned_flux_mx", positive=True)


def test_a_dark_page_figure_is_printed_light_and_stays_as_it_was():
    dark = put_on(bars(flux_history([drawn_magnetogram()])), dark=True)
    before = dark.to_json()
    printed = for_publication(dark, simulated=True)
    assert dark.to_json() == before
    layout = printed.layout
    assert (layout.paper_bgcolor, layout.plot_bgcolor) == ("#ffffff", "#ffffff")
    assert layout.template.layout.font.color == "#1c2230"
    assert layout.margin.autoexpand
    assert all(axis.automargin for axis in printed.select_yaxes())
    assert [note.name for note in layout.annotations if note.name] == ["simulated"]


def test_webp_pictures_are_printed_as_png():
    buffer = io.BytesIO()
    Image.new("RGB", (4, 3), "red").save(buffer, "webp", lossless=True)
    source = f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
    printed = for_publication(put_on(go.Figure(layout={"images": [{"source": source}]})))
    head, _, content = printed.layout.images[0].source.partition(",")
    assert head == "data:image/png;base64"
    assert pixels(base64.b64decode(content))[1, 1].tolist() == [255, 0, 0, 255]


SUBJECT = Subject("AR 11158", "2011-02-14T12:00", "demo", "M", 0.934, 0.5, "S20 W17")


def test_the_caption_names_what_is_drawn_and_nothing_else():
    on = {"clip": 1500, "attention": True, "pil": True, "ropi": False, "hull": True, "crop": True}
    words = magnetogram_caption(SUBJECT, on, "attention rollout")
    assert "−1500 G" in words.caption
    assert "not why it predicts" in words.caption
    assert "inversion lines (magenta), convex hull" in words.caption
    assert "region of polarity inversion" not in words.caption
    assert "P(eruptive) = 0.93 at 2011-02-14 12:00 TAI" in words.caption
    assert words.title == (
        "AR 11158 · 2011-02-14 12:00 TAI",
        "model demo, flares ≥M · P(eruptive) 0.93",
    )
    assert "Ji, A." in words.methods
    assert "does not show why" in words.methods
    off = magnetogram_caption(SUBJECT, {"clip": 500, "attention": False}, "attention rollout")
    assert "attention" not in off.caption
    assert "Ji, A." not in off.methods


def test_two_pictures_and_their_difference_are_named():
    two = {"attention": True, "titles": ["12:00 TAI", "06:00 TAI"]}
    caption = magnetogram_caption(SUBJECT, two, "attention rollout").caption
    assert "From left to right: 12:00 TAI; 06:00 TAI." in caption
    one = {"attention": True, "differs": True, "titles": ["12:00 less 06:00"]}
    caption = magnetogram_caption(SUBJECT, one, "attention rollout").caption
    assert caption.startswith("Difference of the line-of-sight field")
    assert "Shown: 12:00 less 06:00." in caption
    assert "rollout" not in caption


def test_no_prediction_is_not_a_probability():
    words = magnetogram_caption(Subject("AR 1", "2011-02-14T12:00", "demo", "M"), {}, "")
    assert "P(eruptive) =" not in words.caption
    assert words.title[1].endswith("P(eruptive): no prediction")


@pytest.mark.parametrize(("simulated", "mixed"), [(True, False), (False, True), (False, False)])
def test_simulated_data_are_always_named(simulated, mixed):
    words = plain_words("Flux", simulated=simulated or mixed, mixed=mixed)
    assert ("imulated" in words.whole_caption) == (simulated or mixed)
    assert ("NASA/SDO" in words.credit) == (not simulated)
    one = FigureWords(("a",), "b.", ("magnetogram",), simulated=True)
    assert "simulated" in one.methods
    assert "SHARP" not in one.methods


def figures() -> dict[str, go.Figure]:
    """Figures of drawn fields, one of each kind."""
    frames = [
        drawn_magnetogram(
            boundary(40, 60, 300.0 + 40 * hour),
            t_rec=Time(f"2011-02-13T{5 + hour:02}:00:00", scale="tai"),
        )
        for hour in range(10)
    ]
    history = flux_history(frames)
    hours = [frame.t_rec for frame in frames]
    table = pd.DataFrame({"t_rec": hours, "probability": np.linspace(0.1, 0.9, 10)})
    masks = detect_pils(frames[-1].field)
    return {
        "magnetogram": magnetogram_figure(frames[-1], masks=masks, show=("pil", "ropi", "hull")),
        "bars": bars(history),
        "history": flux_history_figure(history),
        "probability": probability_figure(table, threshold=0.5),
    }


@pytest.fixture(scope="module")
def printed():
    """Sheets of the figures, drawn by a browser of this machine."""
    if find_browser() is None:
        pytest.skip("no Chromium or Chrome is installed")
    made = {name: for_publication(put_on(one, dark=True)) for name, one in figures().items()}
    drawn = figure_svg(list(made.values()))
    return {name: (made[name], filled(svg)) for name, svg in zip(made, drawn, strict=True)}


@pytest.mark.slow
def test_axis_titles_and_legends_are_whole(printed):
    for figure, svg in printed.values():
        written = texts(svg)
        for axis in (*figure.select_xaxes(), *figure.select_yaxes()):
            if title := axis.title.text:
                assert re.sub(r"<[^>]+>", "", title) in [re.sub(r"\s+", " ", t) for t in written]
        assert CREDIT in written
        assert "Figure Sans" in svg
        image = pixels(png_bytes(svg, scale=1))
        assert image[..., 3].min() == 255
        edge = np.concatenate([image[:, [0, -1], :3].reshape(-1, 3), image[0, :, :3]])
        assert (edge == 255).all()  # nothing is cut


@pytest.mark.slow
@pytest.mark.parametrize("name", ["magnetogram", "bars", "history", "probability"])
def test_figures_look_as_they_did(printed, name):
    _, svg = printed[name]
    image = pixels(png_bytes(svg, scale=0.5))[..., :3]
    with Image.open(GOLDEN / f"{name}.png") as stored:
        golden = np.asarray(stored.convert("RGB"), dtype=float)
    assert image.shape == golden.shape
    # Another version of the browser moves letters by a part of a pixel; a lost legend, another
    # colour or a clear ground is more.
    differing = np.abs(image - golden).max(axis=2) > 60
    assert differing.mean() < 0.01


def test_a_figure_of_a_region_has_its_hour_and_answer_as_its_words():
    words = SUBJECT.words("Flux history", "flux")
    assert words.title[0] == "Flux history · AR 11158 · 2011-02-14 12:00 TAI"
    assert words.caption == f"Flux history: AR 11158, 2011-02-14 12:00 TAI. {SUBJECT.answer}"
    assert words.methods.startswith("Unsigned flux is")
    whole = Subject("SIM 1", "", simulated=True).words("Flux history")
    assert whole.caption == "Flux history: SIM 1."
    assert whole.whole_caption.startswith("Simulated data. ")
    without = Subject("SIM 1", "2011-02-14T12:00").words("Flux history")
    assert without.caption.endswith("There is no prediction for this hour.")


def test_the_caption_names_the_field_that_is_shown_its_lines_and_arrows():
    on = {"shown": "inclination", "pil_of": "br", "pil": True, "arrows": True}
    words = magnetogram_caption(SUBJECT, on, "")
    assert words.caption.startswith("Inclination of the field from the vertical of ")
    assert "black at 0° (vertical)" in words.caption
    assert "polarity inversion lines of Br" in words.caption
    assert "Arrows: horizontal field" in words.caption
    assert "Alissandrakis" in words.methods
    radial = magnetogram_caption(SUBJECT, {"shown": "br", "clip": 200}, "")
    assert radial.caption.startswith("Radial field Br of ")
    assert "black at −200 G" in radial.caption

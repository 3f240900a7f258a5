"""The field vector on Explore, driven without a browser, on drawn records."""

import base64
import re
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from analysis.physics.pil import detect_pils
from analysis.physics.sharp_parameters import sharp_parameters
from hnn_core.magnetogram.magnetogram import read_fits
from hnn_core.magnetogram.vector import read_vector
from hnn_core.network.model_store import save_model
from tests.conftest import real_data
from tests.pages.test_explore import figure, words
from tests.support.app import run_app, sent_to_viewer, step
from tests.support.drawn_sharp import draw_fits
from tests.support.small_models import small_model

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("named_pages")]

ROWS, COLS, HOURS = 48, 72, 5
WITH = 3
"""The one hour that has its field vector."""


@pytest.fixture(autouse=True)
def fresh_caches(hnn_home: Path) -> None:
    st.cache_data.clear()
    st.cache_resource.clear()
    save_model(small_model(), hnn_home / "models" / "small", metadata={})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bipole whose line of Br lies six columns west of that along the line of sight."""
    rows, cols = np.mgrid[:ROWS, :COLS]
    shape = np.exp(-(((rows - 24.0) / 12.0) ** 2))
    parts = {
        "Br": 800.0 * np.tanh((cols - 42.0) / 2.0) * shape,
        "Bt": -300.0 * shape,
        "Bp": 400.0 * shape,
        **dict.fromkeys(("Br_err", "Bt_err", "Bp_err"), 0 * shape + 20.0),
        "conf_disambig": 0 * shape + 90,
        "bitmap": 0 * shape + 34,
    }
    for hour in range(HOURS):
        names = {"magnetogram": 700.0 * np.tanh((cols - 36.0) / 2.0) * shape + hour}
        for name, pixels in (names | (parts if hour == WITH else {})).items():
            stem = f"hmi.sharp_cea_720s.377.20110213_{hour:02}0000_TAI.{name}.fits"
            draw_fits(
                tmp_path / stem,
                pixels.astype(np.float32),
                T_REC=f"2011.02.13_{hour:02}:00:00_TAI",
                CRPIX1=(COLS + 1) / 2,
                CRPIX2=(ROWS + 1) / 2,
                USFLUX=2e21,
            )
    return tmp_path


def segment(folder: Path, name: str, hour: int = WITH) -> Path:
    return folder / f"hmi.sharp_cea_720s.377.20110213_{hour:02}0000_TAI.{name}.fits"


def opened(folder: Path, hour: int = WITH, **view: str) -> AppTest:
    query = {"source": "fits", "folder": str(folder), "model": "small"}
    app = run_app(**query, hour=f"2011-02-13T{hour:02}:00", **view)
    assert not app.exception
    return app


def test_the_viewer_gets_the_field_that_is_chosen_and_lines_of_the_chosen_one(folder):
    vector = read_vector(segment(folder, "Br"))
    seen = read_fits(segment(folder, "magnetogram")).field
    drawn = {"los": seen, "br": vector.radial, "inclination": 10 * vector.inclination}
    lines = {"los": detect_pils(seen).pil, "br": detect_pils(vector.radial).pil}
    assert (lines["los"] != lines["br"]).any()
    for field, pil in (("los", "br"), ("br", "los"), ("inclination", "br")):
        app = opened(folder, field=field, pil_of=pil)
        sent = sent_to_viewer(app)
        np.testing.assert_array_equal(sent.frame.field, np.rint(drawn[field]))
        np.testing.assert_array_equal(sent.frame.masks.pil, lines[pil])
        facts = sent.header["frames"][sent.header["hour"]]
        assert (facts["shown"], facts["pil"], facts["note"]) == (field, pil, "")
        assert "arrows" in facts
        assert {key: app.query_params[key] for key in ("field", "pil_of")} == {
            "field": field,
            "pil_of": pil,
        }


def test_another_choice_is_sent_anew_though_the_viewer_has_the_hour(folder):
    app = opened(folder)
    first = sent_to_viewer(app).header["key"]
    app.selectbox(key="field").set_value("br").run()
    sent = sent_to_viewer(app)
    assert sent.header["key"] != first
    assert sent.frame.field.max() == pytest.approx(800, abs=1)


def test_an_hour_without_a_vector_shows_no_other_field_instead(folder):
    app = opened(folder, WITH - 1, field="br")
    sent = sent_to_viewer(app)
    assert not sent.frames
    hours = [f"2011-02-13T{hour:02}:00" for hour in range(HOURS) if hour != WITH]
    assert sent.header["lacking"] == hours
    assert sent.header["unreadable"] == dict.fromkeys(hours, "no field vector")
    step(app, 1)
    assert sent_to_viewer(app).frame.field.max() == pytest.approx(800, abs=1)


def test_an_hour_without_a_vector_has_no_lines_of_br_and_says_so(folder):
    app = opened(folder, WITH - 1, pil_of="br")
    sent = sent_to_viewer(app)
    assert not sent.frame.masks.pil.any()
    facts = sent.header["frames"][sent.header["hour"]]
    assert facts["note"] == "no field vector, so no PIL of Br"
    assert "arrows" not in facts
    (button,) = [one for one in app.get("download_button") if one.key == "download_masks"]
    assert button.proto.disabled
    assert "The field vector" not in words(app)


def test_the_section_compares_the_parameters_with_the_header(folder):
    app = opened(folder)
    assert "### The field vector" in words(app)
    found = sharp_parameters(
        read_vector(segment(folder, "Br")), read_fits(segment(folder, "magnetogram")).field
    )
    table = next(one.proto.body for one in app.get("html") if "MEANGAM" in one.proto.body)
    share = 100 * (found.values["USFLUX"] / 2e21 - 1)
    assert f"<td>{share:+.3f}</td>".replace("-", "−") in table
    assert f"<td>{found.values['MEANGAM']:.5g}</td>" in table
    text = words(app)
    assert "MEANGBT, MEANGBZ and MEANGBH are gradients per pixel" in text
    assert "not measured against a potential field" in text
    assert "Fluxes, here and over the passage, are those of the line-of-sight field" in text
    layout = figure(app, "pil_profile")["layout"]
    assert layout["yaxis2"]["title"]["text"] == "shear angle (deg)"
    assert "(Mm)" in layout["xaxis"]["title"]["text"]


def test_the_profile_follows_the_choice_of_the_line(folder):
    for pil, column in (("los", 36), ("br", 42)):
        data = figure(opened(folder, pil_of=pil), "pil_profile")["data"]
        where = next(one for one in data if one.get("name") == "Bh")["customdata"]
        pixels = np.frombuffer(base64.b64decode(where["bdata"]), where["dtype"]).reshape(-1, 2)
        assert abs(np.median(pixels[:, 0]) - column) <= 2


def test_without_a_bitmap_the_section_says_what_to_fetch(folder):
    segment(folder, "bitmap").unlink()
    app = opened(folder)
    assert "has no bitmap beside it" in words(app)
    assert figure(app, "pil_profile")


def test_without_errors_and_confidence_the_section_marks_it(folder):
    for name in ("Br_err", "conf_disambig"):
        segment(folder, name).unlink()
    text = words(opened(folder))
    assert "no formal errors are known" in text
    assert "every pixel of the patch's bitmap counts" in text


def test_a_vector_that_cannot_be_read_leaves_the_magnetogram_with_a_note(folder):
    draw_fits(
        segment(folder, "Bt"),
        np.full((ROWS, COLS), 20_000.0, np.float32),
        T_REC=f"2011.02.13_{WITH:02}:00:00_TAI",
        CRPIX1=(COLS + 1) / 2,
        CRPIX2=(ROWS + 1) / 2,
    )
    app = opened(folder)
    sent = sent_to_viewer(app)
    facts = sent.header["frames"]["2011-02-13T03:00"]
    assert facts["note"] == "the field vector of this hour cannot be read"
    assert sent.frame.field.max() == pytest.approx(703, abs=1)
    (error,) = [one.value for one in app.error]
    assert "a value of 20000" in error
    again = opened(folder, pil_of="br")
    assert not sent_to_viewer(again).frame.masks.pil.any()
    assert sent_to_viewer(again).maps["hours"]  # the network's answer stays


def test_segments_of_another_shape_are_refused_by_a_sentence(folder):
    for name in ("Br", "Bt", "Bp", "Br_err", "Bt_err", "Bp_err", "conf_disambig", "bitmap"):
        path = segment(folder, name)
        draw_fits(
            path,
            np.full((ROWS, COLS - 6), 50.0, np.float32),
            T_REC=f"2011.02.13_{WITH:02}:00:00_TAI",
            CRPIX1=(COLS - 5) / 2,
            CRPIX2=(ROWS + 1) / 2,
        )
    app = opened(folder)
    facts = sent_to_viewer(app).header["frames"]["2011-02-13T03:00"]
    assert facts["note"] == "the field vector of this hour cannot be read"
    assert any("fetch the segments of one record" in one.value for one in app.error)
    again = sent_to_viewer(opened(folder, field="br"))
    assert "fetch the segments" in again.header["unreadable"]["2011-02-13T03:00"]


def test_where_no_record_has_a_vector_the_link_says_that_it_was_left_out(folder):
    segment(folder, "Br").unlink()
    app = opened(folder, field="br", pil_of="br")
    text = words(app)
    assert "field cannot be “br”; it was left out." in text
    assert not sent_to_viewer(app).header["vectors"]
    assert not [one for one in app.selectbox if one.key == "field"]
    assert "field" not in app.query_params
    assert sent_to_viewer(app).frame.masks.pil.any()


def test_arrows_of_the_link_reach_the_viewer(folder):
    link = sent_to_viewer(opened(folder, arrows="true")).header["link"]
    assert link["settings"] == {"arrows": True}


def test_histories_mark_what_is_computed_next_to_the_headers_values(folder):
    app = opened(folder, keywords="USFLUX")
    traces = figure(app, "histories")["data"]
    (marked,) = [one for one in traces if one.get("name") == "USFLUX computed"]
    found = sharp_parameters(read_vector(segment(folder, "Br"))).values["USFLUX"]
    (value,) = np.frombuffer(base64.b64decode(marked["y"]["bdata"]), marked["y"]["dtype"])
    assert value == pytest.approx(found)
    assert "Diamonds: computed here" in words(app)
    segment(folder, "bitmap").unlink()
    st.cache_data.clear()
    st.cache_resource.clear()
    again = opened(folder, keywords="USFLUX")
    assert "No parameters could be computed at 1 hour" in words(again)
    names = [one.get("name") for one in figure(again, "histories")["data"]]
    assert "USFLUX computed" not in names


def test_a_parameter_that_no_header_states_is_drawn_where_it_can_be_computed(folder):
    app = opened(folder, keywords="MEANSHR")
    traces = {one.get("name"): one for one in figure(app, "histories")["data"]}
    assert set(traces) >= {"MEANSHR", "MEANSHR computed"}
    found = sharp_parameters(read_vector(segment(folder, "Br"))).values["MEANSHR"]
    (value,) = np.frombuffer(base64.b64decode(traces["MEANSHR computed"]["y"]["bdata"]), "f8")
    assert value == pytest.approx(found)


def test_a_real_record_opens_with_arrows_and_the_parameters_of_its_header():
    app = opened(real_data("vector377"), hour=0, arrows="true", field="inclination", pil_of="br")
    sent = sent_to_viewer(app)
    assert sent.header["hour"] == "2011-02-15T02:00"
    assert "arrows" in sent.header["frames"]["2011-02-15T02:00"]
    assert 0 <= np.nanmin(sent.frame.field) < 50 < 850 < np.nanmax(sent.frame.field) <= 900
    table = next(one.proto.body for one in app.get("html") if "MEANGAM" in one.proto.body)
    shares = [
        float(one) for one in re.findall(r"<td>([+-]\d\.\d{3})</td>", table.replace("−", "-"))
    ]
    assert len(shares) == 17
    assert max(map(abs, shares)) < 0.01
    assert "MEANGBT 256.6, MEANGBZ 275.8, MEANGBH 184.4" in words(app)

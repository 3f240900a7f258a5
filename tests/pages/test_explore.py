"""The Explore page, driven without a browser: app.py runs and widgets are moved."""

import json
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from analysis.physics.pil import detect_pils
from hnn_core.magnetogram.magnetogram import read_fits
from hnn_core.network.model_store import save_model
from tests.support.app import run_app, sent_to_viewer, step
from tests.support.drawn_sharp import draw_fits
from tests.support.moving_boxes import GROWING, write_frames
from tests.support.small_models import small_model

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("named_pages")]

CARD = {"trained_on": "drawn squares", "test": {"tss": 0.25, "tss_95": [0.1, 0.4]}}
MISSING = 9
"""The drawn region has no record at this hour."""


@pytest.fixture(autouse=True)
def fresh_caches():
    """Caches outlive a session, and every test has its own home and folder."""
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture
def model(hnn_home: Path) -> str:
    """A network of two encoders that wants four hours and sees 64 native pixels."""
    save_model(small_model(), hnn_home / "models" / "small", metadata=CARD)
    return "small"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Fourteen hours of one drawn bipole, one missing, and a file that is no magnetogram."""
    rows, cols = np.mgrid[:48, :72]
    field = 800.0 * np.tanh((cols - 36.0) / 2.0) * np.exp(-(((rows - 24.0) / 12.0) ** 2))
    for hour in range(14):
        if hour != MISSING:
            draw_fits(
                tmp_path / f"hour{hour:02}.fits",
                (field + hour).astype(np.float32),
                T_REC=f"2011.02.13_{hour:02}:00:00_TAI",
                CRPIX1=36.5,
                CRPIX2=24.5,
                R_VALUE=4.5,
            )
    (tmp_path / "notes.fits").write_text("not FITS")
    return tmp_path


def opened(folder: Path | str, **view: str) -> AppTest:
    """The app as a link opens it."""
    return run_app(**{"source": "fits", "folder": str(folder), "model": "small", **view})


def figure(app: AppTest, key: str) -> dict[str, object]:
    """Specification of the one figure under a key."""
    found = [
        chart.proto.spec for chart in app.get("plotly_chart") if chart.proto.id.endswith(f"-{key}")
    ]
    assert len(found) == 1, f"{len(found)} figures {key}; page says {words(app)}"
    return json.loads(found[0])


def words(app: AppTest) -> str:
    """Everything the page says in messages and text."""
    elements = [*app.error, *app.warning, *app.info, *app.markdown, *app.caption]
    return "\n".join(str(element.value) for element in elements)


def test_link_opens_region_hour_and_model_and_draws_everything(folder, model):
    app = opened(folder, region="AR 11158", hour="2011-02-13T07:00")
    assert not app.exception
    assert not app.error
    assert app.selectbox(key="region").value == "377"
    for key in ("filmstrip", "histories", "bars_pil", "bars_total"):
        assert figure(app, key)["data"], key
    sent = sent_to_viewer(app)
    shown = read_fits(folder / "hour07.fits")
    np.testing.assert_array_equal(sent.frame.field, np.rint(shown.field))
    np.testing.assert_array_equal(sent.frame.masks.pil, detect_pils(shown.field).pil)
    assert sent.map == "attention rollout"
    # Rollout rests on one frame, so the hours before have theirs as well.
    assert [hour[11:13] for hour in sorted(sent.maps["hours"])] == ["04", "05", "06", "07"]
    assert "Trained on drawn squares. Test TSS 0.250 (95 % interval 0.100 to 0.400)." in words(app)
    assert any("threshold 0.5</span>" in element.proto.body for element in app.get("html"))


def test_address_holds_the_view_after_a_step(folder, model):
    app = opened(folder, hour="2011-02-13T07:00")
    step(app, 1)
    assert app.query_params["hour"] == "2011-02-13T08:00"
    assert app.query_params["region"] == "377"
    again = opened(folder, **{key: app.query_params[key] for key in ("region", "hour")})
    np.testing.assert_array_equal(
        sent_to_viewer(again).frame.field, sent_to_viewer(app).frame.field
    )


def test_times_are_in_utc_where_the_link_has_it_and_the_hour_stays_tai(folder, model):
    app = opened(folder, hour="2011-02-13T07:00", time="utc")
    assert "2011-02-13 06:59:26 UTC" in words(app)
    layout = figure(app, "histories")["layout"]
    assert layout["xaxis"]["title"]["text"] == "T_REC (UTC)"
    assert app.query_params["hour"] == "2011-02-13T07:00"
    assert app.query_params["time"] == "utc"


def test_what_the_link_draws_is_handed_to_the_viewer(folder, model):
    view = {"attention": "false", "ropi": "true", "clip": "200", "axes": "Mm", "extent": "9_8.5_20"}
    view["cut"] = "35.1_-21.7_34.5_-18.5"
    link = sent_to_viewer(opened(folder, **view)).header["link"]
    assert link["settings"] == {"attention": False, "ropi": True, "clip": 200, "axes": "Mm"}
    assert link["extent"] == {"col": 9.0, "row": 8.5, "across": 20.0}
    assert link["cut"] == [[35.1, -21.7], [34.5, -18.5]]


def test_an_hour_that_the_viewer_has_is_not_sent_again(folder, model):
    app = opened(folder, hour="2011-02-13T07:00")
    assert list(sent_to_viewer(app).frames) == ["2011-02-13T07:00"]
    step(app, 1)
    assert list(sent_to_viewer(app).frames) == ["2011-02-13T08:00"]
    step(app, -1)
    assert sent_to_viewer(app).header["hour"] == "2011-02-13T07:00"
    assert not sent_to_viewer(app).frames


def test_the_second_picture_is_sent_its_hour_its_model_or_its_region(folder, model, hnn_home):
    save_model(small_model(), hnn_home / "models" / "other", metadata=CARD)
    hour, other = "2011-02-13T05:00", "2011-02-13T04:00"
    sent = sent_to_viewer(opened(folder, hour=hour, panes="hours", hour2=other))
    assert sent.second["maps"]["key"] == sent.maps["key"]
    assert sent.second["maps"]["hours"][other]["values"]
    sent = sent_to_viewer(opened(folder, hour=hour, panes="models"))
    assert sent.second["chosen"]["model2"] == "demo"  # the next in the list
    sent = sent_to_viewer(opened(folder, hour=hour, panes="models", model2="other"))
    assert sent.second["maps"]["model"].startswith("other")
    assert 0 < sent.second["maps"]["hours"][hour]["probability"] < 1
    sent = sent_to_viewer(opened(folder, hour=hour, panes="regions"))
    assert sent.second["hours"]["hours"] == sent.header["hours"]  # there is only one region
    assert sent.second["hours"]["hour"] in sent.second["hours"]["frames"]


def test_interpolated_hour_is_marked_and_named(folder, model):
    app = opened(folder, hour="2011-02-13T10:00")
    assert "Hour without a record, filled by interpolation: 09:00." in words(app)
    texts = [note.get("text") for note in figure(app, "filmstrip")["layout"]["annotations"]]
    assert texts.count("interpolated") == 1


def test_hour_without_a_sequence_is_shown_with_the_hours_that_miss(folder, model):
    app = opened(folder, hour="2011-02-13T00:00")
    assert not app.error
    assert np.isfinite(sent_to_viewer(app).frame.field).any()
    assert "No prediction for this hour" in words(app)
    assert "2011-02-12T21:00" in words(app)


def test_skipped_file_is_listed_with_the_reason(folder, model):
    app = opened(folder)
    [skipped] = [one for one in app.expander if one.label == "1 file skipped"]
    [line] = [caption.value for caption in skipped.caption]
    assert line.count("notes.fits") == 1
    assert len(line.split()) > 5


def test_far_from_the_meridian_the_prediction_is_refused_in_words(folder, model):
    for hour in range(9, 14):
        t_rec = f"2011.02.13_{hour:02}:00:00_TAI"
        draw_fits(folder / f"hour{hour:02}.fits", T_REC=t_rec, LON_FWT=75.0)
    app = opened(folder, hour="2011-02-13T13:00")
    assert "75.0° from the central meridian; beyond 70° no prediction" in words(app)
    assert np.isfinite(sent_to_viewer(app).frame.field).any()


def test_record_that_broke_since_it_was_indexed_hides_only_itself(folder, model):
    app = opened(folder, hour="2011-02-13T06:00")
    path = folder / "hour07.fits"
    path.write_bytes(path.read_bytes()[:-3000])
    step(app, 1)
    assert ["hour07.fits" in error.value for error in app.error] == [True]
    assert figure(app, "histories")["data"]
    (left_out,) = [one for one in app.expander if one.label == "1 hour left out"]
    assert left_out.dataframe[0].value["hour (TAI)"].tolist() == ["2011-02-13T07:00"]
    step(app, 1)
    assert not app.error
    assert np.isfinite(sent_to_viewer(app).frame.field).any()


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"region": "999"}, "There is no region '999'"),
        ({"hour": "2030-01-01T00:00"}, "There is no magnetogram at “2030-01-01T00:00”"),
        ({"hour": "yesterday"}, "There is no magnetogram at “yesterday”"),
        ({"model": "absent"}, "There is no model “absent”"),
        ({"opacity": "full"}, "opacity cannot be “full”"),
        ({"clip": "nan"}, "clip cannot be “nan”"),
        ({"pil": "yes"}, "pil cannot be “yes”"),
        ({"palette": "jet"}, "palette cannot be “jet”"),
        ({"extent": "1_2"}, "extent cannot be “1_2”"),
        ({"extent": "371_188_0.1"}, "extent cannot be “371_188_0.1”"),
        ({"time": "ut1"}, "There is no scale of times “ut1”"),
        ({"loop": "2011-02-13T05:00_x"}, "loop cannot be “2011-02-13T05:00_x”"),
        ({"span": "2011-02-13T09:00:00_2011-02-13T05:00:00"}, "span cannot be “2011-02-13T09"),
        ({"speed": "0"}, "speed cannot be “0”"),
        ({"keywords": "USFLUX"}, "keywords cannot be “USFLUX”"),
        ({"cut": "35_-21_40"}, "cut cannot be “35_-21_40”"),
    ],
)
def test_link_with_an_impossible_value_falls_back_and_says_so(folder, model, asked, sentence):
    app = opened(folder, **asked)
    assert not app.error
    assert sentence in words(app)
    assert np.isfinite(sent_to_viewer(app).frame.field).any()


IMPOSSIBLE = {
    **{"panes": "three", "show": "flicker", "rate": "9", "lines": "-1", "contours": "some"},
    **{"model2": "absent", "region2": "999", "cut": "35_-21_40", "hour2": "2030-01-01T00:00"},
    **{"loop": "2011-02-13T05:00_x", "speed": "fast", "keywords": "B", "axes": "ly"},
}


def test_each_impossible_setting_of_one_link_is_noted(folder, model):
    said = words(opened(folder, time="ut1", trust="blindly", **IMPOSSIBLE))
    for name, text in IMPOSSIBLE.items():
        assert f"{name} cannot be “{text}”" in said, name
    assert "There is no scale of times “ut1”" in said
    assert "There is no question “blindly”" in said


def test_an_hour_that_the_other_region_does_not_have_is_noted(folder, model):
    app = opened(folder, panes="regions", hour2="2030-01-01T00:00")
    assert "hour2 cannot be “2030-01-01T00:00”" in words(app)
    assert sent_to_viewer(app).second["chosen"]["hour2"] in sent_to_viewer(app).header["hours"]
    app = opened(folder, panes="regions", hour2="2011-02-13T05:00")
    assert "hour2" not in words(app)
    assert sent_to_viewer(app).second["chosen"]["hour2"] == "2011-02-13T05:00"


@pytest.mark.parametrize(
    ("where", "sentence"),
    [("/nowhere/at/all", "There is no folder /nowhere/at/all"), ("{empty}", "holds no FITS file")],
)
def test_folder_that_cannot_be_used_is_one_sentence_and_can_be_mended(
    tmp_path_factory, folder, model, where, sentence
):
    app = opened(where.format(empty=tmp_path_factory.mktemp("empty")))
    assert [sentence in error.value for error in app.error] == [True]
    assert not app.get("plotly_chart")
    app.text_input(key="folder").set_value(str(folder)).run()
    assert not app.error
    assert np.isfinite(sent_to_viewer(app).frame.field).any()


def test_unknown_source_in_a_link_falls_back(folder, model):
    app = opened(folder, source="elsewhere", region="SIM 2", hour="no")
    assert "There is no source “elsewhere”" in words(app)
    assert not app.error


def test_unexpected_error_is_told_by_its_type_only(folder, model, monkeypatch):
    monkeypatch.setattr("analysis.figures.filmstrip.filmstrip_figure", lambda *_, **__: 1 / 0)
    app = opened(folder)
    assert not app.exception
    assert app.error[0].value.startswith(
        "Something went wrong here that should not (ZeroDivisionError)."
    )


def test_simulated_regions_open_by_default_under_a_banner(model):
    app = run_app(model="small")
    assert not app.error
    assert app.selectbox(key="region").value == "SIM 1"
    assert [one["simulated"] for one in sent_to_viewer(app).header["frames"].values()] == [True]
    assert any("Simulated data." in element.proto.body for element in app.get("html"))
    app.button(key="region_next").click().run()
    assert app.query_params["region"] == "SIM 2"


def test_without_any_model_the_page_says_what_to_do(folder, monkeypatch):
    monkeypatch.setattr("hnn_core.network.model_store.SHIPPED", folder / "none")
    app = opened(folder)
    assert ["No model is here" in error.value for error in app.error] == [True]
    assert not app.exception


def test_a_file_replaced_under_the_page_is_noticed_at_the_next_run(folder, model):
    app = opened(folder, hour="2011-02-13T07:00")
    before = sent_to_viewer(app).frame.field, figure(app, "bars_total")
    draw_fits(
        folder / "hour07.fits",
        np.outer(np.ones(48), np.linspace(-400.0, 400.0, 72)).astype(np.float32),
        T_REC="2011.02.13_07:00:00_TAI",
        CRPIX1=36.5,
        CRPIX2=24.5,
    )
    app.run()
    after = sent_to_viewer(app).frame.field, figure(app, "bars_total")
    assert not app.error
    assert (before[0] != after[0]).any()
    assert before[1] != after[1]
    (folder / "hour07.fits").write_bytes((folder / "hour07.fits").read_bytes()[:2880])
    app.run()
    assert "hour07.fits" in words(app)
    (folder / "flares.csv").write_text("noaa,goes_class,peak_utc\n11158,X9.9,2011-02-13T20:00\n")
    app.run()
    assert "X9.9" in words(app)


def test_a_broken_last_file_does_not_make_the_first_view_an_error(folder, model):
    (folder / "hour13.fits").write_bytes(b"no FITS")
    app = opened(folder)
    assert not app.error
    assert app.query_params["hour"] == "2011-02-13T12:00"
    assert "No prediction for this hour" not in words(app)


def test_first_view_is_the_newest_hour_with_a_prediction(folder, model):
    for hour in (12, 13):  # their headers are sound, their pixels are not
        path = folder / f"hour{hour}.fits"
        path.write_bytes(path.read_bytes()[:-3000])
    app = opened(folder)
    assert app.query_params["hour"] == "2011-02-13T11:00"
    assert not app.error


@pytest.mark.parametrize("linked", [True, False])
def test_a_population_that_is_none_stays_in_its_field_with_what_is_wrong(model, linked):
    view = {"population": "many"} if linked else {}
    app = run_app(source="sim", model="small", **view)
    if not linked:
        app.text_input(key="population").set_value("many").run()
    assert app.text_input(key="population").value == "many"
    assert ["“many” in the field Population is no" in one.value for one in app.error] == [True]
    app.text_input(key="population").set_value("5:2").run()
    assert not app.error


def test_a_link_with_the_time_of_a_record_opens_the_hour_it_stands_for(folder, model):
    (folder / "hour13.fits").unlink()
    other = read_fits(folder / "hour12.fits").field
    draw_fits(folder / "late.fits", other, T_REC="2011.02.13_12:36:00_TAI")
    app = opened(folder, hour="2011-02-13T12:36")
    assert app.query_params["hour"] == "2011-02-13T13:00"
    assert "2011-02-13 13:00 TAI" in words(app)
    assert "There is no magnetogram" not in words(app)


# Boxes that change


def test_a_patch_that_grows_is_shown_whole_and_its_bars_count_the_common_area(model, tmp_path):
    del model
    folder = write_frames(tmp_path / "grown", GROWING, absent=[10])
    app = opened(folder, hour="2011-02-13T17:00", trust="place")
    assert not app.exception
    assert not app.error
    captions = " ".join(one.value for one in app.caption)
    assert "Passage: The patch changes its size (56 × 36 pixels to " in captions
    assert "Bars: The patch changes its box in these hours" in captions
    # The view stays on the region: this patch begins south and east of the first hour's.
    first, here = GROWING[0], GROWING[12]
    (sent,) = sent_to_viewer(app).header["frames"].values()
    assert sent["origin"] == [here.row - first.row, here.col - first.col] == [-12, -8]
    images = figure(app, "filmstrip")["layout"]["images"]
    assert len({(one["sizex"], one["sizey"]) for one in images}) == 1


def test_a_damaged_model_is_one_sentence_and_another_can_be_chosen(folder, model, hnn_home):
    damaged = hnn_home / "models" / "damaged"
    save_model(small_model(), damaged, metadata=CARD)
    path = damaged / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-5] ^= 8
    path.write_bytes(content)
    for page in ("", "case_studies"):
        app = run_app(
            page, source="fits", folder=str(folder), model="damaged", hour="2011-02-13T12:00"
        )
        assert not app.exception
        said = words(app)
        assert "that should not" not in said
        assert "model.safetensors is damaged or another model's" in said
    app = opened(folder, model="damaged")
    app.selectbox(key="model").set_value("small").run()
    assert not app.error
    assert "model.safetensors is damaged" not in words(app)


def test_a_model_without_a_checksum_says_so(folder, model, hnn_home):
    path = hnn_home / "models" / "small" / "config.json"
    values = json.loads(path.read_text())
    del values["sha256"]
    path.write_text(json.dumps(values))
    app = opened(folder)
    assert not app.error
    assert "The model small carries no checksum" in words(app)

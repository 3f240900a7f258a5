"""Around the shown region: what is on the disk, pages elsewhere, code that makes the view again."""

import contextlib
import io
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from hnn_core import Predictor, build_sequence, open_source
from hnn_core.magnetogram.conventions import parse_t_rec
from hnn_core.network.model_store import save_model
from hnn_core.services.endpoints import region_pages
from hnn_core.sources import regions_at
from pages._explore.around import again_code, archive_code
from pages._explore.controls import FieldChoice
from tests.support.app import run_app
from tests.support.drawn_sharp import draw_fits
from tests.support.drawn_source import START
from tests.support.small_models import small_model

HOURS = 6


@pytest.fixture
def folder(tmp_path):
    """Two drawn regions: one from the first hour on, the other later and on another longitude."""
    cols = np.mgrid[:48, :72][1]
    field = (800.0 * np.tanh((cols - 36.0) / 2.0)).astype(np.float32)
    for harp, first, longitude in ((377, 0, -11.0), (378, 4, 30.0)):
        for hour in range(first, first + HOURS):
            draw_fits(
                tmp_path / f"{harp}_{hour}.fits",
                field,
                HARPNUM=harp,
                NOAA_AR=10781 + harp,
                NOAA_ARS=str(10781 + harp),
                T_REC=f"2011.02.13_{hour:02}:00:00_TAI",
                CRPIX1=36.5,
                CRPIX2=24.5,
                LON_FWT=longitude + 0.5 * hour,
                LAT_FWT=-20.0,
            )
    return tmp_path


def view_of(spec: str, region: str, hour: str, model: str) -> SimpleNamespace:
    """As much of a view as code is written from."""
    source, predictor = open_source(spec), Predictor.load(model)
    sequence = build_sequence(source, region, parse_t_rec(hour), predictor.frames)
    return SimpleNamespace(
        selection=SimpleNamespace(
            source=source,
            region=next(one for one in source.regions() if one.id == region),
            model=predictor.info,
        ),
        hour=hour,
        frame=sequence.frames[-1],
        prediction=predictor.predict(sequence),
        field=FieldChoice(),
    )


def test_regions_whose_hours_cover_a_time_are_found_with_their_place(folder):
    source = open_source(f"fits:{folder}")
    found = {
        hour: [(one.region.id, one.longitude, one.latitude) for one in regions_at(source, time)]
        for hour, time in (
            (hour, parse_t_rec(f"2011-02-13T{hour}"))
            for hour in ("01:00", "05:24", "09:29", "09:31")
        )
    }
    assert found == {
        "01:00": [("377", -10.5, -20.0)],
        "05:24": [("377", -8.5, -20.0), ("378", 32.5, -20.0)],
        "09:29": [("378", 34.5, -20.0)],
        "09:31": [],
    }
    again = open_source(f"fits:{folder}")  # from the index that is kept
    assert np.array_equal(again.positions("378"), source.positions("378"))


def test_a_simulated_region_is_where_its_frames_are():
    source = open_source("sim:1:3")
    times = source.times("SIM 2")
    (found,) = regions_at(source, times[10])
    frame = source.frame("SIM 2", times[10])
    assert found.region.id == "SIM 2"
    assert (found.longitude, found.latitude) == pytest.approx(
        (frame.longitude.value, frame.latitude.value)
    )


def test_files_without_keywords_have_no_place(tmp_path):
    name = "hmi.sharp_cea_720s.377.20110213_050000_TAI.magnetogram.fits"
    draw_fits(
        tmp_path / name,
        LON_FWT=None,
        LAT_FWT=None,
        CRLN_OBS=None,
        CRVAL2=None,
        LONDTMIN=None,
        LATDTMIN=None,
    )
    source = open_source(f"fits:{tmp_path}")
    assert np.isnan(source.positions("377")).all()


def test_pages_elsewhere_are_about_the_region_and_the_time():
    found = region_pages(377, (11158, 11159), parse_t_rec("2011-02-14T06:00"))
    query = {name: parse_qs(urlsplit(url).query) for name, url in found.items()}
    assert query["Helioviewer"]["date"] == ["2011-02-14T05:59:26.000Z"]  # UTC
    assert query["SolarMonitor AR 11159"] == {"date": ["20110214"], "region": ["11159"]}
    assert query["JSOC"] == {"ds": ["hmi.sharp_cea_720s[377][2011.02.14_06:00:00_TAI]"]}
    near = region_pages(2, (), START, near_real_time=True)
    assert list(near) == ["Helioviewer", "SolarMonitor", "JSOC"]
    assert "hmi.sharp_cea_720s_nrt" in near["JSOC"]
    assert {urlsplit(url).hostname for url in found.values()} == {
        "helioviewer.org",
        "solarmonitor.org",
        "jsoc.stanford.edu",
    }


@pytest.mark.parametrize("kind", ["drawn", "simulated"])
def test_the_code_runs_and_gives_what_the_page_shows(kind, folder, hnn_home):
    save_model(small_model(), hnn_home / "models" / "small", metadata={"trained_on": "noise"})
    if kind == "drawn":
        view = view_of(f"fits:{folder}", "377", "2011-02-13T04:00", "small")
    else:
        source = open_source("sim:")
        hour = str(source.times("SIM 1")[12].isot)[:16]
        view = view_of("sim:", "SIM 1", hour, "small")
    printed, names = io.StringIO(), {}
    code = again_code(view)
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "again", "exec"), names)
    assert f"P(eruptive): {round(view.prediction.probability, 4)}" in printed.getvalue()
    assert f"# {view.prediction.probability:.4f}" in code
    assert names["frame"].t_rec.isot == view.frame.t_rec.isot
    assert names["lines"].pil.shape == view.frame.shape
    compile(archive_code(view), "archive", "exec")  # it needs the network
    assert f"[{view.frame.harp}]" in archive_code(view)


def test_code_for_uploaded_files_names_a_folder_to_put():
    selection = SimpleNamespace(
        source=SimpleNamespace(spec="upload:4711"),
        region=SimpleNamespace(id="377"),
        model=SimpleNamespace(name="demo"),
    )
    view = SimpleNamespace(
        selection=selection, hour="2011-02-13T05:00", prediction=None, field=FieldChoice()
    )
    assert "open_source('fits:FOLDER')  # the folder that holds" in again_code(view)
    assert "4711" not in again_code(view)


@pytest.mark.slow
@pytest.mark.usefixtures("named_pages")
def test_the_page_leads_to_another_region_at_the_same_hour(folder, hnn_home):
    save_model(small_model(), hnn_home / "models" / "small", metadata={"trained_on": "noise"})
    view = {"source": "fits", "folder": str(folder), "model": "small", "region": "377"}
    app = run_app(**view, hour="2011-02-13T05:00")
    assert not app.exception
    assert "Regions whose hours cover this time: 2; click one to go there." in [
        caption.value for caption in app.caption
    ]
    (links,) = [one.proto.body for one in app.get("html") if "elsewhere" in one.proto.body]
    assert links.count('target="_blank" rel="noopener"') == 3
    assert "region.php?date=20110213&amp;region=11158" in links
    app.selectbox(key="disk_region").set_value("378").run()
    assert not app.exception
    assert (app.query_params["region"], app.query_params["hour"]) == (
        "378",
        "2011-02-13T05:00",
    )


@pytest.mark.slow
@pytest.mark.usefixtures("named_pages")
def test_a_simulated_region_has_no_pages_elsewhere():
    app = run_app(source="sim", model="demo", region="SIM 1")
    assert not app.exception
    assert any(caption.value.startswith("This region is simulated") for caption in app.caption)
    assert not any("elsewhere" in one.proto.body for one in app.get("html"))

"""The Data page, driven without a browser, on drawn jobs and on what the emulators sent."""

import json
import shutil

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from hnn_core.__main__ import main
from hnn_core.jobs import data_jobs
from hnn_core.live.watch import prediction_log
from hnn_core.regions.well_known import well_known_cases
from hnn_core.storage import append_line
from pages._skill.details import explore_query
from tests.emulators import emulated, small_world
from tests.support.app import as_read, run_app
from tests.support.drawn_jobs import DEAD, MINE, START, drawn_job, line

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("named_pages")]


@pytest.fixture(autouse=True)
def fresh(hnn_home, monkeypatch):
    st.cache_data.clear()
    st.cache_resource.clear()
    monkeypatch.setenv("HNN_ALLOW_WRITES", "1")


@pytest.fixture
def started(monkeypatch):
    """What the page would have started, in place of starting it."""
    asked: list[tuple[str, list[str], str]] = []
    monkeypatch.setattr(
        "pages._data.forms.start_data_job", lambda *words: asked.append(tuple(words))
    )
    return asked


@pytest.fixture(scope="module")
def fetched(tmp_path_factory):
    """A folder with five hours of HARP 377, the catalogue of its month, and the services."""
    home = tmp_path_factory.mktemp("fetched")
    with emulated(small_world(4)) as emulator, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HNN_HOME", str(home))
        for name, value in emulator.environment.items():
            patch.setenv(name, value)
        hours = ["--start", "2011-02-14T21:00", "--end", "2011-02-15T01:00"]
        assert main(["data", "fetch", "--noaa", "11158", *hours]) == 0
        assert main(["data", "flares", "--start", "2011-02-01", "--end", "2011-03-31"]) == 0
        yield home, emulator


@pytest.fixture
def live(fetched, hnn_home, monkeypatch):
    """A copy of that folder for one test."""
    home, emulator = fetched
    shutil.copytree(home, hnn_home, dirs_exist_ok=True)
    for name, value in emulator.environment.items():
        monkeypatch.setenv(name, value)
    return emulator


def opened(**query: str) -> AppTest:
    app = run_app("data", **query)
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    elements = [*app.error, *app.warning, *app.info, *app.markdown, *app.caption]
    html = [element.proto.body for element in app.get("html")]
    return "\n".join([*(str(element.value) for element in elements), *html])


def figure(app: AppTest, key: str) -> dict:
    (spec,) = [
        chart.proto.spec for chart in app.get("plotly_chart") if chart.proto.id.endswith(f"-{key}")
    ]
    return json.loads(spec)


def button(app: AppTest, start: str):
    found = [one for one in app.button if str(one.key or "").startswith(start)]
    assert len(found) == 1, f"{len(found)} buttons {start}"
    return found[0]


def test_an_empty_machine_says_what_to_do():
    app = opened()
    assert "No magnetogram has been downloaded yet" in words(app)
    app.button(key="here_fetch").click().run()
    assert "## Fetch magnetograms" in words(app)
    assert app.query_params["show"] == "fetch"


def test_a_region_and_days_become_a_job(started):
    app = opened(show="fetch")
    app.text_input(key="fetch_region").set_value("AR 11158")
    app.text_input(key="fetch_start").set_value("2011-02-13")
    app.text_input(key="fetch_end").set_value("2011-02-15")
    app.button(key="fetch_start_job").click().run()
    arguments = ["--noaa", "11158", "--start", "2011-02-13", "--end", "2011-02-15"]
    assert started == [("fetch", arguments, "AR 11158, 2011-02-13 to 2011-02-15")]


def test_a_region_of_the_last_weeks_is_fetched_near_real_time_with_both_days(started):
    app = opened(show="fetch")
    app.text_input(key="fetch_region").set_value("AR 14600")
    app.text_input(key="fetch_start").set_value("2026-09-04")
    app.checkbox(key="fetch_nrt").check()
    app.button(key="fetch_start_job").click().run()
    assert "Give a first and a last day" in words(app)
    assert started == []
    app.text_input(key="fetch_end").set_value("2026-09-06")
    app.button(key="fetch_start_job").click().run()
    arguments = ["--noaa", "14600", "--start", "2026-09-04", "--end", "2026-09-06", "--nrt"]
    title = "AR 14600, 2026-09-04 to 2026-09-06, near real time"
    assert started == [("fetch", arguments, title)]


@pytest.mark.parametrize(
    ("region", "first", "last", "said"),
    [
        ("sunspot", "", "", "is no active region"),
        ("", "", "", "Type a region"),
        ("11158", "2009-01-01", "", "when the SHARP series begins"),
        ("11158", "2011-02-15", "2011-02-13", "would end on"),
        ("11158", "13.2.2011", "", "is no date"),
        ("<b>11158</b>", "", "", "is no active region"),
        ("11158; rm -rf ~", "", "", "is no active region"),
        ("http://host/377", "", "", "is no active region"),
    ],
)
def test_what_is_no_request_is_told_at_the_field_and_nothing_starts(
    started, region, first, last, said
):
    app = opened(show="fetch")
    app.text_input(key="fetch_region").set_value(region)
    app.text_input(key="fetch_start").set_value(first)
    app.text_input(key="fetch_end").set_value(last)
    app.button(key="fetch_start_job").click().run()
    assert said in words(app).replace("\\", "")
    assert started == []


def test_a_well_known_flare_and_the_disk_now_are_one_click(started):
    app = opened(show="fetch")
    app.button(key="case_fetch").click().run()
    case = well_known_cases()[0]
    kind, arguments, title = started[0]
    assert (kind, arguments[:2]) == ("fetch", ["--harp", str(case.harp)])
    assert arguments[-1] == case.reference_tai
    assert case.name in title
    app.button(key="fetch_now").click().run()
    assert started[1][1] == ["--now"]
    app.button(key="watch_start").click().run()
    assert started[2][:2] == ("watch", [])


def test_one_who_may_not_write_sees_why_and_starts_nothing(started, monkeypatch):
    monkeypatch.delenv("HNN_ALLOW_WRITES")
    app = opened(show="fetch")
    assert "not fetch, build or remove" in words(app)
    assert app.button(key="fetch_now").disabled
    # A forged press of a button that is off.
    monkeypatch.setattr("pages._shared.access.writes_refused", lambda: "")
    app = opened(show="fetch")
    app.button(key="fetch_now").click().run()
    assert started == []
    assert "server's token" in words(app)


def test_a_job_at_work_shows_how_far_it_is_and_can_be_cancelled(monkeypatch):
    log = START + line(
        "progress",
        stage="magnetograms",
        done=12,
        total=48,
        bytes=5_000_000,
        bytes_per_s=1_200_000.0,
        seconds_left=30.0,
        what="HARP 377 2011-02-13T16:00",
    )
    job = drawn_job(log=log, process=MINE)
    stopped = []
    monkeypatch.setattr("pages._data.jobs.stop", lambda one, _: stopped.append(one.name))
    app = opened(show="fetch")
    bars = [str(bar.proto.text) for bar in app.get("progress")]
    (bar,) = [text.replace("\\", "") for text in bars]
    assert "12 of 48" in bar
    assert "1.2 MB/s" in bar
    assert "30 s left" in bar
    assert "2011-02-13T16:00" in bar
    button(app, "stop_").click().run()
    assert stopped == [job.name]


@pytest.mark.parametrize(
    ("log", "process", "said"),
    [
        (START + "JSOC cannot be reached (no connection).\n", DEAD, "JSOC cannot be reached"),
        (START, {**DEAD, "stop_asked": True}, "only what is missing"),
        (START, DEAD, "resume it"),
    ],
)
def test_a_job_that_did_not_end_says_why_and_goes_on(monkeypatch, log, process, said):
    job = drawn_job(log=log, process=process)
    resumed = []
    monkeypatch.setattr(
        "hnn_core.jobs.data_jobs.start", lambda _, one, **__: resumed.append(one.name)
    )
    app = opened(show="fetch")
    assert said in words(app).replace("\\", "")
    button(app, "again_").click().run()
    assert resumed == [job.name]


def test_a_job_is_removed_and_damaged_folders_are_passed_over():
    job = drawn_job(log=START + line("end", text="Done.", regions=[]), process=DEAD)
    broken = job.path.with_name("20260102-broken")
    broken.mkdir()
    (broken / "request.json").write_text("{")
    app = opened()
    assert "AR 11158" in words(app)
    button(app, "remove_").click().run()
    assert data_jobs.list_data_jobs() == []
    assert not app.exception


def test_markup_in_a_title_and_in_notes_stays_text():
    log = START + line("note", text="<img src=x onerror=alert(1)> [a](http://b)")
    log += line("excluded", what="3 hours", why="no record") + "**bold** <script>\n"
    drawn_job(log=log, process=DEAD, title="<script>alert(1)</script>")
    app = opened(show="fetch")
    drawn = (*app.error, *app.markdown, *app.caption, *app.get("html"))
    said = "\n".join(element.proto.body for element in drawn)
    assert "&lt;script&gt;alert" in said
    assert "<script>" not in said.replace("\\<script\\>", "")
    assert "\\<img" in said
    assert "\\*\\*bold" in said


def test_what_is_here_is_listed_with_totals_and_leads_to_explore(live):
    app = opened()
    assert "1 region · 5 magnetograms" in words(app)
    assert "Not the real services" in words(app)
    table = app.dataframe[0].value
    assert table.loc[0, "HARP"] == 377
    assert table.loc[0, "simulated"] == "yes"
    app.button(key="holding_explore").click().run()
    assert app.session_state["source"] == "jsoc"
    assert "Simulated data" in words(app)
    assert "CME linked, 700 km/s" in words(app)


def test_predictions_of_the_watch_are_listed_the_newest_first():
    prediction_log().parent.mkdir(parents=True)
    for hour, told in (
        ("05", {"probability": 0.25, "label": "confined"}),
        ("06", {"refused": "Far."}),
    ):
        values = {"region": "NRT-9", "noaa": [14600], "t_rec": f"2026-01-01T{hour}:00", **told}
        append_line(prediction_log(), values)
    app = opened(show="fetch")
    table = next(one.value for one in app.dataframe if "prediction" in one.value.columns)
    assert table["prediction"].tolist() == ["Far.", "confined"]
    assert table["hour (TAI)"].tolist() == ["2026-01-01 06:00", "2026-01-01 05:00"]
    assert "not whether one will come" in words(app)


def test_every_file_is_checked_by_a_job(live, started):
    app = opened()
    app.button(key="here_verify").click().run()
    assert started == [("verify", [], "Check of every file")]


def test_the_catalogue_is_a_table_and_two_maps_in_honest_words(live):
    app = opened(show="catalogue")
    table = app.dataframe[0].value
    assert {"CME linked in DONKI", "no CME linked in DONKI"} <= set(table["CME"])
    assert "confined" not in table.to_string()
    x22 = table[table["class"] == "X2.2"].iloc[0]
    happened = max(live.world.flares, key=lambda flare: flare.flux)
    north, west = round(happened.latitude), round(happened.longitude)
    place = f"{'N' if north >= 0 else 'S'}{abs(north):02}{'W' if west >= 0 else 'E'}{abs(west):02}"
    assert (x22["NOAA"], x22["HARP"], x22["position"]) == (11158, 377, place)
    assert "700 km/s" in x22["CMEs linked"]
    assert "CME-001" in x22["why"]
    for key in ("butterfly", "disk"):
        drawn = sum(len(trace.get("customdata") or ()) for trace in figure(app, key)["data"])
        assert drawn == len(table), key


def test_filters_choose_flares_and_stand_in_the_link(live):
    everything = len(opened(show="catalogue").dataframe[0].value)
    app = opened(show="catalogue", of="11158", least="X")
    assert app.dataframe[0].value["class"].tolist() == ["X2.2"]
    assert everything > 1
    app = opened(show="catalogue", **{"from": "2011-02-01", "to": "2011-01-01"})
    assert "would end on" in words(app).replace("\\", "")
    app = opened(show="catalogue", least="Q", cme="maybe", lon="east", lat="95")
    for key, value in (("least", "Q"), ("cme", "maybe"), ("lon", "east"), ("lat", "95")):
        assert f"{key} cannot be “{value}”" in words(app)
    assert len(app.dataframe[0].value) == everything
    assert "cannot be" not in words(opened(show="catalogue", least="any", lat=["-90", "90"]))
    app = opened(show="catalogue", of="19999")
    assert "No flare of the catalogue passes these filters" in words(app)


def test_a_job_counts_the_flares_that_its_table_shows(live, capsys):
    days = ["--start", "2011-02-14", "--end", "2011-02-15"]
    assert main(["data", "flares", *days, "--json"]) == 0
    end = [json.loads(one) for one in capsys.readouterr().out.splitlines()][-1]
    log = START + line("end", text=end["text"], flares=end["flares"])
    drawn_job(log=log, process=DEAD, kind="flares", arguments=days)
    app = opened(show="catalogue", least="X", of="11158")
    assert len(app.dataframe[0].value) != end["flares"]
    next(one for one in app.button if as_read(one.label) == "Show these flares").click().run()
    assert not app.exception
    assert app.query_params["from"] == "2011-02-14"
    assert len(app.dataframe[0].value) == end["flares"] > 1
    assert f"{end['flares']} flares of class C and above" in as_read(words(app))
    assert "Show these flares" not in {as_read(one.label) for one in app.button}


def test_an_empty_catalogue_says_how_to_fill_it(started):
    app = opened(show="catalogue")
    assert "The catalogue is empty" in words(app)
    app.text_input(key="catalogue_start").set_value("2011-02-01")
    app.text_input(key="catalogue_end").set_value("2011-02-28")
    app.button(key="catalogue_fetch").click().run()
    assert started[0][:2] == ("flares", ["--start", "2011-02-01", "--end", "2011-02-28"])


def test_a_data_set_is_planned_first_and_built_from_its_plan(started):
    app = opened(show="sets")
    app.text_input(key="build_start").set_value("2010-05-01")
    app.text_input(key="build_end").set_value("2022-12-31")
    app.button(key="build_plan").click().run()
    kind, arguments, _ = started[0]
    assert kind == "build"
    assert arguments[-1] == "--plan"
    log = START + line("plan", regions=200, frames=7000, here=100, bytes=3.5e9, seconds=7200)
    log += line("end", text="Only planned.", plan=True)
    drawn_job(log=log, process=DEAD, kind="build", arguments=arguments)
    app.run()
    shown = {as_read(metric.label): as_read(metric.value) for metric in app.metric}
    assert shown["Magnetograms"] == "7,000 (100 here)"
    assert shown["To fetch"] == "3.5 GB"
    assert shown["About"] == "2 h 0 min"
    app.button(key="build_start_job").click().run()
    assert started[1][1] == arguments[:-1]


@pytest.mark.parametrize("name", ["../outside", "/tmp/x", "a b", "~", ".hidden"])
def test_a_data_set_has_a_bare_name(started, name):
    app = opened(show="sets")
    app.text_input(key="build_start").set_value("2010-05-01")
    app.text_input(key="build_end").set_value("2022-12-31")
    app.text_input(key="build_name").set_value(name)
    app.button(key="build_plan").click().run()
    assert started == []
    assert "cannot name a data set" in words(app).replace("\\", "")


def test_credits_addresses_and_when_it_was_fetched(live):
    app = opened(show="origin")
    said = words(app)
    for credit in ("NASA/SDO and the HMI science team", "NOAA", "Community Coordinated Modeling"):
        assert credit in said
    tables = [frame.value.to_string() for frame in app.dataframe]
    assert any(live.url in table for table in tables)
    assert any("DONKI" in table and "2011-02-01" in table for table in tables)


def test_an_unknown_view_in_a_link_is_told():
    assert "There is no view" in words(opened(show="secrets")).replace("\\", "")


def test_explore_without_downloads_offers_the_well_known_flares(started):
    app = run_app(source="jsoc")
    assert not app.exception
    assert "No magnetogram of JSOC is on this machine yet" in words(app)
    app.button(key="case_fetch").click().run()
    assert started[0][0] == "fetch"
    app = run_app(source="nrt")
    assert "No region that is on the disk now has been fetched yet" in words(app)


def test_skill_leads_to_the_downloaded_region_of_a_planned_set():
    row = {"region": "377", "hour": pd.Timestamp("2011-02-15T01:00")}
    asked = explore_query(row, "jsoc:M:2011-01-01:2011-12-31:10", "demo")
    assert asked == {
        "source": "jsoc",
        "region": "377",
        "hour": "2011-02-15T01:00",
        "model": "demo",
    }

"""The Case studies page and the map's checks on Explore, driven without a browser."""

import json
import re
import threading
import time
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from analysis.cases.marks import Mark
from hnn_core.network.model_store import save_model
from hnn_core.regions.case import Case, cases_from_link, cases_to_link, list_sets, save_set
from tests.support.app import as_read, run_app, sent_to_viewer
from tests.support.drawn_sharp import draw_fits
from tests.support.small_models import small_model

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("named_pages")]

HOURS = 16


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    st.cache_data.clear()
    st.cache_resource.clear()
    monkeypatch.setenv("HNN_ALLOW_WRITES", "1")


@pytest.fixture
def model(hnn_home: Path) -> str:
    """A network that wants ten hours and sees 64 native pixels."""
    save_model(small_model(frames=10), hnn_home / "models" / "small", metadata={})
    return "small"


def bipole(strength: float) -> np.ndarray:
    rows, cols = np.mgrid[:48, :72]
    field = strength * np.tanh((cols - 36.0) / 2.0) * np.exp(-(((rows - 24.0) / 12.0) ** 2))
    return field.astype(np.float32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Sixteen hours of a bipole that loses 2 % of its field an hour."""
    for hour in range(HOURS):
        draw_fits(
            tmp_path / f"hour{hour:02}.fits",
            bipole(900.0 * (1 - 0.02 * hour)),
            T_REC=f"2011.02.13_{hour:02}:00:00_TAI",
            CRPIX1=36.5,
            CRPIX2=24.5,
        )
    return tmp_path


def opened(folder: Path, page: str = "case_studies", **query: str) -> AppTest:
    return run_app(page, **{"source": "fits", "folder": str(folder), "model": "small", **query})


def words(app: AppTest) -> str:
    elements = [*app.error, *app.warning, *app.info, *app.success, *app.markdown, *app.caption]
    return "\n".join(str(element.value) for element in elements)


def figures(app: AppTest, key: str) -> list[dict]:
    """Specifications of the figures whose key starts so."""
    return [
        json.loads(chart.proto.spec)
        for chart in app.get("plotly_chart")
        if f"-{key}" in chart.proto.id
    ]


class _Facts(HTMLParser):
    """Rows of a table that is written as HTML."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, _: object) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        self.rows[-1][-1] += data


def table(app: AppTest, column: str) -> pd.DataFrame:
    """The first table that has such a column."""
    texts = [one.proto.body for one in app.get("html") if 'class="facts"' in one.proto.body]
    facts = [_Facts(text).rows for text in texts]
    frames = [*(one.value for one in app.dataframe)]
    frames += [pd.DataFrame(rows[1:], columns=rows[0]) for rows in facts]
    found = [frame for frame in frames if column in frame]
    assert found, f"no table has {column}; the page says {words(app)}"
    return found[0]


def case(folder: Path, hour: str = "2011-02-13T12:00", **changes: str) -> Case:
    return Case(**{"source": f"fits:{folder}", "region": "377", "hour": hour, "model": "small",
                   **changes})  # fmt: skip


def linked(folder: Path, *cases: Case, **query: str) -> AppTest:
    return opened(folder, cases=cases_to_link(cases), **query)


def clicked(app: AppTest, key: str) -> AppTest:
    return app.button(key=key).click().run()


def until_done(app: AppTest, key: str, seconds: float = 600.0) -> AppTest:
    """Look again, as a browser does, until the work under way has an end."""
    end = time.monotonic() + seconds
    while any(button.key == f"cancel_{key}" for button in app.button):
        assert time.monotonic() < end, words(app)
        time.sleep(0.2)
        app.run()
    return app


# A few cases


def test_a_visitor_sees_cases_without_choosing_any(folder, model):
    app = opened(folder)
    assert not app.exception
    assert not app.error
    bars = figures(app, "case_bars_pil")
    assert len(bars) == 1
    found = table(app, "verdict")
    assert found["case"].tolist() == ["AR 11158 · HARP 377, 2011-02-13 15:00 TAI"]
    assert found["verdict"].tolist() == ["consistent with cancellation"]
    assert found["PIL flux (%/h)"].iloc[0].startswith("−3.1 (−3.4")
    assert app.query_params["cases"] == cases_to_link((case(folder, "2011-02-13T15:00"),))


def test_link_opens_its_cases_in_order_and_says_what_is_no_case(folder, model):
    cases = (case(folder, "2011-02-13T14:00"), case(folder, "2011-02-13T10:00"))
    app = linked(folder, *cases)
    found = table(app, "verdict")
    assert [name[-20:] for name in found["case"]] == [
        "2011-02-13 14:00 TAI",
        "2011-02-13 10:00 TAI",
    ]
    broken = opened(folder, cases="rubbish")
    assert not broken.exception
    assert "The link holds no case in “rubbish”" in words(broken)


def test_a_case_is_added_once_and_taken_out(folder, model):
    app = linked(folder, case(folder))
    app.selectbox(key="hour").set_value("2011-02-13T13:00").run()
    clicked(app, "case_add")
    assert len(cases_from_link(app.query_params["cases"])) == 2
    clicked(app, "case_add")
    assert "one of the cases already" in app.toast[0].value
    assert len(cases_from_link(app.query_params["cases"])) == 2
    clicked(app, f"drop_{case(folder).key}")
    assert [one.hour for one in cases_from_link(app.query_params["cases"])] == ["2011-02-13T13:00"]


def test_fewer_than_ten_hours_are_insufficient_and_no_error(folder, model):
    app = linked(folder, case(folder, "2011-02-13T04:00"))
    assert not app.exception
    found = table(app, "verdict")
    assert found["verdict"].tolist() == ["insufficient"]
    assert found["hours"].tolist() == ["5"]
    assert found["predicted"].tolist() == ["–"]
    assert "this window has 5" in words(app)
    assert "2011-02-13T04:00" in words(app) or "2011-02-12" in words(app)


def test_quiet_field_has_no_line_and_zero_flux(tmp_path, model):
    rng = np.random.default_rng(0)
    for hour in range(10):
        quiet = rng.normal(0, 10, (48, 72)).astype(np.float32)
        draw_fits(tmp_path / f"{hour}.fits", quiet, T_REC=f"2011.02.13_{hour:02}:00:00_TAI",
                  CRPIX1=36.5, CRPIX2=24.5)  # fmt: skip
    app = linked(tmp_path, case(tmp_path, "2011-02-13T09:00"))
    assert not app.exception
    assert not app.error
    found = table(app, "verdict")
    assert found["verdict"].tolist() == ["no PIL above threshold"]
    assert "No PIL above threshold" in words(app)


def test_one_polarity_only_and_nan_beyond_the_limb(tmp_path, model):
    for hour in range(10):
        field = np.abs(bipole(900.0))
        field[0] = -6.0  # noise has both signs
        field[:, :6] = np.nan
        draw_fits(tmp_path / f"{hour}.fits", field, T_REC=f"2011.02.13_{hour:02}:00:00_TAI",
                  CRPIX1=36.5, CRPIX2=24.5)  # fmt: skip
    app = linked(tmp_path, case(tmp_path, "2011-02-13T09:00"))
    assert not app.exception
    assert table(app, "verdict")["verdict"].tolist() == ["no PIL above threshold"]


def test_a_case_whose_model_is_gone_still_shows_its_physics(folder, model):
    app = linked(folder, case(folder, model="lost <b>model</b>"))
    assert not app.exception
    assert "is not here any more" in words(app)
    found = table(app, "verdict")
    assert found["verdict"].tolist() == ["consistent with cancellation"]
    clicked(app, "case_ask")
    assert (
        table(app, "verdict")["predicted"].str.fullmatch(r"(eruptive|confined) \(0\.\d\d\)").all()
    )


def test_what_a_link_says_is_never_more_than_text(folder, model):
    app = linked(folder, case(folder, region="![x](http://a/b.png)"), case(folder))
    said = next(error.proto.body for error in app.error if "a/b.png" in error.value)
    assert "![x](" not in said
    assert len(table(app, "verdict")) == 1


def test_a_case_that_cannot_be_shown_leaves_the_others(folder, model):
    app = linked(folder, case(folder, region="999"), case(folder))
    assert not app.exception
    assert any("999" in error.value for error in app.error)
    assert len(table(app, "verdict")) == 1


def test_several_cases_that_cannot_be_shown_each_have_their_reason(folder, model):
    hours = [case(folder, f"2011-02-13T{hour}:00", region="999") for hour in (11, 12)]
    alike = [
        case(folder, source="sim:", region="NO_1"),
        case(folder, source="sim:_NO", region="1"),
    ]
    app = linked(folder, *hours, *alike, case(folder))
    assert "Something went wrong" not in words(app)
    assert len([error for error in app.error if "999" in error.value]) == 2
    assert len(table(app, "verdict")) == 1
    clicked(app, f"drop_{hours[0].key}")
    assert len(cases_from_link(app.query_params["cases"])) == 4


def test_everything_in_detail(folder, model):
    app = linked(folder, case(folder))
    assert figures(app, "detail_history")
    assert figures(app, "detail_forest")
    beside = table(app, "quantity").set_index("quantity")["value"]
    assert beside["R value, last hour"] not in ("", "nan")
    assert "Mx/h" in beside["Systematic band of that slope"]
    said = words(app)
    for part in ("Only the line-of-sight field is used", "12 and 24 hours", "EUV or X-rays"):
        assert part in said
    found = table(app, "threshold g")
    assert len(found) == 4 * 3 * 4 * 2


# Sets


def test_a_set_is_saved_opened_and_deleted(folder, model):
    app = linked(folder, case(folder))
    app.text_input(key="set_new").set_value("Valentine's  <i>set</i>").run()
    clicked(app, "set_save")
    assert "Saved as “Valentine's <i>set</i>”" in words(app)
    saved = list_sets()[0][0]
    assert saved.cases[0].sha256
    assert 0.0 <= saved.cases[0].probability <= 1.0
    other = linked(folder, case(folder, "2011-02-13T13:00"))
    other.selectbox(key="set_name").select(saved.name).run()
    clicked(other, "set_open")
    assert cases_from_link(other.query_params["cases"])[0].hour == "2011-02-13T12:00"
    other.selectbox(key="set_name").select(saved.name).run()
    clicked(other, "set_delete")
    assert list_sets()[0] == []


def test_of_two_sessions_that_replace_one_set_the_second_is_told(folder, model):
    save_set("shared", (case(folder, "2011-02-13T11:00"),))
    sessions = [linked(folder, case(folder, f"2011-02-13T1{n}:00")) for n in (2, 3)]
    for app in sessions:
        app.text_input(key="set_new").set_value("shared").run()
        app.checkbox(key="set_replace").check().run()
    first, second = sessions
    clicked(first, "set_save")
    assert "Saved as “shared”." in words(first)
    clicked(second, "set_save")
    assert "“shared” was saved by somebody else meanwhile" in words(second)
    assert list_sets()[0][0].cases[0].hour == "2011-02-13T12:00"
    clicked(second, "set_save")  # now that it has read the other's
    assert list_sets()[0][0].cases[0].hour == "2011-02-13T13:00"


def test_a_visitor_may_not_save(folder, model, monkeypatch):
    monkeypatch.delenv("HNN_ALLOW_WRITES")
    monkeypatch.setenv("HNN_FITS_DIR", str(folder))
    app = linked(folder, case(folder))
    assert app.button(key="set_save").disabled
    assert list_sets()[0] == []


def test_a_set_says_when_its_model_answers_otherwise_or_is_gone(folder, model, hnn_home):
    changed = case(folder, sha256="0" * 64, probability=0.123)
    lost = case(folder, "2011-02-13T13:00", model="lost", sha256="1" * 64, probability=0.9)
    save_set("old", (changed, lost))
    app = linked(folder, case(folder))
    app.selectbox(key="set_name").select("old").run()
    clicked(app, "set_open")
    said = words(app)
    assert "small has other weights or settings than when the set was saved. " in said
    assert "P(eruptive) was 0.12 then." in said
    assert "“lost” is not here any more" in said
    assert "P(eruptive) was 0.90 then." in said


def test_a_set_of_a_newer_program_is_named_and_left_alone(folder, model, hnn_home):
    (hnn_home / "cases").mkdir()
    path = hnn_home / "cases" / "later.json"
    path.write_text(json.dumps({"format": 99, "program": "9.0", "cases": []}))
    app = linked(folder, case(folder))
    assert not app.exception
    assert "newer version" in words(app)
    assert path.exists()


# Many cases, the truth, the film


def test_slopes_of_all_windows_are_measured_beside_the_page(folder, model):
    app = opened(folder, study="many")
    clicked(app, "many_slopes")
    until_done(app, "many_slopes")
    assert not app.exception
    assert "No comparison" in words(app)  # no flare of this folder is known
    assert len(figures(app, "many_")) >= 2


def test_maps_of_all_windows(folder, model):
    app = opened(folder, study="many")
    clicked(app, "many_maps")
    until_done(app, "many_maps")
    assert not app.exception
    found = table(app, "predicted")
    assert set(found["map"]) == {"rollout", "relevance"}
    assert found["windows"].astype(int).sum() == 2 * 2 * 3


def test_the_truth_of_simulated_regions(folder, model):
    app = opened(folder, study="truth", truth="4:2")
    assert "cancel_truth" not in {button.key for button in app.button}  # it waits for the press
    clicked(app, "truth_start")
    until_done(app, "truth")
    assert not app.exception
    assert "measured decline and true cancellation correlate with r =" in words(app)
    assert figures(app, "truth_scatter")
    assert figures(app, "truth_trust")
    assert len(table(app, "bin")) > 3


def test_a_population_that_is_none_is_said(folder, model):
    app = opened(folder, study="truth", truth="many")
    assert not app.exception
    assert "“many” in the field Simulated population" in "".join(one.value for one in app.error)
    assert app.text_input(key="truth").value == "many"


def test_a_film_of_the_hours(folder, model):
    app = opened(folder, study="film")
    clicked(app, "film_start")
    until_done(app, "film")
    assert not app.exception
    assert len(figures(app, "film")) == 1
    assert f"{HOURS} hours; one colour scale" in words(app)


def test_work_that_is_cancelled_says_so_and_can_begin_again(folder, model, monkeypatch):
    def slow(*_, progress, **__):
        for done in range(200):
            progress(done, 200)
            time.sleep(0.05)

    monkeypatch.setattr("pages._cases.many.survey", slow)
    app = opened(folder, study="many")
    clicked(app, "many_slopes")
    assert "cancel_many_slopes" in {button.key for button in app.button}
    clicked(app, "cancel_many_slopes")
    time.sleep(0.3)
    app.run()
    assert "stopped. Start it again when you like." in words(app)
    assert not app.button(key="many_slopes").disabled


def test_work_that_breaks_says_so_without_a_traceback(folder, model, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("secret")

    monkeypatch.setattr("pages._cases.many.survey", broken)
    app = opened(folder, study="many")
    clicked(app, "many_slopes")
    until_done(app, "many_slopes")
    assert "went wrong here that should not (ZeroDivisionError)" in words(app)
    assert "secret" not in words(app)


# The map on Explore


@pytest.mark.parametrize("method", ["relevance", "rollout"])
def test_the_chosen_map_is_drawn_under_its_own_name(folder, model, method):
    app = opened(folder, "", hour="2011-02-13T12:00", map=method)
    assert not app.exception
    expected = "attention rollout" if method == "rollout" else "relevance for eruptive"
    assert sent_to_viewer(app).map == expected


def test_occlusion_waits_for_a_button(folder, model):
    app = opened(folder, "", hour="2011-02-13T12:00", map="occlusion")
    clicked(app, "occlusion_start")
    until_done(app, "occlusion")
    assert sent_to_viewer(app).map == "occlusion for eruptive"


@pytest.mark.parametrize(
    ("trust", "key"),
    [
        ("hours", "hour_scores"),
        ("place", "overlap_"),
        ("layers", "layer_heads"),
        ("norms", "token_norms"),
    ],
)
def test_questions_about_the_map_have_a_figure(folder, model, trust, key):
    app = opened(folder, "", hour="2011-02-13T12:00", trust=trust)
    assert not app.exception
    assert not app.error
    assert figures(app, key)


def at_rest(app: AppTest) -> AppTest:
    """As the browser does once a person has stayed at an hour for a second."""
    app.session_state["at_rest_now"] = True
    return app.run()


def marks(app: AppTest) -> dict[str, str]:
    found = (button for button in app.button if (button.key or "").startswith("mark_"))
    return {button.key.removeprefix("mark_"): as_read(button.label) for button in found}


def pending(label: str) -> bool:
    return label.startswith(":gray[")


def until_marked(app: AppTest) -> dict[str, str]:
    for _ in range(600):
        if not any(map(pending, marks(app).values())):
            return marks(app)
        time.sleep(0.1)
        at_rest(app)
    raise AssertionError(f"still computing: {marks(app)}")


def test_three_marks_fill_in_at_rest_and_open_their_detail(folder, model):
    app = opened(folder, "", hour="2011-02-13T12:00")
    begun = marks(app)
    assert list(begun) == ["hours", "place", "faithful", "layers"]
    assert all(pending(begun[name]) for name in ("hours", "place", "faithful"))
    found = until_marked(at_rest(app))
    assert re.search(r"t(−\d)? \([+−]\d\.\d\d\)", found["hours"])
    assert "× chance, p = " in found["place"]
    assert re.search(r"curves|what was learnt", found["faithful"])
    clicked(app, "mark_faithful")
    assert app.query_params["trust"] == "faithful"
    assert len(figures(app, "faithful_")) == 2  # what the mark rests on, not computed again
    clicked(app, "mark_faithful")
    assert not figures(app, "faithful_")
    assert not app.exception


def test_marks_that_cannot_be_had_say_why(folder, model):
    app = at_rest(opened(folder, "", hour="2011-02-13T03:00"))  # no ten hours before it
    found = until_marked(app)
    assert found["hours"] == "Hours: not known"
    assert found["faithful"] == "Faithful: not known"
    why = next(one for one in app.button if one.key == "mark_hours").help
    assert "There is no prediction at this hour." in as_read(why)


@pytest.fixture
def endless(monkeypatch):
    """Work of the hours' mark that only ends when it is stopped: events of its begin and end."""
    begun, stopped = threading.Event(), threading.Event()

    def slow(*_, progress, **__):
        begun.set()
        try:
            while True:
                progress(1, 2)
                time.sleep(0.02)
        finally:
            stopped.set()

    monkeypatch.setattr("pages._explore.trust.score_hours", slow)
    monkeypatch.setattr("pages._explore.trust.place_hours", lambda *_, **__: [{}])
    monkeypatch.setattr("pages._explore.trust.place_mark", lambda *_: Mark("no", "", ""))
    monkeypatch.setattr("pages._shared.background._LEFT_S", 1000.0)
    return begun, stopped


def test_marks_are_no_longer_computed_when_one_moves_on(folder, model, endless):
    begun, stopped = endless
    app = at_rest(opened(folder, "", hour="2011-02-13T12:00"))
    assert begun.wait(60)
    assert not stopped.is_set()
    app.session_state["hour"] = "2011-02-13T13:00"
    app.run()
    assert stopped.wait(60)


def test_marks_end_when_nobody_looks_any_more(folder, model, endless, monkeypatch):
    begun, stopped = endless
    app = at_rest(opened(folder, "", hour="2011-02-13T12:00"))
    assert begun.wait(60)
    monkeypatch.setattr("pages._shared.background._LEFT_S", 0.0)
    assert stopped.wait(60)
    app.run()
    assert marks(app)["hours"] == ":gray[Hours: to be computed …]"  # it would begin anew


def test_a_server_may_leave_the_marks_to_a_press(folder, model, monkeypatch):
    monkeypatch.setenv("HNN_CHECKS_AT_REST", "0")
    app = at_rest(opened(folder, "", hour="2011-02-13T12:00"))
    assert marks(app)["faithful"] == "Faithful: not known"


def test_faithfulness_is_checked_when_asked_for(folder, model):
    app = opened(folder, "", hour="2011-02-13T12:00", trust="faithful")
    clicked(app, "faithful_start")
    until_done(app, "faithful")
    assert not app.exception
    assert len(figures(app, "faithful_")) == 2
    assert "random order" in words(app)
    assert "Randomised network:" in words(app)
    assert not figures(app, "randomised_stages")
    app.toggle(key="faithful_cascade").set_value(True).run()
    clicked(app, "faithful_start")
    until_done(app, "faithful")
    stages = figures(app, "randomised_stages")[0]["data"][0]
    # Classifier, LSTM, final norm, two encoders and the patch embedding.
    assert len(stages["customdata"]) == 6

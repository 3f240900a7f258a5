"""From a number typed to the region explored, as a person does it: in a real browser."""

import pytest

from hnn_core.jobs.data_jobs import list_data_jobs
from tests.emulators import emulated, small_world

browser_side = pytest.importorskip("tests.support.browser", reason="playwright is not installed")


@pytest.fixture(scope="module")
def emulator():
    with emulated(small_world(4)) as running:
        running.bytes_per_s = 2_000_000  # slow enough to be watched
        yield running


@pytest.fixture(scope="module")
def app(browser, emulator, tmp_path_factory):
    home = tmp_path_factory.mktemp("data_home")
    log = home / "server.log"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in emulator.environment.items():
            patch.setenv(name, value)
        with browser_side.serve(home, log) as (address, _):
            yield address
    assert "Traceback" not in log.read_text()


def click(page, key: str) -> None:
    page.locator(f".st-key-{key} button").first.click()


def test_type_a_number_watch_the_frames_arrive_explore_them(app, page, emulator):
    # The first request to a fresh server is for this page, by a link.
    page.goto(f"{app}/data?show=fetch")
    page.get_by_role("heading", name="Fetch magnetograms").wait_for()
    page.get_by_text("Not the real services.").wait_for()
    browser_side.idle(page)
    page.locator(".st-key-fetch_region input").fill("11158")
    click(page, "fetch_start_job")

    jobs = page.locator("[class*=st-key-job_]")
    jobs.get_by_text("running").wait_for()
    bar = jobs.get_by_text("Magnetograms:")
    bar.wait_for()
    first = bar.inner_text()
    page.wait_for_function(
        "text => !document.body.innerText.includes(text)", arg=first
    )  # frames arrive
    jobs.get_by_text("finished").wait_for()
    jobs.get_by_text("48 magnetograms of 1 region fetched").wait_for()
    browser_side.idle(page)

    jobs.get_by_text("Explore AR 11158").click()
    page.locator(browser_side.PICTURE).wait_for()
    page.get_by_text("Simulated data.").wait_for()
    browser_side.settled(page)
    assert "source=jsoc" in page.url
    assert browser_side.magnetogram(page)["sum"] != 0
    page.locator(".st-key-heading [data-testid=stPopover] button").click()
    page.get_by_text("CME linked, 700 km/s").first.wait_for()
    assert page.locator(".stException").count() == 0
    assert emulator.connections.most_by_service["jsoc"] == 1


def test_a_click_on_a_map_chooses_the_flare_and_fills_the_form(app, page):
    page.goto(f"{app}/data?show=catalogue&of=11158&least=X")
    point = page.locator(".st-key-disk .js-plotly-plot .scatterlayer .point").first
    point.wait_for()
    browser_side.idle(page)
    box = point.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_timeout(300)
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.locator(".st-key-chosen").get_by_text("X2.2 of AR 11158").wait_for()
    page.locator(".st-key-chosen_form button").click()
    page.get_by_role("heading", name="Fetch magnetograms").wait_for()
    browser_side.idle(page)
    assert page.locator(".st-key-fetch_region input").input_value() == "HARP 377"
    assert page.locator(".st-key-fetch_end input").input_value() == "2011-02-15"


def test_a_fetch_is_cancelled_and_gone_on_with(app, page, emulator):
    emulator.bytes_per_s = 200_000
    page.goto(f"{app}/data?show=fetch")
    page.get_by_role("heading", name="Fetch magnetograms").wait_for()
    browser_side.idle(page)
    page.locator(".st-key-fetch_region input").fill("11172")
    click(page, "fetch_start_job")
    jobs = page.locator("[class*=st-key-job_]").filter(has_text="AR 11172")
    page.wait_for_function("() => /Magnetograms: [1-9]/.test(document.body.innerText)")
    jobs.locator("[class*=st-key-stop_] button").first.click()
    jobs.get_by_text("only what is missing").wait_for()
    browser_side.idle(page)  # what is pressed while the page is drawn anew may be lost
    emulator.bytes_per_s = None
    jobs.locator("[class*=st-key-again_] button").first.click()
    jobs.get_by_text("finished").wait_for()
    assert "0 were here already" not in jobs.inner_text()
    assert list_data_jobs() == []  # this process has a folder of its own


def test_a_service_that_is_away_is_one_sentence_and_the_page_stays(app, page, emulator):
    emulator.faults.add("jsoc_info|harp_noaa", "503", times=10_000)
    page.goto(f"{app}/data?show=fetch")
    page.get_by_role("heading", name="Fetch magnetograms").wait_for()
    browser_side.idle(page)
    page.locator(".st-key-fetch_region input").fill("HARP 499")
    click(page, "fetch_start_job")
    jobs = page.locator("[class*=st-key-job_]").filter(has_text="HARP 499")
    jobs.get_by_text("failed").wait_for()
    jobs.get_by_test_id("stAlertContentError").get_by_text("JSOC gives no sound answer").wait_for()
    emulator.faults.clear()
    page.locator(".st-key-show").get_by_text("On this machine").click()
    page.get_by_role("heading", name="On this machine").wait_for()
    page.locator(".st-key-holdings").wait_for()

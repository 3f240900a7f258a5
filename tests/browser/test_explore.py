"""The app as a person meets it: a real server, a real browser."""

from pathlib import Path

import pandas as pd
import pytest
from astropy.io import fits

from tests.conftest import real_data

browser_side = pytest.importorskip("tests.support.browser", reason="playwright is not installed")


def choose(page, key: str, text: str) -> None:
    """Type into a selectbox and take the first match."""
    page.locator(f".st-key-{key} input").first.fill(text)
    page.keyboard.press("Enter")


def simulated() -> tuple[str, str, str, str]:
    return "", "SIM 5", "SIM 5", "region=SIM+5"


def harp_377() -> tuple[str, str, str, str]:
    folder = real_data("harp377")
    return f"source=fits&folder={folder}", "11158", "AR 11158 · HARP 377", "region=377"


def press(page, key: str, part: str = "button") -> None:
    """Press what changes the picture and wait until it has changed."""
    with browser_side.a_run(page):
        page.locator(f".st-key-{key} {part}").first.click()
    browser_side.settled(page)


def step(page, name: str) -> None:
    """Press a button of the transport and wait until the whole page has followed."""
    press(page, "transport", f"button[name={name}]")


def switch(page, name: str) -> None:
    """Switch what the viewer draws; the server has no part in it."""
    page.locator(f".st-key-magnetogram input[name={name}]").click()


@pytest.mark.parametrize("case", [simulated, harp_377])
def test_region_hour_overlay_download_and_the_link_back(app, browser, page, case, tmp_path):
    source, typed, title, in_link = case()
    page.goto(f"{app}/?model=small&{source}")
    page.wait_for_selector(browser_side.PICTURE)
    choose(page, "region", typed)
    page.get_by_role("heading", name=title).wait_for()
    browser_side.settled(page)
    assert in_link in page.url

    step(page, "back")
    before = browser_side.magnetogram(page)
    step(page, "back")
    stepped = browser_side.magnetogram(page)
    assert stepped["sum"] != before["sum"]
    assert stepped["layers"] == ["attention", "pil"]

    switch(page, "ropi")
    page.wait_for_url("**ropi=true**")
    shown = browser_side.magnetogram(page)
    assert shown["layers"] == ["attention", "pil", "ropi"]
    assert shown["map"] == "attention rollout"

    for key in ("heat", "masks", "csv"):
        with page.expect_download() as waiting:
            page.locator(f".st-key-download_{key} button").first.click()
        waiting.value.save_as(tmp_path / key)
    check_downloads(tmp_path, simulated=title.startswith("SIM"))

    again = browser_side.window(browser).new_page()
    again.goto(page.url)
    again.wait_for_selector(browser_side.PICTURE)
    browser_side.settled(again)
    assert browser_side.magnetogram(again) == shown
    assert (
        again.locator(".answer .number").inner_text()
        == page.locator(".answer .number").inner_text()
    )
    for one in (page, again):
        assert "Traceback" not in one.content()
        assert one.locator(".stException").count() == 0
    again.context.close()


def check_downloads(folder: Path, *, simulated: bool) -> None:
    with fits.open(folder / "masks") as masks, fits.open(folder / "heat") as heat:
        assert [hdu.name for hdu in masks[1:]] == ["PIL", "ROPI", "HULL"]
        assert heat["ROLLOUT"].data.shape == masks["PIL"].data.shape
        assert heat["ROLLOUT"].header["MODEL"] == "small"
        assert heat["ROLLOUT"].header["SIMULATD"] is simulated
        assert heat["ROLLOUT"].header["CTYPE1"] == "CRLN-CEA"
    table = pd.read_csv(folder / "csv")
    assert len(table) > 40
    assert (table["total_unsigned_flux_mx"] > 1e21).all()


def test_wrong_folder_is_told_and_nothing_is_lost(app, page, tmp_path):
    page.goto(f"{app}/?model=small&region=SIM+2&hull=true")
    page.wait_for_selector(browser_side.PICTURE)
    browser_side.settled(page)
    step(page, "back")
    view = page.url
    choose(page, "source", "Folder")
    page.locator(".st-key-folder input").fill(str(tmp_path / "absent"))
    page.keyboard.press("Enter")
    page.get_by_text("There is no folder").wait_for()
    browser_side.idle(page)  # what was there before goes when the run has ended
    assert page.locator(".js-plotly-plot").count() == 0
    choose(page, "source", "Simulated")
    page.wait_for_selector(browser_side.PICTURE)
    browser_side.settled(page)
    for part in ("region=", "hour=", "hull="):
        assert page.url.split(part)[1].split("&")[0] == view.split(part)[1].split("&")[0]


def test_play_runs_to_the_end_and_stops(app, page):
    page.goto(f"{app}/?model=small&region=SIM+2")
    page.wait_for_selector(browser_side.PICTURE)
    browser_side.settled(page)
    step(page, "last")
    last = page.url
    for _ in range(2):
        step(page, "back")
    assert page.url != last
    page.keyboard.press("k")
    page.get_by_role("button", name="Pause", exact=True).wait_for()
    page.get_by_role("button", name="Play", exact=True).wait_for()
    page.wait_for_function("end => location.href === end", arg=last)


def test_back_from_another_page_is_one_press_and_unknown_pages_say_so(app, page):
    page.goto(f"{app}/explore?model=small&region=SIM+2")
    page.wait_for_selector(browser_side.PICTURE)
    browser_side.settled(page)
    assert page.url.startswith(f"{app}/?model=small&region=SIM+2")
    first = page.evaluate("history.length")
    with browser_side.a_run(page):
        page.keyboard.press("j")
    switch(page, "ropi")
    page.wait_for_url("**ropi=true**")
    choose(page, "map", "Occlusion")
    page.wait_for_url("**map=occlusion**")
    browser_side.settled(page)
    page.get_by_text("Settings of the map").click()
    page.locator(".st-key-map_class").get_by_text("confined").click()
    page.wait_for_url("**map_class=confined**")
    browser_side.settled(page)
    page.locator(".st-key-magnetogram button[name=in]").click()
    page.wait_for_url("**extent=**")
    view, shown = page.url, browser_side.magnetogram(page)
    page.get_by_role("link", name="Case studies").click()
    page.wait_for_url("**/case_studies**cases=**")
    browser_side.idle(page)
    assert page.evaluate("history.length") == first + 1
    page.go_back()
    page.wait_for_selector(browser_side.PICTURE)
    browser_side.settled(page)
    kept = ("region=", "hour=", "map=", "map_class=", "ropi=", "extent=")
    parts = [one for one in view.partition("?")[2].split("&") if one.startswith(kept)]
    assert len(parts) == len(kept)
    assert set(parts) <= set(page.url.partition("?")[2].split("&"))
    assert browser_side.magnetogram(page) == shown

    assert page.goto(f"{app}/attic/old").status == 404
    page.get_by_role("heading", name="There is no page “attic/old” here").wait_for()
    page.get_by_role("link", name="Explore").click()
    page.wait_for_selector(browser_side.PICTURE)

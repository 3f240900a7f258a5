"""Explore fits one screen, and no page is wider than a phone's."""

import numpy as np
import pytest

from hnn_core.network.model_store import save_model
from tests.support.drawn_sharp import draw_fits
from tests.support.small_models import small_model

browser_side = pytest.importorskip("tests.support.browser", reason="playwright is not installed")

PAGES = (
    *("?", "case_studies?", "case_studies?study=many", "case_studies?study=truth"),
    *("skill?", "training?", "training?view=new", "training?view=compare"),
    *("data?", "data?show=fetch", "data?show=catalogue", "data?show=sets", "data?show=origin"),
)
WIDER = """() => {
    const main = document.querySelector('[data-testid=stMain]');
    const scrolls = (one) => {
        for (let box = one.parentElement; box && box !== main; box = box.parentElement) {
            if (getComputedStyle(box).overflowX !== 'visible') return true;
        }
        return false;
    };
    const wide = [...main.querySelectorAll('*')].filter((one) => {
        const {left, right, width} = one.getBoundingClientRect();
        const over = one.closest('div:has(> .st-key-first_steps)'); // lies over the page
        const seen = one.checkVisibility({opacityProperty: true});
        const wide = width && (right > innerWidth + 1 || left < -1);
        return wide && seen && !over && !scrolls(one);
    });
    const names = wide.map((one) => `${one.tagName} ${one.className}`.slice(0, 120)
        + ` ${one.getBoundingClientRect().left} to ${one.getBoundingClientRect().right}`);
    if (main.scrollWidth > innerWidth) names.push(`the page: ${main.scrollWidth}`);
    return names;
}"""
"""What is seen and reaches out of the window, unless it lies in a box that scrolls by itself."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Twelve hours of a drawn bipole, twice as wide as high, as most regions are."""
    place = tmp_path_factory.mktemp("layout_hours")
    rows, cols = np.mgrid[:240, :480]
    field = 900.0 * np.tanh((cols - 240.0) / 6.0) * np.exp(-(((rows - 120.0) / 60.0) ** 2))
    for hour in range(12):
        draw_fits(
            place / f"hour{hour:02}.fits",
            field.astype(np.float32),
            T_REC=f"2011.02.13_{hour:02}:00:00_TAI",
            CRPIX1=240.5,
            CRPIX2=120.5,
        )
    return place


@pytest.fixture(scope="module")
def app(browser, tmp_path_factory):
    home = tmp_path_factory.mktemp("layout_home")
    save_model(small_model(), home / "models" / "small", metadata={"trained_on": "noise"})
    log = home / "server.log"
    with browser_side.serve(home, log) as (address, _):
        yield address
    assert "Traceback" not in log.read_text()


def test_explore_fits_one_screen_and_no_page_is_wider_than_a_phone(app, page, folder):
    region = f"source=fits&folder={folder}&model=small&hour=2011-02-13T11:00"
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{app}/?{region}")
    browser_side.settled(page)
    browser_side.magnetogram(page)
    page.locator(".st-key-filmstrip .main-svg").first.wait_for()
    boxes = {
        "picture": ".st-key-magnetogram canvas",
        "answer": ".st-key-answer",
        "film strip": ".st-key-filmstrip",
        "transport": ".st-key-transport",
    }
    found = {}
    for name, place in boxes.items():
        found[name] = page.locator(place).first.bounding_box()
        assert found[name]["height"] > 30, name
        assert found[name]["y"] >= 0, name
        assert found[name]["y"] + found[name]["height"] <= 800, name
        assert found[name]["x"] + found[name]["width"] <= 1280, name
    assert found["picture"]["height"] > 300  # fills what the others leave
    assert found["film strip"]["y"] + found["film strip"]["height"] <= found["transport"]["y"]
    assert found["picture"]["x"] + found["picture"]["width"] <= found["answer"]["x"]

    page.set_viewport_size({"width": 390, "height": 844})
    for path in PAGES:
        page.goto(f"{app}/{path}&{region}")
        browser_side.idle(page)
        page.wait_for_function("!document.querySelector('[data-testid=stSpinner]')")
        assert page.evaluate(WIDER) == [], path

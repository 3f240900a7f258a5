"""Time on Explore: steps add up, play is in order, keys work everywhere, a click goes there."""

import numpy as np
import pytest

from hnn_core.network.model_store import save_model
from tests.support.drawn_sharp import draw_fits
from tests.support.small_models import small_model

browser_side = pytest.importorskip("tests.support.browser", reason="playwright is not installed")

HOURS = 30
MISSING = 25


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Hours of a drawn bipole with a keyword; one hour has no record."""
    place = tmp_path_factory.mktemp("time_hours")
    rows, cols = np.mgrid[:48, :96]
    field = 900.0 * np.tanh((cols - 48.0) / 2.0) * np.exp(-(((rows - 24.0) / 12.0) ** 2))
    for hour in set(range(HOURS)) - {MISSING}:
        draw_fits(
            place / f"hour{hour:02}.fits",
            (field + hour).astype(np.float32),
            T_REC=f"2011.02.{13 + hour // 24:02}_{hour % 24:02}:00:00_TAI",
            CRPIX1=48.5,
            CRPIX2=24.5,
            R_VALUE=3.0 + hour / 100,
        )
    return place


@pytest.fixture(scope="module")
def app(browser, tmp_path_factory):
    home = tmp_path_factory.mktemp("time_home")
    save_model(small_model(), home / "models" / "small", metadata={"trained_on": "noise"})
    log = home / "server.log"
    with browser_side.serve(home, log) as (address, _):
        yield address
    assert "Traceback" not in log.read_text()


def opened(page, app, folder, hour="2011-02-13T12:00", **view):
    query = {"source": "fits", "folder": folder, "model": "small", "hour": hour, **view}
    page.goto(f"{app}/?" + "&".join(f"{key}={value}" for key, value in query.items()))
    browser_side.settled(page)


def number(page):
    """Hours from the first one to that at which the viewer is."""
    return page.evaluate(
        "Math.round((Date.parse(hnnViewer.hour) - Date.parse('2011-02-13')) / 36e5)"
    )


def followed(page):
    """Wait until the rest of the page is at the hour of the viewer."""
    browser_side.settled(page)
    page.wait_for_function(
        "document.querySelector('.answer')?.dataset.hour?.startsWith(hnnViewer.hour)"
    )


def plot(page, key, x, y=0.5):
    """Where a time lies in a chart, or a share of its width, at a share of its height."""
    return page.evaluate(
        """([key, x, y]) => {
            const chart = document.querySelector(`.st-key-${key} .js-plotly-plot`);
            chart.scrollIntoView({block: 'center'});
            const {xaxis, _size: size} = chart._fullLayout, box = chart.getBoundingClientRect();
            const along = typeof x === 'string' ? xaxis.d2p(x) : x * xaxis._length;
            return [box.left + xaxis._offset + along, box.top + size.t + y * size.h];
        }""",
        [key, x, y],
    )


def test_twenty_quick_presses_are_twenty_hours_and_the_page_follows_once(app, page, folder):
    opened(page, app, folder, hour="2011-02-13T04:00")
    for _ in range(20):
        page.keyboard.press("l")
    assert number(page) == 24
    followed(page)
    assert browser_side.magnetogram(page)["hour"] == "2011-02-14T00:00"
    assert "hour=2011-02-14T00" in page.url


def test_keys_work_after_a_click_on_any_widget_but_not_while_typing(app, page, folder):
    opened(page, app, folder, keywords="R_VALUE")
    clicked = (
        ".st-key-map input",
        ".st-key-magnetogram input[name=hull]",
        ".st-key-magnetogram canvas",
        ".st-key-magnetogram summary",
        ".st-key-magnetogram details[open] input[type=range]",
        ".st-key-transport button[name=scale]",
        "[data-testid=stExpander] summary",
        ".st-key-trust button",
        ".st-key-histories .js-plotly-plot .gtitle, .st-key-histories .legend",
    )
    for place in clicked:
        page.locator(place).first.click(force=True)
        if "magnetogram" not in place:  # Escape would fold what is open there
            page.keyboard.press("Escape")
        before = number(page)
        page.keyboard.press("l")
        page.keyboard.press("l")
        page.keyboard.press("j")
        assert number(page) == before + 1, place
        page.keyboard.press("j")
        browser_side.idle(page)
    # Arrows are those of a slider that has the focus, and steps everywhere else.
    before = number(page)
    page.locator(".st-key-magnetogram summary").first.click()
    page.locator(".st-key-magnetogram input[name=opacity]").focus()
    page.keyboard.press("ArrowRight")
    assert number(page) == before
    page.locator(".st-key-transport button[name=play]").focus()
    page.keyboard.press("ArrowRight")
    assert number(page) == before + 1
    page.locator(".st-key-folder input").click()
    page.keyboard.press("j")
    page.keyboard.press("ArrowLeft")
    assert number(page) == before + 1


def test_play_goes_from_hour_to_hour_in_order_and_around_the_loop(app, page, folder):
    opened(page, app, folder, speed=10)
    page.keyboard.press("[")
    for _ in range(4):
        page.keyboard.press("l")
    page.keyboard.press("]")
    page.wait_for_function("location.search.includes('loop=2011-02-13T12:00_2011-02-13T16:00')")
    page.evaluate(
        """() => {
            window.played = [];
            window.skipped = 0;
            addEventListener('hnn-hourchange', ({detail}) => {
                if (played.length && detail.hour !== detail.drawn && !detail.isHere(played.at(-1)))
                    window.skipped += 1;
                played.push(detail.hour);
            });
        }"""
    )
    page.keyboard.press("k")
    page.wait_for_function("played.length >= 12")
    page.keyboard.press("k")
    played = page.evaluate("played.map(hour => Number(hour.slice(11, 13)))")
    assert played[:12] == [12, 13, 14, 15, 16, 12, 13, 14, 15, 16, 12, 13]
    assert page.evaluate("skipped") == 0
    followed(page)
    assert page.evaluate("played.length") == len(played)  # nothing jumped back
    assert number(page) == played[-1]


def test_a_click_in_strip_and_charts_goes_there_and_the_line_moves_with_the_hour(app, page, folder):
    opened(page, app, folder, keywords="R_VALUE")
    page.mouse.click(*plot(page, "filmstrip", 0.4))
    assert number(page) == 10
    followed(page)
    page.mouse.click(*plot(page, "histories", "2011-02-13T18:10", 0.1))
    assert number(page) == 18
    followed(page)
    page.mouse.click(*plot(page, "histories", "2011-02-13T07:40", 0.9))
    assert number(page) == 8
    lines = "document.querySelector('.st-key-histories .js-plotly-plot').layout.shapes"
    line = f"{lines}.find(one => one.name === 'current hour').x0"
    assert page.evaluate(line).startswith("2011-02-13T08:00")
    followed(page)
    page.mouse.click(*plot(page, "bars_total", 0.6))
    assert number(page) == 7
    followed(page)
    # One axis: a box zooms every row, and is no click.
    page.mouse.move(*plot(page, "histories", 0.3, 0.2))
    page.mouse.down()
    page.mouse.move(*plot(page, "histories", 0.6, 0.2), steps=5)
    page.mouse.up()
    extent = "document.querySelector('.st-key-histories .js-plotly-plot').layout.xaxis.range"
    page.wait_for_function(f"{extent}?.[0] > '2011-02-13 02'")
    assert number(page) == 7
    zoomed = page.evaluate(extent)
    page.keyboard.press("l")
    followed(page)
    assert [one[:19].replace(" ", "T") for one in page.evaluate(extent)] == [
        one[:19].replace(" ", "T") for one in zoomed
    ]
    assert f"span={zoomed[0][:16].replace(' ', 'T')}" in page.url
    page.mouse.dblclick(*plot(page, "histories", 0.5, 0.2))
    page.wait_for_function("!location.search.includes('span=')")
    assert number(page) == 8  # its first click went nowhere


def test_utc_is_one_switch_and_in_the_link(app, page, folder):
    opened(page, app, folder, time="utc")
    words = page.locator(".st-key-transport output[name=hour_text]")
    assert words.inner_text() == "2011-02-13 11:59:26 UTC"
    chart = "document.querySelector('.st-key-histories .js-plotly-plot').layout"
    assert page.evaluate(f"{chart}.xaxis.title.text") == "T_REC (UTC)"
    page.mouse.click(*plot(page, "histories", "2011-02-13T17:59:26", 0.1))
    assert number(page) == 18
    followed(page)
    with browser_side.a_run(page):
        page.locator(".st-key-transport button[name=scale]").click()
    assert words.inner_text() == "2011-02-13 18:00 TAI"
    assert "time=tai" in page.url
    assert page.evaluate(f"{chart}.xaxis.title.text") == "T_REC (TAI)"

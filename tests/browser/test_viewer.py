"""The viewer of Explore in the hand: the view stays, values are exact, little crosses the wire."""

import base64
import re

import numpy as np
import pytest

from analysis.figures.packed_frame import (
    frame_geometry,
    join_payload,
    pack_frame,
    pack_numbers,
    unpack_frame,
)
from analysis.physics.coordinates import pixel_to_heliographic
from analysis.physics.pil import detect_pils
from hnn_core.magnetogram.magnetogram import read_fits
from hnn_core.network.model_store import save_model
from pages._explore import eyepiece
from tests.conftest import real_data
from tests.support.drawn_sharp import draw_fits
from tests.support.small_models import small_model

browser_side = pytest.importorskip("tests.support.browser", reason="playwright is not installed")

HOURS = 30
MISSING = np.s_[40:44, 10:14]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Hours of a drawn bipole that grows by 1 G an hour, with a hole."""
    place = tmp_path_factory.mktemp("viewer_hours")
    rows, cols = np.mgrid[:48, :96]
    field = 900.0 * np.tanh((cols - 48.0) / 2.0) * np.exp(-(((rows - 24.0) / 12.0) ** 2))
    for hour in range(HOURS):
        drawn = (field + hour).astype(np.float32)
        drawn[MISSING] = np.nan
        draw_fits(
            place / f"hour{hour:02}.fits",
            drawn,
            T_REC=f"2011.02.{13 + hour // 24:02}_{hour % 24:02}:00:00_TAI",
            CRPIX1=48.5,
            CRPIX2=24.5,
        )
    return place


@pytest.fixture(scope="module")
def app(browser, tmp_path_factory):
    home = tmp_path_factory.mktemp("viewer_home")
    for name in ("small", "other"):
        save_model(small_model(), home / "models" / name, metadata={"trained_on": "noise"})
    log = home / "server.log"
    with browser_side.serve(home, log) as (address, _):
        yield address
    assert "Traceback" not in log.read_text()


def opened(page, app, folder, hour="2011-02-13T12:00", **view):
    query = {"source": "fits", "folder": folder, "model": "small", "hour": hour, **view}
    page.goto(f"{app}/?" + "&".join(f"{key}={value}" for key, value in query.items()))
    browser_side.settled(page)
    return browser_side.magnetogram(page)


def point(page, col, row):
    """Where a pixel of the patch lies in the window."""
    box = page.locator(".st-key-magnetogram canvas").bounding_box()
    on = "([col, row]) => hnnViewer.panes[0].projection.toCanvas(col, row)"
    x, y = page.evaluate(on, [col, row])
    return box["x"] + x, box["y"] + y


def zoom_to(page, start, stop):
    page.mouse.move(*point(page, *start))
    page.mouse.down()
    page.mouse.move(*point(page, *stop), steps=4)
    page.mouse.up()


def read_out(page, col, row):
    page.mouse.move(*point(page, col, row))
    return page.locator(".st-key-magnetogram .readout").inner_text()


def followed(page):
    """Wait until the rest of the page has followed to the hour in the viewer."""
    page.wait_for_function("!hnnViewer.busy")
    browser_side.settled(page)


def test_the_view_stays_through_hours_layers_models_and_reload(app, page, folder):
    whole = opened(page, app, folder)
    zoom_to(page, (30, 10), (60, 30))
    view = browser_side.magnetogram(page)["view"]
    assert view["across"] < 0.6 * whole["view"]["across"]
    assert (view["col"], view["row"]) == pytest.approx((45, 20), abs=0.5)
    for _ in range(3):
        page.keyboard.press("j")
    page.wait_for_function("hnnViewer.shown().hour === '2011-02-13T09:00'")
    followed(page)
    assert "hour=2011-02-13T09" in page.url
    page.locator(".st-key-magnetogram input[name=hull]").click()
    page.wait_for_url("**hull=true**")
    with browser_side.a_run(page):
        page.locator(".st-key-model input").first.fill("other")
        page.keyboard.press("Enter")
    browser_side.settled(page)
    shown = browser_side.magnetogram(page)
    assert shown["view"] == view
    assert shown["layers"] == ["attention", "pil", "hull"]
    page.reload()
    browser_side.settled(page)
    assert browser_side.magnetogram(page) == shown
    page.locator(".st-key-magnetogram canvas").dblclick()
    page.wait_for_function("!location.search.includes('extent=')")
    assert browser_side.magnetogram(page)["view"] == pytest.approx(whole["view"])


def test_what_is_under_the_pointer_is_exact(app, page, folder):
    opened(page, app, folder, extent="40_20_40")
    mag = read_fits(folder / "hour12.fits")
    for col, row in ((30, 24), (52, 24), (40, 20)):
        text = read_out(page, col, row).replace("−", "-")
        gauss = int(re.match(r"([+-]?\d+) G", text)[1])
        assert gauss == np.rint(mag.field[row, col])
        assert f"column {col}, row {row}" in text
        longitude, latitude = (
            float(one[0]) for one in pixel_to_heliographic(mag, np.array([col]), np.array([row]))
        )
        assert f"longitude {longitude:+.2f}°, latitude {latitude:+.2f}°" in text
        assert f"Carrington {longitude + mag.header['CRLN_OBS']:.2f}°" in text
        assert "attention rollout 0." in text
    for _ in range(3):
        page.locator(".st-key-magnetogram button[name=out]").click()
    page.wait_for_function("!location.search.includes('extent=')")
    assert read_out(page, 12, 42).startswith("off the disk")


def test_a_step_to_an_hour_that_is_there_is_drawn_in_the_browser(app, page, folder):
    opened(page, app, folder)
    page.wait_for_function("hnnViewer.frameOf('2011-02-13T13:00')")
    before, after, milliseconds = page.evaluate(
        """() => {
            const before = hnnViewer.shown(), begun = performance.now();
            hnnViewer.step(1);
            hnnViewer.drawNow();
            return [before.sum, hnnViewer.shown().sum, performance.now() - begun];
        }"""
    )
    assert before != after
    assert milliseconds < 2000  # far more than it takes; a busy machine decides nothing
    followed(page)


def test_an_hour_of_harp_377_and_its_page_are_few_bytes(app, page):
    place = real_data("harp377")
    received = []
    page.on("websocket", lambda one: one.on("framereceived", lambda data: received.append(data)))
    opened(page, app, place, hour="2011-02-14T06:00")
    page.wait_for_function("hnnViewer.now.hours.filter(one => hnnViewer.frameOf(one)).length > 5")
    browser_side.idle(page)
    received.clear()
    with browser_side.a_run(page):
        page.locator(".st-key-transport button[name=ahead]").click()
    followed(page)
    step = sum(map(len, received))
    frames = [len(data) for data in received if len(data) > 150_000]
    assert all(size < 400_000 for size in frames)  # two hours at most in one message
    assert step - sum(frames) < 0.2e6


def test_the_viewer_has_names_for_who_does_not_see_it_and_keys_alone_serve(app, page, folder):
    opened(page, app, folder)
    picture = page.get_by_role("img", name=re.compile("Magnetogram of AR 11158 .* 12:00 TAI"))
    picture.focus()
    page.keyboard.press("+")
    page.wait_for_url("**extent=**")
    across = browser_side.magnetogram(page)["view"]["across"]
    page.keyboard.press("ArrowRight")
    page.keyboard.press("-")
    assert browser_side.magnetogram(page)["view"]["across"] > across
    page.keyboard.press("0")
    page.wait_for_function("!location.search.includes('extent=')")
    for key, role, name in (
        ("magnetogram", "checkbox", "RoPI"),
        ("magnetogram", "button", "Zoom in"),
        ("transport", "slider", "Hour (TAI)"),
        ("transport", "button", "Play"),
    ):
        assert page.locator(f".st-key-{key}").get_by_role(role, name=name, exact=True).count() == 1


def test_wheel_and_pinch_zoom_dragging_pans_and_another_page_changes_nothing(app, page, folder):
    across = opened(page, app, folder)["view"]["across"]
    x, y = point(page, 48, 24)
    page.mouse.move(x, y)
    page.mouse.wheel(0, -300)
    page.wait_for_url("**extent=**")
    wheeled = browser_side.magnetogram(page)["view"]
    assert wheeled["across"] < 0.7 * across
    assert (wheeled["col"], wheeled["row"]) == pytest.approx((48, 24), abs=2)

    touch = page.context.new_cdp_session(page)
    for kind, half in (("touchStart", 20), ("touchMove", 30), ("touchMove", 40), ("touchEnd", 0)):
        points = [{"x": x + side * half, "y": y, "id": side + 1} for side in (-1, 1)]
        touch.send(
            "Input.dispatchTouchEvent", {"type": kind, "touchPoints": points if half else []}
        )
    pinched = browser_side.magnetogram(page)["view"]
    assert pinched["across"] == pytest.approx(wheeled["across"] / 2, rel=0.02)

    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 60, y, steps=3)
    page.mouse.up()
    panned = browser_side.magnetogram(page)["view"]
    assert panned["col"] > pinched["col"]
    assert panned["across"] == pinched["across"]

    page.get_by_role("link", name="Data").first.click()
    page.wait_for_url("**/data**")
    browser_side.idle(page)
    assert "extent=" not in page.url
    page.get_by_role("link", name="Explore").first.click()
    page.wait_for_url("**extent=**")
    browser_side.settled(page)
    assert browser_side.magnetogram(page)["view"] == panned


STYLE = {
    "colours": {"pil": "#ffd60a", "ropi": "#30d158", "hull": "#64d2ff", "crop": "#ff9f0a"},
    "palettes": {
        name: [[0, [0, 0, 255, 0.2]], [1, [255, 0, 0, 1]]] for name in ("plasma", "signed")
    },
}
"""What draws needs of colours."""
BARE = """async ([code, html, css, payloads]) => {
    const host = document.querySelector('#here'), root = host.attachShadow({mode: 'open'});
    root.innerHTML = `<style>${css}</style>${html}`;
    const source = URL.createObjectURL(new Blob([code], {type: 'text/javascript'}));
    const { default: start } = await import(source);
    window.wanted = [];
    const want = (name, value) => window.wanted.push(value);
    start({parentElement: root, setTriggerValue: want});
    window.give = (text) =>
        hnnViewer.take(Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0)), want);
    for (const text of payloads) await give(text);
}"""
CHOOSE = """([name, value]) => {
    const field = hnnViewer.field(name);
    field.value = value;
    field.dispatchEvent(new Event('input'));
    hnnViewer.drawNow();
}"""


def sent(header, blobs=()):
    return base64.b64encode(join_payload(header, blobs)).decode()


def hours_of(frames, key="first", **more):
    """What the server sends of a region whose hours are these magnetograms, by hour."""
    facts = {
        hour: {
            "geometry": frame_geometry(mag),
            "mm": 0.36,
            "origin": [0, 0],
            "simulated": False,
            "blob": number,
        }
        for number, (hour, mag) in enumerate(frames.items())
    }
    header = {"key": key, "region": key, "title": f"AR {key}", "hours": list(frames)}
    header |= {"hour": list(frames)[-1], "frames": facts, "unreadable": {}, "style": STYLE, **more}
    return header, [pack_frame(mag, detect_pils(mag.field)) for mag in frames.values()]


def bare_viewer(page, *payloads):
    """The viewer alone, without a server, after it was sent these payloads."""
    body = "<body><div class=stBidiComponent><div id=here></div></div></body>"
    page.route("**/*", lambda one: one.fulfill(body=body, content_type="text/html"))
    page.goto("http://viewer.test/")
    parts = [(eyepiece._FOLDER / name).read_text() for name in ("viewer.html", "viewer.css")]
    page.evaluate(BARE, [eyepiece._CODE, *parts, list(payloads)])


@pytest.fixture(scope="module")
def three_hours(folder):
    """Two hours of one box, and one whose box lies elsewhere in the array."""
    mags = {
        f"2011-02-13T{hour:02}:00": read_fits(folder / f"hour{hour:02}.fits") for hour in (3, 9)
    }
    place = folder.parent / "moved.fits"
    if not place.exists():
        draw_fits(
            place,
            np.rint(mags["2011-02-13T03:00"].field[:, 6:]),
            T_REC="2011.02.13_10:00:00_TAI",
            CRPIX1=42.5,
            CRPIX2=24.5,
        )
    return mags | {"2011-02-13T10:00": read_fits(place)}


def test_a_pixel_without_a_value_is_clear_and_not_drawn_as_saturated(page, three_hours):
    hour = "2011-02-13T03:00"
    mag = three_hours[hour]
    missing = np.argwhere(np.isnan(mag.field))
    assert missing.size
    bare_viewer(page, hours_payload({hour: mag}))
    page.wait_for_function("hnnViewer.panes[0].frame?.grey?.image")
    alphas = page.evaluate(
        """places => {
            const context = hnnViewer.panes[0].frame.grey.image.getContext("2d");
            return places.map(([row, col]) => context.getImageData(col, row, 1, 1).data[3]);
        }""",
        [*missing[:5].tolist(), [24, 30]],
    )
    assert alphas[-1] == 255
    assert set(alphas[:-1]) == {0}


def hours_payload(frames, settings=None):
    header, blobs = hours_of(frames)
    link = {"settings": settings or {}, "extent": None}
    return sent({"kind": "hours", "link": link, **header}, blobs)


@pytest.mark.parametrize(
    ("first", "second", "shift", "words"),
    [(9, 3, 0, "pixel by pixel"), (10, 3, 6, "Carrington longitude and latitude")],
)
def test_the_difference_of_two_hours_is_that_of_numpy(
    page, three_hours, first, second, shift, words
):
    one, two = (f"2011-02-13T{hour:02}:00" for hour in (first, second))
    bare_viewer(page, hours_payload({hour: three_hours[hour] for hour in sorted((one, two))}))
    page.evaluate(CHOOSE, ["panes", "hours"])
    assert page.evaluate("hnnViewer.settings.hour2") == two
    page.evaluate(CHOOSE, ["show", "difference"])
    masks = detect_pils(three_hours[one].field), detect_pils(three_hours[two].field)
    fields = [
        unpack_frame(pack_frame(three_hours[hour], mask)).field
        for hour, mask in zip((one, two), masks, strict=True)
    ]
    for col, row in ((30, 24), (52, 20), (48, 30)):
        place = page.evaluate(
            "place => hnnViewer.panes[0].projection.toCanvas(...place)", [col, row]
        )
        found = page.evaluate(
            """([x, y]) => {
                const {frame, col, row} = hnnViewer.panes[0].under(x, y);
                return [col, row, frame.field[row * frame.cols + col]];
            }""",
            place,
        )
        assert found == [col, row, fields[0][row, col] - fields[1][row, col + shift]]
    missing = "hnnViewer.panes[0].pictured.field[42 * 96 + 12]"
    assert shift or page.evaluate(missing) == -(2**31)
    assert words in page.evaluate("hnnViewer.panes[0].alt()")


def test_two_panes_have_one_zoom_and_one_cross_hair_and_stand_in_the_link(page, three_hours):
    two = {hour: three_hours[hour] for hour in list(three_hours)[:2]}
    payload = hours_payload(two)
    maps = {
        hour: {
            "box": {"row0": -8, "col0": 16, "size": 64},
            "values": pack_numbers(np.arange(16.0).reshape(4, 4) + n),
        }
        for n, hour in enumerate(two)
    }
    header = {"kind": "maps", "key": "map", "name": "rollout", "unit": "", "signed": False}
    bare_viewer(page, payload, sent({**header, "model": "small", "hours": maps}))
    page.evaluate(CHOOSE, ["panes", "hours"])
    assert page.locator("canvas").count() == 2
    right = page.locator("canvas").nth(1).bounding_box()
    page.mouse.move(right["x"] + 150, right["y"] + 80)
    page.mouse.wheel(0, -400)
    page.wait_for_url("**extent=**")
    views = page.evaluate("hnnViewer.panes.map(pane => pane.view)")
    assert views[0] == views[1]
    assert views[0]["across"] < 60
    page.mouse.move(right["x"] + 151, right["y"] + 80)
    col, row = page.evaluate("[hnnViewer.cross.col, hnnViewer.cross.row].map(Math.round)")
    gauss = [
        unpack_frame(pack_frame(mag, detect_pils(mag.field))).field[row, col]
        for mag in two.values()
    ]
    lines = page.locator(".readout").inner_text().replace("−", "-").split("\n")
    assert [float(re.match(r"[+-]?\d+", line.strip())[0]) for line in lines] == gauss[::-1]
    assert page.evaluate("hnnViewer.second.limits") == [0, 16]  # one scale for both maps

    page.evaluate("hnnViewer.second.toggleBlink()")  # key B is the transport's, which is not here
    page.wait_for_function(
        "document.querySelector('#here').shadowRoot.querySelectorAll('canvas').length === 1"
    )
    seen = "hnnViewer.second.turn"
    turn = page.evaluate(seen)
    page.wait_for_function(f"{seen} !== {turn}")
    page.wait_for_url("**show=blink**")
    query = dict(part.split("=") for part in page.url.split("?")[1].split("&"))
    assert query["panes"] == "hours"
    assert query["hour2"].replace("%3A", ":") == next(iter(two))


def test_two_regions_are_shown_at_one_scale_and_the_choice_is_requested(page, three_hours):
    hours = list(three_hours)
    bare_viewer(page, hours_payload({hour: three_hours[hour] for hour in hours[:2]}))
    second = {"kind": "second", "note": "", "maps": None, "models": [], "regions": []}
    empty = {"panes": "one", "hour2": "", "model2": "", "region2": ""}
    page.evaluate("text => give(text)", sent({**second, "request": empty, "chosen": empty}))
    page.evaluate(CHOOSE, ["panes", "regions"])
    asked = page.evaluate("wanted.at(-1).shows")
    assert asked == {**empty, "panes": "regions"}
    header, blobs = hours_of({hours[2]: three_hours[hours[2]]}, key="other")
    header["frames"][hours[2]]["mm"] = 0.72  # a pixel is twice as long there
    chosen = {**asked, "region2": "other", "hour2": hours[2]}
    regions = [["first", "AR first"], ["other", "AR other"]]
    page.evaluate(
        "text => give(text)",
        sent(
            {**second, "regions": regions, "request": asked, "chosen": chosen, "hours": header},
            blobs,
        ),
    )
    page.evaluate("hnnViewer.drawNow()")
    one, two = page.evaluate("hnnViewer.panes.map(pane => pane.view.across)")
    assert one == pytest.approx(2 * two)
    assert page.evaluate("hnnViewer.panes[1].title").startswith(f"AR other · {hours[2][:10]}")
    assert page.evaluate("hnnViewer.settings.region2") == "other"


def test_another_region_is_shown_though_play_or_a_step_waits_at_an_hour_of_the_first(
    page, three_hours
):
    hours = list(three_hours)
    bare_viewer(page, hours_payload({hour: three_hours[hour] for hour in hours[:2]}))
    header, blobs = hours_of({hours[2]: three_hours[hours[2]]}, key="other")
    link = {"settings": {}, "extent": None}
    other = sent({"kind": "hours", "link": link, **header}, blobs)
    page.evaluate("hnnViewer.go(0); hnnViewer.pending = hnnViewer.hour; hnnViewer.hold(true)")
    page.evaluate("text => give(text)", other)
    assert page.evaluate("[hnnViewer.hour, hnnViewer.drawn]") == [hours[2], hours[2]]
    assert not page.evaluate("hnnViewer.busy")


def test_a_second_hour_that_cannot_be_read_is_named_and_not_requested_again(page, three_hours):
    hours = list(three_hours)
    header, blobs = hours_of({hours[2]: three_hours[hours[2]]})
    header |= {"hours": hours, "link": {"settings": {"panes": "hours", "hour2": hours[0]}}}
    header["link"]["extent"] = None
    bare_viewer(page, sent({"kind": "hours", **header, "unreadable": {hours[0]: "cut"}}, blobs))
    sizes = "hnnViewer.panes.map(pane => pane.canvas.width)"
    page.evaluate("hnnViewer.drawNow()")
    assert page.evaluate(sizes)[1] == page.evaluate(sizes)[0]
    label = page.locator("canvas").nth(1).get_attribute("aria-label")
    assert label == f"{hours[0].replace('T', ' ')}: cannot be read"
    # The answer to another request names only what that could not have.
    header["frames"] = {}
    page.evaluate(
        "text => give(text)", sent({"kind": "hours", **header, "unreadable": {hours[1]: "cut"}})
    )
    assert page.evaluate("hnnViewer.now.unreadable") == dict.fromkeys(hours[:2], "cut")
    page.evaluate(CHOOSE, ["show", "difference"])
    assert page.locator(".readout").inner_text() == label

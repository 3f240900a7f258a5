"""A cut in the viewer stays on the Sun, is exact, and is kept by the link and the table."""

import astropy.units as u
import numpy as np
import pandas as pd
import pytest
from astropy.coordinates import SkyCoord
from scipy.ndimage import map_coordinates

from hnn_core.magnetogram.magnetogram import read_fits
from hnn_core.network.model_store import save_model
from tests.support.drawn_sharp import draw_fits
from tests.support.small_models import small_model

browser_side = pytest.importorskip("tests.support.browser", reason="playwright is not installed")

HOURS = (0, 1, 2, 4, 5)
"""Of a drawn region: one hour has no record."""
RSUN_MM = 696.0
PIXEL_DEG = 0.03


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A bipole with an upright inversion line; its patch drifts on the Sun by 0.7 pixels an hour.

    A hole moves along with the pixels.
    """
    place = tmp_path_factory.mktemp("cut_hours")
    rows, cols = np.mgrid[:48, :96]
    field = 900.0 * np.tanh((cols - 48.0) / 2.0) * np.exp(-(((rows - 24.0) / 12.0) ** 2))
    for hour in HOURS:
        drawn = np.rint(field + 7.0 * hour + 3.0 * np.cos(cols + hour)).astype(np.float32)
        drawn[20:29, 60:64] = np.nan
        longitude, meridian = 34.557 + 0.02 * hour, 46.422558 - 0.5489 * hour
        draw_fits(
            place / f"hour{hour}.fits",
            drawn,
            T_REC=f"2011.02.13_{hour:02}:00:00_TAI",
            CRPIX1=48.5,
            CRPIX2=24.5,
            CRVAL1=longitude,
            CRLN_OBS=meridian,
            LON_FWT=longitude - meridian,
        )
    return place


@pytest.fixture(scope="module")
def app(browser, tmp_path_factory):
    home = tmp_path_factory.mktemp("cut_home")
    save_model(small_model(), home / "models" / "small", metadata={"trained_on": "noise"})
    log = home / "server.log"
    with browser_side.serve(home, log) as (address, _):
        yield address
    assert "Traceback" not in log.read_text()


def drag(page, start, stop):
    """Press at one pixel of the patch and release at another; a click where they are one."""
    for action, place in (("down", start), ("up", stop)):
        x, y = page.evaluate(
            """place => {
                const [{canvas, projection}] = hnnViewer.panes;
                const {left, top} = canvas.getBoundingClientRect();
                const [x, y] = projection.toCanvas(...place);
                return [left + x, top + y];
            }""",
            list(place),
        )
        page.mouse.move(x, y, steps=3)
        getattr(page.mouse, action)()


def ends_in_pixels(page, mag):
    """Column and row of the ends, by astropy."""
    ends = np.array(page.evaluate("hnnViewer.cut.ends"))
    return mag.wcs.wcs_world2pix(ends, 0)


def expected(mag, longitude, latitude):
    """The field between the pixels, by astropy and scipy."""
    col, row = mag.wcs.wcs_world2pix(longitude, latitude, 0)
    options = {"order": 1, "prefilter": False, "mode": "constant", "cval": np.nan}
    return map_coordinates(mag.field.astype(float), [row, col], **options)


def test_a_cut_stays_on_the_sun_and_its_values_are_exact(app, page, folder, tmp_path):
    query = f"source=fits&folder={folder}&model=small&hour=2011-02-13T02:00"
    page.goto(f"{app}/?{query}")
    browser_side.settled(page)
    panel = page.locator(".st-key-magnetogram .cut")
    assert panel.is_hidden()
    mags = {hour: read_fits(folder / f"hour{hour}.fits") for hour in HOURS}

    page.keyboard.press("x")
    assert panel.is_visible()
    drag(page, (20, 30), (75, 22))
    page.wait_for_url("**cut=**")
    assert ends_in_pixels(page, mags[2]) == pytest.approx(np.array([(20, 30), (75, 22)]), abs=0.5)
    page.wait_for_function("!hnnViewer.cut.wanted().length && !hnnViewer.busy")

    # The table holds every hour, each as astropy and scipy have it.
    with page.expect_download() as waiting:
        page.locator("button[name=cut_csv]").click()
    waiting.value.save_as(tmp_path / "cut.csv")
    head = (tmp_path / "cut.csv").read_text().splitlines()[0]
    assert head.startswith("# HNN Explorer: field along a cut of AR 11158 · HARP 377; source fits:")
    assert "simulated: no" in head
    assert str(folder.parent) not in head
    table = pd.read_csv(tmp_path / "cut.csv", comment="#")
    assert table["hour_tai"].unique().tolist() == [f"2011-02-13T{hour:02}:00" for hour in HOURS]
    for hour, rows in table.groupby("hour_tai"):
        mag = mags[int(hour[11:13])]
        places = rows["carrington_longitude_deg"], rows["latitude_deg"]
        wanted = expected(mag, *places)
        # Positions have four digits, 0.003 pixels, and the field changes by 450 G a pixel.
        np.testing.assert_allclose(rows["B_G"], wanted, atol=2.0)
        assert 0 < np.isnan(rows["B_G"]).sum() < len(rows) / 2
        points = SkyCoord(*places, unit="deg")
        along = points[0].separation(points).to_value(u.rad) * RSUN_MM
        np.testing.assert_allclose(rows["distance_Mm"], along, atol=0.01)
        assert np.diff(along).max() <= np.deg2rad(PIXEL_DEG) * RSUN_MM + 0.01

    places, values = page.evaluate(
        "[hnnViewer.cut.places, hnnViewer.cut.profile('2011-02-13T05:00')]"
    )
    positions = ([place[name] for place in places] for name in ("longitude", "latitude"))
    found = np.array(values, dtype=float)
    np.testing.assert_allclose(found, expected(mags[5], *positions), atol=1e-4)

    # Another hour: the ends stay where they are on the Sun, so not on the pixels.
    ends = page.evaluate("hnnViewer.cut.ends")
    page.keyboard.press("l")
    page.wait_for_function("hnnViewer.shown().hour === '2011-02-13T04:00'")
    assert page.evaluate("hnnViewer.cut.ends") == ends
    moved = ends_in_pixels(page, mags[4]) - ends_in_pixels(page, mags[2])
    drift = 2 * 0.02 / PIXEL_DEG * np.cos(np.deg2rad(21.0769))
    assert moved[:, 0] == pytest.approx(-drift, abs=0.01)
    page.wait_for_function("!hnnViewer.busy")
    browser_side.settled(page)

    # The picture of all hours leads to one; the hour without a record is none.
    passage = page.locator(".st-key-magnetogram .passage")
    assert "1 hours without a magnetogram" in passage.get_attribute("aria-label")
    width = passage.bounding_box()["width"]
    passage.click(position={"x": 58 + (width - 116) * 0.25, "y": 80})
    page.wait_for_function("hnnViewer.shown().hour === '2011-02-13T01:00'")
    browser_side.settled(page)

    # A handle moves one end; the link brings it back; Escape removes it.
    drag(page, np.round(ends_in_pixels(page, mags[1])[1], 2), (70, 40))
    assert ends_in_pixels(page, mags[1])[1] == pytest.approx((70, 40), abs=0.6)
    page.wait_for_function("location.search.includes('cut=' + hnnViewer.cut.ends.flat().join('_'))")
    ends = page.evaluate("hnnViewer.cut.ends")
    page.reload()
    browser_side.settled(page)
    assert page.evaluate("hnnViewer.cut.ends") == ends
    page.locator("button[name=cut_across]").click()
    (west, south), (east, north) = ends_in_pixels(page, mags[1])
    assert {round(abs(west - east) * np.deg2rad(PIXEL_DEG) * RSUN_MM)} == {35}  # ends at the edge
    assert south == pytest.approx(north, abs=1)
    page.locator("button[name=cut_along]").click()
    (west, south), (east, north) = ends_in_pixels(page, mags[1])
    assert west == pytest.approx(east, abs=1)
    assert abs(north - south) > 15
    page.keyboard.press("Escape")
    page.wait_for_function("!location.search.includes('cut=')")
    assert panel.is_hidden()

    # A click sets a marker: one place through the hours.
    page.locator("button[name=cut]").click()
    drag(page, (30, 24), (30, 24))
    assert len(page.evaluate("hnnViewer.cut.ends")) == 1
    assert page.locator(".st-key-magnetogram .plots canvas").count() == 1
    value = page.evaluate("hnnViewer.cut.profile('2011-02-13T01:00')")
    (longitude, latitude), *_ = page.evaluate("hnnViewer.cut.ends")
    assert value == pytest.approx(expected(mags[1], [longitude], [latitude]), abs=0.6)

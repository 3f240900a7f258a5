"""Arrows, inclination and lacking vectors in the viewer, without a server."""

import re
from dataclasses import replace

import numpy as np

from analysis.figures.packed_frame import pack_arrows, pack_frame
from analysis.physics.pil import detect_pils
from tests.analysis.physics.test_sharp_parameters import made
from tests.browser.test_viewer import STYLE, bare_viewer, hours_of, sent

WEST, NORTH = 400.0, -300.0
PICTURE = """() => {
    globalThis.hnnFigure = (make, words) => (window.saved = {svg: make(), words});
    hnnViewer.drawNow();
    hnnViewer.hand.save();
    return window.saved;
}"""


def payload():
    """An hour whose horizontal field is one everywhere but in weak field, and one without it."""
    cols = np.mgrid[:40, :60][1]
    z = np.where(cols < 30, 800.0, 0.0)
    strong = cols < 30
    vector = made(WEST * strong, NORTH * strong, z)
    hours = ["2011-02-13T03:00", "2011-02-13T04:00"]
    mag = vector.place
    header, blobs = hours_of({hours[0]: mag}, vectors=True, lacking=hours[1:])
    header |= {"hours": hours, "unreadable": {hours[1]: "no field vector"}}
    header["style"] = {
        "colours": STYLE["colours"],
        "palettes": STYLE["palettes"]
        | {"inclination": [[0, [0, 0, 0, 1]], [1, [255, 255, 255, 1]]]},
    }
    tenths = replace(mag, field=10 * vector.inclination)
    blobs = [pack_frame(tenths, detect_pils(mag.field)), pack_arrows(vector)]
    header["frames"][hours[0]] |= {"shown": "inclination", "pil": "br", "arrows": 1}
    link = {"settings": {"arrows": True}, "extent": None}
    return sent({"kind": "hours", "link": link, **header}, blobs)


def test_arrows_and_inclination_are_drawn_saved_and_named_and_no_hour_shows_another_field(page):
    bare_viewer(page, payload())
    page.wait_for_function("hnnViewer.panes[0].frame?.arrows")
    west, north = page.evaluate(
        """() => ['west', 'north'].map(part =>
            [...hnnViewer.panes[0].frame.arrows[part]].filter((_, i) => i % 60 === 10)[0])"""
    )
    assert (25 * west, 25 * north) == (WEST, NORTH)
    page.get_by_text("Field and axes").click()
    arrows = page.get_by_label("Arrows of the horizontal field")
    assert arrows.is_visible()
    assert arrows.is_enabled()

    # In the file: one path of all arrows, up is north, 26 pixels apart, none in weak field.
    saved = page.evaluate(PICTURE)
    assert "1000 G horizontal" in saved["svg"]
    assert "inclination from the vertical (deg)" in saved["svg"]
    assert saved["words"]["arrows"] is True
    assert saved["words"]["shown"] == "inclination"
    drawn = max(re.findall(r'<path d="((?:M[^"]*){20,})"', saved["svg"]), key=len)
    shafts = re.findall(r"M(\S+) (\S+)L(\S+) (\S+)M", drawn)
    ends = np.array(shafts, dtype=float)
    np.testing.assert_allclose(ends[:, 2] - ends[:, 0], 0.022 * WEST, atol=0.01)
    np.testing.assert_allclose(ends[:, 3] - ends[:, 1], -0.022 * NORTH, atol=0.01)
    apart = np.diff(np.unique(ends[:, 0].round(2)))
    assert (apart > 18).all()
    assert (apart < 34).all()
    edge = page.evaluate("hnnViewer.panes[0].projection.toCanvas(29.5, 0)[0]")
    assert ends[:, 0].max() < edge

    words = page.evaluate(
        """() => {
            const pane = hnnViewer.panes[0];
            const [x, y] = pane.projection.toCanvas(10, 20);
            hnnViewer.hand.readOut({x, y}, pane);
            return [hnnViewer.root.querySelector('.readout').textContent,
                pane.canvas.ariaLabel];
        }"""
    )
    assert words[0].startswith("32.0°")  # atan(500 / 800)
    assert words[1].startswith("Inclination of the field of AR first")
    grey = page.evaluate(
        """() => {
            const {image} = hnnViewer.panes[0].frame.grey;
            return [...image.getContext('2d').getImageData(10, 20, 1, 1).data].slice(0, 3);
        }"""
    )
    assert grey == [round(255 * 32.0 / 90)] * 3

    arrows.click()
    assert "1000 G horizontal" not in page.evaluate(PICTURE)["svg"]

    page.evaluate("hnnViewer.step(1); hnnViewer.show(); hnnViewer.drawNow()")
    assert page.evaluate("hnnViewer.panes[0].waiting") == (
        "2011-02-13 04:00: no field vector (1 of 2 hours has one)"
    )

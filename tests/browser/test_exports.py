"""Figures saved from the pages: opaque, whole, with title, credit and font, as PNG, SVG and PDF."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image

from hnn_core.network.model_store import save_model
from tests.support.drawn_sharp import draw_fits
from tests.support.small_models import small_model

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
browser_side = pytest.importorskip("tests.support.browser", reason="playwright is not installed")

SVG = "{http://www.w3.org/2000/svg}"
CREDIT = "Courtesy of NASA/SDO and the HMI science team."


@pytest.fixture(scope="module")
def app(browser, tmp_path_factory):
    folder, home = tmp_path_factory.mktemp("hours"), tmp_path_factory.mktemp("exports_home")
    rows, cols = np.mgrid[:48, :96]
    field = 900.0 * np.tanh((cols - 48.0) / 2.0) * np.exp(-(((rows - 24.0) / 12.0) ** 2))
    for hour in range(11):
        stamp = f"2011.02.13_{hour:02}:00:00_TAI"
        draw_fits(
            folder / f"hour{hour:02}.fits",
            (field + 20 * hour).astype(np.float32),
            **{"T_REC": stamp, "CRPIX1": 48.5, "CRPIX2": 24.5},
        )
    save_model(small_model(), home / "models" / "small", metadata={"trained_on": "noise"})
    log = home / "server.log"
    with browser_side.serve(home, log) as (address, _):
        yield f"{address}/?source=fits&folder={folder}&model=small&hour=2011-02-13T10:00"
    assert not browser_side.faults(log)


def saved(page, opener, shows, folder):
    """Open a sheet, save its files, and return them by their button, and the words to copy."""
    page.locator(opener).locator("visible=true").first.click()
    page.wait_for_selector(f".export img[alt^='{shows}']:not([hidden])")
    # For a moment a busy browser keeps the sheet that was open before beside the new one.
    playwright.expect(page.locator(".export")).to_have_count(1, timeout=60_000)
    files = {}
    for name in ("png2", "svg", "pdf"):
        with page.expect_download() as waiting:
            page.locator(f".export button[name={name}]").click()
        files[name] = folder / waiting.value.suggested_filename
        waiting.value.save_as(files[name])
    words = page.locator("[role=dialog] code").all_inner_texts()
    page.keyboard.press("Escape")
    page.wait_for_selector(".export", state="detached")
    return files, words


@pytest.mark.slow
def test_viewer_and_chart_are_saved_whole(app, page, tmp_path):
    page.goto(f"{app}&ropi=true&hull=true")
    browser_side.settled(page)
    probability = page.locator(".answer .number").inner_text()
    viewer = (".st-key-magnetogram button[name=save]", "Line-of-sight magnetogram")
    chart = (".st-key-figure_bars_pil button", "PIL unsigned flux")
    found = {}
    for name, opener in {"viewer": viewer, "chart": chart, "again": viewer}.items():
        (tmp_path / name).mkdir()
        found[name] = saved(page, *opener, tmp_path / name)
    shown = {
        "viewer": ("PIL", "RoPI", "convex hull", "latitude", "B along the line of sight (G)"),
        "chart": ("hour of the sequence (h)", "t−1"),
    }
    for name, (files, (caption, methods)) in found.items():
        assert files["png2"].name.endswith("_2x.png")
        svg = files["svg"].read_text(encoding="utf-8")
        root = ElementTree.fromstring(svg)
        texts = ["".join(one.itertext()) for one in root.iter(f"{SVG}text")]
        assert "AR 11158" in texts[0]
        assert "2011-02-13 10:00 TAI" in texts[0]
        assert f"P(eruptive) {probability}" in texts[1]
        assert texts[-1].startswith(CREDIT)
        assert set(shown.get(name, ())) <= set(texts)
        assert "font/ttf" in svg
        assert f"P(eruptive) = {probability}" in caption
        assert CREDIT in caption
        assert "Ji, A." in methods
        with Image.open(files["png2"]) as image:
            assert image.width == 2 * int(root.get("width"))
            assert image.height == 2 * int(root.get("height"))
            pixels = np.asarray(image.convert("RGBA"))
        assert pixels[..., 3].min() == 255
        edges = (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1])
        assert all((edge == 255).all() for edge in edges)  # nothing is cut
        pdf = files["pdf"].read_bytes()
        assert pdf.startswith(b"%PDF")
        assert re.search(rb"FigureSans", pdf)

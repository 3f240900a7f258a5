"""Pictures and maps of hours whose boxes grow and move lie on one grid."""

from dataclasses import replace

import numpy as np
import pytest
from astropy.io.fits import Header
from PIL import Image

from analysis.cases.explained import hour_overlaps
from analysis.cases.film import make_film
from analysis.figures.filmstrip import filmstrip_figure
from analysis.physics.pil import detect_pils
from hnn_core.magnetogram.grid import covering_box
from hnn_core.magnetogram.preprocess import crop_boxes
from tests.support.moving_boxes import GROWING, WHOLE, BoxSource, frames_of

COVER = covering_box(GROWING)


FRAME = (168, 174, 189)
"""Colour of the line about the patch on a sheet."""


def patch_of(sheet: Image.Image) -> tuple[tuple[int, int], np.ndarray]:
    """Where the patch begins on a sheet, row and column, and its pixels, by the line about it."""
    pixels = np.asarray(sheet)
    framed = (pixels == FRAME).all(axis=2)
    top, foot = np.flatnonzero(framed.sum(axis=1) >= 900)[:2]
    left, right = np.flatnonzero(framed[top])[[0, -1]]
    return (top, left), pixels[top + 1 : foot, left + 1 : right]


def dark_and_bright(picture: np.ndarray) -> np.ndarray:
    """Where the negative and the positive pole lie, (2, 2) row and column."""
    shade = picture.astype(float).mean(axis=2)
    return np.array([np.argwhere(pole).mean(axis=0) for pole in (shade < 30, shade > 225)])


@pytest.mark.parametrize("absent", [(), (7,)])
def test_the_pictures_of_a_film_are_of_one_size_and_nothing_moves(absent):
    source = BoxSource(GROWING, absent)
    hours = [time for hour, time in enumerate(source.times("377")) if hour not in absent]
    film = make_film(source, "377", hours, show=())
    assert len({picture.size for picture in film.pictures}) == 1
    patches = [patch_of(picture) for picture in film.pictures]
    assert len({place for place, _ in patches}) == 1
    scale = 900 / COVER.cols
    assert {patch.shape for _, patch in patches} == {(round(scale * COVER.rows), 900, 3)}
    poles = [dark_and_bright(patch) for _, patch in patches]
    for place in poles[1:]:
        np.testing.assert_allclose(place, poles[0], atol=scale)  # a native pixel
    assert "one grid" not in film.words


def test_a_film_without_coordinates_says_that_the_pictures_are_not_on_one_grid():
    source = BoxSource(GROWING)
    source.frames["377"] = [replace(f, header=Header()) for f in source.frames["377"]]
    film = make_film(source, "377", list(source.times("377")), show=())
    assert "do not lie on one grid. The patch has" in film.words


def test_the_strip_of_hours_lies_on_the_box_that_holds_all():
    frames = frames_of(GROWING)
    heats = [np.full(frame.shape, 0.5) for frame in frames]
    figure = filmstrip_figure(frames, heats)
    sizes = {(image.sizex, image.sizey) for image in figure.layout.images}
    assert sizes == {(0.96, 0.96 * COVER.rows / COVER.cols)}
    one_box = filmstrip_figure(frames_of([WHOLE] * 2))
    assert {image.sizey for image in one_box.layout.images} == {0.96 * 64 / 96}


def test_a_map_has_the_same_share_near_the_line_whatever_the_boxes():
    tokens = np.random.default_rng(0).random((3, 4, 4))
    found = []
    for boxes in (GROWING[:3], [WHOLE] * 3):
        frames = frames_of(boxes)
        masks = [detect_pils(frame.field) for frame in frames]
        assert {box.size for box in crop_boxes(frames, 32)} == {32}
        found.append(hour_overlaps(tokens, frames, masks, 32, draws=20))
    for one, other in zip(*found, strict=True):
        for part in ("ropi", "hull", "near"):
            assert one[part].share == pytest.approx(other[part].share, rel=1e-9)
            assert one[part].area == other[part].area

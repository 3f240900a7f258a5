"""Where frames lie on each other, and what that decides: gaps and the network's crop."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from astropy.io.fits import Header
from astropy.time import TimeDelta
from hypothesis import given
from hypothesis import strategies as st

from hnn_core import read_fits
from hnn_core.exceptions import SequenceError
from hnn_core.magnetogram.grid import (
    Box,
    Place,
    common_box,
    covering_box,
    frame_boxes,
    placed,
    placed_frame,
)
from hnn_core.magnetogram.interpolation import interpolate_frames
from hnn_core.magnetogram.preprocess import CropBox, PreprocessConfig, crop_boxes, preprocess
from tests.support.drawn_regions import drawn_magnetogram
from tests.support.moving_boxes import (
    CANVAS,
    INSIDE,
    START,
    WHOLE,
    around,
    boxes,
    canvas,
    cut,
    frames_of,
)


def at(hour: float):
    return START + TimeDelta(3600.0 * hour, format="sec")


# Where a frame lies


@given(st.lists(boxes, min_size=1, max_size=4))
def test_cut_outs_lie_where_they_were_cut(cuts):
    found = frame_boxes(frames_of(cuts))
    last = cuts[-1]
    assert found == [replace(one, row=one.row - last.row, col=one.col - last.col) for one in cuts]


@given(st.floats(-4, 4), st.floats(-60, 60), st.floats(-8, 8))
def test_a_place_is_that_of_the_coordinates_of_astropy(west, centre, north):
    # The reference point of one patch, in pixels of another about another centre.
    first, second = (drawn_magnetogram(np.zeros((9, cols), np.float32)) for cols in (9, 11))
    first.header.update({"CRVAL1": 100.0, "CRVAL2": centre})
    second.header.update({"CRVAL1": 100.0 + west, "CRVAL2": centre + north})
    column, row = first.wcs.wcs_world2pix(100.0 + west, centre + north, 0)
    corner = Place.of(second).corner_on(Place.of(first))
    assert np.add(corner, (4, 5)) == pytest.approx([float(row), float(column)], abs=1e-6)


def test_a_box_that_turns_with_its_region_stays_one_box(harp377):
    # CRVAL1 drifts by 12 pixels over these 49 hours, since the box turns faster than Carrington's
    # longitudes; the pixels of the region stay (docs/method.md, "Frames").
    paths = sorted(harp377.glob("*.fits"))
    first, last = read_fits(paths[0]), read_fits(paths[-1])
    assert (last.header["CRVAL1"] - first.header["CRVAL1"]) / 0.03 == pytest.approx(12.1, abs=0.1)
    assert frame_boxes([first, last]) == [Box(0, 0, 377, 744)] * 2


@pytest.mark.slow
def test_without_omega_dt_a_box_that_keeps_its_size_and_drifts_slowly_is_the_same(harp377):
    frames = [read_fits(path) for path in sorted(harp377.glob("*.fits"))]
    for frame in frames:
        del frame.header["OMEGA_DT"]
    assert frame_boxes(frames) == [Box(0, 0, 377, 744)] * 50
    # Beyond what boxes drift it is another: 0.3° are 9.3 pixels at 21° south, and the hour's drift.
    for frame in frames[:20]:
        frame.header["CRVAL1"] -= 0.3
    assert set(frame_boxes(frames)) == {Box(0, -10, 377, 744), Box(0, 0, 377, 744)}


def test_keywords_that_stand_still_while_time_passes_are_taken_for_one_box():
    frames = frames_of([WHOLE] * 10)
    for frame in frames:
        frame.header["OMEGA_DT"] = 13.3438  # with CRVAL1 and CRLN_OBS as in the first hour
    assert frame_boxes(frames) == [WHOLE] * 10


def displacement(before: np.ndarray, after: np.ndarray, reach: int = 12) -> float:
    """Columns by which a tile moved to the west, at the peak of its cross-correlation; else NaN."""
    window = np.hanning(len(before))[:, None] * np.hanning(len(before))
    first, second = ((one - one.mean()) * window for one in (before, after))
    sizes = [2 * side for side in first.shape]
    product = np.fft.rfft2(second, sizes) * np.fft.rfft2(first, sizes).conj()
    peaks = np.roll(np.fft.irfft2(product, sizes), (reach, reach), (0, 1))
    peaks = peaks[: 2 * reach + 1, : 2 * reach + 1]
    alike = peaks.max() / np.sqrt((first**2).sum() * (second**2).sum())
    return (
        float(np.unravel_index(peaks.argmax(), peaks.shape)[1] - reach) if alike > 0.5 else np.nan
    )


def test_the_region_stays_with_its_box_and_not_with_carringtons_longitude(harp377):
    # docs/method.md, "Frames": why the grid turns with OMEGA_DT. Ten hours apart, tiles of 64 px.
    frames = [read_fits(path) for path in sorted(harp377.glob("*.fits"))[::10]]
    fields = [np.clip(np.where(np.abs(f.field) < 15, 0, f.field), -300, 300) for f in frames]
    moved = [
        displacement(*(field[row : row + 64, col : col + 64] for field in pair))
        for pair in pairwise(fields)
        for row in range(0, 313, 48)
        for col in range(0, 680, 48)
        if np.abs(pair[0][row : row + 64, col : col + 64]).mean() > 4.0
    ]
    assert np.isfinite(moved).sum() > 60
    # Fixed in Carrington longitude they would have moved by -2.1 columns.
    assert abs(np.nanmean(moved)) < 1.0


def test_a_grown_box_with_another_centre_is_found_by_its_position():
    small, large = (drawn_magnetogram(np.zeros((40, cols), np.float32)) for cols in (100, 120))
    # 20 pixels more in the west: the centre lies 10 pixels farther west.
    degrees = 10 * 0.03 / np.cos(np.radians(large.header["CRVAL2"]))
    large.header["CRVAL1"] += degrees
    assert frame_boxes([small, large])[0] == Box(0, 0, 40, 100)
    small.header["CRVAL1"], large.header["CRVAL1"] = 359.9, 359.9 + degrees - 360.0
    assert frame_boxes([small, large])[0] == Box(0, 0, 40, 100)


def test_without_coordinates_only_equal_shapes_lie_on_each_other():
    fields = [np.zeros((40, cols), np.float32) for cols in (70, 70, 72)]
    bare = [drawn_magnetogram(field, header=Header()) for field in fields]
    assert frame_boxes(bare[:2]) == [Box(0, 0, 40, 70)] * 2
    with pytest.raises(SequenceError, match=r"70 × 40 pixels .* 72 × 40 pixels .* CRPIX and CRVAL"):
        frame_boxes(bare)


def test_other_scales_and_other_places_are_refused():
    first, second = frames_of([WHOLE, WHOLE])
    second.header["CDELT1"] = 0.06
    with pytest.raises(SequenceError, match=r"0\.03° .* 0\.06° .* \(CDELT1\)"):
        frame_boxes([first, second])
    second.header.update({"CDELT1": 0.0299999993, "CRVAL1": 200.0})
    with pytest.raises(SequenceError, match="no pixel in common"):
        frame_boxes([first, second])


# Boxes and arrays


@given(st.lists(boxes, min_size=1, max_size=4))
def test_common_and_covering_boxes_are_those_of_their_pixels(cuts):
    seen = np.zeros((len(cuts), *CANVAS), bool)
    for one, box in zip(seen, cuts, strict=True):
        one[WHOLE.part(box)] = True
    both, cover = common_box(cuts), covering_box(cuts)
    for found, wanted in ((both, seen.all(0)), (cover, seen.any(0))):
        rows, cols = (np.flatnonzero(wanted.any(axis)) for axis in (1, 0))
        assert found == Box(rows[0], cols[0], np.ptp(rows) + 1, np.ptp(cols) + 1)


@given(boxes, boxes)
def test_an_array_keeps_its_pixels_on_another_box(one, other):
    field = canvas(0)
    moved = placed(field[WHOLE.part(one)], one, other)
    expected = np.full(CANVAS, np.nan, np.float32)
    expected[WHOLE.part(one)] = field[WHOLE.part(one)]
    np.testing.assert_array_equal(moved, expected[WHOLE.part(other)])


def test_a_frame_on_another_box_keeps_its_coordinates():
    frame = cut(canvas(0), INSIDE)
    moved = placed_frame(frame, INSIDE, WHOLE)
    before, after = frame.wcs.wcs_pix2world(0, 0, 0), moved.wcs.wcs_pix2world(20, 14, 0)
    np.testing.assert_allclose(before, after, rtol=1e-12)
    assert moved.field[14, 20] == frame.field[0, 0]
    assert np.isnan(moved.field[0, 0])
    assert frame.header["CRPIX1"] == 28.5
    assert placed_frame(frame, INSIDE, INSIDE) is frame


# Gaps


@given(boxes, boxes, st.floats(0.1, 1.9))
def test_a_gap_between_two_boxes_is_filled_where_both_are(left, right, hour):
    first, last = cut(canvas(0), left, 0), cut(canvas(2), right, 2)
    middle = interpolate_frames(first, last, at(hour))
    whole = interpolate_frames(cut(canvas(0), WHOLE, 0), cut(canvas(2), WHOLE, 2), at(hour))
    both = common_box([left, right])
    np.testing.assert_array_equal(middle.field, whole.field[WHOLE.part(both)])
    assert frame_boxes([middle, whole])[0] == both
    assert middle.interpolated


def test_a_gap_while_a_box_grows_and_moves_lies_on_its_neighbours():
    first = cut(canvas(0), INSIDE, 0, CRVAL1=34.557, CRLN_OBS=46.42, OMEGA_DT=13.3438)
    # Two hours later, in a box that reaches ten pixels farther west and has its middle there.
    cards = {"CRPIX1": (66 + 1) / 2, "CRPIX2": (36 + 1) / 2}
    moved = 5 * 0.03 / np.cos(np.radians(21.0769))
    drift = 13.3438 * 2 / 24 - 1.1
    last = cut(canvas(2), around(0, 0, 0, 10), 2, OMEGA_DT=13.3438, CRLN_OBS=45.32, **cards)
    last.header["CRVAL1"] = 34.557 + drift + moved
    first.header.update({"CRPIX1": (56 + 1) / 2, "CRPIX2": (36 + 1) / 2})
    assert frame_boxes([first, last])[0] == Box(0, 0, 36, 56)
    middle = interpolate_frames(first, last, at(1))
    assert frame_boxes([middle, last])[0] == Box(0, 0, 36, 56)
    assert middle.header["CRVAL1"] == pytest.approx(34.557 + drift / 2, abs=1e-6)
    assert middle.header["CRVAL2"] == first.header["CRVAL2"]


# The network's crop

SMALL = PreprocessConfig(crop=24, size=12)


def images(frames: list) -> np.ndarray:
    return np.stack(
        [
            preprocess(frame.field, SMALL, box)[0]
            for frame, box in zip(frames, crop_boxes(frames, SMALL.crop), strict=True)
        ]
    )


@given(st.lists(boxes, min_size=3, max_size=3))
def test_the_network_sees_the_same_place_whatever_the_boxes(cuts):
    fixed = images(frames_of([WHOLE] * 3))
    assert np.abs(fixed).max() > 0.1
    np.testing.assert_array_equal(images(frames_of(cuts)), fixed)


@given(st.integers(20, 60), st.integers(20, 60), st.integers(1, 70))
def test_the_crop_of_whole_patches_is_about_the_middle_of_the_array(rows, cols, size):
    frames = [drawn_magnetogram(np.zeros((rows, cols), np.float32)) for _ in range(2)]
    assert crop_boxes(frames, size) == [CropBox.centred((rows, cols), size)] * 2


def test_the_crop_of_the_last_hour_decides_and_a_patch_beside_it_is_refused():
    east, west = Box(0, 0, 64, 50), Box(0, 48, 64, 48)
    first, last = cut(canvas(0), east, 0), cut(canvas(1), west, 1)
    # The middle of the canvas is the last column but two of the first, and its last column's edge
    # of the second.
    assert crop_boxes([first], 24) == [CropBox(20, 36, 24, (64, 50))]
    last.header["CRPIX1"] = 300.0  # not on the patch: its own middle, which the first does not have
    first.header["CRPIX1"] = 348.0
    with pytest.raises(SequenceError, match="no pixel of the square"):
        crop_boxes([first, last], 24)
    assert crop_boxes([last], 24) == [CropBox.centred((64, 48), 24)]


def test_a_box_of_another_field_is_no_crop():
    with pytest.raises(ValueError, match="not a crop"):
        preprocess(np.zeros((4, 6), np.float32), SMALL, CropBox(0, 0, 24, (4, 5)))

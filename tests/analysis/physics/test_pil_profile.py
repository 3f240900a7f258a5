"""The field along an inversion line: lines whose length and shear are known."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.physics.pil import detect_pils, line_length
from analysis.physics.pil_profile import longest_line, pil_profile, profile_table, shear_angle
from analysis.physics.sharp_parameters import potential_field
from hnn_core.magnetogram.vector import VectorMagnetogram, read_vector
from tests.analysis.physics.test_sharp_parameters import AREA, made
from tests.conftest import real_data

ROWS, COLS = 60, 80
SIDE_MM = np.sqrt(AREA) / 1e8


def sheared(degrees: float, tilt: float = 0.0) -> tuple[VectorMagnetogram, np.ndarray]:
    """A bipole whose horizontal field is the potential one, turned and twice as strong."""
    rows, cols = np.mgrid[:ROWS, :COLS]
    across = cols - COLS / 2 + tilt * (rows - ROWS / 2)
    z = 900.0 * np.tanh(across / 3.0) * np.exp(-(((rows - ROWS / 2) / 12.0) ** 2))
    west, north = potential_field(z)
    angle = np.radians(degrees)
    x = 2.0 * (np.cos(angle) * west - np.sin(angle) * north)
    y = 2.0 * (np.sin(angle) * west + np.cos(angle) * north)
    return made(x, y, z), detect_pils(z).pil


@pytest.mark.parametrize("degrees", [0.0, 40.0, -75.0, 135.0, 180.0])
def test_a_straight_line_of_constant_shear(degrees: float) -> None:
    vector, pil = sheared(degrees)
    found = pil_profile(vector, pil)
    assert found is not None
    np.testing.assert_allclose(found.shear_deg, abs(degrees), atol=1e-3)
    assert np.ptp(found.column) <= 1
    assert len(found.row) == np.count_nonzero(pil)
    np.testing.assert_allclose(np.abs(np.diff(found.row)), 1)
    assert found.length_mm[0] == 0.0
    assert found.length_mm[-1] == pytest.approx(line_length(pil) * SIDE_MM)
    np.testing.assert_array_equal(found.horizontal, vector.horizontal[found.row, found.column])
    np.testing.assert_array_equal(found.total, vector.total[found.row, found.column])


def test_a_line_of_steps_is_as_long_as_its_steps_and_begins_in_the_east() -> None:
    vector, pil = sheared(30.0, tilt=1.0)
    found = pil_profile(vector, pil)
    assert found is not None
    table = profile_table(found)
    assert table["bh_g"].tolist() == found.horizontal.tolist()
    assert set(table) >= {"row", "column", "length_mm", "shear_deg", "b_g", "direction_sure"}
    assert found.column[0] < found.column[-1]
    assert found.length_mm[-1] == pytest.approx(line_length(pil) * SIDE_MM, rel=0.05)
    assert (np.diff(found.length_mm) <= np.sqrt(2.0) * SIDE_MM * 1.001).all()


def test_twice_the_field_is_no_other_shear_and_the_potential_field_has_none() -> None:
    z = sheared(0.0)[0].radial.astype(float)
    west, north = potential_field(z)
    for factor in (1.0, 5.0):
        angle = shear_angle(made(factor * west, factor * north, z))
        assert angle[20:40, 20:60].max() < 0.05


def test_branches_are_left_out_and_the_longest_of_lines_is_taken() -> None:
    pil = np.zeros((30, 40), bool)
    pil[10, 5:30] = True
    pil[11:15, 17] = True  # a branch
    pil[25, 2:20] = True  # another line, shorter
    path = longest_line(pil)
    np.testing.assert_array_equal(path, [[10, col] for col in range(5, 30)])


@given(st.lists(st.sampled_from([(0, 1), (1, 1), (-1, 1)]), min_size=1, max_size=25))
def test_every_pixel_of_a_line_that_does_not_turn_back_is_on_its_path(steps) -> None:
    places = np.cumsum([(30, 2), *steps], axis=0)
    pil = np.zeros((64, 40), bool)
    pil[tuple(places.T)] = True
    np.testing.assert_array_equal(longest_line(pil), places)


def test_without_a_line_there_is_no_profile_and_another_shape_is_refused() -> None:
    vector, pil = sheared(10.0)
    assert pil_profile(vector, np.zeros_like(pil)) is None
    assert longest_line(np.zeros((3, 3), bool)).shape == (0, 2)
    with pytest.raises(ValueError, match=r"a line of shape \(3, 3\)"):
        pil_profile(vector, np.zeros((3, 3), bool))


def test_pixels_whose_direction_is_not_sure_are_marked() -> None:
    vector, pil = sheared(10.0)
    confidence = np.full(vector.shape, 90, np.uint8)
    confidence[: ROWS // 2] = 60
    found = pil_profile(replace(vector, confidence=confidence), pil)
    assert found is not None
    np.testing.assert_array_equal(found.sure, found.row >= ROWS // 2)


def test_the_line_of_a_real_record_is_sheared() -> None:
    vector = read_vector(real_data("vector377"))
    found = pil_profile(vector, detect_pils(vector.radial).pil)
    assert found is not None
    assert 50 < found.length_mm[-1] < 150
    assert np.median(found.shear_deg) > 60  # at the peak of its X2.2 flare
    assert 500 < np.median(found.horizontal) < 2000

"""Hours packed for the browser: what comes out is what went in, and few bytes."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from analysis.figures.packed_frame import (
    LARGEST,
    frame_geometry,
    join_payload,
    pack_arrows,
    pack_frame,
    pack_numbers,
    split_payload,
    unpack_frame,
)
from analysis.physics.coordinates import pixel_to_heliographic
from analysis.physics.pil import PilMasks, detect_pils
from hnn_core.magnetogram.magnetogram import read_fits
from hnn_core.magnetogram.vector import read_vector
from tests.analysis.physics.test_sharp_parameters import made
from tests.conftest import real_data
from tests.support.drawn_regions import boundary, drawn_magnetogram

GAUSS = st.one_of(
    st.floats(-12_000.0, 12_000.0, width=32),
    st.floats(width=32, allow_nan=True, allow_infinity=True),
)


@st.composite
def hours(draw):
    shape = draw(array_shapes(min_dims=2, max_dims=2, max_side=12))
    masks = [draw(arrays(bool, shape)) for _ in range(3)]
    field = draw(arrays(np.float32, shape, elements=GAUSS))
    return drawn_magnetogram(field), PilMasks(*masks)


def same_masks(one: PilMasks, other: PilMasks) -> bool:
    return all((getattr(one, k) == getattr(other, k)).all() for k in ("pil", "ropi", "hull"))


@given(hours())
def test_what_is_packed_comes_out_to_a_gauss_with_what_is_missing_and_saturated(hour):
    mag, masks = hour
    found = unpack_frame(pack_frame(mag, masks))
    gauss = np.rint(mag.field)
    strong = np.abs(gauss) > LARGEST
    assert (found.saturated == strong).all()
    np.testing.assert_array_equal(found.field, np.clip(gauss, -LARGEST, LARGEST))
    assert same_masks(found.masks, masks)


def test_masks_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="shape"):
        pack_frame(drawn_magnetogram(), detect_pils(boundary(40, 50)))


@given(st.lists(st.binary(max_size=40), max_size=4), st.text(max_size=20))
def test_header_and_blobs_come_apart_as_they_were(blobs, name):
    assert split_payload(join_payload({"name": name}, blobs)) == ({"name": name}, blobs)


def test_numbers_in_a_header_are_exact():
    values = np.array([[0.1, np.nan], [-(2.0**-28), 7.0]], dtype=np.float32)
    packed = pack_numbers(values)
    assert packed["shape"] == [2, 2]
    assert packed["float32"] == "zczMPQAAwH8AAICxAADgQA=="  # 3dcccccd 7fc00000 b1800000 40e00000


def positions(geometry, column, row):
    """Longitude from the meridian and latitude, degrees, as the browser works them out."""
    phi, sine = (
        np.deg2rad((at - zero) * step)
        for at, zero, step in zip(
            (column, row), geometry["reference"], geometry["step"], strict=True
        )
    )
    cosine = np.sqrt(1.0 - sine**2)
    x, y, z = np.array(geometry["rotation"]) @ [cosine * np.cos(phi), cosine * np.sin(phi), sine]
    carrington = np.rad2deg(np.arctan2(y, x))
    return (carrington - geometry["meridian"] + 180.0) % 360.0 - 180.0, np.rad2deg(np.arcsin(z))


@pytest.mark.parametrize("latitude", [-71.0, -21.0769, 0.0, 24.0])
def test_geometry_gives_the_positions_of_the_wcs(latitude):
    mag = drawn_magnetogram(boundary(300, 400))
    mag.header["CRVAL2"] = latitude
    row, column = (axis.ravel().astype(float) for axis in np.mgrid[0:300:23, 0:400:29])
    found = positions(frame_geometry(mag), column, row)
    np.testing.assert_allclose(found, pixel_to_heliographic(mag, column, row), atol=1e-9)


@pytest.mark.parametrize("key", ["CTYPE1", "CRLN_OBS"])
def test_a_patch_without_coordinates_has_no_geometry(key):
    mag = drawn_magnetogram()
    del mag.header[key]
    assert frame_geometry(mag) is None


def test_an_hour_of_harp_377_is_small_and_exact():
    [path] = real_data("harp377").glob("*20110215_010000_TAI.magnetogram.fits")
    mag = read_fits(path)
    masks = detect_pils(mag.field)
    content = pack_frame(mag, masks)
    assert len(content) <= 0.2e6
    found = unpack_frame(content)
    np.testing.assert_array_equal(found.field, np.rint(mag.field))
    assert same_masks(found.masks, masks)


def test_arrows_come_out_to_a_step_where_the_field_is_strong():
    west = np.array([[400.0, -260.0, 100.0, 9000.0, np.nan]])
    north = np.array([[-310.0, 0.0, 100.0, 0.0, 500.0]])
    content = pack_arrows(made(west, north, 0 * west))
    with Image.open(io.BytesIO(content)) as image:
        stored = np.asarray(image.convert("L")).astype(int)
    # |B| = 141 G has none, nor has what is off the disk; what is too strong stays within its byte.
    assert stored[0].tolist() == [128 + 16, 128 - 10, 0, 255, 0]
    assert stored[1].tolist() == [128 - 12, 128, 0, 128, 0]


def test_arrows_of_a_real_record_are_few_bytes():
    assert len(pack_arrows(read_vector(real_data("vector377")))) < 80_000

"""SHARP parameters: the header's of a real record, and fields whose parameters are known."""

from dataclasses import replace

import astropy.units as u
import numpy as np
import pytest
from astropy.time import Time

from analysis.physics.sharp_parameters import (
    ERROR_OF,
    UNITS,
    header_parameters,
    potential_field,
    sharp_parameters,
)
from hnn_core.magnetogram.magnetogram import Magnetogram, read_fits
from hnn_core.magnetogram.vector import VectorMagnetogram, read_vector
from tests.conftest import real_data

AREA = 1.33e15
"""cm2, about a pixel of the series."""


def made(x: np.ndarray, y: np.ndarray, z: np.ndarray, error: float = 10.0) -> VectorMagnetogram:
    """Make a vector of its westward, northward and radial parts."""
    place = Magnetogram(
        z.astype(np.float32), Time("2011-02-15T02:00:00", scale="tai"), 377, (),
        AREA * u.cm**2, 0, 0 * u.deg, 0 * u.deg,
    )  # fmt: skip
    sigma = np.full(z.shape, error, np.float32)
    return VectorMagnetogram(
        radial=z.astype(np.float32), southward=-y.astype(np.float32),
        westward=x.astype(np.float32), place=place, radial_error=sigma, southward_error=sigma,
        westward_error=sigma, bitmap=np.full(z.shape, 34, np.uint8),
    )  # fmt: skip


def test_parameters_and_errors_equal_the_header_of_a_real_record() -> None:
    folder = real_data("vector377")
    vector = read_vector(folder)
    path = folder / "hmi.sharp_cea_720s.377.20110215_020000_TAI.magnetogram.fits"
    found = sharp_parameters(vector, read_fits(path).field)
    stated = header_parameters(vector.place)
    for name in UNITS:
        if name not in ("R_VALUE", "CMASK") and not name.endswith(("_FFT", "_A")):
            assert found.values[name] == pytest.approx(stated[name], rel=1e-4), name
    assert found.values["CMASK"] == 45703
    # Keywords of errors have few digits; that of the shear is 0 in every record.
    digits = {"ERRGAM": 0.03, "ERRBT": 0.01, "ERRBZ": 0.01, "ERRBH": 0.01, "ERRTUI": 1e-4}
    for name, key in ERROR_OF.items():
        if key not in ("ERRMSHA", "ERRMIH"):
            near = digits.get(key, digits["ERRTUI"])
            assert found.errors[name] == pytest.approx(stated[key], rel=near), key
    # What the names promise: a potential field leaves less energy and less shear.
    assert found.values["MEANPOT_FFT"] < 0.8 * found.values["MEANPOT"]
    assert 20 < found.values["MEANSHR_FFT"] < 30 < 50 < found.values["MEANSHR"]
    assert 4.5 < found.values["R_VALUE"] < 5.0


def test_a_force_free_field_has_its_alpha() -> None:
    """B = (−sin ay, 0, cos ay) has curl B = aB; differences over two pixels give sin a for a."""
    a = 0.2
    rows = np.arange(60.0)[:, None] + np.zeros((60, 50))
    vector = made(-1000 * np.sin(a * rows), 0 * rows, 1000 * np.cos(a * rows))
    values = sharp_parameters(vector).values
    per_mm = np.sin(a) / (np.sqrt(AREA) / 1e8)
    assert values["MEANALP"] == pytest.approx(per_mm, rel=1e-4)
    assert values["MEANJZH"] > 0
    assert values["TOTUSJH"] == pytest.approx(values["ABSNJZH"])
    mirrored = sharp_parameters(made(1000 * np.sin(a * rows), 0 * rows, 1000 * np.cos(a * rows)))
    assert mirrored.values["MEANALP"] == pytest.approx(-per_mm, rel=1e-4)


def test_a_potential_field_has_no_free_energy_by_the_true_potential() -> None:
    rows, cols = np.mgrid[-80:81, -90:91].astype(float)
    parts = np.zeros((3, *rows.shape))
    for sign, at in ((1.0, -25.0), (-1.0, 25.0)):  # two charges 8 px below the surface
        distance = np.sqrt((cols - at) ** 2 + rows**2 + 64.0)
        parts += sign * 1e5 * np.stack([cols - at, rows, 8.0 + 0 * rows]) / distance**3
    x, y, z = parts
    values = sharp_parameters(made(x, y, z)).values
    energy = ((x**2 + y**2) / (8 * np.pi)).mean()
    assert values["MEANPOT_FFT"] < 0.01 * energy
    assert values["MEANSHR_FFT"] < 6.0
    west, north = potential_field(z)
    inner = slice(30, -30), slice(30, -30)
    np.testing.assert_allclose(west[inner], x[inner], atol=0.02 * np.abs(x).max())
    np.testing.assert_allclose(north[inner], y[inner], atol=0.02 * np.abs(y).max())


def test_flux_inclination_and_current_of_a_uniform_field() -> None:
    ones = np.ones((20, 30))
    found = sharp_parameters(made(300 * ones, 0 * ones, -300 * ones, error=5.0))
    assert found.values["USFLUX"] == pytest.approx(600 * 300 * AREA)
    assert found.errors["USFLUX"] == pytest.approx(np.sqrt(600) * 5.0 * AREA)
    assert found.values["MEANGAM"] == pytest.approx(45.0)
    assert found.values["TOTUSJZ"] == 0.0
    assert np.isnan(found.values["R_VALUE"])
    # Shear of a tilt of 45 degrees against nothing that tilts.
    assert found.errors["MEANSHR"] > 0


def test_only_sure_pixels_of_the_region_count() -> None:
    ones = np.ones((20, 30))
    vector = made(300 * ones, 0 * ones, -300 * ones)
    bitmap = vector.bitmap.copy()
    bitmap[:5] = 2
    confidence = np.full(ones.shape, 90, np.uint8)
    confidence[:, :10] = 60
    found = sharp_parameters(replace(vector, bitmap=bitmap, confidence=confidence))
    assert found.values["CMASK"] == 15 * 20
    assert found.mask.sum() == 15 * 20
    loose = sharp_parameters(replace(vector, bitmap=bitmap, confidence=confidence), confidence=60)
    assert loose.values["CMASK"] == 15 * 30


def test_without_bitmap_or_pixels_a_sentence_and_without_errors_no_errors() -> None:
    ones = np.ones((20, 30))
    vector = made(300 * ones, 0 * ones, -300 * ones)
    with pytest.raises(ValueError, match="no bitmap"):
        sharp_parameters(replace(vector, bitmap=None))
    with pytest.raises(ValueError, match="no pixel"):
        sharp_parameters(replace(vector, bitmap=0 * vector.bitmap))
    assert sharp_parameters(replace(vector, westward_error=None)).errors == {}


def test_pixels_off_the_disk_change_nothing_else() -> None:
    rng = np.random.default_rng(3)
    parts = rng.normal(0.0, 300.0, (3, 40, 50)).astype(np.float32)
    cut = parts.copy()
    cut[:, :, :6] = np.nan
    inside = np.zeros((40, 50), np.uint8)
    inside[:, 8:] = 34
    whole = sharp_parameters(replace(made(*parts), bitmap=inside)).values
    part = sharp_parameters(replace(made(*cut), bitmap=inside)).values
    for name in ("USFLUX", "MEANGAM", "MEANGBT", "TOTUSJZ", "MEANALP", "TOTUSJH", "SAVNCPP"):
        assert part[name] == pytest.approx(whole[name], rel=1e-6), name
    assert np.isfinite([part[name] for name in UNITS if name != "R_VALUE"]).all()

import dataclasses

import astropy.units as u
import numpy as np
import pandas as pd
import pytest
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from analysis.physics.flux import flux_history, frame_flux, unsigned_flux
from analysis.physics.pil import PilSettings
from hnn_core.exceptions import EmptySourceError
from hnn_core.magnetogram.magnetogram import read_fits
from tests.support.drawn_regions import PIXEL_AREA, boundary, drawn_magnetogram

FIRST = "hmi.sharp_cea_720s.377.20110213_050000_TAI.magnetogram.fits"

MX = u.Unit("Mx")


def mx(flux: u.Quantity) -> float:
    return flux.to_value(MX)


def signed_fluxes(field, **options):
    row = frame_flux(drawn_magnetogram(field), **options)
    return row["positive_flux_mx"], row["negative_flux_mx"]


# Known answers


def test_uniform_field_has_field_times_area():
    # 20 × 30 pixels of −50 G and 1e15 cm²: 600 · 50 · 1e15 Mx.
    field = np.full((20, 30), -50.0, dtype=np.float32)
    flux = unsigned_flux(field, PIXEL_AREA)
    assert flux.unit == MX
    assert mx(flux) == pytest.approx(3.0e19, rel=1e-12)
    positive, negative = signed_fluxes(field)
    assert negative == pytest.approx(-3.0e19, rel=1e-12)
    assert positive == 0.0


def test_area_may_come_in_any_unit():
    field = np.full((2, 2), 100.0)
    assert mx(unsigned_flux(field, 1.0 * u.Mm**2)) == pytest.approx(4 * 100 * 1e16, rel=1e-12)


def test_mask_and_threshold_choose_pixels():
    field = np.array([[10.0, -20.0], [30.0, np.nan]])
    mask = np.array([[False, True], [True, True]])
    assert mx(unsigned_flux(field, PIXEL_AREA, mask)) == pytest.approx(50e15)
    assert mx(unsigned_flux(field, PIXEL_AREA, threshold=20.0)) == pytest.approx(50e15)
    assert mx(unsigned_flux(field, PIXEL_AREA, threshold=20.1)) == pytest.approx(30e15)
    assert mx(unsigned_flux(field, PIXEL_AREA, np.zeros((2, 2), dtype=bool))) == 0.0


def test_formal_error_grows_with_the_root_of_the_counted_pixels():
    field = np.full((10, 10), 50.0)
    field[0] = np.nan
    # σ of 6.4 G, 90 pixels counted: dA √90 σ.
    expected = np.sqrt(90) * 6.4 * 1e15
    row = frame_flux(drawn_magnetogram(field))
    assert row["total_flux_error_mx"] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("threshold", "expected"), [(0, 1.375e22), (20, 1.232e22), (100, 1.077e22)]
)
def test_first_frame_of_harp_377(harp377, threshold, expected):
    mag = read_fits(harp377 / FIRST)
    flux = unsigned_flux(mag.field, mag.pixel_area, threshold=threshold)
    assert mx(flux) == pytest.approx(expected, rel=1e-3)  # docs/method.md, "Flux and trends"


def test_usflux_of_harp_377_is_read_from_the_header(harp377):
    row = frame_flux(read_fits(harp377 / FIRST))
    assert row["usflux_header_mx"] == 1.220821e22
    assert row["quality"] == "0x00000000"
    assert row["noaa"] == "11158"


# Properties

fields = arrays(
    np.float64,
    (6, 7),
    elements=st.one_of(st.floats(-4000, 4000), st.just(np.nan)),
)
masks = arrays(np.bool_, (6, 7))


@given(fields, masks)
def test_fluxes_of_a_mask_and_of_the_rest_add_up(field, mask):
    parts = mx(unsigned_flux(field, PIXEL_AREA, mask)) + mx(unsigned_flux(field, PIXEL_AREA, ~mask))
    assert parts == pytest.approx(mx(unsigned_flux(field, PIXEL_AREA)), rel=1e-12)


@given(fields, st.floats(0, 500))
def test_unsigned_flux_is_the_difference_of_the_polarities(field, threshold):
    positive, negative = signed_fluxes(field, threshold=threshold)
    assert positive >= 0.0 >= negative
    assert positive - negative == pytest.approx(
        mx(unsigned_flux(field, PIXEL_AREA, threshold=threshold)), rel=1e-12
    )


@given(fields)
def test_polarity_reversal_swaps_the_polarities(field):
    positive, negative = signed_fluxes(field)
    assert signed_fluxes(-field) == pytest.approx((-negative, -positive), rel=1e-12)


# Histories


def test_row_of_a_drawn_boundary():
    row = frame_flux(drawn_magnetogram(boundary(80, 120, 500.0)))
    # 80 · 120 pixels of 500 G and 1e15 cm².
    assert row["total_unsigned_flux_mx"] == pytest.approx(4.8e21, rel=1e-12)
    assert row["positive_flux_mx"] == pytest.approx(2.4e21, rel=1e-12)
    assert row["negative_flux_mx"] == pytest.approx(-2.4e21, rel=1e-12)
    # The line runs from row 2 to row 77: 75 steps of √(1e15 cm²) = 0.3162 Mm.
    assert row["pil_pixels"] == 76
    assert row["pil_length_px"] == 75.0
    assert row["pil_length_mm"] == pytest.approx(75 * 0.316228, rel=1e-5)
    assert row["longitude_deg"] == -11.0
    assert row["latitude_deg"] == -20.0
    assert row["quality"] == "0x00010400"
    assert row["t_rec_tai"] == pd.Timestamp("2011-02-13T05:00:00")
    assert row["usflux_header_mx"] == 1.25e22


@pytest.mark.parametrize("region", ["ropi", "pil", "hull"])
def test_pil_flux_is_taken_in_the_region_of_the_settings(region):
    mag = drawn_magnetogram()
    settings = PilSettings(region=region)
    n = settings.detect(mag.field).region(region).sum()
    row = frame_flux(mag, settings)
    assert n > 0
    assert row["pil_unsigned_flux_mx"] == pytest.approx(n * 500 * 1e15, rel=1e-12)
    assert row["pil_flux_error_mx"] == pytest.approx(np.sqrt(n) * 6.4e15, rel=1e-12)


def test_masks_already_detected_are_used():
    mag = drawn_magnetogram()
    masks = PilSettings().detect(mag.field)
    none = dataclasses.replace(masks, pil=masks.pil & False, ropi=masks.ropi & False)
    row = frame_flux(mag, masks=none)
    assert (row["pil_unsigned_flux_mx"], row["pil_length_px"]) == (0.0, 0.0)


def test_history_is_tidy_and_in_order():
    hours = [Time(f"2011-02-13T0{hour}:00:00", scale="tai") for hour in (5, 6, 7)]
    frames = [
        drawn_magnetogram(boundary(strength=100.0 * (index + 2)), t_rec=hour)
        for index, hour in enumerate(hours)
    ]
    done: list[int] = []
    table = flux_history((frame for frame in frames), progress=done.append)
    assert done == [1, 2, 3]
    assert list(table["t_rec_tai"].dt.hour) == [5, 6, 7]
    ratio = table["total_unsigned_flux_mx"] / table["total_unsigned_flux_mx"][0]
    np.testing.assert_allclose(ratio, [1.0, 1.5, 2.0], rtol=1e-12)
    plain = {
        "harp",
        "noaa",
        "pil_pixels",
        "quality",
        "interpolated",
        "simulated",
    }
    assert {name.rsplit("_", 1)[-1] for name in set(table) - plain} == {
        *("mx", "mm", "px", "deg", "tai"),
    }


def test_header_flux_of_an_interpolated_frame_is_unknown():
    table = flux_history([drawn_magnetogram(), drawn_magnetogram(interpolated=True)])
    assert list(table["usflux_header_mx"].isna()) == [False, True]
    assert list(table["interpolated"]) == [False, True]


def test_time_of_a_utc_stamp_is_told_in_tai():
    row = frame_flux(drawn_magnetogram(t_rec=Time("2011-02-13T05:00:00", scale="utc")))
    assert row["t_rec_tai"] == pd.Timestamp("2011-02-13T05:00:34")


# Faults


def test_no_magnetogram_is_an_error():
    with pytest.raises(EmptySourceError, match="no magnetogram"):
        flux_history([])


@pytest.mark.parametrize(
    "mask", [np.ones((3, 3), dtype=bool), np.ones((2, 2)), np.ones((2, 2), dtype=np.uint8)]
)
def test_masks_of_another_shape_or_type_are_refused(mask):
    with pytest.raises(ValueError, match="mask"):
        unsigned_flux(np.zeros((2, 2)), PIXEL_AREA, mask)


@pytest.mark.parametrize("threshold", [-1.0, np.nan])
def test_thresholds_below_zero_are_refused(threshold):
    with pytest.raises(ValueError, match="threshold"):
        unsigned_flux(np.zeros((2, 2)), PIXEL_AREA, threshold=threshold)


def test_an_area_must_be_an_area():
    with pytest.raises(u.UnitConversionError):
        unsigned_flux(np.ones((2, 2)), 1.0 * u.cm)

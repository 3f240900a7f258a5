"""Trends with known answers: lines, published examples, and how often noise is called a trend."""

import dataclasses
import random

import numpy as np
import pytest
from astropy import units as u
from astropy.io.fits import Header
from astropy.time import Time, TimeDelta
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from analysis.physics.coordinates import mu_map, pixel_to_heliographic
from analysis.physics.flux import flux_history, header_r_value, r_value
from analysis.physics.pil import PilSettings
from analysis.physics.trends import LEAST_POINTS, mann_kendall, systematics, trend
from analysis.physics.verdict import NO_RATE, PAPER_CAVEATS, verdict
from analysis.physics.window_fluxes import MASKS, window_fluxes
from hnn_core.exceptions import EmptySourceError
from hnn_core.magnetogram.magnetogram import read_fits
from tests.support.drawn_regions import boundary, drawn_magnetogram

HOURS = np.arange(10.0)


def of(values, hours=HOURS):
    return trend(np.asarray(hours, float), np.asarray(values, float) * u.Mx)


def test_a_straight_line_is_its_own_slope_with_no_width():
    found = of(5e21 - 1e20 * HOURS)
    assert found.slope.to_value("Mx/h") == pytest.approx(-1e20)
    assert found.interval.to_value("Mx/h") == pytest.approx([-1e20, -1e20])
    # The median flux is 4.55e21.
    assert found.percent == pytest.approx(-100 * 1e20 / 4.55e21)
    assert found.falls
    assert not found.rises


def test_slope_is_the_median_of_all_pairs_and_one_outlier_does_not_move_it():
    values = np.array([0.0, 1, 2, 3, 100, 5, 6, 7, 8, 9])
    pairs = [(values[j] - values[i]) / (j - i) for i in range(10) for j in range(i + 1, 10)]
    assert of(values).slope.to_value("Mx/h") == pytest.approx(np.median(pairs))
    assert of(values).slope.to_value("Mx/h") == pytest.approx(1.0)


def test_mann_kendall_of_ten_falling_points_by_hand():
    s, z, p, correction = mann_kendall(HOURS, -HOURS)
    # All 45 pairs fall; Var = 10 * 9 * 25 / 18 = 125; z = -44 / sqrt(125).
    assert (s, correction) == (-45.0, 1.0)
    assert z == pytest.approx(-44 / np.sqrt(125))
    assert p == pytest.approx(8.3e-5, rel=0.02)


def test_ties_lower_the_variance_as_the_formula_says():
    values = np.array([1.0, 1, 2, 2, 2, 3, 4, 5, 6, 7])
    _, z, _, correction = mann_kendall(HOURS, values)
    # Ties of two and of three: 2*1*9 and 3*2*11 are taken off 10*9*25.
    variance = (10 * 9 * 25 - 2 * 1 * 9 - 3 * 2 * 11) / 18
    s = 45 - 1 - 3
    assert z * np.sqrt(correction) == pytest.approx((s - 1) / np.sqrt(variance))


def test_a_constant_history_has_no_trend_and_no_error():
    found = of(np.full(10, 3e21))
    assert (found.s, found.z, found.p) == (0.0, 0.0, 1.0)
    assert not found.falls
    assert not found.rises


@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_few_points_for_any_number(n):
    found = of(np.arange(n), np.arange(n))
    assert (found.n, found.sufficient) == (n, False)
    assert np.isnan(found.p)
    assert np.isnan(found.slope.value)


def test_nine_points_are_never_called_a_trend():
    found = of(-np.arange(9.0), np.arange(9.0))
    assert found.n < LEAST_POINTS
    assert found.p < 1e-3
    assert not found.falls


def test_hours_without_a_number_are_left_out_and_counted():
    values = 5.0 - 0.1 * np.arange(12.0)
    values[[3, 7]] = np.nan
    found = of(values, np.arange(12.0))
    assert (found.n, found.left_out) == (10, 2)
    assert found.slope.to_value("Mx/h") == pytest.approx(-0.1)


def test_times_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="do not go with"):
        trend(np.arange(3.0), np.arange(4.0) * u.Mx)
    with pytest.raises(ValueError, match="same time"):
        trend(np.array([0.0, 1, 1]), np.arange(3.0) * u.Mx)


@settings(max_examples=60)
@given(
    st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=20),
    st.floats(0.1, 10.0),
    st.floats(-5.0, 5.0),
    st.randoms(),
)
@example([2.3e-311, 0.0, 2.3e-311], 1.0, 0.0, random.Random(0))  # once a median too small
def test_order_scale_and_sign_change_what_they_should(values, factor, shift, chance):
    values = np.asarray(values)
    hours = np.arange(values.size, dtype=float)
    found = of(values, hours)
    order = list(range(values.size))
    chance.shuffle(order)
    again = of(values[order], hours[order])
    assert (again.s, again.p, again.slope) == (found.s, found.p, found.slope)
    mirrored = of(-values, hours)
    assert mirrored.s == -found.s
    assert mirrored.slope.value == pytest.approx(-found.slope.value)
    moved = of(factor * values, hours + shift)
    assert moved.slope.value == pytest.approx(factor * found.slope.value, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    ("memory", "length", "most"),
    # The test promises 0.05. Memory that ten points can hardly show is not corrected away: the
    # rates are what was measured, and the bounds stand a little above them.
    [(0.0, 10, 0.06), (0.0, 40, 0.06), (0.5, 10, 0.22), (0.5, 40, 0.21)],
)
def test_how_often_noise_without_a_trend_is_called_one(memory, length, most):
    rng = np.random.default_rng(7)
    calls = plain = 0
    trials = 600
    for _ in range(trials):
        noise = rng.normal(size=length + 50)
        for i in range(1, noise.size):
            noise[i] += memory * noise[i - 1]
        values = noise[50:]
        _, z, p, correction = mann_kendall(np.arange(length, dtype=float), values)
        calls += p < 0.05
        plain += abs(z) * np.sqrt(correction) > 1.96
    assert calls / trials < most
    if memory and length == 40:
        assert calls < 0.85 * plain  # the correction does what it is for


# Every choice that could make a trend


def strip(positive, negative=None, **changes):
    """A frame whose two halves face one another with these strengths, G."""
    field = boundary(80, 120, 1.0)
    strength = np.where(field > 0, positive, positive if negative is None else negative)
    return drawn_magnetogram((field * strength).astype(np.float32), **changes)


def window(positive, negative=None, **changes):
    negative = positive if negative is None else negative
    start = Time("2011-02-13T05:00:00", scale="tai")
    return [
        strip(a, b, t_rec=start + TimeDelta(3600.0 * k, format="sec"), **changes)
        for k, (a, b) in enumerate(zip(positive, negative, strict=True))
    ]


FALLING = np.linspace(500, 320, 10)  # 20 G less every hour


def test_slopes_of_a_drawn_decline_are_those_of_its_pixels():
    found = systematics(window(FALLING))
    n = found.fluxes.masks[0].ropi.sum()
    positive = (found.fluxes.masks[0].ropi & (boundary(80, 120) > 0)).sum()
    # 20 G an hour on n pixels of 1e15 cm²; the mask does not move.
    for mask in ("moving", "union", "last"):
        slope = found.trend(mask).slope.to_value("Mx/h")
        assert slope == pytest.approx(-20 * n * 1e15, rel=1e-5)
        part = found.trend(mask, "positive").slope.to_value("Mx/h")
        assert part == pytest.approx(-20 * positive * 1e15, rel=1e-5)
    patch = found.trend("patch").slope.to_value("Mx/h")
    assert patch == pytest.approx(-20 * 80 * 120 * 1e15, rel=1e-5)
    assert found.fluxes.apart == found.fluxes.area_note == ""
    assert found.fluxes.corrected


def test_fluxes_of_a_window_are_those_of_the_history():
    frames = window(FALLING)
    table = flux_history(frames)
    fluxes = window_fluxes(frames, thresholds=(0.0, 100.0))
    np.testing.assert_allclose(fluxes.unsigned[:, 0, 0, 0], table["pil_unsigned_flux_mx"])
    np.testing.assert_allclose(fluxes.negative[:, 3, 0, 0], -table["negative_flux_mx"])
    np.testing.assert_allclose(fluxes.error[:, 0, 0, 0], table["pil_flux_error_mx"])
    assert np.isnan(window_fluxes(frames, correct=False).positive[..., 1]).all()


def test_thresholds_cut_and_the_band_holds_all_slopes():
    # From 110 G down to 65 G: with a cut of 100 G the flux falls to nothing.
    found = systematics(window(np.linspace(110, 65, 10)), PilSettings(threshold=50.0))
    none = found.trend(threshold=0.0).slope
    cut = found.trend(threshold=100.0).slope
    low, high = found.band()
    assert low <= min(none, cut)
    assert high >= max(none, cut)
    assert found.fluxes.unsigned[-1, 0, 3, 0] == 0.0
    assert found.fluxes.unsigned[0, 0, 3, 0] == found.fluxes.unsigned[0, 0, 0, 0]


def test_mu_is_one_at_disk_centre_and_falls_to_the_side():
    frame = drawn_magnetogram(boundary(81, 121))
    frame.header["CRVAL1"], frame.header["CRVAL2"] = frame.header["CRLN_OBS"], -6.742253
    mu = mu_map(frame)
    assert mu[40, 60] == pytest.approx(1.0, abs=2e-5)
    frame.header["CRVAL1"] += 60.0
    # 60° along the parallel of the observer: sin² + cos² cos 60°.
    lat = np.deg2rad(6.742253)
    expected = np.sin(lat) ** 2 + np.cos(lat) ** 2 * 0.5
    assert mu_map(frame)[40, 60] == pytest.approx(expected, abs=2e-5)
    y, x = np.mgrid[:81, :121]
    longitude, latitude = pixel_to_heliographic(frame, x.ravel(), y.ravel())
    lon, lats, b0 = np.deg2rad(longitude), np.deg2rad(latitude), np.deg2rad(-6.742253)
    exact = np.sin(lats) * np.sin(b0) + np.cos(lats) * np.cos(b0) * np.cos(lon)
    np.testing.assert_allclose(mu_map(frame).ravel(), exact, atol=2e-5)


def test_correcting_for_mu_makes_flux_larger():
    found = systematics(window(FALLING))
    raw, corrected = found.fluxes.unsigned[:, 3, 0].T
    mu = mu_map(strip(500.0))
    assert corrected[0] == pytest.approx((500e15 / mu).sum(), rel=1e-6)
    assert (corrected > raw).all()


def test_without_coordinates_nothing_is_corrected_for_mu():
    frames = window(FALLING)
    for frame in frames:
        del frame.header["CRLT_OBS"]
    found = systematics(frames)
    assert not found.fluxes.corrected
    assert not found.trend(mu=True).sufficient
    assert found.trend().falls
    assert any("no coordinates" in caveat for caveat in verdict(found).caveats)


def test_formal_error_of_a_slope_is_that_of_a_fitted_line():
    found = systematics(window(FALLING))
    n = found.fluxes.masks[0].ropi.sum()
    # σ = 6.4 G √n dA for each of ten hours, whose squares about the mean add up to 82.5.
    expected = 6.4 * np.sqrt(n) * 1e15 / np.sqrt(82.5)
    assert found.formal_error().to_value("Mx/h") == pytest.approx(expected)


def test_table_has_every_choice_once():
    rows = systematics(window(FALLING)).table()
    choices = ["mask", "flux", "threshold_g", "mu_corrected"]
    assert len(rows) == 4 * 3 * 4 * 2
    assert not rows.duplicated(choices).any()


def test_r_value_is_that_of_the_headers_of_harp_377(harp377):
    for path in sorted(harp377.glob("*.fits"))[::10]:
        frame = read_fits(path)
        assert r_value(frame.field) == pytest.approx(header_r_value(frame), abs=0.002)


def test_r_value_of_a_drawn_boundary_by_hand():
    # 20 × 30 samples; the two columns either side of the edge count, smeared by σ = 4.25.
    field = boundary(80, 120, 500.0)
    touch = np.zeros((20, 30))
    touch[:, 14:16] = 1.0
    weight = gaussian_filter(touch, 10 / np.sqrt(8 * np.log(2)), mode="constant")
    assert r_value(field) == pytest.approx(np.log10(500 * weight.sum()))
    assert r_value(np.abs(field)) == 0.0
    assert r_value(np.full((8, 8), np.nan)) == 0.0


def test_orbital_velocity_is_the_header_s(harp377):
    frames = [read_fits(path) for path in sorted(harp377.glob("*.fits"))[:2]]
    found = systematics(frames)
    assert found.orbital_velocity[0].to_value("km/s") == pytest.approx(2.046569, rel=1e-6)
    assert not found.simulated
    drawn = systematics(window(FALLING))
    assert np.isnan(drawn.orbital_velocity.value).all()


# Verdicts


def says(positive, negative=None, **changes):
    return verdict(systematics(window(positive, negative, **changes)))


def test_both_polarities_falling_with_every_mask_is_consistent_with_cancellation():
    found = says(FALLING)
    assert found.word == "consistent with cancellation"
    assert len(found.evidence) == 3
    assert {NO_RATE, *PAPER_CAVEATS} <= set(found.caveats)
    # The whole patch falls alike, which one is told.
    assert any("total flux of the patch falls too" in caveat for caveat in found.caveats)


def test_one_polarity_falling_is_not_cancellation():
    found = says(FALLING, np.full(10, 400.0))
    assert found.word == "mixed evidence"
    assert "positive flux falls, but not the negative" in found.sentence


def test_a_shrinking_mask_is_not_cancellation():
    # The field stays, and a gap opens between the polarities from one end: the line gets shorter.
    frames = window(np.full(10, 400.0))
    for k, frame in enumerate(frames):
        field = frame.field.copy()
        field[: 6 * k, 48:72] = 0.0
        wide = field[-1:].repeat(80, axis=0)
        field[: 6 * k, :48], field[: 6 * k, 72:] = wide[: 6 * k, :48], wide[: 6 * k, 72:]
        frames[k] = dataclasses.replace(frame, field=field)
    found = systematics(frames)
    assert found.trend().falls
    assert not found.trend("last").falls
    assert verdict(found).word != "consistent with cancellation"


def test_a_constant_field_has_no_trend():
    rng = np.random.default_rng(4)
    found = says(rng.permutation(400.0 + np.arange(10) * 0.1))
    assert found.word == "no trend"


def test_rising_flux_is_called_so():
    assert says(FALLING[::-1]).word == "flux rises"


def test_a_trend_that_a_threshold_turns_is_mixed():
    # The mean falls, but ever more pixels stand above 100 G: with that cut the flux rises.
    frames = window(np.full(10, 99.0))
    for k, frame in enumerate(frames):
        field = frame.field * np.float32(1.0 - 0.06 * k)
        field[::8][: k + 1] = np.sign(field[::8][: k + 1]) * 101.0
        frames[k] = dataclasses.replace(frame, field=field)
    found = systematics(frames, PilSettings(threshold=30.0))
    assert found.trend().falls
    assert found.trend(threshold=100.0).rises
    assert verdict(found).word == "mixed evidence"
    assert "turns the sign" in verdict(found).sentence


def test_nine_hours_are_insufficient():
    found = says(FALLING[:9])
    assert found.word == "insufficient"
    assert "this window has 9" in found.sentence


@pytest.mark.parametrize("field", [np.zeros((40, 60)), np.full((40, 60), 500.0)])
def test_a_field_without_a_line_is_said_to_have_none(field):
    frame = drawn_magnetogram(field.astype(np.float32))
    found = verdict(systematics(window_of(frame)))
    assert found.word == "no PIL above threshold"
    assert "±100 G" in found.sentence


def window_of(frame, n=10):
    start = Time("2011-02-13T05:00:00", scale="tai")
    return [
        dataclasses.replace(frame, t_rec=start + TimeDelta(3600.0 * k, format="sec"))
        for k in range(n)
    ]


def test_patches_of_two_sizes_without_coordinates_allow_no_fixed_mask():
    frames = window(FALLING, header=Header())
    frames[0] = dataclasses.replace(frames[0], field=boundary(82, 120, 500.0))
    found = systematics(frames)
    assert "120 × 82 pixels" in found.fluxes.apart
    assert found.trend("moving").sufficient
    for mask in ("union", "last", "patch"):  # whole patches of two sizes have no trend either
        assert np.isnan(found.fluxes.unsigned[:, MASKS.index(mask)]).all()
        assert not found.trend(mask).sufficient
    words = verdict(found)
    assert words.word == "mixed evidence"
    assert "no fixed mask" in words.sentence
    assert any("without CRPIX and CRVAL" in caveat for caveat in words.caveats)
    assert not any("too few points" in one for one in words.evidence)
    assert sum("cannot be laid on one grid" in one for one in words.evidence) == 2


def test_frames_off_the_limb_and_interpolated_ones_are_told():
    frames = window(FALLING, interpolated=True, longitude=60.0 * u.deg, simulated=True)
    field = frames[3].field.copy()
    field[:, :20] = np.nan
    frames[3] = dataclasses.replace(frames[3], field=field)
    caveats = verdict(systematics(frames)).caveats
    for words in ("10 frames are interpolated", "60° from the central meridian", "simulated"):
        assert any(words in caveat for caveat in caveats)


@pytest.mark.parametrize("stamp", ["20110214_000000", "20110215_010000"])
def test_the_reference_times_of_harp_377_claim_no_cancellation(harp377, stamp):
    paths = sorted(harp377.glob("*.fits"))
    end = next(k for k, path in enumerate(paths) if stamp in path.name)
    found = verdict(systematics([read_fits(path) for path in paths[end - 9 : end + 1]]))
    assert found.word == "mixed evidence"
    assert any("SDO's velocity" in caveat for caveat in found.caveats)


def test_no_frame_and_wrong_thresholds_are_refused():
    with pytest.raises(EmptySourceError, match="window is empty"):
        systematics([])
    for levels in ((), (50.0, 20.0), (-1.0,), (0.0, 0.0)):
        with pytest.raises(ValueError, match="thresholds must ascend"):
            window_fluxes(window(FALLING), thresholds=levels)
    with pytest.raises(ValueError, match="masks do not go"):
        window_fluxes(window(FALLING), masks=[])

"""Trends with known answers: lines, published examples, and how often noise is called a trend."""

import numpy as np
import pytest
from astropy import units as u
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.trends import LEAST_POINTS, mann_kendall, trend

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


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=20),
    st.floats(0.1, 10.0),
    st.floats(-5.0, 5.0),
    st.randoms(),
)
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

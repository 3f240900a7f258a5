"""The validation of the detector, on tables with a known answer and on simulated regions."""

import numpy as np
import pandas as pd
import pytest

from analysis.surveys.validation import true_rate, validate, validation_table
from hnn_core.exceptions import EmptySourceError, SourceError
from hnn_core.magnetogram.conventions import number
from hnn_core.simulation.evolution import evolve
from hnn_core.simulation.population import Population
from hnn_core.simulation.render import region_times
from hnn_core.sources.simulated import SimulatedSource

pytestmark = pytest.mark.slow


def made(gain=0.5, offset=1e18, noise=0.0, regions=20, windows=5, spread=(0.0, 60.0), seed=0):
    """Measured decline = gain × truth + offset + noise, longitudes over `spread`."""
    rng = np.random.default_rng(seed)
    n = regions * windows
    truth = rng.uniform(0, 6e19, n)
    measured = gain * truth + offset + noise * rng.normal(size=n)
    return pd.DataFrame(
        {
            "region": np.repeat([f"SIM {k}" for k in range(regions)], windows),
            "threshold_g": 0.0,
            "longitude_deg": rng.uniform(*spread, n) * rng.choice([-1, 1], n),
            "true_rate_mx_per_h": truth,
            "moving_unsigned_slope_mx_per_h": -measured,
        }
    )


def test_gain_offset_and_bias_of_a_straight_line_are_found():
    table = made(gain=0.5, offset=1e18)
    found = validate(table).overall
    assert found.gain == pytest.approx(0.5)
    assert found.offset_mx_per_h == pytest.approx(1e18)
    assert found.correlation == pytest.approx(1.0)
    assert found.rank_correlation == pytest.approx(1.0)
    truth = table["true_rate_mx_per_h"].mean()
    assert found.bias_mx_per_h == pytest.approx(0.5 * truth + 1e18 - truth)
    assert found.scatter_mx_per_h == pytest.approx(0.0, abs=1e10)
    assert found.trusted


def test_a_perfect_measure_is_trusted_over_all_bins():
    found = validate(made(gain=1.0, offset=0.0))
    assert list(found.by_longitude) == [(0, 15), (15, 30), (30, 45), (45, 60)]
    assert "up to 60° from the central meridian" in found.statement
    assert "thresholds of 0 G" in found.statement


def test_noise_alone_is_not_believed():
    found = validate(made(gain=0.0, noise=1e19))
    assert abs(found.overall.correlation) < 0.4
    assert f"r = {number(found.overall.correlation, '.2f')}, and" in found.statement
    assert not found.overall.trusted
    assert "no range" in found.statement


def test_interval_covers_the_correlation():
    inside = 0
    # Measured = truth + noise of equal deviation: r is 1/√2 at any size.
    deviation = 6e19 / np.sqrt(12)
    for seed in range(60):
        found = validate(made(gain=1.0, noise=deviation, seed=seed)).overall
        low, high = found.correlation_low, found.correlation_high
        inside += low <= np.sqrt(0.5) <= high
    assert inside >= 51


def test_belief_ends_where_the_measure_does():
    good, bad = made(spread=(0.0, 30.0)), made(gain=0.0, noise=1e19, spread=(30.0, 60.0), seed=1)
    found = validate(pd.concat([good, bad]))
    assert "up to 30° from the central meridian" in found.statement
    assert [part.trusted for part in found.by_longitude.values()] == [True, True, False, False]


def test_few_regions_are_not_enough_to_be_believed():
    assert not validate(made(regions=4, windows=30)).overall.trusted


def test_thresholds_are_told_apart():
    both = [made(), made(gain=0.0, noise=1e19, seed=2).assign(threshold_g=100.0)]
    found = validate(pd.concat(both))
    assert found.by_threshold[0.0].trusted
    assert not found.by_threshold[100.0].trusted
    assert "thresholds of 0 G" in found.statement
    rows = found.table()
    assert rows["bin"].to_list()[0] == "all"
    assert "threshold 100 G" in rows["bin"].to_list()


def test_two_windows_have_no_correlation_and_no_error():
    validation = validate(made(regions=2, windows=1))
    found = validation.overall
    assert np.isnan(found.correlation)
    assert "nan" not in validation.statement
    assert validation.statement.startswith("Over 2 windows of 2 simulated regions, there is too")
    assert np.isfinite(found.bias_mx_per_h)
    assert not found.trusted


def test_true_rate_is_the_mean_of_nine_hours():
    region = Population(0).region(1)
    times = region_times(region)
    cancelled = evolve(region).pil_cancellation
    end = pd.Timestamp(times[20].tai.isot)
    assert true_rate(region, end) == pytest.approx(cancelled[12:21].mean())
    with pytest.raises(ValueError, match="no window"):
        true_rate(region, pd.Timestamp(times[8].tai.isot))
    with pytest.raises(ValueError, match="no window"):
        true_rate(region, end + pd.Timedelta("10min"))


def test_measured_decline_follows_the_truth_on_simulated_regions():
    source = SimulatedSource(2)
    table = validation_table(
        source, [f"SIM {k}" for k in range(1, 11)], thresholds=(0.0, 100.0), step=13
    )
    found = validate(table)
    assert set(found.by_threshold) == {0.0, 100.0}
    # Flux that comes, goes and is swept about hides most of it: r is about 0.5, the gain 0.06.
    assert found.overall.correlation > 0.35
    assert found.overall.correlation_low > 0.1
    assert 0.02 < found.overall.gain < 0.5
    assert found.overall.bias_mx_per_h < 0


def test_truth_of_real_regions_is_unknown():
    class Real:
        spec = "fits:folder"

    with pytest.raises(SourceError, match="fits:folder is not simulated"):
        validation_table(Real())


def test_no_window_is_an_error():
    with pytest.raises(EmptySourceError, match="no window"):
        validate(made().iloc[:0])

"""What the instrument makes of a radial field: canopy, limb, noise, saturation, orbit."""

from dataclasses import replace

import numpy as np
import pytest

from hnn_core.simulation.instrument import _canopy, line_of_sight_field
from hnn_core.simulation.population import Population
from hnn_core.simulation.render import region_positions, region_times
from hnn_core.simulation.spots import Spot, draw_spot

SHAPE = (160, 240)
REGION = replace(Population(0).region(1), rows=SHAPE[0], cols=SHAPE[1], latitude=0.0)


def observed(radial, longitude: float, *, velocity: float = 0.0, hour: int = 3) -> np.ndarray:
    field = np.zeros(SHAPE, np.float32) + np.float32(radial)
    field = (field, *_canopy(field))
    return line_of_sight_field(REGION, field, longitude, 0.0, velocity, hour)


def round_spot(flux: float) -> np.ndarray:
    """A round, smooth, positive spot in the middle."""
    field = np.zeros(SHAPE, np.float32)
    spot = Spot(
        centre=np.array([SHAPE[1] / 2, SHAPE[0] / 2]),
        flux=flux,
        polarity=1.0,
        peak=2400.0,
        ragged=0.0,
        drift=np.zeros(2),
        wander=np.zeros(2),
        decay=0.0,
        corner=np.zeros(2, int),
        bridge=None,
    )
    draw_spot(field, spot, np.zeros((3, 256, 256)), np.zeros((256, 256)))
    return field


@pytest.mark.parametrize("polarity", [1.0, -1.0])
@pytest.mark.parametrize("longitude", [-57.0, 57.0])
@pytest.mark.parametrize("flux", [4e20, 4e21])
def test_a_round_spot_near_the_limb_has_a_false_line_on_its_limb_side(polarity, longitude, flux):
    field = round_spot(flux)
    side = polarity * observed(polarity * field, longitude)
    columns = np.nonzero(side < -50.0)[1] - SHAPE[1] / 2
    assert len(columns) > 30
    assert (columns * np.sign(longitude) > 0).all()
    assert side.max() > 500
    assert (polarity * observed(polarity * field, 0.0)).min() > -25.0  # noise


def test_field_grows_weaker_with_the_cosine_and_noise_stronger():
    weak = [observed(200.0, longitude).mean() for longitude in (0.0, 57.0)]
    assert weak[1] / weak[0] == pytest.approx(np.cos(np.deg2rad(57.0)), rel=0.02)
    noise = [observed(0.0, longitude).std() for longitude in (0.0, 30.0, 57.0)]
    assert 3.0 < noise[0] < noise[1] < noise[2]
    assert noise[2] / noise[0] == pytest.approx(1.32, abs=0.02)  # 1 + 0.7 (1 - mu)


def test_noise_of_two_hours_is_independent_and_of_one_hour_the_same():
    first, again, other = (observed(0.0, 0.0, hour=hour) for hour in (3, 3, 4))
    assert np.array_equal(first, again)
    assert abs(np.corrcoef(first.ravel(), other.ravel())[0, 1]) < 0.05


@pytest.mark.parametrize("strength", [3000.0, 6000.0, -9000.0])
def test_dark_umbrae_saturate(strength):
    measured = observed(strength, 0.0)
    assert np.abs(measured).max() < 2600.0 + 20.0  # noise
    assert measured.mean() * np.sign(strength) > 2000


def test_strong_field_follows_the_orbit_and_weak_field_hardly():
    def swing(strength: float) -> float:
        high, low = (observed(strength, 0.0, velocity=v).mean() for v in (3000.0, -3000.0))
        return (high - low) / (high + low) * 2

    assert 0.015 < swing(1500.0) < 0.03
    assert 0 < swing(100.0) < 0.005


def test_a_region_rotates_at_snodgrass_rate_and_has_a_record_an_hour():
    positions = region_positions(Population(0).region(4))
    rate = np.diff(positions[:, 0])
    np.testing.assert_allclose(rate, rate[0])
    assert 0.53 < rate[0] < 0.56  # degrees an hour, synodic
    times = region_times(Population(0).region(4))
    np.testing.assert_allclose((times[1:] - times[:-1]).to_value("s"), 3600.0, atol=1e-3)

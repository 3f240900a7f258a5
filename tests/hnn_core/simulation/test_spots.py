"""Spots and where they start: their sum is their flux, and they change slowly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hnn_core.simulation.layout import lay_out
from hnn_core.simulation.population import PIXEL_CM2, Population
from hnn_core.simulation.spots import RandomFields, Spot, draw_spot


def fields(seed: int, count: int = 3) -> RandomFields:
    rng = np.random.default_rng(seed)
    return RandomFields(rng, count, exponent=-1.7, shortest=5, longest=120, life=3.0)


SHAPES, (FIBRILS,) = fields(0).now(), fields(1, 1).now()


def spot(
    flux: float, *, centre=(100.0, 80.0), polarity: float = 1.0, ragged: float = 0.2, bridge=None
):
    return Spot(
        centre=np.array(centre),
        flux=flux,
        polarity=polarity,
        peak=2400.0,
        ragged=ragged,
        drift=np.zeros(2),
        wander=np.zeros(2),
        decay=0.0,
        corner=np.array([7, 200]),
        bridge=bridge,
    )


@given(
    st.floats(1e19, 5e21),
    st.sampled_from([1.0, -1.0]),
    st.sampled_from([0.0, 0.13, 0.24]),
    st.sampled_from([None, 0.0, 2.0]),
)
@settings(max_examples=20)
def test_a_spot_inside_the_patch_has_its_flux_and_one_polarity(flux, polarity, ragged, bridge):
    field = np.zeros((160, 200), np.float32)
    draw_spot(field, spot(flux, polarity=polarity, ragged=ragged, bridge=bridge), SHAPES, FIBRILS)
    assert field.sum(dtype=float) * PIXEL_CM2 == pytest.approx(polarity * flux, rel=1e-5)
    assert (polarity * field).min() > -0.05 * np.abs(field).max()


def test_a_spot_over_the_border_is_cut_and_one_outside_is_not_drawn():
    whole, part, none = (np.zeros((160, 200), np.float32) for _ in range(3))
    draw_spot(whole, spot(2e21), SHAPES, FIBRILS)
    draw_spot(part, spot(2e21, centre=(0.0, 80.0)), SHAPES, FIBRILS)
    draw_spot(none, spot(2e21, centre=(-90.0, 80.0)), SHAPES, FIBRILS)
    assert 0.3 < part.sum() / whole.sum() < 0.7
    assert not none.any()


def test_a_round_spot_has_its_radius_and_an_umbra_of_its_peak():
    field = np.zeros((160, 200), np.float32)
    one = spot(4e21, ragged=0.0)
    draw_spot(field, one, np.zeros_like(SHAPES), np.zeros_like(FIBRILS))
    assert field.max() == pytest.approx(one.peak, rel=0.15)
    distance = np.hypot(*(np.mgrid[:160, :200] - np.array([80, 100])[:, None, None]))
    assert distance[field > 100].max() == pytest.approx(one.radius, rel=0.05)
    umbra, penumbra = field[distance < 0.4 * one.radius], field[distance.round() == 25]
    assert umbra.min() > 1000 > penumbra.max()


def test_random_fields_have_unit_variance_at_any_hour_and_small_structure_forgets_first():
    drawn = fields(2)
    first = drawn.now()
    for _ in range(6):
        drawn.step()
    later = drawn.now()
    assert first.shape == later.shape == (3, 256, 256)
    assert first.dtype == np.float32
    for one in (first, later):
        assert one.std() == pytest.approx(1.0, abs=0.25)  # a few large waves carry most of it
        assert abs(one.mean()) < 1e-3
    number = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.rfftfreq(256))
    kept = {}
    for name, inside in {"large": number < 1 / 60, "small": number > 1 / 12}.items():
        a, b = (np.fft.irfft2(np.fft.rfft2(one) * inside, s=(256, 256)) for one in (first, later))
        kept[name] = np.corrcoef(a.ravel(), b.ravel())[0, 1]
    assert kept["large"] > 0.5 > 0.3 > kept["small"]


@given(st.integers(0, 1000), st.integers(1, 200))
@settings(max_examples=10)
def test_a_region_starts_with_the_flux_of_its_parameters(seed, index):
    region = Population(seed).region(index)
    start = lay_out(region, np.random.default_rng(seed))
    again = lay_out(region, np.random.default_rng(seed))
    assert np.array_equal(start.free.flux, again.free.flux)
    for polarity in (1.0, -1.0):
        spots = sum(one.flux for one in start.spots if one.polarity == polarity)
        assert 0.5 <= spots / (region.total_flux / 2) <= 0.7
        line = start.line.elements.flux
        assert np.abs(line[line * polarity > 0]).sum() == pytest.approx(region.pil_flux / 2)


def test_the_sides_of_the_line_keep_their_sign_while_it_moves():
    line = lay_out(Population(0).region(2), np.random.default_rng(0)).line
    flux = line.elements.flux.copy()
    start = line.elements.xy.copy()
    for _ in range(24):
        line.step(shear=0.3, closing=0.02)
    assert np.array_equal(line.elements.flux, flux)
    assert np.linalg.norm(line.elements.xy - start, axis=1).max() > 3.0
    across = line.towards(1.0)
    plus, minus = (line.elements.xy[flux * sign > 0].mean(axis=0) @ across for sign in (1, -1))
    assert abs(plus - minus) > 3.0

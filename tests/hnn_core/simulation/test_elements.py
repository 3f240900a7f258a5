"""Elements of flux: what joins, breaks, cancels and is drawn keeps its flux; what moves them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hnn_core.simulation.elements import (
    Cells,
    Elements,
    cancel,
    coalesce,
    deposit,
    power_law,
    sweep,
)
from hnn_core.simulation.population import PIXEL_CM2


def crowd(seed: int, n: int) -> Elements:
    """Elements of both signs on 30 x 30 pixels, some rising to a spot."""
    rng = np.random.default_rng(seed)
    flux = rng.choice([-1.0, 1.0], n) * 10.0 ** rng.uniform(16.0, 19.0, n)
    return Elements.at(30.0 * rng.random((n, 2)), flux, rng.integers(-1, 2, n))


@given(st.integers(0, 2**31), st.floats(0.1, 300.0), st.floats(1.5, 100.0))
def test_power_law_has_the_total_exactly_and_one_scale_between_its_limits(seed, total, ratio):
    low, high = 1e17, 1e17 * ratio
    flux = power_law(np.random.default_rng(seed), low, high, total * high)
    assert flux.sum() == pytest.approx(total * high, rel=1e-12)
    assert flux.max() / flux.min() <= ratio * (1 + 1e-9)
    # Drawn until the total is reached: scaling takes each no farther than one more would have.
    assert low * (1 - 1e-9) <= flux.min() or len(flux) == 1
    assert flux.max() <= high * (1 + 1 / max(total - 1, 0.01))


def test_power_law_is_that_of_parnell_et_al():
    low, high = 1e17, 3e18
    flux = power_law(np.random.default_rng(3), low, high, 6e22)
    assert len(flux) > 50_000
    for limit in (2e17, 5e17, 1e18):
        expected = (limit**-0.85 - high**-0.85) / (low**-0.85 - high**-0.85)
        assert (flux > limit).mean() == pytest.approx(expected, abs=0.01)


def test_two_in_contact_lose_the_share_of_the_weaker_one():
    pair = Elements.at([[4.0, 4.0], [4.0, 4.0]], [3e18, -1e18])
    gone = cancel(np.random.default_rng(0), pair, size=5.0, efficiency=0.25)
    assert gone == pytest.approx(5e17)
    np.testing.assert_allclose(pair.flux, [2.75e18, -0.75e18])


@given(st.integers(0, 2**31), st.integers(0, 200), st.floats(1.0, 12.0), st.floats(0.0, 1.0))
def test_cancellation_keeps_net_flux_and_names_what_is_gone(seed, n, size, efficiency):
    elements = crowd(seed, n)
    before, places = elements.flux.copy(), elements.xy.copy()
    gone = cancel(np.random.default_rng(seed), elements, size, efficiency)
    unsigned = np.abs(before).sum()
    assert elements.flux.sum() == pytest.approx(before.sum(), abs=1e-12 * unsigned)
    assert np.abs(elements.flux).sum() == pytest.approx(unsigned - gone, abs=1e-12 * unsigned)
    assert (elements.flux * before >= 0).all()
    assert 0 <= gone <= efficiency * unsigned * (1 + 1e-12)
    assert np.array_equal(elements.xy, places)


def test_what_is_apart_or_of_one_sign_does_not_cancel():
    rng = np.random.default_rng(1)
    apart = Elements.at([[0.0, 0.0], [9.0, 0.0]], [1e18, -1e18])
    alike = Elements.at(rng.random((50, 2)), np.full(50, 1e17))
    for elements in (apart, alike):
        assert cancel(rng, elements, size=3.0, efficiency=1.0) == 0.0


@given(st.integers(0, 2**31), st.integers(0, 200))
def test_joining_and_breaking_keep_the_flux_of_both_signs(seed, n):
    elements = crowd(seed, n)
    after = coalesce(np.random.default_rng(seed), elements)
    for sign in (1.0, -1.0):
        before = elements.flux[elements.flux * sign > 0].sum()
        assert after.flux[after.flux * sign > 0].sum() == pytest.approx(before, rel=1e-12)
    rising, still = elements.goal >= 0, after.goal >= 0
    assert np.array_equal(elements.flux[rising], after.flux[still])
    assert np.array_equal(elements.xy[rising], after.xy[still])


def test_weak_elements_join_where_their_flux_is_and_strong_ones_break():
    rng = np.random.default_rng(2)
    joined = coalesce(
        rng, Elements.at([[5.0, 5.0], [5.4, 5.0], [5.2, 5.0]], [1e17, 3e17, -1e16]), 50.0
    )
    assert sorted(joined.flux) == pytest.approx([-1e16, 4e17])
    np.testing.assert_allclose(joined.xy[joined.flux > 0], [[5.3, 5.0]])
    strong = Elements.at(np.arange(200)[:, None] * [20.0, 0.0], np.full(200, 1e19))
    assert 280 < len(coalesce(rng, strong).flux) < 360  # three fifths of them


@given(st.integers(0, 2**31), st.integers(0, 60))
def test_deposit_keeps_flux_and_its_centre(seed, n):
    elements = crowd(seed, n)
    elements.xy += 3.0
    field = deposit(elements, (40, 44))
    unsigned = np.abs(elements.flux).sum()
    assert field.dtype == np.float32
    assert field.sum(dtype=float) * PIXEL_CM2 == pytest.approx(
        elements.flux.sum(), abs=1e-6 * unsigned
    )
    for axis, pixels in enumerate(np.mgrid[:40, :44][::-1]):
        moment = (field * pixels).sum(dtype=float) * PIXEL_CM2
        expected = (elements.flux * elements.xy[:, axis]).sum()
        assert moment == pytest.approx(expected, abs=1e-4 * unsigned)


def test_what_lies_outside_the_patch_is_not_drawn():
    places = [[-1.5, 2.0], [2.0, 9.0], [9.5, 2.0], [3.0, -7.0]]
    field = deposit(Elements.at(places, np.full(4, 1e18)), (8, 10))
    # Half of the third lies on the last column.
    assert field.sum() * PIXEL_CM2 == pytest.approx(5e17, rel=1e-6)
    assert np.flatnonzero(field.sum(axis=0)).tolist() == [9]


def test_cells_flow_outward_and_never_faster_than_their_speed():
    rng = np.random.default_rng(4)
    cells = Cells(rng, (100, 150), width=30.0, life=20.0, speed=3.0, lane=5.0)
    xy = rng.random((4000, 2)) * [150, 100]
    for _ in range(30):
        cells.turn_over()
        speed = np.linalg.norm(cells.velocity(xy), axis=1)
        assert speed.max() <= 3.0 + 1e-9
    assert np.median(speed) > 1.0
    # Flux gathers in lanes: the flow converges at their borders and nowhere is uniform.
    swept = xy
    for _ in range(10):
        swept = swept + cells.velocity(swept)
    assert np.linalg.norm(cells.velocity(swept), axis=1).mean() < 0.5 * speed.mean()


def test_strong_field_slows_what_is_swept():
    def moved(strength: float) -> float:
        rng = np.random.default_rng(5)
        large = Cells(rng, (100, 100), width=70.0, life=20.0, speed=3.2, lane=8.0)
        small = Cells(rng, (100, 100), width=15.0, life=5.0, speed=3.6, lane=4.0)
        xy = rng.random((500, 2)) * 100
        there = sweep(rng, xy, np.full(500, strength), large, small)
        return float(np.linalg.norm(there - xy, axis=1).mean())

    assert 0 < moved(2000.0) < 0.5 * moved(0.0)

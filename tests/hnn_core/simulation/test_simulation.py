"""Simulated regions: conservation, determinism, statistics, and being read like real ones."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.physics.pil import detect_pils
from hnn_core.exceptions import UnknownRegionError, UnknownSourceError, UnknownTimeError
from hnn_core.magnetogram.magnetogram import read_fits
from hnn_core.simulation.evolution import evolve
from hnn_core.simulation.population import HOURS, PIXEL_CM2, Population
from hnn_core.simulation.render import render, simulate_region
from hnn_core.sources import open_source
from hnn_core.sources.simulated import SimulatedSource
from tests.support.drawn_sharp import write_hdu

pytestmark = pytest.mark.slow


def test_net_flux_is_conserved_to_rounding() -> None:
    for index in (1, 2, 7):
        flux = evolve(Population(0).region(index)).flux
        assert np.ptp(flux.sum(axis=1)) < 1e-12 * np.abs(flux).sum(axis=1).max()


def test_flux_budget_closes_with_the_recorded_truth() -> None:
    evolution = evolve(Population(0).region(4))
    unsigned = np.abs(evolution.flux).sum(axis=1)
    change = evolution.emergence - evolution.pil_cancellation - evolution.background_cancellation
    np.testing.assert_allclose(np.diff(unsigned), change[1:], rtol=1e-9, atol=1e-9 * unsigned[0])


def test_the_hours_of_a_region_are_those_that_are_rendered_one_by_one() -> None:
    frames = simulate_region(2, seed=5, hours=[3, 20])
    region = Population(5).region(2)
    for frame, hour in zip(frames, (3, 20), strict=True):
        assert np.array_equal(frame.field, render(region, hour).field)
        assert frame.simulated
    with pytest.raises(ValueError, match="counted from 1"):
        simulate_region(0)
    with pytest.raises(ValueError, match="between 0 and 47"):
        simulate_region(1, hours=[48])


def test_no_element_changes_polarity() -> None:
    flux = evolve(Population(3).region(5)).flux
    assert (np.sign(flux) == np.sign(flux[0])).all()


def test_same_seed_same_pixels_other_seed_other_pixels() -> None:
    first = render(Population(0).region(2), 17)
    evolve.cache_clear()
    again = render(Population(0).region(2), 17)
    other = render(Population(1).region(2), 17)
    np.testing.assert_array_equal(first.field, again.field)
    assert first.field.shape != other.field.shape or not np.array_equal(first.field, other.field)


def test_classes_come_in_equal_numbers() -> None:
    classes = [Population(5).region(i).eruptive for i in range(1, 101)]
    assert sum(classes) == 50
    assert classes[:20] != [True, False] * 10


def test_overlap_bounds_the_skill_of_a_perfect_measurement() -> None:
    population = Population(11, overlap=0.3)
    regions = [population.region(i) for i in range(1, 801)]
    efficiency = np.array([r.efficiency for r in regions])
    eruptive = np.array([r.eruptive for r in regions])
    cut = np.sqrt(population.eruptive_efficiency * population.confined_efficiency)
    tss = (efficiency[eruptive] > cut).mean() - (efficiency[~eruptive] > cut).mean()
    assert tss == pytest.approx(0.7, abs=0.08)  # 1 - overlap; 800 draws scatter by 0.03


def test_eruptive_regions_cancel_before_the_flare_and_confined_ones_do_not() -> None:
    rates: dict[bool, list[float]] = {True: [], False: []}
    for index in range(1, 41):
        region = Population(8).region(index)
        last = int(region.flare_hour)
        lost = evolve(region).pil_cancellation[last - 24 : last].sum()
        rates[region.eruptive].append(lost / region.pil_flux)
    assert np.median(rates[True]) > 5 * np.median(rates[False])


def test_flux_trend_position_and_size_tell_no_class() -> None:
    """For 30 + 30 regions the rank-sum z of a quantity without information is N(0, 1)."""
    regions = [Population(21).region(i) for i in range(1, 61)]
    eruptive = np.array([r.eruptive for r in regions])
    unsigned = [np.abs(evolve(r).flux[[20, 40]]).sum(axis=1) for r in regions]
    quantities = {
        "trend": [total[1] / total[0] for total in unsigned],
        "size": [r.rows * r.cols for r in regions],
        "longitude": [r.start_longitude for r in regions],
        "flare": [r.flare_flux for r in regions],
    }
    for name, values in quantities.items():
        rank = np.argsort(np.argsort(values))
        z = (rank[eruptive].sum() - 30 * 59 / 2) / np.sqrt(30 * 30 * 61 / 12)
        assert abs(z) < 3.3, name


def test_statistics_within_a_factor_of_two_of_harp_377() -> None:
    """HARP 377 over its 50 hours: fractions of pixels stronger than a field, PIL length."""
    frames = [render(Population(0).region(i), 24).field for i in range(1, 13)]
    for threshold, lowest, highest in ((50, 0.10, 0.18), (100, 0.07, 0.13), (500, 0.020, 0.043)):
        fraction = np.median([(np.abs(f) > threshold).mean() for f in frames])
        assert lowest / 2 < fraction < highest * 2, threshold
    flux = np.array([np.abs(f).sum(dtype=float) * PIXEL_CM2 for f in frames])
    assert (flux > 3e21).all()
    assert (flux < 5e22).all()
    length = np.median([detect_pils(f).pil.sum() for f in frames])
    assert 250 / 2 < length < 360 * 2
    assert all(1000 < np.abs(f).max() < 3000 for f in frames)


def test_source_offers_both_classes_and_48_hours() -> None:
    source = open_source("sim:")
    regions = source.regions()
    assert source.simulated
    assert len(regions) >= 12
    assert {r.flares[0].association for r in regions} == {"eruptive", "confined"}
    for region in regions:
        assert region.simulated
        assert region.harp >= 900001
        assert region.noaa == ()
        assert len(source.times(region.id)) == len(source.quality(region.id)) == HOURS == 48
        assert region.first < region.flares[0].peak < region.last


def test_source_refuses_what_it_does_not_have() -> None:
    source = open_source("sim:")
    times = source.times("SIM 3")
    with pytest.raises(UnknownRegionError, match="SIM 99"):
        source.times("SIM 99")
    with pytest.raises(UnknownTimeError, match="no record"):
        source.frame("SIM 3", times[0] - 3600.0 * (times[1] - times[0]))
    bad = int(np.flatnonzero(source.quality("SIM 3"))[0])
    with pytest.raises(UnknownTimeError, match="no data"):
        source.frame("SIM 3", times[bad])


def test_written_to_fits_it_is_read_like_a_real_one(tmp_path) -> None:
    made = render(Population(0).region(1), 12)
    path = tmp_path / "sim.fits"
    write_hdu(path, made.field, made.header)
    read = read_fits(path)
    # Rice-compressed integers of 0.1 G, as JSOC writes them.
    np.testing.assert_allclose(read.field, made.field, atol=0.051)
    assert read.simulated
    assert read.harp == made.harp
    assert read.noaa == ()
    assert abs((read.t_rec - made.t_rec).sec) < 1e-3
    assert read.longitude.value == pytest.approx(made.longitude.value)
    assert read.pixel_area.to_value("cm2") == pytest.approx(PIXEL_CM2, rel=1e-6)


def test_projection_lowers_the_field_towards_the_limb() -> None:
    """The same elements seen at 17 deg and near 44 deg: total flux scales with mu."""
    region = Population(0).region(1)
    centre, side = (render(replace(region, start_longitude=x), 0) for x in (0.0, 60.0))
    ratio = (
        np.abs(side.field[np.abs(side.field) > 200]).sum()
        / np.abs(centre.field)[np.abs(side.field) > 200].sum()
    )
    assert 0.4 < ratio < 0.62  # cos 60 deg = 0.5, over a patch some 15 deg wide


@given(st.integers(0, 2**31), st.integers(1, 500))
@settings(max_examples=15)
def test_any_seed_gives_a_usable_region(seed: int, index: int) -> None:
    region = Population(seed).region(index)
    assert region.onset_hour < region.flare_hour - 26
    assert region.flare_hour < HOURS
    assert -45 < region.start_longitude < region.start_longitude + 27.5 < 45


@pytest.mark.parametrize("spec", ["sim:" + "9" * 5000, "sim:1:" + "9" * 5000, "sim:" + "9" * 19])
def test_a_number_that_no_population_has_is_refused_in_a_sentence(spec):
    with pytest.raises(
        UnknownSourceError, match="not a whole number of at most 18 digits"
    ) as caught:
        open_source(spec)
    assert len(str(caught.value)) < 300


def test_one_region_of_a_large_population_does_not_wait_for_the_others():
    source = SimulatedSource(1, 90_000)
    assert len(source.times("SIM 80000")) == HOURS
    assert source.frame("SIM 80000", source.times("SIM 80000")[0]).harp == 980_000
    for name in ("SIM 0", "SIM 01", "SIM 90001", "SIM 1000000", "SIM ²", "sim 1", ""):
        with pytest.raises(UnknownRegionError):
            source.truth(name)
    assert "_regions" not in vars(source)

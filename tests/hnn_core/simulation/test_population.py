"""From what regions are drawn: the class is in the cancellation and nowhere else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hnn_core.simulation.population import HOURS, Population, RegionParameters

REGIONS = [Population(21).region(i) for i in range(1, 801)]
ERUPTIVE = np.array([region.eruptive for region in REGIONS])


def rank_sum(values: list[float], chosen: np.ndarray) -> float:
    """The z of the rank sum of the chosen; of a quantity without information it is N(0, 1)."""
    order = np.random.default_rng(0).permutation(len(values))  # ties in any order
    rank = np.empty(len(values))
    rank[order[np.argsort(np.array(values)[order], kind="stable")]] = np.arange(len(values))
    n, m = chosen.sum(), (~chosen).sum()
    return (rank[chosen].sum() - n * (n + m - 1) / 2) / np.sqrt(n * m * (n + m + 1) / 12)


def test_classes_come_in_equal_numbers_and_in_no_order():
    classes = [Population(5).region(i).eruptive for i in range(1, 101)]
    assert sum(classes) == 50
    assert classes[:20] != [True, False] * 10
    with pytest.raises(ValueError, match="counted from 1 in whole numbers, got 0"):
        Population(5).region(0)


@pytest.mark.parametrize("overlap", [0.02, 0.3])
def test_overlap_bounds_the_skill_of_a_perfect_measurement(overlap):
    population = Population(11, overlap=overlap)
    regions = [population.region(i) for i in range(1, 801)]
    efficiency = np.array([region.efficiency for region in regions])
    eruptive = np.array([region.eruptive for region in regions])
    cut = np.sqrt(population.eruptive_efficiency * population.confined_efficiency)
    tss = (efficiency[eruptive] > cut).mean() - (efficiency[~eruptive] > cut).mean()
    assert tss == pytest.approx(1 - overlap, abs=0.08)  # 800 draws scatter by 0.03
    assert efficiency.max() <= 0.35  # no hour takes more


def test_classes_of_the_default_population_hardly_overlap():
    assert Population().overlap == 0.02


QUANTITIES = {
    "size": lambda one: one.rows * one.cols,
    "longitude": lambda one: one.start_longitude,
    "latitude": lambda one: abs(one.latitude),
    "flare": lambda one: one.flare_flux,
    "hour": lambda one: one.flare_hour,
    "flux": lambda one: one.total_flux + one.pil_flux,
    "trend": lambda one: one.emergence_rate * one.total_flux,  # the trend of the total
    "feeding": lambda one: one.pil_emergence_rate * one.pil_flux,
    "length": lambda one: one.pil_length,
    "shear": lambda one: one.shear,
    "convergence": lambda one: one.convergence,
    "bipoles": lambda one: one.bipoles,
    "strong": lambda one: one.strong,
}


@pytest.mark.parametrize("quantity", QUANTITIES.values(), ids=QUANTITIES)
def test_nothing_else_tells_the_class(quantity):
    values = [quantity(region) for region in REGIONS]
    assert len(set(values)) > 1
    assert abs(rank_sum(values, ERUPTIVE)) < 3.0


def test_the_test_of_no_information_sees_the_efficiency_and_a_small_difference():
    assert rank_sum([region.efficiency for region in REGIONS], ERUPTIVE) > 20
    longer = [region.pil_length * (1.1 if region.eruptive else 1.0) for region in REGIONS]
    assert rank_sum(longer, ERUPTIVE) > 3.0


def test_strong_lines_occur_in_both_classes_and_are_stronger():
    strong = np.array([region.strong for region in REGIONS])

    def line(region: RegionParameters) -> float:
        """Flux of the line, and what emerges along it in a day."""
        return region.pil_flux * (1 + 24 * region.pil_emergence_rate)

    for eruptive in (True, False):
        of_class = eruptive == ERUPTIVE
        assert 0.2 < strong[of_class].mean() < 0.4
        flux = np.array([line(region) for region in REGIONS])
        assert np.median(flux[of_class & strong]) > 1.2 * np.median(flux[of_class & ~strong])
    confined = [region for region in REGIONS if not region.eruptive]
    feeding = {
        kind: [one.pil_emergence_rate * one.pil_flux for one in confined if one.strong == kind]
        for kind in (True, False)
    }
    assert min(feeding[True]) > np.quantile(feeding[False], 0.9)


@given(st.integers(0, 2**31), st.integers(1, 500))
@settings(max_examples=30)
def test_any_seed_gives_a_usable_region(seed, index):
    region = Population(seed).region(index)
    assert region == Population(seed).region(index)
    assert 0 < region.onset_hour < region.flare_hour - 26
    assert region.flare_hour < HOURS
    assert -45 < region.start_longitude < region.start_longitude + 27.5 < 45
    assert min(region.rows, region.cols) >= 280  # room for the default crop
    assert region.total_flux >= 1.5e21
    assert 0 < region.pil_flux < 3e22

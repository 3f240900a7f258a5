"""The models in assets/: small, honest about themselves, and better than a guess."""

import numpy as np
import pytest
from astropy.time import TimeDelta

from hnn_core.model_store import SHIPPED, list_models
from hnn_core.predictor import Predictor
from hnn_core.sequence import build_sequence
from hnn_core.simulate import Population
from hnn_core.sources import open_source
from hnn_core.training.demo import SPLITS

NAMES = ("demo", "vit-baseline")


@pytest.mark.parametrize("name", NAMES)
def test_is_small_and_tells_what_it_was_trained_on(name: str) -> None:
    info = next(info for info in list_models() if info.name == name)
    assert sum(file.stat().st_size for file in (SHIPPED / name).iterdir()) < 16e6
    assert info.config.temporal == (name == "demo")
    assert (info.config.depth, info.config.heads, info.config.width) == (12, 12, 192)
    assert "simulated" in info.metadata["trained_on"]
    assert "forecasts nothing" in info.metadata["caution"]
    card = (SHIPPED / name / "README.md").read_text(encoding="utf-8")
    assert f"TSS {info.metadata['test']['tss']:.3f}" in card


def test_the_card_speaks_of_the_population_that_is_there() -> None:
    card = next(info for info in list_models() if info.name == "demo").metadata
    for name, value in card["population"].items():
        assert getattr(Population(), name) == value
    assert card["seeds"] == {"training": 0, **{split: seed for split, (seed, _) in SPLITS.items()}}
    assert len({seed for seed, _ in SPLITS.values()} | {0}) == 4  # the shown regions are unseen


def test_the_network_with_memory_scores_above_the_one_without() -> None:
    test = {info.name: info.metadata["test"] for info in list_models() if info.name in NAMES}
    assert test["demo"]["tss_95"][0] > test["vit-baseline"]["tss_95"][1]


def test_demo_tells_test_regions_apart_better_than_a_guess() -> None:
    """One hour each of the first 16 test regions; a coin gets 12 right with p = 0.04."""
    source, demo = open_source(f"sim:{SPLITS['test'][0]}"), Predictor.load("demo", device="cpu")
    right = []
    for region in source.regions():
        flare = region.flares[0]
        hours = source.times(region.id)[source.quality(region.id) == 0]
        before = hours[hours < flare.peak - TimeDelta(6 * 3600.0, format="sec")][-1]
        prediction = demo.predict(build_sequence(source, region.id, before))
        right.append(prediction.label == flare.association)
    assert np.sum(right) >= 12, right

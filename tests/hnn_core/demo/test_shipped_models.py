"""What ships in assets/: small, honest about itself, and better than a guess."""

import numpy as np
import pytest
from astropy.time import TimeDelta

from hnn_core.demo.flux_reading import SEED as READ_SEED
from hnn_core.demo.make import CROSSVAL, DATASET, RUNS, SOURCE_SEED
from hnn_core.network.model_store import SHIPPED, list_models
from hnn_core.network.predictor import Predictor
from hnn_core.scores import group_counts, interval, resampled_scores, skill_scores
from hnn_core.sources import open_source
from hnn_core.sources.sequence import build_sequence
from hnn_core.training.results import score_row
from hnn_core.training.run_folder import find_run, list_runs

pytestmark = pytest.mark.slow

UNSEEN_SEED = 2


def shipped(name: str):
    return next(info for info in list_models()[0] if info.name == name)


@pytest.mark.parametrize("name", RUNS)
def test_is_small_and_tells_what_it_was_trained_on(name: str) -> None:
    info = shipped(name)
    assert sum(file.stat().st_size for file in (SHIPPED / name).iterdir()) < 16e6
    assert info.config.temporal == (name == "demo")
    assert (info.config.depth, info.config.heads, info.config.width) == (12, 12, 192)
    assert "simulated" in info.metadata["trained_on"]
    assert "forecasts nothing" in info.metadata["caution"]
    assert info.metadata["training"]["freeze_vit"] is True
    card = (SHIPPED / name / "README.md").read_text(encoding="utf-8")
    low, high = info.metadata["test"]["tss_95"]
    assert f"TSS {info.metadata['test']['tss']:.3f}" in card
    assert f"{low:.3f} to {high:.3f}" in card
    assert info.checksum == info.weights_sha256
    assert "LSTM and classifier" in card


def test_nobody_learned_from_the_regions_that_are_shown() -> None:
    assert shipped("demo").metadata["dataset"]["source"] == f"sim:{SOURCE_SEED}:800"
    assert len({SOURCE_SEED, READ_SEED, UNSEEN_SEED, 0}) == 4


@pytest.mark.parametrize("name", [*RUNS, CROSSVAL])
def test_runs_ship_with_the_predictions_their_scores_come_from(name: str) -> None:
    run = find_run(name)
    assert run.shipped
    assert run.status.state == "finished"
    assert sum(file.stat().st_size for file in run.path.iterdir()) < 4e6
    table, scores = run.predictions(), run.scores()
    assert scores["simulated"] is True
    assert scores["dataset"] == DATASET
    for row in scores["rows"]:
        part = table[(table["model"] == row["model"]) & (table["fold"] == row["fold"])]
        found = skill_scores(part["label"], part["probability"] >= scores["threshold"])
        assert {key: row[key] for key in found} == pytest.approx(found, nan_ok=True)
        assert row["tss_95"] == pytest.approx(score_row(part, scores["threshold"])["tss_95"])
    assert [name for name in list_runs()[0] if not name.shipped] == []


def test_the_models_tell_the_scores_of_their_runs() -> None:
    for name in RUNS:
        (row,) = find_run(name).scores()["rows"]
        assert shipped(name).metadata["test"]["tss"] == row["tss"]


def test_folds_are_all_regions_once_for_each_network() -> None:
    table = find_run(CROSSVAL).predictions()
    for _, of_model in table.groupby("model"):
        assert of_model.groupby("region")["fold"].nunique().max() == 1
        assert of_model["region"].nunique() == 800


def test_the_network_with_memory_scores_above_the_one_without() -> None:
    """On the same regions, drawn with replacement: the 95 % interval of the difference."""
    drawn = []
    for name in RUNS:
        table = find_run(name).predictions().sort_values(["region", "hour"])
        predicted = (table["probability"] >= 0.5).to_numpy().astype(int)
        counts = group_counts(table["label"], predicted, table["group"])
        drawn.append(resampled_scores(counts)["tss"])
    assert interval(drawn[0] - drawn[1])[0] > 0
    folds = find_run(CROSSVAL).scores()["crossval"]
    assert folds["hnn"]["tss"]["mean"] > folds["vit"]["tss"]["mean"]


def test_demo_tells_unseen_regions_apart_better_than_a_guess() -> None:
    """One hour each of 16 regions of another seed; a coin gets 12 right with p = 0.04."""
    source, demo = open_source(f"sim:{UNSEEN_SEED}"), Predictor.load("demo", device="cpu")
    right = []
    for region in source.regions():
        flare = region.flares[0]
        hours = source.times(region.id)[source.quality(region.id) == 0]
        before = hours[hours < flare.peak - TimeDelta(6 * 3600.0, format="sec")][-1]
        prediction = demo.predict(build_sequence(source, region.id, before))
        right.append(prediction.label == flare.association)
    assert np.sum(right) >= 12, right

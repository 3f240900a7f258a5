"""The program that trains the shipped models, from nothing to a folder that loads, in small."""

import pytest

from hnn_core.model_store import load_model
from hnn_core.training import demo


@pytest.fixture
def two_regions(monkeypatch):
    monkeypatch.setattr(demo, "SPLITS", {"train": (1, 2), "validation": (3, 2), "test": (2, 2)})


def test_trains_both_models_and_writes_their_cards(two_regions, tmp_path, monkeypatch):
    work, out = tmp_path / "work", tmp_path / "models"
    steps = ["--flux-steps", "10", "--head-steps", "5", "--n-keep", "8"]
    demo.main(["--work", str(work), "--out", str(out), *steps])
    first, info = load_model(out / "demo")
    baseline, _ = load_model(out / "vit-baseline")
    assert first.config.temporal
    assert not baseline.config.temporal
    counts = [info.metadata["test"][name] for name in ("tp", "fp", "tn", "fn")]
    assert sum(counts) == 2 * demo.LABELLED
    card = (out / "demo" / "README.md").read_text(encoding="utf-8")
    assert "2 simulated regions (seed 2) not used in training" in card
    # One transformer serves both, and a second start goes on from what is there.
    assert first.vit.pos_embed.equal(baseline.vit.pos_embed)
    monkeypatch.setattr(demo, "read_flux", None)
    demo.main(["--work", str(work), "--out", str(out), *steps])
    again, _ = load_model(out / "demo")
    assert again.classifier.weight.equal(first.classifier.weight)

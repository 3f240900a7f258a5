"""The program that makes what ships, from nothing to folders that load, in small."""

import json

import pytest
import torch

from hnn_core.__main__ import main
from hnn_core.demo import make as demo
from hnn_core.network.model_store import load_model
from hnn_core.training.run_folder import RunFolder

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:torch", "ignore::FutureWarning"),
]


def test_makes_models_and_runs_and_goes_on_where_it_was(tmp_path, monkeypatch):
    def command(words: list[str]) -> int:
        # With its eight symmetries every frame is encoded eight times, which takes a minute.
        return main([word for word in words if word != "--symmetries"])

    monkeypatch.setattr(demo, "command", command)
    work, out = tmp_path / "work", tmp_path / "assets"
    words = [
        "--regions=16", "--width=24", "--flux-steps=6", "--flux-regions=2", "--epochs=1",
        "--workers=1",
    ]  # fmt: skip
    assert demo.main([f"--work={work}", f"--out={out}", *words]) == 0
    first, info = load_model(out / "models" / "demo")
    baseline, _ = load_model(out / "models" / "vit-baseline")
    assert first.config.temporal
    assert not baseline.config.temporal
    # One transformer serves both: it learned to read flux and stayed as it was.
    assert first.vit.pos_embed.equal(baseline.vit.pos_embed)
    runs = {name: RunFolder(out / "runs" / name) for name in (*demo.RUNS, demo.CROSSVAL)}
    assert all(run.status.state == "finished" for run in runs.values())
    table = runs["demo"].predictions()
    assert len(table) == info.metadata["parts"]["test"]["sequences"]
    assert info.metadata["test"]["tp"] == runs["demo"].scores()["rows"][0]["tp"]
    assert runs[demo.CROSSVAL].predictions()["region"].nunique() == 16
    card = (out / "models" / "demo" / "README.md").read_text(encoding="utf-8")
    assert "forecasts nothing" in card
    # Nothing that ships names a place on the machine that made it.
    for path in out.rglob("*.json*"):
        assert str(tmp_path) not in path.read_text(encoding="utf-8")
    assert json.loads((out / "runs/demo/config.json").read_text())["pretrained"] == (
        "vit-flux.safetensors"
    )
    # The test predictions are those of the shipped weights, as the program will use them.
    assert all(tensor.half().float().equal(tensor) for tensor in first.state_dict().values())

    before = (out / "models" / "demo" / "model.safetensors").read_bytes()
    monkeypatch.setattr(torch.optim.Adam, "step", None)  # nothing is trained a second time
    (out / "runs" / demo.CROSSVAL / "scores.json").unlink()
    assert demo.main([f"--work={work}", f"--out={out}", *words]) == 0
    assert (out / "runs" / demo.CROSSVAL / "scores.json").is_file()
    assert (out / "models" / "demo" / "model.safetensors").read_bytes() == before

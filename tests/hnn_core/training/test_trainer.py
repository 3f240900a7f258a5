"""A training from configuration to scores, and everything that may befall it."""

import errno
import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from hnn_core.exceptions import (
    DiskFullError,
    ForeignDatasetError,
    OneClassError,
    TooFewGroupsError,
    TrainingError,
)
from hnn_core.magnetogram.preprocess import PreprocessConfig
from hnn_core.network.model_store import load_model
from hnn_core.training import callbacks as checkpoints
from hnn_core.training.assemble import Material
from hnn_core.training.callbacks import Keeper, Stopper, StopRequestedError
from hnn_core.training.config import TrainConfig
from hnn_core.training.fit import train_run
from hnn_core.training.module import TrainingModule
from hnn_core.training.run_folder import create_run
from tests.conftest import ROOT
from tests.support.made_datasets import MadeDataset, small_training

pytestmark = [
    pytest.mark.slow,
    # Lightning asks torch for what torch calls old; both are theirs.
    pytest.mark.filterwarnings("ignore::DeprecationWarning:torch", "ignore::FutureWarning"),
]


@pytest.fixture(scope="module")
def material():
    dataset = MadeDataset(12)
    return Material(dataset, np.arange(len(dataset.frames)), dataset.frames)


@pytest.fixture(scope="module")
def uninterrupted(material, tmp_path_factory):
    """Finished runs of three epochs, without and with symmetries."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HNN_HOME", str(tmp_path_factory.mktemp("uninterrupted")))
        runs = [made_run(f"whole{k}", epochs=3, symmetries=bool(k)) for k in (0, 1)]
        for run in runs:
            train_run(run, material)
    return runs


def made_run(name="run", **changes):
    return create_run("train", TrainConfig(**small_training(**changes)), name)


def weights(run):
    return load_model(run.model_folder)[0].state_dict()


def newest(run):
    path = sorted((run.path / "checkpoints").glob("*.ckpt"))[-1]
    return torch.load(path, weights_only=True)["state_dict"]


def same(first, second):
    return all(torch.equal(first[name], second[name]) for name in first) and set(first) == set(
        second
    )


def test_learns_what_can_be_learned(material):
    """The place of the bipole tells the class: a small network finds it in some epochs."""
    run = made_run(epochs=12, learning_rate=3e-3)
    table = train_run(run, material)
    steps, epochs = run.history()
    assert epochs["train_loss"].iloc[-1] < 0.5 * epochs["train_loss"].iloc[0]
    scores = run.scores()
    assert scores["rows"][0]["tss"] > 0.8
    assert len(steps)
    assert len(epochs) == 12
    # What is written is what was returned, and the model says the same again.
    assert run.predictions().equals(table)
    info = load_model(run.model_folder)[1]
    assert info.metadata["test"]["tss"] == scores["rows"][0]["tss"]
    assert "simulated" in info.metadata["trained_on"]
    best = epochs.loc[epochs["validation_loss"].idxmin(), "epoch"]
    assert info.metadata["epoch"] == best
    card = (run.model_folder / "README.md").read_text()
    assert f"Kept: epoch {best} of 12, the one with the lowest loss on the validation set" in card
    assert info.metadata["test"]["tss_95"] == scores["rows"][0]["tss_95"]
    assert not info.note


def test_the_same_seed_gives_the_same_weights_and_another_one_others(material):
    runs = [made_run(str(k), seed=seed) for k, seed in enumerate((3, 3, 4))]
    for run in runs:
        train_run(run, material)
    assert same(newest(runs[0]), newest(runs[1]))
    assert not same(newest(runs[0]), newest(runs[2]))


@pytest.mark.parametrize("step", [1, 5, 6, 7])
@pytest.mark.parametrize("symmetries", [False, True])
def test_stopped_and_resumed_reaches_the_weights_of_an_uninterrupted_run(
    material, uninterrupted, monkeypatch, step, symmetries
):
    """Steps 1, 5 and 7 lie within epochs of six steps, 6 ends one."""
    whole, cut = uninterrupted[symmetries], made_run("cut", epochs=3, symmetries=symmetries)
    asked = Stopper.on_train_batch_end

    def ask(self, trainer, *rest):
        self.requested = trainer.global_step == step
        asked(self, trainer, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(Stopper, "on_train_batch_end", ask)
        with pytest.raises(StopRequestedError):
            train_run(cut, material)
    assert not cut.has_predictions
    train_run(cut, material)
    assert same(newest(cut), newest(whole))
    assert same(weights(cut), weights(whole))
    assert cut.predictions().equals(whole.predictions())
    (_, first), (_, second) = whole.history(), cut.history()
    columns = ["epoch", "step", "validation_loss", "best_epoch"]
    assert first[columns].equals(second[columns])


def test_killed_between_two_checkpoints_goes_on_from_the_older(
    material, uninterrupted, monkeypatch
):
    """What is lost with the process is done again, with the same batches."""
    whole, killed = uninterrupted[False], made_run("killed", epochs=3)

    class Killed(BaseException):
        pass

    step = TrainingModule.training_step

    def die(self, batch, index):
        if self.trainer.global_step == 9:
            raise Killed
        return step(self, batch, index)

    with monkeypatch.context() as patch:
        patch.setattr(TrainingModule, "training_step", die)
        with pytest.raises(Killed):
            train_run(killed, material)
    train_run(killed, material)
    assert any("Resuming from step000000006" in e.get("text", "") for e in killed.events())
    assert same(newest(killed), newest(whole))
    steps, _ = killed.history()
    assert steps["step"].is_unique


def test_a_finished_training_is_not_trained_again(material):
    run = made_run()
    first = train_run(run, material)
    before = newest(run)
    assert train_run(run, material).equals(first)
    assert same(newest(run), before)


def test_a_damaged_checkpoint_is_passed_over_and_told(material):
    run = made_run(epochs=3)
    train_run(run, material)
    expected = newest(run)
    last = sorted((run.path / "checkpoints").glob("*.ckpt"))[-1]
    raw = bytearray(last.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    last.write_bytes(raw)
    train_run(run, material)
    told = [e for e in run.events() if e["event"] == "message" and e["level"] == "warning"]
    assert last.name in told[0]["text"]
    assert same(newest(run), expected)


@pytest.mark.parametrize("damage", [b"", b"not a checkpoint", None])
def test_no_readable_checkpoint_is_an_error(material, damage):
    run = made_run()
    train_run(run, material)
    for path in (run.path / "checkpoints").glob("*.ckpt"):
        path.write_bytes(path.read_bytes()[:5000] if damage is None else damage)
    with pytest.raises(TrainingError, match="None of the 2 checkpoints"):
        train_run(run, material)


def test_a_loss_that_is_not_finite_stops_and_names_the_batch(material, monkeypatch):
    run = made_run(epochs=3)
    logits = TrainingModule.logits

    def spoilt(self, batch):
        factor = float("nan") if self.trainer.training and self.trainer.global_step == 8 else 1.0
        return logits(self, batch) * factor

    monkeypatch.setattr(TrainingModule, "logits", spoilt)
    with pytest.raises(TrainingError, match=r"nan in batch 3 of epoch 2"):
        train_run(run, material)
    assert all(torch.isfinite(weight).all() for weight in weights(run).values())
    assert all(torch.isfinite(weight).all() for weight in newest(run).values())


def test_weights_that_are_not_finite_are_not_kept(material, monkeypatch):
    run = made_run(epochs=2)
    end = Keeper.on_train_epoch_end

    def spoil(self, trainer, module):
        if trainer.current_epoch == 1:
            with torch.no_grad():
                module.model.classifier.bias.fill_(float("inf"))
        end(self, trainer, module)

    monkeypatch.setattr(Keeper, "on_train_epoch_end", spoil)
    with pytest.raises(TrainingError, match="not finite after epoch 2"):
        train_run(run, material)
    assert all(torch.isfinite(weight).all() for weight in newest(run).values())


def test_a_full_disk_ends_the_run_and_it_resumes(material, uninterrupted, monkeypatch):
    whole, run = uninterrupted[False], made_run("full", epochs=3)
    save = torch.save

    def full(checkpoint, stream):
        if checkpoint["global_step"] > 6:
            stream.write(b"half of it")
            raise OSError(errno.ENOSPC, "No space left on device", "step.ckpt")
        save(checkpoint, stream)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints.torch, "save", full)
        with pytest.raises(DiskFullError, match="make room and resume"):
            train_run(run, material)
    assert [p.name for p in (run.path / "checkpoints").iterdir()] == [
        "step000000006-epoch00001.ckpt"
    ]
    train_run(run, material)
    assert same(newest(run), newest(whole))


def test_too_little_memory_names_the_settings(material, monkeypatch):
    def full(self, batch):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 GB")

    monkeypatch.setattr(TrainingModule, "logits", full)
    with pytest.raises(TrainingError, match=r"lower batch \(now 16\)"):
        train_run(made_run(), material)


def test_a_part_with_one_class_is_refused():
    dataset = MadeDataset(labels=[1] * 6)
    material = Material(dataset, np.arange(len(dataset.frames)), dataset.frames)
    with pytest.raises(OneClassError):
        train_run(made_run(), material)


def test_early_stopping_waits_for_its_patience(material, monkeypatch):
    run = made_run(epochs=20, learning_rate=1e-6, patience=2)
    scored = Keeper.on_validation_epoch_end

    def rising(self, trainer, module):
        scored(self, trainer, module)
        self.last["loss"] = 1.0 + trainer.current_epoch

    monkeypatch.setattr(Keeper, "on_validation_epoch_end", rising)
    train_run(run, material)
    assert len(run.history()[1]) == 3
    assert any("Stopped early" in event.get("text", "") for event in run.events())


def test_without_validation_the_last_epoch_is_kept(material):
    run = made_run(validation_fraction=0.0)
    train_run(run, material)
    assert load_model(run.model_folder)[1].metadata["epoch"] == 2
    trained = {f"model.{name}": value for name, value in weights(run).items()}
    assert same(trained, newest(run))


def test_a_frozen_transformer_stays_and_each_frame_is_embedded_once(material, monkeypatch):
    run = made_run(freeze_vit=True, symmetries=True, epochs=3)
    train_run(run, material)
    plain = made_run("plain", freeze_vit=True, epochs=3)
    from hnn_core.training import loaders as frozen

    calls = []
    embed = frozen.embed_frames
    monkeypatch.setattr(frozen, "embed_frames", lambda *a, **k: calls.append(1) or embed(*a, **k))
    train_run(plain, material)
    assert calls == []  # symmetry 0 was embedded with the others
    start = {k: v for k, v in weights(run).items() if k.startswith("vit.")}
    assert same(start, {k: v for k, v in weights(plain).items() if k.startswith("vit.")})
    assert not torch.equal(weights(run)["classifier.weight"], weights(plain)["classifier.weight"])


def test_frozen_and_trained_with_zero_rate_say_the_same(material):
    """Embeddings from the store give the probabilities that the whole network gives."""
    frozen = train_run(made_run("a", freeze_vit=True, epochs=1, learning_rate=1e-12), material)
    whole = train_run(made_run("b", epochs=1, learning_rate=1e-12), material)
    assert np.allclose(frozen["probability"], whole["probability"], atol=1e-6)


def test_the_baseline_looks_at_the_last_hour_alone(material):
    run = made_run(temporal=False)
    table = train_run(run, material)
    assert set(table["model"]) == {"vit"}
    assert "lstm.weight_ih_l0" not in weights(run)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"flare_class": "X"}, "one of M5.0, M, C"),
        ({"batch": 0}, "batch is 0"),
        ({"patch": 10}, "does not divide the image"),
        ({"heads": 3}, "does not divide width"),
        ({"pretrained": "hub"}, "768"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"patience": 3, "validation_fraction": 0.0}, "validation_fraction"),
        ({"fold": 6}, "from 0 to 5"),
        ({"dataset": ""}, "dataset is empty"),
        ({"accelerator": "tpu"}, "one of auto, cpu, gpu"),
        ({"batch": True}, "batch is True: a whole number from 1 to 65536"),
        ({"learning_rate": 20}, "learning_rate is 20: a number from 1e-12 to 10"),
        ({"depht": 3}, "depht is no setting"),
    ],
)
def test_impossible_settings_are_one_sentence(change, words):
    with pytest.raises(TrainingError, match=words):
        TrainConfig(**small_training(**change))


def test_a_configuration_of_a_run_opens_and_cannot_be_changed():
    config = TrainConfig(**small_training(learning_rate=1))
    assert TrainConfig.from_dict({"kind": "train", "grid": {}, **config.to_dict()}) == config
    with pytest.raises(ValueError, match="frozen"):
        config.batch = 3
    with pytest.raises(TrainingError, match=r"not complete \(dataset is missing\)"):
        TrainConfig.from_dict({"kind": "train"})


def test_a_configuration_is_read_without_torch():
    code = "import hnn_core.training.config, sys; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_a_gpu_that_is_not_there_is_told(material):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(TrainingError, match="no CUDA device"):
        train_run(made_run(accelerator="gpu"), material)


def test_events_survive_a_torn_line(material):
    run = made_run()
    (run.path / "metrics.jsonl").write_bytes(b'{"event": "message", "te')
    train_run(run, material)
    kinds = [event["event"] for event in run.events()]
    assert {"start", "step", "epoch"} <= set(kinds)
    for line in (run.path / "metrics.jsonl").read_text().splitlines()[1:]:
        json.loads(line)


def test_too_few_groups_name_the_setting():
    dataset = MadeDataset(6)
    material = Material(dataset, np.arange(len(dataset.frames)), dataset.frames)
    with pytest.raises(TooFewGroupsError, match=r"validation_fraction 0\.1 cannot be had"):
        train_run(made_run(validation_fraction=0.1), material)


def test_the_model_remembers_how_the_frames_were_scaled():
    dataset = MadeDataset(8)
    dataset.preprocess = PreprocessConfig(clip=1500.0)
    material = Material(dataset, np.arange(len(dataset.frames)), dataset.frames)
    run = made_run(epochs=1)
    train_run(run, material)
    assert load_model(run.model_folder)[0].config.preprocess["clip"] == 1500.0


def test_frames_of_another_size_are_refused():
    dataset = MadeDataset(8)
    dataset.preprocess = PreprocessConfig(crop=256, size=128)
    material = Material(dataset, np.arange(len(dataset.frames)), dataset.frames)
    with pytest.raises(ForeignDatasetError, match="frames of 128 pixels"):
        train_run(made_run(), material)


def test_half_precision_needs_a_gpu(material):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(TrainingError, match="precision 16 needs a GPU"):
        train_run(made_run(precision="16"), material)


def test_recomputing_reaches_the_same_weights(material):
    kept, again = made_run("kept"), made_run("again", recompute=True)
    train_run(kept, material)
    train_run(again, material)
    for name, value in weights(kept).items():
        assert torch.allclose(weights(again)[name], value, atol=1e-6), name

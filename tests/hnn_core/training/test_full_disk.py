"""A training whose disk becomes full at any of its steps: the run is not lost, and it resumes."""

import os
import re

import numpy as np
import pytest
import torch

from hnn_core.exceptions import DiskFullError, MachineError
from hnn_core.jobs.jobs import effective_state
from hnn_core.network.model_store import load_model
from hnn_core.storage import fault_words
from hnn_core.training import perform as performing
from hnn_core.training.config import TrainConfig
from hnn_core.training.evaluate import adopt_model
from hnn_core.training.fit import train_run
from hnn_core.training.perform import perform
from hnn_core.training.run_folder import create_run, find_run, list_runs
from tests.support.failing_disk import at_every_step, mounted
from tests.support.made_datasets import MadeDataset, small_training

from hnn_core.training.assemble import Material  # isort: skip

pytestmark = [
    pytest.mark.slow,
    # Lightning asks torch for what torch calls old; both are theirs.
    pytest.mark.filterwarnings("ignore::DeprecationWarning:torch", "ignore::FutureWarning"),
]


@pytest.fixture(autouse=True)
def made(monkeypatch):
    """Trainings take their frames from memory: only what a run writes is on the disk."""
    dataset = MadeDataset(8)
    material = Material(dataset, np.arange(len(dataset.frames)), dataset.frames)
    monkeypatch.setitem(performing._WORK, "train", lambda run: train_run(run, material))


def prepare(_=None):
    return create_run("train", TrainConfig(**small_training()), "one")


def result(run):
    newest = sorted(run.checkpoints.glob("*.ckpt"))[-1]
    return (
        newest.name,
        torch.load(newest, weights_only=True)["state_dict"],
        load_model(run.model_folder)[0].state_dict(),
        run.predictions(),
    )


def same(one, other):
    assert one[0] == other[0]
    for first, second in zip(one[1:3], other[1:3], strict=True):
        assert all(torch.equal(first[name], second[name]) for name in first)
    assert one[3].equals(other[3])


@pytest.fixture
def whole():
    run = prepare()
    perform(run)
    return result(run)


def test_it_resumes_to_the_weights_of_an_undisturbed_run(tmp_path, whole):
    told = set()

    def after(folder, error):
        assert re.search(
            r"isk of \S+ is full; make room and (resume|try again)", fault_words(error)
        )
        run = find_run("one")
        state = effective_state(run)
        told.add(state.state)
        assert state.state in ("failed", "interrupted")
        assert "full" in state.message
        assert not list(folder.rglob("*.part"))
        assert not list_runs()[1]
        assert perform(run) == "finished"
        assert effective_state(run).state == "finished"
        same(result(run), whole)

    steps = at_every_step(
        tmp_path, lambda _: perform(find_run("one")), after, prepare=prepare, every=41
    )
    assert steps > 200
    assert "interrupted" in told  # the disk had no room for the status either


@pytest.mark.parametrize("kilobytes", [40, 80, 120, 160, 240])
def test_on_a_real_disk_that_is_too_small(tmp_path, whole, kilobytes, monkeypatch):
    with mounted(tmp_path / "disk", kilobytes=2000) as disk:
        monkeypatch.setenv("HNN_HOME", str(disk / "home"))
        run = prepare()
        room = disk / "ballast"
        room.write_bytes(bytes((2000 - kilobytes) * 1024 - 60_000))
        with pytest.raises(MachineError, match="is full; make room"):
            perform(run)
        assert effective_state(run).state in ("failed", "interrupted")
        assert not list_runs()[1]
        room.unlink()
        assert perform(run) == "finished"
        same(result(run), whole)
        assert os.listdir(disk / "home")  # noqa: PTH208
        room.write_bytes(bytes(os.statvfs(disk).f_bavail * os.statvfs(disk).f_bsize - 8192))
        with pytest.raises((DiskFullError, Exception), match="is full; make room"):
            adopt_model(run)
        room.unlink()
        assert adopt_model(run) == "one"

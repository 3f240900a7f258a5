"""Damaged folders of models, runs, case sets, data sets and jobs: a sentence, never anything else.

A few of each kind by default; HNN_FUZZ=500 tries as many. Each case is made by its own number, so
that a failure names what brings it back.
"""

import json
import random
import re
import shutil
import warnings
from pathlib import Path

import pytest
import torch

from analysis.figures.training import compare_runs_figure, loss_figure, validation_figure
from analysis.skill.curves import threshold_scores
from analysis.skill.forecasts import forecasts, read_predictions, read_scores
from analysis.skill.scores import score_table
from hnn_core.__main__ import main
from hnn_core.dataset.build import build_dataset
from hnn_core.dataset.card import list_datasets
from hnn_core.dataset.stored import StoredDataset
from hnn_core.exceptions import HnnError
from hnn_core.jobs.data_jobs import DataJob, broken_data_jobs, list_data_jobs
from hnn_core.jobs.jobs import effective_state
from hnn_core.network.model_store import list_models, load_model, save_model
from hnn_core.regions.case import Case, delete_set, list_sets, load_set, save_set
from hnn_core.sources import open_source
from hnn_core.training.config import TrainConfig
from hnn_core.training.progress import (
    EventLog,
    member_progress,
    n_members,
    read_progress,
    share_done,
)
from hnn_core.training.run_folder import RunFolder, find_run, list_runs
from tests.support.drawn_jobs import DEAD, START, drawn_job, line
from tests.support.made_runs import draw_predictions, write_run
from tests.support.mutations import damage_file, how_many
from tests.support.small_models import small_model

pytestmark = pytest.mark.slow

USUAL = 40


def files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def no_shipped(hnn_home, monkeypatch):
    monkeypatch.setattr("hnn_core.training.run_folder.SHIPPED", hnn_home / "none")
    monkeypatch.setattr("hnn_core.network.model_store.SHIPPED", hnn_home / "none")


def each(name: str, n: int):
    """Yield a generator for each case, and the case in words for the message of a failure."""
    for number in range(n):
        yield random.Random(f"{name} {number}"), f"{name} {number}"


def tried(act, case, how):
    """What an act returns (True for nothing), and the sentence by which it was refused."""
    try:
        return act() or True, ""
    except HnnError as error:
        return None, str(error)
    except BaseException as error:
        error.add_note(f"{case}, {how}")
        raise


def test_models(hnn_home, no_shipped):
    models = hnn_home / "models"
    folder = models / "damaged"
    save_model(small_model(), models / "whole")
    save_model(small_model(), hnn_home / "kept", metadata={"test": {"tss": 0.5}}, card="# A")
    with torch.inference_mode():
        frames = torch.linspace(-1, 1, 4 * 32 * 32).reshape(1, 4, 1, 32, 32)
        right = small_model()(frames)
        for rng, case in each("model", how_many(USUAL)):
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(hnn_home / "kept", folder)
            how = damage_file(rng.choice(files_of(folder)), rng)
            found, skipped = list_models()
            names = {info.name for info in found}
            assert "whole" in names, (case, how)
            assert ("damaged" in names) != any("damaged" in one.path for one in skipped), (
                case,
                how,
            )
            loaded, why = tried(lambda: load_model(folder), case, how)
            assert loaded or str(folder) in why, (case, how)
            if loaded:
                # What is not refused answers as before, unless its settings say otherwise.
                model, info = loaded
                same = info.config == small_model().config
                assert info.note or not same or torch.equal(model(frames), right), (case, how)


def made_run(home: Path) -> Path:
    """A finished training with everything that a run leaves but weights."""
    folder = write_run(home, "kept", draw_predictions(models=("hnn",), regions=12, hours=6))
    config = TrainConfig(dataset="drawn", epochs=3).to_dict()
    (folder / "config.json").write_text(json.dumps({"kind": "train", **config}, indent=2))
    log = EventLog(folder / "metrics.jsonl")
    log.write("start", epochs=3, steps_per_epoch=2, device="CPU", sequences={"train": 5})
    log.write("progress", what="Reading", done=1, total=2, seconds_left=1.0)
    for epoch in (1, 2, 3):
        log.write("step", epoch=epoch - 1, step=2 * epoch, batch=2, batches=2, loss=0.3 / epoch)
        scores = {"tss": 0.1 * epoch, "loss": 0.3, "recall": None}
        log.write(
            "epoch", epoch=epoch, step=2 * epoch, train_loss=0.3, validation=scores, best_epoch=1
        )
    log.message("Predicting the test set.")
    (folder / "process.json").write_text(json.dumps(DEAD))
    return folder


def look_at(run: RunFolder) -> RunFolder:
    """Read all that the pages and commands read of a run."""
    effective_state(run)
    events, _ = run.read_events()
    progress = read_progress(events)
    steps, epochs = run.history()
    loss_figure(steps, epochs, n_epochs=progress.epochs)
    validation_figure(epochs, best_epoch=progress.best_epoch, n_epochs=progress.epochs)
    compare_runs_figure({"a": epochs})
    share_done(member_progress(events), n_members(run.config) if run.kind != "train" else 1)
    for member in run.members:
        look_at(member)
    return run


def skill_of(run: RunFolder) -> None:
    run.check_results()
    scores = read_scores(run.scores())
    made = forecasts(read_predictions(run.predictions()), float(scores["threshold"]))
    score_table(made)
    threshold_scores(made["hnn"])


def test_runs(hnn_home, no_shipped, capsys):
    kept, runs = made_run(hnn_home / "a"), hnn_home / "runs"
    write_run(runs, "whole", draw_predictions(models=("hnn",), regions=6, hours=2))
    crossval = hnn_home / "crossval"
    shutil.copytree(kept, crossval)
    config = TrainConfig(dataset="drawn", epochs=3).to_dict()
    (crossval / "config.json").write_text(json.dumps({"kind": "crossval", **config}))
    shutil.copytree(kept, crossval / "hnn-fold1")
    for rng, case in each("run", how_many(25)):
        shutil.rmtree(runs / "damaged", ignore_errors=True)
        shutil.copytree(rng.choice((kept, crossval)), runs / "damaged")
        how = damage_file(rng.choice(files_of(runs / "damaged")), rng)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found, skipped = list_runs()
            names = {run.name for run in found}
            assert "whole" in names, (case, how)
            listed = any(Path(one.path).name == "damaged" for one in skipped)
            assert ("damaged" in names) != listed, (case, how)
            _, why = tried(lambda: skill_of(look_at(find_run("damaged"))), case, how)
            assert not why or re.search("damaged|column|scores.json", why), (case, how, why)
        if rng.random() < 0.1:
            assert main(["runs"]) == 0, (case, how)
            assert "whole" in capsys.readouterr().out
            assert main(["runs", "--json"]) == 0
            assert {one["name"] for one in json.loads(capsys.readouterr().out)} >= {
                "whole",
                "damaged",
            }


def test_case_sets(hnn_home):
    cases = tuple(
        Case("sim:", f"SIM {n}", f"2011-02-1{n}T05:00", "demo", "ab" * 32, 0.5) for n in (1, 2, 3)
    )
    save_set("whole", cases)
    save_set("damaged", cases)
    path = hnn_home / "cases" / "damaged.json"
    kept = path.read_bytes()
    for rng, case in each("case set", how_many(USUAL)):
        path.write_bytes(kept)
        how = damage_file(path, rng)
        sets, skipped = list_sets()
        assert [one for one in sets if one.name == "whole"], (case, how)
        assert len(sets) + len(skipped) == 2, (case, how)
        _, why = tried(lambda: load_set("damaged"), case, how)
        assert bool(why) == bool(skipped), (case, how)
    delete_set("damaged")
    assert len(list_sets()[0]) == 1


def test_data_sets(hnn_home):
    datasets = hnn_home / "datasets"
    folder = datasets / "damaged"
    build_dataset(open_source("sim:3:1"), hnn_home / "kept")
    shutil.copytree(hnn_home / "kept", datasets / "whole")
    for rng, case in each("data set", how_many(15)):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(hnn_home / "kept", folder)
        files = files_of(folder)
        tables = [path for path in files if path.parent == folder or path.suffix == ".json"]
        path = rng.choice(tables if rng.random() < 0.8 else files)
        before = path.read_bytes()
        how = damage_file(path, rng)
        changed = path.read_bytes() != before
        found, skipped = list_datasets()
        assert "whole" in {info.name for info in found}, (case, how)
        assert len(found) + len(skipped) == 2, (case, how)
        _, why = tried(lambda: StoredDataset.open(folder).verify(), case, how)
        # Only what says nothing of the frames may differ: spaces in a description.
        assert why or not changed or path.name.endswith(".json"), (case, how)
        assert not why or "damaged" in why, (case, how, why)


def test_jobs(hnn_home):
    drawn_job("20260101-000000-fetch-whole1", START, process=DEAD)
    log = START + line("progress", stage="magnetograms", done=1, total=2, bytes_per_s=5.0)
    log += line("excluded", what="a", why="b", count=2) + line("end", text="done", regions=["377"])
    damaged = drawn_job("20260102-000000-fetch-damaged", log, process=DEAD).path
    kept = {path: path.read_bytes() for path in files_of(damaged)}
    for rng, case in each("job", how_many(USUAL)):
        for path, content in kept.items():
            path.write_bytes(content)
        how = damage_file(rng.choice(list(kept)), rng)
        found, broken = list_data_jobs(), broken_data_jobs()
        assert len(found) + len(broken) == 2, (case, how)
        assert "whole" in found[-1].name, (case, how)
        for one in broken:
            assert "request.json is broken" in one.reason
        for job in found:
            assert isinstance(job, DataJob)
            _ = job.state, job.log_tail()
            for event in job.events():
                _ = int(event.get("done", 0)), int(event.get("count", 1)), event.get("regions", ())

"""Run folders whose files are torn: listed as broken, and never in the way of the others."""

import json
import shutil
from pathlib import Path

import pytest

from hnn_core.__main__ import main
from hnn_core.exceptions import RunError
from hnn_core.jobs.jobs import effective_state
from hnn_core.training import run_folder
from hnn_core.training.config import TrainConfig
from hnn_core.training.progress import read_progress
from hnn_core.training.run_folder import RunFolder, create_run, find_run, list_runs, resume
from tests.conftest import real_data
from tests.support.made_runs import draw_predictions, write_run

TORN = '{\n  "state": "finished",\n  "message": "'


@pytest.fixture
def runs(hnn_home, monkeypatch):
    monkeypatch.setattr("hnn_core.training.run_folder.SHIPPED", hnn_home / "none")
    for name in ("torn", "whole"):
        write_run(hnn_home / "runs", name, draw_predictions(regions=6, hours=2))
    return hnn_home / "runs"


def broken() -> list[str]:
    found, skipped = list_runs()
    assert [run.name for run in found] == ["whole"]
    return [one.reason for one in skipped]


@pytest.mark.parametrize(
    ("file", "text", "why"),
    [
        ("status", TORN, "status.json is broken (it is not whole JSON)"),
        ("status", "", "status.json is broken (it is not whole JSON)"),
        ("status", "[]", "status.json is broken (it holds no JSON object)"),
        ("status", "{}", "status.json is broken (its state is None)"),
        ("status", '{"state": "done"}', "status.json is broken (its state is 'done')"),
        (
            "config",
            '{"kind": "train", "datas',
            "config.json is broken (it is not whole JSON); copy it",
        ),
        ("config", '{"kind": "party"}', "kind is 'party'"),
        ("config", '{"kind": "train", "epochs": "ten"}', "epochs is 'ten'"),
        ("config", '{"kind": "sweep", "grid": [1]}', "grid is no table of settings"),
    ],
)
def test_a_torn_file_is_named_and_the_other_run_stays(runs, capsys, file, text, why):
    (runs / "torn" / f"{file}.json").write_text(text)
    [reason] = broken()
    assert why in reason
    assert str(runs / "torn") in reason
    assert main(["runs"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.split()[0] == "whole"
    assert second.split()[:2] == ["torn", "broken"]
    assert main(["runs", "--json"]) == 0
    [_, torn] = json.loads(capsys.readouterr().out)
    assert (torn["name"], torn["state"]) == ("torn", "broken")
    assert why in torn["message"]


@pytest.mark.parametrize("kind", ["folder", "zeros", "latin", "nested"])
@pytest.mark.parametrize("file", ["status", "config"])
def test_whatever_lies_in_the_place_of_a_file_is_named(runs, file, kind):
    path = runs / "torn" / f"{file}.json"
    content = {"zeros": b"\0" * 99, "latin": b'{"state": "\xe9"}', "nested": b"[" * 10**5}
    path.unlink()
    if kind == "folder":
        path.mkdir()
    else:
        path.write_bytes(content[kind])
    assert f"{file}.json" in broken()[0]


def test_the_command_gives_the_state_that_the_page_gives(runs, capsys):
    """A killed run has written "running" last; nobody works on it any more."""
    for run in list_runs()[0]:
        run.write_status("running")
    assert main(["runs"]) == 0
    assert [line.split()[2] for line in capsys.readouterr().out.splitlines()] == ["interrupted"] * 2
    assert main(["runs", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    shown = {run.name: vars(effective_state(run)) for run in list_runs()[0]}
    assert {one["name"]: {key: one[key] for key in shown["torn"]} for one in answer} == shown
    assert "resume it" in answer[0]["message"]


def test_a_run_that_is_deleted_while_it_is_listed_is_no_broken_one(runs, monkeypatch):
    folders = run_folder._folders

    def gone(parent):
        found = folders(parent)
        shutil.rmtree(runs / "torn", ignore_errors=True)
        return found

    monkeypatch.setattr(run_folder, "_folders", gone)
    found, skipped = list_runs()
    assert [run.name for run in found] == ["whole"]
    assert skipped == []


def test_a_run_is_there_with_its_configuration_or_not_at_all(runs, monkeypatch):
    def killed(*_):
        assert {run.name for run in list_runs()[0]} == {"torn", "whole"}
        assert [Path(one.path).name for one in list_runs()[1]] == ["empty"]
        raise KeyboardInterrupt

    (runs / "empty").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(run_folder, "replace_json", killed)
        with pytest.raises(KeyboardInterrupt):
            create_run("train", TrainConfig(dataset="drawn"), "new")
    assert not (runs / "new").exists()
    create_run("train", TrainConfig(dataset="drawn"), "new")
    for name in ("new", "torn"):
        with pytest.raises(RunError, match=f"There is a run '{name}' already"):
            create_run("train", TrainConfig(dataset="drawn"), name)


def test_the_published_case_of_a_torn_status(runs, capsys):
    shutil.copyfile(real_data("cases", "broken", "status_torn.json"), runs / "torn" / "status.json")
    assert "status.json is broken" in broken()[0]
    assert main(["evaluate", "--run", "whole"]) == 2  # it has no model, and says so
    assert "whole has no model" in capsys.readouterr().err


def test_a_broken_status_is_mended_as_its_sentence_says(runs):
    (runs / "torn" / "status.json").write_text(TORN)
    with pytest.raises(RunError, match="Delete this file, then resume it"):
        resume(find_run("torn"))
    (runs / "torn" / "status.json").unlink()
    assert effective_state(find_run("torn")).state == "interrupted"
    assert len(list_runs()[0]) == 2


def test_a_broken_member_leaves_the_others_of_its_run(runs):
    config = {"kind": "crossval", **TrainConfig(dataset="drawn").to_dict()}
    whole = runs / "whole"
    for name in ("hnn-fold1", "hnn-fold2"):
        shutil.copytree(runs / "torn", whole / name)
    (whole / "config.json").write_text(json.dumps(config))
    (whole / "hnn-fold2" / "config.json").write_text("{")
    shutil.rmtree(runs / "torn")
    assert [member.name for member in find_run("whole").members] == ["hnn-fold1"]
    assert "hnn-fold2" in broken()[0]


def test_damaged_lines_of_events_are_left_out_and_counted(runs):
    run = RunFolder(runs / "whole")
    lines = [
        {"event": "start", "epochs": 2, "steps_per_epoch": 2},
        {"event": "epoch", "epoch": 1, "step": 2, "validation": {"tss": 0.5}, "best_epoch": 1},
        {"event": "epoch", "epoch": "two", "step": 4},
        {"event": "epoch", "epoch": 2},
        {"event": "step", "epoch": 1, "step": 3, "batch": 1, "batches": 2, "loss": None},
        {"event": "progress", "what": "Reading", "done": 1, "total": [2]},
        {"event": ["epoch"]},
        {"event": "start", "sequences": {"train": "all"}},
        {"event": "unknown to this version", "anything": "goes"},
    ]
    text = "\n".join(map(json.dumps, lines)) + '\n{"event": "epo'
    (run.path / "metrics.jsonl").write_text(text)
    events, lost = run.read_events()
    assert [event["event"] for event in events] == ["start", "epoch", "unknown to this version"]
    assert lost == 7
    assert read_progress(events).best_validation == {"tss": 0.5}
    assert len(run.history()[1]) == 1


def test_predictions_are_those_that_were_written(runs, monkeypatch):
    run = RunFolder(runs / "whole")
    path = run.path / "predictions.parquet"
    from hnn_core.dataset.card import file_sha256

    scores = {**run.scores(), "predictions_sha256": file_sha256(path)}
    (run.path / "scores.json").write_text(json.dumps(scores))
    assert len(run.predictions()) == 24
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 16
    path.write_bytes(content)
    with pytest.raises(RunError, match=r"predictions\.parquet is damaged; evaluate the run again"):
        run.predictions()


@pytest.mark.parametrize(
    ("file", "text"), [("predictions.parquet", "PAR1"), ("scores.json", "{"), ("scores.json", None)]
)
def test_results_are_checked_without_being_read(runs, file, text):
    run = RunFolder(runs / "whole")
    run.check_results()
    if text is None:
        (run.path / file).unlink()
    else:
        (run.path / file).write_text(text)
    with pytest.raises(RunError):
        run.check_results()


def test_a_process_that_cannot_be_is_none(runs):
    for pid in (-5, 0, 10**30, 1e400, "x", None, [1]):
        (runs / "whole" / "process.json").write_text(json.dumps({"pid": pid, "created": 1.0}))
        assert not RunFolder(runs / "whole").alive

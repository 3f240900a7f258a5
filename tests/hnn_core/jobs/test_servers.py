"""Two servers on one HNN_HOME, and a server that is killed while it starts work."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hnn_core.jobs import jobs
from hnn_core.jobs.data_jobs import list_data_jobs
from hnn_core.jobs.jobs import effective_state
from hnn_core.jobs.process import end
from hnn_core.network.model_store import list_models, load_model, save_model
from hnn_core.storage import home, read_json
from hnn_core.training.config import TrainConfig
from hnn_core.training.run_folder import begin, create_run, find_run, list_runs, resume, runs_home
from tests.conftest import ROOT
from tests.support.drawn_sharp import draw_fits
from tests.support.kills import forked
from tests.support.small_models import small_model
from tests.support.waiting import PATIENCE_S, until

pytestmark = pytest.mark.slow

CHILD = """
import pathlib, sys, time
from hnn_core.jobs.jobs import Job, take_turn
if sys.argv[1] == "data":
    print('{"event": "start"}', flush=True)
    time.sleep(600)
run = Job(pathlib.Path(sys.argv[-1]))
with take_turn(run):
    run.write_status("running")
    with (run.path.parent / ".order").open("a") as order:
        print("begin", run.name, file=order, flush=True)
        time.sleep(0.2)
        print("end", run.name, file=order, flush=True)
    run.write_status("finished")
"""


@pytest.fixture
def script(tmp_path, monkeypatch) -> Path:
    """A stub in the place of the program; whatever it left at work is ended."""
    path = tmp_path / "child.py"
    path.write_text(CHILD)
    monkeypatch.setattr(jobs, "COMMAND", (sys.executable, str(path)))
    monkeypatch.setattr("hnn_core.training.run_folder.SHIPPED", tmp_path / "none")
    monkeypatch.setattr("hnn_core.network.model_store.SHIPPED", tmp_path / "none")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    yield path
    for job in (*list_runs()[0], *list_data_jobs()):
        end(job.path, 0)
        _ = job.alive


def servers(script: Path, code: str, count: int = 2) -> list[str]:
    """Run the same code in several processes, from the same moment on; what each printed."""
    start = (
        "import sys; from pathlib import Path\nfrom hnn_core.jobs import jobs\n"
        f"jobs.COMMAND = (sys.executable, {str(script)!r})\n"
        "import hnn_core.training.run_folder as runs\n"
        "runs.SHIPPED = Path('none')\n"
        "from hnn_core.exceptions import HnnError\n"
        "who = int(sys.argv[1])\n"
    )
    before, _, then = code.partition("# go\n")
    text = f"{start}{before}print('ready', flush=True); sys.stdin.readline()\n{then}"
    begun = [
        subprocess.Popen(
            [sys.executable, "-c", text, str(who)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for who in range(count)
    ]
    assert [one.stdout.readline() for one in begun] == ["ready\n"] * count
    for one in begun:
        one.stdin.write("go\n")
        one.stdin.flush()
    said = [one.communicate(timeout=PATIENCE_S)[0] for one in begun]
    assert [one.returncode for one in begun] == [0] * count
    return said


def test_trainings_started_from_two_servers_take_turns(script):
    code = """
from hnn_core.training.config import TrainConfig
# go
for number in range(3):
    runs.begin(runs.create_run("train", TrainConfig(dataset="drawn"), f"{who}-{number}"))
"""
    servers(script, code)
    names = {f"{who}-{number}" for who in range(2) for number in range(3)}
    found = {run.name: run for run in list_runs()[0]}
    assert {*found} == names
    queue = read_json(home() / "queue.json")["folders"]
    assert len({*queue}) == len(queue)
    until(
        lambda: all(effective_state(run).state == "finished" for run in found.values()),
        "the end of all",
    )
    lines = (runs_home() / ".order").read_text().splitlines()
    pairs = list(zip(lines[::2], lines[1::2], strict=True))
    assert all(first.split() == ["begin", second.split()[1]] for first, second in pairs)
    assert {second.split()[1] for _, second in pairs} == names


def test_one_name_of_a_run_goes_to_one_server_and_one_run_is_started_once(script):
    code = """
from hnn_core.training.config import TrainConfig
# go
try:
    run = runs.create_run("train", TrainConfig(dataset="drawn", epochs=who + 3), "same")
    print("made", who)
except HnnError as error:
    print(error)
"""
    said = servers(script, code, 3)
    winners = [words for words in said if words.startswith("made")]
    assert len(winners) == 1
    assert sum("There is a run 'same' already" in words for words in said) == 2
    assert find_run("same").config["epochs"] == int(winners[0].split()[1]) + 3
    assert not [path for path in runs_home().iterdir() if path.name[0] == "."]
    code = """
# go
try:
    runs.begin(runs.find_run("same"))
    print("begun")
except HnnError as error:
    print(error)
"""
    said = servers(script, code, 3)
    assert "begun\n" in said
    assert all(words == "begun\n" or "is at work already" in words for words in said)
    until(lambda: effective_state(find_run("same")).state == "finished", "the end")


def test_a_data_job_requested_on_two_servers_is_one_job(script):
    code = """
from hnn_core.jobs.data_jobs import start_data_job
# go
try:
    start_data_job("fetch", ["--noaa", "11158"], "AR 11158")
    print("begun")
except HnnError as error:
    print(error)
"""
    said = servers(script, code, 3)
    assert sorted(said)[-1] == "begun\n"
    assert said.count("begun\n") == 1
    assert sum("AR 11158 is under way already" in words for words in said) == 2
    [job] = list_data_jobs()
    until(lambda: job.state.state == "running", "the start")


def test_a_model_that_two_servers_adopt_is_whole(script, tmp_path):
    for seed in (1, 2):
        run = create_run("train", TrainConfig(dataset="drawn"), ("Same", "same")[seed - 1])
        save_model(small_model(seed), run.model_folder)
    code = """
import hnn_core.network.model_store as models
from hnn_core.training.evaluate import adopt_model
models.SHIPPED = runs.SHIPPED
run = runs.find_run(("Same", "same")[who % 2])
# go
for _ in range(8):
    print(adopt_model(run))
    models.load_model("same")
"""
    assert servers(script, code) == ["same\n" * 8] * 2
    assert [info.name for info in list_models()[0]] == ["same"]
    assert load_model("same")[1].checksum
    assert [path.name for path in (home() / "models").iterdir()] == ["same"]


def test_the_index_of_a_folder_that_two_servers_read_is_whole(script, tmp_path):
    for hour in range(6):
        draw_fits(tmp_path / "fits" / f"{hour}.fits", T_REC=f"2011.02.13_{hour:02}:00:00_TAI")
    code = f"""
from hnn_core.sources import open_source
# go
for _ in range(5):
    for path in (Path({str(home())!r}) / "index").glob("*.json"):
        path.unlink(missing_ok=True)
    print(len(open_source("fits:{tmp_path / "fits"}").times("377")))
"""
    assert servers(script, code, 3) == ["6\n" * 5] * 3
    [index] = (home() / "index").iterdir()
    assert len(read_json(index)["rows"]) == 6


def test_a_server_killed_at_any_moment_of_a_start_loses_no_run(script, tmp_path, monkeypatch):
    """The run is not there yet, or is listed whole and ends as one that nothing disturbed."""

    def press() -> int:
        begin(create_run("train", TrainConfig(dataset="drawn"), "new"))
        return 0

    code, _, changes = forked(press, tmp_path / "whole")
    assert code == 0
    states = []
    for change in range(1, changes + 1):
        place = tmp_path / str(change)
        assert forked(press, place, at_change=change)[0] == -9
        monkeypatch.setenv("HNN_HOME", str(place / "home"))
        found, skipped = list_runs()
        assert skipped == []
        states.append("none")
        if found:
            [run] = found
            # A child that lives on without its server is at work, and nobody starts a second one.
            states[-1] = "alive" if run.alive else "not begun"
            if not run.alive and effective_state(run).state != "finished":
                resume(run)
            until(lambda: effective_state(find_run("new")).state == "finished", f"end {change}")
            assert (runs_home() / ".order").read_text() == "begin new\nend new\n"
    assert {"none", "not begun"} <= {*states}
    assert "alive" in states or os.name == "nt"


def test_work_in_the_background_outlives_a_killed_server(script, tmp_path, monkeypatch):
    def serve() -> int:
        for name in ("one", "two"):
            begin(create_run("train", TrainConfig(dataset="drawn"), name))
        while True:
            list_runs()

    for number in range(10):
        place = tmp_path / str(number)
        assert forked(serve, place, at_second=0.03 + 0.02 * number)[0] < 0
        monkeypatch.setenv("HNN_HOME", str(place / "home"))
        for run in list_runs()[0]:
            if not run.alive and effective_state(run).state != "finished":
                resume(run)
            until(lambda run=run: effective_state(run).state == "finished", f"the end {number}")
        assert json.dumps([one.reason for one in list_runs()[1]]) == "[]"

"""Jobs: real child processes that are found again, stopped, queued, killed and resumed."""

import errno
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from types import SimpleNamespace

import psutil
import pytest

from hnn_core.exceptions import RunError
from hnn_core.jobs import jobs
from hnn_core.jobs.process import end, read_process, worker
from hnn_core.storage import home, replace_json
from hnn_core.training.run_folder import RunFolder, delete, list_runs, resume, runs_home
from tests.conftest import ROOT
from tests.support.waiting import PATIENCE_S, until

pytestmark = pytest.mark.slow

BEHAVIOURS = {
    # Writes a checkpoint when asked to stop, as the trainer does.
    "polite": """
        def leave(*_):
            (run.path / "checkpoint").write_text("whole")
            run.write_status("stopped", "at step 7")
            raise SystemExit
        signal.signal(signal.SIGTERM, leave)
        run.write_status("running")
        time.sleep(600)
    """,
    "deaf": """
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        run.write_status("running")
        time.sleep(600)
    """,
    # A worker that ignores SIGTERM, and one in a session of its own.
    "parent": """
        code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
        workers = [subprocess.Popen([sys.executable, "-c", code], start_new_session=own)
                   for own in (False, True)]
        (run.path / "workers.json").write_text(json.dumps([worker.pid for worker in workers]))
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
        run.write_status("running")
        time.sleep(600)
    """,
    "brief": """
        run.write_status("running")
        print("a line of the log")
        run.write_status("finished", "well")
    """,
    "turn": """
        from hnn_core.jobs.jobs import take_turn
        with take_turn(run):
            run.write_status("running")
            while not (run.path / "end").exists():
                time.sleep(0.05)
            run.write_status("finished")
    """,
    # A helper that shares all that the process has, as a forked loader's does.
    "forks": """
        if helper := os.fork():
            (run.path / "helper").write_text(str(helper))
            run.write_status("running")
        time.sleep(600)
    """,
    "broken": "raise ImportError('no such library')",
}


@pytest.fixture
def make(monkeypatch, tmp_path):
    """Make runs whose process behaves in a given way; kill whatever a test has left."""
    script = tmp_path / "child.py"
    script.write_text(
        "import json, os, pathlib, signal, subprocess, sys, time\n"
        "from hnn_core.training.run_folder import RunFolder\n"
        "run = RunFolder(pathlib.Path(sys.argv[-1]))\n"
        "exec(run.config['behaviour'])\n"
    )
    monkeypatch.setattr(jobs, "COMMAND", (sys.executable, str(script)))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    runs = []

    def new(behaviour: str, name: str = "a") -> RunFolder:
        folder = runs_home() / name
        folder.mkdir(parents=True)
        code = textwrap.dedent(BEHAVIOURS[behaviour])
        (folder / "config.json").write_text(json.dumps({"kind": "train", "behaviour": code}))
        runs.append(RunFolder(folder))
        return runs[-1]

    yield new
    for run in runs:
        end(run.path, 0)
        _ = run.alive


def start(run: RunFolder) -> RunFolder:
    jobs.start(["train", "--run", str(run.path)], run)
    return run


def reach(run: RunFolder, state: str) -> None:
    until(
        lambda: jobs.effective_state(run).state == state,
        f"{run.name} {state}, now {run.status}, log {run.log_tail()!r},",
    )


def runs_still(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_job_has_a_session_of_its_own_and_a_log(make):
    run = start(make("polite"))
    assert run.alive
    pid = read_process(run.path)["pid"]
    assert os.getsid(pid) == pid
    assert os.getpgid(pid) != os.getpgid(0)
    brief = start(make("brief", "b"))
    reach(brief, "finished")
    assert brief.log_tail() == "a line of the log"


def test_a_child_that_has_ended_and_was_not_waited_for_is_dead(make):
    run = start(make("brief"))
    pid = read_process(run.path)["pid"]
    until(lambda: not runs_still(pid), "the end")
    # Nobody has looked for its end yet, so that it is a zombie of this very process.
    assert psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    assert worker(run.path) is None
    # Its threads may take a moment longer than itself; then looking lets go of it.
    until(lambda: not (run.alive or psutil.pid_exists(pid)), "no zombie")


def test_a_job_outlives_who_started_it_and_is_found_again(make):
    run = make("polite")
    code = (
        "import sys; from pathlib import Path; from hnn_core.jobs import jobs;"
        "from hnn_core.training.run_folder import RunFolder;"
        f"jobs.COMMAND = {jobs.COMMAND!r}; run = RunFolder(Path({str(run.path)!r}));"
        "jobs.start(['train', '--run', str(run.path)], run)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=PATIENCE_S)
    reach(run, "running")
    jobs.stop(run, PATIENCE_S)
    assert not run.alive
    assert run.status.message == "at step 7"


def test_stop_lets_the_job_write_its_checkpoint(make):
    run = start(make("polite"))
    reach(run, "running")
    jobs.stop(run, PATIENCE_S)
    assert (run.path / "checkpoint").read_text() == "whole"
    assert jobs.effective_state(run).state == "stopped"
    with pytest.raises(RunError, match="a is not at work"):
        jobs.stop(run)


def test_stop_without_waiting_says_stopping_until_it_has_ended(make):
    run = start(make("deaf"))
    reach(run, "running")
    waiting = jobs.request_stop(run, 600)
    assert jobs.effective_state(run).state == "stopping"
    jobs.stop(run, 0)
    waiting.join(PATIENCE_S)
    assert not waiting.is_alive()
    assert jobs.effective_state(run).state == "stopped"
    assert "resumes from the one before" in run.status.message


def test_a_job_that_does_not_listen_is_killed_after_the_grace(make):
    run = start(make("deaf"))
    reach(run, "running")
    begun = time.monotonic()
    jobs.stop(run, 0.5)
    assert 0.5 <= time.monotonic() - begun < PATIENCE_S
    assert not run.alive
    assert run.status.state == "stopped"


def test_stop_before_the_job_could_listen_is_a_stop(make):
    run = start(make("turn"))
    jobs.stop(run, PATIENCE_S)
    assert jobs.effective_state(run).state == "stopped"


def test_no_orphan_is_left_after_a_stop(make):
    run = start(make("parent"))
    reach(run, "running")
    workers = json.loads((run.path / "workers.json").read_text())
    assert all(map(runs_still, workers))
    jobs.stop(run, PATIENCE_S)
    assert not any(map(runs_still, workers))


def test_what_a_killed_job_left_is_gone_before_it_starts_anew(make):
    run = start(make("parent"))
    reach(run, "running")
    workers = json.loads((run.path / "workers.json").read_text())
    os.kill(read_process(run.path)["pid"], signal.SIGKILL)
    reach(run, "interrupted")
    assert all(map(runs_still, workers))
    start(run)
    assert not any(map(runs_still, workers))


def test_another_process_of_the_same_number_is_neither_alive_nor_touched(make):
    run = make("polite")
    run.write_status("running")
    bystander = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True
    )
    try:
        born = psutil.Process(bystander.pid).create_time()
        replace_json(run.path / "process.json", {"pid": bystander.pid, "created": born - 60})
        assert jobs.effective_state(run).state == "interrupted"
        with pytest.raises(RunError, match="not at work"):
            jobs.stop(run, 0)
        end(run.path, 0)
        delete(run)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_second_start_of_a_run_is_refused(make):
    run = start(make("polite"))
    with pytest.raises(RunError, match="a is at work already"):
        start(run)
    with pytest.raises(RunError, match="at work already"):
        resume(run)


def test_a_second_process_on_a_run_is_refused_its_turn(make):
    run = start(make("turn"))
    reach(run, "running")
    with pytest.raises(RunError, match="at work already"), jobs.take_turn(run):
        pytest.fail("two processes on one run")
    (run.path / "end").touch()
    reach(run, "finished")


def test_a_job_that_dies_at_once_is_interrupted_and_its_log_says_why(make):
    run = start(make("broken"))
    reach(run, "interrupted")
    assert "no such library" in run.log_tail()


def test_turns_are_taken_one_at_a_time_in_the_order_of_starting(make):
    first, second, third = (start(make("turn", name)) for name in ("one", "two", "three"))
    reach(first, "running")
    until(lambda: "Waits for one and 1 more" in third.status.message, "the third one's wait")
    until(lambda: "Waits for one:" in second.status.message, "the second one's wait")
    assert jobs.effective_state(second).state == "queued"
    (first.path / "end").touch()
    reach(second, "running")
    assert jobs.effective_state(third).state == "queued"
    # Whoever is killed lets the next one go on.
    os.kill(read_process(second.path)["pid"], signal.SIGKILL)
    reach(third, "running")
    assert jobs.effective_state(second).state == "interrupted"
    (third.path / "end").touch()
    reach(third, "finished")
    assert jobs.effective_state(first).state == "finished"


def test_stop_while_queued_leaves_the_queue(make):
    first, second, third = (start(make("turn", name)) for name in ("one", "two", "three"))
    reach(first, "running")
    until(lambda: "Waits for" in second.status.message, "the wait")
    jobs.stop(second, PATIENCE_S)
    assert jobs.effective_state(second).state == "stopped"
    assert "before it had begun" in second.status.message
    until(lambda: "Waits for one:" in third.status.message, "the third one's wait for one only")
    (first.path / "end").touch()
    reach(third, "running")
    assert second.status.state == "stopped"


def test_a_training_that_is_stopped_while_it_waits_never_begins(make):
    from hnn_core.training.perform import perform  # imports torch, which the others do without

    first, second = start(make("turn", "one")), make("turn", "two")
    reach(first, "running")
    assert perform(second, lambda _: os.kill(os.getpid(), signal.SIGTERM)) == "stopped"
    assert "waited for its turn" in second.status.message
    assert not second.alive


def test_a_job_that_takes_no_turn_does_not_hold_trainings_up(make):
    build = make("polite", "build")
    jobs.start(["data", str(build.path)], build, in_turn=False)
    reach(build, "running")
    run = start(make("turn", "one"))
    reach(run, "running")
    assert build.alive


def test_further_ranks_of_a_training_take_no_turn(make, monkeypatch):
    run = start(make("turn"))
    reach(run, "running")
    monkeypatch.setenv("LOCAL_RANK", "1")
    with jobs.take_turn(run):
        assert jobs.effective_state(run).state == "running"


@pytest.mark.parametrize("content", ["torn {", "[]", '{"folders": ["/nowhere/run"]}'])
def test_a_damaged_queue_holds_nobody_up(make, content):
    (home() / "queue.json").write_text(content)
    run = start(make("turn"))
    reach(run, "running")
    assert run.alive


def test_a_place_in_the_queue_is_lost_with_the_process(make):
    """Killed at work and started again, a run stands behind the one that waited for it."""
    first, second = (start(make("turn", name)) for name in ("one", "two"))
    reach(first, "running")
    os.kill(read_process(first.path)["pid"], signal.SIGKILL)
    reach(second, "running")
    start(first)
    until(lambda: "Waits for two:" in first.status.message, "the wait")
    assert (first.status.state, second.status.state) == ("queued", "running")
    (second.path / "end").touch()
    reach(first, "running")
    assert second.status.state == "finished"


def test_a_process_of_its_own_accord_takes_its_turn_and_lets_go(make):
    """As a command typed in a terminal does."""
    run = make("turn")
    with jobs.take_turn(run):
        assert run.alive
        assert read_process(run.path)["pid"] == os.getpid()
        with pytest.raises(RunError, match="at work already"):
            start(run)
    assert not run.alive
    start(run)
    reach(run, "running")


def test_forked_helpers_of_a_killed_job_do_not_keep_it_alive(make):
    run = start(make("forks"))
    reach(run, "running")
    helper = int((run.path / "helper").read_text())
    os.kill(read_process(run.path)["pid"], signal.SIGKILL)
    reach(run, "interrupted")
    assert runs_still(helper)
    start(run)
    assert not runs_still(helper)
    reach(run, "running")


def test_a_folder_of_the_earlier_version_lists_and_resumes(make):
    run = make("polite")
    run.write_status("running")
    replace_json(run.path / "process.json", {"pid": 2**22 - 1, "created": 1.0})
    assert [
        (one.name, jobs.effective_state(one).state) for one in list_runs()[0] if not one.shipped
    ] == [("a", "interrupted")]
    resume(run)
    reach(run, "running")


def test_a_job_of_the_earlier_version_that_still_runs_is_at_work(make):
    """It holds no lock; its process is known by number and birth."""
    run = make("polite")
    child = subprocess.Popen([*jobs.COMMAND, "train", "--run", str(run.path)])
    try:
        born = psutil.Process(child.pid).create_time()
        replace_json(run.path / "process.json", {"pid": child.pid, "created": born})
        reach(run, "running")
        with pytest.raises(RunError, match="at work already"):
            resume(run)
        with pytest.raises(RunError, match="at work"):
            delete(run)
        waiting = jobs.request_stop(run, PATIENCE_S)
        child.wait(PATIENCE_S)
        waiting.join(PATIENCE_S)
        assert (run.path / "checkpoint").read_text() == "whole"
        assert jobs.effective_state(run).state == "stopped"
    finally:
        child.kill()
        child.wait()


@pytest.mark.parametrize("missing", ["on this disk", "on this system"])
def test_where_files_have_no_locks_jobs_run_all_the_same(make, monkeypatch, missing):
    def flock(*_):
        raise OSError(errno.ENOSYS, "Function not implemented")

    known = SimpleNamespace(LOCK_SH=1, LOCK_EX=2, LOCK_NB=4, flock=flock)
    monkeypatch.setitem(sys.modules, "fcntl", known if missing == "on this disk" else None)
    run = start(make("polite"))
    reach(run, "running")
    with pytest.raises(RunError, match="at work already"):
        start(run)
    jobs.stop(run, PATIENCE_S)
    assert (run.path / "checkpoint").read_text() == "whole"
    assert not run.alive
    with jobs.take_turn(run):
        assert run.alive
    # Known by its number, this process would be what the clean-up of the test ends.
    (run.path / "process.json").unlink()


def test_resume_starts_a_stopped_run_and_refuses_a_finished_one(make):
    run = start(make("polite"))
    reach(run, "running")
    jobs.stop(run, PATIENCE_S)
    resume(run)
    reach(run, "running")
    jobs.stop(run, PATIENCE_S)
    run.write_status("finished")
    with pytest.raises(RunError, match="a is finished"):
        resume(run)


def test_delete_is_refused_while_alive_and_leaves_nothing(make, hnn_home):
    run = start(make("polite"))
    with pytest.raises(RunError, match="a is at work; stop it"):
        delete(run)
    assert run.path.is_dir()
    jobs.stop(run, PATIENCE_S)
    delete(run)
    assert list((hnn_home / "runs").iterdir()) == []


def test_shipped_runs_are_neither_resumed_nor_deleted(make, monkeypatch):
    run = make("polite")
    monkeypatch.setattr("hnn_core.training.run_folder.SHIPPED", run.path.parent)
    with pytest.raises(RunError, match="came with the program"):
        delete(run)
    with pytest.raises(RunError, match="came with the program"):
        resume(run)
    assert run.path.is_dir()

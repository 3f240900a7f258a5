"""Jobs of the Data page: their state is read from what they leave, whatever happened to them."""

import json
import time

import pytest

from hnn_core.exceptions import RequestError, RunError
from hnn_core.jobs import data_jobs as jobs
from hnn_core.jobs.jobs import stop
from hnn_core.live.reporting import Reporter, duration, size
from hnn_core.services.endpoints import live_home
from tests.support.drawn_jobs import DEAD, MINE, START, drawn_job, line


@pytest.mark.parametrize(
    ("log", "process", "state", "message"),
    [
        ("", MINE, "queued", ""),
        (START, MINE, "running", ""),
        (START, {**MINE, "stop_asked": True}, "stopping", "Stop requested"),
        (START + line("end", text="50 magnetograms."), DEAD, "finished", "50 magnetograms."),
        (START + line("note", text="one"), DEAD, "interrupted", "resume it"),
        (START, {**DEAD, "stop_asked": True}, "stopped", "only what is missing"),
        (START + "JSOC cannot be reached.\n", DEAD, "failed", "JSOC cannot be reached."),
        (
            "Traceback (most recent call last):\nMemoryError\n",
            DEAD,
            "failed",
            "should not (MemoryError)",
        ),
        ("", None, "interrupted", "resume it"),
    ],
)
def test_a_jobs_state_is_told_by_its_process_and_its_log(log, process, state, message):
    found = drawn_job(log=log, process=process).state
    assert found.state == state
    assert message in found.message


def test_a_warning_before_the_end_is_no_failure():
    log = START + "some library warns\n" + line("end", text="Done.")
    assert drawn_job(log=log, process=DEAD).state.state == "finished"


def test_events_are_those_of_the_newest_start_and_the_rest_is_log():
    log = (
        START + line("progress", done=3) + "a word\n" + START + line("progress", done=1) + '{"half'
    )
    job = drawn_job(log=log)
    assert [event["event"] for event in job.events()] == ["start", "progress"]
    assert job.events()[-1]["done"] == 1
    assert job.log_tail() == 'a word\n{"half'


def test_damaged_folders_are_passed_over():
    whole = drawn_job()
    for name, content in {"a": "{", "b": "[]", "c": '{"kind": "fetch"}'}.items():
        (live_home() / "jobs" / name).mkdir()
        (live_home() / "jobs" / name / "request.json").write_text(content)
    (live_home() / "jobs" / "empty").mkdir()
    assert [job.name for job in jobs.list_data_jobs()] == [whole.name]


def test_a_second_press_on_resume_leaves_the_log_of_the_first():
    job = drawn_job(log=START, process=MINE)
    with pytest.raises(RunError, match="at work already"):
        jobs.again(job)
    assert job.state.state == "running"


def test_a_job_runs_to_its_end_in_a_process_of_its_own():
    job = jobs.start_data_job("verify", [], "Everything here")
    deadline = time.monotonic() + 300
    while job.alive and time.monotonic() < deadline:
        time.sleep(0.05)
    assert job.state.state == "finished", job.log_tail()
    assert "all are sound" in job.state.message
    again = jobs.start_data_job("verify", [], "Everything here")
    assert again.name == job.name  # the same words are the same job
    with pytest.raises((RequestError, RunError), match="already"):
        jobs.start_data_job("verify", [], "Everything here")
    with pytest.raises(RequestError, match="stop it first"):
        jobs.remove(again)
    stop(again, 10)
    jobs.remove(again)
    assert jobs.list_data_jobs() == []


def test_events_tell_rates_and_the_time_left(capsys, monkeypatch):
    clock = iter([10.0, 12.0, 14.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    reporter = Reporter(as_json=True)
    reporter.progress("magnetograms", 0, 12)
    reporter.progress("magnetograms", 6, 12, "one", n_bytes=2_000_000, old=2)
    reporter.progress("magnetograms", 12, 12, "last", n_bytes=4_000_000, old=2)
    events = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    # Six are done after 2 s, of which two were here before: four took 2 s, six more take 3 s.
    assert (events[1]["seconds_left"], events[1]["bytes_per_s"]) == (3.0, 1e6)
    assert (events[2]["seconds_left"], events[2]["done"]) == (0.0, 12)


def test_numbers_for_people():
    assert [size(n) for n in (12, 3400, 2.5e6, 3e9)] == ["12 B", "3.4 kB", "2.5 MB", "3.0 GB"]
    assert [duration(s) for s in (5, 120, 4800)] == ["5 s", "2 min", "1 h 20 min"]

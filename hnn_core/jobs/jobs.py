"""Trainings in processes of their own: started, found again, stopped, resumed, deleted.

A job depends on nobody staying: it has its own session, its output goes to a file, and whoever
looks later finds it by process.json in its folder.

What became of a job: whether its process runs, and what its status means then.
"""

import json
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

from hnn_core.exceptions import RunError
from hnn_core.jobs.process import (
    PROCESS,
    Job,
    ProcessId,
    State,
    claim,
    draw_ticket,
    end,
    machine_lock,
    read_process,
)
from hnn_core.storage import home, replace_json

__all__ = [
    "ask_to_stop",
    "effective_state",
    "is_alive",
    "keep_child",
    "start",
    "stop",
    "stop_asked",
]


INTERRUPTED = "It was killed or the machine restarted; resume it from its last checkpoint."
_children: list[subprocess.Popen[bytes]] = []
"""What this very process has started: asked for their end, lest they stay zombies."""


def keep_child(child: subprocess.Popen[bytes]) -> None:
    """Remember a child of this process, so that it is asked for its end."""
    _children.append(child)


def is_alive(job: Job) -> bool:
    """Whether the job's process runs; a later process of the same number is not taken for it."""
    _children[:] = [child for child in _children if child.poll() is None]
    process = read_process(job.path)
    return process is not None and process.alive()


def effective_state(job: Job) -> State:
    """Return the status, corrected by whether the process is alive.

    A queued or running job without a process is "interrupted"; one that has been asked to stop
    and has not ended yet is "stopping".
    """
    # Asked first: a job that ends between the two questions has then written its last status.
    alive = is_alive(job)
    status = job.status
    if alive and stop_asked(job.path):
        return replace(
            status,
            state="stopping",
            message="Asked to stop: it finishes its step and writes a checkpoint.",
        )
    if not alive and status.state in ("queued", "running"):
        return replace(status, state="interrupted", message=INTERRUPTED)
    return status


def stop_asked(folder: Path) -> bool:
    """Whether the process that last worked on a folder has been asked to stop."""
    try:
        return bool(json.loads((folder / PROCESS).read_text(encoding="utf-8")).get("stop_asked"))
    except (OSError, ValueError, AttributeError):
        return False


ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "hnn_core")
_last_word = threading.Lock()
"""Two may wait for the end of the same job: who stops it and who then loses patience."""


def start(arguments: list[str], job: Job, *, in_turn: bool = True) -> None:
    """Start ``python -m hnn_core ARGUMENTS`` for a job and return at once.

    Parameters
    ----------
    arguments : list of str
    job : Job
        Gets process.json, the status "queued", and the output at the end of log.txt.
    in_turn : bool
        Whether it trains, so that its place in the queue is that of this call.

    Raises
    ------
    RunError
        If the job is at work already or no process can be made.
    """
    with machine_lock():
        last = read_process(job.path)
        if last is not None:
            if last.alive():
                raise RunError(
                    f"{job.path.name} is at work already (process {last.pid}); stop it first."
                )
            end(last, 0)  # what a killed process left behind would fight the new one for the device
        job.write_status("queued", "Starting.")
        process = _spawn(arguments, job.path)
        (job.path / PROCESS).unlink(missing_ok=True)
        claim(job.path, process)
        if in_turn:
            draw_ticket(process, job.path.name)


def stop(job: Job, grace_s: float = 60.0) -> None:
    """Stop a job and all its processes; returns when they are gone.

    Parameters
    ----------
    job : Job
    grace_s : float
        Seconds that it has, after SIGTERM, to finish its step and write a checkpoint; then
        it is killed.

    Raises
    ------
    RunError
        If it is not at work.
    """
    _see_to_the_end(job, _asked(job), grace_s)


def ask_to_stop(job: Job, grace_s: float = 1800.0) -> threading.Thread:
    """`stop` without waiting: a step of a large network on a CPU takes minutes.

    Returns
    -------
    Thread
        It waits and does not keep the program from ending.

    Raises
    ------
    RunError
        If the job is not at work.
    """
    process = _asked(job)
    arguments = (job, process, grace_s)
    waiting = threading.Thread(target=_see_to_the_end, args=arguments, daemon=True)
    waiting.start()
    return waiting


def _spawn(arguments: list[str], folder: Path) -> ProcessId:
    environment = {**os.environ, "HNN_HOME": str(home().absolute()), "PYTHONUNBUFFERED": "1"}
    try:
        with (folder / "log.txt").open("ab") as log:
            child = subprocess.Popen(
                [*COMMAND, *arguments],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except OSError as error:
        raise RunError(f"No process can be started for {folder.name} ({error}).") from error
    keep_child(child)
    return ProcessId.of(child.pid)  # a child that has ended keeps its number until asked for it


def _see_to_the_end(job: Job, process: ProcessId, grace_s: float) -> None:
    """End a process; if it leaves no last word, write one."""
    end(process, grace_s)
    with _last_word:
        is_alive(job)  # lets go of the dead child
        left = job.status.state
        if read_process(job.path) != process:
            return  # resumed meanwhile, or deleted
        if left == "queued":
            job.write_status("stopped", "Stopped before it had begun; resume it.")
        elif left == "running":
            job.write_status(
                "stopped", "Ended without a last checkpoint; resumes from the one before."
            )


def _asked(job: Job) -> ProcessId:
    """Return the job's process, after writing down that it is to stop."""
    process = read_process(job.path)
    if process is None or not is_alive(job):
        raise RunError(f"{job.path.name} is not at work.")
    replace_json(
        job.path / PROCESS,
        {"pid": process.pid, "created": process.created, "stop_asked": True},
    )
    return process

"""Work in processes of its own: started, found again, stopped; trainings one at a time.

A job depends on nobody staying: it has its own session, its output goes to a file, and whoever
looks later finds it by what lies in its folder.
"""

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from hnn_core.exceptions import RunError
from hnn_core.jobs.process import (
    MARK,
    ahead,
    end,
    join_queue,
    machine_lock,
    read_process,
    reserve,
    worker,
    write_process,
)
from hnn_core.storage import fault_words, home, now, read_json, replace_json, unreadable

__all__ = ["Job", "State", "effective_state", "request_stop", "start", "stop", "take_turn"]

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "hnn_core")
_INTERRUPTED = (
    "It was killed, the machine restarted or its disk was full; resume it from its last checkpoint."
)
_STATES = ("queued", "running", "stopping", "stopped", "interrupted", "failed", "finished")
_TURN_POLL_S = 0.2
_RANKS = ("LOCAL_RANK", "NODE_RANK", "SLURM_PROCID")
_children: list[subprocess.Popen[bytes]] = []
"""What this very process has started, lest they stay zombies."""
_last_word = threading.Lock()
"""Two may wait for the end of the same job: who stops it and who then loses patience."""


@dataclass(frozen=True)
class State:
    """How far a job is, in its own words."""

    state: str
    """queued, running, stopping, stopped, interrupted, finished or failed."""
    message: str
    time: str
    """ISO, UTC."""


class Job:
    """A folder that a process works on.

    Parameters
    ----------
    path : Path
        Where log.txt, process.json and status.json lie.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path).absolute()
        self.name = self.path.name

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        _children[:] = [child for child in _children if child.poll() is None]
        return worker(self.path) is not None

    @property
    def stop_asked(self) -> bool:
        """Whether the process that last worked on it was to stop."""
        return bool(read_process(self.path).get("stop_asked"))

    @property
    def status(self) -> State:
        """What was last written of it; what has written nothing yet is queued.

        Raises
        ------
        RunError
            If status.json is there and broken.
        """
        try:
            known = read_json(self.path / "status.json")
        except FileNotFoundError:
            return State("queued", "not started", "")
        except (OSError, ValueError) as error:
            raise self._broken(unreadable(error)) from error
        if known.get("state") not in _STATES:
            raise self._broken(f"its state is {known.get('state')!r}")
        return State(*(str(known.get(key, "")) for key in ("state", "message", "time")))

    def _broken(self, why: str) -> RunError:
        return RunError(
            f"{self.path / 'status.json'} is broken ({why}), so what became of {self.name} is not "
            "known. Delete this file, then resume it."
        )

    def write_status(self, state: str, message: str = "") -> None:
        """Replace the status; `state` is one of `State.state`'s."""
        replace_json(self.path / "status.json", {"state": state, "message": message, "time": now()})

    def log_lines(self) -> list[str]:
        """Return the log, line by line; of a line that was written over and over, the last."""
        try:
            text = (self.path / "log.txt").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return []
        return [line.rpartition("\r")[2] for line in text.split("\n") if line.strip()]

    def log_tail(self, lines: int = 12) -> str:
        """Return the last lines of the log; empty where there is none."""
        return "\n".join(self.log_lines()[-lines:])


def effective_state(job: Job) -> State:
    """Return the status, corrected by whether the process is alive; RunError if it is broken.

    A queued or running job without a process is "interrupted"; one that has been asked to stop
    and has not ended yet is "stopping".
    """
    # In this order: a job that ends between the two looks has then written its last status.
    alive = job.alive
    status = job.status
    if alive and job.stop_asked:
        message = "Stop requested: it finishes its step and writes a checkpoint."
        return replace(status, state="stopping", message=message)
    if not alive and status.state in ("queued", "running"):
        return replace(status, state="interrupted", message=_INTERRUPTED)
    return status


def start(arguments: list[str], job: Job, *, in_turn: bool = True) -> None:
    """Start ``python -m hnn_core ARGUMENTS`` for a job and return at once.

    Parameters
    ----------
    arguments : list of str
    job : Job
        Gets process.json, the status "queued", and the output in log.txt.
    in_turn : bool
        Whether it trains, so that its place in the queue is that of this call and its log is
        continued; other work begins a new log.

    Raises
    ------
    RunError
        If the job is at work already or no process can be made.
    """
    if os.name == "nt":
        raise RunError("Work in the background needs Linux or macOS.")
    with machine_lock(), reserve(job.path) as lock:
        job.write_status("queued", "Starting.")
        (job.path / "process.json").unlink(missing_ok=True)  # of the process before
        environment = {"HNN_HOME": str(home().absolute()), MARK: str(job.path)}
        try:
            with (job.path / "log.txt").open("ab" if in_turn else "wb") as log:
                child = subprocess.Popen(
                    [*COMMAND, *arguments],
                    cwd=ROOT,
                    env={**os.environ, **environment, "PYTHONUNBUFFERED": "1"},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    pass_fds=[lock.fileno()],
                )
        except OSError as error:
            why = fault_words(error) or f"{error}."
            raise RunError(f"No process can be started for {job.name}: {why}") from error
        _children.append(child)
        try:
            write_process(job.path, child.pid)
            if in_turn:
                join_queue(job.path, anew=True)
        except OSError:
            child.kill()  # nobody would find it again
            child.wait()  # until then the job would seem to be at work
            raise


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
    _request_stop(job)
    _see_to_the_end(job, grace_s)


def request_stop(job: Job, grace_s: float = 1800.0) -> threading.Thread:
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
    _request_stop(job)
    waiting = threading.Thread(target=_see_to_the_end, args=(job, grace_s), daemon=True)
    waiting.start()
    return waiting


@contextmanager
def take_turn(job: Job, log: Callable[[str], None] = lambda _: None) -> Iterator[None]:
    """Wait until no other training runs on this machine, and keep the others waiting.

    While it waits, the job's status is "queued". Of a training in several processes only the
    first takes part.

    Parameters
    ----------
    job : Job
        What is about to work.
    log : callable (sentence), optional
        Gets for whom it waits.

    Raises
    ------
    RunError
        If another process is at work on this job.
    """
    if any(os.environ.get(rank, "0") != "0" for rank in _RANKS):
        yield
        return
    with contextlib.ExitStack() as held:
        with machine_lock():
            process = worker(job.path)
            started = process is not None and process.pid == os.getpid()  # by `start`
            if started and not read_process(job.path):
                write_process(job.path, os.getpid())  # who started it was killed over it
            if not started:
                held.enter_context(reserve(job.path))
                held.callback(os.environ.pop, MARK)
                os.environ[MARK] = str(job.path)  # for what it starts
                write_process(job.path, os.getpid())
            join_queue(job.path, anew=not started)
        logged = None
        while others := ahead(job.path):
            more = f" and {len(others) - 1} more" if len(others) > 1 else ""
            message = f"Waits for {others[0].name}{more}: one training at a time on this machine."
            if message != logged:
                job.write_status("queued", message)
                log(message)
                logged = message
            time.sleep(_TURN_POLL_S)
        yield


def _request_stop(job: Job) -> None:
    with machine_lock():
        process = worker(job.path)
        if process is None:
            raise RunError(f"{job.name} is not at work.")
        write_process(job.path, process.pid, stop_asked=True)


def _see_to_the_end(job: Job, grace_s: float) -> None:
    """End a job's process; if it leaves no last word, write one."""
    if not end(job.path, grace_s):
        return  # resumed meanwhile, or deleted
    with _last_word:
        _ = job.alive  # lets go of the dead child
        words = {
            "queued": "Stopped before it had begun; resume it.",
            "running": "Ended without a last checkpoint; resumes from the one before.",
        }
        with contextlib.suppress(RunError):  # a broken status is left for people to see
            if last := words.get(job.status.state):
                job.write_status("stopped", last)

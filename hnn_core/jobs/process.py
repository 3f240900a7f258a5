"""A process that outlives who started it: known again by number and birth, ended with its group.

One training at a time on a machine: the others wait, first come first served.

A ticket is a small file that names its process. The lowest number whose process is alive has the
turn, so that a training that was killed lets the next one go on.
"""

import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Protocol

import psutil
from filelock import FileLock

from hnn_core.exceptions import RunError
from hnn_core.storage import home, replace_json

__all__ = [
    "PROCESS",
    "Job",
    "ProcessId",
    "State",
    "claim",
    "draw_ticket",
    "end",
    "machine_lock",
    "read_process",
    "take_turn",
]


_SAME_BIRTH_S = 2.0
"""psutil counts births from the boot by the system's clock, which may be set meanwhile. A number
comes round again only after thousands of others, so that two seconds tell two processes apart."""
_POLL_S = 0.05
_LAST_GASP_S = 10.0
"""A killed process may take that long to let go of a device."""


@dataclass(frozen=True)
class State:
    """How far a run is, in its own words."""

    state: str
    """One of `STATES`."""
    message: str
    time: str
    """ISO, UTC."""


class Job(Protocol):
    """A folder that a process works on, such as a `RunFolder`."""

    @property
    def path(self) -> Path:
        """Where log.txt, process.json and status.json lie."""

    @property
    def status(self) -> State:
        """What the process last wrote of itself."""

    def write_status(self, state: str, message: str = "") -> None:
        """Replace the status."""


@dataclass(frozen=True)
class ProcessId:
    """Number and birth of a process, as written down to find it again."""

    pid: int
    created: float
    """Seconds since 1970, as psutil gives it."""

    @classmethod
    def of(cls, pid: int) -> "ProcessId":
        """Describe a process that is there.

        Raises
        ------
        ProcessLookupError
            If it is not.
        """
        try:
            return cls(pid, psutil.Process(pid).create_time())
        except psutil.NoSuchProcess as error:
            raise ProcessLookupError(f"There is no process {pid}.") from error

    @classmethod
    def mine(cls) -> "ProcessId":
        """Describe this process."""
        return cls.of(os.getpid())

    def alive(self) -> bool:
        """Whether it still runs; one that has ended and waits for its parent does not."""
        try:
            return self.same_as(psutil.Process(self.pid)) and not _ended(psutil.Process(self.pid))
        except psutil.NoSuchProcess:
            return False

    def same_as(self, process: psutil.Process) -> bool:
        """Whether a process of this number is this one, and not a later one."""
        return abs(process.create_time() - self.created) < _SAME_BIRTH_S


def end(process: ProcessId, grace_s: float) -> None:
    """End a process and all that it started.

    It is asked with SIGTERM, alone: its workers must live until it has written its checkpoint.
    After it has ended, or after the grace, what is left of it, its process group and its
    descendants is killed.

    Parameters
    ----------
    process : ProcessId
        Dead or alive; of a dead one, what it left behind in its group is killed.
    grace_s : float
        Seconds; 0 kills at once.
    """
    started = _started_by(process)
    if grace_s > 0 and process.alive():
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)
        _wait_until(lambda: not process.alive(), grace_s)
    remaining = {one.pid: one for one in (*started, *_started_by(process))}.values()
    for one in remaining:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()  # psutil refuses where the number has another owner by now
    _wait_until(lambda: all(_gone(one) for one in remaining), _LAST_GASP_S)


def _started_by(process: ProcessId) -> list[psutil.Process]:
    """Find the process itself, its descendants, and its group if it leads one."""
    found: list[psutil.Process] = []
    try:
        leader = psutil.Process(process.pid)
        if not process.same_as(leader):
            return []  # the number was free for another: nothing of the group was left
        found = [leader, *leader.children(recursive=True)]
        leads = os.getpgid(process.pid) == process.pid
    except (psutil.NoSuchProcess, ProcessLookupError):
        leads = True  # no number is given anew while a group of that number has a member
    return [*found, *_group(process)] if leads else found


def _group(process: ProcessId) -> Iterable[psutil.Process]:
    for pid in psutil.pids():
        with contextlib.suppress(psutil.Error, OSError):
            if os.getpgid(pid) == process.pid:
                yield psutil.Process(pid)


def _gone(process: psutil.Process) -> bool:
    try:
        return _ended(process)
    except psutil.NoSuchProcess:
        return True


def _ended(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def _wait_until(done: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        time.sleep(_POLL_S)


PROCESS = "process.json"
_TURN_POLL_S = 0.2
_RANKS = ("LOCAL_RANK", "NODE_RANK", "SLURM_PROCID")


@dataclass(frozen=True)
class _Ticket:
    path: Path
    number: int
    process: ProcessId
    run: str


@contextmanager
def take_turn(job: Job, tell: Callable[[str], None] | None = None) -> Iterator[None]:
    """Wait until no other training runs on this machine, and keep the others waiting.

    While it waits, the run's status is "queued"; SIGTERM then ends the process with the status
    "stopped". Of a training in several processes only the first takes part.

    Parameters
    ----------
    job : Job
        What is about to work.
    tell : callable (sentence), optional
        Told for whom it waits.

    Raises
    ------
    RunError
        If another process is at work on this run.
    SystemExit
        When stopped while waiting.
    """
    if any(os.environ.get(rank, "0") != "0" for rank in _RANKS):
        yield
        return
    with machine_lock():
        me = ProcessId.mine()
        claim(job.path, me)
        ticket = draw_ticket(me, job.path.name)
    try:
        try:
            with _ended_by_sigterm():
                _wait_for_turn(job, ticket, tell)
        except (SystemExit, KeyboardInterrupt):
            job.write_status("stopped", "Stopped while it waited for its turn; resume it.")
            raise
        yield
    finally:
        ticket.unlink(missing_ok=True)


@contextmanager
def machine_lock() -> Iterator[None]:
    """Hold what makes starting, claiming and drawing tickets one step; never for long."""
    with FileLock(home() / "training.lock"):
        yield


def claim(folder: Path, process: ProcessId) -> None:
    """Write down that a process is at work on a folder; call it under `machine_lock`.

    Raises
    ------
    RunError
        If another one is.
    """
    owner = read_process(folder)
    if owner is not None and owner != process and owner.alive():
        raise RunError(
            f"The run {folder.name} is at work already (process {owner.pid}); stop it first."
        )
    if owner != process:
        replace_json(folder / PROCESS, {"pid": process.pid, "created": process.created})


def read_process(folder: Path) -> ProcessId | None:
    """Return the process that last worked on a folder; None if none did."""
    try:
        values = json.loads((folder / PROCESS).read_text(encoding="utf-8"))
        return ProcessId(int(values["pid"]), float(values["created"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def draw_ticket(process: ProcessId, run: str) -> Path:
    """Return the process's ticket, a new one if it has none; call it under `machine_lock`."""
    tickets = _tickets()
    for ticket in tickets:
        if ticket.process == process:
            return ticket.path
    number = max((ticket.number for ticket in tickets), default=0) + 1
    path = _folder() / f"{number:09d}-{process.pid}.json"
    replace_json(path, {"pid": process.pid, "created": process.created, "run": run})
    return path


def _wait_for_turn(job: Job, mine: Path, tell: Callable[[str], None] | None) -> None:
    told = None
    while ahead := [ticket for ticket in _tickets() if ticket.path.name < mine.name]:
        others = f" and {len(ahead) - 1} more" if len(ahead) > 1 else ""
        message = f"Waits for {ahead[0].run}{others}: one training at a time on this machine."
        if message != told:
            job.write_status("queued", message)
            if tell is not None:
                tell(message)
            told = message
        time.sleep(_TURN_POLL_S)


def _tickets() -> list[_Ticket]:
    """Tickets of the living, in order; those of the dead are thrown away."""
    found = []
    for path in sorted(_folder().glob("*.json")):
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            process = ProcessId(int(values["pid"]), float(values["created"]))
            ticket = _Ticket(path, int(path.name.split("-")[0]), process, str(values["run"]))
        except FileNotFoundError:
            continue  # given back just now
        except (OSError, ValueError, KeyError, TypeError):
            path.unlink(missing_ok=True)
            continue
        if process.alive():
            found.append(ticket)
        else:
            path.unlink(missing_ok=True)
    return found


def _folder() -> Path:
    folder = home() / "turns"
    folder.mkdir(exist_ok=True)
    return folder


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Turn SIGTERM into SystemExit; only a main thread can, elsewhere nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _leave)
    try:
        yield
    finally:
        with contextlib.suppress(TypeError):  # a handler that Python did not set cannot be put back
            signal.signal(signal.SIGTERM, before)


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)

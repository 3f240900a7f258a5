"""One training at a time on a machine: the others wait, first come first served.

A ticket is a small file that names its process. The lowest number whose process is alive has the
turn, so that a training that was killed lets the next one go on.
"""

import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from filelock import FileLock

from hnn_core.exceptions import RunError
from hnn_core.home import home
from hnn_core.training.process import ProcessId
from hnn_core.training.run_folder import RunFolder, replace_json

__all__ = ["PROCESS", "claim", "draw_ticket", "machine_lock", "read_process", "take_turn"]

PROCESS = "process.json"
_POLL_S = 0.2
_RANKS = ("LOCAL_RANK", "NODE_RANK", "SLURM_PROCID")


@dataclass(frozen=True)
class _Ticket:
    path: Path
    number: int
    process: ProcessId
    run: str


@contextmanager
def take_turn(run_path: Path, tell: Callable[[str], None] | None = None) -> Iterator[None]:
    """Wait until no other training runs on this machine, and keep the others waiting.

    While it waits, the run's status is "queued"; SIGTERM then ends the process with the status
    "stopped". Of a training in several processes only the first takes part.

    Parameters
    ----------
    run_path : Path
        The run folder.
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
    run = RunFolder(run_path)
    with machine_lock():
        me = ProcessId.mine()
        claim(run.path, me)
        ticket = draw_ticket(me, run.name)
    try:
        try:
            with _ended_by_sigterm():
                _wait(run, ticket, tell)
        except (SystemExit, KeyboardInterrupt):
            run.write_status("stopped", "Stopped while it waited for its turn; resume it.")
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


def _wait(run: RunFolder, mine: Path, tell: Callable[[str], None] | None) -> None:
    told = None
    while ahead := [ticket for ticket in _tickets() if ticket.path.name < mine.name]:
        others = f" and {len(ahead) - 1} more" if len(ahead) > 1 else ""
        message = f"Waits for {ahead[0].run}{others}: one training at a time on this machine."
        if message != told:
            run.write_status("queued", message)
            if tell is not None:
                tell(message)
            told = message
        time.sleep(_POLL_S)


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

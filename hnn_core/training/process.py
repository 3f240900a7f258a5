"""A process that outlives who started it: known again by number and birth, ended with its group."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import psutil

__all__ = ["ProcessId", "end"]

_SAME_BIRTH_S = 2.0
"""psutil counts births from the boot by the system's clock, which may be set meanwhile. A number
comes round again only after thousands of others, so that two seconds tell two processes apart."""
_POLL_S = 0.05
_LAST_GASP_S = 10.0
"""A killed process may take that long to let go of a device."""


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
        _wait(lambda: not process.alive(), grace_s)
    remaining = {one.pid: one for one in (*started, *_started_by(process))}.values()
    for one in remaining:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()  # psutil refuses where the number has another owner by now
    _wait(lambda: all(_gone(one) for one in remaining), _LAST_GASP_S)


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


def _wait(done: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        time.sleep(_POLL_S)

"""A job's process: known by the lock that it holds, ended with all that it started, queued.

Each job's folder has a lock. The job's process holds it for its whole life: who starts a process
hands the lock over, held. Whether a job is at work is thus never in doubt, whatever was killed.
Where there is no lock (an earlier version started it, or the disk has none), the process is known
by its number and birth: which boot of the machine it lives in, and how long after that boot it
began. The clock has no part in this: it may be set at any time. All that belongs to a job carries
its folder in the environment, so that nothing is left behind.
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterable
from itertools import takewhile
from pathlib import Path
from typing import IO, Any

import psutil
from filelock import FileLock

from hnn_core.exceptions import RunError
from hnn_core.storage import home, is_held, read_json, replace_json, take_lock

__all__ = [
    "MARK",
    "ahead",
    "end",
    "join_queue",
    "machine_lock",
    "read_process",
    "reserve",
    "worker",
    "write_process",
]

MARK = "HNN_JOB"
"""Environment variable that holds the folder of the job that a process belongs to."""
_POLL_S = 0.05
_SAME_BIRTH_S = 2.0
"""For births that were read off the system's clock: where Linux's own count is not, or in folders
of an earlier version."""
_PROC = Path("/proc")
_LAST_GASP_S = 10.0
"""A killed process may take that long to let go of a device, its forked helpers of the lock."""


def machine_lock() -> FileLock:
    """Return the lock that makes starting, queueing and deleting one step; hold it briefly."""
    return FileLock(home() / "training.lock")


def worker(folder: Path) -> psutil.Process | None:
    """Return the process that is at work on a folder; None where there is none."""
    held = is_held(folder / "job.lock")
    if held is False:
        return None
    values = read_process(folder)
    if held and not values:
        return _leader(folder)  # just started, perhaps by a process that was killed over it
    # Of a damaged process.json the number may be none that a process can have.
    with contextlib.suppress(psutil.Error, KeyError, TypeError, ValueError, OverflowError):
        process = psutil.Process(values["pid"])
        # A lock is held, for a moment, also by forked helpers of one that was killed.
        if _is_born(process, values, unknown=bool(held)):
            return None if _gone(process) else process
    return None


def reserve(folder: Path) -> IO[bytes]:
    """Take a folder's lock, held until the file is closed; call it under `machine_lock`.

    What an earlier process left behind is killed: it would fight the new one for the device.

    Raises
    ------
    RunError
        A process is at work on the folder.
    """
    if process := worker(folder):
        raise RunError(f"{folder.name} is at work already (process {process.pid}); stop it first.")
    _kill(_marked(folder))
    lock = (folder / "job.lock").open("ab")
    if not _wait_until(lambda: take_lock(lock) is not False, _LAST_GASP_S):
        lock.close()
        raise RunError(f"Helpers of {folder.name}, which was killed, are still there; try again.")
    return lock


def end(folder: Path, grace_s: float) -> bool:
    """End the process at work on a folder, if there is one, and all that it started.

    It is asked with SIGTERM, alone: its helpers must live until it has written its checkpoint.
    After it has ended, or after the grace, everything that is left is killed.

    Parameters
    ----------
    folder : Path
    grace_s : float
        Seconds; 0 kills at once.

    Returns
    -------
    bool
        False where another process has begun meanwhile, which is left alone.
    """
    process, before = worker(folder), read_process(folder).get("pid")
    left: list[psutil.Process] = []
    with contextlib.suppress(psutil.NoSuchProcess):
        if process is not None:
            left = [process, *process.children(recursive=True)]
            if grace_s > 0:
                process.terminate()
                _wait_until(lambda: worker(folder) != process, grace_s)
    with machine_lock():
        if read_process(folder).get("pid") != before:
            return False
        _kill([*left, *_marked(folder)])
    return True


def read_process(folder: Path) -> dict[str, Any]:
    """Return what is written of the process that last worked on a folder; empty if none did.

    ``pid``, ``boot`` (which boot of the machine; empty where it has no name) and ``born`` (seconds
    from that boot to its birth), ``stop_asked`` where it was to stop. Earlier versions wrote
    ``created``, seconds since 1970, in place of the birth.
    """
    try:
        values = read_json(folder / "process.json")
        return {**values, "pid": int(values["pid"])}
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return {}


def write_process(folder: Path, pid: int, *, stop_asked: bool = False) -> None:
    """Write down which process works on a folder, and whether it is to stop."""
    birth: dict[str, Any] = {}
    with contextlib.suppress(psutil.NoSuchProcess):
        boot, born = _birth(psutil.Process(pid))
        birth = {"boot": boot, "born": born}
    replace_json(folder / "process.json", {"pid": pid, **birth, "stop_asked": stop_asked})


def join_queue(folder: Path, *, anew: bool) -> None:
    """Put a folder at the end of the machine's queue; call it under `machine_lock`.

    Parameters
    ----------
    folder : Path
    anew : bool
        Whether a place that it has, from an earlier life, does not count.
    """
    queue = _queue()
    if anew or str(folder) not in queue:
        others = [one for one in queue if one != str(folder) and worker(Path(one))]
        replace_json(home() / "queue.json", {"folders": [*others, str(folder)]})


def ahead(folder: Path) -> list[Path]:
    """Return the folders whose turn comes before that of a folder in the queue."""
    before = takewhile(lambda one: one != str(folder), _queue())
    return [Path(one) for one in before if worker(Path(one))]


def _queue() -> list[str]:
    """Folders in the order of their turns; those that nobody works on any more do not count."""
    try:
        return [str(one) for one in read_json(home() / "queue.json")["folders"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _marked(folder: Path) -> list[psutil.Process]:
    """Find what was started for a folder, whoever its parent is by now."""
    return [
        process
        for process in psutil.process_iter(["environ"])
        if (process.info["environ"] or {}).get(MARK) == str(folder) and process.pid != os.getpid()
    ]


def _leader(folder: Path) -> psutil.Process | None:
    """Find the process that was started for a folder: what itself starts has another session."""
    found = [*_marked(folder)]
    if os.environ.get(MARK) == str(folder):
        found.append(psutil.Process())
    with contextlib.suppress(OSError):  # one ends meanwhile
        return next((one for one in found if os.getsid(one.pid) == one.pid), None)
    return None


def _kill(processes: Iterable[psutil.Process]) -> None:
    processes = set(processes)
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):  # also where the number has a new owner
            process.kill()
    _wait_until(lambda: all(map(_gone, processes)), _LAST_GASP_S)


def _birth(process: psutil.Process) -> tuple[str, float]:
    """Return the boot that a process lives in, and the seconds from that boot to its birth.

    Elsewhere than on Linux a boot has no name, and its time is read off the clock: there both
    sides of the difference move with it.
    """
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        stat = (_PROC / str(process.pid) / "stat").read_text(encoding="utf-8", errors="replace")
        # Field 22, after a name in brackets that may hold anything.
        return boot, int(stat.rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return "", process.create_time() - psutil.boot_time()


def _is_born(process: psutil.Process, values: dict[str, Any], *, unknown: bool) -> bool:
    """Whether a process has the birth that was written; `unknown` where none was."""
    if "born" in values:
        boot, born = _birth(process)
        tolerance = 0.0 if boot else _SAME_BIRTH_S
        return bool(boot == values["boot"] and abs(born - values["born"]) <= tolerance)
    if "created" in values and not unknown:
        return bool(abs(process.create_time() - values["created"]) < _SAME_BIRTH_S)
    return unknown


def _gone(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _wait_until(done: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True

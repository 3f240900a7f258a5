"""What became of a job: whether its process runs, and what its status means then."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from hnn_core.training.run_folder import State
from hnn_core.training.turns import PROCESS, read_process

__all__ = ["Job", "effective_state", "is_alive", "keep_child", "stop_asked"]

INTERRUPTED = "It was killed or the machine restarted; resume it from its last checkpoint."
_children: list[subprocess.Popen[bytes]] = []
"""What this very process has started: asked for their end, lest they stay zombies."""


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

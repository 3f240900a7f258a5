"""Downloads and builds as jobs that a page can watch: started, stopped, resumed, removed.

A job's folder holds its command (request.json), what its process wrote (log.txt) and which
process that is. Its state is read from these: nothing has to be written at the end, so that a
killed job is known from a finished one.
"""

import shutil
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from hnn_core.exceptions import RequestError, RunError
from hnn_core.jobs.jobs import Job, State, start
from hnn_core.regions.base import SkippedFile
from hnn_core.services.endpoints import live_home
from hnn_core.storage import entries, json_objects, now, read_json, replace_json, unreadable

__all__ = [
    "DataJob",
    "again",
    "broken_data_jobs",
    "list_data_jobs",
    "remove",
    "start_data_job",
]

_NUMBERS = frozenset(
    ("done", "total", "count", "bytes", "bytes_per_s", "seconds", "seconds_left", "frames", "here")
)
"""Fields of events that are numbers."""


class DataJob(Job):
    """One command of ``python -m hnn_core data`` at work, or that was.

    Parameters
    ----------
    path : Path
        Its folder.

    Raises
    ------
    RunError
        The folder holds no readable request.json.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        request = _read_request(path / "request.json")
        self.title: str = request["title"]
        """What a person reads: ``AR 11158, 2011-02-13 to 2011-02-15``."""
        self.kind: str = request["kind"]
        """The command: fetch, flares, cmes, build or watch."""
        self.arguments: list[str] = request["arguments"]
        self.begun: str = request["begun"]
        """When it was first started, ISO, UTC."""

    @property
    def state(self) -> State:
        """What has become of it, and a sentence about it."""
        # In this order: a job that ends between the two looks has then written its last word.
        alive, stopped = self.alive, self.stop_asked
        events = self.events()
        end = next((one for one in reversed(events) if one["event"] == "end"), None)
        if alive and stopped:
            return State("stopping", "Stop requested; what is fetched is kept.", now())
        if alive:
            return State("running" if events else "queued", "", now())
        if end is not None:
            return State("finished", str(end.get("text", "")), now())
        if stopped:
            return State("stopped", "Stopped; resuming fetches only what is missing.", now())
        if fault := self._last_words():
            return State("failed", fault, now())
        words = "It was killed, the machine restarted or its disk was full; resume it."
        return State("interrupted", words, now())

    def events(self) -> list[dict[str, Any]]:
        """Return the events of the newest start of the job, in order; damaged ones are left out."""
        found: list[dict[str, Any]] = []
        for event in json_objects(self.log_lines()):
            if event.get("event") == "start":
                found = []
            if isinstance(event.get("event"), str) and _is_sound(event):
                found.append(event)
        return found

    def log_tail(self, lines: int = 12) -> str:
        """Return the last lines it wrote for people."""
        return "\n".join([line for line in self.log_lines() if not _is_event(line)][-lines:])

    def _last_words(self) -> str:
        """Return the line by which a failed command ended, after its last event."""
        lines = self.log_lines()
        last = lines[-1] if lines and not _is_event(lines[-1]) else ""
        if last and any(line.startswith("Traceback ") for line in lines):
            return f"It broke in a way that it should not ({last}); its log holds more."
        return last


def start_data_job(kind: str, arguments: list[str], title: str) -> DataJob:
    """Start ``python -m hnn_core data KIND ARGUMENTS --json`` and return at once.

    Parameters
    ----------
    kind : str
    arguments : list of str
        Checked by the caller: nothing here comes from a page unread.
    title : str
        For people.

    Raises
    ------
    RequestError
        The same job is at work already.
    RunError
        No process can be made.
    """
    _folder().mkdir(parents=True, exist_ok=True)
    with FileLock(_folder() / ".lock"):  # another server may be asked for the same
        for job in list_data_jobs():
            if (job.kind, job.arguments) == (kind, arguments):
                if job.alive:
                    raise RequestError(f"{title} is under way already; watch it below.")
                again(job)
                return job
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        path = _folder() / f"{stamp}-{kind}-{uuid.uuid4().hex[:6]}"
        request = {"kind": kind, "arguments": arguments, "title": title, "begun": now()}
        try:
            path.mkdir()
            replace_json(path / "request.json", request)
        except OSError:
            shutil.rmtree(path, ignore_errors=True)
            raise
        job = DataJob(path)
        again(job)
        return job


def again(job: DataJob) -> None:
    """Start a job's command once more; what is there already is not fetched again.

    Raises
    ------
    RunError
        It is at work, or no process can be made.
    """
    start(["data", job.kind, *job.arguments, "--json"], job, in_turn=False)


def remove(job: DataJob) -> None:
    """Remove a job from the list; what it fetched stays.

    Raises
    ------
    RequestError
        It is at work.
    """
    with FileLock(_folder() / ".lock"):  # nobody starts it meanwhile
        if job.alive:
            raise RequestError(f"{job.title} is at work; stop it first.")
        shutil.rmtree(job.path, ignore_errors=True)


def list_data_jobs() -> list[DataJob]:
    """Return all jobs that can be read, the newest first."""
    return _look_through()[0]


def broken_data_jobs() -> list[SkippedFile]:
    """Return the folders of jobs that cannot be read, with the reason."""
    return _look_through()[1]


def _look_through() -> tuple[list[DataJob], list[SkippedFile]]:
    found, broken = [], []
    for path in reversed(entries(_folder())):
        if not (path / "request.json").exists():
            continue  # no job yet, or none at all
        try:
            found.append(DataJob(path))
        except RunError as error:
            if path.is_dir():  # not removed meanwhile
                broken.append(SkippedFile(str(path), str(error)))
    return found, broken


def _read_request(path: Path) -> dict[str, Any]:
    try:
        request = read_json(path)
        words = [*request["arguments"], *(request[key] for key in ("title", "kind", "begun"))]
        if not isinstance(request["arguments"], list) or {type(one) for one in words} != {str}:
            raise ValueError("a field of another kind")
    except KeyError as error:
        raise _broken(path, f"it has no {error.args[0]}") from error
    except (OSError, ValueError, TypeError) as error:
        raise _broken(path, unreadable(error)) from error
    return request


def _broken(path: Path, why: str) -> RunError:
    return RunError(
        f"{path} is broken ({why}), so this job can be neither named nor resumed; delete its "
        "folder. What it fetched is not lost."
    )


def _is_sound(event: dict[str, Any]) -> bool:
    """Whether numbers are numbers and lists of regions are lists."""
    if not isinstance(event.get("regions", 0), list | int):
        return False
    return all(
        (type(value := event[name]) in (int, float) and 0 <= value < 1e18)
        or (name == "seconds_left" and value is None)
        for name in _NUMBERS & {*event}
    )


def _folder() -> Path:
    return live_home() / "jobs"


def _is_event(line: str) -> bool:
    return any("event" in one for one in json_objects([line]))

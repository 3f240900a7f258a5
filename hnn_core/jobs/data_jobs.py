"""Downloads and builds in processes of their own: started, watched, stopped, gone on with.

A job's folder holds what was asked for (request.json), what its process wrote (log.txt) and which
process that is (process.json). Its state is read from these three: nothing has to be written at
the end, so that a killed job is told from a finished one.

Building a small data set for the first training, as a job that a page can watch.
"""

import json
import shutil
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hnn_core.exceptions import RequestError
from hnn_core.jobs import jobs
from hnn_core.jobs.jobs import stop_asked
from hnn_core.jobs.process import State
from hnn_core.services.endpoints import live_home
from hnn_core.storage import home, now, replace_json

__all__ = [
    "SMALL",
    "DataBuild",
    "DataJob",
    "again",
    "forget",
    "list_data_jobs",
    "start_data_job",
    "start_small_build",
    "stop_data_job",
    "stop_small_build",
]


_GRACE_S = 10.0


class DataJob:
    """One command of ``python -m hnn_core data`` at work, or that was.

    Parameters
    ----------
    path : Path
        Its folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._request: dict[str, Any] = json.loads(
            (path / "request.json").read_text(encoding="utf-8")
        )

    @property
    def name(self) -> str:
        """What a link holds."""
        return self.path.name

    @property
    def title(self) -> str:
        """What a person reads: ``AR 11158, 2011-02-13 to 2011-02-15``."""
        return str(self._request["title"])

    @property
    def kind(self) -> str:
        """The command: fetch, flares, cmes, build or watch."""
        return str(self._request["kind"])

    @property
    def arguments(self) -> list[str]:
        """Arguments of the command."""
        return [str(one) for one in self._request["arguments"]]

    @property
    def begun(self) -> str:
        """When it was first started, ISO, UTC."""
        return str(self._request["begun"])

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return jobs.is_alive(self)

    @property
    def state(self) -> State:
        """What has become of it, and a sentence about it."""
        # Asked first: a job that ends between the two questions has then written its last word.
        alive = self.alive
        events = self.events()
        end = next((one for one in reversed(events) if one.get("event") == "end"), None)
        if alive:
            if stop_asked(self.path):
                return State("stopping", "Asked to stop; what is fetched is kept.", now())
            return State("running" if events else "queued", "", now())
        if end is not None:
            return State("finished", str(end.get("text", "")), now())
        if stop_asked(self.path):
            return State("stopped", "Stopped; going on fetches only what is missing.", now())
        said = self._last_words()
        if said:
            return State("failed", said, now())
        return State("interrupted", "It was killed or the machine restarted; go on with it.", now())

    @property
    def status(self) -> State:
        """What `hnn_core.jobs.jobs` last wrote of it."""
        try:
            values = json.loads((self.path / "status.json").read_text(encoding="utf-8"))
            return State(str(values["state"]), str(values["message"]), str(values["time"]))
        except (OSError, ValueError, KeyError, TypeError):
            return State("stopped", "not started", now())

    def write_status(self, state: str, message: str = "") -> None:
        """Replace the status."""
        replace_json(self.path / "status.json", {"state": state, "message": message, "time": now()})

    def events(self) -> list[dict[str, Any]]:
        """Return what the newest start of the job told, in order."""
        found: list[dict[str, Any]] = []
        for line in self._lines():
            event = _event(line)
            if event and event["event"] == "start":
                found = []
            if event:
                found.append(event)
        return found

    def log_tail(self, lines: int = 12) -> str:
        """Return the last lines it wrote for people."""
        kept = [line for line in self._lines() if not _event(line)]
        return "\n".join(kept[-lines:])

    def _last_words(self) -> str:
        """Return the line by which a failed command ended, after its last event."""
        said, broke = "", False
        for line in self._lines():
            said = "" if _event(line) else line
            broke = broke or line.startswith("Traceback ")
        if broke and said:
            return f"It broke in a way that it should not ({said}); its log tells more."
        return said

    def _lines(self) -> Iterator[str]:
        try:
            text = (self.path / "log.txt").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return
        yield from (line.rpartition("\r")[2] for line in text.splitlines() if line.strip())


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
    for job in list_data_jobs():
        if (job.kind, job.arguments) == (kind, arguments):
            if job.alive:
                raise RequestError(f"{title} is being fetched already; watch it below.")
            again(job)
            return job
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    path = _folder() / f"{stamp}-{kind}-{uuid.uuid4().hex[:6]}"
    hidden = path.with_name(f".{path.name}")
    hidden.mkdir()
    request = {"kind": kind, "arguments": arguments, "title": title, "begun": now()}
    replace_json(hidden / "request.json", request)
    hidden.rename(path)
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
    (job.path / "log.txt").unlink(missing_ok=True)
    jobs.start(["data", job.kind, *job.arguments, "--json"], job, in_turn=False)


def stop_data_job(job: DataJob) -> None:
    """Stop a job; returns when its processes are gone. What is fetched is kept.

    Raises
    ------
    RunError
        It is not at work.
    """
    jobs.stop(job, grace_s=_GRACE_S)


def forget(job: DataJob) -> None:
    """Remove a job from the list; what it fetched stays.

    Raises
    ------
    RequestError
        It is at work.
    """
    if job.alive:
        raise RequestError(f"{job.title} is at work; stop it first.")
    shutil.rmtree(job.path, ignore_errors=True)


def list_data_jobs() -> list[DataJob]:
    """Return all jobs, the newest first; folders that are none are passed over."""
    found = []
    for path in sorted(_folder().iterdir(), reverse=True):
        if path.name.startswith(".") or not (path / "request.json").is_file():
            continue
        try:
            job = DataJob(path)
            _ = job.title, job.kind, job.arguments, job.begun
        except (OSError, ValueError, KeyError, TypeError):
            continue
        found.append(job)
    return found


def _folder() -> Path:
    folder = live_home() / "jobs"
    folder.mkdir(exist_ok=True)
    return folder


def _event(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) and "event" in value else None


SMALL = "sim-40"
"""Name of the data set of 40 simulated regions."""
_SOURCE = "sim:1:40"


class DataBuild:
    """The folder of a building's job; the data set itself lies elsewhere.

    Parameters
    ----------
    name : str
        Of the data set.
    """

    def __init__(self, name: str = SMALL) -> None:
        self.name = name
        self.path: Path = home() / "builds" / name

    @property
    def status(self) -> State:
        """What is written of it; the build itself writes nothing but its data set and its log."""
        try:
            values = json.loads((self.path / "status.json").read_text(encoding="utf-8"))
            return State(str(values["state"]), str(values["message"]), str(values["time"]))
        except (OSError, ValueError, KeyError, TypeError):
            return State("stopped", "not started", now())

    def write_status(self, state: str, message: str = "") -> None:
        """Replace the status."""
        replace_json(self.path / "status.json", {"state": state, "message": message, "time": now()})

    @property
    def alive(self) -> bool:
        """Whether it is under way."""
        return jobs.is_alive(self)

    @property
    def begun(self) -> bool:
        """Whether it was ever started."""
        return (self.path / "log.txt").is_file()

    def log_tail(self, lines: int = 12) -> str:
        """Return the last lines of its log; empty where there is none."""
        try:
            text = (self.path / "log.txt").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        # A progress bar writes its line over and over.
        kept = [line.rpartition("\r")[2] for line in text.splitlines() if line.strip()]
        return "\n".join(kept[-lines:])


def start_small_build() -> None:
    """Start building the small data set of simulated regions.

    Raises
    ------
    RunError
        If it is under way.
    """
    build = DataBuild()
    build.path.mkdir(parents=True, exist_ok=True)
    jobs.start(["data", "build", "--source", _SOURCE, "--out", SMALL], build, in_turn=False)


def stop_small_build() -> None:
    """Stop building; what is built is kept, and building again goes on with it.

    Raises
    ------
    RunError
        If it is not under way.
    """
    jobs.stop(DataBuild(), grace_s=5)

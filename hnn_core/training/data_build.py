"""Building a small data set for the first training, as a job that a page can watch."""

import json
from pathlib import Path

from hnn_core.home import home
from hnn_core.training import jobs
from hnn_core.training.run_folder import State, now, replace_json

__all__ = ["SMALL", "DataBuild", "start_small_build", "stop_small_build"]

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

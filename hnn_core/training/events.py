"""What happens in a training, written down as it happens."""

import json
import os
import time
from pathlib import Path
from typing import Any

from lightning.fabric.utilities.rank_zero import rank_zero_only

from hnn_core.training.run_folder import now

__all__ = ["EventLog", "Steadily", "is_main_process"]

_TELL_EVERY_S = 2.0


def is_main_process() -> bool:
    """Whether this is the one process of a distributed training that writes."""
    return int(getattr(rank_zero_only, "rank", 0)) == 0


class EventLog:
    """Appends events to a run's metrics.jsonl, each at once and in one write.

    Parameters
    ----------
    path : Path
        metrics.jsonl.
    writes : bool
        False for the processes of a distributed training that only compute.
    tags : str
        Added to every event, such as the member of a cross-validation.
    echo : EventLog, optional
        Another log that gets the same events, such as that of the cross-validation.
    """

    def __init__(
        self, path: Path, *, writes: bool = True, echo: "EventLog | None" = None, **tags: str
    ) -> None:
        self.path, self.writes, self.echo, self.tags = path, writes, echo, tags
        if writes:
            _end_torn_line(path)

    def write(self, event: str, **values: Any) -> None:
        """Append an event; NaN becomes null."""
        if not self.writes:
            return
        plain = {name: _plain(value) for name, value in values.items()}
        line = json.dumps({"event": event, "time": now(), **self.tags, **plain}, allow_nan=False)
        with self.path.open("ab", buffering=0) as stream:
            stream.write(line.encode() + b"\n")
        if self.echo is not None:
            self.echo.write(event, **self.tags, **values)

    def message(self, text: str, level: str = "info") -> None:
        """Append a sentence for people."""
        self.write("message", level=level, text=text)


class Steadily:
    """Tells how far a long piece of work is, at most every few seconds.

    Parameters
    ----------
    events : EventLog
    what : str
        The work, as "Reading frames".
    """

    def __init__(self, events: EventLog, what: str) -> None:
        self.events, self.what = events, what
        self.told = self.begun = time.monotonic()
        self.first: int | None = None

    def __call__(self, done: int, total: int) -> None:
        """Take note that `done` of `total` is done."""
        if self.first is None:
            self.first, self.begun = done, time.monotonic()
        now_s = time.monotonic()
        if now_s - self.told < _TELL_EVERY_S and done < total:
            return
        self.told = now_s
        rate = (done - self.first) / max(now_s - self.begun, 1e-9)
        left = (total - done) / rate if rate else None
        self.events.write("progress", what=self.what, done=done, total=total, seconds_left=left)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, float):
        return round(value, 6) if value - value == 0 else None
    return value


def _end_torn_line(path: Path) -> None:
    """Close a line that a crash left open, so that the next event stands on its own."""
    if not path.exists() or not path.stat().st_size:
        return
    with path.open("rb+") as stream:
        stream.seek(-1, os.SEEK_END)
        if stream.read(1) != b"\n":
            stream.write(b"\n")

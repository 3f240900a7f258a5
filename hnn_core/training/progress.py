"""What happens in a training, written down as it happens, and added up for whoever looks on."""

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lightning.fabric.utilities.rank_zero import rank_zero_only

from hnn_core.storage import append_line, now

__all__ = [
    "EventLog",
    "Progress",
    "Steadily",
    "is_main_process",
    "member_progress",
    "n_members",
    "read_progress",
    "share_done",
]

_EVERY_S = 2.0
_MEASURED = (
    "epoch", "batch", "batches", "seconds_left", "sequences_per_s", "data_fraction", "memory_mb",
)  # fmt: skip
"""What a step's event holds, by the names of `Progress`."""


@dataclass(frozen=True)
class Progress:
    """What is known of a training up to its last event; None is not known yet."""

    epochs: int | None = None
    """Requested."""
    epoch: int = 0
    """Done."""
    batch: int = 0
    """Done in the epoch under way."""
    batches: int = 0
    """In an epoch; 0 is not known yet."""
    seconds_left: float | None = None
    sequences_per_s: float | None = None
    data_fraction: float | None = None
    """Part of the time, 0…1, that the device waited for data."""
    memory_mb: float | None = None
    device: str | None = None
    sequences: Mapping[str, int] = field(default_factory=dict)
    """Of each part: train, validation, test."""
    best_epoch: int | None = None
    """The epoch whose model is kept: the one with the lowest validation loss, or the last where
    there is no validation set."""
    best_validation: Mapping[str, float | None] = field(default_factory=dict)
    """Scores after the best epoch."""
    validation: Mapping[str, float | None] = field(default_factory=dict)
    """Scores after the last epoch done."""
    messages: tuple[dict[str, str], ...] = ()
    """``level`` (info, warning or error), ``text`` and ``time`` (ISO, UTC) of each."""
    preparing: str | None = None
    """What is done before the first step, such as reading frames; None when that is over."""
    prepared: float = 0.0
    """Part of it that is done, 0…1."""

    @property
    def fraction(self) -> float:
        """Part that is done, 0…1."""
        if not self.epochs:
            return 0.0
        in_epoch = self.batch / self.batches if self.batches else 0.0
        return min((self.epoch + in_epoch) / self.epochs, 1.0)


def read_progress(events: Iterable[Mapping[str, Any]]) -> Progress:
    """Add up the events of one training.

    Parameters
    ----------
    events : iterable of mapping
        As `RunFolder.events` returns them. Events of an unknown kind are passed over; after
        a new start, what was measured before it no longer holds.
    """
    known: dict[str, Any] = {}
    scores: dict[Any, Mapping[str, float | None]] = {}
    messages = []
    for event in events:
        kind = event.get("event")
        if kind == "message":
            member = f"{event['member']}: " if event.get("member") else ""
            message = {key: str(event.get(key, "")) for key in ("level", "text", "time")}
            messages.append({**message, "text": member + message["text"]})
        elif kind == "start":
            known = {key: known[key] for key in ("best_epoch", "validation") if key in known}
            known |= {
                "epochs": event.get("epochs"),
                "epoch": int(event.get("resumed_epoch") or 0),
                "batches": int(event.get("steps_per_epoch") or 0),
                "device": event.get("device"),
                "sequences": event.get("sequences") or {},
            }
        elif kind == "progress":
            done = min(event["done"] / max(event["total"], 1), 1.0)
            known |= {"preparing": str(event["what"]), "prepared": done}
            known["seconds_left"] = event.get("seconds_left")
        elif kind == "step":
            known |= {key: event.get(key) for key in _MEASURED}
        elif kind == "epoch":
            known |= {key: event.get(key) for key in ("epoch", "seconds_left")}
            known |= {"batch": 0, "validation": event.get("validation") or {}}
            known["best_epoch"] = event.get("best_epoch") or known.get("best_epoch")
            scores[event.get("epoch")] = known["validation"]
    best = scores.get(known.get("best_epoch"), {})
    return Progress(**known, best_validation=best, messages=tuple(messages))


def member_progress(events: Iterable[Mapping[str, Any]]) -> dict[str, Progress]:
    """Add up the events of a cross-validation or a sweep, member by member, in order of start."""
    parts: dict[str, list[Mapping[str, Any]]] = {}
    for event in events:
        if event.get("member"):
            parts.setdefault(str(event["member"]), []).append(event)
    return {name: read_progress(part) for name, part in parts.items()}


def n_members(config: Mapping[str, Any]) -> int:
    """Return how many trainings a run's configuration asks for."""
    if config.get("kind") == "crossval":
        return 2 * int(config.get("folds", 5))
    return math.prod(len(values) for values in config.get("grid", {}).values())


def share_done(members: Mapping[str, Progress], total: int) -> float:
    """Part of a run of `total` trainings that is done, 0…1."""
    return min(sum(one.fraction for one in members.values()) / max(total, 1), 1.0)


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

    def write(self, event: str, **values: Any) -> None:
        """Append an event; NaN becomes null."""
        if not self.writes:
            return
        plain = {name: _plain(value) for name, value in values.items()}
        append_line(self.path, {"event": event, "time": now(), **self.tags, **plain})
        if self.echo is not None:
            self.echo.write(event, **self.tags, **values)

    def message(self, text: str, level: str = "info") -> None:
        """Append a sentence for people."""
        self.write("message", level=level, text=text)


class Steadily:
    """Writes how far a long piece of work is, at most every few seconds.

    Parameters
    ----------
    events : EventLog
    what : str
        The work, as "Reading frames".
    """

    def __init__(self, events: EventLog, what: str) -> None:
        self.events, self.what = events, what
        self.last = self.begun = time.monotonic()
        self.first: int | None = None

    def __call__(self, done: int, total: int) -> None:
        """Take note that `done` of `total` is done."""
        if self.first is None:
            self.first, self.begun = done, time.monotonic()
        now_s = time.monotonic()
        if now_s - self.last < _EVERY_S and done < total:
            return
        self.last = now_s
        rate = (done - self.first) / max(now_s - self.begun, 1e-9)
        left = (total - done) / rate if rate else None
        self.events.write("progress", what=self.what, done=done, total=total, seconds_left=left)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, float):
        return round(value, 6) if value - value == 0 else None
    return value

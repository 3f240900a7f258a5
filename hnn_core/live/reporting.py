"""What a data command tells while it runs: lines for people, or events as JSON lines."""

import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import typer

__all__ = ["Reporter", "counted", "duration", "reporting", "size"]

_EVERY_S = {True: 0.5, False: 5.0}
"""Seconds between two tellings of progress: as events, and as lines where there is no terminal."""


class Reporter:
    """Tells how far a command is, on stderr for people or on stdout as events.

    Parameters
    ----------
    as_json : bool
        One object a line; each has "event", see the methods.
    """

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._told = 0.0
        self._stage = ""
        self._begun = (0.0, 0)
        self._open_line = False

    def start(self, command: str) -> None:
        """Tell that a command begins; a watcher forgets what was told before."""
        self._event("start", command=command)

    def plan(self, text: str, **values: Any) -> None:
        """Tell what will be done before it is."""
        self._say(text)
        self._event("plan", text=text, **values)

    def note(self, text: str) -> None:
        """Tell something that does not stop the work."""
        self._say(text)
        self._event("note", text=text)

    def excluded(self, what: str, why: str, count: int = 1) -> None:
        """Tell what is left out, and why."""
        self._say(f"left out: {what} ({why})")
        self._event("excluded", what=what, why=why, count=count)

    def progress(
        self, stage: str, done: int, total: int, what: str = "", *, n_bytes: int = 0, old: int = 0
    ) -> None:
        """Tell how far a stage is.

        Parameters
        ----------
        stage : str
            ``catalogue``, ``magnetograms`` or ``data set``.
        done, total : int
        what : str
            What was just finished.
        n_bytes : int
            Received in this stage.
        old : int
            Of `done`, those that were there already and cost no time.
        """
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._begun, self._told = stage, (now, done), 0.0
        if now - self._told < _EVERY_S[self._as_json or sys.stderr.isatty()] and done < total:
            return
        self._told = now
        took = max(now - self._begun[0], 1e-3)
        made = done - max(self._begun[1], old)
        left = took / made * (total - done) if made > 0 else None
        speed = n_bytes / took
        rate = f", {size(speed)}/s" if n_bytes else ""
        ahead = f", {duration(left)} left" if left is not None and done < total else ""
        self._line(f"{stage}: {done} of {total}{rate}{ahead}  {what}")
        self._event(
            "progress",
            stage=stage,
            done=done,
            total=total,
            bytes=n_bytes,
            bytes_per_s=round(speed, 1),
            seconds_left=None if left is None else round(left, 1),
            what=what,
        )

    def end(self, text: str, **values: Any) -> None:
        """Give the answer."""
        self.close()
        if self._as_json:
            self._event("end", text=text, **values)
        else:
            typer.echo(text)

    def close(self) -> None:
        """End the line of the progress, if one is open."""
        if self._open_line:
            typer.echo("", err=True)
            self._open_line = False

    def _line(self, text: str) -> None:
        """Write progress: over the last one on a terminal, else as a line of its own."""
        if self._as_json:
            return
        if sys.stderr.isatty():
            typer.echo(f"\r\x1b[2K{text[:110]}", nl=False, err=True)
            self._open_line = True
        else:
            typer.echo(text, err=True)

    def _say(self, text: str) -> None:
        if not self._as_json:
            self.close()
            typer.echo(text, err=True)

    def _event(self, event: str, **values: Any) -> None:
        if self._as_json:
            line = {"event": event, **values}
            sys.stdout.write(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n")
            sys.stdout.flush()


@contextmanager
def reporting(command: str, *, as_json: bool) -> Iterator[Reporter]:
    """Tell events to one reporter; SIGTERM ends the command as Ctrl-C does."""
    reporter = Reporter(as_json=as_json)
    reporter.start(command)
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield reporter
    finally:
        reporter.close()
        signal.signal(signal.SIGTERM, before)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def counted(number: int, what: str) -> str:
    """Write a number of things: ``1 flare``, ``2 flares``."""
    return f"{number} {what}" + ("" if number == 1 else "s")


def size(n_bytes: float) -> str:
    """Write bytes for people: ``3.4 MB``."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if n_bytes >= factor:
            return f"{n_bytes / factor:.1f} {unit}"
    return f"{n_bytes:.0f} B"


def duration(seconds: float) -> str:
    """Write seconds for people: ``1 h 20 min``."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"

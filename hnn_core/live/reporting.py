"""How commands answer: progress for people or as events, numbers in words, errors in one line."""

import json
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer

from hnn_core.exceptions import (
    DatasetError,
    HnnError,
    UnknownModelError,
    UnknownRunError,
    brief,
)
from hnn_core.storage import fault_words, home_fault

__all__ = [
    "INTERRUPTED",
    "DeviceOption",
    "JsonOption",
    "ModelOption",
    "Reporter",
    "complain",
    "counted",
    "duration",
    "echo_json",
    "headers_read",
    "note_home",
    "report",
    "reporting",
    "run",
    "size",
]

ModelOption = Annotated[str, typer.Option(help="Name, folder or hub id of a model.")]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:1.")]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Write JSON; events and lists as one object a line.")
]

INTERRUPTED = 130
"""Exit code of a command that was stopped."""
_BAD_INPUT, _PIPE_BROKE = 2, 141
_EVERY_S = {True: 0.5, False: 5.0}
"""Seconds between two reports of progress: as events, and as lines where there is no terminal."""
_MOMENT_S = 1.5


class Reporter:
    """Writes how far a command is, on stderr for people or on stdout as events.

    Parameters
    ----------
    as_json : bool
        One object a line; each has "event", see the methods.
    """

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._last = -math.inf
        self._stage = ""
        self._begun = (0.0, 0)
        self._open_line = False

    def start(self, command: str) -> None:
        """Report that a command begins; what came before is of an earlier start."""
        self._event("start", command=command)

    def plan(self, text: str, **values: Any) -> None:
        """Report what will be done, before it is."""
        self._write(text, "plan", text=text, **values)

    def note(self, text: str) -> None:
        """Report something that does not stop the work."""
        self._write(text, "note", text=text)

    def excluded(self, what: str, why: str, count: int = 1) -> None:
        """Report what is left out, and why."""
        self._write(f"left out: {what} ({why})", "excluded", what=what, why=why, count=count)

    def begin(self, stage: str) -> None:
        """Count the time of a stage from now on, though nothing is reported yet."""
        self._stage, self._begun, self._last = stage, (time.monotonic(), 0), -math.inf

    def progress(
        self, stage: str, done: int, total: int, what: str = "", *, n_bytes: int = 0, old: int = 0
    ) -> None:
        """Report how far a stage is.

        Parameters
        ----------
        stage : str
            ``headers``, ``catalogue``, ``magnetograms`` or ``data set``.
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
            self._stage, self._begun, self._last = stage, (now, done), -math.inf
        if not self._is_due(now, done >= total):
            return
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

    def region(self, done: int, total: int, region: str, frames: int, left: float) -> None:
        """Report that a region of a data set is finished; seconds left are an estimate."""
        if self._is_due(time.monotonic(), done >= total):
            self._line(f"{done} of {total} regions, {left:.0f} s left")
        self._event(
            "region",
            done=done,
            total=total,
            region=region,
            frames=frames,
            seconds_left=round(left, 1),
        )

    def end(self, text: str, **values: Any) -> None:
        """Write the answer."""
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

    def _is_due(self, now: float, last: bool) -> bool:
        """Whether progress is to be written now: the last always, the others not too often."""
        due = last or now - self._last >= _EVERY_S[self._as_json or sys.stderr.isatty()]
        self._last = now if due else self._last
        return due

    def _line(self, text: str) -> None:
        """Write progress: over the last one on a terminal, else as a line of its own."""
        if self._as_json:
            return
        if sys.stderr.isatty():
            typer.echo(f"\r\x1b[2K{text[:110]}", nl=False, err=True)
            self._open_line = True
        else:
            typer.echo(text, err=True)

    def _write(self, line: str, event: str, **values: Any) -> None:
        if not self._as_json:
            self.close()
            typer.echo(line, err=True)
        self._event(event, **values)

    def _event(self, event: str, **values: Any) -> None:
        if self._as_json:
            text = json.dumps({"event": event, **values}, ensure_ascii=False, allow_nan=False)
            typer.echo(text)


def headers_read() -> Callable[[int, int], None]:
    """Return what reports on stderr how many headers of a folder are read, with the time left.

    Nothing is written where it takes but a moment.
    """
    reporter = Reporter(as_json=False)
    reporter.begin("headers")
    begun = time.monotonic()
    shown = False

    def show(done: int, total: int) -> None:
        nonlocal shown
        shown = shown or (done < total and time.monotonic() - begun > _MOMENT_S)
        if shown:
            reporter.progress("headers", done, total)
        if done >= total:
            reporter.close()

    return show


@contextmanager
def reporting(command: str, *, as_json: bool) -> Iterator[Reporter]:
    """Report on a command; SIGTERM ends it as Ctrl-C does."""
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


def report(name: str, folder: Path, card: dict[str, Any]) -> str:
    """Write the counts of a data set next to the paper's Table 1, and what was left out.

    Returns
    -------
    str
        Several lines.
    """
    kind = "simulated " if card["simulated"] else ""
    lines = [
        f"{name}: {card['frames']} frames and {card['sequences']} labelled sequences of "
        f"{card['regions']} {kind}regions in {card['groups']} groups, policy {card['policy']}",
        f"in {folder}, sha256 {card['sha256']}",
        "",
        f"{'':<8}{'positive':>10}{'negative':>10}{'eruptive':>10}{'confined':>10}{'unknown':>9}"
        f"{'':>4}the paper's Table 1",
        f"{'class':<8}{'frames':>10}{'frames':>10}{'flares':>10}{'flares':>10}{'flares':>9}"
        f"{'':>4}positive + negative frames (flares)",
    ]
    for flare_class, own in card["counts"].items():
        paper = card["paper_table1"][flare_class]
        lines.append(
            f"≥{flare_class:<7}{own['positive']:>10}{own['negative']:>10}"
            f"{own['eruptive_flares']:>10}{own['confined_flares']:>10}{own['unknown_flares']:>9}"
            f"    {paper['positive']} + {paper['negative']} "
            f"({paper['eruptive_flares']} + {paper['confined_flares']})"
        )
    lines += ["", "hours of the regions' passages that are no x_t:"]
    lines += [f"{count:>8}  {reason}" for reason, count in card["excluded"].items()]
    if card["broken_records"]:
        lines.append(
            f"{len(card['broken_records'])} records broke on reading, the first: "
            f"{card['broken_records'][0]}"
        )
    if noted := card.get("noted_records"):
        lines.append(f"{counted(len(noted), 'record')} with a note, the first: {noted[0]}")
    return "\n".join(lines)


def run(app: typer.Typer, name: str, args: list[str] | None = None) -> int:
    """Run a command and return its exit code.

    Parameters
    ----------
    app : Typer
    name : str
        The program's name in its help.
    args : list of str, optional
        Arguments without the program's name; the process's own by default.

    Returns
    -------
    int
        0; 1 where nothing of what was requested could be had though the input is sound; 2 for bad
        input of any kind and where the machine refuses (see
        `hnn_core.exceptions.HnnError.exit_code`); 130 when interrupted; 141 when nobody reads the
        answer any more.
    """
    answer = sys.stdout  # None where the shell has closed it; typer replaces a broken one
    code = _run(app, name, args)
    try:
        if answer is not None:
            answer.flush()
    except OSError as error:
        # What is left of the answer is dropped, lest Python tries once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), answer.fileno())
        if isinstance(error, BrokenPipeError):
            return _PIPE_BROKE
        if code == 0:
            complain(f"The answer cannot be written: {fault_words(error) or error}")
        return _BAD_INPUT
    return code


def _run(app: typer.Typer, name: str, args: list[str] | None) -> int:
    try:
        return app(args, prog_name=name, standalone_mode=False) or 0
    except SystemExit:  # how typer ends where a pipe broke
        return _PIPE_BROKE
    except typer.TyperException as error:
        complain(error.format_message())
        return _BAD_INPUT
    except HnnError as error:
        at_home = isinstance(error, DatasetError | UnknownModelError | UnknownRunError)
        # What cannot be found there may be there, out of reach.
        complain(f"{error} {home_fault() if at_home else ''}")
        return error.exit_code
    except (OSError, MemoryError, RuntimeError) as error:
        words = fault_words(error)
        if not words and not isinstance(error, OSError):
            raise
        complain(words or str(error))
        return _BAD_INPUT
    except (typer.Abort, KeyboardInterrupt):
        return INTERRUPTED


def echo_json(answer: object, *, indent: int | None = 2) -> None:
    """Write an answer as JSON, with `indent` None on one line."""
    typer.echo(json.dumps(answer, indent=indent, ensure_ascii=False, allow_nan=False))


def note_home() -> None:
    """Write, where the program's folder cannot be used, why: what it holds may not be seen."""
    if fault := home_fault():
        complain(fault)


def complain(message: str) -> None:
    """Write a message as one line on stderr, if anybody reads it."""
    line = brief(" ".join(message.split()))
    with suppress(OSError):
        typer.echo(line.encode(errors="backslashreplace").decode(), err=True)

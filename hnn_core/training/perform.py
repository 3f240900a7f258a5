"""A run from start to end: its turn, its status, and how it may end."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hnn_core.exceptions import HnnError
from hnn_core.training.callbacks import StopRequestedError
from hnn_core.training.crossval import cross_validate
from hnn_core.training.events import EventLog, is_main_process
from hnn_core.training.fit import train_run
from hnn_core.training.run_folder import RunFolder
from hnn_core.training.sweep import sweep
from hnn_core.training.turns import take_turn

__all__ = ["perform"]

_WORK: dict[str, Callable[[RunFolder], Any]] = {
    "train": train_run,
    "crossval": cross_validate,
    "sweep": sweep,
}
STOPPED = "Stopped; resume it to go on from its checkpoint."


def perform(run: RunFolder, tell: Callable[[str], None] | None = None) -> str:
    """Do a run's work when its turn has come, or go on with it.

    Parameters
    ----------
    run : RunFolder
    tell : callable (sentence), optional
        Told for which other run it waits.

    Returns
    -------
    str
        ``"finished"`` or ``"stopped"``.

    Raises
    ------
    HnnError
        After the run's status has been set to failed with the sentence.
    """
    with take_turn(run.path, tell):
        _tell(run, "running")
        try:
            with _stoppable():
                _WORK[run.kind](run)
        except StopRequestedError:
            _end(run, "stopped", STOPPED)
            return "stopped"
        except HnnError as error:
            _end(run, "failed", str(error))
            raise
        except BaseException as error:
            _end(run, "failed", f"Something went wrong that should not ({type(error).__name__}).")
            raise
        _end(run, "finished", "")
        return "finished"


def _tell(run: RunFolder, state: str, message: str = "") -> None:
    if is_main_process():
        run.write_status(state, message)


def _end(run: RunFolder, state: str, message: str) -> None:
    """Write how it ended; a full disk must not hide why."""
    with contextlib.suppress(OSError):
        events = EventLog(run.path / "metrics.jsonl", writes=is_main_process())
        events.write("end", state=state, message=message)
    with contextlib.suppress(OSError):
        _tell(run, state, message)


@contextmanager
def _stoppable() -> Iterator[None]:
    """Let SIGTERM and SIGINT end what is under way; in training, a callback takes them over."""

    def stop(*_: Any) -> None:
        raise StopRequestedError

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

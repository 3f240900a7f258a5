"""The folder of one training: what was asked for, what happened, what came out.

Reading it needs neither torch nor the training itself, so a page can look on from outside.
Every file but the log and the events is replaced whole or not at all; a line of events that a
crash tore is not read.
"""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from hnn_core.exceptions import RunError, UnknownRunError

__all__ = ["SHIPPED", "STATES", "RunFolder", "State", "now", "replace_json"]

SHIPPED = Path(__file__).resolve().parents[2] / "assets" / "runs"
STATES = ("queued", "running", "stopped", "finished", "failed")
KINDS = ("train", "crossval", "sweep")


@dataclass(frozen=True)
class State:
    """How far a run is, in its own words."""

    state: str
    """One of `STATES`."""
    message: str
    time: str
    """ISO, UTC."""


class RunFolder:
    """One run's folder, read anew at each call but for its configuration.

    Parameters
    ----------
    path : Path

    Raises
    ------
    UnknownRunError
        If the folder has no config.json.
    RunError
        If config.json is not a run's.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path).absolute()
        self.name = self.path.name
        if not (self.path / "config.json").is_file():
            raise UnknownRunError(f"{self.path} has no config.json, so it is not a run folder.")
        self.config: dict[str, Any] = _read_json(self.path / "config.json")
        self.kind = str(self.config.get("kind"))
        if self.kind not in KINDS:
            raise RunError(f"{self.path / 'config.json'}: kind is {self.kind!r}, not a run's.")

    @property
    def shipped(self) -> bool:
        """Whether it came with the program."""
        return self.path.parent == SHIPPED

    @property
    def status(self) -> State:
        """What the run last wrote of itself; a run that has written nothing yet is queued."""
        try:
            values = _read_json(self.path / "status.json")
        except UnknownRunError:
            return State("queued", "not started", "")
        return State(*(str(values.get(key, "")) for key in ("state", "message", "time")))

    @property
    def members(self) -> list["RunFolder"]:
        """Runs inside a cross-validation or a sweep, by name; none of a single training."""
        if self.kind == "train":
            return []
        inside = sorted(self.path.iterdir())
        return [RunFolder(path) for path in inside if (path / "config.json").is_file()]

    @property
    def model_folder(self) -> Path:
        """Where the best model lies, in the layout of shipped models."""
        return self.path / "model"

    @property
    def has_model(self) -> bool:
        """Whether a model is there; it appears whole."""
        return (self.model_folder / "config.json").is_file()

    @property
    def has_predictions(self) -> bool:
        """Whether the test set has been predicted."""
        return (self.path / "predictions.parquet").is_file()

    def events(self, since_line: int = 0) -> list[dict[str, Any]]:
        """Events from a line on, in order; a torn line is left out.

        Raises
        ------
        RunError
            If the file cannot be read.
        """
        try:
            text = (self.path / "metrics.jsonl").read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise RunError(f"{self.path / 'metrics.jsonl'}: {error.strerror}.") from error
        events = []
        for line in text.split("\n")[since_line:]:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict) and "event" in event:
                events.append(event)
        return events

    def history(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the steps and epochs that led to where the run is.

        What a resumed run did again after its checkpoint stands once.

        Returns
        -------
        steps : DataFrame
            ``step``, ``epoch`` (from 0), ``loss``, ``sequences_per_s``, ``data_fraction``,
            ``memory_mb``, ``seconds_left``.
        epochs : DataFrame
            ``epoch`` (from 1), ``step``, ``train_loss``, ``seconds``, ``sequences_per_s``, and
            ``validation_loss``, ``validation_tss``, … where there is a validation set.
        """
        steps: dict[int, dict[str, Any]] = {}
        epochs: dict[int, dict[str, Any]] = {}
        for event in self.events():
            if event["event"] == "start":
                reached = int(event.get("resumed_step") or 0)
                steps = {step: row for step, row in steps.items() if step <= reached}
                epochs = {n: row for n, row in epochs.items() if row["step"] <= reached}
            elif event["event"] == "step":
                steps[event["step"]] = event
            elif event["event"] == "epoch":
                scores = event.get("validation") or {}
                flat = {f"validation_{name}": value for name, value in scores.items()}
                epochs[event["epoch"]] = {**event, **flat}
        return (
            pd.DataFrame(list(steps.values())).drop(columns=["event"], errors="ignore"),
            pd.DataFrame(list(epochs.values())).drop(
                columns=["event", "validation"], errors="ignore"
            ),
        )

    def predictions(self) -> pd.DataFrame:
        """Predictions of the test set, one row a sequence.

        Raises
        ------
        RunError
            If there are none yet, or the file is damaged.
        """
        path = self.path / "predictions.parquet"
        if not path.is_file():
            raise RunError(f"The run {self.name} has no predictions of its test set yet.")
        try:
            return pd.read_parquet(path)
        except (OSError, ValueError) as error:  # pyarrow's own errors are ValueErrors
            raise RunError(f"{path} is damaged; evaluate the run again.") from error

    def scores(self) -> dict[str, Any]:
        """Scores of the test set and what they rest on.

        Raises
        ------
        RunError
            If there are none yet, or the file is damaged.
        """
        try:
            return _read_json(self.path / "scores.json")
        except UnknownRunError as error:
            raise RunError(f"The run {self.name} has no scores yet.") from error

    def log_tail(self, lines: int = 200) -> str:
        """Return the last lines of the log; empty where there is none."""
        try:
            with (self.path / "log.txt").open("rb") as stream:
                size = stream.seek(0, os.SEEK_END)
                stream.seek(max(size - 400 * lines, 0))
                text = stream.read().decode("utf-8", errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def write_status(self, state: str, message: str = "") -> None:
        """Replace the status; `state` is one of `STATES`."""
        replace_json(self.path / "status.json", {"state": state, "message": message, "time": now()})

    @cached_property
    def model_name(self) -> str:
        """Name the model would have among the user's own."""
        return self.name.lower()


def replace_json(path: Path, values: dict[str, Any]) -> None:
    """Write JSON beside its place and rename it there."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        draft.write_text(json.dumps(values, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def now() -> str:
    """Return the time as ISO seconds, UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UnknownRunError(f"There is no {path}.") from error
    except (OSError, ValueError) as error:
        raise RunError(f"{path} is not readable JSON.") from error
    if not isinstance(values, dict):
        raise RunError(f"{path} does not hold a dictionary.")
    return values

"""The folder of one training: what was requested, what happened, what came out; and all runs.

Reading it needs neither torch nor the training itself, so a page can look on from outside.
Every file but the log and the events is replaced whole or not at all; a line of events that a
crash tore is not read.
"""

import contextlib
import errno
import shutil
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from hnn_core.dataset.card import file_sha256
from hnn_core.exceptions import RunError, TrainingError, UnknownRunError
from hnn_core.jobs.jobs import Job, start
from hnn_core.jobs.process import machine_lock, reserve
from hnn_core.regions.base import SkippedFile
from hnn_core.storage import (
    entries,
    fault_words,
    home,
    json_objects,
    now,
    reachable,
    read_json,
    replace_json,
    typed_path,
    unreadable,
)
from hnn_core.training.config import TrainConfig
from hnn_core.training.events import sound_events

__all__ = [
    "SHIPPED",
    "RunFolder",
    "begin",
    "create_run",
    "delete",
    "find_run",
    "list_runs",
    "resume",
    "runs_home",
]

SHIPPED = Path(__file__).resolve().parents[2] / "assets" / "runs"
_KINDS = ("train", "crossval", "sweep")


class RunFolder(Job):
    """One run's folder, read anew at each call but for its configuration.

    Parameters
    ----------
    path : Path

    Raises
    ------
    UnknownRunError
        If the folder has no config.json.
    RunError
        If config.json is broken or not a run's.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        if not (self.path / "config.json").is_file():
            raise UnknownRunError(f"{self.path} has no config.json, so it is not a run folder.")
        self.config: dict[str, Any] = _read_json(self.path / "config.json")
        self.kind = str(self.config.get("kind"))
        if self.kind not in _KINDS:
            raise RunError(f"{self.path / 'config.json'}: kind is {self.kind!r}, not a run's.")
        grid = self.config.get("grid", {})
        if not isinstance(grid, dict) or not all(isinstance(one, list) for one in grid.values()):
            raise RunError(f"{self.path / 'config.json'}: grid is no table of settings.")
        try:
            TrainConfig.from_dict({"dataset": "unknown", **self.config})
        except TrainingError as error:
            raise RunError(f"{self.path / 'config.json'}: {error}") from error

    @property
    def shipped(self) -> bool:
        """Whether it came with the program."""
        return self.path.parent == SHIPPED

    @property
    def members(self) -> list["RunFolder"]:
        """Runs inside a cross-validation or a sweep, by name; none of a single training."""
        return self.look_inside()[0]

    def look_inside(self) -> tuple[list["RunFolder"], list[SkippedFile]]:
        """Return the members by name, and those that are broken with the reason."""
        if self.kind == "train":
            return [], []
        inside = sorted(self.path.iterdir())
        return _usable([path for path in inside if (path / "config.json").is_file()])

    @property
    def model_folder(self) -> Path:
        """Where the best model lies, in the layout of shipped models."""
        return self.path / "model"

    @property
    def checkpoints(self) -> Path:
        """Folder of its checkpoints, the newest last by name."""
        return self.path / "checkpoints"

    @property
    def has_model(self) -> bool:
        """Whether a model is there; it appears whole."""
        return (self.model_folder / "config.json").is_file()

    @property
    def has_predictions(self) -> bool:
        """Whether the test set has been predicted."""
        return (self.path / "predictions.parquet").is_file()

    def events(self) -> list[dict[str, Any]]:
        """Return the events, in order; torn and damaged lines are left out. Raises RunError."""
        return self.read_events()[0]

    def read_events(self) -> tuple[list[dict[str, Any]], int]:
        """Return the events as `events` does, and how many lines are left out."""
        path = self.path / "metrics.jsonl"
        self.check_events()
        text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        lines = [line for line in text.split("\n") if line.strip()]
        found = sound_events(json_objects(lines))
        return found, len(lines) - len(found)

    def check_events(self) -> None:
        """Raise RunError if the file of the events is there and cannot be read."""
        path = self.path / "metrics.jsonl"
        try:
            path.open("rb").close()
        except FileNotFoundError:
            return
        except OSError as error:
            raise RunError(f"{path} cannot be read ({unreadable(error)}); remove it.") from error

    def check_results(self) -> None:
        """Check that scores and predictions of the test set are there and whole, by their frames.

        Raises
        ------
        RunError
        """
        self.scores()
        path = self.path / "predictions.parquet"
        try:
            pq.read_metadata(path)
        except (OSError, ValueError, pa.ArrowException) as error:
            raise RunError(f"{path} is damaged; evaluate the run again.") from error

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
        tables = [pd.DataFrame(list(rows.values())) for rows in (steps, epochs)]
        first, second = (
            table.drop(columns=["event", "validation"], errors="ignore") for table in tables
        )
        return first, second

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
            expected = self.scores().get("predictions_sha256")
        except RunError:
            expected = None  # of an earlier version, or still to be written
        try:
            if expected not in (None, file_sha256(path)):
                raise ValueError("its checksum is not that in scores.json")
            return pd.read_parquet(path)
        except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
            damaged = f"{path} is damaged; evaluate the run again."
            raise RunError(fault_words(error) or damaged) from error

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

    @property
    def model_name(self) -> str:
        """Name that the model has as one of the user's own."""
        return self.name.lower()


def runs_home() -> Path:
    """Folder of the user's runs."""
    return home() / "runs"


def find_run(where: str | Path) -> RunFolder:
    """Return a run by name (the user's own first, then shipped) or by path.

    Raises
    ------
    UnknownRunError
        If there is none.
    """
    text = str(where)
    path = typed_path(text)
    if text and Path(text).name == text and text not in (".", ".."):
        for parent in (runs_home(), SHIPPED):
            if reachable(parent / text / "config.json"):
                return RunFolder(parent / text)
    if text and reachable(path / "config.json"):
        return RunFolder(path)
    names = ", ".join(run.name for run in list_runs()[0]) or "none"
    raise UnknownRunError(f"There is no run {text!r}; runs here: {names}.")


def list_runs() -> tuple[list[RunFolder], list[SkippedFile]]:
    """Return the shipped runs, then the user's own, the newest first.

    Returns
    -------
    runs : list of RunFolder
    skipped : list of SkippedFile
        Folders of runs and of their members that are broken, with the reason.
    """
    own = runs_home()
    runs, skipped = _usable([*_folders(SHIPPED), *sorted(_folders(own), key=_made, reverse=True)])
    return runs, [*skipped, *(one for run in runs for one in run.look_inside()[1])]


def begin(run: RunFolder) -> None:
    """Start the training that a run folder asks for.

    Raises
    ------
    RunError
        As `start`.
    """
    start([run.kind, "--run", str(run.path)], run)


def resume(run: RunFolder) -> None:
    """Resume a run from its newest checkpoint that can be read.

    Raises
    ------
    RunError
        If it came with the program, is finished or is at work.
    """
    if run.shipped:
        raise RunError(f"{run.name} came with the program; train one of your own.")
    if run.status.state == "finished":
        raise RunError(f"{run.name} is finished; there is nothing to resume.")
    begin(run)


def delete(run: RunFolder) -> None:
    """Delete a run with its checkpoints and its model.

    Raises
    ------
    RunError
        If it came with the program or is at work.
    """
    if run.shipped:
        raise RunError(f"{run.name} came with the program and cannot be deleted.")
    if run.alive:
        raise RunError(f"{run.name} is at work; stop it before deleting it.")
    with machine_lock(), reserve(run.path):
        # Out of sight in one step: half a run is never listed.
        doomed = run.path.with_name(f".{run.name}-{uuid.uuid4().hex[:8]}")
        run.path.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def create_run(
    kind: str, config: TrainConfig, name: str = "", *, grid: dict[str, list[Any]] | None = None
) -> RunFolder:
    """Make the folder of a new run, its configuration in it.

    Parameters
    ----------
    kind : str
        ``train``, ``crossval`` or ``sweep``.
    config : TrainConfig
    name : str
        Made of kind, model, class and time where empty.
    grid : dict, optional
        Settings and their values, of a sweep.

    Raises
    ------
    RunError
        If the name is taken or cannot be one.
    """
    stamp = now().replace(":", "").replace("-", "")[:15]
    model = config.model_name if kind == "train" else kind
    folder = _new_folder(name or f"{model}-{config.flare_class}-{stamp}")
    values = {"kind": kind, **config.to_dict()} | ({"grid": grid} if grid else {})
    draft = folder.with_name(f".{uuid.uuid4().hex}")
    draft.mkdir(parents=True)
    try:
        replace_json(draft / "config.json", values)
        # Whole, or not at all; and never in the place of another's that holds anything.
        draft.rename(folder)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        raise _taken(folder.name) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return RunFolder(folder)


def _new_folder(name: str) -> Path:
    possible = all(sign.isalnum() or sign in "-_. +" for sign in name)
    if not possible or name.startswith(".") or not 0 < len(name.encode()) <= 200:
        raise RunError(
            f"{name[:60]!r} cannot name a run: letters, digits, spaces and - _ . + are possible, "
            "up to 200 bytes, and no dot in front."
        )
    if (runs_home() / name).exists():
        raise _taken(name)
    return runs_home() / name


def _taken(name: str) -> RunError:
    return RunError(f"There is a run {name!r} already; choose another name.")


def _usable(folders: Iterable[Path]) -> tuple[list[RunFolder], list[SkippedFile]]:
    """Open the runs of folders in their order, and name those that are broken."""
    runs, skipped = [], []
    for folder in folders:
        try:
            run = RunFolder(folder)
            _ = run.status  # raises where it is broken, as does the next
            run.check_events()
            runs.append(run)
        except RunError as error:
            if folder.is_dir():  # not deleted meanwhile
                skipped.append(SkippedFile(str(folder), str(error)))
    return runs, skipped


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return read_json(path)
    except FileNotFoundError as error:
        raise UnknownRunError(f"There is no {path}.") from error
    except (OSError, ValueError) as error:
        mend = "evaluate the run again" if path.name == "scores.json" else "copy it from a backup"
        raise RunError(f"{path} is broken ({unreadable(error)}); {mend}.") from error


def _folders(parent: Path) -> list[Path]:
    return [p for p in entries(parent) if p.is_dir() and not p.name.startswith(".")]


def _made(folder: Path) -> float:
    """When a run was requested; 0 where that is not known, as of one just deleted."""
    with contextlib.suppress(OSError):
        config = folder / "config.json"
        return (config if config.is_file() else folder).stat().st_mtime
    return 0.0

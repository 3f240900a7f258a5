"""A run's work when its turn has come: a training, a cross-validation, a sweep; and how it ends."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pandas as pd
from sklearn.model_selection import ParameterGrid

from hnn_core.dataset.card import find_dataset
from hnn_core.dataset.stored import StoredDataset
from hnn_core.exceptions import HnnError, TrainingError
from hnn_core.jobs.jobs import take_turn
from hnn_core.scores import SCORES, fold_mean
from hnn_core.storage import fault_words, replace_json, room_on_disk
from hnn_core.training.assemble import Material, read_material
from hnn_core.training.callbacks import StopRequestedError
from hnn_core.training.config import TrainConfig
from hnn_core.training.data import Parts
from hnn_core.training.fit import train_run, without_nan, write_scores, write_table
from hnn_core.training.progress import EventLog, is_main_process
from hnn_core.training.results import score_row
from hnn_core.training.run_folder import RunFolder

__all__ = ["PAPER_GRIDS", "check_one_device", "grid_points", "perform"]

PAPER_GRIDS: dict[str, list[Any]] = {
    "frames": [6, 8, 10, 14, 18],
    "patch": [8, 16, 32],
    "depth": [6, 9, 12, 15],
    "width": [192, 384, 768],
    "learning_rate": [1e-5, 1e-4, 1e-3],
}
"""Values for each setting that the paper varied; it names those of frames and patch. ``--grid
frames`` takes them."""


def grid_points(config: TrainConfig, grid: dict[str, list[Any]]) -> dict[str, TrainConfig]:
    """Return the configuration of every point of a grid, by a name made of what varies.

    Raises
    ------
    TrainingError
        If a setting is unknown or cannot vary, or a value is impossible.
    """
    unknown = sorted(set(grid) - set(config.to_dict()))
    if unknown or not grid:
        raise TrainingError(
            f"The grid varies {unknown[0]!r}, which is no setting."
            if unknown
            else "The grid is empty: name a setting and its values, as frames=6,8,10."
        )
    for name in set(grid) & {"dataset", "flare_class"}:
        raise TrainingError(f"{name} cannot vary in a sweep, whose points share a test set.")
    points = {}
    for point in ParameterGrid(grid):
        name = "_".join(f"{key}-{value}" for key, value in sorted(point.items()))
        points[name.replace("/", "-")] = config.changed(**point)
    return points


def perform(run: RunFolder, log: Callable[[str], None] = lambda _: None) -> str:
    """Do a run's work when its turn has come, or resume it.

    Parameters
    ----------
    run : RunFolder
    log : callable (sentence), optional
        Gets for which other run it waits.

    Returns
    -------
    str
        ``"finished"`` or ``"stopped"``.

    Raises
    ------
    HnnError
        After the run's status has been set to failed with the sentence.
    """
    with contextlib.ExitStack() as turn:
        try:
            with _stoppable():
                turn.enter_context(take_turn(run, log))
        except StopRequestedError:
            run.write_status("stopped", "Stopped while it waited for its turn; resume it.")
            return "stopped"
        return _work(run)


def _cross_validate(run: RunFolder) -> None:
    """Train HNN and baseline on every fold; those that are finished are not trained again."""
    config, events = _opened(run)
    material = read_material(config, events)
    tables = []
    for temporal in (True, False):
        for fold in range(1, config.folds + 1):
            member = config.changed(temporal=temporal, fold=fold)
            tables.append(_member_run(run, f"{member.model_name}-fold{fold}", member, material))
    predictions = pd.concat(tables, ignore_index=True)
    write_table(predictions, run.path / "predictions.parquet")
    rows = [score_row(table, 0.5) for table in tables]
    write_scores(run, config, material.dataset, rows, crossval=_fold_statistics(rows))


def _sweep(run: RunFolder) -> None:
    """Train every point of the grid on the same test regions; finished ones not again."""
    config, events = _opened(run)
    points = grid_points(config, dict(run.config.get("grid", {})))
    dataset = StoredDataset.open(find_dataset(config.dataset))
    for member in points.values():
        Parts.of(dataset, member)  # what is missing for the last point shows before the first
    material: Material | None = None
    rows = []
    for name, member in points.items():
        if material is None or not material.serves(member):
            material = read_material(member, events)
        table = _member_run(run, name, member, material)
        rows.append({**score_row(table, 0.5), "member": name})
    write_scores(run, config, dataset, rows)


def _opened(run: RunFolder) -> tuple[TrainConfig, EventLog]:
    """Return configuration and log of a run whose members are trained one after the other."""
    config = TrainConfig.from_dict(run.config)
    check_one_device(run.kind, config)
    return config, EventLog(run.path / "metrics.jsonl")


def check_one_device(kind: str, config: TrainConfig) -> None:
    """Raise TrainingError if a ``crossval`` or ``sweep`` is to use several devices."""
    if config.devices * config.nodes > 1:
        what = "cross-validation" if kind == "crossval" else kind
        raise TrainingError(
            f"A {what} trains its members one after the other on one device; to use more, start "
            "its members as single trainings (train --fold 1 --devices 4, …)."
        )


def _member_run(run: RunFolder, name: str, config: TrainConfig, material: Material) -> pd.DataFrame:
    """Train a member of a larger run in a folder inside it; return its predictions."""
    path = run.path / name
    path.mkdir(exist_ok=True)
    replace_json(path / "config.json", {"kind": "train", **config.to_dict()})
    member = RunFolder(path)
    if member.status.state == "finished" and member.has_predictions:
        return member.predictions()
    echo = EventLog(run.path / "metrics.jsonl")
    events = EventLog(path / "metrics.jsonl", echo=echo, member=name)
    member.write_status("running")
    table = train_run(member, material, events=events)
    member.write_status("finished")
    return table


def _fold_statistics(rows: list[dict[str, Any]]) -> dict[str, dict[str, dict[str, float | None]]]:
    """Mean and standard error of each score over the folds, by model; null where undefined."""
    of_model: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        of_model.setdefault(row["model"], []).append(row)
    return {
        model: {score: without_nan(fold_mean([row[score] for row in own])) for score in SCORES}
        for model, own in of_model.items()
    }


_WORK: dict[str, Callable[[RunFolder], Any]] = {
    "train": train_run,
    "crossval": _cross_validate,
    "sweep": _sweep,
}


def _work(run: RunFolder) -> str:
    if is_main_process():
        run.write_status("running")
    try:
        with _stoppable(), room_on_disk(run.path, "resume it"):
            _WORK[run.kind](run)
    except StopRequestedError:
        _end(run, "stopped", "Stopped; resume it from its checkpoint.")
        return "stopped"
    except HnnError as error:
        _end(run, "failed", str(error))
        raise
    except BaseException as error:
        wrong = f"Something went wrong that should not ({type(error).__name__})."
        _end(run, "failed", fault_words(error) or wrong)
        raise
    _end(run, "finished", "")
    return "finished"


def _end(run: RunFolder, state: str, message: str) -> None:
    """Write how it ended; a full disk must not hide why."""
    if is_main_process():
        with contextlib.suppress(OSError):
            EventLog(run.path / "metrics.jsonl").write("end", state=state, message=message)
        with contextlib.suppress(OSError):
            run.write_status(state, message)


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

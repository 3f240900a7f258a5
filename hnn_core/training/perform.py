"""Five folds of HNN and baseline on the same data, as the paper's Figure 8."""

from typing import Any

import pandas as pd

from hnn_core.exceptions import TrainingError
from hnn_core.training.assemble import Material, read_material
from hnn_core.training.config import TrainConfig
from hnn_core.training.evaluation import score_row
from hnn_core.training.events import EventLog
from hnn_core.training.fit import train_run
from hnn_core.training.metrics import SCORES, fold_mean
from hnn_core.training.outcome import without_nan, write_scores, write_table
from hnn_core.training.run_folder import RunFolder, replace_json

__all__ = ["check_single", "cross_validate", "fold_statistics", "member_run"]


def cross_validate(run: RunFolder) -> None:
    """Train HNN and baseline on every fold; those that are finished are not trained again.

    Parameters
    ----------
    run : RunFolder
        Of kind ``crossval``: its configuration, but for ``temporal`` and ``fold``, is that of
        every member. Receives the predictions of all folds and their scores.

    Raises
    ------
    StopRequestedError, HnnError
        As `hnn_core.training.fit.train_run`.
    """
    config = TrainConfig.from_dict(run.config)
    check_single(config, "cross-validation")
    events = EventLog(run.path / "metrics.jsonl")
    material = read_material(config, events)
    tables = []
    for temporal in (True, False):
        for fold in range(1, config.folds + 1):
            member = config.changed(temporal=temporal, fold=fold)
            tables.append(member_run(run, f"{member.model_name}-fold{fold}", member, material))
    predictions = pd.concat(tables, ignore_index=True)
    write_table(predictions, run.path / "predictions.parquet")
    rows = [score_row(table, 0.5) for table in tables]
    write_scores(run, config, material.dataset, rows, crossval=fold_statistics(rows))


def member_run(run: RunFolder, name: str, config: TrainConfig, material: Material) -> pd.DataFrame:
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


def fold_statistics(rows: list[dict[str, Any]]) -> dict[str, dict[str, dict[str, float | None]]]:
    """Mean and standard error of each score over the folds, by model; null where undefined."""
    found: dict[str, dict[str, dict[str, float | None]]] = {}
    for model in dict.fromkeys(row["model"] for row in rows):
        of_model = [row for row in rows if row["model"] == model]
        found[model] = {
            score: without_nan(fold_mean([row[score] for row in of_model])) for score in SCORES
        }
    return found


def check_single(config: TrainConfig, what: str) -> None:
    """Refuse several processes where members are trained one after the other.

    Raises
    ------
    TrainingError
    """
    if config.devices * config.nodes > 1:
        raise TrainingError(
            f"A {what} trains its members one after the other on one device; to use more, start "
            "its members as single trainings (train --fold 1 --devices 4, …)."
        )

"""Scores of a trained model: of a run on its test set, of any model on any data set."""

from typing import Any

import pandas as pd

from hnn_core.dataset import StoredDataset, find_dataset
from hnn_core.embedding import choose_device
from hnn_core.exceptions import ForeignDatasetError, RunError
from hnn_core.model_store import load_model
from hnn_core.preprocess import PreprocessConfig
from hnn_core.training.config import TrainConfig
from hnn_core.training.data import Parts, read_frames_once
from hnn_core.training.evaluation import predict_sequences, prediction_table, score_row
from hnn_core.training.outcome import without_nan, write_scores, write_table
from hnn_core.training.run_folder import RunFolder

__all__ = ["evaluate_model", "evaluate_run"]


def evaluate_run(run: RunFolder) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Predict a run's test set with its best model, anew, in full precision; write both down.

    Returns
    -------
    table : DataFrame
        As `hnn_core.training.evaluation.prediction_table` makes it.
    scores : dict
        With ``rows``, as in scores.json.

    Raises
    ------
    RunError
        If the run is not a single training or has no model yet.
    DatasetError
        If the data set is gone or not the one it was trained on.
    """
    if run.kind != "train" or not run.has_model:
        raise RunError(f"The run {run.name} has no model of its own to evaluate.")
    config = TrainConfig.from_dict(run.config)
    dataset = StoredDataset.open(find_dataset(config.dataset))
    model, info = load_model(run.model_folder)
    trained_on = info.metadata.get("dataset", {}).get("sha256")
    if trained_on != dataset.sha256:
        raise ForeignDatasetError(
            f"{dataset.folder} is not the data set {run.name} was trained on (SHA-256 "
            f"{dataset.sha256[:12]}… instead of {str(trained_on)[:12]}…), so its test set may "
            "hold regions it learned from."
        )
    parts = Parts.of(dataset, config)
    table = _predict(model, parts, dataset, parts.test, config.model_name, config.fold)
    write_table(table, run.path / "predictions.parquet")
    write_scores(run, config, dataset, [score_row(table, info.config.threshold)])
    return table, run.scores()


def evaluate_model(where: str, dataset_name: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Predict all sequences of a data set with a model.

    Climatology and flux threshold are those of the same sequences, so they flatter themselves.

    Raises
    ------
    ForeignDatasetError
        If the data set's frames are not cut and scaled as the model's.
    """
    model, info = load_model(where)
    dataset = StoredDataset.open(find_dataset(dataset_name))
    if PreprocessConfig.from_dict(info.config.preprocess) != dataset.preprocess:
        raise ForeignDatasetError(
            f"{dataset.folder} holds frames prepared as {dataset.preprocess.to_dict()}, the "
            f"model {info.name} wants {info.config.preprocess}."
        )
    config = TrainConfig(
        dataset=dataset_name,
        flare_class=info.config.flare_class,
        frames=info.config.frames,
        temporal=info.config.temporal,
    )
    parts = Parts.whole(dataset, config)
    table = _predict(model, parts, dataset, parts.test, config.model_name, 0)
    return table, {"rows": [without_nan(score_row(table, info.config.threshold))]}


def _predict(
    model: Any, parts: Parts, dataset: StoredDataset, sequences: Any, name: str, fold: int
) -> pd.DataFrame:
    device = choose_device("auto")
    frames = read_frames_once(dataset, parts.frames_used)
    said = predict_sequences(model.to(device), parts, sequences, frames=frames, device=device)
    return prediction_table(parts, sequences, said, model=name, fold=fold)

"""A run's best model after its training: scored anew, or made one of the user's own."""

import shutil
import uuid
from typing import Any

import pandas as pd

from hnn_core.dataset.card import find_dataset
from hnn_core.dataset.stored import StoredDataset
from hnn_core.exceptions import ForeignDatasetError, RunError
from hnn_core.magnetogram.preprocess import PreprocessConfig
from hnn_core.network.embedding import choose_device
from hnn_core.network.model import HNN
from hnn_core.network.model_store import SHIPPED, load_model, read_model_info
from hnn_core.storage import fault_words, flush_folder, home, naming, replace_folder
from hnn_core.training.config import TrainConfig
from hnn_core.training.data import Parts, read_frames_once
from hnn_core.training.fit import without_nan, write_scores, write_table
from hnn_core.training.results import predict_test, score_row
from hnn_core.training.run_folder import RunFolder

__all__ = ["adopt_model", "evaluate_model", "evaluate_run"]


def evaluate_run(run: RunFolder) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Predict a run's test set with its best model, anew, in full precision; write both down.

    Returns
    -------
    table : DataFrame
        As `hnn_core.training.results.predict_test` makes it.
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
    table = _predict(model, parts, dataset, config)
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
    table = _predict(model, parts, dataset, config)
    return table, {"rows": [without_nan(score_row(table, info.config.threshold))]}


def adopt_model(run: RunFolder) -> str:
    """Copy a run's best model to the user's models, whole or not at all.

    A model of that name, of an earlier training of the same run, is replaced.

    Returns
    -------
    str
        Its name there.

    Raises
    ------
    RunError
        If the run has no model yet, or a shipped model has its name.
    ModelError
        If the model cannot be used.
    """
    if not run.has_model:
        raise RunError(f"{run.name} has no model yet; the first epoch brings one.")
    name = run.model_name
    if (SHIPPED / name).is_dir():
        raise RunError(f"A model named {name!r} came with the program; copy the run and rename it.")
    target = home() / "models" / name
    draft = target.with_name(f".{name}-{uuid.uuid4().hex[:8]}")
    try:
        draft.mkdir(parents=True)
        for file in run.model_folder.iterdir():
            with naming(target):
                shutil.copyfile(file, draft / file.name)
        read_model_info(draft).verify()
        flush_folder(draft)
        replace_folder(draft, target)
    except OSError as error:
        why = fault_words(error) or f"{error}."
        raise RunError(f"{run.name}: its model cannot be copied to {target}: {why}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return name


def _predict(model: HNN, parts: Parts, dataset: StoredDataset, config: TrainConfig) -> pd.DataFrame:
    frames = read_frames_once(dataset, parts.frames_used)
    return predict_test(model, parts, config, frames=frames, device=choose_device("auto"))

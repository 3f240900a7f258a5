"""One training from its configuration to its model, predictions and scores, in a run folder."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
from lightning.pytorch import Trainer

from hnn_core.dataset.card import file_sha256
from hnn_core.dataset.stored import StoredDataset
from hnn_core.network.embedding import describe_device
from hnn_core.network.model import HNN
from hnn_core.network.model_store import ModelInfo, load_model, save_model
from hnn_core.storage import replace_json, replacing, room_on_disk
from hnn_core.training.assemble import (
    Material,
    make_batches,
    make_network,
    make_trainer,
    precision_name,
    read_material,
)
from hnn_core.training.callbacks import Keeper, Reporter, Stopper, newest_readable
from hnn_core.training.config import TrainConfig
from hnn_core.training.data import Parts, SequenceBatches
from hnn_core.training.loaders import TrainingData
from hnn_core.training.module import TrainingModule, enough_memory
from hnn_core.training.progress import EventLog, is_main_process
from hnn_core.training.results import (
    describe_environment,
    describe_training,
    model_card,
    predict_test,
    score_row,
)
from hnn_core.training.run_folder import RunFolder

__all__ = ["save_tested", "train_run", "without_nan", "write_scores", "write_table"]


def train_run(
    run: RunFolder, material: Material | None = None, *, events: EventLog | None = None
) -> pd.DataFrame:
    """Train as configured, from the newest checkpoint if there is one, and predict the test set.

    Parameters
    ----------
    run : RunFolder
        Of kind ``train``. Its folder receives events, checkpoints, model, predictions, scores.
    material : Material, optional
        The data set's frames, where they are in memory already.
    events : EventLog, optional
        The run's own by default.

    Returns
    -------
    DataFrame
        The predictions, as `hnn_core.training.results.predict_test` makes them; empty in
        the processes of a distributed training that only help.

    Raises
    ------
    StopRequestedError
        It was to stop; the checkpoint is written.
    HnnError
        What a user can mend: one of the errors of data sets and trainings.
    """
    config = TrainConfig.from_dict(run.config)
    main = is_main_process()
    events = events or EventLog(run.path / "metrics.jsonl", writes=main)
    then = "resume: the last checkpoint is whole"
    with enough_memory(config), room_on_disk(run.path, then), _without_chatter():
        checkpoint, complaints = newest_readable(run.checkpoints)
        for complaint in complaints:
            events.message(complaint, "warning")
        material = material or read_material(config, events)
        parts = Parts.of(material.dataset, config)
        model = make_network(config, checkpoint, material.dataset.preprocess)
        trainer = make_trainer(config)
        batches = make_batches(config, model, material, parts, trainer, events)
        data = TrainingData(batches, parts, config)
        card = describe_training(material.dataset, parts, config)
        keeper = Keeper(run, config, parts.labels, events, card)
        trainer.callbacks += [  # type: ignore[attr-defined]  # a list, as Lightning makes it
            keeper,
            Reporter(events, keeper, data.loader),
            Stopper(run.checkpoints),
        ]
        device = describe_device(trainer.strategy.root_device)
        if main:
            environment = describe_environment(device, material.dataset.sha256)
            replace_json(run.path / "environment.json", environment)
        _log_start(events, parts, config, data, device, checkpoint)
        module = TrainingModule(model, config)
        trainer.fit(module, datamodule=data, ckpt_path=checkpoint, weights_only=True)
        if not trainer.is_global_zero:
            return pd.DataFrame()
        events.message("Predicting the test set.")
        return _predict_test_set(run, config, material, parts, batches, trainer)


def save_tested(model: HNN, folder: Path, info: ModelInfo, row: dict[str, Any], **how: Any) -> None:
    """Save a model with the scores of its test and its card for people.

    Parameters
    ----------
    model : HNN
    folder : Path
    info : ModelInfo
        What was known of the model before.
    row : dict
        Scores of its test, as of `hnn_core.training.results.score_row`.
    **how
        Of `hnn_core.network.model_store.save_model`.
    """
    card = {**info.metadata, "test": row}
    save_model(model, folder, metadata=card, card=model_card(card), **how)


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table of predictions, whole or not at all."""
    with replacing(path, shared=True) as draft:
        table.to_parquet(draft, index=False)


def write_scores(
    run: RunFolder,
    config: TrainConfig,
    dataset: StoredDataset,
    rows: list[dict[str, Any]],
    **more: Any,
) -> None:
    """Write scores.json, with the sum of the predictions; an undefined score is null."""
    table = run.path / "predictions.parquet"
    replace_json(
        run.path / "scores.json",
        {
            "threshold": 0.5,
            "flare_class": config.flare_class,
            "source": dataset.card["source"],
            "simulated": bool(dataset.card["simulated"]),
            "dataset": dataset.name,
            "dataset_sha256": dataset.sha256,
            "policy": dataset.card["policy"],
            **({"predictions_sha256": file_sha256(table)} if table.is_file() else {}),
            "rows": [without_nan(row) for row in rows],
            **more,
        },
    )


def without_nan(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of scores with null for what is undefined, as JSON has it."""

    def plain(value: Any) -> Any:
        if isinstance(value, list):
            return [plain(one) for one in value]
        return None if value != value else value

    return {name: plain(value) for name, value in row.items()}


def _predict_test_set(
    run: RunFolder,
    config: TrainConfig,
    material: Material,
    parts: Parts,
    batches: SequenceBatches,
    trainer: Trainer,
) -> pd.DataFrame:
    """Predict with the best model; write predictions, scores and model card."""
    model, info = load_model(run.model_folder)
    kept = batches.embeddings[0] if batches.embeddings is not None else None
    table = predict_test(
        model,
        parts,
        config,
        frames=batches.frames,
        embeddings=kept,
        device=trainer.strategy.root_device,
        precision=precision_name(config),
    )
    write_table(table, run.path / "predictions.parquet")
    row = score_row(table, model.config.threshold)
    save_tested(model.cpu(), run.model_folder, info, row)
    write_scores(run, config, material.dataset, [row])
    return table


def _log_start(
    events: EventLog,
    parts: Parts,
    config: TrainConfig,
    data: TrainingData,
    device: str,
    checkpoint: Path | None,
) -> None:
    step = int(checkpoint.stem[4:13]) if checkpoint else None
    if checkpoint is not None:
        events.message(f"Resuming from {checkpoint.name}.")
    events.write(
        "start",
        epochs=config.epochs,
        steps_per_epoch=len(data.loader),
        device=device,
        sequences={name: len(part) for name, part in parts.sides.items()},
        resumed_epoch=step // len(data.loader) if step is not None else None,
        resumed_step=step,
    )


@contextmanager
def _without_chatter() -> Iterator[None]:
    """Keep Lightning's advice on hardware, workers and loggers out of the log."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)

"""What comes out of a training: predictions, scores, and a model that tells of itself."""

from pathlib import Path
from typing import Any

import pandas as pd

from hnn_core.dataset import StoredDataset
from hnn_core.model_store import load_model, save_model
from hnn_core.training.assemble import Material, make_trainer, precision_name
from hnn_core.training.card import model_card
from hnn_core.training.config import TrainConfig
from hnn_core.training.data import Parts, SequenceBatches
from hnn_core.training.evaluation import predict_sequences, prediction_table, score_row
from hnn_core.training.metrics import region_interval
from hnn_core.training.run_folder import RunFolder, replace_json

__all__ = ["predict_test_set", "without_nan", "write_scores", "write_table"]


def predict_test_set(
    run: RunFolder,
    config: TrainConfig,
    material: Material,
    parts: Parts,
    batches: SequenceBatches,
) -> pd.DataFrame:
    """Predict the test set with the best model; write predictions, scores and model card."""
    model, info = load_model(run.model_folder)
    device = make_trainer(config.changed(devices=1, nodes=1)).strategy.root_device
    kept = batches.embeddings[0] if batches.embeddings is not None else None
    said = predict_sequences(
        model.to(device),
        parts,
        parts.test,
        frames=batches.frames,
        embeddings=kept,
        device=device,
        precision=precision_name(config),
    )
    table = prediction_table(parts, parts.test, said, model=config.model_name, fold=config.fold)
    write_table(table, run.path / "predictions.parquet")
    row = score_row(table, model.config.threshold)
    truth, groups = table["label"].to_numpy(), table["group"].to_numpy()
    positive = (said >= model.config.threshold).astype(int)
    interval = region_interval(truth, positive, groups)
    card = {**info.metadata, "test": {**row, "tss_95": list(interval)}}
    save_model(model.cpu(), run.model_folder, metadata=card, card=model_card(card))
    write_scores(run, config, material.dataset, [row])
    return table


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table of predictions beside its place and rename it there."""
    draft = path.with_name(f".{path.name}.part")
    table.to_parquet(draft, index=False)
    draft.replace(path)


def write_scores(
    run: RunFolder,
    config: TrainConfig,
    dataset: StoredDataset,
    rows: list[dict[str, Any]],
    **more: Any,
) -> None:
    """Write scores.json; an undefined score is null."""
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
            "rows": [without_nan(row) for row in rows],
            **more,
        },
    )


def without_nan(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of scores with null for what is undefined, as JSON has it."""
    return {name: None if value != value else value for name, value in row.items()}

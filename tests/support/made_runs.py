"""Finished runs made up for tests: the files of a run folder with drawn predictions."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hnn_core.scores import SCORES, fold_mean, skill_scores

__all__ = ["draw_predictions", "write_run"]

SKILL = {"hnn": 2.0, "vit": 0.7}
"""How far apart the classes are in the log odds of each network."""


def draw_predictions(
    *,
    models: tuple[str, ...] = ("hnn", "vit"),
    regions: int = 40,
    hours: int = 18,
    folds: int = 0,
    simulated: bool = True,
    seed: int = 0,
) -> pd.DataFrame:
    """Draw the predictions of `regions` regions with one flare each, half of them eruptive."""
    rng = np.random.default_rng(seed)
    fold_of = rng.permutation(np.arange(regions)) % folds + 1 if folds else np.zeros(regions, int)
    label_of = rng.permutation(np.arange(regions) % 2)
    parts = []
    for index in range(regions):
        label, side = int(label_of[index]), 2.0 * label_of[index] - 1.0
        start = pd.Timestamp("2011-02-13T05:00") + pd.Timedelta(days=9 * index)
        times = pd.date_range(start, periods=hours, freq="h")
        harp = 900001 + index if simulated else 377 + index
        letter, number = rng.choice(["C", "M", "M", "X"]), rng.uniform(1.0, 9.9)
        flux = np.exp(rng.normal(np.log(1.6e22) + 0.2 * side, 0.5)) * (1 + 0.003 * np.arange(hours))
        for model in models:
            logit = rng.normal(SKILL[model] * side / 2, 1.0) + rng.normal(0.0, 0.5, hours)
            parts.append(
                pd.DataFrame(
                    {
                        "model": model,
                        "fold": fold_of[index],
                        "region": f"SIM {index + 1}" if simulated else str(harp),
                        "harp": harp,
                        "noaa": "" if simulated else str(11158 + index),
                        "group": index // 2 * 2 if index < 8 else index,  # some share a group
                        "hour": times,
                        "longitude": rng.uniform(-40.0, 30.0) + 0.55 * np.arange(hours),
                        "flare_id": f"flare {index + 1}",
                        "goes_class": f"{letter}{number:.1f}",
                        "peak_utc": start + pd.Timedelta(hours=hours + 3.4),
                        "label": label,
                        "probability": 1.0 / (1.0 + np.exp(-logit)),
                        "unsigned_flux_mx": flux,
                        "climatology": 0.46 + 0.01 * fold_of[index],
                        "flux_says": (flux > 1.7e22).astype(int),
                        "flux_threshold_mx": 1.7e22,
                        "flux_sign": 1,
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)


def write_run(
    parent: Path,
    name: str,
    predictions: pd.DataFrame,
    *,
    state: str = "finished",
    flare_class: str = "M",
    source: str = "sim:7:40",
    simulated: bool = True,
) -> Path:
    """Write the folder of a run (a cross-validation if there is more than one fold)."""
    folder = parent / name
    folder.mkdir(parents=True)
    folds = sorted(set(predictions["fold"]))
    kind = "crossval" if len(folds) > 1 else "train"
    rows = [
        {"model": model, "fold": int(fold), "part": "test", **_scores(table)}
        for (model, fold), table in predictions.groupby(["model", "fold"], sort=False)
    ]
    scores: dict[str, Any] = {
        "threshold": 0.5,
        "flare_class": flare_class,
        "source": source,
        "simulated": simulated,
        "dataset": "drawn",
        "dataset_sha256": "0123456789abcdef" * 4,
        "rows": rows,
    }
    if kind == "crossval":
        frame = pd.DataFrame(rows)
        scores["crossval"] = {
            model: {score: dict(fold_mean(table[score].astype(float))) for score in SCORES}
            for model, table in frame.groupby("model")
        }
    config = {"kind": kind, "dataset": "drawn", "flare_class": flare_class, "temporal": True}
    status = {"state": state, "message": "", "time": "2026-03-01T12:00:00Z"}
    for file, values in (("config", config), ("status", status), ("scores", scores)):
        (folder / f"{file}.json").write_text(json.dumps(values))
    events = [
        {"event": "start", "time": "2026-03-01T11:00:00Z", "epochs": 1, "steps_per_epoch": 1},
        {"event": "end", "time": "2026-03-01T12:00:00Z", "state": state, "message": ""},
    ]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(one) + "\n" for one in events))
    predictions.to_parquet(folder / "predictions.parquet")
    return folder


def _scores(table: pd.DataFrame) -> dict[str, Any]:
    scores = skill_scores(table["label"], (table["probability"] >= 0.5).astype(int))
    return {key: None if np.isnan(value) else value for key, value in scores.items()}

"""What comes out of a training: predictions next to baselines, scores, a model's description."""

import platform
from typing import Any

import lightning
import numpy as np
import pandas as pd
import torch

from hnn_core import __version__
from hnn_core.dataset.stored import StoredDataset
from hnn_core.network.model import HNN
from hnn_core.scores import SCORES, interval_words, region_interval, skill_scores
from hnn_core.training.config import TrainConfig
from hnn_core.training.data import Parts
from hnn_core.training.loaders import autocast_type, embed_frames

__all__ = ["describe_environment", "describe_training", "model_card", "predict_test", "score_row"]

_HEADS = 1024
_KEPT = (
    "region", "harp", "noaa", "group", "hour", "longitude", "flare_id", "goes_class", "peak_utc",
    "label", "unsigned_flux_mx",
)  # fmt: skip


def describe_training(dataset: StoredDataset, parts: Parts, config: TrainConfig) -> dict[str, Any]:
    """Return what is stored with a model of its training.

    ``trained_on`` and ``caution`` are what the program repeats next to every probability.
    """
    simulated = bool(dataset.card["simulated"])
    groups = parts.table["group"].to_numpy()
    numbers = {
        name: {"sequences": len(part), "groups": len(np.unique(groups[part]))}
        for name, part in parts.sides.items()
    }
    kind = "simulated active regions only" if simulated else "SHARP magnetograms"
    split = f"fold {config.fold} of {config.folds}" if config.fold else "the test split"
    card = {
        "trained_on": kind if simulated else f"{kind}, data set {dataset.name}",
        "test_set": f"{numbers['test']['groups']} {'simulated ' if simulated else ''}regions not "
        f"used in training ({split})",
        "dataset": {
            "name": dataset.name,
            **{key: dataset.card[key] for key in ("source", "policy")},
            "sha256": dataset.sha256,
        },
        "parts": numbers,
        "training": config.to_dict(),
        "kind": "HNN (ViT + LSTM)" if config.temporal else "baseline (ViT on the last hour)",
        "software": f"hnn_core {__version__}",
    }
    if simulated:
        card["caution"] = (
            "Trained on simulated active regions only: on a real region its probability shows "
            "how the program works and forecasts nothing."
        )
    return card


def describe_environment(device: str, dataset_sha256: str) -> dict[str, Any]:
    """Return what a run ran on."""
    return {
        "device": device,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "torch": torch.__version__,
        "lightning": lightning.__version__,
        "hnn_core": __version__,
        "dataset_sha256": dataset_sha256,
    }


def model_card(card: dict[str, Any]) -> str:
    """Write the model card for people, from the same facts."""
    test, training, parts = card["test"], card["training"], card["parts"]
    span = [np.nan if end is None else float(end) for end in test["tss_95"]]
    score = {
        name: "undefined" if test[name] is None or test[name] != test[name] else f"{test[name]:.3f}"
        for name in SCORES
    }
    held = parts["validation"]
    chose = (
        "the one with the lowest loss on the validation set "
        f"({held['sequences']} sequences of {held['groups']} regions)"
        if held["sequences"]
        else "the last, without a validation set"
    )
    frozen = "LSTM and classifier" if training["freeze_vit"] else "all weights"
    train = parts["train"]
    learned = f"{train['sequences']} sequences of {train['groups']} regions"
    lines = [
        f"# {card['kind']}, ≥{training['flare_class']}, {card['trained_on']}",
        card.get("caution", ""),
        "## Test",
        f"On {card['test_set']}, {parts['test']['sequences']} hours: TSS {score['tss']} (95 % "
        f"interval: {interval_words(*span)}; regions resampled), recall {score['recall']}, "
        f"precision {score['precision']}, accuracy {score['accuracy']}, HSS {score['hss']}; "
        f"{test['tp']} hits, {test['fn']} misses, {test['fp']} false alarms, {test['tn']} correct "
        "negatives.",
        "## Training",
        f"{learned}. Kept: epoch {card['epoch']} of {training['epochs']}, {chose}. Trained: "
        f"{frozen}; start of the transformer: "
        f"{training['pretrained']}. Data set {card['dataset']['name']} (source "
        f"{card['dataset']['source']}, policy {card['dataset']['policy']}, SHA-256 "
        f"{card['dataset']['sha256'][:16]}…). Settings are in config.json, under training.",
    ]
    return "\n\n".join(filter(None, lines)) + "\n"


def predict_test(
    model: HNN,
    parts: Parts,
    config: TrainConfig,
    *,
    device: torch.device,
    frames: np.ndarray | None,
    embeddings: np.ndarray | None = None,
    precision: str = "32",
) -> pd.DataFrame:
    """Predict the test set next to the baselines, which learned from the same part.

    Parameters
    ----------
    model : HNN
        In evaluation mode; is moved to the device.
    parts : Parts
        All sequences that are not in its test set were there to learn from.
    config : TrainConfig
        Names model and fold.
    device, precision
        As for `hnn_core.training.loaders.embed_frames`.
    frames : ndarray, float16 (F, size, size), or None
        Each is embedded once.
    embeddings : ndarray (F, D), or None
        Used instead of the frames when given.

    Returns
    -------
    DataFrame
        One row a sequence: ``model``, ``fold``, ``region``, ``harp``, ``noaa``, ``group``,
        ``hour`` (TAI), ``longitude`` (degrees), ``flare_id``, ``goes_class``, ``peak_utc``,
        ``label``, ``probability``, ``unsigned_flux_mx`` (of x_t), ``climatology`` (eruptive part
        of those to learn from), ``flux_says`` (1 where the flux is at or above
        ``flux_threshold_mx``, or below it where ``flux_sign`` is -1), ``flux_threshold_mx``,
        ``flux_sign``.
    """
    model = model.to(device)
    rows = parts.rows if model.config.temporal else parts.rows[:, -1:]
    needed, gather = np.unique(rows[parts.test], return_inverse=True)
    if embeddings is not None:
        vectors = np.asarray(embeddings[needed])
    else:
        assert frames is not None
        vectors = embed_frames(model, frames[needed], device=device, precision=precision)
    table = parts.table.loc[parts.test, list(_KEPT)].reset_index(drop=True)
    table.insert(0, "model", config.model_name)
    table.insert(1, "fold", config.fold)
    gather = gather.reshape(len(table), -1)
    table["probability"] = _probabilities(model, vectors, gather, device, precision)
    learned = np.r_[parts.train, parts.validation]
    flux, labels = parts.table["unsigned_flux_mx"].to_numpy()[learned], parts.labels[learned]
    threshold, sign = _flux_threshold(flux, labels)
    above = table["unsigned_flux_mx"].to_numpy() >= threshold
    table["climatology"] = float(labels.mean())
    table["flux_says"] = (above if sign > 0 else ~above).astype(int)
    table["flux_threshold_mx"], table["flux_sign"] = threshold, sign
    return table


def score_row(table: pd.DataFrame, threshold: float) -> dict[str, Any]:
    """Scores of one model's predictions at a threshold, and the 95 % interval of TSS.

    Undefined ones are NaN, and the interval (``tss_95``) is of NaN where there is none.
    """
    predicted = (table["probability"] >= threshold).to_numpy().astype(int)
    return {
        "model": str(table["model"].iloc[0]),
        "fold": int(table["fold"].iloc[0]),
        "part": "test",
        **skill_scores(table["label"].to_numpy(), predicted),
        "tss_95": list(region_interval(table["label"], predicted, table["group"])),
    }


def _probabilities(
    model: HNN, vectors: np.ndarray, gather: np.ndarray, device: torch.device, precision: str
) -> np.ndarray:
    """Probabilities (S,) of sequences whose embeddings lie at `gather` (S, m) in (U, D)."""
    known = torch.from_numpy(vectors).to(device)
    half = autocast_type(precision)
    found = []
    with torch.inference_mode(), torch.autocast(device.type, half, enabled=half is not None):
        for start in range(0, len(gather), _HEADS):
            index = torch.from_numpy(gather[start : start + _HEADS]).to(device)
            found.append(torch.sigmoid(model.head(known[index]).double()).cpu().numpy())
    return np.concatenate(found) if found else np.empty(0)


def _flux_threshold(flux: np.ndarray, labels: np.ndarray) -> tuple[float, int]:
    """Total unsigned flux, and whether above (1) or below (-1) is eruptive, of the highest TSS."""
    flux = np.nan_to_num(np.asarray(flux, float), nan=-np.inf)
    order = np.argsort(flux, kind="stable")
    values, truth = flux[order], np.asarray(labels)[order]
    # At a cut before place k, everything from k on is predicted to be eruptive.
    hits = np.r_[truth[::-1].cumsum()[::-1], 0] / truth.sum()
    alarms = np.r_[(1 - truth)[::-1].cumsum()[::-1], 0] / (1 - truth).sum()
    cuts = np.flatnonzero(np.r_[True, values[1:] > values[:-1]])
    skill = (hits - alarms)[cuts]
    best = int(np.argmax(np.abs(skill)))
    return float(values[cuts[best]]), 1 if skill[best] >= 0 else -1

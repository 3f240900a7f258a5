"""What a trained network says of sequences it never saw, beside what needs no network."""

from typing import Any

import numpy as np
import pandas as pd
import torch

from hnn_core.model import HNN
from hnn_core.training.data import Parts
from hnn_core.training.frozen import autocast_type, embed_frames
from hnn_core.training.metrics import skill_scores

__all__ = [
    "FluxThreshold",
    "best_flux_threshold",
    "predict_sequences",
    "prediction_table",
    "score_row",
]

_HEADS = 1024
_KEPT = (
    "region", "harp", "noaa", "group", "hour", "longitude", "flare_id", "goes_class", "peak_utc",
    "label", "unsigned_flux_mx",
)  # fmt: skip


def predict_sequences(
    model: HNN,
    parts: Parts,
    sequences: np.ndarray,
    *,
    frames: np.ndarray | None,
    embeddings: np.ndarray | None = None,
    device: torch.device,
    precision: str = "32",
) -> np.ndarray:
    """Probabilities (S,) of sequences, each frame embedded once.

    Parameters
    ----------
    model : HNN
        On the device, in evaluation mode.
    parts : Parts
    sequences : ndarray (S,)
    frames : ndarray, float16 (F, size, size), or None
    embeddings : ndarray (F, D), or None
        Used instead of the frames when given.
    device, precision
        As for `hnn_core.training.frozen.embed_frames`.
    """
    rows = parts.rows if model.config.temporal else parts.rows[:, -1:]
    needed, gather = np.unique(rows[sequences], return_inverse=True)
    gather = gather.reshape(len(sequences), -1)
    if embeddings is not None:
        vectors = np.asarray(embeddings[needed])
    else:
        assert frames is not None
        vectors = embed_frames(model, frames[needed], device=device, precision=precision)
    known = torch.from_numpy(vectors).to(device)  # (U, D)
    half = autocast_type(precision)
    said = []
    with torch.inference_mode(), torch.autocast(device.type, half, enabled=half is not None):
        for start in range(0, len(sequences), _HEADS):
            index = torch.from_numpy(gather[start : start + _HEADS]).to(device)
            said.append(torch.sigmoid(model.head(known[index]).double()).cpu().numpy())
    return np.concatenate(said) if said else np.empty(0)


class FluxThreshold:
    """The one-threshold baseline: eruptive above (or below) a total unsigned flux.

    Parameters
    ----------
    threshold : float
        Mx.
    sign : int
        1: at or above it means eruptive; -1: below it does.
    """

    def __init__(self, threshold: float, sign: int) -> None:
        self.threshold, self.sign = threshold, sign

    def says(self, flux: np.ndarray) -> np.ndarray:
        """0 or 1 (n,) for total unsigned fluxes (n,) in Mx."""
        above = flux >= self.threshold
        return (above if self.sign > 0 else ~above).astype(int)


def best_flux_threshold(flux: np.ndarray, labels: np.ndarray) -> FluxThreshold:
    """Choose the threshold and its direction that give the highest TSS.

    Parameters
    ----------
    flux : ndarray (n,)
        Total unsigned flux, Mx; NaN counts as below any threshold.
    labels : ndarray (n,)
        Both classes are there.
    """
    flux = np.nan_to_num(np.asarray(flux, float), nan=-np.inf)
    order = np.argsort(flux, kind="stable")
    values, truth = flux[order], np.asarray(labels)[order]
    # At a cut before place k, everything from k on is said to be eruptive.
    hits = np.r_[truth[::-1].cumsum()[::-1], 0] / truth.sum()
    alarms = np.r_[(1 - truth)[::-1].cumsum()[::-1], 0] / (1 - truth).sum()
    cuts = np.flatnonzero(np.r_[True, values[1:] > values[:-1]])
    skill = (hits - alarms)[cuts]
    best = int(np.argmax(np.abs(skill)))
    return FluxThreshold(float(values[cuts[best]]), 1 if skill[best] >= 0 else -1)


def prediction_table(
    parts: Parts,
    sequences: np.ndarray,
    probabilities: np.ndarray,
    *,
    model: str,
    fold: int,
) -> pd.DataFrame:
    """Predictions beside the baselines, which learned from the same part.

    Parameters
    ----------
    parts : Parts
        All sequences that are not in its test set were there to learn from.
    sequences, probabilities : ndarray (S,)
    model : str
        ``"hnn"`` or ``"vit"``.
    fold : int

    Returns
    -------
    DataFrame
        One row a sequence: ``model``, ``fold``, ``region``, ``harp``, ``noaa``, ``group``,
        ``hour`` (TAI), ``longitude`` (degrees), ``flare_id``, ``goes_class``, ``peak_utc``,
        ``label``, ``probability``, ``unsigned_flux_mx`` (of x_t), ``climatology`` (share of
        eruptive among those to learn from), ``flux_says``, ``flux_threshold_mx``, ``flux_sign``.
    """
    table = parts.table.loc[sequences, list(_KEPT)].reset_index(drop=True)
    table.insert(0, "model", model)
    table.insert(1, "fold", fold)
    table["probability"] = probabilities
    learned = np.r_[parts.train, parts.validation]
    flux, labels = parts.table["unsigned_flux_mx"].to_numpy()[learned], parts.labels[learned]
    cut = best_flux_threshold(flux, labels)
    table["climatology"] = float(labels.mean())
    table["flux_says"] = cut.says(table["unsigned_flux_mx"].to_numpy())
    table["flux_threshold_mx"], table["flux_sign"] = cut.threshold, cut.sign
    return table


def score_row(table: pd.DataFrame, threshold: float) -> dict[str, Any]:
    """Scores of one model's predictions at a threshold; undefined ones are NaN."""
    said = (table["probability"] >= threshold).to_numpy().astype(int)
    return {
        "model": str(table["model"].iloc[0]),
        "fold": int(table["fold"].iloc[0]),
        "part": "test",
        **skill_scores(table["label"].to_numpy(), said),
    }

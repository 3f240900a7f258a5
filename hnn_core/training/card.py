"""What a trained model says of itself: for programs in config.json, for people in README.md."""

import platform
from typing import Any

import lightning
import numpy as np
import torch

from hnn_core import __version__
from hnn_core.dataset import StoredDataset
from hnn_core.training.config import TrainConfig
from hnn_core.training.data import Parts

__all__ = ["describe_environment", "describe_training", "model_card"]


def describe_training(dataset: StoredDataset, parts: Parts, config: TrainConfig) -> dict[str, Any]:
    """Return what is stored with a model of its training.

    ``trained_on`` and ``caution`` are what the program repeats beside every probability.
    """
    simulated = bool(dataset.card["simulated"])
    groups = parts.table["group"].to_numpy()
    numbers = {
        name: {"sequences": len(part), "groups": len(np.unique(groups[part]))}
        for name, part in (
            ("train", parts.train),
            ("validation", parts.validation),
            ("test", parts.test),
        )
    }
    kind = "simulated active regions only" if simulated else "SHARP magnetograms"
    split = f"fold {config.fold} of {config.folds}" if config.fold else "the test split"
    card = {
        "trained_on": kind if simulated else f"{kind}, data set {dataset.name}",
        "test_set": f"{numbers['test']['groups']} {'simulated ' if simulated else ''}regions not "
        f"used in training ({split})",
        "dataset": {
            "name": dataset.name,
            "source": dataset.card["source"],
            "policy": dataset.card["policy"],
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
    low, high = card["test"]["tss_95"]

    def told(score: str) -> str:
        value = test[score]
        return "undefined" if value is None or value != value else f"{value:.3f}"

    frozen = "LSTM and classifier" if training["freeze_vit"] else "all weights"
    lines = [
        f"# {card['kind']}, ≥{training['flare_class']}, {card['trained_on']}",
        card.get("caution", ""),
        "## Test",
        f"On {card['test_set']}, {parts['test']['sequences']} hours: TSS {told('tss')} (95 % "
        f"interval {low:.3f} to {high:.3f}, regions resampled), recall {told('recall')}, "
        f"precision {told('precision')}, accuracy {told('accuracy')}, HSS {told('hss')}; "
        f"{test['tp']} hits, {test['fn']} misses, {test['fp']} false alarms, {test['tn']} correct "
        "negatives.",
        "## Training",
        f"{parts['train']['sequences']} sequences of {parts['train']['groups']} regions; "
        f"{parts['validation']['sequences']} of {parts['validation']['groups']} chose epoch "
        f"{card['epoch']} of {training['epochs']}. Trained: {frozen}; start of the transformer: "
        f"{training['pretrained']}. Data set {card['dataset']['name']} (source "
        f"{card['dataset']['source']}, policy {card['dataset']['policy']}, SHA-256 "
        f"{card['dataset']['sha256'][:16]}…). Settings are in config.json, under training.",
    ]
    return "\n\n".join(filter(None, lines)) + "\n"

"""Everything that decides how a network is trained: the paper's values are the defaults."""

import ast
import inspect
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from itertools import pairwise
from typing import Any

from hnn_core.exceptions import TrainingError
from hnn_core.regions.goes_classes import FLARE_CLASSES

__all__ = ["FIELD_HELP", "PRESETS", "TrainConfig"]


@dataclass(frozen=True)
class TrainConfig:
    """One training, saved with the run.

    Raises
    ------
    TrainingError
        At construction, when a value is impossible; the sentence names it.
    """

    dataset: str
    """Stored data set: a name in the program's folder, or the path of a folder."""
    flare_class: str = "M"
    """Lowest class of the coming flare: M5.0, M or C; the paper trains a network for each."""
    temporal: bool = True
    """On: HNN, ViT and LSTM over all hours. Off: the baseline, ViT on the last hour alone."""
    pretrained: str = "hub"
    """Start of the vision transformer: hub (ImageNet weights, as in the paper; needs a network or
    a filled cache), the path of a timm ViT .safetensors file, or none (random weights)."""
    freeze_vit: bool = False
    """Leave the vision transformer as it starts and train LSTM and classifier only: each frame is
    embedded once for all epochs, which a CPU can do. The paper trains everything."""
    frames: int = 10
    """m, hourly magnetograms in a sequence. The paper tried 6, 8, 10, 14 and 18."""
    patch: int = 16
    """Side of a token in pixels of the 224 x 224 image. The paper tried 8, 16 and 32."""
    depth: int = 12
    """Encoders of the vision transformer."""
    heads: int = 12
    """Attention heads of an encoder."""
    width: int = 768
    """Length of a token's vector; 768 is ViT-B, which ImageNet weights from the hub need."""
    lstm_hidden: int = 256
    """Length of the LSTM's state; the paper does not give it."""
    epochs: int = 40
    """Times that every training sequence is seen."""
    batch: int = 32
    """Sequences in a step."""
    run_hours: int = 8
    """Consecutive hours of a region that a batch takes together, so that they share frames: with
    8, 32 sequences of 10 hours hold 86 frames on average, not 320. 1: no sharing, sequences drawn
    alone, as the paper does. Batches of few regions learn less evenly: on simulated regions no
    skill was lost at the paper's learning rate and epochs, but 0.07 of TSS at 1e-3 after 10
    epochs. With freeze_vit take 1, which costs nothing there."""
    learning_rate: float = 1e-4
    """Step size of Adam."""
    weight_decay: float = 0.0
    """Pull of Adam's weights towards zero."""
    alpha: float = 0.4
    """Weight of class 1 (eruptive) in the focal loss; class 0 has 1 - alpha."""
    gamma: float = 2.0
    """Focus of the focal loss on sequences that are hard (the paper's lambda)."""
    gradient_clip: float = 1.0
    """Largest norm of the gradient; 0 leaves it as it is. The paper does not say."""
    symmetries: bool = False
    """Show each run of hours mirrored north-south, mirrored east-west and with reversed
    polarity, each at random. Beyond the paper."""
    test_fraction: float = 0.2
    """Part of the data set kept for the test, whole groups of regions; used where fold is 0."""
    validation_fraction: float = 0.1
    """Part of the rest kept for the skill curves and for choosing the best epoch, whole groups.
    0 trains on all of it, as the paper seems to, and keeps the last epoch."""
    patience: int = 0
    """Stop when the validation loss has not fallen for so many epochs; 0 never does."""
    fold: int = 0
    """Which fold of a cross-validation is the test set, from 1; 0 is the test_fraction split."""
    folds: int = 5
    """Folds of a cross-validation."""
    seed: int = 0
    """Of the split, the random weights and the order of the batches."""
    precision: str = "auto"
    """32, bf16 or 16 (mixed), or auto: bf16 on a GPU that has it, 32 on a CPU."""
    recompute: bool = False
    """Compute the encoders' inner values a second time instead of keeping them: less memory for
    a third more arithmetic, and the same result."""
    accelerator: str = "auto"
    """auto, cpu or gpu."""
    devices: int = 1
    """Processes (GPUs) on each machine; a batch is shared out among them."""
    nodes: int = 1
    """Machines; start the same command on each, as Lightning's clusters do."""
    workers: int = -1
    """Processes that put batches together; -1 is none on a CPU and two on a GPU."""
    keep_checkpoints: int = 2
    """Newest checkpoints kept; two at least, lest the newest turn out damaged."""

    def __post_init__(self) -> None:
        if not self.dataset:
            raise TrainingError("dataset is empty: name a stored data set or its folder.")
        if self.flare_class not in FLARE_CLASSES:
            raise TrainingError(f"flare_class is {self.flare_class!r}: one of M5.0, M, C.")
        for name, (low, high) in {
            "frames": (1, 240),
            "patch": (1, 224),
            "depth": (1, 96),
            "heads": (1, 96),
            "width": (1, 8192),
            "lstm_hidden": (1, 8192),
            "epochs": (1, 100_000),
            "batch": (1, 65_536),
            "run_hours": (1, 1000),
            "patience": (0, 100_000),
            "folds": (2, 100),
            "fold": (0, self.folds),
            "seed": (0, 2**31),
            "devices": (1, 1024),
            "nodes": (1, 1024),
            "workers": (-1, 256),
            "keep_checkpoints": (2, 1000),
        }.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise TrainingError(f"{name} is {value!r}: a whole number from {low} to {high}.")
        for name, (least, most) in {
            "learning_rate": (1e-12, 10.0),
            "weight_decay": (0.0, 10.0),
            "alpha": (0.0, 1.0),
            "gamma": (0.0, 100.0),
            "gradient_clip": (0.0, 1e6),
            "test_fraction": (0.01, 0.5),
            "validation_fraction": (0.0, 0.5),
        }.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise TrainingError(f"{name} is {value!r}: a number from {least:g} to {most:g}.")
            if not (math.isfinite(value) and least <= value <= most):
                raise TrainingError(f"{name} is {value!r}: a number from {least:g} to {most:g}.")
        for name, choices in {
            "temporal": (True, False),
            "freeze_vit": (True, False),
            "symmetries": (True, False),
            "recompute": (True, False),
            "precision": ("auto", "32", "bf16", "16"),
            "accelerator": ("auto", "cpu", "gpu"),
        }.items():
            if getattr(self, name) not in choices:
                raise TrainingError(
                    f"{name} is {getattr(self, name)!r}: one of {', '.join(map(str, choices))}."
                )
        if not self.pretrained:
            raise TrainingError("pretrained is empty: hub, none, or the path of a file.")
        if 224 % self.patch:
            raise TrainingError(f"patch {self.patch} does not divide the image's 224 pixels.")
        if self.width % self.heads:
            raise TrainingError(f"heads {self.heads} does not divide width {self.width}.")
        if self.pretrained == "hub" and self.width != 768:
            raise TrainingError(
                f"width is {self.width}, but the hub's ViT-B has 768: set width to 768, or "
                "pretrained to none or to a file of that width."
            )
        if self.patience and not self.validation_fraction:
            raise TrainingError("patience needs a validation_fraction above 0 to watch.")

    @property
    def model_name(self) -> str:
        """``"hnn"`` or ``"vit"``, as tables of predictions call it."""
        return "hnn" if self.temporal else "vit"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a plain dictionary, for JSON."""
        return asdict(self)

    def changed(self, **changes: Any) -> "TrainConfig":
        """Return a copy with other values, checked like any other."""
        return replace(self, **changes)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TrainConfig":
        """Build from a run's config.json; what it holds beside the fields is not looked at.

        Raises
        ------
        TrainingError
            When a value is impossible or the data set is not named.
        """
        known = {item.name for item in fields(cls)}
        try:
            return cls(**{name: value for name, value in values.items() if name in known})
        except TypeError as error:
            raise TrainingError(f"the configuration is not complete ({error}).") from error


def _docstrings(cls: type) -> dict[str, str]:
    """Docstring after each field of a class, on one line."""
    body = ast.parse(inspect.cleandoc(inspect.getsource(cls))).body[0]
    assert isinstance(body, ast.ClassDef)
    found = {}
    for field, text in pairwise(body.body):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            found[field.target.id] = " ".join(str(text.value.value).split())
    return found


FIELD_HELP = _docstrings(TrainConfig)
"""Explanation of each field, for command line and page."""

PRESETS: dict[str, dict[str, Any]] = {
    "paper": {},
    "laptop": {
        "pretrained": "none",
        "patch": 32,
        "depth": 2,
        "heads": 4,
        "width": 64,
        "lstm_hidden": 32,
        "epochs": 5,
        "learning_rate": 1e-3,
    },
}
"""Changes to the defaults by name: the paper's protocol, and one that a laptop does in a minute."""

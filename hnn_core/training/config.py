"""Everything that decides how a network is trained: the paper's values are the defaults."""

from collections.abc import Mapping
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hnn_core.exceptions import TrainingError

__all__ = ["FIELD_HELP", "PRESETS", "TrainConfig"]


class TrainConfig(BaseModel):
    """One training, saved with the run.

    Raises
    ------
    TrainingError
        At construction, when a value is impossible; the sentence names it.
    """

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )

    dataset: str
    """Stored data set: a name in the program's folder, or the path of a folder."""
    flare_class: Literal["M5.0", "M", "C"] = "M"
    """Lowest class of the coming flare: M5.0, M or C; the paper trains a network for each."""
    temporal: bool = True
    """On: HNN, ViT and LSTM over all hours. Off: the baseline, ViT on the last hour alone."""
    pretrained: str = "hub"
    """Start of the vision transformer: hub (ImageNet weights, as in the paper; needs a network or
    a filled cache), the path of a timm ViT .safetensors file, or none (random weights)."""
    freeze_vit: bool = False
    """Leave the vision transformer as it starts and train LSTM and classifier only: each frame is
    embedded once for all epochs, which a CPU can do. The paper trains everything."""
    frames: int = Field(10, ge=1, le=240)
    """m, hourly magnetograms in a sequence. The paper tried 6, 8, 10, 14 and 18."""
    patch: int = Field(16, ge=1, le=224)
    """Side of a token in pixels of the 224 x 224 image. The paper tried 8, 16 and 32."""
    depth: int = Field(12, ge=1, le=96)
    """Encoders of the vision transformer."""
    heads: int = Field(12, ge=1, le=96)
    """Attention heads of an encoder."""
    width: int = Field(768, ge=1, le=8192)
    """Length of a token's vector; 768 is ViT-B, which ImageNet weights from the hub need."""
    lstm_hidden: int = Field(256, ge=1, le=8192)
    """Length of the LSTM's state; the paper does not give it."""
    epochs: int = Field(40, ge=1, le=100_000)
    """Times that every training sequence is seen."""
    batch: int = Field(32, ge=1, le=65_536)
    """Sequences in a step."""
    run_hours: int = Field(8, ge=1, le=1000)
    """Consecutive hours of a region that a batch takes together, so that they share frames: with
    8, 32 sequences of 10 hours hold 86 frames on average, not 320. 1: no sharing, sequences drawn
    alone, as the paper does. Batches of few regions learn less evenly: on simulated regions no
    skill was lost at the paper's learning rate and epochs, but 0.07 of TSS at 1e-3 after 10
    epochs. With freeze_vit take 1, which costs nothing there."""
    learning_rate: float = Field(1e-4, ge=1e-12, le=10)
    """Step size of Adam."""
    weight_decay: float = Field(0.0, ge=0, le=10)
    """Pull of Adam's weights towards zero."""
    alpha: float = Field(0.4, ge=0, le=1)
    """Weight of class 1 (eruptive) in the focal loss; class 0 has 1 - alpha."""
    gamma: float = Field(2.0, ge=0, le=100)
    """Focus of the focal loss on sequences that are hard (the paper's lambda)."""
    gradient_clip: float = Field(1.0, ge=0, le=1e6)
    """Largest norm of the gradient; 0 leaves it as it is. The paper gives none."""
    symmetries: bool = False
    """Show each run of hours mirrored north-south, mirrored east-west and with reversed
    polarity, each at random. Beyond the paper."""
    test_fraction: float = Field(0.2, ge=0.01, le=0.5)
    """Part of the data set kept for the test, whole groups of regions; used where fold is 0."""
    validation_fraction: float = Field(0.1, ge=0, le=0.5)
    """Part of the rest kept for the skill curves and for choosing the best epoch, whole groups.
    0 trains on all of it, as the paper seems to, and keeps the last epoch."""
    patience: int = Field(0, ge=0, le=100_000)
    """Stop when the validation loss has not fallen for so many epochs; 0 never does."""
    fold: int = Field(0, ge=0, le=100)
    """Which fold of a cross-validation is the test set, from 1; 0 is the test_fraction split."""
    folds: int = Field(5, ge=2, le=100)
    """Folds of a cross-validation."""
    seed: int = Field(0, ge=0, le=2**31)
    """Of the split, the random weights and the order of the batches."""
    precision: Literal["auto", "32", "bf16", "16"] = "auto"
    """32, bf16 or 16 (mixed), or auto: bf16 on a GPU that has it, 32 on a CPU."""
    recompute: bool = False
    """Compute the encoders' inner values a second time instead of keeping them: less memory for
    a third more arithmetic, and the same result."""
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    """auto, cpu or gpu."""
    devices: int = Field(1, ge=1, le=1024)
    """Processes (GPUs) on each machine; a batch is shared out between them."""
    nodes: int = Field(1, ge=1, le=1024)
    """Machines; start the same command on each, as Lightning's clusters do."""
    workers: int = Field(-1, ge=-1, le=256)
    """Processes that put batches together; -1 is none on a CPU and two on a GPU."""
    keep_checkpoints: int = Field(2, ge=2, le=1000)
    """Newest checkpoints kept; two or more, lest the newest turn out damaged."""

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise TrainingError(_sentence(error)) from error
        if not self.dataset:
            raise TrainingError("dataset is empty: name a stored data set or its folder.")
        if not self.pretrained:
            raise TrainingError("pretrained is empty: hub, none, or the path of a file.")
        if self.fold > self.folds:
            raise TrainingError(f"fold is {self.fold}: a whole number from 0 to {self.folds}.")
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
        return self.model_dump()

    def changed(self, **changes: Any) -> "TrainConfig":
        """Return a copy with other values, checked like any other."""
        return TrainConfig(**{**self.to_dict(), **changes})

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TrainConfig":
        """Build from a run's config.json; other keys are not looked at.

        Raises
        ------
        TrainingError
            When a value is impossible or the data set is not named.
        """
        return cls(**{name: values[name] for name in cls.model_fields if name in values})


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    name = str(first["loc"][0])
    if name not in TrainConfig.model_fields:
        return f"{name} is no setting of a training."
    if first["type"] == "missing":
        return f"the configuration is not complete ({name} is missing)."
    field = TrainConfig.model_fields[name]
    if choices := (True, False) if field.annotation is bool else get_args(field.annotation):
        possible = f"one of {', '.join(map(str, choices))}"
    elif field.annotation is str:
        possible = "a text"
    else:
        kind = "whole number" if field.annotation is int else "number"
        low, high = (
            getattr(one, key) for one, key in zip(field.metadata, ("ge", "le"), strict=True)
        )
        possible = f"a {kind} from {low:.10g} to {high:.10g}"
    return f"{name} is {first['input']!r}: {possible}."


FIELD_HELP = {
    name: " ".join(str(field.description).split())
    for name, field in TrainConfig.model_fields.items()
}
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

"""What stands in a model's config.json, readable without torch.

What the network is built of, how its input is prepared, and the SHA-256 of its weights, checked
when they are loaded: a flipped bit in the weights is another network, which answers as surely as
the right one.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from hnn_core.exceptions import ModelError
from hnn_core.magnetogram.preprocess import PreprocessConfig
from hnn_core.regions.goes_classes import FLARE_CLASSES
from hnn_core.storage import replace_json

__all__ = [
    "CONFIG",
    "WEIGHTS",
    "HNNConfig",
    "check_weights",
    "network_sha256",
    "read_checksum",
    "weights_sha256",
    "write_config",
]

CONFIG = "config.json"
WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class HNNConfig:
    """Everything needed to build the network and to prepare its input; by default ViT-B/16.

    Raises
    ------
    ValueError
        At construction, when a value is impossible; the sentence names it.

    Examples
    --------
    >>> from hnn_core import HNNConfig
    >>> config = HNNConfig(image_size=64, width=24, depth=2, heads=2)
    >>> config.grid, config.preprocess
    (4, {'crop': 128, 'size': 64, 'clip': 2000.0})
    """

    architecture: str = "hnn"
    """Marks the configuration file as ours; nothing else is accepted."""
    temporal: bool = True
    """True: HNN (ViT and LSTM). False: the baseline, ViT and classifier on x_t alone."""
    flare_class: str = "M"
    """One of `FLARE_CLASSES`: the coming flare is of this class or above."""
    frames: int = 10
    """m, the number of hourly magnetograms in a sequence; only the last is used when not
    temporal."""
    image_size: int = 224
    """Side of the square input in pixels."""
    patch: int = 16
    """Side of the square that makes one token, in pixels."""
    depth: int = 12
    """Number of encoders."""
    heads: int = 12
    """Attention heads of each encoder."""
    width: int = 768
    """D, length of a token's vector and of a frame's embedding."""
    mlp_ratio: float = 4.0
    """Width of an encoder's hidden layer over `width`."""
    lstm_hidden: int = 256
    """Length of the LSTM's state, one layer. The paper does not give it. 256 is a third of
    ViT-B's width: a million parameters instead of five, for data sets in which ten thousand
    strongly correlated sequences come from a few hundred flares."""
    threshold: float = 0.5
    """A probability at or above it means eruptive."""
    preprocess: dict[str, int | float] = field(default_factory=dict)
    """Fields of `hnn_core.magnetogram.preprocess.PreprocessConfig` (crop, size and clip) as a plain
    dictionary. What is left out is filled in: crop twice the image, clip 2000 G."""

    def __post_init__(self) -> None:
        if self.architecture != "hnn":
            raise ValueError(f"architecture is {self.architecture!r}, not 'hnn'")
        if not isinstance(self.temporal, bool):
            raise ValueError(f"temporal is {self.temporal!r}: true or false is needed")
        if self.flare_class not in FLARE_CLASSES:
            raise ValueError(f"flare_class is {self.flare_class!r}: one of {FLARE_CLASSES}")
        # The upper ends keep a damaged file from wanting more memory than there is.
        for name, highest in {
            "frames": 240,
            "image_size": 4096,
            "patch": 1024,
            "depth": 96,
            "heads": 96,
            "width": 8192,
            "lstm_hidden": 8192,
        }.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= highest:
                raise ValueError(f"{name} is {value!r}: a whole number from 1 to {highest}")
        if self.image_size % self.patch:
            raise ValueError(f"patch {self.patch} does not divide image_size {self.image_size}")
        if self.width % self.heads:
            raise ValueError(f"heads {self.heads} does not divide width {self.width}")
        if not isinstance(self.mlp_ratio, int | float) or not 0 < self.mlp_ratio <= 16:
            raise ValueError(f"mlp_ratio is {self.mlp_ratio!r}: a number in (0, 16]")
        if not isinstance(self.threshold, int | float) or not 0 < self.threshold < 1:
            raise ValueError(f"threshold is {self.threshold!r}: a number between 0 and 1")
        if not isinstance(self.preprocess, Mapping):
            raise ValueError(f"preprocess is {self.preprocess!r}: a dictionary is needed")
        default = {"crop": 2 * self.image_size, "size": self.image_size, "clip": 2000.0}
        merged = default | dict(self.preprocess)
        PreprocessConfig.from_dict(merged)  # raises on what is impossible
        if merged["size"] != self.image_size:
            raise ValueError(
                f"preprocess makes frames of {merged['size']} pixels, image_size is "
                f"{self.image_size}"
            )
        object.__setattr__(self, "preprocess", merged)

    @property
    def grid(self) -> int:
        """Tokens along one side of the image."""
        return self.image_size // self.patch

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "HNNConfig":
        """Build from a parsed config.json, but for ``metadata`` and ``sha256``.

        Raises
        ------
        ValueError
            When a value is impossible, or a setting is unknown (a newer program's, perhaps).
        """
        known = {item.name for item in fields(cls)}
        unknown = sorted(set(values) - known - {"metadata", "sha256"})
        if unknown:
            raise ValueError(f"unknown setting {unknown[0]!r}")
        return cls(**{name: value for name, value in values.items() if name in known})


def weights_sha256(folder: Path) -> str:
    """Return the SHA-256 of a folder's weights, 64 hexadecimal digits; ModelError if unreadable."""
    path = folder / WEIGHTS
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}).") from error


def network_sha256(weights: str, settings: Mapping[str, Any]) -> str:
    """Return the SHA-256 that names a network: of its weights' SHA-256 and its settings.

    An edited threshold or clip in a configuration answers otherwise, with the same weights.
    """
    text = json.dumps({**settings, "sha256": weights}, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def write_config(folder: Path, values: Mapping[str, Any]) -> None:
    """Write the configuration of a folder's model with the sum of the weights that lie there."""
    replace_json(folder / CONFIG, {**values, "sha256": weights_sha256(folder)})


def read_checksum(values: Mapping[str, Any], path: Path) -> str:
    """Return the sum in a configuration; empty in one of an earlier version, which had none.

    Raises
    ------
    ModelError
        If there is something else in its place.
    """
    checksum = values.get("sha256", "")
    if not isinstance(checksum, str) or not re.fullmatch("([0-9a-f]{64})?", checksum):
        raise ModelError(f"{path}: sha256 is {checksum!r}, not 64 hexadecimal digits.")
    return checksum


def check_weights(folder: Path, found: str, checksum: str) -> None:
    """Refuse weights whose sum is not that of their configuration, where it has one.

    Raises
    ------
    ModelError
    """
    if checksum and found != checksum:
        raise ModelError(
            f"{folder / WEIGHTS} is damaged or another model's: its SHA-256 is {found[:12]}…, "
            f"{CONFIG} holds {checksum[:12]}…. Copy the model folder again, or train it anew."
        )

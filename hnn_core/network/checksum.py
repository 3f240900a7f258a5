"""The SHA-256 of a model's weights: written into its config.json, checked when they are loaded.

A flipped bit in the weights is another network, which answers as surely as the right one.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hnn_core.exceptions import ModelError
from hnn_core.storage import replace_json

__all__ = [
    "CONFIG",
    "WEIGHTS",
    "check_weights",
    "network_sha256",
    "read_checksum",
    "weights_sha256",
    "write_config",
]

CONFIG = "config.json"
WEIGHTS = "model.safetensors"


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

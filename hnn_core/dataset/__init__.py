"""Labels, sequences, splits, and the stored data set that networks are trained on."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hnn_core.dataset import splits
    from hnn_core.dataset.build import build_dataset
    from hnn_core.dataset.card import DatasetInfo, find_dataset, list_datasets
    from hnn_core.dataset.stored import StoredDataset
    from hnn_core.regions.goes_classes import FLARE_CLASSES
    from hnn_core.regions.labels import DEFAULT_POLICY, POLICIES, label_frames

__all__ = [
    "DEFAULT_POLICY",
    "FLARE_CLASSES",
    "POLICIES",
    "DatasetInfo",
    "StoredDataset",
    "build_dataset",
    "find_dataset",
    "label_frames",
    "list_datasets",
    "splits",
]

_HOMES = {
    "DEFAULT_POLICY": "labels",
    "FLARE_CLASSES": "classes",
    "POLICIES": "labels",
    "DatasetInfo": "catalog",
    "StoredDataset": "stored",
    "build_dataset": "build",
    "find_dataset": "catalog",
    "label_frames": "labels",
    "list_datasets": "catalog",
}


def __getattr__(name: str) -> Any:
    """Import on first use: commands that need no data set do not wait for pandas and zarr."""
    if name == "splits":
        return import_module("hnn_core.dataset.splits")
    if name in _HOMES:
        return getattr(import_module(f"hnn_core.dataset.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

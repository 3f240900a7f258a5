"""From bytes to probability: SHARP magnetograms, sequences, the HNN and its attention.

The names below are the documented interface; what lies deeper may move. Each is imported at its
first use, so that whoever only reads magnetograms does not wait for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hnn_core.version import __version__

if TYPE_CHECKING:
    from hnn_core.magnetogram.magnetogram import read_fits
    from hnn_core.network.attention import rollout
    from hnn_core.network.model import HNN, HNNConfig
    from hnn_core.network.predictor import Predictor
    from hnn_core.regions.labels import label_frames
    from hnn_core.scores import skill_scores
    from hnn_core.simulation.render import simulate_region
    from hnn_core.sources import open_source
    from hnn_core.sources.sequence import build_sequence
    from hnn_core.training.module import focal_loss

__all__ = [
    "HNN",
    "HNNConfig",
    "Predictor",
    "__version__",
    "build_sequence",
    "focal_loss",
    "label_frames",
    "open_source",
    "read_fits",
    "rollout",
    "simulate_region",
    "skill_scores",
]

_HOMES = {
    "HNN": "network.model",
    "HNNConfig": "network.model",
    "Predictor": "network.predictor",
    "build_sequence": "sources.sequence",
    "focal_loss": "training.module",
    "label_frames": "regions.labels",
    "open_source": "sources",
    "read_fits": "magnetogram.magnetogram",
    "rollout": "network.attention",
    "simulate_region": "simulation.render",
    "skill_scores": "scores",
}


def __getattr__(name: str) -> Any:
    """Import a public name at its first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    """List the public names, imported or not."""
    return sorted({*globals(), *__all__})

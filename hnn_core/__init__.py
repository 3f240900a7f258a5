"""From bytes to probability: SHARP magnetograms, sequences, the HNN and its attention.

The names below are the documented interface; what lies deeper may move. Each is imported at its
first use, so that whoever only reads magnetograms does not wait for torch.
"""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from hnn_core.magnetogram.magnetogram import read_fits
    from hnn_core.network.attention import rollout
    from hnn_core.network.config import HNNConfig
    from hnn_core.network.model import HNN
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

__version__ = "0.1.0"

__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "magnetogram.magnetogram": ["read_fits"],
        "network.attention": ["rollout"],
        "network.config": ["HNNConfig"],
        "network.model": ["HNN"],
        "network.predictor": ["Predictor"],
        "regions.labels": ["label_frames"],
        "scores": ["skill_scores"],
        "simulation.render": ["simulate_region"],
        "sources": ["open_source"],
        "sources.sequence": ["build_sequence"],
        "training.module": ["focal_loss"],
    },
)

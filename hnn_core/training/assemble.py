"""The parts a training is put together from: frames, network, batches, trainer."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from lightning.pytorch import Trainer

from hnn_core.dataset.card import find_dataset
from hnn_core.dataset.stored import StoredDataset
from hnn_core.exceptions import ForeignDatasetError, TrainingError
from hnn_core.magnetogram.preprocess import PreprocessConfig
from hnn_core.network.model import HNN, HNNConfig
from hnn_core.network.pretrained import load_pretrained_vit
from hnn_core.training.callbacks import AtomicCheckpointIO
from hnn_core.training.config import TrainConfig
from hnn_core.training.data import Parts, SequenceBatches, read_frames_once
from hnn_core.training.loaders import embed_once
from hnn_core.training.progress import EventLog, Steadily

__all__ = [
    "Material",
    "make_batches",
    "make_network",
    "make_trainer",
    "precision_name",
    "read_material",
]

_NETWORK = (
    "temporal", "flare_class", "frames", "patch", "depth", "heads", "width", "lstm_hidden",
)  # fmt: skip
"""Settings of a training that make the network."""


@dataclass(frozen=True, eq=False)
class Material:
    """A data set's frames in memory, for one training or the folds of several."""

    dataset: StoredDataset
    rows: np.ndarray
    """Rows of the data set that were read, ascending."""
    frames: np.ndarray
    """float16 (F, size, size)."""

    def serves(self, config: TrainConfig) -> bool:
        """Whether these are the frames that a configuration wants."""
        return np.array_equal(self.rows, Parts.of(self.dataset, config).frames_used)


def read_material(config: TrainConfig, events: EventLog) -> Material:
    """Open a configuration's data set and read the frames of its class."""
    dataset = StoredDataset.open(find_dataset(config.dataset))
    rows = Parts.of(dataset, config).frames_used
    report = Steadily(events, f"Reading frames of {dataset.name}")
    return Material(dataset, rows, read_frames_once(dataset, rows, report))


def precision_name(config: TrainConfig) -> str:
    """``"32"``, ``"bf16"`` or ``"16"``: what ``auto`` means on this machine."""
    if config.precision != "auto":
        return config.precision
    if not torch.cuda.is_available() or config.accelerator == "cpu":
        return "32"
    return "bf16" if torch.cuda.is_bf16_supported() else "16"


def make_trainer(config: TrainConfig) -> Trainer:
    """Make Lightning's trainer: devices, precision, clipping, whole checkpoints.

    Raises
    ------
    TrainingError
        If a GPU is requested, or needed for the precision, and missing.
    """
    precision = precision_name(config)
    single = config.devices * config.nodes == 1
    gpu = torch.cuda.is_available() and config.accelerator != "cpu"
    if config.accelerator == "gpu" and not gpu:
        raise TrainingError("accelerator is gpu, but no CUDA device is found; use cpu or auto.")
    if precision == "16" and not gpu:
        raise TrainingError("precision 16 needs a GPU; on a CPU use 32 or bf16.")
    return Trainer(
        accelerator="gpu" if gpu else "cpu",
        devices=config.devices,
        num_nodes=config.nodes,
        strategy="auto" if single else "ddp",
        precision="32-true" if precision == "32" else f"{precision}-mixed",  # type: ignore[arg-type]
        max_epochs=config.epochs,
        gradient_clip_val=config.gradient_clip or None,
        plugins=[AtomicCheckpointIO()],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
    )


def make_network(
    config: TrainConfig, checkpoint: Path | None, preprocess: PreprocessConfig | None = None
) -> HNN:
    """Build the network with its first weights, or those of a checkpoint.

    Parameters
    ----------
    config : TrainConfig
    checkpoint : Path or None
        Brings all weights: the hub, or the file, need not be there any more.
    preprocess : PreprocessConfig, optional
        How the data set's frames were cut and scaled; stored with the model.

    Raises
    ------
    ForeignDatasetError
        If the frames have not the size that the network takes.
    ModelError
        If the pretrained weights cannot be had or do not fit.
    """
    preprocess = preprocess or PreprocessConfig()
    if preprocess.size != HNNConfig.image_size:
        raise ForeignDatasetError(
            f"{config.dataset} holds frames of {preprocess.size} pixels, the network takes "
            f"{HNNConfig.image_size}; build the data set again."
        )
    torch.manual_seed(config.seed)
    model = HNN(
        HNNConfig(
            **{name: getattr(config, name) for name in _NETWORK}, preprocess=preprocess.to_dict()
        )
    )
    if checkpoint is None:
        if config.pretrained != "none":
            load_pretrained_vit(model, config.pretrained)
        return model
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)["state_dict"]
    model.load_state_dict({name.removeprefix("model."): value for name, value in state.items()})
    return model


def make_batches(
    config: TrainConfig,
    model: HNN,
    material: Material,
    parts: Parts,
    trainer: Trainer,
    events: EventLog,
) -> SequenceBatches:
    """Batches of frames, or of embeddings where the transformer stays as it is."""
    if not config.freeze_vit:
        return SequenceBatches(parts, material.frames, temporal=config.temporal)
    device = trainer.strategy.root_device
    digest = hashlib.sha256(material.rows.tobytes()).hexdigest()
    embeddings = embed_once(
        model.to(device).eval(),
        material.frames,
        f"{material.dataset.sha256} {digest}",
        symmetries=config.symmetries,
        device=device,
        precision=precision_name(config),
        report=Steadily(events, "Embedding frames with the frozen transformer"),
    )
    return SequenceBatches(parts, None, embeddings, temporal=config.temporal)

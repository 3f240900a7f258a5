"""A model in service: predictions with their provenance, attention maps, whole disk passages."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from hnn_core.exceptions import PositionError, SequenceError
from hnn_core.magnetogram.conventions import (
    iso_second,
    position_warning,
    refusal,
    tai_seconds,
)
from hnn_core.magnetogram.preprocess import PreprocessConfig
from hnn_core.magnetogram.sequence_plan import REJECTED
from hnn_core.network.embedding import FrameEmbedder, choose_device, describe_device, input_images
from hnn_core.network.model import HNN, HNNConfig
from hnn_core.network.model_store import ModelInfo, load_model
from hnn_core.network.passage import passage_table
from hnn_core.regions.base import Source
from hnn_core.sources.sequence import Sequence

__all__ = ["Hour", "Prediction", "Predictor"]


@dataclass(frozen=True)
class Hour:
    """One frame of the sequence a prediction was made from."""

    hour: str
    """The whole hour that the frame stands for: ISO seconds, TAI."""
    t_rec: str
    """T_REC as ISO seconds, TAI; of the hour itself where interpolated."""
    interpolated: bool
    """True where the frame was made from its neighbours in time."""
    flagged: bool
    """True where a record used has a QUALITY bit set, though not one that rejects it."""


@dataclass(frozen=True)
class Prediction:
    """Probability that the coming flare is eruptive, and what it rests on."""

    probability: float
    """Within [0, 1]: that a flare of `flare_class` within 24 h of `t_rec` is eruptive."""
    label: Literal["eruptive", "confined"]
    """``"eruptive"`` when the probability is at or above the threshold."""
    threshold: float
    region: str
    """`Region.id`."""
    harp: int
    noaa: tuple[int, ...]
    hour: str
    """The whole hour that x_t stands for, by which the sequence is named: ISO seconds, TAI."""
    t_rec: str
    """T_REC of x_t, ISO seconds, TAI; up to 24 minutes before the hour."""
    hours: tuple[Hour, ...]
    """The frames of the sequence, ascending; the last is x_t."""
    model: str
    """Name of the model."""
    flare_class: str
    """Lowest class of the coming flare that the model was trained for."""
    sha256: str
    """SHA-256 of the model's weights and settings."""
    device: str
    simulated: bool
    """True for a simulated region."""
    trained_on: str
    """The model card's words on what it was trained on; empty if it gives none."""
    warnings: tuple[str, ...] = ()
    """Sentences that belong next to the probability."""

    def to_dict(self) -> dict[str, Any]:
        """Return what the command line writes as JSON; ``class`` is the flare class."""
        renamed = {"flare_class": "class"}
        values = {renamed.get(name, name): value for name, value in asdict(self).items()}
        return values | {"time_scale": "tai"}


class Predictor:
    """A loaded model that answers, and remembers the frames it has seen.

    Load once and share between threads; stepping one hour embeds one frame.

    Parameters
    ----------
    model : HNN
    info : ModelInfo
        Of the model's folder.
    device : str
        As for `hnn_core.network.embedding.choose_device`.
    cache_frames : int
        Frames remembered.

    Raises
    ------
    ModelError
        If the device is not there.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from hnn_core import HNN, HNNConfig, Predictor, build_sequence, open_source
    >>> from hnn_core.network.model_store import save_model
    >>> config = HNNConfig(frames=3, image_size=32, width=24, depth=1, heads=2, lstm_hidden=4)
    >>> with TemporaryDirectory() as folder:
    ...     info = save_model(HNN(config), f"{folder}/tiny")
    ...     predictor = Predictor.load(info.folder, device="cpu")
    >>> source = open_source("sim:")
    >>> sequence = build_sequence(source, "SIM 1", source.times("SIM 1")[-1], predictor.frames)
    >>> prediction = predictor.predict(sequence)
    >>> 0.0 < prediction.probability < 1.0, prediction.region, prediction.flare_class
    (True, 'SIM 1', 'M')
    """

    def __init__(
        self, model: HNN, info: ModelInfo, *, device: str = "auto", cache_frames: int = 4096
    ) -> None:
        self.info = info
        self._sha256 = info.sha256  # now: the file may be another one by the first prediction
        self._embedder = FrameEmbedder(model, choose_device(device), max_frames=cache_frames)

    @classmethod
    def load(
        cls, where: str | Path = "demo", device: str = "auto", *, cache_frames: int = 4096
    ) -> "Predictor":
        """Load a model by name, folder or hub id.

        Raises
        ------
        ModelError
            One of its kinds, as for `hnn_core.network.model_store.load_model`.
        """
        return cls(*load_model(where), device=device, cache_frames=cache_frames)

    @property
    def config(self) -> HNNConfig:
        """The model's configuration."""
        return self.info.config

    @property
    def model(self) -> HNN:
        """The network, on its device."""
        return self._embedder.model

    @property
    def frames(self) -> int:
        """Number of hourly frames to build a sequence of, for `build_sequence`'s length."""
        return self.config.frames

    @property
    def preprocess_config(self) -> PreprocessConfig:
        """How the model's frames are cut and scaled, for drawing the crop and the maps."""
        return PreprocessConfig.from_dict(self.config.preprocess)

    @property
    def device(self) -> str:
        """The device for people to read: ``"CPU, 2 threads"`` or a graphics card's name."""
        return describe_device(self._embedder.device)

    def predict(self, sequence: Sequence, *, with_rollout: bool = False) -> Prediction:
        """Predict from one sequence.

        Parameters
        ----------
        sequence : Sequence
            Of `frames` hours. The baseline uses the last one only and takes any number.
        with_rollout : bool
            Make the attention maps in the same pass, for `rollout` to find: a fifth more
            work now instead of a second pass then.

        Returns
        -------
        Prediction

        Raises
        ------
        SequenceError, PositionError
            As for `check`.
        """
        self.check(sequence)
        # The baseline uses x_t alone, the maps are wanted of every hour.
        every = self.config.temporal or with_rollout
        frames = sequence.frames if every else sequence.frames[-1:]
        readings = self._embedder.read(frames, with_rollout=with_rollout)
        embeddings = torch.stack([reading.embedding for reading in readings])  # (T, D)
        logit = self._embedder.logits(embeddings.unsqueeze(0))  # (1, T, D) -> (1,)
        probability = float(torch.sigmoid(logit.double()))
        return self._prediction(sequence, probability)

    def check(self, sequence: Sequence) -> None:
        """Refuse a sequence of which no prediction is made.

        Raises
        ------
        SequenceError
            If the model wants another number of frames.
        PositionError
            If the region is more than 70° from the central meridian.
        """
        if self.config.temporal and len(sequence) != self.frames:
            raise SequenceError(
                f"The model {self.info.name!r} needs {self.frames} hourly frames, the sequence "
                f"has {len(sequence)}."
            )
        if refused := refusal(sequence.longitude):
            raise PositionError(refused)

    def images(self, sequence: Sequence) -> Tensor:
        """Frames as the network takes them, float32 (T, 1, H, W): row 0 south, no NaN."""
        return input_images(sequence.frames, self.preprocess_config)

    def rollout(self, sequence: Sequence) -> np.ndarray:
        """Attention rollout of every frame of a sequence.

        Parameters
        ----------
        sequence : Sequence
            Of any length and anywhere on the disk: the maps do not depend on the prediction.

        Returns
        -------
        ndarray, float32 (T, g, g)
            Axis order (hour, row, column), row 0 south, for
            `hnn_core.magnetogram.preprocess.tokens_to_patch`. A frame's map sums to 1 less what
            stays on the class token.
        """
        readings = self._embedder.read(sequence.frames, with_rollout=True)
        maps = np.stack([r.rollout.numpy() for r in readings if r.rollout is not None])
        return maps.reshape(len(sequence), self.config.grid, self.config.grid)

    def passage(
        self,
        source: Source,
        region_id: str,
        progress: Callable[[int, int], None] | None = None,
        *,
        rejected: int = REJECTED,
    ) -> pd.DataFrame:
        """Predict every hour of a region; see `hnn_core.network.passage.passage_table`."""
        return passage_table(
            self._embedder, source, region_id, rejected=rejected, progress=progress
        )

    def _prediction(self, sequence: Sequence, probability: float) -> Prediction:
        times = sequence.iso_times
        slots = tuple(iso_second(seconds) for seconds in tai_seconds(sequence.hours))
        # The model card's caution belongs next to every probability.
        caution = str(self.info.metadata.get("caution") or "")
        warnings = filter(None, (position_warning(sequence.longitude), caution, self.info.note))
        last = sequence.frames[-1]
        eruptive = probability >= self.config.threshold
        return Prediction(
            probability=probability,
            label="eruptive" if eruptive else "confined",
            threshold=float(self.config.threshold),
            region=sequence.region.id,
            harp=last.harp,
            noaa=last.noaa or sequence.region.noaa,
            hour=slots[-1],
            t_rec=times[-1],
            hours=tuple(map(Hour, slots, times, sequence.interpolated, sequence.flagged)),
            model=self.info.name,
            flare_class=self.config.flare_class,
            sha256=self._sha256,
            device=self.device,
            simulated=last.simulated,
            trained_on=str(self.info.metadata.get("trained_on", "")),
            # Every frame that the number rests on, not the last alone.
            warnings=tuple(
                dict.fromkeys(
                    (
                        *warnings,
                        *(note for frame in sequence.frames for note in frame.notes),
                        *sequence.notes,
                    )
                )
            ),
        )

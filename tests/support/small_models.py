"""Networks small enough for tests, and regions of noise for them to look at."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import torch
from astropy.time import Time

from hnn_core.exceptions import TruncatedFitsError, UnknownRegionError
from hnn_core.magnetogram.magnetogram import Magnetogram
from hnn_core.network.model import HNN, HNNConfig
from hnn_core.network.model_store import save_model
from hnn_core.network.predictor import Predictor
from hnn_core.regions.base import Region, SkippedFile
from hnn_core.sources.sequence import Sequence, build_sequence

START = Time("2011-02-13T00:00:00", scale="tai")
NO_DATA = 0x80000000


def small_config(**changes: Any) -> HNNConfig:
    """Two encoders of width 24 on 32-pixel frames: 16 tokens and the class token."""
    small = {"depth": 2, "heads": 2, "width": 24, "image_size": 32, "patch": 8}
    return HNNConfig(**{**small, "lstm_hidden": 8, "frames": 4, **changes})


def small_model(seed: int = 0, **changes: Any) -> HNN:
    """Make a network of weights so large that its attention is far from uniform."""
    torch.manual_seed(seed)
    model = HNN(small_config(**changes)).eval()
    with torch.no_grad():
        for name, weight in model.vit.named_parameters():
            if weight.ndim > 1 and "norm" not in name:
                weight.normal_(0.0, 0.3)
    return model


def small_predictor(
    folder: Path, *, metadata: dict[str, Any] | None = None, cache_frames: int = 100, **changes: Any
) -> Predictor:
    save_model(small_model(**changes), folder / "small", metadata=metadata)
    return Predictor.load(folder / "small", "cpu", cache_frames=cache_frames)


def noise_frame(index: int, *, shape: tuple[int, int] = (40, 70), **changes: Any) -> Magnetogram:
    """Hour `index` of the region: its own noise, the same whenever it is asked for."""
    generator = np.random.default_rng(index)
    frame = Magnetogram(
        field=generator.normal(0.0, 500.0, shape).astype(np.float32),
        t_rec=START + index * u.hour,
        harp=377,
        noaa=(11158,),
        pixel_area=1.328e15 * u.cm**2,
        quality=0,
        longitude=10.0 * u.deg,
        latitude=-20.0 * u.deg,
    )
    return replace(frame, **changes)


class NoiseSource:
    """Region "377" with `n_hours` hourly records of noise; some absent, some broken."""

    spec = "noise:"
    simulated = False

    def __init__(
        self,
        n_hours: int = 12,
        *,
        absent: Iterable[int] = (),
        broken: Iterable[int] = (),
        changes: dict[int, dict[str, Any]] | None = None,
    ) -> None:
        self.absent, self.broken = set(absent), set(broken)
        self.changes = changes or {}
        self.n_hours = n_hours
        self.reads: list[int] = []

    def regions(self) -> list[Region]:
        times = self.times("377")
        return [Region("377", 377, (11158,), times[0], times[-1], len(times))]

    def times(self, region: str) -> Time:
        if region != "377":
            raise UnknownRegionError(f"There is no region {region!r}.")
        return START + np.arange(self.n_hours) * u.hour

    def quality(self, region: str) -> np.ndarray:
        quality = np.zeros(len(self.times(region)), np.uint32)
        quality[list(self.absent)] = NO_DATA
        return quality

    def frame(self, region: str, time: Time) -> Magnetogram:
        index = int(np.argmin(np.abs((self.times(region) - time).to_value("s"))))
        self.reads.append(index)
        if index in self.broken:
            raise TruncatedFitsError(f"hour {index} ends early.")
        return noise_frame(index, **self.changes.get(index, {}))

    def skipped(self) -> tuple[SkippedFile, ...]:
        return ()


def noise_sequence(hour: int, length: int = 4, source: NoiseSource | None = None) -> Sequence:
    """Build the sequence that ends at hour `hour` of the region of noise."""
    return build_sequence(source or NoiseSource(), "377", START + hour * u.hour, length)

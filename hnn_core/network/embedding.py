"""Frames through the vision transformer, each distinct one once."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from hnn_core.exceptions import ModelError
from hnn_core.magnetogram.magnetogram import Magnetogram
from hnn_core.magnetogram.preprocess import CropBox, PreprocessConfig, crop_boxes, preprocess
from hnn_core.network.attention import capture_attention, own_copy, rollout
from hnn_core.network.model import HNN

__all__ = ["FrameEmbedder", "choose_device", "describe_device", "input_images"]


@dataclass(frozen=True, eq=False)
class FrameReading:
    """What the vision transformer makes of one frame."""

    embedding: Tensor
    """float32 (D,), on the CPU."""
    rollout: Tensor | None
    """float32 (N - 1,), attention rollout over the patch tokens; None where not requested."""


class _Cut(NamedTuple):
    """What the network sees of a frame."""

    field: np.ndarray
    """(rows, cols), gauss."""
    box: CropBox


class FrameEmbedder:
    """Runs one model's vision transformer and keeps what it made of the last frames.

    A frame is known by the bytes of its field and by where it is cut, wherever it came from, so
    that a page may read it again and stepping one hour costs one frame. Safe to share between
    threads: the network runs for one at a time, and whoever waits then finds the frames ready.

    Parameters
    ----------
    model : HNN
        Moved to `device`, in evaluation mode.
    device : torch.device
        On CUDA the network runs in half precision (autocast to float16: the input is within
        [-1, 1], and normalisations stay in float32).
    max_frames : int
        Frames kept, the least recently used dropped first: 4 kB each for ViT-B.
    batch : int
        Frames in one pass of the network, which bounds memory.
    """

    def __init__(
        self, model: HNN, device: torch.device, *, max_frames: int = 4096, batch: int = 16
    ) -> None:
        self.model = model.to(device).eval()
        # Attention is captured on a copy: another thread may copy the network meanwhile to
        # explain an answer, and would take the hooks along.
        self._watched = own_copy(self.model)
        self.device = device
        self.max_frames = max_frames
        self.batch = batch
        self._preprocess = PreprocessConfig.from_dict(model.config.preprocess)
        self._known: OrderedDict[bytes, FrameReading] = OrderedDict()
        self._lock = Lock()

    def read(
        self,
        frames: Sequence[Magnetogram],
        boxes: Sequence[CropBox] | None = None,
        *,
        with_rollout: bool = False,
    ) -> list[FrameReading]:
        """Embed frames, from memory where they were seen before.

        Parameters
        ----------
        frames : sequence of Magnetogram
        boxes : sequence of CropBox, optional
            What the network sees of each; by default frames are those of one sequence.
        with_rollout : bool
            Also the attention rollout, from the same pass. Frames known without it pass once
            more.

        Returns
        -------
        list of FrameReading
            One for each frame, in order.
        """
        boxes = crop_boxes(frames, self._preprocess.crop) if boxes is None else boxes
        cuts = [_Cut(frame.field, box) for frame, box in zip(frames, boxes, strict=True)]
        keys = [_digest(cut) for cut in cuts]
        with self._lock:
            found = {key: self._known[key] for key in keys if key in self._known}
            wanted = {
                key: cut
                for key, cut in zip(keys, cuts, strict=True)
                if key not in found or (with_rollout and found[key].rollout is None)
            }
            todo = list(wanted)
            for start in range(0, len(todo), self.batch):
                some = todo[start : start + self.batch]
                readings = self._run([wanted[key] for key in some], with_rollout)
                for key, reading in zip(some, readings, strict=True):
                    # The first embedding stands, lest a probability change in its last digit.
                    embedding = found[key].embedding if key in found else reading.embedding
                    found[key] = FrameReading(embedding, reading.rollout)
            for key, reading in found.items():
                self._known[key] = reading
                self._known.move_to_end(key)
            while len(self._known) > self.max_frames:
                self._known.popitem(last=False)
        return [found[key] for key in keys]

    def logits(self, embeddings: Tensor) -> Tensor:
        """Logits (B,) on the CPU, float32, of embeddings (B, T, D)."""
        with torch.inference_mode():
            return self.model.head(embeddings.to(self.device)).cpu()

    def _run(self, cuts: Sequence[_Cut], with_rollout: bool) -> list[FrameReading]:
        """One pass of the network over what it sees of some frames."""
        batch = _images(cuts, self._preprocess).to(self.device)  # (B, 1, H, W)
        kind = self.device.type
        half = torch.autocast(kind, torch.float16, enabled=kind == "cuda")
        with torch.inference_mode():
            if not with_rollout:
                with half:
                    embeddings = self.model.embed(batch)  # (B, D)
                return [FrameReading(row, None) for row in _rows(embeddings)]
            with capture_attention(self._watched.vit) as layers, half:
                embeddings = self._watched.embed(batch)
            maps = rollout(layers)  # (B, N - 1)
        return list(map(FrameReading, _rows(embeddings), _rows(maps)))


def input_images(frames: Sequence[Magnetogram], config: PreprocessConfig) -> Tensor:
    """Frames of a sequence as the network takes them: float32 (T, 1, H, W), no NaN."""
    boxes = crop_boxes(frames, config.crop)
    cuts = [_Cut(frame.field, box) for frame, box in zip(frames, boxes, strict=True)]
    return _images(cuts, config)


def _images(cuts: Sequence[_Cut], config: PreprocessConfig) -> Tensor:
    """Float32 (B, 1, H, W)."""
    images = np.stack([preprocess(cut.field, config, cut.box)[0] for cut in cuts])
    return torch.from_numpy(images).unsqueeze(1)


def choose_device(name: str = "auto") -> torch.device:
    """Turn ``"auto"`` (CUDA when there is one), ``"cpu"``, ``"cuda"``, ``"cuda:1"`` into a device.

    Raises ModelError if the name is not one of these or the device is not there.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ModelError(f"{name!r} is not a device; use auto, cpu, cuda or cuda:1.") from error
    if device.type not in ("cpu", "cuda"):
        raise ModelError(f"{name!r} is not a device this program uses; use auto, cpu or cuda.")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ModelError(
            f"{name!r} is not there: {torch.cuda.device_count()} CUDA devices are found; use cpu."
        )
    return device


def describe_device(device: torch.device) -> str:
    """Name a device for people: ``"CPU, 2 threads"`` or the graphics card's name."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'s' if threads > 1 else ''}"


def _rows(batch: Tensor) -> list[Tensor]:
    """Rows (D,) of a batch (B, D) as float32 on the CPU, none holding the batch in memory."""
    return [row.clone() for row in batch.float().cpu().unbind()]


def _digest(cut: _Cut) -> bytes:
    """Fingerprint of a field and its box: shape, corner and pixels, bit for bit."""
    place = f"{cut.box.shape},{cut.box.row0},{cut.box.col0}:".encode()
    pixels = np.ascontiguousarray(cut.field, dtype=np.float32)
    return hashlib.sha256(place + pixels.data).digest()

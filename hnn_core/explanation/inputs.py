"""What goes into the network: chosen settings checked, frames, and frames with tokens hidden.

Letters in shapes: M perturbed frames, T hours, g tokens along a side, D width.
"""

from typing import Any

import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from hnn_core.exceptions import RequestError
from hnn_core.explanation.work import Work
from hnn_core.network.attention import own_copy
from hnn_core.network.model import HNN, HNNConfig

__all__ = [
    "FILLS",
    "class_sign",
    "embed",
    "embed_hidden",
    "fill_for",
    "layer_range",
    "logits_with",
    "one_of",
    "prepared",
    "sequence_logits",
    "token_field",
    "used_hours",
    "whole",
]


def one_of(name: str, value: Any, allowed: tuple[str, ...]) -> str:
    """Return a word, or raise RequestError if it is none of those allowed."""
    if value not in allowed:
        raise RequestError(f"{name} is {value!r}; use {' or '.join(allowed)}.")
    return str(value)


def whole(name: str, value: Any, lowest: int, highest: int) -> int:
    """Return a whole number, or raise RequestError if it is not within the two ends."""
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        raise RequestError(f"{name} is {value!r}; use a whole number from {lowest} to {highest}.")
    return value


def class_sign(target: Any) -> int:
    """Return 1 for the class ``"eruptive"``, whose log-odds the logit is, -1 for ``"confined"``."""
    return 1 if one_of("target", target, ("eruptive", "confined")) == "eruptive" else -1


def layer_range(layers: Any, head: Any, config: HNNConfig) -> tuple[int, int]:
    """Return the first encoder and the one after the last of a half-open range; check the head.

    None stands for the end, or for all heads. Raises RequestError if no encoder is in the range.
    """
    depth = config.depth
    if head is not None:
        whole("head", head, 0, config.heads - 1)
    try:
        start, stop = layers
    except (TypeError, ValueError) as error:
        raise RequestError(f"layers is {layers!r}; use two numbers, such as (0, 12).") from error
    start = whole("first layer", start, 0, depth - 1)
    return start, whole("layer after the last", depth if stop is None else stop, start + 1, depth)


FILLS = ("zero", "blurred")
"""What a hidden token shows: no field, or the field with all that is finer than a token gone."""


def prepared(model: HNN, images: Tensor, work: Work | None) -> tuple[HNN, Tensor, Work]:
    """Return a copy of the network to work on, the frames on its device, and the work to count.

    Raises ValueError if the frames are not (T, 1, H, W).
    """
    side = model.config.image_size
    if images.ndim != 4 or not len(images) or images.shape[1:] != (1, side, side):
        raise ValueError(f"frames are (T, 1, {side}, {side}), not {tuple(images.shape)}")
    return own_copy(model), images.to(model.classifier.weight.device), work or Work()


def fill_for(images: Tensor, kind: Any, patch: int) -> Tensor:
    """Make what hidden tokens show, one of `FILLS`: (T, 1, H, W) -> (T, 1, H, W).

    ``"blurred"`` is the field smoothed by a Gaussian whose standard deviation is the side of a
    token, `patch` pixels, with no field beyond the edges: opposite polarities closer than that
    cancel, the large-scale field stays.
    """
    if one_of("fill", kind, FILLS) == "zero":
        return torch.zeros_like(images)
    fields = images.detach().cpu().numpy()
    smooth = gaussian_filter(fields, (0, 0, patch, patch), mode="constant")
    return torch.from_numpy(smooth).to(images)


def token_field(images: Tensor, grid: int) -> Tensor:
    """Mean magnitude in each token, of frames |B| over the clip: (T, 1, H, W) -> (T, g, g)."""
    return torch.nn.functional.adaptive_avg_pool2d(images.abs(), grid).squeeze(1)


def used_hours(model: HNN, n_hours: int, hours: Any = "all") -> list[int]:
    """Return the hours whose tokens are hidden, ``"all"`` or the ``"last"``.

    The baseline sees the last only. Raises RequestError for another word.
    """
    last = one_of("hours", hours, ("all", "last")) == "last"
    return [n_hours - 1] if last or not model.config.temporal else list(range(n_hours))


_HEAD_BATCH = 1024
"""Sequences in one pass of the LSTM: 30 MB of embeddings for ViT-B."""


def embed(model: HNN, images: Tensor, *, batch: int = 16, work: Work | None = None) -> Tensor:
    """Embed frames (M, 1, H, W) without a gradient, (M, D); the work expects them already."""
    none_hidden = torch.zeros(len(images), 1, 1, dtype=torch.bool)
    hours = torch.arange(len(images))
    return embed_hidden(model, images, images, hours, none_hidden, batch=batch, work=work)


@torch.no_grad()
def embed_hidden(
    model: HNN,
    images: Tensor,
    fill: Tensor,
    hours: Tensor,
    hidden: Tensor,
    *,
    batch: int = 16,
    work: Work | None = None,
) -> Tensor:
    """Embed frames some of whose tokens show `fill`, (M, D); they are made a batch at a time.

    The frame of an hour, int (M,), of `images` (T, 1, H, W) is that of `fill` where `hidden`, bool
    (M, g, g), is True; the work expects the M frames already.
    """
    side = images.shape[-1] // hidden.shape[-1]
    embedded, work = [images.new_empty(0, model.config.width)], work or Work()
    for start in range(0, len(hours), batch):
        work.check()
        some = hours[start : start + batch].to(images.device)
        mask = hidden[start : start + batch].to(images.device)
        pixels = mask.repeat_interleave(side, 1).repeat_interleave(side, 2).unsqueeze(1)
        frames = torch.where(pixels, fill[some], images[some])  # (batch, 1, H, W)
        embedded.append(model.embed(frames))
        work.passed(len(some))
    return torch.cat(embedded)


@torch.no_grad()
def sequence_logits(model: HNN, embeddings: Tensor) -> Tensor:
    """Logits (M,) of sequences (M, T, D), without a gradient."""
    return torch.cat([model.head(some) for some in embeddings.split(_HEAD_BATCH)])


@torch.no_grad()
def logits_with(model: HNN, embeddings: Tensor, hours: Tensor, replaced: Tensor) -> Tensor:
    """Logits (M,) of one sequence (T, D), each with the embedding of one hour replaced.

    The hours are int (M,), what is put there is (M, D).
    """
    logits = [embeddings.new_empty(0)]
    for hour, row in zip(hours.split(_HEAD_BATCH), replaced.split(_HEAD_BATCH), strict=True):
        sequences = embeddings.repeat(len(hour), 1, 1)  # (m, T, D)
        sequences[torch.arange(len(hour)), hour] = row
        logits.append(model.head(sequences))
    return torch.cat(logits)

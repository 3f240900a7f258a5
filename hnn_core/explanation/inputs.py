"""Frames with some tokens hidden, through the vision transformer and the LSTM.

Letters in shapes: M perturbed frames, T hours, g tokens along a side, D width.
"""

import torch
from torch import Tensor

from hnn_core.explanation.work import Work
from hnn_core.model import HNN

__all__ = ["embed", "embed_hidden", "logits_with", "sequence_logits"]

_HEAD_BATCH = 1024
"""Sequences in one pass of the LSTM: 30 MB of embeddings for ViT-B."""


def embed(
    model: HNN, images: Tensor, *, batch: int = 16, half: bool = False, work: Work | None = None
) -> Tensor:
    """Embed frames without a gradient, `batch` at a time.

    Parameters
    ----------
    model : HNN
    images : Tensor (M, 1, H, W)
        On the network's device.
    batch : int
        Frames in one pass, which bounds memory.
    half : bool
        On CUDA, autocast to float16 as predictions are made; on the CPU nothing changes.
        Explanations are differences of logits, so full precision is the default.
    work : Work, optional
        Counts the frames; the caller has told it to expect them.

    Returns
    -------
    Tensor (M, D)
    """
    none_hidden = torch.zeros(len(images), 1, 1, dtype=torch.bool)
    hours = torch.arange(len(images))
    return embed_hidden(
        model, images, images, hours, none_hidden, batch=batch, half=half, work=work
    )


@torch.no_grad()
def embed_hidden(
    model: HNN,
    images: Tensor,
    fill: Tensor,
    hours: Tensor,
    hidden: Tensor,
    *,
    batch: int = 16,
    half: bool = False,
    work: Work | None = None,
) -> Tensor:
    """Embed frames some of whose tokens show `fill`; frames are made a batch at a time.

    Parameters
    ----------
    model : HNN
    images, fill : Tensor (T, 1, H, W)
        On the network's device.
    hours : Tensor, int (M,)
        Which of the T frames each perturbed one is made of.
    hidden : Tensor, bool (M, g, g)
        True where the token shows the fill; g divides H.
    batch, half, work
        As for `embed`.

    Returns
    -------
    Tensor (M, D)
        Same type as `images`.

    Raises
    ------
    CancelledError
        If the work is to stop.
    """
    side = images.shape[-1] // hidden.shape[-1]
    embedded = [images.new_empty(0, model.config.width)]
    for start in range(0, len(hours), batch):
        if work is not None:
            work.check()
        some = hours[start : start + batch].to(images.device)
        mask = hidden[start : start + batch].to(images.device)
        pixels = mask.repeat_interleave(side, 1).repeat_interleave(side, 2).unsqueeze(1)
        frames = torch.where(pixels, fill[some], images[some])  # (batch, 1, H, W)
        cast = half and images.device.type == "cuda"
        with torch.autocast(images.device.type, torch.float16, enabled=cast):
            embedded.append(model.embed(frames).to(images.dtype))
        if work is not None:
            work.passed(len(some))
    return torch.cat(embedded)


@torch.no_grad()
def sequence_logits(model: HNN, embeddings: Tensor) -> Tensor:
    """Logits (M,) of sequences (M, T, D), without a gradient."""
    return torch.cat([model.head(some) for some in embeddings.split(_HEAD_BATCH)])


@torch.no_grad()
def logits_with(model: HNN, embeddings: Tensor, hours: Tensor, replaced: Tensor) -> Tensor:
    """Logits of one sequence with one hour's embedding replaced at a time.

    Parameters
    ----------
    model : HNN
    embeddings : Tensor (T, D)
    hours : Tensor, int (M,)
    replaced : Tensor (M, D)

    Returns
    -------
    Tensor (M,)
    """
    logits = [embeddings.new_empty(0)]
    for hour, row in zip(hours.split(_HEAD_BATCH), replaced.split(_HEAD_BATCH), strict=True):
        sequences = embeddings.repeat(len(hour), 1, 1)  # (m, T, D)
        sequences[torch.arange(len(hour)), hour] = row
        logits.append(model.head(sequences))
    return torch.cat(logits)

"""Attention rollout over chosen encoders and heads, and the attention of each head alone.

None of these maps depends on what is predicted: the LSTM and the classifier have no part in
them.

Letters in shapes: T hours, L encoders, g tokens along a side.
"""

import torch
from torch import Tensor

from hnn_core.attention import capture_attention, rollout
from hnn_core.explanation.choices import layer_range, whole
from hnn_core.explanation.inputs import check_images
from hnn_core.explanation.work import Work
from hnn_core.model import HNN
from hnn_core.own_copy import own_copy

__all__ = ["class_attention", "rollout_maps"]


def rollout_maps(
    model: HNN,
    images: Tensor,
    *,
    layers: tuple[int, int | None] = (0, None),
    head: int | None = None,
    batch: int = 8,
    work: Work | None = None,
) -> Tensor:
    """Attention rollout of every frame.

    Parameters
    ----------
    model : HNN
    images : Tensor (T, 1, H, W)
    layers : (int, int or None)
        The encoders rolled out, half-open: ``(0, None)`` takes all, ``(6, None)`` starts at the
        seventh, ``(11, 12)`` is the last alone. The map tells which tokens at the input of the
        first are seen from the class token after the last.
    head : int, optional
        Follow this head alone instead of the mean over heads. Heads of the same number in
        different encoders have nothing in common, so it means most for one encoder.
    batch : int
        Frames in one pass.
    work : Work, optional

    Returns
    -------
    Tensor, float32 (T, g, g)
        Row 0 south. A frame's map sums to 1 less what stays on the class token.

    Raises
    ------
    AttentionCaptureError
        If the network's attention cannot be seen.
    RequestError
        If there is no such encoder or head.

    References
    ----------
    Abnar and Zuidema (2020), "Quantifying attention flow in transformers".
    """
    own, work = own_copy(model), work or Work()
    images = check_images(own, images)
    start, stop = layer_range(layers, own.config.depth)
    if head is not None:
        whole("head", head, 0, own.config.heads - 1)
    work.expect(len(images))
    maps = []
    for some in images.split(batch):
        seen = _attention(own, some, keep_heads=head is not None, work=work)[start:stop]
        maps.append(rollout([layer if head is None else layer[:, head] for layer in seen]))
    return torch.cat(maps).unflatten(1, (own.config.grid, -1))


def class_attention(
    model: HNN, images: Tensor, *, batch: int = 4, work: Work | None = None
) -> Tensor:
    """Show what the class token looks at in every encoder and head; nothing is rolled out.

    Returns
    -------
    Tensor (L, heads, T, g, g)
        Softmax attention from the class token to the patch tokens; with what it pays to itself
        it sums to 1.

    Raises
    ------
    AttentionCaptureError
        If the network's attention cannot be seen.
    """
    own, work = own_copy(model), work or Work()
    images = check_images(own, images)
    work.expect(len(images))
    rows = []
    for some in images.split(batch):
        seen = _attention(own, some, keep_heads=True, work=work)
        rows.append(torch.stack([layer[:, :, 0, 1:] for layer in seen]))  # (L, B, heads, N - 1)
    return torch.cat(rows, 1).transpose(1, 2).unflatten(-1, (own.config.grid, -1))


@torch.no_grad()
def _attention(own: HNN, frames: Tensor, *, keep_heads: bool, work: Work) -> list[Tensor]:
    """Attention of every encoder for one batch, (B, heads, N, N) or (B, N, N)."""
    work.check()
    with capture_attention(own.vit, keep_heads=keep_heads) as captured:
        own.embed(frames)
    work.passed(len(frames))
    return captured.layers

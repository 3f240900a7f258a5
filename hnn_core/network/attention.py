"""Attention rollout of a vision transformer, and watching a network without touching it.

Letters in shapes: B batch, N tokens (class token first), L layers.
"""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from hnn_core.exceptions import AttentionCaptureError
from hnn_core.network.model import HNN

__all__ = ["capture_attention", "own_copy", "rollout", "watched_attention"]


def rollout(attentions: Sequence[Tensor], *, start_layer: int = 0) -> Tensor:
    """Attention rollout: how much of each patch reaches the class token.

    Per layer the heads are averaged and the residual path is added, A' = (A + I) / 2, whose
    rows sum to 1; the class token's row of the product A'_L ... A'_1 is returned over the
    patch tokens. The row is carried from the last layer down as a vector, which gives the
    same numbers without any N x N x N product.

    Parameters
    ----------
    attentions : sequence of Tensor (B, heads, N, N) or (B, N, N)
        Softmax attention of each layer, first layer first, class token first; rows (the
        queries) sum to 1.
    start_layer : int
        Layers below it are left out: the map then shows which tokens of that layer's input
        are seen. 0 takes all.

    Returns
    -------
    Tensor (B, N - 1), float32
        Weights of the patch tokens in row-major order of the token grid. They are not
        renormalised: together with what stays on the class token (at least 2**-L of it, by
        the residual path) they sum to 1. Attention that never leaves the class token gives
        zeros.

    Raises
    ------
    AttentionCaptureError
        If there is no layer, or `start_layer` leaves none.
    ValueError
        If a layer is not a stack of square matrices of one size.

    Notes
    -----
    Abnar and Zuidema (2020), "Quantifying attention flow in transformers", as used for the
    paper's Figure 5. The map does not depend on what is predicted.

    Examples
    --------
    Two patches, and a class token that looks at the first of them in the only layer:

    >>> import torch
    >>> from hnn_core import rollout
    >>> attention = torch.tensor([[[0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]])
    >>> rollout([attention]).tolist()
    [[0.5, 0.0]]
    """
    layers = list(attentions)[start_layer:] if start_layer >= 0 else []
    if not layers:
        raise AttentionCaptureError(
            f"No attention to roll out: {len(attentions)} layers captured, start layer "
            f"{start_layer}."
        )
    means = [_head_mean(layer) for layer in layers]
    if len({mean.shape for mean in means}) != 1:
        raise ValueError(f"layers differ in shape: {[tuple(mean.shape) for mean in means]}")
    row = torch.zeros_like(means[0][:, :1])  # (B, 1, N)
    row[..., 0] = 1.0
    # Under a caller's autocast the products would be rounded to half precision.
    with torch.autocast(row.device.type, enabled=False):
        for mean in reversed(means):
            row = 0.5 * (row + row @ mean)  # (B, 1, N) @ (B, N, N) -> (B, 1, N)
    return row[:, 0, 1:]


def _head_mean(layer: Tensor) -> Tensor:
    """One layer's attention as float32 (B, N, N)."""
    if layer.ndim not in (3, 4) or layer.shape[-1] != layer.shape[-2]:
        raise ValueError(f"attention is (B, heads, N, N) or (B, N, N), not {tuple(layer.shape)}")
    return layer.mean(1, dtype=torch.float32) if layer.ndim == 4 else layer.float()


@contextmanager
def capture_attention(
    vit: VisionTransformer, *, keep_heads: bool = False
) -> Iterator[list[Tensor]]:
    """Record the softmax attention of every encoder while the network runs.

    timm's fused attention never forms the matrix, so it is switched off inside the context
    (the plain path computes the same to rounding). Hooks and switches are restored on the way
    out, also after an exception. Not for two threads on one network at a time.

    Parameters
    ----------
    vit : VisionTransformer
        timm's, with its standard attention.
    keep_heads : bool
        Keep (B, heads, N, N) instead of the mean over heads, twelve times the memory.

    Yields
    ------
    list of Tensor (B, N, N), or (B, heads, N, N) with heads
        One for each layer, first layer first, for `rollout`; filled at the end of the context. B
        counts every frame that passed, in order, over all calls.

    Raises
    ------
    AttentionCaptureError
        If the network's attention cannot be watched, or nothing was seen by the end.
    """
    modules = watched_attention(vit)
    seen: list[list[Tensor]] = [[] for _ in modules]
    layers: list[Tensor] = []

    def record(layer: int, _: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        attention = inputs[0].detach()  # (B, heads, N, N)
        seen[layer].append(attention if keep_heads else attention.mean(1))

    fused = [module.fused_attn for module in modules]
    handles = []
    try:
        for layer, module in enumerate(modules):
            # The dropout's input is the softmax itself, whatever dropout then does to it.
            hook = partial(record, layer)
            handles.append(module.attn_drop.register_forward_pre_hook(hook))
            module.fused_attn = False
        yield layers
    finally:
        for handle in handles:
            handle.remove()
        for module, flag in zip(modules, fused, strict=True):
            module.fused_attn = flag
    if unseen := sum(not frames for frames in seen):
        raise AttentionCaptureError(
            f"{unseen} of {len(seen)} layers showed no attention: the network did not run while it "
            "was watched, or its attention is fused."
        )
    layers += [torch.cat(frames) if len(frames) > 1 else frames[0] for frames in seen]


def watched_attention(vit: VisionTransformer) -> list[Any]:
    """Return the attention of every encoder; AttentionCaptureError if one cannot be watched."""
    modules: list[Any] = [getattr(block, "attn", None) for block in vit.blocks]
    for index, module in enumerate(modules):
        if not hasattr(module, "fused_attn") or not hasattr(module, "attn_drop"):
            raise AttentionCaptureError(
                f"Encoder {index} has attention of type {type(module).__name__}, which cannot "
                "be watched."
            )
    return modules


def own_copy(model: HNN) -> HNN:
    """Copy a network's modules but not its weights, none of which then wants a gradient.

    Hooks, the switch of fused attention, ``requires_grad`` and the training mode of the copy
    are its own, so whatever happens to the copy, an exception or a cancelled run leaves nothing
    behind on the network in service, which may be predicting in another thread. The copy
    costs about 10 ms and no memory to speak of. Putting other numbers into a weight *in place*
    would change the network in service: replace its ``data``.
    """
    weights = {
        id(weight): nn.Parameter(weight.detach(), requires_grad=False)
        for weight in model.parameters()
    }
    own = copy.deepcopy(model, dict(weights)).eval()
    for module in own.modules():
        module._forward_hooks.clear()
        module._forward_pre_hooks.clear()
    if own.lstm is not None:
        # cuDNN takes no gradient of an LSTM in evaluation mode; one layer computes the same.
        own.lstm.train()
    return own

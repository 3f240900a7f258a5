"""Class-specific relevance: gradient times attention, carried through the encoders.

Common parameters and errors stand in `hnn_core.explanation`. Letters in shapes: T hours,
B frames in a pass, N tokens (class token first), g tokens along a side, D width.
"""

from functools import partial

import torch
from torch import Tensor, nn

from hnn_core.exceptions import AttentionCaptureError
from hnn_core.explanation.hours import Scores, head_gradient
from hnn_core.explanation.inputs import class_sign, embed, layer_range, prepared, used_hours
from hnn_core.explanation.work import Work
from hnn_core.network.attention import watched_attention
from hnn_core.network.model import HNN

__all__ = ["relevance"]


_CPU_PASS = 2
"""Frames that pass at once on a CPU: a small network's matrices then stay in its cache."""


def relevance(
    model: HNN,
    images: Tensor,
    *,
    target: str = "eruptive",
    signed: bool = False,
    layers: tuple[int, int | None] = (0, None),
    head: int | None = None,
    batch: int = 16,
    work: Work | None = None,
) -> Scores:
    """Relevance of every token of every hour for one class.

    In each encoder the attention A is weighted by the gradient of the class's log-odds to it,
    taken through the LSTM, so that hours are weighed against each other too. The positive part
    is averaged over heads, Ā = mean_h (∇A ⊙ A)⁺, and the class token's row of the product of
    (I + Ā) over the encoders is the map.

    Parameters
    ----------
    signed : bool
        Keep the negative part of ∇A ⊙ A as well: tokens that speak against the class come out
        negative. To first order in Ā the confined map is then the eruptive one's negative; a
        product of two negative encoders counts as positive.
    layers : (int, int or None)
        Half-open range of the encoders carried through, as for rollout.
    head : int, optional
        This head alone instead of the mean over heads.
    batch : int
        Frames whose graph is held at a time; about 120 MB each for ViT-B. With no more than
        `batch` hours each frame passes once, otherwise twice.

    Returns
    -------
    Scores
        Not normalised. 0 in the hours that the baseline does not see.

    References
    ----------
    Chefer, Gur, Wolf (2021), "Generic attention-model explainability", ICCV, self-attention
    rule; carried as a row vector, which gives the same numbers without any N x N x N product.
    """
    own, images, work = prepared(model, images, work)
    start, stop = layer_range(layers, head, own.config)
    hours = torch.tensor(used_hours(own, len(images)), device=images.device)
    watch = _Watch(own, start, stop, head=head, signed=signed)
    once = len(hours) <= batch
    embeddings = images.new_zeros(len(images), own.config.width)
    work.expect(len(hours) if once else 2 * len(hours))
    if not once:
        embeddings[hours] = embed(own, images[hours], batch=batch, work=work)
    maps = images.new_zeros(len(images), own.config.grid**2)
    passes = hours.split(batch if images.is_cuda else min(batch, _CPU_PASS))
    seen = [watch.embed(images[some]) for some in passes] if once else []
    for some, pair in zip(passes, seen, strict=False):
        embeddings[some] = pair[0].detach()
    logit, gradient = head_gradient(own, embeddings.unsqueeze(0))
    for index, some in enumerate(passes):
        work.check()
        embedded, leaf = seen[index] if once else watch.embed(images[some])
        maps[some] = watch.carry(embedded, leaf, class_sign(target) * gradient[0, some])
        work.passed(len(some))
    return Scores(maps.unflatten(1, (own.config.grid, -1)), float(logit))


class _Watch:
    """Carries the class token's row down the encoders while the gradient passes them.

    The gradient reaches the encoders from the last to the first, as the row does, so that no
    gradient of an attention matrix has to be kept.
    """

    def __init__(self, own: HNN, start: int, stop: int, *, head: int | None, signed: bool) -> None:
        self._own = own
        self._layers = range(start, stop)
        self._head = head
        self._signed = signed
        self._leaf: Tensor | None = None  # of the newest pass
        self._row = torch.empty(0)
        self._carried: list[int] = []
        modules = watched_attention(own.vit)
        for layer in self._layers:
            modules[layer].fused_attn = False  # fused, the matrix is never formed
            modules[layer].attn_drop.register_forward_pre_hook(partial(self._see, layer))

    def embed(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings (B, D), and the first encoder's attention, down to which their graph goes."""
        self._leaf = None
        with torch.enable_grad():
            embedded: Tensor = self._own.embed(frames)
        if self._leaf is None:
            raise AttentionCaptureError(
                f"Encoder {self._layers.start} showed no attention while the network ran."
            )
        return embedded, self._leaf

    def carry(self, embedded: Tensor, leaf: Tensor, gradient: Tensor) -> Tensor:
        """Rows (B, N - 1) over the patch tokens, of gradients (B, D) to the embeddings."""
        self._carried = []
        self._row = torch.zeros_like(leaf[:, 0, :1])  # (B, 1, N)
        self._row[..., 0] = 1.0
        torch.autograd.grad(embedded, leaf, gradient)
        if self._carried != list(reversed(self._layers)):
            raise AttentionCaptureError(
                f"{len(self._carried)} of {len(self._layers)} encoders showed a gradient of "
                "their attention."
            )
        return self._row[:, 0, 1:]

    def _see(self, layer: int, _: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        attention = inputs[0]  # (B, heads, N, N)
        if layer == self._layers.start:
            attention = self._leaf = attention.detach().requires_grad_()
        # Without a graph, somebody above cut it: carry then misses the encoder.
        if attention.requires_grad:
            attention.register_hook(partial(self._take, layer, attention.detach()))
        return (attention,)

    def _take(self, layer: int, attention: Tensor, gradient: Tensor) -> None:
        if self._head is not None:
            attention, gradient = attention[:, [self._head]], gradient[:, [self._head]]
        weighted = gradient * attention
        if not self._signed:
            weighted.clamp_(min=0.0)
        self._row = self._row + self._row @ weighted.mean(1)  # (B, 1, N) @ (B, N, N)
        self._carried.append(layer)

"""What the transformer alone shows: attention rollout, each head's attention, norms of tokens.

None of these maps depends on what is predicted: the LSTM and the classifier have no part in
them. Norms betray artefacts: a large transformer may use a few tokens of plain background as
scratch paper; their norm is many times the others', they draw attention, and a map that lies on
them shows nothing of the region.

Common parameters and errors stand in `hnn_core.explanation`. Letters in shapes: L encoders,
T hours, g tokens along a side.
"""

from functools import partial

import torch
from torch import Tensor, nn

from hnn_core.exceptions import RequestError
from hnn_core.explanation.inputs import layer_range, prepared
from hnn_core.explanation.work import Work
from hnn_core.network.attention import capture_attention, rollout
from hnn_core.network.model import HNN

__all__ = ["class_attention", "high_norm", "rollout_maps", "token_norms"]


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
    layers : (int, int or None)
        The encoders rolled out, half-open: ``(0, None)`` takes all, ``(6, None)`` starts at the
        seventh, ``(11, 12)`` is the last alone. The map shows which tokens at the input of the
        first are seen from the class token after the last.
    head : int, optional
        Follow this head alone instead of the mean over heads. Heads of the same number in
        different encoders have nothing in common, so it means most for one encoder.

    Returns
    -------
    Tensor, float32 (T, g, g)
        Row 0 south. A frame's map sums to 1 less what stays on the class token.

    References
    ----------
    Abnar and Zuidema (2020), "Quantifying attention flow in transformers".
    """
    own, images, work = prepared(model, images, work)
    start, stop = layer_range(layers, head, own.config)
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
    """
    own, images, work = prepared(model, images, work)
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
    with capture_attention(own.vit, keep_heads=keep_heads) as layers:
        own.embed(frames)
    work.passed(len(frames))
    return layers


@torch.no_grad()
def token_norms(model: HNN, images: Tensor, *, batch: int = 16, work: Work | None = None) -> Tensor:
    """Euclidean norm of each patch token at the output of each encoder.

    Returns
    -------
    Tensor, float32 (L, T, g, g)
        Row 0 south.

    References
    ----------
    Darcet et al. (2024), "Vision transformers need registers".
    """
    own, images, work = prepared(model, images, work)
    norms: list[list[Tensor]] = [[] for _ in own.vit.blocks]

    def record(layer: int, _: nn.Module, __: tuple[Tensor, ...], tokens: Tensor) -> None:
        norms[layer].append(tokens[:, 1:].float().norm(dim=-1))  # (B, N - 1)

    for layer, block in enumerate(own.vit.blocks):
        block.register_forward_hook(partial(record, layer))
    work.expect(len(images))
    for some in images.split(batch):
        work.check()
        own.embed(some)
        work.passed(len(some))
    return torch.stack([torch.cat(layer) for layer in norms]).unflatten(2, (own.config.grid, -1))


def high_norm(norms: Tensor, *, ratio: float = 3.0) -> Tensor:
    """Flag tokens whose norm stands out, bool of the shape of `norms` (L, T, g, g).

    It is above `ratio` times the median of its encoder over all tokens and hours: artefact tokens
    of large networks lie at about ten times, ordinary ones below twice. Raises RequestError if
    the ratio is not above 1.
    """
    if not isinstance(ratio, int | float) or not ratio > 1.0:
        raise RequestError(f"ratio is {ratio!r}; use a number above 1.")
    return norms > ratio * norms.flatten(-3).median(-1).values[..., None, None, None]

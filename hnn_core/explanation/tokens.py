"""Norms of the tokens in every encoder, which betray artefact tokens.

A large vision transformer may use a few tokens of plain background as scratch paper; their
norm is many times the others', they draw attention, and a map that lies on them shows nothing
of the region.

Letters in shapes: L encoders, T hours, g tokens along a side.
"""

from functools import partial

import torch
from torch import Tensor, nn

from hnn_core.exceptions import RequestError
from hnn_core.explanation.inputs import check_images
from hnn_core.explanation.work import Work
from hnn_core.model import HNN
from hnn_core.own_copy import own_copy

__all__ = ["high_norm", "token_norms"]


@torch.no_grad()
def token_norms(model: HNN, images: Tensor, *, batch: int = 16, work: Work | None = None) -> Tensor:
    """Euclidean norm of each patch token at the output of each encoder.

    Parameters
    ----------
    model : HNN
    images : Tensor (T, 1, H, W)
    batch : int
        Frames in one pass.
    work : Work, optional

    Returns
    -------
    Tensor, float32 (L, T, g, g)
        Row 0 south.

    References
    ----------
    Darcet et al. (2024), "Vision transformers need registers".
    """
    own, work = own_copy(model), work or Work()
    images = check_images(own, images)
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
    """Flag tokens whose norm stands out.

    Parameters
    ----------
    norms : Tensor (L, T, g, g)
        Or any leading axes before the last three, each judged by its own median.
    ratio : float
        A token is flagged above `ratio` times the median of its encoder over all tokens and
        hours. Artefact tokens of large networks lie at about ten times, ordinary ones below
        twice.

    Returns
    -------
    Tensor, bool, shape of `norms`

    Raises
    ------
    RequestError
        If the ratio is not above 1.
    """
    if not isinstance(ratio, int | float) or not ratio > 1.0:
        raise RequestError(f"ratio is {ratio!r}; use a number above 1.")
    return norms > ratio * norms.flatten(-3).median(-1).values[..., None, None, None]

"""Occlusion: how the sequence's logit changes when a block of tokens is hidden.

Common parameters and errors stand in `hnn_core.explanation`. Letters in shapes: T hours,
g tokens along a side, M hidden blocks.
"""

import torch
from torch import Tensor

from hnn_core.explanation.hours import Scores
from hnn_core.explanation.inputs import (
    class_sign,
    embed,
    embed_hidden,
    fill_for,
    logits_with,
    prepared,
    sequence_logits,
    used_hours,
    whole,
)
from hnn_core.explanation.work import Work
from hnn_core.network.model import HNN

__all__ = ["occlusion"]


def occlusion(
    model: HNN,
    images: Tensor,
    *,
    target: str = "eruptive",
    block: int = 2,
    fill: str = "zero",
    hours: str = "all",
    batch: int = 16,
    work: Work | None = None,
) -> Scores:
    """Hide each block of tokens of each hour in turn, and let the LSTM read the sequence.

    Only the frame with the hidden block is embedded again; a block that shows what the fill
    shows already (the padding) costs nothing and scores exactly 0.

    Parameters
    ----------
    block : int
        Side of a block in tokens; blocks at the north and west edges may be smaller.
    fill : str
        ``"zero"`` or ``"blurred"``, as `hnn_core.explanation.inputs.fill_for` makes it.
    hours : str
        ``"all"``, or ``"last"`` for x_t alone; the other hours are then 0.

    Returns
    -------
    Scores
        Signed: the class's log-odds as they are less those with the token's block hidden.
        Positive where the field spoke for the class. All tokens of a block carry its score.

    References
    ----------
    Zeiler and Fergus (2014), "Visualizing and understanding convolutional networks", with
    the LSTM in the loop.
    """
    own, images, work = prepared(model, images, work)
    sign = class_sign(target)
    filled = fill_for(images, fill, own.config.patch)
    blocks = occlusion_blocks(own.config.grid, block).to(images.device)  # (K, g, g)
    places = _places(images, filled, blocks, used_hours(own, len(images), hours))  # (M, 2)
    work.expect(len(images) + len(places))
    plain = embed(own, images, batch=batch, work=work)  # (T, D)
    hour, index = places.unbind(1)
    hidden = embed_hidden(own, images, filled, hour, blocks[index], batch=batch, work=work)
    logit = sequence_logits(own, plain.unsqueeze(0))  # (1,)
    scores = logit - logits_with(own, plain, hour, hidden)  # (M,)
    maps = images.new_zeros(len(images), own.config.grid, own.config.grid)
    # Blocks do not overlap, so each token is written once.
    maps.index_put_((hour,), sign * scores[:, None, None] * blocks[index], accumulate=True)
    return Scores(maps, float(logit))


def occlusion_blocks(grid: int, block: int) -> Tensor:
    """Squares that tile the grid of tokens: bool (K, g, g), K = ceil(g / block)²."""
    number = torch.arange(grid) // whole("block", block, 1, grid)
    along = int(number[-1]) + 1
    which = number[:, None] * along + number  # (g, g)
    return which == torch.arange(along**2)[:, None, None]


def _places(images: Tensor, filled: Tensor, blocks: Tensor, hours: list[int]) -> Tensor:
    """(hour, block) pairs (M, 2) whose hiding changes anything."""
    changes = torch.nn.functional.adaptive_max_pool2d(
        (images != filled).to(images.dtype), blocks.shape[-1]
    )  # (T, 1, g, g)
    seen = (changes * blocks).flatten(2).amax(2) > 0  # (T, K)
    wanted = torch.zeros(len(images), 1, dtype=torch.bool, device=images.device)
    wanted[hours] = True
    return (seen & wanted).nonzero()

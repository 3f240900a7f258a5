"""Orders in which tokens are deleted or inserted, and the frames on the way.

Letters in shapes: K tokens in an order, n steps, S states (frames on the way), T hours, g
tokens along a side.
"""

import torch
from torch import Tensor

from hnn_core.explanation.perturbation import embed_hidden, sequence_logits
from hnn_core.explanation.work import Work
from hnn_core.model import HNN

__all__ = ["deletion_states", "descending", "state_logits", "step_counts"]


def descending(values: Tensor, generator: torch.Generator) -> Tensor:
    """Order of K values, largest first, equal ones in random order.

    Raises
    ------
    ValueError
        If a value is NaN, which has no place in an order.
    """
    if values.isnan().any():
        raise ValueError("a map with NaN gives no order")
    shuffled = torch.randperm(len(values), generator=generator)
    return shuffled[values.cpu()[shuffled].argsort(descending=True, stable=True)]


def step_counts(n_tokens: int, steps: int) -> Tensor:
    """Numbers of tokens at each step, int (n + 1,): from 0 to all, as even as can be."""
    return (torch.arange(steps + 1) * n_tokens).div(steps, rounding_mode="floor")


def deletion_states(order: Tensor, counts: Tensor) -> Tensor:
    """Which tokens are hidden on the way, bool (n + 1, K): the first of the order go first."""
    place = torch.empty_like(order)
    place[order] = torch.arange(len(order))
    return place < counts[:, None]


def state_logits(
    model: HNN,
    images: Tensor,
    fill: Tensor,
    hours: list[int],
    states: Tensor,
    plain: Tensor,
    *,
    batch: int = 16,
    half: bool = False,
    work: Work,
) -> Tensor:
    """Logits of sequences with tokens hidden, each distinct frame embedded once.

    Parameters
    ----------
    model : HNN
    images, fill : Tensor (T, 1, H, W)
        On the network's device.
    hours : list of int
        The U hours whose tokens are hidden; the others stay as they are.
    states : Tensor, bool (S, U, g, g)
        True where the token shows the fill.
    plain : Tensor (T, D)
        Embeddings of the frames as they are.
    batch, half
        As for `hnn_core.explanation.perturbation.embed`.
    work : Work
        Told to expect the distinct frames.

    Returns
    -------
    Tensor (S,)
    """
    distinct, places = [], []
    for hour in range(len(hours)):
        rows, place = states[:, hour].flatten(1).unique(dim=0, return_inverse=True)
        distinct.append(rows.unflatten(1, states.shape[2:]))
        places.append(place)
    work.expect(sum(len(rows) for rows in distinct))
    sequences = plain.repeat(len(states), 1, 1)  # (S, T, D)
    for hour, rows, place in zip(hours, distinct, places, strict=True):
        which = torch.full((len(rows),), hour)
        embedded = embed_hidden(model, images, fill, which, rows, batch=batch, half=half, work=work)
        sequences[:, hour] = embedded[place.to(embedded.device)]
    return sequence_logits(model, sequences)

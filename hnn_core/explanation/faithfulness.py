"""Faithfulness of a map: whether hiding what it marks changes what the network predicts.

Deletion hides tokens of the sequence in the map's order, insertion shows them in that order
on a sequence where all are hidden; the class's probability is followed with the LSTM in the
loop. A faithful map makes it fall fast and rise fast. The areas under the curves show it only
next to those of other orders: random ones, mean |B|, and the gradient.

Common parameters and errors stand in `hnn_core.explanation`.
Letters in shapes: T hours, U hours in use, K = U g² tokens in an order, n steps, R random
orders, S states (which tokens are hidden on the way).
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from hnn_core.explanation.faithfulness_result import Comparison, Curve, Faithfulness
from hnn_core.explanation.hours import gradient_map
from hnn_core.explanation.inputs import (
    FILLS,
    class_sign,
    embed,
    embed_hidden,
    fill_for,
    one_of,
    prepared,
    sequence_logits,
    token_field,
    used_hours,
    whole,
)
from hnn_core.explanation.work import Work
from hnn_core.network.model import HNN

__all__ = ["faithfulness"]

_ORDERS = ("map", "field", "gradient")


def faithfulness(
    model: HNN,
    images: Tensor,
    maps: Mapping[str, Tensor],
    *,
    targets: Mapping[str, str],
    fills: tuple[str, ...] = FILLS,
    hours: str = "all",
    steps: int = 14,
    draws: int = 20,
    scale: str = "probability",
    seed: int = 0,
    batch: int = 16,
    work: Work | None = None,
) -> dict[str, Faithfulness]:
    """Compare maps' insertion and deletion curves with random, |B| and gradient orders.

    The maps of one sequence share the orders they are compared with, so that several cost little
    more than one.

    Parameters
    ----------
    maps : mapping of str to Tensor (T, g, g)
        Large where a map marks the token as speaking for its class.
    targets : mapping of str to str
        Class of each map: whose probability is followed.
    fills : tuple of str
        What hidden tokens show, of ``"zero"`` and ``"blurred"``.
    hours : str
        ``"all"``: one order over the tokens of all hours; ``"last"``: those of x_t, the other
        hours as they are, which costs a tenth.
    steps : int
        Steps of a curve, several tokens at once each.
    draws : int
        Random orders, 19 at least. A random order deleted and its reverse inserted pass the
        same frames, so that each counts for both curves.
    scale : str
        ``"probability"`` or ``"logit"`` of the class.
    seed : int
        Of the random orders, and of the order of equal values.

    Returns
    -------
    dict of Faithfulness
        By the names of the maps.

    Raises
    ------
    ValueError
        If a map's shape is not (T, g, g) or it holds NaN.

    References
    ----------
    Petsiuk, Das, Saenko (2018), "RISE", for the two curves and their areas.
    """
    signs = {name: class_sign(targets[name]) for name in maps}
    one_of("scale", scale, ("probability", "logit"))
    whole("draws", draws, 19, 100_000)
    fills = tuple(one_of("fill", fill, FILLS) for fill in fills or ("",))
    own, images, work = prepared(model, images, work)
    grid = own.config.grid
    for one in maps.values():
        if one.shape != (len(images), grid, grid):
            raise ValueError(f"maps are ({len(images)}, {grid}, {grid}), not {tuple(one.shape)}")
    used = used_hours(own, len(images), hours)
    counts = step_counts(len(used) * grid**2, whole("steps", steps, 1, len(used) * grid**2))
    generator = torch.Generator().manual_seed(seed)
    shared = {
        "field": token_field(images, grid),
        "gradient": gradient_map(own, images, batch=min(batch, 8), work=work),
    }
    ordered = [
        descending(one[used].flatten(), generator) for one in (*maps.values(), *shared.values())
    ]
    randoms = [torch.randperm(int(counts[-1]), generator=generator) for _ in range(draws)]
    states = _states(ordered, randoms, counts).unflatten(1, (len(used), grid, grid))
    work.expect(len(images))
    plain = embed(own, images, batch=batch, work=work)
    logits = {}
    for fill in fills:
        filled = fill_for(images, fill, own.config.patch)
        found = _state_logits(own, images, filled, used, states, plain, batch=batch, work=work)
        logits[fill] = found.double().cpu().view(-1, len(counts))  # (2 x orders + R, n + 1)
    answers = {}
    for place, (name, one) in enumerate(maps.items()):
        # Of the maps' orders this one's, and all that they share.
        rows = [2 * place, 2 * place + 1, *range(2 * len(maps), len(logits[fills[0]]))]
        curves: list[Curve] = []
        for fill, values in logits.items():
            followed = signs[name] * values[rows]
            followed = followed.sigmoid() if scale == "probability" else followed
            curves += _curves(followed, counts, fill)
        comparisons = [
            _compare([curve for curve in curves if curve.fill == fill], fill, kind)
            for fill in fills
            for kind in ("deletion", "insertion")
        ]
        flat = bool((one[used] == one[used].flatten()[0]).all())
        answers[name] = Faithfulness(tuple(curves), tuple(comparisons), draws, flat)
    return answers


def descending(values: Tensor, generator: torch.Generator) -> Tensor:
    """Order of K values, largest first, equal ones in random order; ValueError for NaN."""
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


def _state_logits(
    model: HNN,
    images: Tensor,
    fill: Tensor,
    hours: list[int],
    states: Tensor,
    plain: Tensor,
    *,
    batch: int = 16,
    work: Work,
) -> Tensor:
    """Logits (S,) of the sequence with tokens of the U hours hidden, bool (S, U, g, g).

    Each distinct frame is embedded once; the other hours are as in `plain`, (T, D).
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
        embedded = embed_hidden(model, images, fill, which, rows, batch=batch, work=work)
        sequences[:, hour] = embedded[place.to(embedded.device)]
    return sequence_logits(model, sequences)


def _states(orders: list[Tensor], randoms: list[Tensor], counts: Tensor) -> Tensor:
    """Hidden tokens, bool (S, K): each order's deletion and insertion, random orders' deletion."""
    ways = []
    for order in orders:
        # Inserting an order is deleting its reverse backwards.
        ways += [deletion_states(order, counts), deletion_states(order.flip(0), counts)]
    ways += [deletion_states(order, counts) for order in randoms]
    return torch.cat(ways)


def _curves(values: Tensor, counts: Tensor, fill: str) -> list[Curve]:
    """Curves of one fill from values (2 x orders + R, n + 1) in the order of `_states`."""
    share = (counts / counts[-1]).double()  # of the tokens hidden
    shown = (1.0 - share).flip(0)
    found = []
    for index, name in enumerate(_ORDERS):
        deleted, inserted = values[2 * index], values[2 * index + 1].flip(0)
        found.append(Curve(name, fill, "deletion", share.numpy(), deleted.numpy()))
        found.append(Curve(name, fill, "insertion", shown.numpy(), inserted.numpy()))
    for drawn in values[2 * len(_ORDERS) :]:
        found.append(Curve("random", fill, "deletion", share.numpy(), drawn.numpy()))
        found.append(Curve("random", fill, "insertion", shown.numpy(), drawn.flip(0).numpy()))
    return found


def _compare(curves: list[Curve], fill: str, kind: str) -> Comparison:
    mine = [curve for curve in curves if curve.kind == kind]
    areas = {curve.order: curve.area for curve in mine if curve.order != "random"}
    randoms = tuple(curve.area for curve in mine if curve.order == "random")
    return Comparison(fill, kind, areas["map"], areas["field"], areas["gradient"], randoms)

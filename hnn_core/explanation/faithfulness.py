"""Faithfulness of a map: whether hiding what it marks changes what the network says.

Deletion hides tokens of the sequence in the map's order, insertion shows them in that order
on a sequence where all are hidden; the class's probability is followed with the LSTM in the
loop. A faithful map makes it fall fast and rise fast. The areas under the curves say so only
beside those of other orders: random ones, mean |B|, and the gradient.

Letters in shapes: T hours, U hours in use, K = U g² tokens, n steps, R random orders, S states.
"""

import torch
from torch import Tensor

from hnn_core.explanation.choices import class_sign, one_of, whole
from hnn_core.explanation.faithfulness_result import Comparison, Curve, Faithfulness
from hnn_core.explanation.gradients import gradient_map
from hnn_core.explanation.inputs import FILLS, check_images, fill_for, token_field, used_hours
from hnn_core.explanation.orders import deletion_states, descending, state_logits, step_counts
from hnn_core.explanation.perturbation import embed
from hnn_core.explanation.work import Work
from hnn_core.model import HNN
from hnn_core.own_copy import own_copy

__all__ = ["faithfulness"]


def faithfulness(
    model: HNN,
    images: Tensor,
    maps: Tensor,
    *,
    target: str = "eruptive",
    fills: tuple[str, ...] = FILLS,
    hours: str = "all",
    steps: int = 14,
    draws: int = 20,
    scale: str = "probability",
    seed: int = 0,
    batch: int = 16,
    half: bool = False,
    work: Work | None = None,
) -> Faithfulness:
    """Hold a map's insertion and deletion curves against random, |B| and gradient orders.

    Parameters
    ----------
    model : HNN
    images : Tensor (T, 1, H, W)
    maps : Tensor (T, g, g)
        Large where the map says that the token speaks for `target`.
    target : str
        ``"eruptive"`` or ``"confined"``: whose probability is followed.
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
    batch, half
        As for `hnn_core.explanation.perturbation.embed`.
    work : Work, optional

    Returns
    -------
    Faithfulness

    Raises
    ------
    CancelledError
        If the work is to stop.
    RequestError
        If a choice is not possible.
    ValueError
        If the map's shape is not (T, g, g) or it holds NaN.

    References
    ----------
    Petsiuk, Das, Saenko (2018), "RISE", for the two curves and their areas.
    """
    sign, work = class_sign(target), work or Work()
    one_of("scale", scale, ("probability", "logit"))
    whole("draws", draws, 19, 100_000)
    fills = tuple(one_of("fill", fill, FILLS) for fill in fills or ("",))
    own = own_copy(model)
    images = check_images(own, images)
    grid = own.config.grid
    if maps.shape != (len(images), grid, grid):
        raise ValueError(f"maps are ({len(images)}, {grid}, {grid}), not {tuple(maps.shape)}")
    used = used_hours(own, len(images), hours)
    counts = step_counts(len(used) * grid**2, whole("steps", steps, 1, len(used) * grid**2))
    generator = torch.Generator().manual_seed(seed)
    named = {
        "map": maps,
        "field": token_field(images, grid),
        "gradient": gradient_map(own, images, batch=min(batch, 8), work=work),
    }
    orders = {n: descending(values[used].flatten(), generator) for n, values in named.items()}
    randoms = [torch.randperm(int(counts[-1]), generator=generator) for _ in range(draws)]
    states = _states(list(orders.values()), randoms, counts).unflatten(1, (len(used), grid, grid))
    work.expect(len(images))
    plain = embed(own, images, batch=batch, half=half, work=work)
    curves: list[Curve] = []
    comparisons: list[Comparison] = []
    for fill in fills:
        filled = fill_for(images, fill, own.config.patch)
        logits = state_logits(
            own, images, filled, used, states, plain, batch=batch, half=half, work=work
        )
        values = sign * logits.double().cpu()
        values = values.sigmoid() if scale == "probability" else values
        found = _curves(values.view(-1, len(counts)), counts, tuple(orders), fill)
        curves += found
        comparisons += [_compare(found, fill, kind) for kind in ("deletion", "insertion")]
    flat = bool((maps[used] == maps[used].flatten()[0]).all())
    return Faithfulness(tuple(curves), tuple(comparisons), draws, flat)


def _states(orders: list[Tensor], randoms: list[Tensor], counts: Tensor) -> Tensor:
    """Hidden tokens, bool (S, K): each order's deletion and insertion, random orders' deletion."""
    ways = []
    for order in orders:
        # Inserting an order is deleting its reverse backwards.
        ways += [deletion_states(order, counts), deletion_states(order.flip(0), counts)]
    ways += [deletion_states(order, counts) for order in randoms]
    return torch.cat(ways)


def _curves(values: Tensor, counts: Tensor, names: tuple[str, ...], fill: str) -> list[Curve]:
    """Curves of one fill from values (2 x orders + R, n + 1) in the order of `_states`."""
    share = (counts / counts[-1]).double()  # of the tokens hidden
    shown = (1.0 - share).flip(0)
    found = []
    for index, name in enumerate(names):
        deleted, inserted = values[2 * index], values[2 * index + 1].flip(0)
        found.append(Curve(name, fill, "deletion", share.numpy(), deleted.numpy()))
        found.append(Curve(name, fill, "insertion", shown.numpy(), inserted.numpy()))
    for drawn in values[2 * len(names) :]:
        found.append(Curve("random", fill, "deletion", share.numpy(), drawn.numpy()))
        found.append(Curve("random", fill, "insertion", shown.numpy(), drawn.flip(0).numpy()))
    return found


def _compare(curves: list[Curve], fill: str, kind: str) -> Comparison:
    mine = [curve for curve in curves if curve.kind == kind]
    areas = {curve.order: curve.area for curve in mine if curve.order != "random"}
    randoms = tuple(curve.area for curve in mine if curve.order == "random")
    return Comparison(fill, kind, areas["map"], areas["field"], areas["gradient"], randoms)

"""Which of the hours mattered: gradients through the LSTM, frame deletion, integrated gradients.

Common parameters and errors stand in `hnn_core.explanation`. Letters in shapes: T hours,
M sequences, D width.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hnn_core.explanation.inputs import (
    class_sign,
    embed,
    fill_for,
    logits_with,
    one_of,
    prepared,
    sequence_logits,
    token_field,
    used_hours,
    whole,
)
from hnn_core.explanation.work import Work
from hnn_core.network.model import HNN

__all__ = ["Scores", "frame_deletion", "gradient_map", "head_gradient", "integrated_gradients"]


def head_gradient(model: HNN, embeddings: Tensor) -> tuple[Tensor, Tensor]:
    """Logits (M,) of sequences (M, T, D), and the gradient (M, T, D) of each one's own."""
    with torch.enable_grad():
        leaf = embeddings.detach().requires_grad_()
        logits = model.head(leaf)
        (gradients,) = torch.autograd.grad(logits.sum(), leaf)
    return logits.detach(), gradients


def gradient_map(model: HNN, images: Tensor, *, batch: int = 8, work: Work | None = None) -> Tensor:
    """Mean |gradient| of each token, the plain saliency other maps are held against.

    Returns
    -------
    Tensor (T, g, g)
        Not signed, so the same for both classes.

    References
    ----------
    Simonyan, Vedaldi, Zisserman (2014), "Deep inside convolutional networks".
    """
    gradient = pixel_gradient(model, images, batch=batch, work=work)
    return token_field(gradient, model.config.grid)


def pixel_gradient(model: HNN, images: Tensor, *, batch: int, work: Work | None = None) -> Tensor:
    """Gradient of the logit to every pixel, (T, 1, H, W); 0 in hours the baseline does not see."""
    own, images, work = prepared(model, images, work)
    hours = used_hours(own, len(images))
    work.expect(len(images) + len(hours))
    embeddings = embed(own, images, batch=batch, work=work)  # (T, D)
    _, gradient = head_gradient(own, embeddings.unsqueeze(0))
    found = torch.zeros_like(images)
    for some in torch.tensor(hours, device=images.device).split(batch):
        work.check()
        with torch.enable_grad():
            leaf = images[some].requires_grad_()
            (found[some],) = torch.autograd.grad(own.embed(leaf), leaf, gradient[0, some])
        work.passed(len(some))
    return found


@dataclass(frozen=True, eq=False)
class Scores:
    """What each hour, or each token of each hour, contributed to one sequence's logit."""

    values: Tensor
    """(T,) of the class's log-odds, or a map (T, g, g), row 0 south; positive where the hour or
    token spoke for the class."""
    logit: float
    """Log-odds that the coming flare is eruptive."""
    baseline_logit: float | None = None
    """The logit where the path of integrated gradients starts."""
    residual: float | None = None
    """Integrated gradients: sum of the scores less the change of log-odds they must sum to."""


def frame_deletion(
    model: HNN,
    images: Tensor,
    *,
    target: str = "eruptive",
    instead: str = "zero",
    batch: int = 16,
    work: Work | None = None,
) -> Scores:
    """Replace one hour at a time and let the LSTM read the sequence.

    Parameters
    ----------
    instead : str
        ``"zero"``: a frame without field; ``"blurred"``: the same frame, smoothed;
        ``"neighbour"``: the hour before (the second hour for the first), which leaves the
        region there and takes away only what was new. A single hour has no neighbour and
        scores 0.

    Returns
    -------
    Scores
        Log-odds as they are less those without the hour. Scores do not sum to anything.
    """
    own, images, work = prepared(model, images, work)
    sign, n_hours = class_sign(target), len(images)
    one_of("instead", instead, ("zero", "blurred", "neighbour"))
    fill = images[:0]
    if instead != "neighbour":
        fill = fill_for(images, instead, own.config.patch)
    # One frame without field is like another.
    fill = fill[:1] if instead == "zero" else fill
    work.expect(n_hours + len(fill))
    both = embed(own, torch.cat([images, fill]), batch=batch, work=work)
    plain, replaced = both[:n_hours], both[n_hours:]
    hours = torch.arange(n_hours, device=images.device)
    if instead == "neighbour":
        replaced = plain[torch.where(hours > 0, hours - 1, min(1, n_hours - 1))]
    logit = sequence_logits(own, plain.unsqueeze(0))
    changed = logits_with(own, plain, hours, replaced.expand(n_hours, -1))
    scores = torch.zeros_like(changed)
    seen = used_hours(own, n_hours)
    scores[seen] = sign * (logit - changed[seen])
    return Scores(scores, float(logit))


def integrated_gradients(
    model: HNN,
    images: Tensor,
    *,
    target: str = "eruptive",
    start: str = "zero",
    steps: int = 32,
    batch: int = 16,
    work: Work | None = None,
) -> Scores:
    """Integrated gradients of the logit on the embeddings of the hours.

    Along the straight path from the start's embeddings to the sequence's, the gradient through
    the LSTM is integrated by Gauss-Legendre quadrature; an hour's score is the sum over its D
    components.

    Parameters
    ----------
    start : str
        Where the path starts: ``"zero"``, no field in any hour, or ``"first"``, every hour as
        the first, so that only change counts.
    steps : int
        Points of the quadrature. Only the LSTM runs at each.

    Returns
    -------
    Scores
        Scores sum to the change of log-odds along the path, to `residual`.

    References
    ----------
    Sundararajan, Taly, Yan (2017), "Axiomatic attribution for deep networks".
    """
    own, images, work = prepared(model, images, work)
    sign = class_sign(target)
    one_of("start", start, ("zero", "first"))
    whole("steps", steps, 1, 1024)
    zero = torch.zeros_like(images[:1]) if start == "zero" else images[:0]
    work.expect(len(images) + len(zero))
    both = embed(own, torch.cat([images, zero]), batch=batch, work=work)
    end = both[: len(images)]  # (T, D)
    begin = both[-1:] if start == "zero" else both[:1]  # (1, D)
    nodes, weights = (
        torch.from_numpy(values).to(end) for values in np.polynomial.legendre.leggauss(steps)
    )
    mean = torch.zeros_like(end)
    for share, weight in zip(0.5 * (nodes + 1.0), 0.5 * weights, strict=True):
        work.check()
        _, gradient = head_gradient(own, (begin + share * (end - begin)).unsqueeze(0))
        mean += weight * gradient[0]
    scores = ((end - begin) * mean).sum(1)  # (T,)
    ends = torch.stack([begin.expand_as(end), end])
    baseline, logit = sequence_logits(own, ends).double().tolist()
    residual = float(scores.double().sum()) - (logit - baseline)
    return Scores(sign * scores, logit, baseline, sign * residual)

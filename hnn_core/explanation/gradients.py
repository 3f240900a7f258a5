"""Gradients of the sequence's logit: to the embeddings through the LSTM, to the pixels."""

import torch
from torch import Tensor

from hnn_core.explanation.inputs import check_images, used_hours
from hnn_core.explanation.perturbation import embed
from hnn_core.explanation.work import Work
from hnn_core.model import HNN
from hnn_core.own_copy import own_copy

__all__ = ["gradient_map", "head_gradient", "pixel_gradient"]


def head_gradient(model: HNN, embeddings: Tensor) -> tuple[Tensor, Tensor]:
    """Logits and their gradients.

    Parameters
    ----------
    model : HNN
        From `own_copy`.
    embeddings : Tensor (M, T, D)
        Of M sequences.

    Returns
    -------
    logits : Tensor (M,)
    gradients : Tensor (M, T, D)
        Of each sequence's own logit.
    """
    with torch.enable_grad():
        leaf = embeddings.detach().requires_grad_()
        logits = model.head(leaf)
        (gradients,) = torch.autograd.grad(logits.sum(), leaf)
    return logits.detach(), gradients


def pixel_gradient(
    model: HNN, images: Tensor, *, batch: int = 8, work: Work | None = None
) -> Tensor:
    """Gradient of the logit to every pixel of every frame.

    Parameters
    ----------
    model : HNN
    images : Tensor (T, 1, H, W)
    batch : int
        Frames whose graph is held at a time.
    work : Work, optional

    Returns
    -------
    Tensor (T, 1, H, W)
        Log-odds for one unit of the input, which is `clip` gauss. 0 in the hours that the
        baseline does not see.
    """
    own = own_copy(model)
    images = check_images(own, images)
    work = work or Work()
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
    gradient = pixel_gradient(model, images, batch=batch, work=work).abs()
    return torch.nn.functional.adaptive_avg_pool2d(gradient, model.config.grid).squeeze(1)

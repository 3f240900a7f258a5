"""The class-balanced focal loss."""

from torch import Tensor
from torch.nn.functional import logsigmoid

__all__ = ["focal_loss"]


def focal_loss(
    logits: Tensor,
    target: Tensor,
    alpha: float = 0.4,
    gamma: float = 2.0,
    *,
    weights: Tensor | None = None,
) -> Tensor:
    """Mean focal loss of a batch, computed from logits.

    FL = -alpha_s (1 - p_s)^gamma log p_s, with p_s the probability given to the true class
    and alpha_s = alpha for class 1, 1 - alpha for class 0.

    Parameters
    ----------
    logits : Tensor (B,)
    target : Tensor (B,)
        1 (eruptive) or 0 (confined), any dtype.
    alpha, gamma : float
        The paper's alpha and lambda.
    weights : Tensor (B,), optional
        Then the sum of the weighted losses is returned instead of the mean.

    Returns
    -------
    Tensor ()

    References
    ----------
    Equations 1 to 3 of the paper; Lin et al. 2017.
    """
    sign = 2.0 * target.to(logits.dtype) - 1.0
    log_p = logsigmoid(sign * logits)
    weight = 0.5 + sign * (alpha - 0.5)  # alpha where sign is +1, 1 - alpha where it is -1
    losses = -(weight * (1.0 - log_p.exp()) ** gamma * log_p)
    return losses.mean() if weights is None else (weights * losses).sum()

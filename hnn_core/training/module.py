"""The network as Lightning trains it: its loss, one step, and missing memory in plain words."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from lightning.pytorch import LightningModule
from torch import Tensor
from torch.nn.functional import logsigmoid

from hnn_core.exceptions import TrainingError
from hnn_core.network.model import HNN
from hnn_core.storage import is_memory_short
from hnn_core.training.config import TrainConfig
from hnn_core.training.data import Batch

__all__ = ["TrainingModule", "enough_memory", "focal_loss"]


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

    Examples
    --------
    >>> import torch
    >>> from hnn_core import focal_loss
    >>> loss = focal_loss(torch.tensor([2.0, -1.0]), torch.tensor([1, 0]))
    >>> round(float(loss), 4)
    0.0072
    """
    sign = 2.0 * target.to(logits.dtype) - 1.0
    log_p = logsigmoid(sign * logits)
    weight = 0.5 + sign * (alpha - 0.5)  # alpha where sign is +1, 1 - alpha where it is -1
    losses = -(weight * (1.0 - log_p.exp()) ** gamma * log_p)
    return losses.mean() if weights is None else (weights * losses).sum()


class TrainingModule(LightningModule):
    """The paper's loss and optimiser on batches whose frames are embedded once.

    Parameters
    ----------
    model : HNN
        With `config.freeze_vit` its transformer is not trained, and batches hold embeddings.
    config : TrainConfig
    """

    def __init__(self, model: HNN, config: TrainConfig) -> None:
        super().__init__()
        self.model, self.config = model, config
        model.vit.requires_grad_(not config.freeze_vit)
        model.vit.set_grad_checkpointing(config.recompute)
        self.validated: list[tuple[int, float]] = []
        """(sequence, logit) of the validation pass under way."""

    def logits(self, batch: Batch) -> Tensor:
        """Logits (S,) of a batch's sequences, float32."""
        embeddings = batch.get("embeddings")
        if embeddings is None:
            embeddings = self.model.embed(batch["frames"].float())  # (U, 1, H, W) -> (U, D)
        return self.model.head(embeddings[batch["gather"]]).float()  # (S, m, D) -> (S,)

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """Loss of a batch.

        Raises
        ------
        TrainingError
            When the loss is not finite; the sentence names the batch.
        """
        loss = focal_loss(
            self.logits(batch),
            batch["labels"],
            self.config.alpha,
            self.config.gamma,
            weights=batch["weights"],
        )
        if not torch.isfinite(loss):
            raise TrainingError(
                f"The loss is {loss.item()} in batch {batch['batch'] + 1} of epoch "
                f"{batch['epoch'] + 1}; the last good checkpoint is kept. Try a smaller "
                "learning_rate or gradient_clip, or precision 32."
            )
        return loss

    def validation_step(self, batch: Batch, _: int) -> None:
        """Keep the logits of validation sequences."""
        logits = self.logits(batch).tolist()
        self.validated += zip(batch["sequences"].tolist(), logits, strict=True)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return Adam, as the paper has it."""
        wanted = [weight for weight in self.parameters() if weight.requires_grad]
        return torch.optim.Adam(
            wanted, lr=self.config.learning_rate, weight_decay=self.config.weight_decay
        )


@contextmanager
def enough_memory(config: TrainConfig) -> Iterator[None]:
    """Turn missing memory into a sentence that names the remedy.

    Raises
    ------
    TrainingError
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_memory_short(error):
            raise
        raise TrainingError(
            f"A batch does not fit into memory: switch recompute on (now {config.recompute}), "
            f"lower batch (now {config.batch}), raise run_hours (now {config.run_hours}) so that "
            f"more frames are shared, or choose a larger patch (now {config.patch}) or precision "
            "bf16."
        ) from error

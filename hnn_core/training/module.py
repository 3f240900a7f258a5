"""The network as Lightning trains it: one step, one optimiser."""

from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor

from hnn_core.exceptions import DivergedError
from hnn_core.model import HNN
from hnn_core.training.config import TrainConfig
from hnn_core.training.losses import focal_loss

__all__ = ["TrainingModule"]

Batch = dict[str, Any]


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
        DivergedError
            When the loss is not finite; the sentence says in which batch.
        """
        loss = focal_loss(
            self.logits(batch),
            batch["labels"],
            self.config.alpha,
            self.config.gamma,
            weights=batch["weights"],
        )
        if not torch.isfinite(loss):
            raise DivergedError(
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

"""The hybrid network: a vision transformer over each hour, an LSTM over the hours.

Ten hourly magnetograms go in, one logit comes out: the log-odds that the coming flare is
eruptive. The baseline is the same vision transformer with a classifier on the last hour.

Letters in shapes: B batch, T hours, H and W pixels, N tokens (class token first), D width.

State-dict keys are ``vit.*`` (the names of timm's VisionTransformer), ``lstm.*`` and
``classifier.*``.

Source: the paper's section 3.2.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from huggingface_hub import PyTorchModelHubMixin, hf_hub_download
from safetensors.torch import load_file
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from hnn_core.network.config import (
    CONFIG,
    WEIGHTS,
    HNNConfig,
    check_weights,
    read_checksum,
    weights_sha256,
    write_config,
)
from hnn_core.storage import read_json

__all__ = ["HNN", "HNNConfig"]


class HNN(nn.Module, PyTorchModelHubMixin, library_name="hnn", license="bsd-3-clause"):
    """ViT + LSTM + linear classifier, or with ``config.temporal`` false the ViT baseline.

    Frames are float tensors (B, T, 1, H, W), H = W = ``config.image_size``, ascending in time,
    the last one x_t, values as `hnn_core.magnetogram.preprocess` makes them (gauss over the clip,
    in [-1, 1], no NaN). Row 0 is south.

    Parameters
    ----------
    config : HNNConfig
        Shape of the network; stored as ``self.config``.

    Notes
    -----
    Pre-norm encoders, learnable positions, GELU MLP; the embedding of a frame is its class
    token after the final norm (section 3.2 of the paper).

    Examples
    --------
    >>> import torch
    >>> from hnn_core import HNN, HNNConfig
    >>> model = HNN(HNNConfig(image_size=32, width=24, depth=1, heads=2, lstm_hidden=4))
    >>> with torch.no_grad():
    ...     model(torch.zeros(2, 10, 1, 32, 32)).shape
    torch.Size([2])
    """

    def __init__(self, config: HNNConfig) -> None:
        super().__init__()
        self.config = config
        self.vit = VisionTransformer(
            img_size=config.image_size,
            patch_size=config.patch,
            in_chans=1,
            num_classes=0,
            embed_dim=config.width,
            depth=config.depth,
            num_heads=config.heads,
            mlp_ratio=config.mlp_ratio,
        )
        self.lstm: nn.LSTM | None = None
        features = config.width
        if config.temporal:
            self.lstm = nn.LSTM(config.width, config.lstm_hidden, batch_first=True)
            features = config.lstm_hidden
        self.classifier = nn.Linear(features, 1)

    def embed(self, frames: Tensor) -> Tensor:
        """Embed single frames: (B, 1, H, W) -> (B, D)."""
        return self.vit(frames)

    def head(self, embeddings: Tensor) -> Tensor:
        """Logits of sequences whose frames are embedded already.

        Parameters
        ----------
        embeddings : Tensor (B, T, D)
            Ascending in time. The baseline looks at the last only.

        Returns
        -------
        Tensor (B,)
            Log-odds that the coming flare is eruptive.
        """
        if self.lstm is not None:
            embeddings, _ = self.lstm(embeddings)  # (B, T, D) -> (B, T, lstm_hidden)
        return self.classifier(embeddings[:, -1]).squeeze(-1)  # (B, 1) -> (B,)

    def forward(self, frames: Tensor) -> Tensor:
        """Logits (B,) of frames (B, T, 1, H, W)."""
        if self.lstm is None:
            frames = frames[:, -1:]  # the baseline never pays for hours it does not use
        batch, hours = frames.shape[:2]
        embeddings = self.embed(frames.flatten(0, 1))  # (B * T, D)
        return self.head(embeddings.unflatten(0, (batch, hours)))  # (B, T, D) -> (B,)

    @classmethod
    def _from_pretrained(  # type: ignore[override]  # the mixin's own is looser than we allow
        cls,
        *,
        model_id: str,
        config: HNNConfig,
        map_location: str = "cpu",
        strict: bool = True,
        **download: Any,
    ) -> "HNN":
        # The mixin's own method falls back to a pickle, minds no missing key and prints.
        path = Path(model_id) / WEIGHTS
        if not path.parent.is_dir():
            path = Path(hf_hub_download(repo_id=model_id, filename=WEIGHTS, **download))
        folder = path.parent
        if (folder / CONFIG).is_file():
            values = read_json(folder / CONFIG)
            check_weights(folder, weights_sha256(folder), read_checksum(values, folder / CONFIG))
        model = cls(config)
        model.load_state_dict(load_file(path), strict=strict)
        return model.to(map_location).eval()

    def _save_pretrained(self, save_directory: Path) -> None:
        super()._save_pretrained(save_directory)
        write_config(save_directory, asdict(self.config))

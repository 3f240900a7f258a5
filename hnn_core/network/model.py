"""The hybrid network: a vision transformer over each hour, an LSTM over the hours.

Ten hourly magnetograms go in, one logit comes out: the log-odds that the coming flare is
eruptive. The baseline is the same vision transformer with a classifier on the last hour.

Letters in shapes: B batch, T hours, H and W pixels, N tokens (class token first), D width.

State-dict keys are ``vit.*`` (the names of timm's VisionTransformer), ``lstm.*`` and
``classifier.*``.

Source: the paper's section 3.2.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from huggingface_hub import PyTorchModelHubMixin, hf_hub_download
from safetensors.torch import load_file
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from hnn_core.magnetogram.preprocess import PreprocessConfig
from hnn_core.network.checksum import (
    CONFIG,
    WEIGHTS,
    check_weights,
    read_checksum,
    weights_sha256,
    write_config,
)
from hnn_core.regions.goes_classes import FLARE_CLASSES
from hnn_core.storage import read_json

__all__ = ["HNN", "HNNConfig"]


@dataclass(frozen=True)
class HNNConfig:
    """Everything needed to build the network and to prepare its input; by default ViT-B/16.

    Raises
    ------
    ValueError
        At construction, when a value is impossible; the sentence names it.

    Examples
    --------
    >>> from hnn_core import HNNConfig
    >>> config = HNNConfig(image_size=64, width=24, depth=2, heads=2)
    >>> config.grid, config.preprocess
    (4, {'crop': 128, 'size': 64, 'clip': 2000.0})
    """

    architecture: str = "hnn"
    """Marks the configuration file as ours; nothing else is accepted."""
    temporal: bool = True
    """True: HNN (ViT and LSTM). False: the baseline, ViT and classifier on x_t alone."""
    flare_class: str = "M"
    """One of `FLARE_CLASSES`: the coming flare is of this class or above."""
    frames: int = 10
    """m, the number of hourly magnetograms in a sequence; only the last is used when not
    temporal."""
    image_size: int = 224
    """Side of the square input in pixels."""
    patch: int = 16
    """Side of the square that makes one token, in pixels."""
    depth: int = 12
    """Number of encoders."""
    heads: int = 12
    """Attention heads of each encoder."""
    width: int = 768
    """D, length of a token's vector and of a frame's embedding."""
    mlp_ratio: float = 4.0
    """Width of an encoder's hidden layer over `width`."""
    lstm_hidden: int = 256
    """Length of the LSTM's state, one layer. The paper does not give it. 256 is a third of
    ViT-B's width: a million parameters instead of five, for data sets in which ten thousand
    strongly correlated sequences come from a few hundred flares."""
    threshold: float = 0.5
    """A probability at or above it means eruptive."""
    preprocess: dict[str, int | float] = field(default_factory=dict)
    """Fields of `hnn_core.magnetogram.preprocess.PreprocessConfig` (crop, size and clip) as a plain
    dictionary. What is left out is filled in: crop twice the image, clip 2000 G."""

    def __post_init__(self) -> None:
        if self.architecture != "hnn":
            raise ValueError(f"architecture is {self.architecture!r}, not 'hnn'")
        if not isinstance(self.temporal, bool):
            raise ValueError(f"temporal is {self.temporal!r}: true or false is needed")
        if self.flare_class not in FLARE_CLASSES:
            raise ValueError(f"flare_class is {self.flare_class!r}: one of {FLARE_CLASSES}")
        # The upper ends keep a damaged file from wanting more memory than there is.
        for name, highest in {
            "frames": 240,
            "image_size": 4096,
            "patch": 1024,
            "depth": 96,
            "heads": 96,
            "width": 8192,
            "lstm_hidden": 8192,
        }.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= highest:
                raise ValueError(f"{name} is {value!r}: a whole number from 1 to {highest}")
        if self.image_size % self.patch:
            raise ValueError(f"patch {self.patch} does not divide image_size {self.image_size}")
        if self.width % self.heads:
            raise ValueError(f"heads {self.heads} does not divide width {self.width}")
        if not isinstance(self.mlp_ratio, int | float) or not 0 < self.mlp_ratio <= 16:
            raise ValueError(f"mlp_ratio is {self.mlp_ratio!r}: a number in (0, 16]")
        if not isinstance(self.threshold, int | float) or not 0 < self.threshold < 1:
            raise ValueError(f"threshold is {self.threshold!r}: a number between 0 and 1")
        if not isinstance(self.preprocess, Mapping):
            raise ValueError(f"preprocess is {self.preprocess!r}: a dictionary is needed")
        default = {"crop": 2 * self.image_size, "size": self.image_size, "clip": 2000.0}
        merged = default | dict(self.preprocess)
        PreprocessConfig.from_dict(merged)  # raises on what is impossible
        if merged["size"] != self.image_size:
            raise ValueError(
                f"preprocess makes frames of {merged['size']} pixels, image_size is "
                f"{self.image_size}"
            )
        object.__setattr__(self, "preprocess", merged)

    @property
    def grid(self) -> int:
        """Tokens along one side of the image."""
        return self.image_size // self.patch

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "HNNConfig":
        """Build from a parsed config.json, but for ``metadata`` and ``sha256``.

        Raises
        ------
        ValueError
            When a value is impossible, or a setting is unknown (a newer program's, perhaps).
        """
        known = {item.name for item in fields(cls)}
        unknown = sorted(set(values) - known - {"metadata", "sha256"})
        if unknown:
            raise ValueError(f"unknown setting {unknown[0]!r}")
        return cls(**{name: value for name, value in values.items() if name in known})


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

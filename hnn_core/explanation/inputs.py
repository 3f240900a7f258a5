"""The network's input, and what is put in place of a part of it."""

from typing import Any

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from hnn_core.explanation.choices import one_of
from hnn_core.model import HNN
from hnn_core.preprocess import PreprocessConfig, preprocess
from hnn_core.sequence import Sequence

__all__ = ["FILLS", "check_images", "fill_for", "sequence_images", "token_field", "used_hours"]

FILLS = ("zero", "blurred")
"""What a hidden token shows: no field, or the field with all that is finer than a token gone."""


def sequence_images(sequence: Sequence, config: PreprocessConfig) -> Tensor:
    """Cut and scale the frames of a sequence.

    Returns
    -------
    Tensor, float32 (T, 1, H, W)
        Field over `config.clip`; row 0 south; no NaN.
    """
    images = np.stack([preprocess(frame.field, config)[0] for frame in sequence.frames])
    return torch.from_numpy(images).unsqueeze(1)


def check_images(model: HNN, images: Tensor) -> Tensor:
    """Return frames (T, 1, H, W) on the network's device; raise ValueError for another shape."""
    side = model.config.image_size
    if images.ndim != 4 or not len(images) or images.shape[1:] != (1, side, side):
        raise ValueError(f"frames are (T, 1, {side}, {side}), not {tuple(images.shape)}")
    return images.to(model.classifier.weight.device)


def fill_for(images: Tensor, kind: Any, patch: int) -> Tensor:
    """Make what hidden tokens show.

    Parameters
    ----------
    images : Tensor (T, 1, H, W)
    kind : str
        One of `FILLS`. ``"blurred"`` is the field smoothed by a Gaussian whose standard
        deviation is the side of a token, with no field beyond the edges: opposite polarities
        closer than that cancel, the large-scale field stays.
    patch : int
        Side of a token, pixels.

    Returns
    -------
    Tensor (T, 1, H, W)

    Raises
    ------
    RequestError
        If the kind is not known.
    """
    if one_of("fill", kind, FILLS) == "zero":
        return torch.zeros_like(images)
    fields = images.detach().cpu().numpy()
    smooth = gaussian_filter(fields, (0, 0, patch, patch), mode="constant")
    return torch.from_numpy(smooth).to(images)


def token_field(images: Tensor, grid: int) -> Tensor:
    """Mean |B| of each token, over the clip: (T, 1, H, W) -> (T, g, g)."""
    return torch.nn.functional.adaptive_avg_pool2d(images.abs(), grid).squeeze(1)


def used_hours(model: HNN, n_hours: int, hours: Any = "all") -> list[int]:
    """Return the hours whose tokens are to be looked at.

    Parameters
    ----------
    model : HNN
        The baseline sees the last hour only.
    n_hours : int
    hours : str
        ``"all"`` or ``"last"``.

    Raises
    ------
    RequestError
    """
    last = one_of("hours", hours, ("all", "last")) == "last"
    return [n_hours - 1] if last or not model.config.temporal else list(range(n_hours))

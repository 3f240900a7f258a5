"""Networks whose explanation can be worked out by hand."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from hnn_core.network.model import HNN
from tests.support.small_models import small_config, small_model

HOURS, GRID, PATCH = 4, 4, 8
SIDE = GRID * PATCH
HOUR, TOKEN = 2, (1, 2)
"""The only hour and the only token (row, column) that the logit of `one_token_model` reads."""


def one_token_model(*, hour: int = HOUR, token: tuple[int, int] = TOKEN) -> HNN:
    """One encoder without norms and an LSTM that is a shift register.

    Channel 0 of a token is its mean field, channel 1 tells `token` by its position, channel 2
    tells the class token, which attends to `token` alone and writes its field to channel 3.
    Unit k of the LSTM holds channel 3 of k hours ago, and the classifier reads one unit.
    """
    config = small_config(depth=1, heads=1, width=4, lstm_hidden=HOURS, frames=HOURS)
    model = HNN(config).eval()
    block: Any = model.vit.blocks[0]
    block.norm1 = block.norm2 = model.vit.norm = nn.Identity()
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
        model.vit.patch_embed.proj.weight[0] = 1.0 / PATCH**2
        model.vit.cls_token[..., 2] = 1.0
        model.vit.pos_embed[0, 1 + token[0] * GRID + token[1], 1] = 1.0
        block.attn.qkv.weight[0, 2] = 60.0  # query 0 of the class token
        block.attn.qkv.weight[4, 1] = 1.0  # key 0 of the token: exp(60 / 2) above all others
        block.attn.qkv.weight[8, 0] = 1.0  # value 0: the field
        block.attn.proj.weight[3, 0] = 1.0
        _shift_register(model.lstm)
        model.classifier.weight[0, HOURS - 1 - hour] = 5.0
    return model


def _shift_register(lstm: nn.LSTM) -> None:
    gate = {name: slice(i * HOURS, (i + 1) * HOURS) for i, name in enumerate("ifgo")}
    bias = lstm.bias_ih_l0
    bias[gate["i"]], bias[gate["f"]], bias[gate["o"]] = 20.0, -20.0, 20.0
    lstm.weight_ih_l0[gate["g"].start, 3] = 2.0
    for unit in range(1, HOURS):
        lstm.weight_hh_l0[gate["g"].start + unit, unit - 1] = 2.0


def one_token_logit(field: float, *, hour: int = HOUR) -> float:
    """The logit of `one_token_model` for a mean field (over the clip) in the token it reads."""
    unit = 0.0
    for step in range(HOURS - hour):
        unit = np.tanh(np.tanh(2.0 * (unit if step else field)))
    return 5.0 * unit


def deaf_model() -> HNN:
    """A network whose logit is 0.3 whatever it sees."""
    model = small_model()
    with torch.no_grad():
        model.classifier.weight.zero_()
        model.classifier.bias.fill_(0.3)
    return model


def noise_images(seed: int = 0, n_hours: int = HOURS, side: int = SIDE) -> torch.Tensor:
    """Frames of noise (T, 1, H, W) whose tokens each have a mean field of their own, ±0.5."""
    generator = torch.Generator().manual_seed(seed)
    mean = torch.rand(n_hours, 1, side // PATCH, side // PATCH, generator=generator) - 0.5
    noise = 0.1 * torch.randn(n_hours, 1, side, side, generator=generator)
    return mean.repeat_interleave(PATCH, 2).repeat_interleave(PATCH, 3) + noise


def mean_field(images: torch.Tensor, hour: int = HOUR, token: tuple[int, int] = TOKEN) -> float:
    row, col = (PATCH * place for place in token)
    return float(images[hour, 0, row : row + PATCH, col : col + PATCH].double().mean())


def with_field(value: float, images: torch.Tensor) -> torch.Tensor:
    """Give the token that `one_token_model` reads a uniform field."""
    images = images.clone()
    row, col = (PATCH * place for place in TOKEN)
    images[HOUR, 0, row : row + PATCH, col : col + PATCH] = value
    return images


def count_frames(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Batch sizes of every pass of any network's vision transformer from now on.

    Explanations run on a copy, which takes no hook along.
    """
    sizes: list[int] = []
    embed = HNN.embed

    def counted(own: HNN, frames: torch.Tensor) -> torch.Tensor:
        sizes.append(len(frames))
        return embed(own, frames)

    monkeypatch.setattr(HNN, "embed", counted)
    return sizes


def state_of(model: HNN) -> dict[str, Any]:
    """Everything about a network that an explanation might leave changed."""
    modules = list(model.modules())
    return {
        "weights": {name: weight.detach().clone() for name, weight in model.named_parameters()},
        "places": [weight.data_ptr() for weight in model.parameters()],
        "wants": [weight.requires_grad for weight in model.parameters()],
        "gradients": [weight.grad is None for weight in model.parameters()],
        "training": [module.training for module in modules],
        "hooks": [
            len(module._forward_hooks) + len(module._forward_pre_hooks) for module in modules
        ],
        "fused": [block.attn.fused_attn for block in model.vit.blocks],
    }


def assert_untouched(model: HNN, before: dict[str, Any]) -> None:
    after = state_of(model)
    weights, known = after.pop("weights"), before["weights"]
    assert all(torch.equal(weights[name], known[name]) for name in known)
    assert after == {name: value for name, value in before.items() if name != "weights"}

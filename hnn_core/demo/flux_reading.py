"""Teach a vision transformer to read magnetic flux, before it learns to tell classes apart.

    python -m hnn_core.demo.flux_reading --out vit-flux.safetensors

writes a file for ``python -m hnn_core train --pretrained``. It stands where the paper starts from
ImageNet: each token learns to read off its own unsigned, signed and PIL flux, the class token the
totals; no label is shown. Learning begins with a third of the encoders, each of which then
becomes three (progressive stacking, Gong et al. 2019), and sees a part of the tokens (Liu et al.
2023); both save time on a CPU.
"""

import argparse
import logging
import time
from concurrent.futures import ProcessPoolExecutor
from copy import deepcopy
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, max_pool2d, smooth_l1_loss

from hnn_core.magnetogram.preprocess import PreprocessConfig, preprocess
from hnn_core.network.model import HNN, HNNConfig
from hnn_core.simulation.population import HOURS, Population
from hnn_core.simulation.render import render
from hnn_core.storage import replacing

__all__ = ["REGIONS", "SEED", "main"]

log = logging.getLogger(__name__)

TOKENS = 196
"""Patch tokens of a 224 x 224 image in patches of 16."""
SEED, REGIONS = 4, 400
"""Simulated regions to read: no data set of labelled regions has this seed."""
HOURS_APART = 2
"""Of a region every second hour is enough."""
BATCH = 48
STACK, GROWN = 3, 0.85
"""Encoders made of one in step 1, and the part of its steps after which that happens."""


def main(argv: list[str] | None = None) -> None:
    """Render simulated regions, teach a transformer to read them, write its weights."""
    parser = argparse.ArgumentParser(description="Teach a vision transformer to read flux.")
    parser.add_argument("--out", type=Path, required=True, help="a .safetensors file")
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--steps", type=int, default=1600)
    parser.add_argument("--n-keep", type=int, default=80, help="tokens kept while learning")
    parser.add_argument("--regions", type=int, default=REGIONS)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    frames = _render_runs(SEED, options.regions)
    log.info("rendered %d regions", options.regions)
    torch.manual_seed(options.seed)
    model = HNN(HNNConfig(width=options.width))
    _read_flux(model, frames, steps=options.steps, n_keep=options.n_keep, seed=options.seed)
    with replacing(options.out) as draft:
        save_file(model.vit.state_dict(), draft)


def _augment(frames: Tensor, rng: np.random.Generator) -> Tensor:
    """One random label-preserving symmetry of frames (T, 224, 224), the same for all."""
    flips = [axis for axis in (1, 2) if rng.integers(2)]
    return torch.flip(frames, flips) * float(rng.choice([-1.0, 1.0]))


def _flux_targets(images: Tensor) -> tuple[Tensor, Tensor]:
    """Unsigned, signed and PIL flux of tokens (B, 196, 3), and totals (B, 2), of images."""
    strong = 100.0 / 2000.0
    near = [max_pool2d((images * s > strong).float(), 3, 1, 1) for s in (1.0, -1.0)]
    at_pil = images.abs() * near[0] * near[1]  # (B, 1, 224, 224)
    maps = torch.cat([images.abs(), images, at_pil], 1)  # (B, 3, 224, 224)
    tokens = avg_pool2d(maps, 16).flatten(2).transpose(1, 2)  # (B, 196, 3)
    sums = tokens[..., [0, 2]].sum(1)  # (B, 2)
    scale = torch.tensor([30.0, 30.0, 300.0])
    return torch.asinh(tokens * scale), torch.log(sums + 0.02)


class _Reader(nn.Module):
    """The transformer with two linear read-outs that are thrown away after step 1."""

    def __init__(self, model: HNN) -> None:
        super().__init__()
        self.vit, self.depth = model.vit, len(model.vit.blocks) // STACK
        width = model.config.width
        self.tokens, self.totals = nn.Linear(width, 3), nn.Linear(width, 2)

    def forward(self, images: Tensor, keep: Tensor | None) -> tuple[Tensor, Tensor]:
        """Read tokens (B, K, 3) and totals (B, 2) of images (B, 1, 224, 224)."""
        encoded = _encode(self.vit, images, keep, self.depth)
        return self.tokens(encoded[:, 1:]), self.totals(encoded[:, 0])


def _encode(vit: VisionTransformer, images: Tensor, keep: Tensor | None, depth: int = 12) -> Tensor:
    """Encode to (B, 1 + K, D); `keep` (B, K) chooses patch tokens, None is all."""
    x = vit._pos_embed(vit.patch_embed(images))  # (B, 197, D)
    if keep is not None:
        chosen = torch.gather(x[:, 1:], 1, keep[..., None].expand(-1, -1, x.shape[-1]))
        x = torch.cat([x[:, :1], chosen], 1)
    return vit.norm(vit.blocks[:depth](x))


def _stack(blocks: nn.Sequential) -> None:
    """Make of each trained encoder `STACK` alike that each do a share of its work, in place."""
    trained = [deepcopy(block.state_dict()) for block in blocks[: len(blocks) // STACK]]
    for state in trained:
        for name in ("attn.proj.weight", "attn.proj.bias", "mlp.fc2.weight", "mlp.fc2.bias"):
            state[name] /= STACK
    for i, block in enumerate(blocks):
        block.load_state_dict(trained[i // STACK])


def _choose_tokens(images: Tensor, n_keep: int) -> Tensor | None:
    """(B, n_keep) tokens: mostly the strongest, some at random; weak ones teach little."""
    if n_keep >= TOKENS:
        return None
    strength = avg_pool2d(images.abs(), 16).flatten(1)  # (B, 196)
    noise = torch.rand_like(strength).clamp_min(1e-6)
    return torch.topk(torch.log(strength + 0.002) - 0.5 * torch.log(-torch.log(noise)), n_keep)[1]


def _read_flux(model: HNN, frames: np.ndarray, *, steps: int, n_keep: int, seed: int) -> None:
    """Step 1: teach ``model.vit`` to read flux, in place."""
    rng = np.random.default_rng(seed)
    with torch.no_grad():  # 100 G is 0.05 after scaling: start where weak field is seen
        model.vit.patch_embed.proj.weight.mul_(6.0)
    reader = _Reader(model).train()
    optimizer = torch.optim.AdamW(reader.parameters(), lr=6e-4, weight_decay=0.02)
    started, errors = time.monotonic(), []
    for step in range(steps):
        if step == int(GROWN * steps):
            _stack(model.vit.blocks)
            reader.depth = len(model.vit.blocks)
            optimizer = torch.optim.AdamW(reader.parameters(), lr=3e-4, weight_decay=0.02)
        optimizer.param_groups[0]["lr"] = _rate(step / steps)
        picks = [(rng.integers(len(frames)), rng.integers(frames.shape[1])) for _ in range(BATCH)]
        images = torch.stack(
            [_augment(torch.tensor(frames[r, h][None], dtype=torch.float32), rng) for r, h in picks]
        )  # (B, 1, 224, 224)
        token_target, total_target = _flux_targets(images)
        keep = _choose_tokens(images, n_keep)
        tokens, totals = reader(images, keep)
        if keep is not None:
            token_target = torch.gather(token_target, 1, keep[..., None].expand(-1, -1, 3))
        loss = smooth_l1_loss(tokens, token_target, beta=0.2)
        loss = loss + smooth_l1_loss(totals, total_target, beta=0.2)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(reader.parameters(), 1.0)
        optimizer.step()
        errors.append((totals - total_target).detach().square().mean(0).sqrt().numpy())
        if step % 25 == 24:
            total, pil = np.mean(errors[-25:], axis=0)
            log.info(
                "flux step %d/%d loss %.4f rms ln total %.3f ln PIL %.3f, %.0f s",
                step + 1, steps, loss.item(), total, pil, time.monotonic() - started,
            )  # fmt: skip


def _rate(part: float) -> float:
    """Learning rate of step 1 after a part of its steps: warm-up, then two half cosines."""
    if part < GROWN:
        return 8e-4 * min(part / 0.05, 0.1 + 0.45 * (1 + np.cos(np.pi * part / GROWN)))
    return 1.5e-4 * (1 + np.cos(np.pi * (part - GROWN) / (1 - GROWN))) + 1e-6


def _render_runs(seed: int, n_regions: int) -> np.ndarray:
    """Preprocessed frames (regions, hours, 224, 224) half precision, in [-1, 1]."""
    with ProcessPoolExecutor() as pool:
        return np.stack(list(pool.map(partial(_render_run, seed), range(1, n_regions + 1))))


def _render_run(seed: int, index: int) -> np.ndarray:
    region = Population(seed).region(index)
    frames = [
        preprocess(render(region, hour).field, PreprocessConfig())[0].astype(np.float16)
        for hour in range(0, HOURS, HOURS_APART)
    ]
    return np.stack(frames)


if __name__ == "__main__":
    main()

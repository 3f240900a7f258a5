"""Training with shared frames against the naive loop: sequences per second, memory, waiting.

    PYTHONPATH=. python benchmarks/bench_training.py [--width 192 --frames 25000 --steps 4]

The peer is a plain PyTorch loop over the same network, loss and optimiser, that draws sequences
alone and passes all m frames of each through the transformer. Both take batches of 32 sequences
of ten hours. Ours runs under Lightning with loading, events and all. On a GPU the arithmetic done
a second is set against the card's peak (--peak-tflops), from the matrix shapes.
"""

import argparse
import json
import logging
import os
import resource
import time
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import torch
from lightning.pytorch import Callback

from hnn_core.magnetogram.preprocess import PreprocessConfig
from hnn_core.network.embedding import describe_device
from hnn_core.training.assemble import Material, make_network, make_trainer, precision_name
from hnn_core.training.callbacks import Keeper, Reporter
from hnn_core.training.config import TrainConfig
from hnn_core.training.data import Parts, SequenceBatches
from hnn_core.training.loaders import TrainingData
from hnn_core.training.module import TrainingModule, focal_loss
from hnn_core.training.progress import EventLog
from hnn_core.training.run_folder import create_run

HOURS = 33
"""Frames of a region: 24 labelled hours and the nine before."""


class NoiseSet:
    """Regions of noise in memory: what the pixels hold does not change the cost."""

    name, sha256, folder, preprocess = "noise", "0" * 64, Path("noise"), PreprocessConfig()

    def __init__(self, n_frames: int) -> None:
        self.n_regions = n_frames // HOURS
        some = np.random.default_rng(0).normal(0, 0.1, (64, 224, 224)).astype(np.float16)
        self.frames = np.empty((self.n_regions * HOURS, 224, 224), np.float16)
        for start in range(0, len(self.frames), 64):
            part = self.frames[start : start + 64]
            part[:] = some[: len(part)]

    def select(self, _: str, m: int) -> pd.DataFrame:
        region, hour = np.divmod(np.arange(self.n_regions * (HOURS - m + 1)), HOURS - m + 1)
        first = region * HOURS + hour
        return pd.DataFrame(
            {
                "group": region,
                "label": region % 2,
                "rows": list(first[:, None] + np.arange(m)),
            }
        )


def gigaflop_forward(config: TrainConfig) -> float:
    """Matrix work of one frame through the transformer, two operations per multiply-add."""
    tokens, width = (224 // config.patch) ** 2 + 1, config.width
    patches = (tokens - 1) * config.patch**2 * width
    blocks = config.depth * (tokens * width * width * 12 + 2 * tokens * tokens * width)
    return 2e-9 * (patches + blocks)


def naive(config: TrainConfig, parts: Parts, frames: np.ndarray, steps: int) -> float:
    """Sequences per second of the plain loop, first step left out."""
    device = make_trainer(config).strategy.root_device
    model = make_network(config, None).to(device).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=config.learning_rate)
    rng = np.random.default_rng(0)
    half = {"32": None, "bf16": torch.bfloat16, "16": torch.float16}[precision_name(config)]
    begun = 0.0
    for step in range(steps + 1):
        if step == 1:
            _wait(device)
            begun = time.perf_counter()
        chosen = rng.choice(parts.train, config.batch, replace=False)
        images = torch.from_numpy(frames[parts.rows[chosen]])[:, :, None].to(device).float()
        labels = torch.from_numpy(parts.labels[chosen]).to(device)
        with torch.autocast(device.type, half, enabled=half is not None):
            logits = model(images)  # (B, T, 1, H, W) -> (B,)
        loss = focal_loss(logits.float(), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.gradient_clip)
        optimizer.step()
        loss.item()
    _wait(device)
    return steps * config.batch / (time.perf_counter() - begun)


def ours(config: TrainConfig, material: Material, parts: Parts, steps: int) -> dict[str, float]:
    """Measure the trainer over as many steps, the first left out."""
    run = create_run("train", config)
    events = EventLog(run.path / "metrics.jsonl")
    batches = SequenceBatches(parts, material.frames)
    data = TrainingData(batches, parts, config)
    keeper = Keeper(run, config, parts.labels, events, {})
    clock = _Clock()
    trainer = make_trainer(config)
    trainer.fit_loop.epoch_loop.max_steps = steps + 1
    trainer.callbacks += [keeper, Reporter(events, keeper, data.loader), clock]
    trainer.fit(TrainingModule(make_network(config, None), config), datamodule=data)
    told = [event for event in run.events() if event["event"] == "step"]
    return {
        "sequences_per_s": clock.rate(config.batch),
        "data_fraction": float(np.mean([event["data_fraction"] for event in told[1:]])),
        "frames_a_batch": float(np.mean(clock.frames)),
    }


class _Clock(Callback):
    """Time from the end of the first step to the end of the last."""

    def __init__(self) -> None:
        self.ends: list[float] = []
        self.frames: list[int] = []

    def on_train_batch_end(self, _trainer, _module, _outputs, batch, _index) -> None:
        self.ends.append(time.perf_counter())
        self.frames.append(len(batch["frames"]))

    def rate(self, batch: int) -> float:
        return (len(self.ends) - 1) * batch / (self.ends[-1] - self.ends[0])


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--heads", type=int, default=12)
    parser.add_argument("--depth", type=int, default=12)
    parser.add_argument("--frames", type=int, default=25_000)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--recompute", action="store_true", help="less memory for more time")
    parser.add_argument("--peak-tflops", type=float, default=0.0, help="of the GPU, dense bf16")
    options = parser.parse_args()
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")
    config = TrainConfig(
        dataset="noise", pretrained="none", width=options.width, heads=options.heads,
        depth=options.depth, validation_fraction=0.0, epochs=1, recompute=options.recompute,
    )  # fmt: skip
    with TemporaryDirectory() as home:
        os.environ["HNN_HOME"] = home
        dataset = NoiseSet(options.frames)
        parts = Parts.of(dataset, config)
        material = Material(dataset, parts.frames_used, dataset.frames)
        told = ours(config, material, parts, options.steps)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        alone = naive(config, parts, material.frames, options.steps)
        device = make_trainer(config).strategy.root_device
    rate = told["sequences_per_s"]
    work = 3 * gigaflop_forward(config) * told["frames_a_batch"] / config.batch
    print(
        f"width {config.width}, {config.depth} encoders, patch {config.patch}, batch "
        f"{config.batch}, m = {config.frames}; {describe_device(device)}, precision "
        f"{precision_name(config)}{', recompute' if config.recompute else ''}, "
        f"torch {torch.__version__}, {options.steps} steps\n"
    )
    print("| what | value |\n|---|---|")
    print(f"| naive loop (peer) | {alone:.2f} sequences/s |")
    print(f"| shared frames, under Lightning | {rate:.2f} sequences/s |")
    print(f"| ratio | {rate / alone:.2f} (goal ≥ 4) |")
    print(f"| distinct frames a batch | {told['frames_a_batch']:.1f} instead of 320 |")
    print(f"| waiting for data | {100 * told['data_fraction']:.2f} % of a step (goal < 5 %) |")
    print(
        f"| peak memory of the process, {len(dataset.frames)} frames | {peak:.2f} GiB (goal < 6) |"
    )
    print(f"| arithmetic | {work:.1f} GFLOP a sequence, {rate * work / 1e3:.3f} TFLOP/s |")
    if options.peak_tflops:
        print(f"| model FLOP utilisation | {rate * work / 1e3 / options.peak_tflops:.2%} |")
    print("\n" + json.dumps({"gigaflop_per_frame_forward": gigaflop_forward(config)}))


if __name__ == "__main__":
    main()

"""Prediction with ViT-B/16 against the same network run bare.

    PYTHONPATH=. python benchmarks/bench_predictor.py [--repeats 5]

The peer is a plain forward pass of timm's VisionTransformer over the same ten frames, already
cut and scaled: the work that no implementation can avoid. Ratios are taken within a round of all
steps and their median over the rounds is printed, so that a busy machine slows both sides
alike. Weights are random, which costs the same.
"""

import argparse
import resource
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from operator import truediv
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import astropy.units as u
import numpy as np
import torch
from astropy.time import Time

from hnn_core.magnetogram.magnetogram import Magnetogram
from hnn_core.magnetogram.preprocess import preprocess
from hnn_core.network.model import HNN, HNNConfig
from hnn_core.network.model_store import save_model
from hnn_core.network.predictor import Predictor
from hnn_core.regions.base import Region
from hnn_core.sources.sequence import Sequence

SHAPE = (377, 744)
"""Pixels of a patch: those of HARP 377."""

PEER, COLD = "bare timm forward (peer)", "cold sequence"
LIMITS = {
    PEER: "1",
    COLD: "≤ 1.1 × bare",
    "one hour on": "≤ 0.2 × cold",
    "same hour again": "",
    "prediction and rollout, cold": "≤ 1.25 × bare",
}
"""What is timed, in order, and what is asked of it."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    torch.manual_seed(0)
    with TemporaryDirectory() as folder:
        save_model(HNN(HNNConfig()), Path(folder) / "vit_base")
        predictor = Predictor.load(Path(folder) / "vit_base", "cpu")
    rounds = run(predictor, repeats)
    floor, cold = (median(seconds) for seconds in list(rounds.values())[:2])
    work = gigaflop(predictor.config)
    print(
        f"ViT-B/16, ten frames of {SHAPE[0]}×{SHAPE[1]} pixels, {predictor.device}, "
        f"torch {torch.__version__}, median of {repeats}\n"
    )
    print("| what | seconds | × bare forward | × cold | limit |")
    print("|---|---|---|---|---|")
    for name, seconds in rounds.items():
        ratios = (median(map(truediv, seconds, rounds[peer])) for peer in (PEER, COLD))
        columns = " | ".join(f"{ratio:.3f}" for ratio in ratios)
        print(f"| {name} | {median(seconds):.3f} | {columns} | {LIMITS[name]} |")
    print(
        f"\nArithmetic floor: {work:.0f} GFLOP for ten frames (two per multiply-add, counted "
        f"from the matrix shapes); the bare forward runs at {work / floor:.0f} GFLOP/s."
    )
    print(f"Throughput: {10 / cold:.2f} cold frames/s.")
    print(f"Peak memory of the process: {peak_memory():.0f} MiB.")


def run(predictor: Predictor, repeats: int) -> dict[str, list[float]]:
    """Seconds of each step in each round."""
    generator = np.random.default_rng(0)
    vit = predictor.model.vit
    times: dict[str, list[float]] = {name: [] for name in LIMITS}
    # The first round pays for allocations and library set-up and is left out.
    for count in range(-1, repeats):
        first, third = sequence(generator), sequence(generator)
        second = replace(first, frames=(*first.frames[1:], fresh_frame(generator, first.frames[0])))
        images = [preprocess(f.field, predictor.preprocess_config)[0] for f in first.frames]
        batch = torch.from_numpy(np.stack(images))[:, None]
        steps: list[Callable[[], object]] = [
            partial(bare, vit, batch),
            partial(predictor.predict, first),
            partial(predictor.predict, second),
            partial(predictor.predict, second),
            partial(predict_and_roll_out, predictor, third),
        ]
        seconds = [stopwatch(step) for step in steps]
        # The peer runs at both ends of the round, lest a drift be taken for a difference.
        seconds[0] = 0.5 * (seconds[0] + stopwatch(steps[0]))
        if count >= 0:
            for name, value in zip(LIMITS, seconds, strict=True):
                times[name].append(value)
    return times


def stopwatch(step: Callable[[], object]) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def predict_and_roll_out(predictor: Predictor, sequence: Sequence) -> np.ndarray:
    predictor.predict(sequence, with_rollout=True)
    return predictor.rollout(sequence)


def bare(vit: torch.nn.Module, batch: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return vit(batch)


def gigaflop(config: HNNConfig, frames: int = 10) -> float:
    """Matrix work of the vision transformer, two operations per multiply-add."""
    tokens, width = config.grid**2 + 1, config.width
    patches = config.grid**2 * config.patch**2 * width
    projections = tokens * width * width * (4 + 2 * config.mlp_ratio)
    attention = 2 * tokens * tokens * width
    return 2e-9 * frames * (patches + config.depth * (projections + attention))


def peak_memory() -> float:
    """Largest resident size so far, MiB (Linux counts in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def fresh_frame(generator: np.random.Generator, like: Magnetogram) -> Magnetogram:
    return replace(like, field=generator.normal(0.0, 200.0, SHAPE).astype(np.float32))


def sequence(generator: np.random.Generator) -> Sequence:
    """Ten hours of noise: what the pixels hold does not change the cost."""
    hours = Time("2011-02-15T00:00:00", scale="tai") + np.arange(10) * u.hour
    frames = tuple(
        Magnetogram(
            field=generator.normal(0.0, 200.0, SHAPE).astype(np.float32),
            t_rec=hour,
            harp=377,
            noaa=(11158,),
            pixel_area=1.328e15 * u.cm**2,
            quality=0,
            longitude=0.0 * u.deg,
            latitude=-20.0 * u.deg,
        )
        for hour in hours
    )
    region = Region("377", 377, (11158,), hours[0], hours[-1], 10)
    return Sequence(region, hours, frames, (False,) * 10, (False,) * 10)


if __name__ == "__main__":
    main()

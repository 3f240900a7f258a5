"""Explanations of one sequence against a bare forward pass of the same ten frames.

    PYTHONPATH=. python benchmarks/bench_explanation.py [--repeats 5] [--slow]

The peer is the network's own forward pass over ten frames that are cut and scaled already. The
shipped demo model and an untrained ViT-B/16 are timed; ratios are taken within a round and their
median is printed. Occlusion and faithfulness are timed for the demo model, with their numbers of
frames and, in frames, what each would take for ViT-B/16; ``--slow`` runs them over all hours.
"""

import argparse
import resource
import time
from collections.abc import Callable
from functools import partial
from operator import truediv
from statistics import median

import numpy as np
import torch
from torch import Tensor

from hnn_core.explanation.faithfulness import faithfulness
from hnn_core.explanation.hours import frame_deletion, gradient_map, integrated_gradients
from hnn_core.explanation.occlusion import occlusion
from hnn_core.explanation.relevance import relevance
from hnn_core.explanation.rollout import rollout_maps, token_norms
from hnn_core.explanation.work import Pace, Work
from hnn_core.network.model import HNN, HNNConfig
from hnn_core.network.predictor import Predictor

FRAMES = 10
LIMITS = {"relevance": "≤ 3.5"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--slow", action="store_true", help="occlusion and checks of all hours")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    images = torch.rand(FRAMES, 1, 224, 224) - 0.5
    demo = Predictor.load("demo", "cpu").model
    print(f"Ten frames, {torch.get_num_threads()} threads, torch {torch.__version__}\n")
    print("| model | what | seconds | × bare forward | limit | peak MiB |")
    print("|---|---|---|---|---|---|")
    for name, model in {"demo": demo, "ViT-B/16": HNN(HNNConfig()).eval()}.items():
        table(name, model, images, arguments.repeats)
    print("\n| model | what | frames passed | seconds | frames/s | × bare forward a frame |")
    print("|---|---|---|---|---|---|")
    forward = stopwatch(partial(bare, demo, images)) / FRAMES
    long_work(demo, images, "all" if arguments.slow else "last", forward)


def table(name: str, model: HNN, images: Tensor, repeats: int) -> None:
    steps: dict[str, Callable[[], object]] = {
        "bare forward (peer)": partial(bare, model, images),
        "rollout": partial(rollout_maps, model, images),
        "relevance": partial(relevance, model, images),
        "relevance, 5 frames' graph at a time": partial(relevance, model, images, batch=5),
        "gradient": partial(gradient_map, model, images),
        "frame deletion": partial(frame_deletion, model, images),
        "integrated gradients": partial(integrated_gradients, model, images),
        "token norms": partial(token_norms, model, images),
    }
    peer = next(iter(steps))
    times: dict[str, list[float]] = {step: [] for step in steps}
    peaks = {}
    # The first round pays for allocations and library set-up and is left out.
    for count in range(-1, repeats):
        for step, run in steps.items():
            # The peer runs anew beside each step, lest a drift be taken for a difference.
            before = stopwatch(steps[peer])
            seconds = stopwatch(run)
            around = 0.5 * (before + stopwatch(steps[peer]))
            peaks.setdefault(step, peak_memory())
            if count >= 0:
                times[step].append(seconds)
                times.setdefault(f"{peer} beside {step}", []).append(around)
    for step in steps:
        ratio = median(map(truediv, times[step], times[f"{peer} beside {step}"]))
        seconds = median(times[step])
        limit = LIMITS.get(step, "")
        print(f"| {name} | {step} | {seconds:.3f} | {ratio:.2f} | {limit} | {peaks[step]:.0f} |")


def long_work(model: HNN, images: Tensor, hours: str, forward: float) -> None:
    maps = relevance(model, images).values
    steps: dict[str, Callable[[Work], object]] = {
        f"occlusion, 2×2 tokens, hours {hours}": lambda work: occlusion(
            model, images, hours=hours, work=work
        ),
        f"faithfulness, 20 draws, 2 fills, hours {hours}": lambda work: faithfulness(
            model, images, {"map": maps}, targets={"map": "eruptive"}, hours=hours, work=work
        ),
    }
    for step, run in steps.items():
        guesses: list[tuple[float, float]] = []
        work = Work(partial(note, guesses, Pace()))
        start = time.perf_counter()
        run(work)
        seconds = time.perf_counter() - start
        a_frame = seconds / work.done
        print(
            f"| demo | {step} | {work.done} | {seconds:.1f} | {1 / a_frame:.0f} | "
            f"{a_frame / forward:.2f} |"
        )
        share, left = min(guesses, key=lambda guess: abs(guess[0] - 0.25))
        print(f"\nTime left, told at {share:.0%} of it: {left:.1f} s of {seconds:.1f} s.\n")
    print(f"Peak memory of the process: {peak_memory():.0f} MiB.")


def note(guesses: list[tuple[float, float]], pace: Pace, done: int, total: int) -> None:
    pace(done, total)
    if not np.isnan(pace.seconds_left):
        guesses.append((pace.done / pace.total, pace.seconds_left))


def bare(model: HNN, images: Tensor) -> Tensor:
    with torch.inference_mode():
        return model(images[None])


def stopwatch(step: Callable[[], object]) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def peak_memory() -> float:
    """Largest resident size so far, MiB (Linux counts in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()

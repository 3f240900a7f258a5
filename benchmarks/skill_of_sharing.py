"""Does it cost skill that a batch takes hours of a region together? Folds, drawn both ways.

    PYTHONPATH=. python benchmarks/skill_of_sharing.py --dataset sim-800 \
        --pretrained vit-flux.safetensors --freeze-vit [--epochs 10 --seeds 0 1 2]

Loss and gradient of a given batch are the same, shared or not
(tests/hnn_core/training/test_batches.py); what differs is which sequences make a batch. The peer
draws each alone (run_hours 1), as the paper does; ours takes runs of eight hours. Same folds,
seeds, epochs and everything else; a seed is another split and other first weights. Runs are kept in
HNN_HOME and not trained again.
"""

import argparse
from itertools import product

import numpy as np

from hnn_core.exceptions import UnknownRunError
from hnn_core.training.assemble import read_material
from hnn_core.training.config import TrainConfig
from hnn_core.training.fit import train_run
from hnn_core.training.progress import EventLog
from hnn_core.training.run_folder import RunFolder, create_run, find_run

PEER, OURS = 1, 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--pretrained", default="none")
    parser.add_argument("--freeze-vit", action="store_true")
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    options = parser.parse_args()
    config = TrainConfig(
        dataset=options.dataset, pretrained=options.pretrained, freeze_vit=options.freeze_vit,
        width=options.width, epochs=options.epochs, learning_rate=options.learning_rate,
        precision="bf16", accelerator="cpu",
    )  # fmt: skip
    name = f"sharing-{options.epochs}x{options.learning_rate:g}"
    material = None
    skill: dict[int, list[float]] = {PEER: [], OURS: []}
    print("| seed | fold | sequences alone (peer) | runs of 8 hours |\n|---|---|---|---|")
    for seed, fold in product(options.seeds, range(1, options.folds + 1)):
        for hours, scores in skill.items():
            member = config.changed(seed=seed, fold=fold, run_hours=hours)
            run = _run(f"{name}-run{hours}-seed{seed}-fold{fold}", member)
            if not run.has_predictions:
                material = material or read_material(member, EventLog(run.path / "metrics.jsonl"))
                train_run(run, material)
            scores.append(run.scores()["rows"][0]["tss"])
        print(f"| {seed} | {fold} | {skill[PEER][-1]:.3f} | {skill[OURS][-1]:.3f} |", flush=True)
    means = [np.mean(scores) for scores in skill.values()]
    difference = np.subtract(skill[OURS], skill[PEER])
    error = difference.std(ddof=1) / np.sqrt(len(difference))
    print(f"| | mean | {means[0]:.3f} | {means[1]:.3f} |")
    print(f"\nTest TSS, runs less alone: {difference.mean():+.3f} ± {error:.3f} (standard error).")


def _run(name: str, config: TrainConfig) -> RunFolder:
    try:
        return find_run(name)
    except UnknownRunError:
        return create_run("train", config, name)


if __name__ == "__main__":
    main()

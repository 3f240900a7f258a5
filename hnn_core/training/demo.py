"""Train the demo model that ships with the program, on simulated regions.

Run ``python -m hnn_core.training.demo --out assets/models``. It was made to fit two CPU
cores, where the paper's protocol from scratch would take days, in two steps:

1. The vision transformer learns to read flux (`hnn_core.training.flux_reading`); this stands
   where the paper starts from ImageNet.
2. The classifier (LSTM and linear layer) is trained with the paper's loss on the embeddings
   of the transformer, which stays as it is.

The baseline without LSTM has the same transformer and goes through the same second step.
"""

import argparse
import json
import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from hnn_core import __version__
from hnn_core.model import HNN, HNNConfig
from hnn_core.model_store import save_model
from hnn_core.preprocess import PreprocessConfig, preprocess
from hnn_core.render import render
from hnn_core.simulate import Population
from hnn_core.training.flux_reading import augment, read_flux
from hnn_core.training.losses import focal_loss
from hnn_core.training.metrics import region_interval, skill_scores

__all__ = ["main"]

log = logging.getLogger(__name__)

M = 10
LABELLED = 24
RUN = LABELLED + M - 1
"""Hours of a region that are used: the last day before the flare and the nine hours before."""
MODELS = {"demo": True, "vit-baseline": False}
"""Name and whether it has the LSTM."""
SPLITS = {"train": (1, 800), "validation": (3, 60), "test": (2, 200)}
"""Seed and number of regions. Seed 0 is what the program shows; nobody trains on it."""
FLUX_REGIONS = 400
"""The first of the training set, enough for step 1."""


class _Runs(Dataset[tuple[np.ndarray, int]]):
    """Preprocessed frames (RUN, 224, 224) half precision and class of simulated regions."""

    def __init__(self, seed: int, n_regions: int) -> None:
        self.population, self.n_regions = Population(seed), n_regions

    def __len__(self) -> int:
        return self.n_regions

    def __getitem__(self, item: int) -> tuple[np.ndarray, int]:
        region = self.population.region(item + 1)
        last = int(np.ceil(region.flare_hour)) - 1
        frames = [
            preprocess(render(region, hour).field, PreprocessConfig())[0].astype(np.float16)
            for hour in range(last - RUN + 1, last + 1)
        ]
        return np.stack(frames), int(region.eruptive)


def _load_split(split: str, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Frames (regions, RUN, 224, 224) float16, memory-mapped, and classes (regions,)."""
    seed, n_regions = SPLITS[split]
    path = folder / f"{split}-{seed}-{n_regions}.npy"
    runs = _Runs(seed, n_regions)
    classes = np.array([runs.population.region(i + 1).eruptive for i in range(n_regions)], int)
    if not path.exists():
        partial = path.with_suffix(".part")
        frames = np.lib.format.open_memmap(
            partial, mode="w+", dtype=np.float16, shape=(n_regions, RUN, 224, 224)
        )
        for i, (run, _) in enumerate(DataLoader(runs, batch_size=None, num_workers=2)):
            frames[i] = run
        frames.flush()
        partial.rename(path)
        log.info("rendered %s: %d regions", split, n_regions)
    return np.load(path, mmap_mode="r"), classes


def embed_runs(model: HNN, frames: np.ndarray, rng: np.random.Generator | None) -> Tensor:
    """Embeddings (regions, RUN, D), augmented when a generator is given."""
    model.eval()
    out = []
    with torch.inference_mode():
        for run in frames:
            images = torch.tensor(run, dtype=torch.float32)
            if rng is not None:
                images = augment(images, rng)
            out.append(model.embed(images[:, None]))
    return torch.stack(out).clone()


def _windows(embeddings: Tensor) -> Tensor:
    """(R, RUN, D) -> (R * LABELLED, M, D), a view of every sequence of every run."""
    return embeddings.unfold(1, M, 1).transpose(2, 3).flatten(0, 1)


def fit_head(model: HNN, embeddings: Tensor, classes: Tensor, *, steps: int) -> None:
    """Step 2: train LSTM and classifier on frozen embeddings (regions, RUN, D)."""
    generator = torch.Generator().manual_seed(0)
    head = [p for name, p in model.named_parameters() if not name.startswith("vit.")]
    optimizer = torch.optim.Adam(head, lr=1e-3, weight_decay=1e-5)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, steps)
    for _ in range(steps):
        rows = torch.randint(len(classes), (32,), generator=generator)
        starts = torch.randint(LABELLED, (32,), generator=generator)
        hours = starts[:, None] + torch.arange(M)  # (32, M)
        loss = focal_loss(model.head(embeddings[rows[:, None], hours]), classes[rows])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(head, 1.0)
        optimizer.step()
        schedule.step()


def evaluate(model: HNN, embeddings: Tensor, classes: np.ndarray) -> dict[str, float | list[float]]:
    """Scores over all labelled hours of regions, from their embeddings (regions, RUN, D)."""
    with torch.inference_mode():
        logits = model.eval().head(_windows(embeddings))
    said = (torch.sigmoid(logits) >= model.config.threshold).numpy()
    truth = np.repeat(classes, LABELLED)
    scores: dict[str, float | list[float]] = dict(skill_scores(truth, said))
    regions = np.repeat(np.arange(len(classes)), LABELLED)
    scores["tss_95"] = list(region_interval(truth, said, regions))
    return scores


def main(argv: list[str] | None = None) -> None:
    """Train and save the demo model and its baseline."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("assets/models"))
    parser.add_argument("--work", type=Path, required=True, help="folder for rendered frames")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--flux-steps", type=int, default=1600)
    parser.add_argument("--head-steps", type=int, default=6000)
    parser.add_argument("--n-keep", type=int, default=80, help="tokens kept while learning")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    options.work.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    data = {split: _load_split(split, options.work) for split in SPLITS}

    for name, temporal in MODELS.items():
        torch.manual_seed(options.seed)
        model = HNN(HNNConfig.compact(flare_class="M", temporal=temporal))
        _start_from_flux(model, data["train"][0], options)
        embeddings = _embedded_once(model, "train", data["train"][0], options)
        fit_head(model, embeddings, torch.tensor(data["train"][1]), steps=options.head_steps)
        model.half().float()  # the test is of the weights as they are shipped
        scores = {}
        for split in ("validation", "test"):
            frames, classes = data[split]
            embeddings = _embedded_once(model, split, frames, options)
            scores[split] = evaluate(model, embeddings, classes)
            log.info("%s, %s: %s", name, split, json.dumps(scores[split]))
        card = _card(name, scores, options)
        save_model(
            model, options.out / name, dtype=torch.float16, metadata=card, card=_readme(card)
        )


def _start_from_flux(model: HNN, frames: np.ndarray, options: argparse.Namespace) -> None:
    """Load the transformer of step 1, or train and keep it; an interrupted run goes on."""
    path = options.work / f"vit-{options.seed}-{options.flux_steps}.safetensors"
    if not path.exists():
        read_flux(
            model, frames[:FLUX_REGIONS], steps=options.flux_steps, n_keep=options.n_keep,
            seed=options.seed,
        )  # fmt: skip
        partial = path.with_suffix(".part")
        save_file(model.vit.state_dict(), partial)
        partial.rename(path)
    model.vit.load_state_dict(load_file(path))


def _embedded_once(
    model: HNN, split: str, frames: np.ndarray, options: argparse.Namespace
) -> Tensor:
    """Embeddings (regions, RUN, D) of a split, kept for the second model; training is augmented."""
    name = f"embeddings-{split}-{options.seed}-{options.flux_steps}-{len(frames)}.safetensors"
    path = options.work / name
    if not path.exists():
        rng = np.random.default_rng([options.seed, 9]) if split == "train" else None
        partial = path.with_suffix(".part")
        save_file({"embeddings": embed_runs(model, frames, rng)}, partial)
        partial.rename(path)
        log.info("embedded %s", split)
    return load_file(path)["embeddings"]


def _card(
    name: str, scores: dict[str, dict[str, float | list[float]]], options: argparse.Namespace
) -> dict[str, Any]:
    """Write what the program repeats beside a probability, and how to make the model again."""
    train, test = SPLITS["train"], SPLITS["test"]
    return {
        "trained_on": "simulated active regions only",
        "caution": (
            "Trained on simulated active regions only: on a real region its probability shows "
            "how the program works and forecasts nothing."
        ),
        "test_set": f"{test[1]} simulated regions (seed {test[0]}) not used in training",
        "test": scores["test"],
        "validation": scores["validation"],
        "training_set": f"{train[1]} simulated regions (seed {train[0]}), {LABELLED} h each",
        "pretraining": "the transformer learned to read unsigned, signed and PIL flux, and then "
        "stayed as it was",
        "population": {k: v for k, v in asdict(Population()).items() if k != "seed"},
        "script": f"python -m hnn_core.training.demo --seed {options.seed} "
        f"--flux-steps {options.flux_steps} --head-steps {options.head_steps} "
        f"--n-keep {options.n_keep}",
        "seeds": {"training": options.seed} | {split: seed for split, (seed, _) in SPLITS.items()},
        "machine": f"CPU, torch {torch.__version__}",
        "software": f"hnn_core {__version__}",
        "kind": "HNN (ViT + LSTM)" if name == "demo" else "baseline (ViT on the last hour)",
    }


def _readme(card: dict[str, Any]) -> str:
    """Model card for people, from the same facts."""
    test = card["test"]
    low, high = test["tss_95"]
    lines = [
        f"# {card['kind']}, {card['trained_on']}",
        card["caution"],
        "## Test",
        f"On {card['test_set']}: TSS {test['tss']:.3f} (95 % interval {low:.3f} to {high:.3f}, "
        f"regions resampled), recall {test['recall']:.3f}, precision {test['precision']:.3f}, "
        f"accuracy {test['accuracy']:.3f}, HSS {test['hss']:.3f}; "
        f"{test['tp']} hits, {test['fn']} misses, {test['fp']} false alarms, {test['tn']} correct "
        "negatives, counted by hours of the last day before each region's flare.",
        "## Training",
        f"{card['training_set']}; first, {card['pretraining']}, so where it attends is not "
        "independent of inversion lines. The paper's protocol (ImageNet start, 40 epochs) was "
        f"not followed. To make it again: `{card['script']}` ({card['machine']}).",
        "## Simulated regions",
        "By `hnn_core.simulate`, population "
        + ", ".join(f"{name} {value}" for name, value in card["population"].items())
        + ". A perfect measurement of the cancellation efficiency would reach TSS "
        f"{1 - card['population']['overlap']:.2f}.",
    ]
    return "\n\n".join(lines) + "\n"


if __name__ == "__main__":
    main()

"""Make the models and runs that ship with the program, on simulated regions.

    python -m hnn_core.demo.make --work DIR --out assets

It fits two CPU cores, where the paper's protocol from scratch would take days, and it goes through
the commands that a user has:

1. a vision transformer learns to read flux, without labels (`hnn_core.demo.flux_reading`);
   this stands where the paper starts from ImageNet;
2. ``data build`` makes a labelled data set of simulated regions that step 1 has not seen;
3. ``train --freeze-vit`` trains LSTM and classifier with the paper's loss, for the HNN and for the
   baseline; ``crossval`` does so on five folds;
4. weights are rounded to half precision, the test set is predicted with them as they will be
   used, and what the pages need is copied.

Interrupted, it resumes where it was.
"""

import argparse
import contextlib
import os
import shutil
import sys
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from hnn_core.__main__ import main as command
from hnn_core.demo import flux_reading
from hnn_core.live.reporting import complain
from hnn_core.network.model_store import load_model, save_model
from hnn_core.training.evaluate import evaluate_run
from hnn_core.training.fit import save_tested
from hnn_core.training.run_folder import RunFolder, find_run

__all__ = ["CROSSVAL", "DATASET", "RUNS", "SOURCE_SEED", "main"]

SOURCE_SEED = 1
"""Seed 0 is what the program shows and 4 what the transformer read; nobody is trained on them."""
DATASET = "sim-800"
RUNS = {"demo": "--temporal", "vit-baseline": "--baseline"}
CROSSVAL = "demo-crossval"
_SHIPPED_FILES = ("config.json", "environment.json", "metrics.jsonl", "status.json")


def main(argv: list[str] | None = None) -> int:
    """Make everything that ships, or resume it; return an exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("assets"))
    parser.add_argument("--work", type=Path, required=True, help="folder for data and runs")
    parser.add_argument("--regions", type=int, default=800)
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--flux-steps", type=int, default=1600)
    parser.add_argument("--flux-regions", type=int, default=flux_reading.REGIONS)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--workers", type=int, default=0, help="that render; 0: one a core")
    options = parser.parse_args(argv)
    options.work.mkdir(parents=True, exist_ok=True)
    out = options.out.absolute()
    before = os.environ.get("HNN_HOME")
    # Names, not paths of this machine, shall stand in the configurations.
    os.environ["HNN_HOME"] = "home"
    try:
        with contextlib.chdir(options.work), FileLock("make.lock", timeout=0):
            return _make(options, out)
    except Timeout:
        complain(f"Another process makes the models in {options.work}; wait for it.")
        return 2
    finally:
        os.environ.pop("HNN_HOME")
        if before is not None:
            os.environ["HNN_HOME"] = before


def _make(options: argparse.Namespace, out: Path) -> int:
    vit = Path("vit-flux.safetensors")
    if not vit.exists():
        words = {"steps": "flux_steps", "regions": "flux_regions", "width": "width"}
        given = [f"--{word}={getattr(options, name)}" for word, name in words.items()]
        flux_reading.main([f"--out={vit}", *given])
    source = f"sim:{SOURCE_SEED}:{options.regions}"
    if not Path("home/datasets", DATASET).is_dir():
        workers = f"--workers={options.workers}"
        _do("data", "build", "--source", source, "--out", DATASET, workers)
    # Embeddings are there already, so that sharing frames would save nothing and cost skill.
    settings = [
        f"--dataset={DATASET}", "--class=M", f"--pretrained={vit}", "--freeze-vit",
        f"--width={options.width}", "--symmetries", "--learning-rate=0.001", "--run-hours=1",
        f"--epochs={options.epochs}", "--precision=bf16", "--accelerator=cpu",
    ]  # fmt: skip
    for name, variant in RUNS.items():
        _do_run("train", name, *settings, variant)
        if not (out / "models" / name).is_dir():
            _ship_model(find_run(name), out)
    _do_run("crossval", CROSSVAL, *settings)
    _ship_run(find_run(CROSSVAL), out)
    return 0


def _do_run(kind: str, name: str, *settings: str) -> None:
    """Start a run, or resume it; one that is finished is left alone, a stopped one ends all."""
    folder = Path("home/runs", name)
    if not folder.is_dir():
        _do(kind, f"--name={name}", *settings)
    elif RunFolder(folder).status.state != "finished":
        _do(kind, "--run", name)
    if RunFolder(folder).status.state != "finished":
        sys.exit(1)


def _do(*words: str) -> None:
    code = command(list(words))
    if code:
        sys.exit(code)


def _ship_model(run: RunFolder, out: Path) -> None:
    """Round the weights, predict the test set with them, write model and run."""
    model, info = load_model(run.model_folder)
    save_model(model.half().float(), run.model_folder, metadata=info.metadata)
    row = evaluate_run(run)[1]["rows"][0]
    save_tested(model, out / "models" / run.name, info, row, dtype=torch.float16)
    _ship_run(run, out)


def _ship_run(run: RunFolder, out: Path) -> None:
    folder = out / "runs" / run.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in (*_SHIPPED_FILES, "scores.json", "predictions.parquet"):
        if (run.path / name).is_file():
            shutil.copyfile(run.path / name, folder / name)


if __name__ == "__main__":
    sys.exit(main())

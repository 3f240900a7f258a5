"""``python -m hnn_core train|crossval|sweep|evaluate``: every setting is an option."""

import inspect
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from hnn_core.exceptions import ModelError, TrainingError
from hnn_core.jobs.jobs import effective_state
from hnn_core.live.reporting import INTERRUPTED, JsonOption, echo_json, note_home
from hnn_core.scores import interval_words
from hnn_core.storage import replacing, typed_path
from hnn_core.training.config import FIELD_HELP, TrainConfig
from hnn_core.training.run_folder import RunFolder, create_run, find_run, list_runs

__all__ = ["add_commands"]

NameOption = Annotated[str, typer.Option(help="Name of the new run; made up if not given.")]
RunOption = Annotated[str, typer.Option(help="Resume this run, by name or folder.")]

_SHOWN = ("tss", "hss", "recall", "precision", "accuracy", "tp", "fp", "tn", "fn")
_FLAGS = {
    "flare_class": "--class",
    "temporal": "--temporal/--baseline",
    "freeze_vit": "--freeze-vit/--train-vit",
    "symmetries": "--symmetries/--no-symmetries",
    "recompute": "--recompute/--no-recompute",
}


def add_commands(app: typer.Typer) -> None:
    """Add the commands to the program's."""
    for kind, text in (
        ("train", "Train a network, or resume a run that stopped."),
        ("crossval", "Train HNN and baseline on every fold of a data set."),
    ):
        app.command(kind, help=text)(_with_settings(_starter(kind)))
    app.command("sweep", help="Train a network for each point of a grid of settings.")(
        _with_settings(_sweep)
    )
    app.command("evaluate")(evaluate)
    app.command("runs")(runs)


def evaluate(
    run: Annotated[str, typer.Option(help="Run whose best model predicts its test set.")] = "",
    model: Annotated[str, typer.Option(help="Or a model by name, folder or hub id,")] = "",
    dataset: Annotated[str, typer.Option(help="on all sequences of this data set.")] = "",
    out: Annotated[str, typer.Option(help="Write the predictions to this .parquet file.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Score a run's best model on its test set, or any model on any data set."""
    if bool(run) == bool(model) or bool(model) != bool(dataset):
        raise typer.BadParameter("Give --run, or --model and --dataset together.")
    from hnn_core.training.evaluate import evaluate_model, evaluate_run

    table, scores = evaluate_run(find_run(run)) if run else evaluate_model(model, dataset)
    if out:
        with replacing(Path(out)) as draft:
            table.to_parquet(draft, index=False)
    if as_json:
        echo_json(scores)
        return
    for row in scores["rows"]:
        numbers = ", ".join(f"{key} {_number(row[key])}" for key in _SHOWN)
        span = interval_words(*(math.nan if end is None else end for end in row["tss_95"]))
        typer.echo(f"{row['model']} fold {row['fold']}: {numbers}; 95 % interval of tss: {span}")


def runs(as_json: JsonOption = False) -> None:
    """List the runs that are here, and what became of them."""
    found, skipped = list_runs()
    if as_json:
        echo_json(
            [
                *(
                    {
                        "name": r.name,
                        "kind": r.kind,
                        "folder": str(r.path),
                        **vars(effective_state(r)),
                    }
                    for r in found
                ),
                *(
                    {
                        "name": Path(one.path).name,
                        "kind": "",
                        "folder": one.path,
                        "state": "broken",
                        "message": one.reason,
                        "time": "",
                    }
                    for one in skipped
                ),
            ]
        )
        return
    for one in found:
        status = effective_state(one)
        typer.echo(f"{one.name:<32} {one.kind:<9} {status.state:<11} {status.message}".rstrip())
    for folder in skipped:
        typer.echo(f"{Path(folder.path).name:<32} {'':<9} {'broken':<11} {folder.reason}")
    note_home()


def _starter(kind: str) -> Callable[..., None]:
    def start(name: NameOption = "", run: RunOption = "", **settings: Any) -> None:
        _perform(find_run(run) if run else _create(kind, _config(settings), name), kind)

    return start


def _sweep(
    grid: Annotated[
        list[str] | None,
        typer.Option(
            help="Setting and values, as frames=6,8,10, or a setting alone for the paper's; "
            "repeatable."
        ),
    ] = None,
    name: NameOption = "",
    run: RunOption = "",
    **settings: Any,
) -> None:
    if run:
        _perform(find_run(run), "sweep")
        return
    from hnn_core.training.perform import grid_points

    config = _config(settings)
    values = dict(_grid_values(text) for text in grid or [])
    grid_points(config, values)  # every point is possible, before the first is trained
    _perform(_create("sweep", config, name, grid=values), "sweep")


def _grid_values(text: str) -> tuple[str, list[Any]]:
    from hnn_core.training.perform import PAPER_GRIDS

    setting, equals, values = text.partition("=")
    setting = setting.strip().replace("-", "_")
    if not equals and setting in PAPER_GRIDS:
        return setting, PAPER_GRIDS[setting]
    if not values:
        raise typer.BadParameter(
            f"--grid {text!r} is not like frames=6,8,10, nor one of {', '.join(PAPER_GRIDS)}."
        )

    def read(value: str) -> Any:
        try:
            return json.loads(value)
        except ValueError:
            return value

    return setting, [read(value.strip()) for value in values.split(",")]


def _perform(run: RunFolder, kind: str) -> None:
    if run.kind != kind:
        raise TrainingError(f"{run.name} is of kind {run.kind}: use `{run.kind} --run`.")
    # Helpers of a distributed training start with this same command line.
    sys.argv[1:] = [kind, "--run", str(run.path)]
    typer.echo(f"run {run.path}")
    from hnn_core.training.perform import perform

    ended = perform(run, lambda text: typer.echo(text, err=True))
    typer.echo(f"{run.name}: {ended}")
    if ended == "stopped":
        raise typer.Exit(INTERRUPTED)


def _config(settings: dict[str, Any]) -> TrainConfig:
    given = {name: value for name, value in settings.items() if value is not None}
    if "dataset" not in given:
        raise typer.BadParameter("Give --dataset, or --run to resume a run.")
    return TrainConfig(**given)


def _create(kind: str, config: TrainConfig, name: str, **more: Any) -> RunFolder:
    """Make the folder of a new run, unless it could only fail."""
    from hnn_core.dataset.card import find_dataset, read_card

    if kind != "train":
        from hnn_core.training.perform import check_one_device

        check_one_device(kind, config)
    read_card(find_dataset(config.dataset))
    weights = config.pretrained
    if weights not in ("hub", "none") and not typed_path(weights).is_file():
        raise ModelError(
            f"There is no file {weights} of pretrained weights; give hub, none, or the path of a "
            "timm ViT .safetensors file."
        )
    return create_run(kind, config, name, **more)


def _with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for every field of `TrainConfig`; typer reads the signature."""
    parameters = [
        p for p in inspect.signature(command).parameters.values() if p.kind != p.VAR_KEYWORD
    ]
    for name, field in TrainConfig.model_fields.items():
        kind: Any = field.annotation if field.annotation in (bool, int, float) else str
        default = "" if field.is_required() else f" Default: {field.default}."
        flags = [_FLAGS[name]] if name in _FLAGS else []
        option = typer.Option(*flags, help=FIELD_HELP[name] + default, show_default=False)
        annotation = Annotated[kind | None, option]
        parameters.append(
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation
            )
        )
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return command


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}".removesuffix(".000")

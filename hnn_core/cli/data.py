"""``python -m hnn_core data build|verify|list``: data sets made, checked and listed."""

import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated, Any

import typer

from hnn_core.live.reporting import counted, reporting

__all__ = ["app"]

_SUMMARY = (
    "source", "policy", "simulated", "hours", "regions", "groups", "frames", "sequences", "counts",
    "paper_table1", "excluded", "sha256",
)  # fmt: skip
"""What of a data set's card is written as JSON."""

app = typer.Typer(
    help="Fetch magnetograms, flares and CMEs; build, check and list data sets.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON, one object a line.")]


@app.command()
def build(
    out: Annotated[str, typer.Option(help="Folder, or a bare name: one of the program's own.")],
    source: Annotated[
        str,
        typer.Option(help="sim:SEED:NUMBER (simulated regions) or fits:FOLDER (SHARP files)."),
    ] = "",
    flare_class: Annotated[
        str,
        typer.Option(
            "--class", help="M5.0, M or C: fetch all that is needed, instead of --source."
        ),
    ] = "",
    start: Annotated[str, typer.Option(help="With --class: first day, 2010-05-01.")] = "2010-05-01",
    end: Annotated[str, typer.Option(help="With --class: last day, 2022-12-31.")] = "2022-12-31",
    plan: Annotated[
        bool, typer.Option("--plan", help="With --class: only show what it costs.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="With --class: ask the catalogues and plan anew.")
    ] = False,
    allow_missing: Annotated[
        bool,
        typer.Option("--allow-missing", help="With --class: do without files that do not come."),
    ] = False,
    flares: Annotated[
        Path | None, typer.Option(help="CSV table of flares; the source's own by default.")
    ] = None,
    policy: Annotated[
        str, typer.Option(help="unlinked-is-confined (the paper's) or strict.")
    ] = "unlinked-is-confined",
    hours: Annotated[int, typer.Option(help="Longest sequence to store, 10 to 18.")] = 10,
    workers: Annotated[int, typer.Option(help="Processes that read; 0: one a core.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Build a data set of labelled sequences, or resume a build that was stopped."""
    if workers < 0:
        raise typer.BadParameter(f"--workers {workers} is not a number of processes.")
    if bool(source) == bool(flare_class):
        raise typer.BadParameter("give either --source or --class.")
    if flare_class and flares is not None:
        raise typer.BadParameter("--flares goes with --source; --class takes the catalogue.")
    options: dict[str, Any] = {"policy": policy, "workers": workers or None}
    if flare_class:
        options |= {"only_plan": plan, "again": again, "allow_missing": allow_missing}
        _build_class(flare_class, (start, end), out, hours, **options, as_json=as_json)
    else:
        _build_source(source, out, {**options, "hours": hours, "flares": flares}, as_json=as_json)


@app.command()
def verify(
    dataset: Annotated[
        str, typer.Argument(help="Name or folder of a data set; everything here if not given.")
    ] = "",
    remove_damaged: Annotated[
        bool, typer.Option("--remove-damaged", help="So that the next fetch brings them again.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Read everything once more: files, replies, rows; or every frame of one data set."""
    if not dataset:
        _verify_everything(remove_damaged=remove_damaged, as_json=as_json)
        return
    from hnn_core.dataset.card import find_dataset
    from hnn_core.dataset.stored import StoredDataset

    opened = StoredDataset.open(find_dataset(dataset))
    opened.verify()
    if as_json:
        _echo_json({"folder": str(opened.folder), "sound": True, **_summary(opened.card)})
    else:
        typer.echo(
            f"{opened.name} is sound: {len(opened.frames)} frames, {len(opened.sequences)} "
            f"labelled sequences, sha256 {opened.sha256}"
        )


@app.command("list")
def list_command(as_json: JsonOption = False) -> None:
    """List the data sets in the program's folder."""
    from hnn_core.dataset.card import list_datasets

    found, skipped = list_datasets()
    for info in found:
        if as_json:
            _echo_json({"name": info.name, "folder": str(info.folder), **_summary(info.card)})
            continue
        counts = "  ".join(
            f"≥{name} {count['positive']}+{count['negative']}"
            for name, count in info.counts.items()
        )
        typer.echo(
            f"{info.name:<20} {info.card['regions']:>5} regions {info.card['frames']:>7} frames  "
            f"{counts}  {info.source}, {info.policy}"
        )
    if not found and not as_json:
        typer.echo("There is no data set yet; make one with data build.")
    for folder in skipped:
        typer.echo(f"skipped {folder.path}: {folder.reason}", err=True)


def _build_source(source: str, out: str, options: dict[str, Any], *, as_json: bool) -> None:
    from hnn_core.dataset.build import build_dataset
    from hnn_core.dataset.card import dataset_folder
    from hnn_core.live.reporting import Reporter, complain, report
    from hnn_core.sources import open_source

    with redirect_stdout(sys.stderr):  # whatever a library prints is not the answer
        folder = dataset_folder(out)
        opened = open_source(source)
        skipped = opened.skipped()
    reporter = Reporter(as_json=as_json)
    if skipped:
        complain(f"{len(skipped)} files skipped, the first: {skipped[0].reason}")
    try:
        dataset = build_dataset(
            opened,
            folder,
            progress=reporter.region,
            notes=complain if as_json else reporter.note,
            **options,
        )
    finally:
        reporter.close()
    if as_json:
        _echo_json({"event": "end", "folder": str(dataset.folder), **_summary(dataset.card)})
    else:
        typer.echo(report(dataset.name, dataset.folder, dataset.card))


def _summary(card: dict[str, Any]) -> dict[str, Any]:
    return {key: card[key] for key in _SUMMARY}


def _echo_json(values: dict[str, Any]) -> None:
    typer.echo(json.dumps(values, ensure_ascii=False, allow_nan=False))


def _build_class(
    flare_class: str,
    days: tuple[str, str],
    out: str,
    hours: int,
    *,
    policy: str,
    workers: int | None,
    only_plan: bool,
    again: bool,
    allow_missing: bool,
    as_json: bool,
) -> None:
    from hnn_core.dataset.build import check_options
    from hnn_core.dataset.card import dataset_folder
    from hnn_core.live import building
    from hnn_core.live.planning import estimate
    from hnn_core.live.reporting import report
    from hnn_core.regions.goes_classes import FLARE_CLASSES
    from hnn_core.regions.words import read_day
    from hnn_core.sources.planned import PlanRequest

    check_options(policy, hours)
    folder = dataset_folder(out)
    request = PlanRequest(flare_class, read_day(days[0]), read_day(days[1]), hours)
    with reporting("build", as_json=as_json) as reporter:
        plan = building.planned(request, reporter, again=again)
        cost, values = estimate(plan)
        reporter.plan(f"Plan for ≥{flare_class}: {cost}.", **values)
        for why, count in plan.excluded.items():
            reporter.excluded(counted(count, "flare"), why, count)
        if only_plan:
            reporter.end(f"Only planned: {cost}.", plan=True)
            return
        dataset = building.build_planned(
            plan,
            folder,
            reporter,
            policy=policy,
            workers=workers,
            allow_missing=allow_missing,
        )
        if flare_class != FLARE_CLASSES[-1]:
            reporter.note(
                f"Only the hours before flares of class ≥{flare_class} were fetched, so that the "
                "rows of weaker classes count what lies there, not all there is."
            )
        if not as_json:
            typer.echo(report(dataset.name, dataset.folder, dataset.card))
        counts = dataset.card["counts"][flare_class]
        reporter.end(
            f"{dataset.name}: {counts['positive']} positive and {counts['negative']} negative "
            f"frames of class ≥{flare_class} from {dataset.card['regions']} regions.",
            folder=str(dataset.folder),
            counts=dataset.card["counts"],
            paper_table1=dataset.card["paper_table1"],
            excluded_hours=dataset.card["excluded"],
            sha256=dataset.sha256,
        )


def _verify_everything(*, remove_damaged: bool, as_json: bool) -> None:
    """Check every file and row on this machine: ``data verify``."""
    from hnn_core.live.holdings import verify_all

    with reporting("verify", as_json=as_json) as reporter:
        reporter.end(verify_all(reporter, remove_damaged=remove_damaged), damaged=0)

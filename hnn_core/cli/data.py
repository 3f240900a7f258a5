"""``python -m hnn_core data``: data sets are built, checked and listed here."""

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hnn_core.cli.fetch import cmes, fetch, flares, watch
from hnn_core.live.reporting import JsonOption, counted, echo_json, note_home, reporting

if TYPE_CHECKING:
    from hnn_core.sources.planned import PlanRequest

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

for command in (fetch, flares, cmes, watch):
    app.command()(command)


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
    from hnn_core.dataset.build import check_options
    from hnn_core.dataset.card import dataset_folder

    check_options(policy, hours)
    folder, options = dataset_folder(out), {"policy": policy, "workers": workers or None}
    if not flare_class:
        _build_source(source, folder, as_json=as_json, hours=hours, flares=flares, **options)
        return
    from hnn_core.regions.words import read_day
    from hnn_core.sources.planned import PlanRequest

    request = PlanRequest(flare_class, read_day(start), read_day(end), hours)
    options["allow_missing"] = allow_missing
    _build_class(request, folder, only_plan=plan, again=again, as_json=as_json, **options)


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
        from hnn_core.live.holdings import verify_all

        with reporting("verify", as_json=as_json) as reporter:
            reporter.end(verify_all(reporter, remove_damaged=remove_damaged), damaged=0)
        return
    from hnn_core.dataset.card import find_dataset
    from hnn_core.dataset.stored import StoredDataset

    opened = StoredDataset.open(find_dataset(dataset))
    opened.verify()
    if as_json:
        echo_json(
            {"folder": str(opened.folder), "sound": True, **_summary(opened.card)}, indent=None
        )
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
            known = {"name": info.name, "folder": str(info.folder), **_summary(info.card)}
            echo_json(known, indent=None)
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
    note_home()


def _build_source(source: str, folder: Path, *, as_json: bool, **options: Any) -> None:
    """Build from a source: ``data build --source``."""
    from hnn_core.dataset.build import build_dataset
    from hnn_core.live.reporting import Reporter, complain, headers_read, report
    from hnn_core.sources import open_source

    with redirect_stdout(sys.stderr):  # whatever a library prints is not the answer
        opened = open_source(source, headers_read())
        skipped = opened.skipped()
    reporter = Reporter(as_json=as_json)
    if skipped:
        complain(f"{counted(len(skipped), 'file')} skipped, the first: {skipped[0].reason}")
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
        end = {"event": "end", "folder": str(dataset.folder), **_summary(dataset.card)}
        echo_json(end, indent=None)
    else:
        typer.echo(report(dataset.name, dataset.folder, dataset.card))


def _summary(card: dict[str, Any]) -> dict[str, Any]:
    return {key: card[key] for key in _SUMMARY}


def _build_class(
    request: "PlanRequest",
    folder: Path,
    *,
    only_plan: bool,
    again: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Fetch what a class needs and build from it: ``data build --class``."""
    from hnn_core.live import building
    from hnn_core.live.planning import estimate
    from hnn_core.live.reporting import report
    from hnn_core.regions.goes_classes import FLARE_CLASSES

    flare_class = request.flare_class
    with reporting("build", as_json=as_json) as reporter:
        plan = building.planned(request, reporter, again=again)
        cost, values = estimate(plan)
        reporter.plan(f"Plan for ≥{flare_class}: {cost}.", **values)
        for why, count in plan.excluded.items():
            reporter.excluded(counted(count, "flare"), why, count)
        if only_plan:
            reporter.end(f"Only planned: {cost}.", plan=True)
            return
        dataset = building.build_planned(plan, folder, reporter, **options)
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

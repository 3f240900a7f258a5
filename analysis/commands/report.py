"""``python -m analysis report``: some cases as one HTML file, with what stands behind it."""

import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from analysis.cases.case_study import NO_MODEL
from analysis.cases.explained import MAP_METHODS
from analysis.cases.making import ReportCase, make_all, make_case
from analysis.commands.options import AsJson, check_out, json_rows, write
from analysis.printed.publication import require_browser
from analysis.report.data import cases_table
from analysis.report.files import ReportFiles
from hnn_core.exceptions import ModelError
from hnn_core.live.reporting import complain, echo_json
from hnn_core.regions.base import Source
from hnn_core.regions.case import MOST_CASES, Case, CaseSet, load_set, read_set
from hnn_core.regions.goes_classes import threshold
from hnn_core.sources import open_source
from hnn_core.storage import typed_path

if TYPE_CHECKING:
    from hnn_core.network.predictor import Predictor

__all__ = ["report"]

Sources = Annotated[
    list[str] | None,
    typer.Option(
        metavar="SPEC",
        help="fits:FOLDER, sim: or jsoc:; once, or once for each region. With --set: instead of "
        "the sources in it.",
    ),
]
Regions = Annotated[
    list[str] | None,
    typer.Option(
        metavar="REGION",
        help=f'HARP or NOAA number, or "SIM 1"; up to {MOST_CASES} times.',
    ),
]
Times = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TIME",
        help="Reference time t of that region, TAI: 2011-02-15T01:00; once a region.",
    ),
]
Models = Annotated[
    list[str] | None,
    typer.Option(
        metavar="MODEL",
        help='Name, folder or hub id, once or once for each region; "none": physics only. Default: '
        "demo, or what is in the set.",
    ),
]


def report(
    out: Annotated[Path, typer.Option(help="HTML file to write.")],
    source: Sources = None,
    region: Regions = None,
    time: Times = None,
    case_set: Annotated[
        str, typer.Option("--set", help="Name of a saved set of cases, or its FILE.json.")
    ] = "",
    model: Models = None,
    archive: Annotated[
        Path | None,
        typer.Option("--zip", help="Also every table as CSV, mask and map as FITS, in a zip."),
    ] = None,
    parquet: Annotated[
        Path | None, typer.Option(help="Also one tidy table, a row a region and hour.")
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option(help="Also each figure as SVG, PDF and PNG in this folder; takes Chromium."),
    ] = None,
    no_explain: Annotated[
        bool, typer.Option("--no-explain", help="No maps of the network.")
    ] = False,
    no_check: Annotated[
        bool, typer.Option("--no-check", help="Do not check the maps, which takes most time.")
    ] = False,
    occlusion: Annotated[
        bool, typer.Option("--occlusion", help="Also the occlusion map, which takes minutes.")
    ] = False,
    flare_class: Annotated[
        str, typer.Option(help="Minimum class of the flares that count. Default: the model's.")
    ] = "",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:1.")] = "auto",
    as_json: AsJson = False,
) -> None:
    """Report some cases as one HTML file that opens without a network."""
    files = [path for path in (out, archive, parquet) if path is not None]
    check_out(*files)
    if len({path.resolve() for path in files}) < len(files):
        raise typer.BadParameter("--out, --zip and --parquet must be different files")
    if figures is not None:
        _check_figures(figures)
    if flare_class:
        threshold(flare_class)
    requested = _requested(case_set, source or [], region or [], time or [], model or [])
    methods = (*MAP_METHODS, "occlusion") if occlusion else MAP_METHODS

    def make(source: Source, case: Case, predictor: "Predictor | None", why: str) -> ReportCase:
        name = f"{case.region}, {case.hour.replace('T', ' ')} TAI"
        return make_case(
            source,
            case,
            predictor,
            no_prediction=why,
            flare_class=flare_class or None,
            explain=not no_explain,
            check=not no_check,
            methods=methods,
            progress=lambda done, total: complain(f"{name}: step {done} of {total}"),
        )

    @cache
    def find_model(name: str) -> "tuple[Predictor | None, str]":
        if not name:
            return None, NO_MODEL
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        from hnn_core.network.predictor import Predictor

        try:
            return Predictor.load(name, device), ""
        except ModelError as error:
            if model or not case_set:  # models named here must be there; those in a set may be gone
                raise
            complain(str(error))
            return None, str(error)

    with redirect_stdout(sys.stderr):  # whatever a library prints is not the answer
        cases, absent = make_all(requested.cases, open_source, find_model, make, complain)
    flags = {"--no-explain": no_explain, "--no-check": no_check, "--occlusion": occlusion}
    values = {"--flare-class": flare_class, "--zip": archive, "--parquet": parquet}
    values["--figures"] = figures
    options = [name for name, given in flags.items() if given]
    options += [w for name, value in values.items() if value for w in (name, Path(value).name)]
    made = ReportFiles(cases, absent, requested.name, out.name, options)
    write(out, made.page.encode())
    if archive is not None:
        write(archive, made.archive)
    if parquet is not None:
        write(parquet, made.parquet)
    drawn = [] if figures is None else _write_figures(made, figures)
    if as_json:
        echo_json(
            {
                "files": [str(path) for path in (*files, *drawn)],
                "cases": json_rows(cases_table(cases)),
                "absent": [{"case": one.name, "reason": one.reason} for one in absent],
            }
        )
        return
    for one in cases:
        typer.echo(f"{one.study.name}: {one.study.verdict.sentence}")
    named = ", ".join(f"{path} ({path.stat().st_size / 1e6:.1f} MB)" for path in files)
    named += f", {len(drawn)} files of figures in {figures}" if drawn else ""
    typer.echo(f"{len(cases)} of {len(cases) + len(absent)} cases in {named}")


def _check_figures(folder: Path) -> None:
    """Refuse, before any work, a folder that cannot be, or a machine that cannot draw."""
    if folder.exists() and not folder.is_dir():
        raise typer.BadParameter(f"cannot write figures into {folder}: it is a file")
    check_out(folder / "figure.svg" if folder.is_dir() else folder)
    require_browser()


def _write_figures(made: ReportFiles, folder: Path) -> list[Path]:
    folder.mkdir(exist_ok=True)
    drawn = []
    for name, content in made.figures():
        drawn.append(folder / name)
        write(drawn[-1], content)
    return drawn


def _requested(
    case_set: str,
    sources: Sequence[str],
    regions: Sequence[str],
    times: Sequence[str],
    models: Sequence[str],
) -> CaseSet:
    """Cases of a saved set or its file, or of regions and times; sources and models may differ."""
    if case_set:
        if regions or times:
            raise typer.BadParameter("give either --set, or --region with --time")
        path = typed_path(case_set)
        file = path.suffix == ".json" or path.is_file()
        found = read_set(path) if file else load_set(case_set)
        name, cases = found.name, found.cases
    else:
        if not regions or len(regions) != len(times):
            raise typer.BadParameter(
                f"{len(regions)} --region and {len(times)} --time; give one --time for each "
                "--region, or --set"
            )
        pairs = zip(regions, times, strict=True)
        name, cases = "", tuple(Case("sim:", region, time, "demo") for region, time in pairs)
    cases = _with(cases, "source", sources)
    cases = _with(cases, "model", ["" if model == "none" else model for model in models])
    return CaseSet(name, cases)


def _with(cases: tuple[Case, ...], field: str, values: Sequence[Any]) -> tuple[Case, ...]:
    """Give all cases one source or model, or each its own."""
    if len(values) not in (0, 1, len(cases)):
        raise typer.BadParameter(
            f"{len(values)} --{field} for {len(cases)} cases; give one for all, or one for each"
        )
    each = values if len(values) == len(cases) else [*values] * len(cases)
    pairs = zip(cases, each, strict=True) if values else ()
    return tuple(replace(case, **{field: value}) for case, value in pairs) or cases

"""``python -m analysis report``: some cases as one HTML file, with what stands behind it."""

import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from analysis.command_options import AsJson, check_out, json_rows, write
from analysis.explained_case import MAP_METHODS
from analysis.report_case import AbsentCase, ReportCase, make_case
from analysis.report_data import cases_table
from analysis.report_files import ReportFiles
from analysis.report_making import Models as LoadedModels
from analysis.report_making import make_all
from analysis.report_request import requested_cases
from hnn_core.case import MOST_CASES, Case
from hnn_core.command_line import complain
from hnn_core.dataset.classes import threshold
from hnn_core.sources import open_source
from hnn_core.sources.base import Source

if TYPE_CHECKING:  # knows torch
    from hnn_core.predictor import Predictor

__all__ = ["report"]

Sources = Annotated[
    list[str] | None,
    typer.Option(
        "--source",
        metavar="SPEC",
        help="fits:FOLDER, sim: or jsoc:; once, or once for each region. With --set: instead of "
        "the sources in it.",
    ),
]
Regions = Annotated[
    list[str] | None,
    typer.Option(
        "--region",
        metavar="REGION",
        help=f'HARP or NOAA number, or "SIM 1"; up to {MOST_CASES} times.',
    ),
]
Times = Annotated[
    list[str] | None,
    typer.Option(
        "--time",
        metavar="TIME",
        help="Reference time t of that region, TAI: 2011-02-15T01:00; once a region.",
    ),
]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
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
        str, typer.Option(help="Least class of what happened: M5.0, M or C. Default: the model's.")
    ] = "",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:1.")] = "auto",
    as_json: AsJson = False,
) -> None:
    """Report some cases as one HTML file that opens without a network."""
    files = [path for path in (out, archive, parquet) if path is not None]
    check_out(*files)
    if len({path.resolve() for path in files}) < len(files):
        raise typer.BadParameter("--out, --zip and --parquet must be different files")
    if flare_class:
        threshold(flare_class)
    asked = requested_cases(case_set, source or [], region or [], time or [], model or [])
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

    with redirect_stdout(sys.stderr):  # whatever a library prints is not the answer
        # Models named here must be there; those in a set may be gone.
        models = LoadedModels(device, strict=bool(model) or not case_set)
        cases, absent = make_all(asked.cases, open_source, models.find, make, complain)
    options = [
        *(["--no-explain"] if no_explain else []),
        *(["--no-check"] if no_check else []),
        *(["--occlusion"] if occlusion else []),
        *(["--flare-class", flare_class] if flare_class else []),
        *(["--zip", archive.name] if archive else []),
        *(["--parquet", parquet.name] if parquet else []),
    ]
    made = ReportFiles(cases, absent, asked.name, out.name, options)
    write(out, made.page.encode())
    if archive is not None:
        write(archive, made.archive)
    if parquet is not None:
        write(parquet, made.parquet)
    _answer(cases, absent, files, as_json=as_json)


def _answer(
    cases: list[ReportCase], absent: list[AbsentCase], files: list[Path], *, as_json: bool
) -> None:
    if as_json:
        told = {
            "files": [str(path) for path in files],
            "cases": json_rows(cases_table(cases)),
            "absent": [{"case": one.name, "reason": one.reason} for one in absent],
        }
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False, allow_nan=False))
        return
    for case in cases:
        typer.echo(f"{case.study.name}: {case.study.verdict.sentence}")
    named = ", ".join(f"{path} ({path.stat().st_size / 1e6:.1f} MB)" for path in files)
    typer.echo(f"{len(cases)} of {len(cases) + len(absent)} cases in {named}")

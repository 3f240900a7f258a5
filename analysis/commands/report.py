"""``python -m analysis report``: some cases as one HTML file, with what stands behind it.

From what was typed to the cases that a report is about.
"""

import json
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from analysis.cases.explained import MAP_METHODS
from analysis.cases.making import AbsentCase, ReportCase, make_all, make_case
from analysis.cases.making import Models as LoadedModels
from analysis.commands.options import AsJson, check_out, json_rows, write
from analysis.report.data import cases_table
from analysis.report.files import ReportFiles
from hnn_core.live.reporting import complain
from hnn_core.regions.base import Source
from hnn_core.regions.case import MOST_CASES, Case, CaseSet, load_set, read_set
from hnn_core.regions.goes_classes import threshold
from hnn_core.sources import open_source

if TYPE_CHECKING:
    from hnn_core.network.predictor import Predictor

__all__ = ["report", "requested_cases"]


_NONE = "none"


def requested_cases(
    case_set: str,
    sources: Sequence[str],
    regions: Sequence[str],
    times: Sequence[str],
    models: Sequence[str],
) -> CaseSet:
    """Put cases together.

    Parameters
    ----------
    case_set : str
        Name of a saved set, or its file; "" for the regions and times that follow.
    sources, models : sequence of str
        One for all cases, or one for each; none: those of the set, or ``sim:`` and ``demo``.
        The model ``none`` asks none.
    regions, times : sequence of str
        As many of the one as of the other.

    Returns
    -------
    CaseSet
        Without a name where there was none.

    Raises
    ------
    BadParameter
        The numbers do not fit.
    RequestError
        No such set, no such hour, a case twice, or more than `hnn_core.regions.case.MOST_CASES`.
    """
    if case_set:
        if regions or times:
            raise typer.BadParameter("give either --set, or --region with --time")
        found = _read(case_set)
        cases = found.cases
    else:
        if not regions or len(regions) != len(times):
            raise typer.BadParameter(
                f"{len(regions)} --region and {len(times)} --time; give one --time for each "
                "--region, or --set"
            )
        found = None
        cases = tuple(
            Case("sim:", region, time, "demo") for region, time in zip(regions, times, strict=True)
        )
    cases = _with(cases, "source", sources)
    cases = _with(cases, "model", ["" if name == _NONE else name for name in models])
    return CaseSet(found.name if found else "", cases)


def _with(cases: tuple[Case, ...], what: str, values: Sequence[str]) -> tuple[Case, ...]:
    """Give all cases one source or model, or each its own."""
    if not values:
        return cases
    if len(values) not in (1, len(cases)):
        raise typer.BadParameter(
            f"{len(values)} --{what} for {len(cases)} cases; give one for all, or one for each"
        )
    each = list(values) if len(values) == len(cases) else list(values) * len(cases)
    return tuple(
        replace(case, source=value) if what == "source" else replace(case, model=value)
        for case, value in zip(cases, each, strict=True)
    )


def _read(text: str) -> CaseSet:
    path = Path(text).expanduser()
    return read_set(path) if path.suffix == ".json" or path.is_file() else load_set(text)


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

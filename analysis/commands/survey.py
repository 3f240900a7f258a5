"""``python -m analysis survey|maps|validate``: many windows, and the detector put to the test."""

from pathlib import Path
from typing import Annotated

import typer

from analysis.cases.tables import parquet_bytes
from analysis.commands import options
from analysis.surveys import compare
from analysis.surveys.maps import STEP, class_overlaps, flat_rows, map_survey
from analysis.surveys.survey import POLICY_SENTENCES
from analysis.surveys.survey import survey as survey_windows
from analysis.surveys.validation import validate as validate_table
from analysis.surveys.validation import validation_table
from hnn_core.exceptions import OneClassError, TooFewGroupsError
from hnn_core.live.reporting import complain, counted, echo_json, headers_read
from hnn_core.regions.goes_classes import threshold
from hnn_core.regions.labels import DEFAULT_POLICY
from hnn_core.sources import open_source

__all__ = ["maps", "survey", "validate"]


def survey(
    out: Annotated[Path, typer.Option(help="Parquet file to write, one row a window.")],
    source: options.SourceOption = "sim:",
    region: options.Regions = None,
    flare_class: Annotated[
        str, typer.Option(help="Class of the flares that give the outcome: M5.0, M or C.")
    ] = "C",
    policy: options.Policy = DEFAULT_POLICY,
    step: options.Step = 1,
    as_json: options.AsJson = False,
) -> None:
    """Take the trends of all windows of ten hours, and compare eruptive with confined ones."""
    options.check_out(out)
    threshold(flare_class)
    opened = open_source(source, headers_read())
    options.report_skipped(opened)
    chosen = options.chosen_regions(opened, region)
    table = survey_windows(
        opened,
        chosen,
        flare_class=flare_class,
        policy=policy,
        step=step,
        progress=options.report_regions,
    )
    table.insert(0, "source", opened.spec)
    options.write(out, parquet_bytes(table))
    if (noted := table["notes"][table["notes"] != ""]).size:
        complain(f"{counted(len(noted), 'window')} with a note: {noted.iloc[0]}")
    trends = compare.found_trends(table)
    compared, why = None, ""
    try:
        compared = compare.compare_columns(table)
    except (OneClassError, TooFewGroupsError) as error:
        why = str(error)
    if as_json:
        echo_json(
            {
                "windows": len(table),
                "regions": int(table["region"].nunique()),
                "out": str(out),
                "policy": policy,
                "trends": options.json_rows(trends),
                "comparison": [] if compared is None else options.json_rows(compared),
                "no_comparison": why,
            }
        )
        return
    typer.echo(f"{len(table)} windows of {table['region'].nunique()} regions in {out}")
    typer.echo("PIL flux, moving RoPI: windows whose trend stands out from all of them")
    typer.echo(trends.to_string(index=False))
    if not opened.simulated:
        typer.echo(POLICY_SENTENCES[policy])
    if compared is None:
        typer.echo(f"No comparison: {why}")
        return
    typer.echo(compare.comparison_table(compared).to_string(index=False))
    first = next(compared.itertuples(index=False, name=None))
    typer.echo(compare.comparison_sentence(dict(zip(compared.columns, first, strict=True))))


def validate(
    source: options.SourceOption = "sim:2:40",
    region: options.Regions = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Parquet file to write, one row a window and threshold."),
    ] = None,
    step: options.Step = 6,
    as_json: options.AsJson = False,
) -> None:
    """Compare measured decline of the PIL flux with the true cancellation of simulated regions."""
    options.check_out(out)
    opened = open_source(source, headers_read())
    options.report_skipped(opened)
    chosen = options.chosen_regions(opened, region)
    table = validation_table(opened, chosen, step=step, progress=options.report_regions)
    found = validate_table(table)
    if out is not None:
        table.insert(0, "source", opened.spec)
        options.write(out, parquet_bytes(table))
    if as_json:
        echo_json(
            {
                "statement": found.statement,
                "agreement": options.json_rows(found.table()),
                "out": None if out is None else str(out),
            }
        )
        return
    columns = ["bin", "windows", "regions", "correlation", "gain", "bias_mx_per_h", "trusted"]
    typer.echo(found.table().to_string(columns=columns, index=False, float_format="{:.3g}".format))
    typer.echo(found.statement)


def maps(
    out: Annotated[Path, typer.Option(help="Parquet file to write, one row a window and part.")],
    source: options.SourceOption = "sim:",
    region: options.Regions = None,
    model: Annotated[str, typer.Option(help="Name, folder or hub id of the network.")] = "demo",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:1.")] = "auto",
    method: Annotated[
        list[str] | None, typer.Option(help="rollout, relevance or occlusion; repeatable.")
    ] = None,
    policy: options.Policy = DEFAULT_POLICY,
    step: options.Step = STEP,
    as_json: options.AsJson = False,
) -> None:
    """Measure where the maps of all windows lie, by prediction and by what happened."""
    from hnn_core.network.predictor import Predictor

    options.check_out(out)
    opened = open_source(source, headers_read())
    options.report_skipped(opened)
    chosen = options.chosen_regions(opened, region)
    found = map_survey(
        opened,
        Predictor.load(model, device),
        chosen,
        methods=method or ["rollout", "relevance"],
        policy=policy,
        step=step,
        progress=options.report_regions,
    )
    table = flat_rows(found)
    table.insert(0, "source", opened.spec)
    options.write(out, parquet_bytes(table))
    by = {name: class_overlaps(found, name) for name in ("said", "outcome")}
    if as_json:
        rows_by = {name: options.json_rows(rows) for name, rows in by.items()}
        echo_json({"out": str(out), "policy": policy, **rows_by})
        return
    windows = len(found[["region", "t_rec_tai"]].drop_duplicates())
    typer.echo(f"{windows} windows of {found['region'].nunique()} regions in {out}")
    for rows in by.values():
        typer.echo(compare.overlap_table(rows).to_string(index=False))
    if not opened.simulated:
        typer.echo(POLICY_SENTENCES[policy])

"""``python -m analysis maps``: where the maps of all windows lie."""

import json
from pathlib import Path
from typing import Annotated

import typer

from analysis.case_rows import parquet_bytes
from analysis.command_options import (
    AsJson,
    Policy,
    Regions,
    SourceOption,
    Step,
    check_out,
    check_policy,
    chosen_regions,
    json_rows,
    tell_regions,
    write,
)
from analysis.survey_overlap import STEP, class_overlaps, flat_rows, map_survey
from analysis.survey_words import overlap_table
from hnn_core.dataset.labels import DEFAULT_POLICY
from hnn_core.sources import open_source

__all__ = ["maps"]


def maps(
    out: Annotated[Path, typer.Option(help="Parquet file to write, one row a window and part.")],
    source: SourceOption = "sim:",
    region: Regions = None,
    model: Annotated[str, typer.Option(help="Name, folder or hub id of the network.")] = "demo",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:1.")] = "auto",
    method: Annotated[
        list[str] | None, typer.Option(help="rollout, relevance or occlusion; repeatable.")
    ] = None,
    policy: Policy = DEFAULT_POLICY,
    step: Step = STEP,
    as_json: AsJson = False,
) -> None:
    """Tell where the maps of all windows lie, by what was said and by what happened."""
    from hnn_core.predictor import Predictor

    check_out(out)
    check_policy(policy)
    opened = open_source(source)
    chosen = chosen_regions(opened, region)
    found = map_survey(
        opened,
        Predictor.load(model, device),
        chosen,
        methods=method or ["rollout", "relevance"],
        policy=policy,
        step=step,
        progress=tell_regions,
    )
    table = flat_rows(found)
    table.insert(0, "source", opened.spec)
    write(out, parquet_bytes(table))
    by = {name: class_overlaps(found, name) for name in ("said", "outcome")}
    if as_json:
        told = {"out": str(out), **{name: json_rows(rows) for name, rows in by.items()}}
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False, allow_nan=False))
        return
    windows = len(found[["region", "t_rec_tai"]].drop_duplicates())
    typer.echo(f"{windows} windows of {found['region'].nunique()} regions in {out}")
    for rows in by.values():
        typer.echo(overlap_table(rows).to_string(index=False))

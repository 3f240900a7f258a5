"""``python -m analysis flux``: magnetic flux of regions, hour by hour."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from analysis.cases.tables import flux_rows, parquet_bytes
from analysis.commands import options
from analysis.export import history_csv
from analysis.physics.flux import flux_history, size_note
from analysis.physics.pil import PilSettings
from hnn_core.exceptions import EmptySourceError, FitsError, PositionError
from hnn_core.live.reporting import complain, counted, echo_json, headers_read
from hnn_core.magnetogram.magnetogram import Magnetogram
from hnn_core.magnetogram.sequence_plan import good_records
from hnn_core.regions.base import Region, Source
from hnn_core.sources import find_region, open_source

__all__ = ["flux"]


def flux(
    region: Annotated[
        list[str] | None,
        typer.Option(metavar="REGION", help='HARP or NOAA number, or "SIM 1"; repeatable.'),
    ] = None,
    source: options.SourceOption = "sim:",
    every: Annotated[bool, typer.Option("--all", help="Every region of the source.")] = False,
    csv: Annotated[Path | None, typer.Option(help="File to write; stdout by default.")] = None,
    parquet: Annotated[
        Path | None, typer.Option(help="One tidy table to write, a row a region and hour.")
    ] = None,
    threshold: options.Threshold = 100.0,
    buffer: options.Buffer = 4,
    keep: options.Keep = 0.95,
    min_length: options.MinLength = 14,
    within: options.Within = "ropi",
    min_field: options.MinField = 0.0,
    as_json: options.AsJson = False,
) -> None:
    """Measure the flux of every good record of regions, in the patch and in its PIL region."""
    settings = options.make_settings(threshold, buffer, keep, min_length, within)
    if bool(region) == every:
        raise typer.BadParameter("name a region with --region, or take every one with --all")
    options.check_out(csv, parquet)
    opened = open_source(source, headers_read())
    options.report_skipped(opened)
    chosen = opened.regions() if every else [find_region(opened, name) for name in region or ()]
    chosen = list({one.id: one for one in chosen}.values())
    tables = _measure_all(opened, chosen, settings, min_field)
    rows = pd.concat(
        [flux_rows(table, source=opened.spec, region=name) for name, table in tables.items()],
        ignore_index=True,
    )
    if parquet is not None:
        options.write(
            parquet, parquet_bytes(rows.sort_values(["region", "t_rec_tai"], kind="stable"))
        )
    # Of several regions each row names its own.
    table = pd.concat(tables, names=["region"]).reset_index("region")
    if len(chosen) == 1:
        table = table.drop(columns="region")
    if csv is not None:
        options.write(csv, history_csv(table).encode())
    files = [str(path) for path in (csv, parquet) if path is not None]
    if as_json:
        echo_json(options.json_rows(table))
    elif not files:
        typer.echo(history_csv(table), nl=False)
    else:
        which = f"region {chosen[0].id}" if len(chosen) == 1 else f"{len(tables)} regions"
        typer.echo(f"{len(table)} records of {which} in {' and '.join(files)}")


def _measure_all(
    source: Source, regions: list[Region], settings: PilSettings, min_field: float
) -> dict[str, pd.DataFrame]:
    """Histories by region; of several, those that have none are skipped with a message."""
    tables: dict[str, pd.DataFrame] = {}
    for number, region in enumerate(regions, start=1):
        try:
            tables[region.id] = _measure(source, region.id, settings, min_field)
        except EmptySourceError as error:
            if len(regions) == 1:
                raise
            complain(f"skipped {error}")
        else:
            if len(regions) > 1:
                complain(f"{number} of {len(regions)}: region {region.id}")
    if not tables:
        raise EmptySourceError(f"none of the {len(regions)} regions has a usable record")
    return tables


def _measure(source: Source, region: str, settings: PilSettings, min_field: float) -> pd.DataFrame:
    problems: list[str] = []
    notes: list[str] = []
    try:
        frames = _frames(source, region, problems, notes)
        table = flux_history(frames, settings, threshold=min_field)
    except EmptySourceError as error:
        reason = f": {problems[0]}" if problems else ""
        raise EmptySourceError(f"region {region} has no usable record{reason}") from error
    for problem in problems:
        complain(f"skipped {problem}")
    if note := size_note(table):
        complain(f"region {region}: {note}")
    if notes:
        complain(f"{counted(len(notes), 'record')} of region {region} with a note: {notes[0]}")
    return table


def _frames(
    source: Source, region: str, problems: list[str], notes: list[str]
) -> Iterator[Magnetogram]:
    """Read the good records of a region in order, one at a time; add why others broke."""
    for time in source.times(region)[good_records(source.quality(region))]:
        try:
            frame = source.frame(region, time)
            notes.extend(frame.notes)
            yield frame
        except (FitsError, PositionError) as error:
            problems.append(str(error))

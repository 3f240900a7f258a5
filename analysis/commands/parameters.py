"""``python -m analysis parameters``: SHARP parameters of regions, record by record."""

from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from astropy.time import Time

from analysis.cases.tables import parquet_bytes
from analysis.commands import options
from analysis.export import history_csv
from analysis.physics.sharp_parameters import ERROR_OF, UNITS, header_parameters, sharp_parameters
from hnn_core.exceptions import EmptySourceError, FitsError, PositionError
from hnn_core.live.reporting import complain, echo_json, headers_read
from hnn_core.magnetogram.conventions import parse_t_rec
from hnn_core.magnetogram.sequence_plan import good_records
from hnn_core.regions.base import Source, VectorSource, vector_there
from hnn_core.sources import find_region, open_source

__all__ = ["parameters"]


def parameters(
    region: Annotated[
        list[str],
        typer.Option(metavar="REGION", help='HARP or NOAA number, or "SIM 1"; repeatable.'),
    ],
    source: options.SourceOption = "sim:",
    time: Annotated[
        str | None, typer.Option(help="One record, T_REC (TAI); every good record by default.")
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="File to write; stdout by default.")] = None,
    parquet: Annotated[Path | None, typer.Option(help="File to write.")] = None,
    as_json: options.AsJson = False,
) -> None:
    """Compute the SHARP parameters of records from their field vectors, a row a record.

    Columns are named like the keywords. Where a record's vector is not there its header's values
    stand, and the column "origin" says "header".
    """
    if not region:
        raise typer.BadParameter("name a region with --region")
    options.check_out(csv, parquet)
    hour = None
    if time is not None:
        try:
            hour = parse_t_rec(time)
        except ValueError as error:
            raise typer.BadParameter(
                f"--time {time!r} is not a time such as 2011-02-15T01:00:00 (TAI)."
            ) from error
    opened = open_source(source, headers_read())
    options.report_skipped(opened)
    rows: list[dict[str, Any]] = []
    for name in dict.fromkeys(find_region(opened, one).id for one in region):
        good = opened.times(name)[good_records(opened.quality(name))]
        for one in good if hour is None else [hour]:
            try:
                rows.append({"region": name} | _row(opened, name, one))
            except (FitsError, PositionError) as error:
                complain(f"skipped {error}")
    if not rows:
        raise EmptySourceError(f"no record of {', '.join(region)} could be used")
    table = pd.DataFrame(rows)
    if parquet is not None:
        options.write(parquet, parquet_bytes(table))
    if csv is not None:
        options.write(csv, history_csv(table).encode())
    files = [str(path) for path in (csv, parquet) if path is not None]
    if as_json:
        echo_json(options.json_rows(table))
    elif not files:
        typer.echo(history_csv(table), nl=False)
    else:
        typer.echo(f"{len(table)} records in {' and '.join(files)}")


def _row(source: Source, region: str, time: Time) -> dict[str, Any]:
    """Compute the parameters of one record, or take them from its header."""
    magnetogram = source.frame(region, time)
    row: dict[str, Any] = {
        "t_rec_tai": pd.Timestamp(magnetogram.t_rec.tai.isot),
        "harp": magnetogram.harp,
        "simulated": magnetogram.simulated,
    }
    stated = header_parameters(magnetogram)
    if isinstance(source, VectorSource) and vector_there(source, region, time):
        found = sharp_parameters(source.vector(region, time), magnetogram.field)
        return row | {"origin": "vector"} | found.row()
    origin = "header" if pd.Series(stated).notna().any() else "none"
    blank = dict.fromkeys((*UNITS, *ERROR_OF.values()), float("nan"))
    return row | {"origin": origin} | blank | stated

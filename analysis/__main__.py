"""The command line: ``python -m analysis pil|flux``.

Answers go to stdout or to the files that are asked for. A problem is one line on stderr and
exit code 2, never a traceback; a file that cannot be used never stops the others.
"""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from analysis.export import history_csv, masks_hdul, to_bytes
from analysis.flux import frame_flux, history
from analysis.pil import PilRegion, PilSettings
from hnn_core.command_line import complain, run
from hnn_core.exceptions import EmptySourceError, FitsError, HnnError, PositionError
from hnn_core.magnetogram import Magnetogram, read_fits
from hnn_core.records import good_records
from hnn_core.sources import Source, find_region, open_source

__all__ = ["app", "main"]

app = typer.Typer(
    help="Physics on magnetograms: polarity inversion lines and magnetic flux.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

Threshold = Annotated[float, typer.Option(help="Field from which a pixel has a polarity, G.")]
Buffer = Annotated[int, typer.Option(help="Side of the square that dilates edges, px.")]
Keep = Annotated[float, typer.Option(help="Fraction of the strength up to which lines count.")]
MinLength = Annotated[int, typer.Option(help="Shortest line, px.")]
Within = Annotated[PilRegion, typer.Option(help="Mask in which the PIL flux is taken.")]
MinField = Annotated[float, typer.Option(help="Smallest |B| that counts in the total flux, G.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write the rows as JSON.")]


def main(args: list[str] | None = None) -> int:
    """Run a command and return its exit code; see `hnn_core.command_line.run`."""
    return run(app, "python -m analysis", args)


@app.command()
def pil(
    files: Annotated[list[Path], typer.Argument(help="SHARP CEA magnetograms.", metavar="FITS…")],
    out: Annotated[Path, typer.Option(help="Folder for the masks and for pil.csv.")],
    threshold: Threshold = 100.0,
    buffer: Buffer = 4,
    keep: Keep = 0.95,
    min_length: MinLength = 14,
    within: Within = "ropi",
    min_field: MinField = 0.0,
    as_json: AsJson = False,
) -> None:
    """Detect polarity inversion lines: a FITS of masks for each file, one CSV row a frame."""
    settings = _settings(threshold, buffer, keep, min_length, within)
    _check_field(min_field)
    _make_folder(out)
    rows = []
    taken: set[str] = set()
    for path in files:
        try:
            rows.append(_pil_of(path, out, taken, settings, min_field))
        except HnnError as error:
            said = str(error)
            complain(f"skipped {said}" if str(path) in said else f"skipped {path}: {said}")
    if not rows:
        raise EmptySourceError(f"none of the {len(files)} files could be used")
    table = pd.DataFrame(rows)
    _write(out / "pil.csv", history_csv(table).encode())
    if as_json:
        _echo_rows(table)
    else:
        typer.echo(f"{len(rows)} of {len(files)} files: masks and pil.csv in {out}")


@app.command()
def flux(
    region: Annotated[str, typer.Option(help='HARP or NOAA number, or "SIM 1".')],
    source: Annotated[
        str, typer.Option(help="fits:FOLDER (SHARP FITS files) or sim: (simulated regions).")
    ] = "sim:",
    csv: Annotated[Path | None, typer.Option(help="File to write; stdout by default.")] = None,
    threshold: Threshold = 100.0,
    buffer: Buffer = 4,
    keep: Keep = 0.95,
    min_length: MinLength = 14,
    within: Within = "ropi",
    min_field: MinField = 0.0,
    as_json: AsJson = False,
) -> None:
    """Measure the flux of every good record of a region, in the patch and in its PIL region."""
    settings = _settings(threshold, buffer, keep, min_length, within)
    _check_field(min_field)
    opened = open_source(source)
    found = find_region(opened, region)
    problems: list[str] = []
    frames = _frames(opened, found.id, problems.append)
    try:
        table = history(frames, settings, threshold=min_field)
    except EmptySourceError as error:
        reason = f": {problems[0]}" if problems else ""
        raise EmptySourceError(f"region {found.id} has no usable record{reason}") from error
    for problem in problems:
        complain(f"skipped {problem}")
    if csv is not None:
        _write(csv, history_csv(table).encode())
    if as_json:
        _echo_rows(table)
    elif csv is None:
        typer.echo(history_csv(table), nl=False)
    else:
        typer.echo(f"{len(table)} records of region {found.id} in {csv}")


def _settings(
    threshold: float, buffer: int, keep: float, min_length: int, within: PilRegion
) -> PilSettings:
    try:
        return PilSettings(threshold, buffer, keep, min_length, within)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _check_field(min_field: float) -> None:
    if not min_field >= 0:
        raise typer.BadParameter(f"--min-field must be at least 0 G, got {min_field}")


def _pil_of(
    path: Path, out: Path, taken: set[str], settings: PilSettings, min_field: float
) -> dict[str, object]:
    """Write the masks of one file under a name not yet taken; return its row."""
    mag = read_fits(path)
    masks = settings.detect(mag.field)
    target = out / f"{path.name.removesuffix('.gz').removesuffix('.fits')}.pil.fits"
    if target.name in taken:
        raise FitsError(f"{path} has the name of another file; use one folder for each")
    taken.add(target.name)
    _write(target, to_bytes(masks_hdul(mag, masks, settings)))
    row = frame_flux(mag, settings, masks=masks, threshold=min_field)
    return {"file": str(path), "masks": target.name, **row}


def _frames(source: Source, region: str, refuse: Callable[[str], None]) -> Iterator[Magnetogram]:
    """Read the good records of a region in order, one at a time; tell of those that broke."""
    for time in source.times(region)[good_records(source.quality(region))]:
        try:
            yield source.frame(region, time)
        except (FitsError, PositionError) as error:
            refuse(str(error))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise typer.BadParameter(f"cannot make the folder {folder}: {error.strerror}") from error


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise typer.BadParameter(f"cannot write {path}: {error.strerror}") from error


def _echo_rows(table: pd.DataFrame) -> None:
    values: list[dict[str, Any]] = json.loads(
        table.to_json(orient="records", date_format="iso", date_unit="s", double_precision=15)
    )
    typer.echo(json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False))


if __name__ == "__main__":
    sys.exit(main())

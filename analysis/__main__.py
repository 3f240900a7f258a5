"""The command line: ``python -m analysis pil|flux|parameters|report|survey|maps|validate``.

Answers go to stdout or to the requested files. A problem is one line on stderr and
exit code 1 or 2, never a traceback; a file that cannot be used never stops the others.
"""

import signal

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while modules are imported: no traceback

import sys
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from analysis.commands import options
from analysis.commands.flux import flux
from analysis.commands.parameters import parameters
from analysis.commands.report import report
from analysis.commands.survey import maps, survey, validate
from analysis.export import history_csv, masks_hdul, to_bytes
from analysis.physics.flux import frame_flux
from analysis.physics.pil import PilSettings
from hnn_core.exceptions import EmptySourceError, FitsError, HnnError
from hnn_core.live.reporting import complain, echo_json, run
from hnn_core.magnetogram.magnetogram import read_fits

__all__ = ["app", "main"]

app = typer.Typer(
    help="Physics on magnetograms: inversion lines, magnetic flux, trends, and reports of cases.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


def main(args: list[str] | None = None) -> int:
    """Run a command and return its exit code; see `hnn_core.live.reporting.run`."""
    return run(app, "python -m analysis", args)


@app.command()
def pil(
    files: Annotated[list[Path], typer.Argument(help="SHARP CEA magnetograms.", metavar="FITS…")],
    out: Annotated[Path, typer.Option(help="Folder for the masks and for pil.csv.")],
    threshold: options.Threshold = 100.0,
    buffer: options.Buffer = 4,
    keep: options.Keep = 0.95,
    min_length: options.MinLength = 14,
    within: options.Within = "ropi",
    min_field: options.MinField = 0.0,
    as_json: options.AsJson = False,
) -> None:
    """Detect polarity inversion lines: a FITS of masks for each file, one CSV row a frame."""
    settings = options.make_settings(threshold, buffer, keep, min_length, within)
    _make_folder(out)
    rows = []
    taken: set[str] = set()
    for path in files:
        try:
            rows.append(_pil_of(path, out, taken, settings, min_field))
        except HnnError as error:
            where = "" if str(path) in str(error) else f"{path}: "
            complain(f"skipped {where}{error}")
    if not rows:
        raise EmptySourceError(f"none of the {len(files)} files could be used")
    table = pd.DataFrame(rows)
    options.write(out / "pil.csv", history_csv(table).encode())
    if as_json:
        echo_json(options.json_rows(table))
    else:
        typer.echo(f"{len(rows)} of {len(files)} files: masks and pil.csv in {out}")


for _command in (flux, parameters, report, survey, maps, validate):
    app.command()(_command)


def _pil_of(
    path: Path, out: Path, taken: set[str], settings: PilSettings, min_field: float
) -> dict[str, object]:
    """Write the masks of one file under a name not yet taken; return its row."""
    mag = read_fits(path)
    for note in mag.notes:
        complain(f"note: {note}")
    masks = settings.detect(mag.field)
    target = out / f"{path.name.removesuffix('.gz').removesuffix('.fits')}.pil.fits"
    if target.name in taken:
        raise FitsError(f"{path} has the name of another file; use one folder for each")
    taken.add(target.name)
    options.write(target, to_bytes(masks_hdul(mag, masks, settings)))
    row = frame_flux(mag, settings, masks=masks, threshold=min_field)
    return {"file": str(path), "masks": target.name, **row}


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise typer.BadParameter(f"cannot make the folder {folder}: {error.strerror}") from error


if __name__ == "__main__":
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main())

"""The command line: ``python -m hnn_core regions|predict|train|crossval|sweep|evaluate|data``.

Answers go to stdout. A problem is one line on stderr and exit code 1 or 2, never a traceback.
"""

import signal

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while modules are imported: no traceback

import logging
import os
import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hnn_core import __version__
from hnn_core.cli.data import app as data_app
from hnn_core.cli.train import add_commands
from hnn_core.live.reporting import (
    DeviceOption,
    JsonOption,
    ModelOption,
    counted,
    echo_json,
    headers_read,
    run,
)
from hnn_core.magnetogram.conventions import iso_minute, parse_t_rec
from hnn_core.regions.base import Region, Source, n_skipped, skipped_kinds
from hnn_core.sources import find_region, open_source

if TYPE_CHECKING:
    from hnn_core.network.predictor import Prediction

__all__ = ["app", "main"]

app = typer.Typer(
    help="Will the coming flare of an active region be eruptive or confined?",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.add_typer(data_app, name="data")
add_commands(app)

SourceOption = Annotated[
    str,
    typer.Option(help="fits:FOLDER (SHARP FITS files, or an archive) or sim: (simulated regions)."),
]


def main(args: list[str] | None = None) -> int:
    """Run a command and return its exit code; see `hnn_core.live.reporting.run`."""
    # torch's threads wait asleep: spinning, they fight the app beside them for the cores.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # The hub's client logs every retry; the one line that matters comes from its error.
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    return run(app, "python -m hnn_core", args)


@app.callback(invoke_without_command=True)
def _start(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Write the version.")] = False,
) -> None:
    if version:
        typer.echo(__version__)
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def regions(source: SourceOption = "sim:", as_json: JsonOption = False) -> None:
    """List the active regions of a source."""
    with redirect_stdout(sys.stderr):  # whatever a library prints is not the answer
        opened = open_source(source, headers_read())
        found = opened.regions()
    if as_json:
        skipped = [vars(one) for one in opened.skipped()]
        listed = [_region_values(region) for region in found]
        echo_json({"source": opened.spec, "regions": listed, "skipped": skipped})
        return
    typer.echo(
        f"{'region':<10} {'HARP':>7}  {'NOAA':<14} {'first hour':<16}  "
        f"{'last hour (TAI)':<16} {'records':>8}  flares"
    )
    for region in found:
        noaa = ",".join(str(number) for number in region.noaa) or "–"
        flares = " ".join(f"{f.goes_class} {f.known}" for f in region.flares)
        flares = flares or ("none" if region.lookups else "not looked up")
        typer.echo(
            f"{region.id:<10} {region.harp:>7}  {noaa:<14} {iso_minute(region.first)}  "
            f"{iso_minute(region.last)} {region.n_records:>8}  {flares}"
        )
    if found and found[0].simulated:
        typer.echo("These regions are simulated.")
    _echo_skipped(opened)


@app.command()
def predict(
    region: Annotated[str, typer.Option(help='HARP or NOAA number, or "SIM 1".')],
    time: Annotated[str, typer.Option(help="Hour of x_t in TAI, as 2011-02-15T01:00:00.")],
    source: SourceOption = "sim:",
    model: ModelOption = "demo",
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Predict whether the coming flare will be eruptive."""
    try:
        hour = parse_t_rec(time)
    except ValueError as error:
        raise typer.BadParameter(
            f"--time {time!r} is not a time such as 2011-02-15T01:00:00 (TAI)."
        ) from error
    with redirect_stdout(sys.stderr):
        opened = open_source(source, headers_read())
        found = find_region(opened, region)
        # The network's libraries take seconds to import: the cheap questions come first.
        from hnn_core.network.predictor import Predictor
        from hnn_core.sources.sequence import build_sequence

        predictor = Predictor.load(model, device)
        prediction = predictor.predict(build_sequence(opened, found.id, hour, predictor.frames))
    if as_json:
        echo_json(prediction.to_dict())
    else:
        _echo_prediction(prediction)
        _echo_skipped(opened)


def _region_values(region: Region) -> dict[str, Any]:
    return {
        "region": region.id,
        "harp": region.harp,
        "noaa": list(region.noaa),
        "first": f"{iso_minute(region.first)}:00",
        "last": f"{iso_minute(region.last)}:00",
        "time_scale": "tai",
        "n_records": region.n_records,
        "simulated": region.simulated,
        "flares": [
            {
                "peak_utc": str(flare.peak.utc.isot),
                "class": flare.goes_class,
                "association": flare.association,
                "studied_as": flare.studied,
                "literature": flare.literature,
                "known": flare.known,
                "source": flare.source,
            }
            for flare in region.flares
        ],
        "flares_looked_up": [
            {
                "in": lookup.name,
                "start_utc": str(lookup.start.utc.isot),
                "end_utc": str(lookup.end.utc.isot),
                "minimum_class": lookup.minimum_class,
            }
            for lookup in region.lookups
        ],
    }


def _echo_prediction(prediction: "Prediction") -> None:
    noaa = ", ".join(f"AR {number}" for number in prediction.noaa)
    number = prediction.region  # of near real time it is another than the definitive HARP's
    name = (f"HARP {number}" if number.isdigit() else number) + (f" ({noaa})" if noaa else "")
    if prediction.simulated:
        name = f"{prediction.region} (simulated)"
    filled = [hour.hour for hour in prediction.hours if hour.interpolated]
    record = "" if prediction.t_rec == prediction.hour else f" (record of {prediction.t_rec})"
    typer.echo(f"{name}, {prediction.hour} TAI{record}")
    typer.echo(
        f"P(eruptive) {prediction.probability:.3f} of a flare of class ≥{prediction.flare_class} "
        f"in the next 24 h: {prediction.label} (threshold {prediction.threshold:g})"
    )
    typer.echo(
        f"hours: {prediction.hours[0].hour} to {prediction.hour}, "
        f"{len(filled)} interpolated" + (f" ({', '.join(filled)})" if filled else "")
    )
    typer.echo(f"model {prediction.model}, sha256 {prediction.sha256[:12]}…, {prediction.device}")
    if prediction.trained_on:
        typer.echo(f"trained on: {prediction.trained_on}")
    for warning in prediction.warnings:
        typer.echo(f"warning: {warning}")


def _echo_skipped(source: Source) -> None:
    """Write on stderr what a source could not use; the answer itself stands."""
    for what, skipped in skipped_kinds(source.skipped()).items():
        typer.echo(
            f"{counted(n_skipped(skipped), what)} skipped, the first: {skipped[0].reason}", err=True
        )


if __name__ == "__main__":
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main())

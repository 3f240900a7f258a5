"""The command line of live data: ``python -m hnn_core data fetch|flares|cmes|watch``."""

from typing import Annotated, Any

import typer

from hnn_core.live.catalog_commands import cmes, flares
from hnn_core.live.reporting import Reporter, counted, reporting, size

__all__ = ["add_live_commands"]

JsonOption = Annotated[bool, typer.Option("--json", help="Write events as JSON, one a line.")]


def add_live_commands(app: typer.Typer) -> None:
    """Add the commands to ``data``."""
    for command in (fetch, flares, cmes, watch):
        app.command()(command)


def fetch(
    noaa: Annotated[str, typer.Option(help="NOAA number of an active region, 11158.")] = "",
    harp: Annotated[str, typer.Option(help="HARP number of the definitive series, 377.")] = "",
    flare: Annotated[
        str, typer.Option(help="Id of a flare in the catalogue: the two days before it.")
    ] = "",
    now: Annotated[
        bool, typer.Option("--now", help="Every region now on the disk (near-real-time).")
    ] = False,
    start: Annotated[
        str, typer.Option(help="First day or hour (TAI); the passage's own by default.")
    ] = "",
    end: Annotated[str, typer.Option(help="Last day or hour (TAI).")] = "",
    email: Annotated[
        str, typer.Option(help="Registered with JSOC: export with keywords, not the direct way.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Fetch hourly magnetograms, and the flares and CMEs around them."""
    from astropy.time import Time

    from hnn_core.live import fetching, wanted, words

    if sum(map(bool, (noaa, harp, flare, now))) != 1:
        raise typer.BadParameter("give one of --noaa, --harp, --flare and --now.")
    if (flare or now) and (start or end):
        raise typer.BadParameter("--start and --end go with --noaa or --harp.")
    first = words.read_moment(start) if start else None
    last = words.read_moment(end, end=True) if end else None
    with reporting("fetch", as_json=as_json) as reporter:
        if now:
            results = fetching.fetch_disk_now(Time.now().tai, reporter)
        else:
            if flare:
                region, first, last = wanted.hours_before_flare(flare)
            else:
                text = f"AR {noaa}" if noaa.isdigit() else noaa or f"HARP {harp}"
                region = words.read_region(text)
            wanted.check_span(first, last)
            harps = wanted.harps_wanted(region, reporter)
            request = wanted.FetchRequest(harps, first, last, email=email or None)
            results = fetching.fetch(request, reporter)
        fetching.catalogues_around(results, reporter)
        _end_fetch(results, reporter)


def watch(
    model: Annotated[str, typer.Option(help="Name, folder or hub id of a model.")] = "demo",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:1.")] = "auto",
    once: Annotated[bool, typer.Option("--once", help="One round, not every hour.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Every hour, fetch the regions now on the disk, predict, and append to a log."""
    with reporting("watch", as_json=as_json) as reporter:
        from hnn_core.live.predictions import prediction_log
        from hnn_core.live.watch import watch as keep_watch

        added = keep_watch(model, device, reporter, once=once)
        reporter.end(f"{added} predictions were appended to {prediction_log()}.", added=added)


def _end_fetch(results: list[Any], reporter: Reporter) -> None:
    fetched = [one.fetched for one in results]
    new, present = sum(one.new for one in fetched), sum(one.present for one in fetched)
    missing = sum(len(one.missing) for one in fetched)
    n_bytes = sum(one.bytes for one in fetched)
    reporter.end(
        f"{counted(new, 'magnetogram')} of {counted(len(results), 'region')} fetched "
        f"({size(n_bytes)}), {present} were here already, {counted(missing, 'hour')} without one.",
        new=new,
        present=present,
        missing=missing,
        regions=[one.region.id for one in results if one.region is not None],
    )

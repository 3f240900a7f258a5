"""``python -m hnn_core data fetch|flares|cmes|watch``: magnetograms and catalogues, live."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from hnn_core.exceptions import ServiceError
from hnn_core.live.reporting import (
    DeviceOption,
    JsonOption,
    ModelOption,
    Reporter,
    counted,
    reporting,
    size,
)
from hnn_core.regions import words
from hnn_core.regions.goes_classes import LISTED

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from hnn_core.catalogs.client import Refresh

__all__ = ["cmes", "fetch", "flares", "watch"]

StartOption = Annotated[str, typer.Option(help="First day, 2011-02-13.")]
EndOption = Annotated[str, typer.Option(help="Last day, 2011-02-15.")]
AgainOption = Annotated[
    bool, typer.Option("--again", help="Ask also for what was fetched before: DONKI revises.")
]


def flares(
    start: StartOption,
    end: EndOption,
    minimum: Annotated[str, typer.Option("--least", help="Minimum class to list.")] = LISTED,
    again: AgainOption = False,
    as_json: JsonOption = False,
) -> None:
    """Fetch flares (NCEI, HEK) with their CMEs in DONKI, and list them."""
    from hnn_core.catalogs.queries import find_flares
    from hnn_core.catalogs.store import Catalog
    from hnn_core.live.fetching import refreshed_all

    days = words.read_day(start), words.read_day(end)
    with reporting("flares", as_json=as_json) as reporter:
        refreshes = refreshed_all(*days, reporter, again=again)
        failed = tuple(words for one in refreshes for words in one.failed)
        found = find_flares(Catalog.open(), start=days[0], end=days[1], minimum_class=minimum)
        _check_any(found, refreshes[0], days, "NCEI", "HEK")
        if not as_json:
            row: Any
            for row in found.itertuples():
                where = f"AR {row.noaa}" if row.noaa else "AR unknown"
                typer.echo(
                    f"{row.peak_utc:%Y-%m-%d %H:%M} UTC  {row.goes_class:<6} {row.scale:<12} "
                    f"{where:<11} {row.association:<9} {row.reason}"
                )
        reporter.end(
            f"{counted(len(found), 'flare')} of class {minimum} and above, {days[0]} to {days[1]}."
            + _missing(failed),
            flares=len(found),
            failed=list(failed),
        )


def cmes(
    start: StartOption,
    end: EndOption,
    again: AgainOption = False,
    as_json: JsonOption = False,
) -> None:
    """Fetch CMEs and their links to flares from DONKI, and list them."""
    from hnn_core.catalogs.queries import find_cmes
    from hnn_core.catalogs.refresh import refresh_cmes
    from hnn_core.catalogs.store import Catalog
    from hnn_core.live.fetching import refreshed

    days = words.read_day(start), words.read_day(end)
    with reporting("cmes", as_json=as_json) as reporter:
        refresh = refreshed(refresh_cmes, *days, reporter, again=again)
        failed, found = refresh.failed, find_cmes(Catalog.open(), *days)
        _check_any(found, refresh, days, "DONKI CME")
        if not as_json:
            row: Any
            for row in found.itertuples():
                known = row.speed_km_s == row.speed_km_s
                speed = f"{row.speed_km_s:.0f} km/s" if known else "speed unknown"
                where = row.source_location or "–"
                typer.echo(
                    f"{row.start_utc:%Y-%m-%d %H:%M} UTC  {speed:<14}{where:<8}"
                    f"{row.flare_ids or 'no flare linked'}"
                )
        reporter.end(
            f"{counted(len(found), 'CME')} from {days[0]} to {days[1]}." + _missing(failed),
            cmes=len(found),
            failed=list(failed),
        )


def fetch(
    noaa: Annotated[
        str, typer.Option("--noaa", "--ar", help="NOAA number of an active region, 11158.")
    ] = "",
    harp: Annotated[str, typer.Option(help="HARP number of the definitive series, 377.")] = "",
    flare: Annotated[
        str, typer.Option(help="Id of a flare in the catalogue: the two days before it.")
    ] = "",
    now: Annotated[
        bool, typer.Option("--now", help="Every region now on the disk (near-real-time).")
    ] = False,
    nrt: Annotated[
        bool,
        typer.Option(
            "--nrt",
            help="With --ar or --harp, --from and --to: the near-real-time series, which has a "
            "region weeks before the definitive one.",
        ),
    ] = False,
    start: Annotated[
        str,
        typer.Option(
            "--start", "--from", help="First day or hour (TAI); the passage's own by default."
        ),
    ] = "",
    end: Annotated[str, typer.Option("--end", "--to", help="Last day or hour (TAI).")] = "",
    email: Annotated[
        str, typer.Option(help="Registered with JSOC: export with keywords, not the direct way.")
    ] = "",
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Do without records that are off line.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Fetch hourly magnetograms, and the flares and CMEs around them."""
    from astropy.time import Time

    from hnn_core.live import fetching
    from hnn_core.live.near_real_time import fetch_near_real_time
    from hnn_core.live.off_line import check_fetched

    if sum(map(bool, (noaa, harp, flare, now))) != 1:
        raise typer.BadParameter("give one of --noaa, --harp, --flare and --now.")
    if (flare or now) and (start or end):
        raise typer.BadParameter("--start and --end go with --noaa or --harp.")
    if nrt and not ((noaa or harp) and start and end):
        raise typer.BadParameter("--nrt goes with --ar or --harp, and needs --from and --to.")
    if nrt and email:
        raise typer.BadParameter(
            "--email exports the definitive series; it does not go with --nrt."
        )
    first = words.read_moment(start) if start else None
    last = words.read_moment(end, end=True) if end else None
    with reporting("fetch", as_json=as_json) as reporter:
        if now:
            results = fetching.fetch_disk_now(Time.now().tai, reporter)
        else:
            if flare:
                region, first, last = fetching.hours_before_flare(flare)
            else:
                text = f"AR {noaa}" if noaa.isdigit() else noaa or f"HARP {harp}"
                region = words.read_region(text)
            words.check_span(first, last)
            if nrt and first is not None and last is not None:
                results = fetch_near_real_time(region, first, last, reporter)
            else:
                harps = fetching.harps_wanted(region, reporter)
                results = fetching.fetch(harps, first, last, reporter, email=email or None)
        fetching.catalogues_around(results, reporter)
        check_fetched(results, reporter, allow_missing=allow_missing)
        _end_fetch(results, reporter)


def watch(
    model: ModelOption = "demo",
    device: DeviceOption = "auto",
    once: Annotated[bool, typer.Option("--once", help="One round, not every hour.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Every hour, fetch the regions now on the disk, predict, and append to a log."""
    with reporting("watch", as_json=as_json) as reporter:
        from hnn_core.live.watch import prediction_log
        from hnn_core.live.watch import watch as keep_watch

        added = keep_watch(model, device, reporter, once=once)
        reporter.end(f"Appended {counted(added, 'prediction')} to {prediction_log()}.", added=added)


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
        off_line=sum(len(one.off_line) for one in fetched),
        instead=sum(len(one.instead) for one in fetched),
        regions=[one.region.id for one in results if one.region is not None],
    )


def _check_any(
    found: "pd.DataFrame", refresh: "Refresh", days: "tuple[date, date]", *services: str
) -> None:
    """Raise where nothing is known of a span because no part of it could be fetched."""
    from hnn_core.catalogs.queries import is_covered
    from hnn_core.catalogs.store import Catalog

    if refresh.failed and found.empty and not is_covered(Catalog.open(), services, *days):
        raise ServiceError(f"Nothing could be fetched, and nothing is here: {refresh.failed[0]}")


def _missing(failed: tuple[str, ...]) -> str:
    if not failed:
        return ""
    return f" {counted(len(failed), 'part')} could not be fetched; run it again for the rest."

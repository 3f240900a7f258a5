"""Fetching on request: a region's passage, the hours before a flare, the disk now."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import partial

from astropy.time import Time, TimeDelta

from hnn_core.catalogs.client import Refresh
from hnn_core.catalogs.queries import harps_of
from hnn_core.catalogs.raw import RawFolder, utc_now
from hnn_core.catalogs.records import HarpNoaa
from hnn_core.catalogs.refresh import refresh_cmes, refresh_flares, refresh_harp_noaa
from hnn_core.catalogs.store import Catalog, catalogs_home
from hnn_core.exceptions import (
    EmptySourceError,
    HnnError,
    NoRecordsError,
    RequestError,
    ServiceError,
    UnknownSourceError,
)
from hnn_core.jsoc.client import JsocClient
from hnn_core.jsoc.fetch import FetchProgress, fetch_region
from hnn_core.jsoc.files import region_folder
from hnn_core.jsoc.keywords import DEFINITIVE, NEAR_REAL_TIME, Series
from hnn_core.live.off_line import RegionFetched, note_instead
from hnn_core.live.reporting import Reporter, counted, duration
from hnn_core.magnetogram.conventions import iso_minute, tai_seconds, time_from_seconds
from hnn_core.regions.words import Wanted
from hnn_core.sources.fits_folder import FitsFolder

__all__ = [
    "catalogues_around",
    "fetch",
    "fetch_disk_now",
    "fetch_spans",
    "harps_wanted",
    "hours_before_flare",
    "progress_of",
    "refreshed",
    "refreshed_all",
]

_CASE_HOURS = 48
"""Hours fetched before a flare: its label's day, and the day that its sequences reach into."""
_NOW_HOURS = 12
"""Hours fetched of a region now on the disk: a sequence, and two to fill a gap at its start."""


def harps_wanted(wanted: Wanted, reporter: Reporter) -> tuple[int, ...]:
    """Return the HARP numbers of a region, from JSOC's table.

    JSOC adds to it all the time: a number that the copy here does not hold is looked up once more
    in a new one.

    Raises
    ------
    NoRecordsError
        The table has no HARP with that NOAA number.
    ServiceError
        The copy here has none, and there cannot be a newer one now.
    """
    if wanted.harp is not None:
        return (wanted.harp,)
    noaa = int(wanted.noaa or 0)
    refresh = refresh_harp_noaa(note=reporter.note)
    harps = harps_of(Catalog.open(), noaa)
    if not harps and refresh.kept:
        reporter.note(f"{wanted.words} is not in {_table_copy()}; fetching a new one.")
        refresh = refresh_harp_noaa(again=True, note=reporter.note)
        harps = harps_of(Catalog.open(), noaa)
    if harps:
        return harps
    if refresh.failed:
        raise ServiceError(
            f"{wanted.words} is not in {_table_copy()}, and a new one could not be fetched: "
            f"{refresh.failed[0]}"
        )
    raise NoRecordsError(
        f"No HARP has the number {wanted.words} in {_table_copy()}; give a HARP number, or fetch a "
        "region of the last weeks near real time with --nrt, --from and --to."
    )


def _table_copy() -> str:
    """Name the copy here of JSOC's table of numbers with its age."""
    copies = RawFolder(catalogs_home()).newest(HarpNoaa.service).values()
    if not copies:
        return "JSOC's table of HARP and NOAA numbers, of which there is no copy here"
    fetched = max(copy.fetched for copy in copies)
    age = duration(max((utc_now() - fetched).total_seconds(), 0.0))
    return f"the copy of JSOC's table of HARP and NOAA numbers of {fetched:%Y-%m-%d} ({age} old)"


def hours_before_flare(flare_id: str) -> tuple[Wanted, Time, Time]:
    """Return the region of a flare and the hours up to its start.

    Raises
    ------
    RequestError
        The catalogue has no such flare, or it does not know its region.
    """
    flares = Catalog.open().flares
    found = flares[flares["flare_id"] == flare_id]
    if found.empty:
        raise RequestError(
            f"There is no flare {flare_id!r} in the catalogue; fetch its month with data flares."
        )
    row = found.iloc[0]
    if not row["harp"] and not row["noaa"]:
        raise RequestError(f"The catalogue does not know which region the flare {flare_id} was in.")
    begun = row["peak_utc"] if row.isna()["start_utc"] else row["start_utc"]
    seconds = float(tai_seconds(Time(begun.to_pydatetime(), scale="utc")))
    wanted = Wanted(harp=int(row["harp"])) if row["harp"] else Wanted(noaa=int(row["noaa"]))
    return wanted, *_hours_until(seconds, _CASE_HOURS)


def fetch(
    harps: Sequence[int],
    first: Time | None,
    last: Time | None,
    reporter: Reporter,
    *,
    email: str | None = None,
) -> list[RegionFetched]:
    """Fetch the hourly magnetograms of definitive regions; what is here already is not fetched.

    Parameters
    ----------
    harps : sequence of int
    first, last : Time or None
        TAI; None means as far as the passage goes.
    reporter : Reporter
    email : str, optional
        Export with keywords, for a registered address, instead of the direct way.

    Raises
    ------
    NoRecordsError
        No region has a record in the span.
    ServiceError
        JSOC does not answer; what came until then is kept.
    """
    client = JsocClient(note=reporter.note)
    spans = dict.fromkeys(harps, (first, last))
    return fetch_spans(client, DEFINITIVE, spans, reporter, email)


def fetch_disk_now(now: Time, reporter: Reporter) -> list[RegionFetched]:
    """Fetch the last hours of every region now on the disk, from the near-real-time series.

    Raises
    ------
    NoRecordsError
        JSOC has no region in the last hours.
    ServiceError
    """
    client = JsocClient(note=reporter.note)
    found = client.harps_at(NEAR_REAL_TIME, now)
    if found.empty:
        raise NoRecordsError(
            f"JSOC has no near-real-time region at {iso_minute(now)} TAI; they come about an "
            "hour late, so try again later."
        )
    spans = {
        int(harp): _hours_until(float(newest), _NOW_HOURS)
        for harp, newest in zip(found["harp"], found["t_rec"], strict=True)
    }
    return fetch_spans(client, NEAR_REAL_TIME, spans, reporter)


def _hours_until(seconds: float, hours: int) -> tuple[Time, Time]:
    """Return the first and the last of some whole hours up to a time (unix_tai seconds)."""
    last = math.floor(seconds / 3600.0) * 3600.0
    return time_from_seconds(last - (hours - 1) * 3600.0), time_from_seconds(last)


def catalogues_around(results: list[RegionFetched], reporter: Reporter) -> None:
    """Fetch the flares and CMEs around what is here; a service that fails is only noted."""
    spans = [(one.region.first, one.region.last) for one in results if one.region is not None]
    if not spans:
        return
    start = min(first for first, _ in spans).to_datetime().date()
    last = max(last for _, last in spans)
    end = (last + TimeDelta(2 * 86400.0, format="sec")).to_datetime().date()
    end = min(end, datetime.now(UTC).date())
    for what, refresh in (("flares", refresh_flares), ("CMEs", refresh_cmes)):
        try:
            refreshed(refresh, start, end, reporter)
        except HnnError as error:
            reporter.note(f"Without {what}: {error}")


def refreshed(
    refresh: Callable[..., Refresh],
    start: date,
    end: date,
    reporter: Reporter,
    *,
    again: bool = False,
) -> Refresh:
    """Refresh a catalogue over a span of days; note what could not be fetched."""
    progress = partial(reporter.progress, "catalogue")
    return _noted(refresh(start, end, again=again, progress=progress, note=reporter.note), reporter)


def refreshed_all(
    start: date, end: date, reporter: Reporter, *, again: bool
) -> tuple[Refresh, Refresh, Refresh]:
    """Refresh flares, CMEs and the numbers of regions; note what could not be fetched."""
    flares = refreshed(refresh_flares, start, end, reporter, again=again)
    cmes = refreshed(refresh_cmes, start, end, reporter, again=again)
    return flares, cmes, _noted(refresh_harp_noaa(again=again, note=reporter.note), reporter)


def _noted(refresh: Refresh, reporter: Reporter) -> Refresh:
    for sentence in refresh.failed:
        reporter.note(sentence)
    return refresh


def fetch_spans(
    client: JsocClient,
    series: Series,
    spans: Mapping[int, tuple[Time | None, Time | None]],
    reporter: Reporter,
    email: str | None = None,
) -> list[RegionFetched]:
    """Fetch HARPs of a series one after another, each from a time to another; see `fetch`.

    Raises NoRecordsError where none has a record.
    """
    results, absent = [], []
    for done, (harp, (first, last)) in enumerate(spans.items(), start=1):
        if len(spans) > 1:
            reporter.note(f"region {done} of {len(spans)}: HARP {harp}")
        progress = progress_of(reporter)
        try:
            fetched = fetch_region(
                client, series, harp, first, last, email=email, progress=progress
            )
        except NoRecordsError as error:
            absent.append(error)
            continue
        for why, count in sorted(Counter(fetched.missing.values()).items()):
            reporter.excluded(f"{counted(count, 'hour')} of HARP {harp}", why, count)
        note_instead(harp, fetched, reporter)
        try:
            region = FitsFolder(region_folder(series, harp)).regions()[0]
        except (EmptySourceError, UnknownSourceError):
            region = None
        results.append(RegionFetched(series, harp, fetched, region))
    if not results:
        raise absent[0]
    for reason in absent:
        reporter.note(str(reason))
    return results


def progress_of(
    reporter: Reporter, *, done: int = 0, total: int = 0, n_bytes: int = 0, old: int = 0
) -> Callable[[FetchProgress], None]:
    """Return what reports on one region, as part of `total` hours if that is given."""
    here: list[int] = []

    def progress(now: FetchProgress) -> None:
        if not now.total:
            reporter.note(now.text)
            return
        here.append(now.done)  # the first number counts what was here before
        reporter.progress(
            "magnetograms",
            min(done + now.done, total or now.total),
            total or now.total,
            f"HARP {now.harp} {now.text}",
            n_bytes=n_bytes + now.bytes,
            old=old + here[0],
        )

    return progress

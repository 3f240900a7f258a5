"""Fetching on request: a region's passage, the hours before a flare, the disk now."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial

from astropy.time import Time, TimeDelta

from hnn_core.catalogs.client import Refresh
from hnn_core.catalogs.queries import harps_of
from hnn_core.catalogs.refresh import refresh_cmes, refresh_flares, refresh_harp_noaa
from hnn_core.catalogs.store import Catalog
from hnn_core.exceptions import (
    EmptySourceError,
    HnnError,
    NoRecordsError,
    RequestError,
    ServiceError,
    UnknownSourceError,
)
from hnn_core.jsoc.client import JsocClient
from hnn_core.jsoc.fetch import Fetched, FetchProgress, fetch_region
from hnn_core.jsoc.files import region_folder
from hnn_core.jsoc.keywords import DEFINITIVE, NEAR_REAL_TIME, Series
from hnn_core.live.reporting import Reporter, counted
from hnn_core.magnetogram.conventions import iso_minute, tai_seconds, time_from_seconds
from hnn_core.regions.base import Region
from hnn_core.regions.words import Wanted
from hnn_core.sources.fits_folder import FitsFolder

__all__ = [
    "RegionFetched",
    "catalogues_around",
    "fetch",
    "fetch_disk_now",
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

    Raises
    ------
    RequestError
        The table has no HARP with that NOAA number.
    ServiceError
        The table was never fetched and cannot be now.
    """
    if wanted.harp is not None:
        return (wanted.harp,)
    failed = refresh_harp_noaa(note=reporter.note).failed
    harps = harps_of(Catalog.open(), int(wanted.noaa or 0))
    if not harps:
        if failed:
            raise ServiceError(f"The table of HARP and NOAA numbers is missing: {failed[0]}")
        raise RequestError(
            f"No HARP has the number {wanted.words} in JSOC's table; give a HARP number, or fetch "
            "what is on the disk now with --now."
        )
    return harps


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


@dataclass(frozen=True)
class RegionFetched:
    """What a fetch of one region came to, and the region as it is here now."""

    fetched: Fetched
    region: Region | None
    """None where no magnetogram of it is here."""


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
    return _regions(client, DEFINITIVE, spans, reporter, email)


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
    return _regions(client, NEAR_REAL_TIME, spans, reporter)


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
) -> tuple[str, ...]:
    """Refresh a catalogue over a span of days; note and return what could not be fetched."""
    progress = partial(reporter.progress, "catalogue")
    failed = refresh(start, end, again=again, progress=progress, note=reporter.note).failed
    return _noted(failed, reporter)


def refreshed_all(start: date, end: date, reporter: Reporter, *, again: bool) -> tuple[str, ...]:
    """Refresh flares, CMEs and the numbers of regions; return what could not be fetched."""
    failed: tuple[str, ...] = ()
    for refresh in (refresh_flares, refresh_cmes):
        failed += refreshed(refresh, start, end, reporter, again=again)
    numbers = refresh_harp_noaa(again=again, note=reporter.note)
    return failed + _noted(numbers.failed, reporter)


def _noted(failed: tuple[str, ...], reporter: Reporter) -> tuple[str, ...]:
    for sentence in failed:
        reporter.note(sentence)
    return failed


def _regions(
    client: JsocClient,
    series: Series,
    spans: Mapping[int, tuple[Time | None, Time | None]],
    reporter: Reporter,
    email: str | None = None,
) -> list[RegionFetched]:
    """Fetch HARPs one after another; raises NoRecordsError where none has a record."""
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
        try:
            region = FitsFolder(region_folder(series, harp)).regions()[0]
        except (EmptySourceError, UnknownSourceError):
            region = None
        results.append(RegionFetched(fetched, region))
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

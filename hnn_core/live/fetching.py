"""Fetching what a person asked for: a region's passage, the hours before a flare, the disk now.

What a person asked to be fetched, in numbers and times: before a magnetogram is asked for.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from astropy.time import Time, TimeDelta

from hnn_core.catalogs.client import Progress
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
from hnn_core.magnetogram.conventions import LARGEST_LONGITUDE, iso_minute, parse_t_rec, tai_seconds
from hnn_core.regions.base import Region
from hnn_core.regions.words import Wanted
from hnn_core.sources.fits_folder import FitsFolder

__all__ = [
    "CASE_HOURS",
    "MAGNETOGRAMS",
    "FetchRequest",
    "RegionFetched",
    "catalogue_progress",
    "catalogues_around",
    "check_span",
    "fetch",
    "fetch_disk_now",
    "harps_wanted",
    "hours_before_flare",
    "progress_of",
]


CASE_HOURS = 48
"""Hours fetched before a flare: its label's day, and the day that its sequences reach into."""


@dataclass(frozen=True)
class FetchRequest:
    """Regions and a span of time; None at an end means as far as the passage goes."""

    harps: tuple[int, ...]
    first: Time | None = None
    """TAI."""
    last: Time | None = None
    most_longitude: float = LARGEST_LONGITUDE
    email: str | None = None
    """Export with keywords, for a registered address, instead of the direct way."""


def check_span(first: Time | None, last: Time | None) -> None:
    """Raise RequestError for a span that ends before it begins."""
    if first is not None and last is not None and last < first:
        raise RequestError(
            f"The span would end at {iso_minute(last)}, before it begins at {iso_minute(first)}."
        )


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
    told = refresh_harp_noaa(note=reporter.note)
    harps = harps_of(Catalog.open(), int(wanted.noaa or 0))
    if not harps:
        if told.failed:
            raise ServiceError(f"The table of HARP and NOAA numbers is missing: {told.failed[0]}")
        raise RequestError(
            f"No HARP has the number {wanted.words} in JSOC's table; ask by HARP, or for what is "
            "on the disk now with --now."
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
    last = parse_t_rec(f"{iso_minute(seconds)[:13]}:00")
    first = last - TimeDelta((CASE_HOURS - 1) * 3600.0, format="sec")
    wanted = Wanted(harp=int(row["harp"])) if row["harp"] else Wanted(noaa=int(row["noaa"]))
    return wanted, first, last


NOW_HOURS = 12
"""Hours fetched of a region now on the disk: a sequence, and two to fill a gap at its start."""
MAGNETOGRAMS = "magnetograms"


@dataclass(frozen=True)
class RegionFetched:
    """What a fetch of one region came to, and the region as it is here now."""

    fetched: Fetched
    region: Region | None
    """None where no magnetogram of it is here."""


def fetch(request: FetchRequest, reporter: Reporter) -> list[RegionFetched]:
    """Fetch the hourly magnetograms of definitive regions; what is here already is not fetched.

    Raises
    ------
    NoRecordsError
        No region has a record in the span.
    ServiceError
        JSOC does not answer; what came until then is kept.
    """
    with JsocClient(note=reporter.note) as client:
        results, absent = [], []
        for harp in request.harps:
            try:
                results.append(_region(client, DEFINITIVE, harp, request, reporter))
            except NoRecordsError as error:
                absent.append(error)
        if not results:
            raise absent[0]
        for reason in absent:
            reporter.note(str(reason))
        return results


def fetch_disk_now(now: Time, reporter: Reporter) -> list[RegionFetched]:
    """Fetch the last hours of every region now on the disk, from the near-real-time series.

    Raises
    ------
    NoRecordsError
        JSOC has no region in the last hours.
    ServiceError
    """
    with JsocClient(note=reporter.note) as client:
        found = client.harps_at(NEAR_REAL_TIME, now)
        if found.empty:
            raise NoRecordsError(
                f"JSOC has no near-real-time region at {iso_minute(now)} TAI; they come about an "
                "hour late, so try again later."
            )
        results = []
        row: Any
        for done, row in enumerate(found.itertuples(), start=1):
            newest = float(row.t_rec)
            last = parse_t_rec(f"{iso_minute(newest)[:13]}:00")
            first = last - TimeDelta((NOW_HOURS - 1) * 3600.0, format="sec")
            request = FetchRequest((int(row.harp),), first, last)
            reporter.note(f"region {done} of {len(found)}: NRT HARP {row.harp}")
            try:
                results.append(_region(client, NEAR_REAL_TIME, int(row.harp), request, reporter))
            except NoRecordsError as error:
                reporter.note(str(error))
        return results


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
        tell = catalogue_progress(reporter)
        try:
            told = refresh(start, end, progress=tell, note=reporter.note)
        except HnnError as error:
            reporter.note(f"Without {what}: {error}")
            continue
        for sentence in told.failed:
            reporter.note(f"Without some {what}: {sentence}")


def _region(
    client: JsocClient, series: Series, harp: int, request: FetchRequest, reporter: Reporter
) -> RegionFetched:
    fetched = fetch_region(
        client,
        series,
        harp,
        request.first,
        request.last,
        most_longitude=request.most_longitude,
        email=request.email,
        progress=progress_of(reporter),
    )
    for why, count in sorted(Counter(fetched.missing.values()).items()):
        reporter.excluded(f"{counted(count, 'hour')} of HARP {harp}", why, count)
    return RegionFetched(fetched, _here(series, harp))


def progress_of(
    reporter: Reporter, *, done: int = 0, total: int = 0, n_bytes: int = 0, old: int = 0
) -> Callable[[FetchProgress], None]:
    """Return what tells the progress of one region, as part of `total` hours if that is given."""
    here: list[int] = []

    def tell(told: FetchProgress) -> None:
        if not told.total:
            reporter.note(told.text)
            return
        here.append(told.done)  # the first number counts what was here before
        reporter.progress(
            MAGNETOGRAMS,
            min(done + told.done, total or told.total),
            total or told.total,
            f"HARP {told.harp} {told.text}",
            n_bytes=n_bytes + told.bytes,
            old=old + here[0],
        )

    return tell


def _here(series: Series, harp: int) -> Region | None:
    """Describe a region by what is here of it."""
    try:
        return FitsFolder(region_folder(series, harp)).regions()[0]
    except (EmptySourceError, UnknownSourceError):
        return None


def catalogue_progress(reporter: Reporter) -> Callable[[Progress], None]:
    """Return what tells the progress of a catalogue."""
    return lambda told: reporter.progress("catalogue", told.done, told.total, told.what)

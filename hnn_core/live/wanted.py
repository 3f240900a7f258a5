"""What a person asked to be fetched, in numbers and times: before a magnetogram is asked for."""

from dataclasses import dataclass

from astropy.time import Time, TimeDelta

from hnn_core.catalogs.query import harps_of
from hnn_core.catalogs.refresh import refresh_harp_noaa
from hnn_core.catalogs.store import Catalog
from hnn_core.exceptions import RequestError, ServiceError
from hnn_core.live.reporting import Reporter
from hnn_core.live.words import Wanted
from hnn_core.position import LARGEST_LONGITUDE
from hnn_core.tai import iso_minute, parse_t_rec, tai_seconds

__all__ = ["CASE_HOURS", "FetchRequest", "check_span", "harps_wanted", "hours_before_flare"]

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

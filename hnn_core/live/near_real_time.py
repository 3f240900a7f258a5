"""A region and a span of the near-real-time series, whose HARP numbers are its own.

For five to six weeks after its passage a region is in this series only.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from astropy.time import Time, TimeDelta

from hnn_core.catalogs.queries import harps_of
from hnn_core.catalogs.refresh import noaa_at, refresh_harp_noaa
from hnn_core.catalogs.store import Catalog
from hnn_core.exceptions import NoRecordsError, RequestError
from hnn_core.jsoc.client import JsocClient
from hnn_core.jsoc.keywords import DEFINITIVE, NEAR_REAL_TIME
from hnn_core.live.fetching import fetch_spans
from hnn_core.live.off_line import RegionFetched
from hnn_core.live.reporting import Reporter
from hnn_core.magnetogram.conventions import iso_minute, tai_seconds, time_from_seconds
from hnn_core.regions.words import Wanted

__all__ = ["fetch_near_real_time", "near_real_time_harps"]

_STEP_H = 6.0
"""Hours between two looks at the disk: boxes come, merge and get their numbers within a day."""
_NEAR = TimeDelta(3600.0, format="sec")
_MOST_DAYS = 20
"""No region is on the disk for longer; each look is a question to JSOC."""


def fetch_near_real_time(
    wanted: Wanted, first: Time, last: Time, reporter: Reporter
) -> list[RegionFetched]:
    """Fetch the hourly magnetograms of a region from the near-real-time series.

    Parameters
    ----------
    wanted : Wanted
        By its NOAA number, or its HARP number in the definitive series.
    first, last : Time
        TAI.
    reporter : Reporter
        Notes which number of the near-real-time series was taken, and why.

    Raises
    ------
    NoRecordsError
        The series has no such region in the span.
    RequestError
        The span is longer than a passage.
    ServiceError
    """
    client = JsocClient(note=reporter.note)
    harps = near_real_time_harps(client, wanted, first, last, reporter)
    return fetch_spans(client, NEAR_REAL_TIME, dict.fromkeys(harps, (first, last)), reporter)


def near_real_time_harps(
    client: JsocClient, wanted: Wanted, first: Time, last: Time, reporter: Reporter
) -> list[int]:
    """Find the numbers that a region has in the near-real-time series, ascending.

    By the series' own NOAA numbers, else by the position of the definitive HARP at the same time.
    A HARP number without a definitive record in the span is taken for one of the near-real-time
    series itself. Parameters and errors are those of `fetch_near_real_time`.
    """
    if (last - first).to_value("day") > _MOST_DAYS:
        raise RequestError(
            f"From {iso_minute(first)} to {iso_minute(last)} is longer than {_MOST_DAYS} days, and "
            "no region is on the disk for so long; narrow the span."
        )
    disk = _disk(client, first, last)
    found: set[int] = set()
    why = ""
    if wanted.noaa:
        has = disk["noaa"].map(lambda numbers: wanted.noaa in numbers)
        found, why = set(disk["harp"][has.astype(bool)]), "by its NOAA_AR"
    definitive = pd.DataFrame()
    if not found:
        definitive = _definitive(client, wanted, disk, reporter)
        found, why = _by_position(definitive, disk), "by position and time"
    if not found and definitive.empty and wanted.harp in set(disk["harp"]):
        found, why = {int(wanted.harp or 0)}, "its own number: the definitive series has none then"
    if not found:
        there = "; ".join(_words(disk, harp) for harp in sorted(set(disk["harp"]))) or "none"
        raise NoRecordsError(
            f"JSOC's near-real-time series has no {wanted.words} from {iso_minute(first)} to "
            f"{iso_minute(last)} TAI; its regions then: {there}."
        )
    for harp in sorted(found):
        reporter.note(f"{wanted.words} near real time is {_words(disk, harp)} there, {why}.")
    return sorted(map(int, found))


def _looks(first: Time, last: Time) -> Iterator[Time]:
    start, stop = float(tai_seconds(first)), float(tai_seconds(last))
    n_steps = max(1, int(np.ceil((stop - start) / (_STEP_H * 3600.0))))
    for seconds in np.linspace(start, stop, n_steps + 1):
        yield time_from_seconds(float(seconds))


def _disk(client: JsocClient, first: Time, last: Time) -> pd.DataFrame:
    """Boxes of the near-real-time series in a span, as `JsocClient.harps_at`; `at` is the look."""
    with client.transport.turn():
        looks = [
            client.harps_at(NEAR_REAL_TIME, time, hours=1.0).assign(at=float(tai_seconds(time)))
            for time in _looks(first, last)
        ]
    return pd.concat(looks, ignore_index=True)


def _definitive(
    client: JsocClient, wanted: Wanted, disk: pd.DataFrame, reporter: Reporter
) -> pd.DataFrame:
    """Return where a region's definitive HARPs were at each look: at, longitude, latitude."""
    harps: tuple[int, ...] = (wanted.harp,) if wanted.harp else ()
    if wanted.noaa:
        refresh_harp_noaa(note=reporter.note)
        harps = harps_of(Catalog.open(), wanted.noaa)
    places = []
    for at in sorted(set(disk["at"])):
        time = time_from_seconds(at)
        for harp in harps:
            then = client.records(DEFINITIVE, harp, time - _NEAR, time)
            places.append(then[["longitude", "latitude"]].tail(1).assign(at=at))
    return pd.concat(places, ignore_index=True) if places else pd.DataFrame()


def _by_position(places: pd.DataFrame, disk: pd.DataFrame) -> set[int]:
    """Numbers of the boxes in which places lie at the same time."""
    found = {
        noaa_at(disk[disk["at"] == place["at"]], place["longitude"], place["latitude"])[0]
        for place in places.to_dict("records")
    }
    return found - {0}


def _words(disk: pd.DataFrame, harp: int) -> str:
    """Name a region of the near-real-time series: ``HARP 14011 (AR 14600, 12° W)``."""
    row = disk[disk["harp"] == harp].iloc[-1]
    numbers = ", ".join(f"AR {number}" for number in row["noaa"]) or "no NOAA number"
    degrees = row["longitude"]
    place = "" if np.isnan(degrees) else f", {abs(degrees):.0f}° {'W' if degrees >= 0 else 'E'}"
    return f"HARP {harp} ({numbers}{place})"

"""What catalogues hold: a flare, its numbers, places and times; which HARP holds which regions."""

import math
import re
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from hnn_core.catalogs.client import Client
from hnn_core.catalogs.raw import Span
from hnn_core.exceptions import TransientReplyError
from hnn_core.jsoc.client import jsoc_transport
from hnn_core.magnetogram.conventions import finite_number, noaa_numbers
from hnn_core.regions.goes_classes import FluxScale, on_scale
from hnn_core.services.endpoints import service_url
from hnn_core.services.transport import Reply, Transport, read_text

__all__ = [
    "SOURCES",
    "FlareRecord",
    "FlareSource",
    "HarpNoaa",
    "direction",
    "parse_harp_noaa",
    "place",
    "read_place",
    "read_time",
    "region_number",
]

FlareSource = Literal["NCEI", "HEK", "DONKI"]
SOURCES: tuple[FlareSource, ...] = get_args(FlareSource)
"""Whose times and places count, first one first."""

_PLACE = re.compile(r"([NS])(\d{1,2})([EW])(\d{1,3})")
_FIVE_DIGITS = datetime(2002, 6, 14)
"""From this day on NOAA numbers have five digits, of which catalogues drop the first."""


@dataclass(frozen=True)
class FlareRecord:
    """One flare in one catalogue; it has a peak or a start."""

    source: FlareSource
    id: str
    """Names the record within its source."""
    peak: datetime | None
    """UTC; None where the source does not have it, which only DONKI does."""
    goes_class: str
    flux: float
    """W m-2 on `scale`."""
    scale: FluxScale
    start: datetime | None = None
    end: datetime | None = None
    noaa: int = 0
    longitude: float = math.nan
    """Stonyhurst, degrees, west positive; NaN if unknown."""
    latitude: float = math.nan
    fetched: datetime = datetime.min
    reply: str = ""
    links: tuple[str, ...] = ()
    """Ids of the CMEs that a DONKI record links, ascending."""
    version: int = 0
    twins: tuple[str, ...] = ()
    """Ids of DONKI's further records of the same flare."""

    @property
    def when(self) -> datetime:
        """The peak, or the start of a record without one."""
        moment = self.peak or self.start
        assert moment is not None
        return moment

    @property
    def operational(self) -> float:
        """Flux on the operational scale, W m-2."""
        return on_scale(self.flux, self.scale, "operational")


def region_number(value: Any, when: datetime) -> int:
    """Read a NOAA number: 1263.0 and 11263 are both 11263 from 2002-06-14 on; 0 for none."""
    number = finite_number(value)
    if not 0 < number < 100_000 or number != int(number):
        return 0
    lost = number < 10_000 and when >= _FIVE_DIGITS
    return int(number) + (10_000 if lost else 0)


def direction(longitude: Any, latitude: Any) -> tuple[float, float]:
    """Read a direction, degrees; (NaN, NaN) unless both are numbers in range."""
    lon, lat = finite_number(longitude), finite_number(latitude)
    return (lon, lat) if abs(lon) <= 180 and abs(lat) <= 90 else (math.nan, math.nan)


def place(longitude: Any, latitude: Any) -> tuple[float, float]:
    """Read a place on the Sun as `direction` does; (0, 0) is (NaN, NaN) too.

    Catalogues write the centre of the disk for "not known", also where they name a region. The
    direction of a CME, which is measured, may be (0, 0).
    """
    lon, lat = direction(longitude, latitude)
    return (math.nan, math.nan) if lon == lat == 0 else (lon, lat)


def read_place(text: Any) -> tuple[float, float]:
    """Read ``S20W10`` as longitude and latitude, degrees, west and north positive; else NaN."""
    match = _PLACE.fullmatch(str(text or "").strip().upper())
    if match is None:
        return math.nan, math.nan
    lon = float(match[4]) * (1 if match[3] == "W" else -1)
    return place(lon, float(match[2]) * (1 if match[1] == "N" else -1))


def read_time(text: Any) -> datetime | None:
    """Read an ISO time as UTC without a zone, with or without seconds and ``Z``; else None."""
    try:
        return datetime.fromisoformat(str(text or "").strip()).replace(tzinfo=None)
    except ValueError:
        return None


class HarpNoaa(Client):
    """Fetches JSOC's table of HARP and NOAA numbers, many to many; a copy is good for 30 days."""

    service, what, suffix = "harp_noaa", "Table of HARP and NOAA numbers", "txt"
    rest, share = timedelta(days=30), 0.9

    @staticmethod
    def check(reply: Reply) -> None:
        """Accept the table."""
        if not parse_harp_noaa(read_text(reply)):
            raise TransientReplyError("a table without HARP and NOAA numbers")

    def count(self, content: bytes) -> int:
        """Return the number of pairs."""
        return len(parse_harp_noaa(content.decode("utf-8", errors="replace")))

    def connect(self) -> AbstractContextManager[Transport]:
        """Return the one connection to JSOC, when it is this process's turn."""
        return jsoc_transport(self.refresh.note)

    def fetch(self, transport: Transport, span: Span) -> None:
        """Fetch the table."""
        known, url = self.known(span), service_url("HARP_NOAA")
        self.keep(span, self.request(transport, url, known=known))


def parse_harp_noaa(text: str) -> list[tuple[int, int]]:
    """Read the table: a HARP number, a space, NOAA numbers parted by commas.

    Returns
    -------
    list of (harp, noaa)
        One pair for each link, ascending; lines that hold no numbers are left out.
    """
    pairs = set()
    for line in text.splitlines():
        harp, _, numbers = line.strip().partition(" ")
        if harp.isdigit() and int(harp) > 0:
            pairs |= {(int(harp), noaa) for noaa in noaa_numbers(numbers)}
    return sorted(pairs)

"""NCEI's science-quality flare reports: one a year, one row a flare, on the science scale."""

import csv
import math
import re
from collections import defaultdict
from datetime import datetime, timedelta

from hnn_core.catalogs.client import Client, Refresh
from hnn_core.catalogs.raw import RawReply, Span
from hnn_core.catalogs.records import FlareRecord, place, read_time, region_number
from hnn_core.exceptions import TransientReplyError
from hnn_core.magnetogram.sharp import finite_number
from hnn_core.regions.goes_classes import class_of_flux, flux_of_class, read_class
from hnn_core.services.endpoints import service_url
from hnn_core.services.transport import Reply, Transport, read_text

__all__ = ["Ncei", "parse_report", "read_index"]

_FOLDER = "xrsf-l2-flrpt_science/csv/"
"""Of the yearly reports, below the GOES products."""
_REPORT = re.compile(r"sci_xrsf-l2-flrpt_geo_y(\d{4})_v(\d+(?:-\d+)*)\.csv")
_PLACES = [
    (f"flare_loc_{whose}_hgs_lon", f"flare_loc_{whose}_hgs_lat") for whose in ("swpc", "xrs")
]
_NEEDED = {"time", "xrsb_irrad", "flare_class", "active_region"}


class Ncei(Client):
    """Fetches reports by year; they are made once a day."""

    service, what, host, suffix = "ncei", "NCEI's flare report", "NCEI", "csv"
    rest, share, paced = timedelta(days=1), 0.9, False

    def __init__(self, refresh: Refresh) -> None:
        super().__init__(refresh)
        self._listed: dict[int, str] = {}

    @staticmethod
    def check(reply: Reply) -> None:
        """Accept a whole report."""
        try:
            rows = list(csv.reader(read_text(reply).splitlines()))
        except csv.Error as error:
            raise TransientReplyError("an answer that is no table") from error
        if not set(rows[0]) >= _NEEDED:
            raise TransientReplyError("a table that is no flare report")
        if len(rows[-1]) < len(rows[0]):
            raise TransientReplyError("a flare report that breaks off")

    def count(self, content: bytes) -> int:
        """Return the number of lines."""
        return content.count(b"\n")

    def fetch(self, transport: Transport, span: Span) -> None:
        """Fetch the report of a year, if there is one yet."""
        folder = service_url("GOES") + _FOLDER
        self._listed = self._listed or transport.get(folder, read=read_index)
        if span.start.year not in self._listed:
            self.refresh.note(f"NCEI has no flare report of {span.key} yet; HEK stands in for it.")
            return
        url = folder + self._listed[span.start.year]
        known = self.known(span)
        # Another version may have dropped flares; the same one only grows.
        same = known if known is not None and known.url == url else None
        self.keep(span, self.request(transport, url, known=same))

    def known_until(self, year: Span) -> datetime:
        """Return up to when flares are here: the end of a settled year, else its last peak."""
        reply = self.known(year)
        if reply is None:
            return datetime.min
        if year.is_settled(reply.fetched):
            return year.ends
        records, _ = parse_report(reply)
        return max((record.when for record in records), default=datetime.min)


def read_index(reply: Reply) -> dict[int, str]:
    """Return the file name of the highest version of each year, from the folder's web page."""
    found: dict[int, tuple[tuple[int, ...], str]] = {}
    for match in _REPORT.finditer(reply.text):
        version = tuple(int(number) for number in match[2].split("-"))
        year = int(match[1])
        found[year] = max(found.get(year, ((), "")), (version, match[0]))
    if not found:
        raise TransientReplyError("a page that lists no flare report")
    return {year: name for year, (_, name) in found.items()}


def parse_report(reply: RawReply) -> tuple[list[FlareRecord], list[str]]:
    """Read a report.

    Returns
    -------
    records : list of FlareRecord
        Ascending in peak. Rows with the same peak are one flare: the fuller row counts, and the
        others fill its gaps.
    problems : list of str
        Malformed rows, each in words.
    """
    reader = csv.DictReader(reply.text.splitlines())
    at_peak: dict[datetime, list[dict[str, str]]] = defaultdict(list)
    problems = []
    for row in reader:
        cells = {key: (value or "").strip() for key, value in row.items() if isinstance(key, str)}
        peak = read_time(cells.get("time"))
        why = _fault(cells, peak, reply)
        if peak is None or why:
            problems.append(f"line {reader.line_num}: {why}")
        else:
            at_peak[peak].append(_without_no_place(cells))
    return [_record(peak, _fullest(at_peak[peak]), reply) for peak in sorted(at_peak)], problems


def _fault(cells: dict[str, str], peak: datetime | None, reply: RawReply) -> str:
    if peak is None:
        return f"time {cells.get('time', '')!r} is no time"
    if not reply.span.start.year <= peak.year <= reply.span.end.year:
        return f"time {cells['time']!r} lies outside {reply.span.key}"
    if not read_class(cells.get("flare_class")) and not _irradiance(cells) > 0:
        return f"flare_class {cells.get('flare_class', '')!r} is no class"
    return ""


def _without_no_place(cells: dict[str, str]) -> dict[str, str]:
    """Empty the cells of a place that is not known, so that those of another row count."""
    for names in _PLACES:
        if math.isnan(place(*(cells.get(name) for name in names))[0]):
            cells |= dict.fromkeys(names, "")
    return cells


def _fullest(rows: list[dict[str, str]]) -> dict[str, str]:
    ordered = sorted(rows, key=lambda row: (-sum(map(bool, row.values())), sorted(row.items())))
    merged: dict[str, str] = {}
    for row in ordered:
        merged |= {key: value for key, value in row.items() if value and not merged.get(key)}
    return merged


def _irradiance(cells: dict[str, str]) -> float:
    return finite_number(cells.get("xrsb_irrad"))


def _record(peak: datetime, cells: dict[str, str], reply: RawReply) -> FlareRecord:
    flux = _irradiance(cells)
    goes_class = read_class(cells.get("flare_class")) or class_of_flux(flux)
    places = [place(*(cells.get(name) for name in names)) for names in _PLACES]
    lon, lat = next((one for one in places if not math.isnan(one[0])), places[0])
    return FlareRecord(
        source="NCEI",
        id=peak.isoformat(),
        peak=peak,
        goes_class=goes_class,
        flux=flux if flux > 0 else flux_of_class(goes_class),
        scale="science",
        start=read_time(cells.get("start_time")),
        end=read_time(cells.get("end_time")),
        noaa=region_number(cells.get("active_region"), peak),
        longitude=lon,
        latitude=lat,
        fetched=reply.fetched,
        reply=reply.name,
    )

"""NCEI's science-quality flare report: one row a flare, on the science scale."""

import csv
import math
import re
from collections import defaultdict
from datetime import datetime

from hnn_core.catalogs.raw import RawReply
from hnn_core.catalogs.records import FlareRecord, place, read_number, read_time, region_number
from hnn_core.exceptions import TransientReplyError
from hnn_core.regions.goes_classes import class_of_flux, flux_of_class, read_class
from hnn_core.services.transport import Reply, read_text

__all__ = ["REPORTS", "newest_reports", "parse_report", "read_index", "read_report"]

REPORTS = "xrsf-l2-flrpt_science/csv/"
"""Folder of the yearly reports below the GOES products."""

_REPORT = re.compile(r"sci_xrsf-l2-flrpt_geo_y(\d{4})_v(\d+(?:-\d+)*)\.csv")
_NEEDED = {"time", "xrsb_irrad", "flare_class", "active_region"}


def newest_reports(index: str) -> dict[int, str]:
    """Return the file name of the highest version of each year, from the folder's web page."""
    found: dict[int, tuple[tuple[int, ...], str]] = {}
    for match in _REPORT.finditer(index):
        version = tuple(int(number) for number in match[2].split("-"))
        year = int(match[1])
        found[year] = max(found.get(year, ((), "")), (version, match[0]))
    return {year: name for year, (_, name) in found.items()}


def read_index(reply: Reply) -> dict[int, str]:
    """Understand the folder's web page. Raises TransientReplyError if it names no report."""
    reports = newest_reports(reply.text)
    if not reports:
        raise TransientReplyError("a page that lists no flare report")
    return reports


def read_report(reply: Reply) -> Reply:
    """Accept a reply that is a whole report.

    Raises
    ------
    TransientReplyError
        It has other columns, or its last row is cut off.
    """
    try:
        rows = list(csv.reader(read_text(reply).splitlines()))
    except csv.Error as error:
        raise TransientReplyError("an answer that is no table") from error
    if not set(rows[0]) >= _NEEDED:
        raise TransientReplyError("a table that is no flare report")
    if len([cell for row in rows[-1:] for cell in row]) < len(rows[0]):
        raise TransientReplyError("a flare report that breaks off")
    return reply


def parse_report(content: bytes, reply: RawReply) -> tuple[list[FlareRecord], list[str]]:
    """Read a report.

    Parameters
    ----------
    content : bytes
    reply : RawReply
        Where the content comes from.

    Returns
    -------
    records : list of FlareRecord
        Ascending in peak. Rows with the same peak are one flare: the fuller row counts, and the
        others fill its gaps.
    problems : list of str
        Malformed rows, each in words.
    """
    reader = csv.DictReader(content.decode("utf-8", errors="replace").splitlines())
    at_peak: dict[datetime, list[dict[str, str]]] = defaultdict(list)
    problems = []
    for row in reader:
        cells = {key: (value or "").strip() for key, value in row.items() if isinstance(key, str)}
        peak = read_time(cells.get("time"))
        why = _fault(cells, peak, reply)
        if peak is None or why:
            problems.append(f"line {reader.line_num}: {why}")
        else:
            at_peak[peak].append(cells)
    return [_record(peak, _fullest(at_peak[peak]), reply) for peak in sorted(at_peak)], problems


def _fault(cells: dict[str, str], peak: datetime | None, reply: RawReply) -> str:
    if peak is None:
        return f"time {cells.get('time', '')!r} is no time"
    if not reply.start.year <= peak.year <= reply.end.year:
        return f"time {cells['time']!r} lies outside {reply.key}"
    if not read_class(cells.get("flare_class")) and not _irradiance(cells) > 0:
        return f"flare_class {cells.get('flare_class', '')!r} is no class"
    return ""


def _fullest(rows: list[dict[str, str]]) -> dict[str, str]:
    ordered = sorted(rows, key=lambda row: (-sum(map(bool, row.values())), sorted(row.items())))
    merged: dict[str, str] = {}
    for row in ordered:
        merged |= {key: value for key, value in row.items() if value and not merged.get(key)}
    return merged


def _irradiance(cells: dict[str, str]) -> float:
    return read_number(cells.get("xrsb_irrad"))


def _record(peak: datetime, cells: dict[str, str], reply: RawReply) -> FlareRecord:
    flux = _irradiance(cells)
    goes_class = read_class(cells.get("flare_class")) or class_of_flux(flux)
    lon, lat = place(cells.get("flare_loc_swpc_hgs_lon"), cells.get("flare_loc_swpc_hgs_lat"))
    if math.isnan(lon):
        lon, lat = place(cells.get("flare_loc_xrs_hgs_lon"), cells.get("flare_loc_xrs_hgs_lat"))
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

"""Bringing the catalogues up to date: ask, keep the replies, derive the tables.

Asking for GOES flares: NCEI's yearly reports first, HEK for the months without one.

The region of flares whose number no catalogue tells, by their position inside a HARP's box.
"""

import math
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hnn_core.catalogs import hek
from hnn_core.catalogs.asking import Asking, Refreshed, Told, not_shorter, quiet
from hnn_core.catalogs.donki import query, read_records, records_of
from hnn_core.catalogs.ncei import REPORTS, parse_report, read_index, read_report
from hnn_core.catalogs.queries import Moment, find_cmes, find_flares
from hnn_core.catalogs.raw import (
    SETTLED,
    RawFolder,
    Span,
    keep_numbers,
    months,
    parse_filled,
    utc_now,
    weeks,
    years,
)
from hnn_core.catalogs.records import parse_harp_noaa, read_harp_noaa
from hnn_core.catalogs.store import Catalog, catalogs_home, refresh_tables
from hnn_core.exceptions import ServiceFaultError, TransientReplyError
from hnn_core.jsoc.client import jsoc_transport
from hnn_core.services.endpoints import donki_url, goes_url, harp_noaa_url, hek_url
from hnn_core.services.transport import Reply, Transport

__all__ = [
    "Refreshed",
    "Told",
    "ask_goes",
    "keep_filled",
    "missing_noaa",
    "noaa_at",
    "refresh_cmes",
    "refresh_flares",
    "refresh_harp_noaa",
]


_REPORT_REST = timedelta(days=1)
"""Reports are made once a day."""


def ask_goes(asking: Asking, start: date, end: date) -> None:
    """Ask for the flares of a span and keep the replies.

    Raises
    ------
    RequestError
        The span is reversed.
    DiskFullError
    """
    reports, by_month = years(start, end), months(start, end)
    asking.total = len(reports) + len(by_month)
    _ask_ncei(asking, reports)
    uncovered = _uncovered(asking, reports, by_month)
    asking.done += len(by_month) - len(uncovered)
    _ask_hek(asking, uncovered)


def _ask_ncei(asking: Asking, spans: list[Span]) -> None:
    listed: dict[int, str] = {}

    def due(span: Span) -> bool:
        return asking.is_due("ncei", span.key, span, rest=_REPORT_REST)

    def fetch(transport: Transport, span: Span) -> None:
        if not listed:
            listed.update(transport.get(goes_url() + REPORTS, read=read_index))
        if span.start.year not in listed:
            asking.note(f"NCEI has no flare report of {span.key} yet; HEK stands in for it.")
            return
        url = goes_url() + REPORTS + listed[span.start.year]
        known = asking.fetched("ncei", span.key)
        # Another version may have dropped flares; the same one only grows.
        same = known if known is not None and known.url == url else None
        read = not_shorter(same, lambda content: content.count(b"\n"), read_report)
        asking.keep("ncei", span, transport.get(url, read=read), "csv")

    asking.each(
        spans,
        due=due,
        connect=lambda: asking.transport("NCEI"),
        fetch=fetch,
        what="NCEI's flare report",
    )


def _uncovered(asking: Asking, reports: list[Span], by_month: list[Span]) -> list[Span]:
    """Return the months of which NCEI's report is absent, or that go on after its last flare."""
    known_until: dict[int, datetime] = {}
    for span in reports:
        reply = asking.fetched("ncei", span.key)
        if reply is None:
            continue
        year_end = datetime.combine(span.end, time())
        if reply.fetched >= year_end + SETTLED:
            known_until[span.start.year] = year_end
        else:
            records, _ = parse_report(reply.read(), reply)
            peaks = [record.peak for record in records if record.peak is not None]
            known_until[span.start.year] = max(peaks, default=datetime.min)
    return [
        span
        for span in by_month
        if known_until.get(span.start.year, datetime.min) < datetime.combine(span.end, time())
    ]


def _ask_hek(asking: Asking, spans: list[Span]) -> None:
    def due(span: Span) -> bool:
        return asking.is_due("hek", hek.page_span(span, 1).key, span)

    def fetch(transport: Transport, span: Span) -> None:
        replies: list[Reply] = []
        while not replies or hek.has_more(replies[-1].content):
            if len(replies) == hek.MOST_PAGES:
                raise ServiceFaultError(f"HEK does not end after {hek.MOST_PAGES} pages.")
            parameters = hek.query(span, len(replies) + 1)
            replies.append(transport.get(hek_url(), parameters, read=hek.read_page))
        # The first page last: a month counts as fetched once that is kept.
        for page in range(len(replies), 0, -1):
            asking.keep("hek", hek.page_span(span, page), replies[page - 1], "json")

    asking.each(
        spans,
        due=due,
        connect=lambda: asking.transport("HEK", paced=True),
        fetch=fetch,
        what="HEK's flares",
    )


_HARP_NOAA_REST = timedelta(days=30)


def refresh_flares(
    start: date,
    end: date,
    *,
    again: bool = False,
    tell: Callable[[Told], None] = quiet,
    note: Callable[[str], None] = quiet,
) -> Refreshed:
    """Fetch the flares of a span: NCEI's reports, and HEK's for the months they do not cover.

    Parameters
    ----------
    start, end : date
        UTC, both included; what lies in the future is left out.
    again : bool
        Ask for settled spans too.
    tell : callable (Told), optional
        Told after each span.
    note : callable (sentence), optional
        Told of retries and of records left out.

    Returns
    -------
    Refreshed
        A service that fails is told there, in `failed`, and is no error.

    Raises
    ------
    RequestError
        `end` lies before `start`.
    DiskFullError
    """
    asking = Asking(catalogs_home(), again=again, tell=tell, note=note)
    ask_goes(asking, start, end)
    catalog = _derived(asking)
    return _outcome(asking, len(find_flares(catalog, start=start, end=end)))


def refresh_cmes(
    start: date,
    end: date,
    *,
    again: bool = False,
    tell: Callable[[Told], None] = quiet,
    note: Callable[[str], None] = quiet,
) -> Refreshed:
    """Fetch DONKI's flares by month and its CMEs by week, and link them.

    Parameters, errors and what a failure does are those of `refresh_flares`; `rows` counts CMEs.
    """
    asking = Asking(catalogs_home(), again=again, tell=tell, note=note)
    asked = (
        ("FLR", "donki_flr", "DONKI flares", months(start, end)),
        ("CME", "donki_cme", "DONKI CMEs", weeks(start, end)),
    )
    asking.total = sum(len(spans) for *_, spans in asked)
    for kind, service, what, spans in asked:

        def due(span: Span, service: str = service) -> bool:
            return asking.is_due(service, span.key, span)

        def fetch(
            transport: Transport, span: Span, kind: str = kind, service: str = service
        ) -> None:
            read = _donki_reader(asking, service, span)
            reply = transport.get(f"{donki_url()}{kind}", query(span), read=read)
            asking.keep(service, span, reply, "json")

        asking.each(
            spans,
            due=due,
            connect=lambda: asking.transport("DONKI", paced=True),
            fetch=fetch,
            what=what,
        )
    catalog = _derived(asking)
    return _outcome(asking, len(find_cmes(catalog, start=start, end=end)))


def refresh_harp_noaa(
    *,
    again: bool = False,
    tell: Callable[[Told], None] = quiet,
    note: Callable[[str], None] = quiet,
) -> Refreshed:
    """Fetch JSOC's table of HARP and NOAA numbers; one is good for 30 days.

    Parameters and errors are those of `refresh_flares`; `rows` counts pairs.
    """
    asking = Asking(catalogs_home(), again=again, tell=tell, note=note, total=1)
    span = Span("all", date(2010, 5, 1), utc_now().date())
    known = asking.fetched("harp_noaa", span.key)

    def count(content: bytes) -> int:
        return len(parse_harp_noaa(content.decode("utf-8", errors="replace")))

    def fetch(transport: Transport, span: Span) -> None:
        read = not_shorter(known, count, read_harp_noaa)
        reply = transport.get(harp_noaa_url(), read=read)
        asking.keep("harp_noaa", span, reply, "txt")

    asking.each(
        [span],
        due=lambda _: again or known is None or utc_now() - known.fetched > _HARP_NOAA_REST,
        connect=lambda: jsoc_transport(note),
        fetch=fetch,
        what="Table of HARP and NOAA numbers",
    )
    return _outcome(asking, len(_derived(asking).harp_noaa))


def _donki_reader(asking: Asking, service: str, span: Span) -> Callable[[Reply], Reply]:
    """Return a reader that does not believe that a span has lost all its records."""
    known = asking.fetched(service, span.key)
    before = sum(1 for _ in records_of(known.read())) if known else 0

    def read(reply: Reply) -> Reply:
        read_records(reply)
        if before and not any(True for _ in records_of(reply.content)):
            raise TransientReplyError(f"nothing where it had {before} records")
        return reply

    return read


def _derived(asking: Asking) -> Catalog:
    asking.report(refresh_tables(asking.folder))
    return Catalog.open(asking.folder)


def _outcome(asking: Asking, rows: int) -> Refreshed:
    return Refreshed(asking.asked, asking.kept, tuple(asking.failed), rows)


def missing_noaa(
    catalog: Catalog, least_class: str, start: Moment | None, end: Moment | None
) -> pd.DataFrame:
    """Return the flares that have a position, no region, and were not looked for yet.

    Parameters
    ----------
    catalog : Catalog
    least_class : str
        Cumulative, on the operational scale, as labels count it.
    start, end : date, datetime or Time, optional

    Returns
    -------
    DataFrame
        Rows of `Catalog.flares`.
    """
    flares = find_flares(
        catalog, start=start, end=end, least_class=least_class, scale="operational"
    )
    looked_for: set[str] = set()
    for reply in RawFolder(catalog.folder).newest("position").values():
        looked_for |= set(parse_filled(reply.read()))
    without = (flares["noaa"] == 0) & (flares["harp"] == 0) & flares["longitude_deg"].notna()
    return flares[without & ~flares["flare_id"].isin(looked_for)]


def keep_filled(catalog_folder: Path, filled: pd.DataFrame) -> None:
    """Keep the regions found for flares, and derive the table of flares again.

    Parameters
    ----------
    catalog_folder : Path
    filled : DataFrame
        flare_id, harp, noaa; 0 where nothing was found, which is kept too, so that it is not
        looked for again.

    Raises
    ------
    DiskFullError
    """
    numbers = {
        str(name): (int(harp), int(noaa))
        for name, harp, noaa in zip(filled["flare_id"], filled["harp"], filled["noaa"], strict=True)
    }
    if numbers:
        keep_numbers(RawFolder(catalog_folder), numbers)
        refresh_tables(catalog_folder)


def noaa_at(boxes: pd.DataFrame, longitude: float, latitude: float) -> tuple[int, int]:
    """Return the region at a position.

    Parameters
    ----------
    boxes : DataFrame
        One row a HARP: harp, noaa (a number or several), lon_min, lon_max, lat_min, lat_max in
        degrees from the central meridian and the equator; boxes with a NaN hold nothing.
    longitude, latitude : float
        Degrees, west and north positive.

    Returns
    -------
    harp, noaa : int
        0 where no box holds the position; of several boxes the one whose centre is nearest, in
        units of the box. The NOAA number is 0 where the HARP has none or several.
    """
    if boxes.empty or math.isnan(longitude) or math.isnan(latitude):
        return 0, 0
    lon_min, lon_max, lat_min, lat_max = (
        boxes[name].to_numpy(float) for name in ("lon_min", "lon_max", "lat_min", "lat_max")
    )
    inside = (
        (lon_min <= longitude)
        & (longitude <= lon_max)
        & (lat_min <= latitude)
        & (latitude <= lat_max)
    )
    if not inside.any():
        return 0, 0
    away = np.hypot(
        (longitude - (lon_min + lon_max) / 2) / np.maximum(lon_max - lon_min, 1e-6),
        (latitude - (lat_min + lat_max) / 2) / np.maximum(lat_max - lat_min, 1e-6),
    )
    nearest = boxes.iloc[int(np.argmin(np.where(inside, away, np.inf)))]
    return int(nearest["harp"]), _only(nearest["noaa"])


def _only(noaa: Any) -> int:
    numbers = list(noaa) if isinstance(noaa, Iterable) and not isinstance(noaa, str) else [noaa]
    return int(numbers[0]) if len(numbers) == 1 else 0

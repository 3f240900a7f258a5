"""Asking for GOES flares: NCEI's yearly reports first, HEK for the months without one."""

from datetime import date, datetime, time, timedelta

from hnn_core.catalogs import hek
from hnn_core.catalogs.asking import Asking, not_shorter
from hnn_core.catalogs.ncei import REPORTS, parse_report, read_index, read_report
from hnn_core.catalogs.spans import SETTLED, Span, months, years
from hnn_core.exceptions import ServiceFaultError
from hnn_core.services.endpoints import goes_url, hek_url
from hnn_core.services.transport import Reply, Transport

__all__ = ["ask_goes"]

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

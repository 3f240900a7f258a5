"""Bringing the catalogues up to date: ask, keep the replies, derive the tables."""

from collections.abc import Callable
from datetime import date, timedelta

from hnn_core.catalogs.asking import Asking, Refreshed, Told, not_shorter, quiet
from hnn_core.catalogs.donki import query, read_records, records_of
from hnn_core.catalogs.filters import find_cmes, find_flares
from hnn_core.catalogs.goes_refresh import ask_goes
from hnn_core.catalogs.harp_noaa import parse_harp_noaa, read_harp_noaa
from hnn_core.catalogs.spans import Span, months, utc_now, weeks
from hnn_core.catalogs.store import Catalog, catalogs_home, refresh_tables
from hnn_core.exceptions import TransientReplyError
from hnn_core.jsoc.turns import Turns
from hnn_core.services.endpoints import donki_url, harp_noaa_url
from hnn_core.services.transport import Reply, Transport

__all__ = ["Refreshed", "Told", "refresh_cmes", "refresh_flares", "refresh_harp_noaa"]

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
        connect=Turns(note).turn,  # JSOC is asked over one connection in all
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

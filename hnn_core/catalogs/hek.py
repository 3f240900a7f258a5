"""SWPC's flares from the HEK, the second source of flares.

Requests are plain HTTP and not sunpy's HEKClient, which has neither time-outs nor retries and needs
two more packages (zeep and beautifulsoup4) to be imported at all.
"""

import json
import math
from datetime import datetime
from typing import Any

from hnn_core.catalogs.client import Client
from hnn_core.catalogs.raw import RawReply, Span
from hnn_core.catalogs.records import FlareRecord, place, read_time, region_number
from hnn_core.exceptions import ServiceFaultError, TransientReplyError
from hnn_core.regions.goes_classes import announced_scale, flux_of_class, read_class
from hnn_core.services.endpoints import own_query, service_url
from hnn_core.services.transport import Reply, Transport, read_json

__all__ = ["Hek", "has_more", "page_span", "parse_flares", "query"]

_MOST_PAGES = 50
"""A month of SWPC's flares has two or three; a service that never ends is at fault."""

_WHOLE_SUN = {"x1": "-5000", "y1": "-5000", "x2": "5000", "y2": "5000"}


class Hek(Client):
    """Fetches months, page by page."""

    service, what, host = "hek", "HEK's flares", "HEK"

    def key(self, span: Span) -> str:
        """Return the key of the first page."""
        return page_span(span, 1).key

    @staticmethod
    def check(reply: Reply) -> None:
        """Accept a page of results."""
        value = read_json(reply)
        if not isinstance(value, dict) or not isinstance(value.get("result"), list):
            raise TransientReplyError("an answer without results")

    def fetch(self, transport: Transport, span: Span) -> None:
        """Fetch all pages of a month."""
        replies: list[Reply] = []
        while not replies or has_more(replies[-1].content):
            if len(replies) == _MOST_PAGES:
                raise ServiceFaultError(f"HEK does not end after {_MOST_PAGES} pages.")
            parameters = query(span, len(replies) + 1)
            url, secret = service_url("HEK"), own_query("HEK")
            replies.append(self.request(transport, url, parameters, secret=secret))
        # The first page last: a month counts as fetched once that is kept.
        for page in range(len(replies), 0, -1):
            self.keep(page_span(span, page), replies[page - 1])


def query(span: Span, page: int) -> dict[str, str]:
    """Return the parameters that request the SWPC flares of a month."""
    return {
        "cosec": "2",
        "cmd": "search",
        "type": "column",
        "event_type": "fl",
        "event_starttime": f"{span.start}T00:00:00",
        "event_endtime": f"{span.end}T00:00:00",
        "event_coordsys": "helioprojective",
        **_WHOLE_SUN,
        "param0": "OBS_Observatory",
        "op0": "=",
        "value0": "GOES",
        "param1": "FRM_Name",
        "op1": "=",
        "value1": "SWPC",
        "page": str(page),
    }


def page_span(span: Span, page: int) -> Span:
    """Return the span whose key names one page of a month's replies."""
    return Span(f"{span.key}_p{page:02d}", span.start, span.end)


def has_more(content: bytes) -> bool:
    """Whether a further page follows one, in which names are not always UTF-8."""
    return bool(json.loads(content.decode("utf-8", errors="replace")).get("overmax"))


def parse_flares(reply: RawReply) -> tuple[list[FlareRecord], list[str]]:
    """Read a page of results.

    Returns
    -------
    records : list of FlareRecord
        SWPC's alone, ascending in peak, one for each peak time.
    problems : list of str
        Records that cannot be used, each in words.
    """
    at_peak: dict[datetime, FlareRecord] = {}
    problems = []
    for event in json.loads(reply.text)["result"]:
        if not isinstance(event, dict) or event.get("frm_name") != "SWPC":
            continue
        peak = read_time(event.get("event_peaktime"))
        goes_class = read_class(event.get("fl_goescls"))
        if peak is None or not goes_class:
            problems.append(
                f"flare {event.get('kb_archivid') or event.get('event_starttime')!r} has no "
                f"{'peak' if peak is None else 'class'}"
            )
            continue
        record = _record(event, peak, goes_class, reply)
        known = at_peak.get(peak)
        if known is None or _rank(record) > _rank(known):
            at_peak[peak] = record
    return [at_peak[peak] for peak in sorted(at_peak)], problems


def _rank(record: FlareRecord) -> tuple[bool, bool, float, int, str]:
    """Of two events with one peak the fuller one counts, then the brighter."""
    return record.noaa > 0, not math.isnan(record.longitude), record.flux, record.noaa, repr(record)


def _record(event: dict[str, Any], peak: datetime, goes_class: str, reply: RawReply) -> FlareRecord:
    lon, lat = place(event.get("hgs_x"), event.get("hgs_y"))
    return FlareRecord(
        source="HEK",
        id=peak.isoformat(),
        peak=peak,
        goes_class=goes_class,
        flux=flux_of_class(goes_class),
        scale=announced_scale(peak),
        start=read_time(event.get("event_starttime")),
        end=read_time(event.get("event_endtime")),
        noaa=region_number(event.get("ar_noaanum"), peak),
        longitude=lon,
        latitude=lat,
        fetched=reply.fetched,
        reply=reply.name,
    )

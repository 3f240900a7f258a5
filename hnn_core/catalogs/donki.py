"""DONKI: part of all flares, CMEs, and the links between the two."""

import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any, Literal
from urllib.parse import urlsplit

from hnn_core.catalogs.client import Client, Refresh
from hnn_core.catalogs.raw import RawReply, Span
from hnn_core.catalogs.records import (
    FlareRecord,
    direction,
    read_place,
    read_time,
    region_number,
)
from hnn_core.exceptions import RefusedError, ServiceError, TransientReplyError
from hnn_core.magnetogram.sharp import finite_number
from hnn_core.regions.goes_classes import announced_scale, flux_of_class, read_class
from hnn_core.services.endpoints import donki_hosts, own_query, service_url
from hnn_core.services.transport import Reply, Transport, read_json_or_nothing

__all__ = [
    "CmeRecord",
    "Donki",
    "cme_start",
    "parse_donki_cmes",
    "parse_donki_flares",
    "query",
    "records_of",
]

_PADDING = timedelta(days=1)
_LONGEST = timedelta(days=1)
"""No flare lasts longer from begin to end; a record in which one does has a wrong date in it."""

_IN_WORK, _IN_WORK_LASTS = timedelta(days=60), timedelta(days=7)
"""A record submitted this long before it was fetched shows that its span is being revised; the
reply is then good for a week."""
_RECENT, _RECENT_LASTS = timedelta(days=730), timedelta(days=180)
"""The reply of a span that had ended this long before it was fetched is good for half a year."""

_Problems = list[tuple[str, str]]


class Donki(Client):
    """Fetches flares or CMEs; a span that has lost all its records is requested again.

    Of its two hosts the one that answered last is tried first; see `donki_hosts`.
    """

    host, share = "DONKI", 1e-9

    def __init__(self, refresh: Refresh, kind: Literal["FLR", "CME"]) -> None:
        self.service = f"donki_{kind.lower()}"
        self.what = "DONKI flares" if kind == "FLR" else "DONKI CMEs"
        self._kind = kind
        self._hosts = list(donki_hosts())
        super().__init__(refresh)

    @staticmethod
    def check(reply: Reply) -> None:
        """Accept a list of records, or nothing found: an empty body, ``null`` or ``[]``."""
        if not isinstance(read_json_or_nothing(reply), list | None):
            raise TransientReplyError("an answer that is no list of records")

    def count(self, content: bytes) -> int:
        """Return the number of records."""
        return sum(1 for _ in records_of(content))

    def lasts(self, span: Span, reply: RawReply) -> timedelta:
        """Return how old a reply may be: records are revised long after their span (data.md)."""
        lasts = super().lasts(span, reply)
        submitted = (read_time(one.get("submissionTime")) for one in records_of(reply.read()))
        if any(one is not None and one > reply.fetched - _IN_WORK for one in submitted):
            return min(lasts, _IN_WORK_LASTS)
        return min(lasts, _RECENT_LASTS) if reply.fetched < span.ends + _RECENT else lasts

    def fetch(self, transport: Transport, span: Span) -> None:
        """Fetch a span, from the second host where the first does not give it."""
        errors: list[ServiceError] = []
        key_refused = False
        for host in tuple(self._hosts):
            transport.service = _named(host)
            try:
                reply = self.request(
                    transport,
                    service_url(host) + self._kind,
                    query(span),
                    secret=own_query(host),
                    known=self.known(span),
                )
            except ServiceError as error:
                errors.append(error)
                key_refused |= isinstance(error, RefusedError) and "api_key" in own_query(host)
                continue
            if host != self._hosts[0]:
                self._hosts.reverse()
                self.refresh.note(f"{transport.service} is used from here on. {errors[0]}")
            self.keep(span, reply)
            return
        words = "; then ".join(str(error).rstrip(".") for error in errors)
        if key_refused:
            words += "; see whether its API key (HNN_NASA_API_KEY) is valid"
        raise type(errors[-1])(f"{words}.") from errors[-1]


def _named(host: str) -> str:
    """Name a host in sentences."""
    return host if host == "DONKI" else f"DONKI at {urlsplit(service_url(host)).hostname}"


def query(span: Span) -> dict[str, str]:
    """Return the parameters that request a span, a day padded either side."""
    last = span.end - timedelta(days=1)
    return {"startDate": f"{span.start - _PADDING}", "endDate": f"{last + _PADDING}"}


def records_of(content: bytes) -> Iterator[dict[str, Any]]:
    """Yield the records of a sound reply."""
    if content.strip():
        for record in json.loads(content.decode("utf-8", errors="replace")) or ():
            if isinstance(record, dict):
                yield record


def parse_donki_flares(replies: Iterable[RawReply]) -> tuple[list[FlareRecord], _Problems]:
    """Read DONKI's flares from the replies of many months.

    Parameters
    ----------
    replies : iterable of RawReply
        In any order. Months overlap by their padding, so a record may come more than once: the
        highest version counts, then the latest submission, then the latest reply.

    Returns
    -------
    records : list of FlareRecord
        Ascending in id; `peak` may be None. Records of the same peak, class and NOAA number are
        one flare: the first counts, with the links of all.
    problems : list of (reply name, words)
        Records that cannot be used.
    """
    newest, problems = _newest(replies, "flare", "flrID", _flare_fault)
    flares: dict[object, FlareRecord] = {}
    for name in sorted(newest):
        record = _flare_record(name, *newest[name])
        key = (record.peak, record.goes_class, record.noaa) if record.peak else name
        first = flares.setdefault(key, record)
        if first is not record:
            links = tuple(sorted({*first.links, *record.links}))
            flares[key] = replace(first, links=links, twins=(*first.twins, name))
    return list(flares.values()), problems


@dataclass(frozen=True)
class CmeRecord:
    """A CME as DONKI has it; the fields are the columns of the table."""

    cme_id: str
    start_utc: datetime
    """First seen in a coronagraph."""
    speed_km_s: float
    """With the half angle and the place of one analysis; NaN where there is none."""
    half_angle_deg: float
    longitude_deg: float
    """Stonyhurst, west positive."""
    latitude_deg: float
    cme_type: str
    """Speed class: S, C, O, R or ER."""
    noaa: int
    source_location: str
    flare_ids: tuple[str, ...]
    """DONKI's flares that the record links, ascending."""
    version: int
    note: str
    fetched_utc: datetime
    reply: str


def parse_donki_cmes(replies: Iterable[RawReply]) -> tuple[list[CmeRecord], _Problems]:
    """Read DONKI's CMEs from the replies of many weeks, as `parse_donki_flares` reads flares.

    Returns
    -------
    records : list of CmeRecord
        Ascending in start and id.
    problems : list of (reply name, words)
        Records that cannot be used.
    """
    newest, problems = _newest(replies, "CME", "activityID", _cme_fault)
    found = [_cme_record(name, *newest[name]) for name in newest]
    return sorted(found, key=lambda record: (record.start_utc, record.cme_id)), problems


def cme_start(name: str) -> datetime | None:
    """Return the start in an id such as ``2011-02-15T02:25:00-CME-001``; None if it is none."""
    return read_time(name.split("-CME-")[0]) if "-CME-" in name else None


def _newest(
    replies: Iterable[RawReply],
    event: str,
    id_key: str,
    fault: Callable[[dict[str, Any], RawReply], str],
) -> tuple[dict[str, tuple[dict[str, Any], RawReply]], _Problems]:
    """Return the newest revision of each record by id, and what is wrong with others."""
    newest: dict[str, tuple[dict[str, Any], RawReply]] = {}
    problems = []
    for reply in replies:
        for record in records_of(reply.read()):
            name = str(record.get(id_key) or "")
            if why := fault(record, reply):
                problems.append((reply.name, f"DONKI's {event} {name or 'without id'} {why}"))
            elif name not in newest or _revision(record, reply) > _revision(*newest[name]):
                newest[name] = record, reply
    return newest, problems


def _revision(record: dict[str, Any], reply: RawReply) -> tuple[int, str, datetime, str]:
    """Version, submission time, when fetched, and the record itself to part what is equal."""
    submitted = str(record.get("submissionTime") or "")
    return _version(record), submitted, reply.fetched, json.dumps(record, sort_keys=True)


def _version(record: dict[str, Any]) -> int:
    number = record.get("versionId")
    return number if isinstance(number, int) else 0


def _flare_fault(record: dict[str, Any], reply: RawReply) -> str:
    if not record.get("flrID"):
        return "is left out"
    moments = [read_time(record.get(key)) for key in ("beginTime", "peakTime")]
    if not any(moments):
        return "has neither begin nor peak"
    outside = next((one for one in moments if one and not _within(one, reply)), None)
    if outside is not None:
        return f"is dated {outside:%Y-%m-%d}, outside of the requested {reply.span.key}"
    if not read_class(record.get("classType")):
        return f"has the class {record.get('classType')!r}"
    return ""


def _cme_fault(record: dict[str, Any], reply: RawReply) -> str:
    start = _start_of_cme(record)
    if start is None or not record.get("activityID"):
        return "has no start"
    if not _within(start, reply):
        return f"is dated {start:%Y-%m-%d}, outside of the requested week of {reply.span.key}"
    return ""


def _within(moment: datetime, reply: RawReply) -> bool:
    """Whether a time lies in the requested span; years are wrong now and then."""
    first = datetime.combine(reply.span.start, time()) - _PADDING
    return first <= moment < reply.span.ends + _PADDING


def _start_of_cme(record: dict[str, Any]) -> datetime | None:
    return read_time(record.get("startTime")) or cme_start(str(record.get("activityID")))


def _linked(record: dict[str, Any], kind: str) -> tuple[str, ...]:
    """Return the linked events of a kind, ``CME`` or ``FLR``, ascending, without all others."""
    events = record.get("linkedEvents")
    ids = {
        str(event.get("activityID") or "")
        for event in (events if isinstance(events, list) else ())
        if isinstance(event, dict)
    }
    return tuple(sorted(name for name in ids if f"-{kind}-" in name))


def _flare_record(name: str, record: dict[str, Any], reply: RawReply) -> FlareRecord:
    start, peak, end = (read_time(record.get(key)) for key in ("beginTime", "peakTime", "endTime"))
    when = peak or start
    assert when is not None  # `_flare_fault` has seen to it
    if end is not None and not timedelta() <= end - when <= _LONGEST:
        end = None
    if start is not None and not timedelta() <= when - start <= _LONGEST:
        start = None
    lon, lat = read_place(record.get("sourceLocation"))
    goes_class = read_class(record.get("classType"))
    return FlareRecord(
        source="DONKI",
        id=name,
        peak=peak,
        goes_class=goes_class,
        flux=flux_of_class(goes_class),
        scale=announced_scale(when),
        start=start,
        end=end,
        noaa=region_number(record.get("activeRegionNum"), when),
        longitude=lon,
        latitude=lat,
        fetched=reply.fetched,
        reply=reply.name,
        links=_linked(record, "CME"),
        version=_version(record),
    )


def _cme_record(name: str, record: dict[str, Any], reply: RawReply) -> CmeRecord:
    start = _start_of_cme(record)
    assert start is not None  # `_cme_fault` has seen to it
    analysis = _analysis(record.get("cmeAnalyses"))
    lon, lat = direction(analysis.get("longitude"), analysis.get("latitude"))
    speed = finite_number(analysis.get("speed"))
    return CmeRecord(
        cme_id=name,
        start_utc=start,
        speed_km_s=speed if speed > 0 else math.nan,
        half_angle_deg=finite_number(analysis.get("halfAngle")),
        longitude_deg=lon,
        latitude_deg=lat,
        cme_type=str(analysis.get("type") or ""),
        noaa=region_number(record.get("activeRegionNum"), start),
        source_location=str(record.get("sourceLocation") or ""),
        flare_ids=_linked(record, "FLR"),
        version=_version(record),
        note=str(record.get("note") or ""),
        fetched_utc=reply.fetched,
        reply=reply.name,
    )


def _analysis(analyses: Any) -> dict[str, Any]:
    """Return the analysis held for the most accurate, else the newest, else an empty one."""
    listed = analyses if isinstance(analyses, list) else ()
    return max(
        (entry for entry in listed if isinstance(entry, dict)),
        key=lambda entry: (
            entry.get("isMostAccurate") is True,
            str(entry.get("submissionTime") or ""),
        ),
        default={},
    )

"""The tables, from the raw replies alone: the same replies give the same tables."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from hnn_core.catalogs.association import Asked, links_of
from hnn_core.catalogs.donki import records_of
from hnn_core.catalogs.donki_cmes import CmeRecord, parse_donki_cmes
from hnn_core.catalogs.donki_flares import parse_donki_flares
from hnn_core.catalogs.filled import Filled, parse_filled
from hnn_core.catalogs.flare_rows import flare_rows
from hnn_core.catalogs.harp_noaa import parse_harp_noaa
from hnn_core.catalogs.hek import has_more, parse_flares
from hnn_core.catalogs.merge import merge_records
from hnn_core.catalogs.ncei import parse_report
from hnn_core.catalogs.raw import RawFolder, RawReply
from hnn_core.catalogs.records import FlareRecord
from hnn_core.catalogs.tables import Tables, frame

__all__ = ["SERVICES", "Derived", "Replies", "derive"]

SERVICES = {
    "ncei": "NCEI",
    "hek": "HEK",
    "donki_flr": "DONKI FLR",
    "donki_cme": "DONKI CME",
    "harp_noaa": "HARP-NOAA",
    "position": "JSOC boxes",
}
"""Folders of the raw replies, and the services' names in the table of what was asked."""

Replies = dict[str, dict[str, RawReply]]
"""The newest reply by service and span."""


@dataclass
class Derived:
    """Tables and what could not be used."""

    tables: Tables
    problems: list[tuple[str, str]] = field(default_factory=list)
    """Reply name and words, for each record left out."""


def derive(raw: RawFolder) -> Derived:
    """Make all tables from the raw replies."""
    replies: Replies = {service: raw.newest(service) for service in SERVICES}
    rows: dict[str, int] = defaultdict(int)
    problems: list[tuple[str, str]] = []
    records = [
        *_each(replies["ncei"].values(), parse_report, rows, problems),
        *_each(_pages(replies["hek"]), parse_flares, rows, problems),
    ]
    donki = [(reply.read(), reply) for reply in _ordered(replies["donki_flr"])]
    weeks = [(reply.read(), reply) for reply in _ordered(replies["donki_cme"])]
    for content, reply in (*donki, *weeks):
        rows[reply.name] = sum(1 for _ in records_of(content))
    flares, faults = parse_donki_flares(donki)
    cmes, cme_faults = parse_donki_cmes(weeks)
    problems += [*faults, *cme_faults]
    pairs = []
    for reply in replies["harp_noaa"].values():
        pairs = parse_harp_noaa(reply.read().decode("utf-8", errors="replace"))
        rows[reply.name] = len(pairs)
    filled: Filled = {}
    for reply in _ordered(replies["position"]):
        filled |= parse_filled(reply.read())
    merged, left = merge_records([*records, *flares])
    problems += [(r.reply, f"DONKI's flare {r.id} has no peak") for r in left]
    asked = Asked(replies["donki_flr"].values()), Asked(replies["donki_cme"].values())
    table = flare_rows(merged, links_of(cmes), asked, pairs, filled)
    return Derived(
        Tables(
            flares=frame("flares", table),
            cmes=frame("cmes", _cme_rows(cmes, flares)),
            harp_noaa=frame("harp_noaa", [{"harp": harp, "noaa": noaa} for harp, noaa in pairs]),
            coverage=frame("coverage", list(_coverage(replies, rows))),
        ),
        problems,
    )


def _ordered(replies: dict[str, RawReply]) -> list[RawReply]:
    return [replies[key] for key in sorted(replies)]


def _pages(replies: dict[str, RawReply]) -> Iterator[RawReply]:
    """Yield HEK's pages up to the last of each month: a longer, older answer leaves more behind."""
    ended: set[date] = set()
    for reply in _ordered(replies):
        if reply.start not in ended:
            yield reply
            if not has_more(reply.read()):
                ended.add(reply.start)


def _each(
    replies: Any,
    parse: Callable[[bytes, RawReply], tuple[list[FlareRecord], list[str]]],
    rows: dict[str, int],
    problems: list[tuple[str, str]],
) -> Iterator[FlareRecord]:
    for reply in replies:
        found, faults = parse(reply.read(), reply)
        rows[reply.name] = len(found)
        problems += [(reply.name, f"{reply.name}, {fault}") for fault in faults]
        yield from found


def _cme_rows(cmes: list[CmeRecord], flares: list[FlareRecord]) -> list[dict[str, Any]]:
    back: dict[str, set[str]] = defaultdict(set)
    for flare in flares:
        for name in flare.links:
            back[name].add(flare.id)
    return [
        {
            "cme_id": cme.id,
            "start_utc": cme.start,
            "speed_km_s": cme.speed,
            "half_angle_deg": cme.half_angle,
            "longitude_deg": cme.longitude,
            "latitude_deg": cme.latitude,
            "cme_type": cme.kind,
            "noaa": cme.noaa,
            "source_location": cme.source_location,
            "flare_ids": ";".join(sorted({*cme.links, *back[cme.id]})),
            "version": cme.version,
            "note": cme.note,
            "fetched_utc": cme.fetched,
            "reply": cme.reply,
        }
        for cme in cmes
    ]


def _coverage(replies: Replies, rows: dict[str, int]) -> Iterator[dict[str, Any]]:
    for service, title in SERVICES.items():
        for reply in _ordered(replies[service]) if service != "position" else ():
            end = datetime.combine(reply.end, time())
            yield {
                "service": title,
                "start": datetime.combine(reply.start, time()),
                "end": min(end, reply.fetched),
                "fetched_utc": reply.fetched,
                "rows": rows[reply.name],
            }

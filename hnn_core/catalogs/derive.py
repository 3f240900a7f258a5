"""From the raw replies to the rows of the tables: the same replies give the same rows."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time
from typing import Any

from hnn_core.catalogs.donki import CmeRecord, parse_donki_cmes, parse_donki_flares, records_of
from hnn_core.catalogs.hek import has_more, parse_flares
from hnn_core.catalogs.merge import Filled, flare_rows, merge_records
from hnn_core.catalogs.ncei import parse_report
from hnn_core.catalogs.raw import RawFolder, RawReply
from hnn_core.catalogs.records import FlareRecord, parse_harp_noaa

__all__ = ["SERVICES", "Rows", "derive", "parse_filled"]

Rows = dict[str, list[dict[str, Any]]]
"""Those of the four tables by name: flares, cmes, harp_noaa, coverage."""

SERVICES = {
    "ncei": "NCEI",
    "hek": "HEK",
    "donki_flr": "DONKI FLR",
    "donki_cme": "DONKI CME",
    "harp_noaa": "HARP-NOAA",
    "position": "JSOC boxes",
}
"""Folders of the raw replies, and the services' names in the table of what was requested."""


def derive(raw: RawFolder) -> tuple[Rows, list[tuple[str, str]]]:
    """Make the rows of all tables from the raw replies.

    Returns
    -------
    rows : Rows
    problems : list of (reply name, words)
        One for each record left out.
    """
    replies = {service: raw.newest(service) for service in SERVICES}
    rows: dict[str, int] = defaultdict(int)
    """Records by reply name."""
    problems: list[tuple[str, str]] = []
    records = [
        *_each(replies["ncei"].values(), parse_report, rows, problems),
        *_each(_pages(replies["hek"].values()), parse_flares, rows, problems),
    ]
    months, weeks = replies["donki_flr"].values(), replies["donki_cme"].values()
    for reply in (*months, *weeks):
        rows[reply.name] = sum(1 for _ in records_of(reply.read()))
    flares, faults = parse_donki_flares(months)
    cmes, cme_faults = parse_donki_cmes(weeks)
    pairs: list[tuple[int, int]] = []
    for reply in replies["harp_noaa"].values():
        pairs = parse_harp_noaa(reply.text)
        rows[reply.name] = len(pairs)
    filled: Filled = {}
    for reply in replies["position"].values():
        filled |= parse_filled(reply)
    merged, left = merge_records([*records, *flares])
    problems += [*faults, *cme_faults]
    problems += [(r.reply, f"DONKI's flare {r.id} has no peak") for r in left]
    tables = {
        "flares": flare_rows(merged, cmes, months, weeks, pairs, filled),
        "cmes": _cme_rows(cmes, flares),
        "harp_noaa": [{"harp": harp, "noaa": noaa} for harp, noaa in pairs],
        "coverage": list(_coverage(replies, rows)),
    }
    return tables, problems


def parse_filled(reply: RawReply) -> Filled:
    """Read the regions that were found by position."""
    kept = json.loads(reply.read())
    return {str(name): (int(harp), int(noaa)) for name, (harp, noaa) in kept.items()}


def _pages(replies: Iterable[RawReply]) -> Iterator[RawReply]:
    """Yield HEK's pages up to the last of each month: a longer, older answer leaves more behind."""
    ended: set[date] = set()
    for reply in replies:
        if reply.span.start not in ended:
            yield reply
            if not has_more(reply.read()):
                ended.add(reply.span.start)


def _each(
    replies: Iterable[RawReply],
    parse: Callable[[RawReply], tuple[list[FlareRecord], list[str]]],
    rows: dict[str, int],
    problems: list[tuple[str, str]],
) -> Iterator[FlareRecord]:
    for reply in replies:
        found, faults = parse(reply)
        rows[reply.name] = len(found)
        problems += [(reply.name, f"{reply.name}, {fault}") for fault in faults]
        yield from found


def _cme_rows(cmes: list[CmeRecord], flares: list[FlareRecord]) -> list[dict[str, Any]]:
    back: dict[str, set[str]] = defaultdict(set)
    for flare in flares:
        for name in flare.links:
            back[name].add(flare.id)
    return [
        {**vars(cme), "flare_ids": ";".join(sorted({*cme.flare_ids, *back[cme.cme_id]}))}
        for cme in cmes
    ]


def _coverage(
    replies: dict[str, dict[str, RawReply]], rows: dict[str, int]
) -> Iterator[dict[str, Any]]:
    for service, title in SERVICES.items():
        for reply in replies[service].values() if service != "position" else ():
            yield {
                "service": title,
                "start": datetime.combine(reply.span.start, time()),
                "end": min(reply.span.ends, reply.fetched),
                "fetched_utc": reply.fetched,
                "rows": rows[reply.name],
            }

"""The tables: what columns they have, how they are derived from the raw replies, and their files.

Tables come from the raw replies alone: the same replies give the same tables.
"""

import io
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from hnn_core.catalogs.donki import CmeRecord, parse_donki_cmes, parse_donki_flares, records_of
from hnn_core.catalogs.hek import has_more, parse_flares
from hnn_core.catalogs.merge import Filled, flare_rows, merge_records
from hnn_core.catalogs.ncei import parse_report
from hnn_core.catalogs.raw import RawFolder, RawReply
from hnn_core.catalogs.records import FlareRecord, parse_harp_noaa
from hnn_core.storage import room_on_disk, write_atomically

__all__ = [
    "NAMES",
    "SERVICES",
    "Tables",
    "derive",
    "frame",
    "parse_filled",
    "read_table",
    "table_path",
    "write_tables",
    "written_from",
]

_FORMAT = 2
"""To be raised when columns or their meaning change: older tables are then derived again."""

_KINDS = {
    str: "str",
    tuple[str, ...]: "str",
    int: "int64",
    float: "float64",
    datetime: "datetime64[us]",
}
_COLUMNS: dict[str, dict[str, Any]] = {
    "flares": {
        "flare_id": str,
        "start_utc": datetime,
        "peak_utc": datetime,
        "end_utc": datetime,
        "goes_class": str,
        "scale": str,
        "flux_w_m2": float,
        "science_flux_w_m2": float,
        "noaa": int,
        "harp": int,
        "noaa_origin": str,
        "longitude_deg": float,
        "latitude_deg": float,
        "source": str,
        "sources": str,
        "association": str,
        "reason": str,
        "cme_ids": str,
        "donki_id": str,
        "fetched_utc": datetime,
        "reply": str,
    },
    "cmes": {field.name: field.type for field in fields(CmeRecord)},
    "harp_noaa": {"harp": int, "noaa": int},
    "coverage": {
        "service": str,
        "start": datetime,
        "end": datetime,
        "fetched_utc": datetime,
        "rows": int,
    },
}
NAMES = tuple(_COLUMNS)
_ORIGIN, _VERSION = b"hnn_raw", b"hnn_format"

Tables = dict[str, pd.DataFrame]
"""The four tables by name: flares, cmes, harp_noaa, coverage."""

SERVICES = {
    "ncei": "NCEI",
    "hek": "HEK",
    "donki_flr": "DONKI FLR",
    "donki_cme": "DONKI CME",
    "harp_noaa": "HARP-NOAA",
    "position": "JSOC boxes",
}
"""Folders of the raw replies, and the services' names in the table of what was requested."""


def frame(name: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return rows as a table with that table's columns and types, also without any row."""
    return pd.DataFrame(
        {
            column: pd.Series([row[column] for row in rows], dtype=_KINDS[kind])
            for column, kind in _COLUMNS[name].items()
        }
    )


def table_path(folder: Path, name: str) -> Path:
    """Return where a table lies."""
    return folder / f"{name}.parquet"


def write_tables(folder: Path, tables: Tables, origin: str) -> None:
    """Write all tables, each whole or not at all.

    Parameters
    ----------
    folder : Path
    tables : Tables
    origin : str
        Names the raw replies that they were derived from.

    Raises
    ------
    DiskFullError
    """
    about = {_ORIGIN: origin.encode(), _VERSION: str(_FORMAT).encode()}
    with room_on_disk(folder, "run the same command again: it resumes"):
        for name in NAMES:
            table = pa.Table.from_pandas(tables[name], preserve_index=False)
            table = table.replace_schema_metadata({**(table.schema.metadata or {}), **about})
            content = io.BytesIO()
            pq.write_table(table, content, compression="zstd", write_page_checksum=True)
            write_atomically(table_path(folder, name), content.getvalue())


def written_from(folder: Path) -> str:
    """Return the origin that all tables were written from; empty if one is absent or differs."""
    origins = set()
    for name in NAMES:
        try:
            about = pq.read_schema(table_path(folder, name)).metadata or {}
        except (OSError, pa.ArrowException):
            return ""
        current = about.get(_VERSION) == str(_FORMAT).encode()
        origins.add(about.get(_ORIGIN, b"").decode() if current else "")
    return origins.pop() if len(origins) == 1 else ""


def read_table(folder: Path, name: str) -> pd.DataFrame:
    """Read a table.

    Raises
    ------
    OSError
        It is absent or damaged.
    ValueError
        It is of another form; pyarrow's own errors are of one of these two kinds.
    """
    table = pq.read_table(table_path(folder, name), page_checksum_verification=True)
    about = table.schema.metadata or {}
    if about.get(_VERSION) != str(_FORMAT).encode() or table.column_names != list(_COLUMNS[name]):
        raise ValueError(f"{table_path(folder, name)} is a table of another form")
    return table.to_pandas()


def derive(raw: RawFolder) -> tuple[Tables, list[tuple[str, str]]]:
    """Make all tables from the raw replies.

    Returns
    -------
    tables : Tables
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
    made = {
        "flares": flare_rows(merged, cmes, months, weeks, pairs, filled),
        "cmes": _cme_rows(cmes, flares),
        "harp_noaa": [{"harp": harp, "noaa": noaa} for harp, noaa in pairs],
        "coverage": list(_coverage(replies, rows)),
    }
    return {name: frame(name, made[name]) for name in NAMES}, problems


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

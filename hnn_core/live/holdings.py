"""What is on this machine already: downloaded regions, their hours and bytes."""

from dataclasses import dataclass

from hnn_core.jsoc.cache import cache_home
from hnn_core.jsoc.series import DEFINITIVE, NEAR_REAL_TIME
from hnn_core.sources.fits_index import load_index
from hnn_core.sources.fits_records import group_records
from hnn_core.tai import iso_minute

__all__ = ["Holding", "holdings"]

SOURCES = {DEFINITIVE: "jsoc:", NEAR_REAL_TIME: "jsoc:nrt"}


@dataclass(frozen=True)
class Holding:
    """The magnetograms of one region on this machine."""

    source: str
    """``"jsoc:"`` for the definitive series, ``"jsoc:nrt"`` for the near-real-time one."""
    region: str
    """`Region.id` in that source."""
    harp: int
    noaa: tuple[int, ...]
    first: str
    """T_REC of the first magnetogram, ISO minutes, TAI."""
    last: str
    n_records: int
    n_bytes: int
    simulated: bool


def holdings() -> list[Holding]:
    """List the downloaded regions, definitive ones first, by HARP number."""
    found = []
    for series, source in SOURCES.items():
        folder = cache_home() / series.folder
        if not folder.is_dir():
            continue
        records, _ = group_records(row for row in load_index(folder) if not row.problem)
        for name, region in sorted(records.items(), key=lambda item: item[1].rows[0].harp):
            rows = region.rows
            found.append(
                Holding(
                    source=source,
                    region=name,
                    harp=rows[0].harp,
                    noaa=tuple(sorted({number for row in rows for number in row.noaa})),
                    first=iso_minute(rows[0].t_rec),
                    last=iso_minute(rows[-1].t_rec),
                    n_records=len(rows),
                    n_bytes=sum(row.size for row in rows),
                    simulated=rows[0].simulated,
                )
            )
    return found

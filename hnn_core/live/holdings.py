"""What is on this machine already: downloaded regions, their hours and bytes.

Reading everything that is on this machine once more: every magnetogram, reply, row and frame.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hnn_core.catalogs.raw import SIDE
from hnn_core.catalogs.store import Catalog, catalogs_home
from hnn_core.dataset.card import list_datasets
from hnn_core.dataset.stored import StoredDataset
from hnn_core.exceptions import HnnError
from hnn_core.jsoc.files import cache_home
from hnn_core.jsoc.keywords import DEFINITIVE, NEAR_REAL_TIME
from hnn_core.live.reporting import Reporter
from hnn_core.magnetogram.conventions import format_t_rec, iso_minute
from hnn_core.magnetogram.magnetogram import read_fits
from hnn_core.magnetogram.sharp import jsoc_file_name
from hnn_core.sources.fits_folder import group_records
from hnn_core.sources.fits_index import load_index

__all__ = ["Holding", "Verdict", "holdings", "verify_all"]


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


@dataclass(frozen=True)
class Verdict:
    """What was read, and what is not sound."""

    magnetograms: int
    replies: int
    datasets: int
    damaged: tuple[tuple[str, str], ...]
    """(path or name, why)."""


def verify_all(reporter: Reporter, *, remove_damaged: bool = False) -> Verdict:
    """Check every file and row here.

    Parameters
    ----------
    reporter : Reporter
    remove_damaged : bool
        Remove magnetograms that are damaged, so that the next fetch brings them again.

    Returns
    -------
    Verdict
    """
    damaged: list[tuple[str, str]] = []
    files = list(_magnetograms())
    for done, path in enumerate(files, start=1):
        why = _flaw(path)
        if why:
            damaged.append((str(path), why))
            if remove_damaged:
                path.unlink()
                why += " It was removed; fetch its region again."
            reporter.excluded(str(path), why)
        reporter.progress("magnetograms", done, len(files), path.name)
    replies = sorted((catalogs_home() / "raw").rglob(f"*{SIDE}"))
    for side in replies:
        why = _reply_flaw(side)
        if why:
            damaged.append((str(side.with_suffix("")), why))
            reporter.excluded(str(side.with_suffix("")), why)
    Catalog.open()  # damaged tables are derived again; what cannot be derived is an error
    found, foreign = list_datasets()
    for done, info in enumerate(found, start=1):
        try:
            StoredDataset.open(info.folder).verify()
        except HnnError as error:
            damaged.append((info.name, str(error)))
            reporter.excluded(info.name, str(error))
        reporter.progress("data sets", done, len(found), info.name)
    for one in foreign:
        damaged.append((one.path, one.reason))
        reporter.excluded(one.path, one.reason)
    return Verdict(len(files), len(replies), len(found), tuple(damaged))


def _magnetograms() -> Iterator[Path]:
    for series in (DEFINITIVE, NEAR_REAL_TIME):
        yield from sorted((cache_home() / series.folder).rglob("*.fits"))


def _flaw(path: Path) -> str:
    """Say what is wrong with a magnetogram; empty if it is sound."""
    try:
        magnetogram = read_fits(path)
    except HnnError as error:
        return str(error)
    name = jsoc_file_name(str(path))
    if name is None:
        return f"{path} has no name by which JSOC's records are known."
    stamp = format_t_rec(magnetogram.t_rec).replace(".", "").replace(":", "")
    told = f"{name['date']}_{name['clock']}_TAI"
    if (magnetogram.harp, stamp) != (int(name["harp"]), told):
        return f"{path} holds HARP {magnetogram.harp} at {stamp}, not what its name says."
    return ""


def _reply_flaw(side: Path) -> str:
    """Say what is wrong with a raw reply; empty if its sum is what its side file says."""
    path = side.with_name(side.name.removesuffix(SIDE))
    try:
        wanted = json.loads(side.read_bytes())["sha256"]
        if hashlib.sha256(path.read_bytes()).hexdigest() != wanted:
            return "its sum is not what its side file says; fetch its span again with --again."
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"it cannot be read ({error}); fetch its span again with --again."
    return ""

"""What is on this machine already: the downloaded regions, and whether everything is sound."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hnn_core.catalogs.raw import SIDE, describe
from hnn_core.catalogs.store import Catalog, catalogs_home
from hnn_core.dataset.card import list_datasets
from hnn_core.dataset.stored import StoredDataset
from hnn_core.exceptions import (
    CatalogError,
    EmptySourceError,
    HnnError,
    MachineError,
    UnknownSourceError,
)
from hnn_core.jsoc.files import cache_home, digest_flaw
from hnn_core.jsoc.keywords import DEFINITIVE, NEAR_REAL_TIME, Series
from hnn_core.live.reporting import Reporter
from hnn_core.magnetogram.conventions import format_t_rec, tai_seconds
from hnn_core.magnetogram.magnetogram import read_fits
from hnn_core.regions.base import Region
from hnn_core.sources.fits_folder import FitsFolder
from hnn_core.storage import entries, home, home_fault

__all__ = ["Holding", "holdings", "verify_all"]

_SERIES = (DEFINITIVE, NEAR_REAL_TIME)


@dataclass(frozen=True)
class Holding:
    """The magnetograms of one region on this machine."""

    source: str
    """``"jsoc:"`` for the definitive series, ``"jsoc:nrt"`` for the near-real-time one."""
    region: Region
    n_bytes: int


def holdings() -> list[Holding]:
    """List the downloaded regions, definitive ones first, by HARP number."""
    found = []
    for series in _SERIES:
        with suppress(EmptySourceError, UnknownSourceError):
            folder = FitsFolder(cache_home() / series.folder)
            found += [
                Holding(series.spec, region, folder.n_bytes(region.id))
                for region in folder.regions()
            ]
    return found


def verify_all(reporter: Reporter, *, remove_damaged: bool = False) -> str:
    """Read everything here once more: every magnetogram, reply, row and frame.

    Parameters
    ----------
    reporter : Reporter
    remove_damaged : bool
        Remove magnetograms that are damaged, so that the next fetch brings them again.

    Returns
    -------
    str
        A sentence with what was read.

    Raises
    ------
    CatalogError
        Something is damaged; all of it was reported before.
    MachineError
        The program's folder cannot be reached.
    """
    if not entries(home()) and (fault := home_fault()):
        raise MachineError(fault)
    damaged: list[tuple[str, str]] = []

    def report(what: object, why: str) -> None:
        damaged.append((str(what), why))
        reporter.excluded(str(what), why)

    files = [
        (series, path)
        for series in _SERIES
        for path in sorted((cache_home() / series.folder).rglob("*.fits"))
    ]
    for done, (series, path) in enumerate(files, start=1):
        why = _flaw(series, path)
        if why and remove_damaged:
            path.unlink()
            path.with_name(f"{path.name}.sha256").unlink(missing_ok=True)
            why += " It was removed; fetch its region again."
        if why:
            report(path, why)
        reporter.progress("magnetograms", done, len(files), path.name)
    replies = sorted((catalogs_home() / "raw").rglob(f"*{SIDE}"))
    for side in replies:
        reply = describe(side)
        why = "its side file cannot be read" if reply is None else reply.flaw
        if why:
            report(side.with_suffix(""), f"{why}; fetch its span again with --again.")
    Catalog.open()  # damaged tables are derived again; what cannot be derived is an error
    found, foreign = list_datasets()
    for done, info in enumerate(found, start=1):
        try:
            StoredDataset.open(info.folder).verify()
        except HnnError as error:
            report(info.name, str(error))
        reporter.progress("data sets", done, len(found), info.name)
    for one in foreign:
        report(one.path, one.reason)
    read = f"{len(files)} magnetograms, {len(replies)} replies and {len(found)} data sets were read"
    if damaged:
        what, why = damaged[0]
        raise CatalogError(f"{read}; {len(damaged)} are damaged, the first: {what}: {why}")
    return f"{read}; all are sound."


def _flaw(series: Series, path: Path) -> str:
    """Say what is wrong with a magnetogram; empty if it is sound."""
    try:
        magnetogram = read_fits(path)
    except MachineError:  # it may be sound, and must not be removed
        raise
    except HnnError as error:
        return str(error)
    if changed := digest_flaw(path):
        return changed
    if path.name == series.file_name(magnetogram.harp, float(tai_seconds(magnetogram.t_rec))):
        return ""
    return (
        f"{path} holds HARP {magnetogram.harp} at {format_t_rec(magnetogram.t_rec)}, not what its "
        "name stands for."
    )

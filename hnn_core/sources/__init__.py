"""Where magnetograms come from: one protocol, one file for each kind of source."""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.time import Time

from hnn_core.exceptions import UnknownRegionError, UnknownSourceError
from hnn_core.magnetogram.conventions import tai_seconds
from hnn_core.regions.base import Region, Source
from hnn_core.regions.words import read_number
from hnn_core.storage import typed_path

__all__ = ["DiskPlace", "find_region", "open_source", "regions_at"]

_HALF_HOUR = 1800.0 / 86400.0 + 1e-9
_KNOWN = (
    "sim: (simulated regions; sim:SEED or sim:SEED:NUMBER for others, sim:tilting for a field that "
    "turns horizontal), fits:FOLDER (SHARP FITS "
    "files, or an archive of them) and jsoc: (what was fetched from JSOC; jsoc:nrt for "
    "near-real-time magnetograms, jsoc:CLASS:START:END for a planned data set)"
)


def open_source(spec: str, progress: Callable[[int, int], None] | None = None) -> Source:
    """Open a source of magnetograms by its specification.

    Parameters
    ----------
    spec : str
        ``sim:``, ``sim:SEED`` or ``sim:SEED:NUMBER`` for simulated regions, 16 of them where
        no number is given, and ``sim:tilting`` instead of ``sim`` for those whose field turns
        horizontal where it would cancel; ``fits:FOLDER`` for a folder of SHARP FITS files, of any
        depth, or an archive (tar, zip) of them;
        ``jsoc:`` and ``jsoc:nrt`` for what was fetched from JSOC of the definitive and of the
        near-real-time series; ``jsoc:CLASS:START:END`` for the regions of a planned data set;
        ``upload:NAME`` for what the page's visitor uploaded, while the session lasts.
    progress : callable (done, total), optional
        While the headers of new files of a folder are read, which takes a while for thousands.

    Raises
    ------
    UnknownSourceError
        The specification is not understood, or the folder does not exist.
    EmptySourceError
        The folder holds no usable magnetogram, or nothing was fetched yet.
    ArchiveError
        The archive is damaged or too large.

    Examples
    --------
    >>> from hnn_core import open_source
    >>> source = open_source("sim:")
    >>> [region.id for region in source.regions()][:2], len(source.times("SIM 1"))
    (['SIM 1', 'SIM 2'], 48)
    """
    kind, colon, rest = spec.strip().partition(":")
    if colon and kind == "sim":
        return _open_simulated(spec, rest.strip())
    if colon and kind == "fits":
        from hnn_core.sources.fits_folder import FitsFolder

        if not rest.strip():
            raise UnknownSourceError(f"{spec!r} names no folder; write fits:FOLDER.")
        folder = typed_path(rest.strip())
        _refuse_uploads(folder)
        return FitsFolder(folder, progress)
    if colon and kind == "upload":
        from hnn_core.sources.uploads import UploadedFolder

        return UploadedFolder(rest.strip())
    if colon and kind == "jsoc" and ":" in rest:
        from hnn_core.sources.planned import open_planned

        return open_planned(f"jsoc:{rest.strip()}")
    if colon and kind == "jsoc":
        from hnn_core.sources.jsoc import JsocSource

        return JsocSource(f"jsoc:{rest.strip()}")
    raise UnknownSourceError(f"{spec!r} is not a source; known are {_KNOWN}.")


@dataclass(frozen=True)
class DiskPlace:
    """A region of a source at one time."""

    region: Region
    longitude: float
    """From the central meridian, west positive, degrees; NaN where it is not known."""
    latitude: float
    """Degrees; NaN where it is not known."""


def regions_at(source: Source, time: Time) -> list[DiskPlace]:
    """Find the regions whose hours cover a time, and where they are then.

    Parameters
    ----------
    source : Source
        Its headers were read when it was opened; no file is read here.
    time : Time

    Returns
    -------
    list of DiskPlace
        In the order of the source's regions, placed by the record that is nearest in time. Regions
        count from half an hour before their first record to half an hour after their last.
    """
    seconds, found = float(tai_seconds(time)), []
    day = time.tai.jd1 + time.tai.jd2
    for region in source.regions():
        # Not by their seconds, which takes astropy a fifth of a second for 1000 regions.
        first, last = (one.jd1 + one.jd2 for one in (region.first, region.last))
        if first - _HALF_HOUR <= day <= last + _HALF_HOUR:
            nearest = int(np.abs(tai_seconds(source.times(region.id)) - seconds).argmin())
            longitude, latitude = source.positions(region.id)[nearest].tolist()
            found.append(DiskPlace(region, longitude, latitude))
    return found


def find_region(source: Source, text: str) -> Region:
    """Find a region by what a person types.

    Parameters
    ----------
    source : Source
    text : str
        ``377``, ``HARP 377``, ``11158``, ``AR 11158``, ``NOAA 11158``, ``SIM 1``, in any case,
        with or without spaces. NOAA numbers may go without their leading 1 after ``AR``.

    Raises
    ------
    UnknownRegionError
        No region is meant, or more than one, as where several HARPs share a NOAA number.

    Notes
    -----
    HARP numbers have reached those of NOAA, so a bare number may be both. What is exactly a
    region's id is that region, so that links stay valid; ``AR`` before it means the other.
    """
    regions = source.regions()
    for region in regions:
        if region.id == text.strip():
            return region
    found = [region for region in regions if _is_called(region, text)]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(region.name for region in found[:8])
        raise UnknownRegionError(
            f"{text!r} means several regions: {names}; choose one of them by HARP or AR number."
        )
    names = ", ".join(region.name for region in regions[:5])
    more = f" and {len(regions) - 5} more" if len(regions) > 5 else ""
    raise UnknownRegionError(f"There is no region {text!r} in {source.spec}; it has {names}{more}.")


def _open_simulated(spec: str, rest: str) -> Source:
    from hnn_core.sources.simulated import MOST_REGIONS, SimulatedSource

    match = re.fullmatch(r"(tilting(?::|$))?(\d{0,18})(?::(\d{1,18}))?", rest, re.ASCII)
    if match is None:
        raise UnknownSourceError(
            f"{spec[:60]!r} is not a source: {rest[:40]!r} is not a whole number of at "
            "most 18 digits; write sim:, sim:SEED or sim:SEED:NUMBER, or any of them with "
            "sim:tilting for sim."
        )
    numbers = {"seed": match[2], "n_regions": match[3]}
    given = {name: int(number) for name, number in numbers.items() if number}
    if not 1 <= given.get("n_regions", 1) <= MOST_REGIONS:
        raise UnknownSourceError(
            f"{spec!r} is not a source: the number of regions is 1 to {MOST_REGIONS}."
        )
    return SimulatedSource(**given, tilting=bool(match[1]))


def _refuse_uploads(folder: Path) -> None:
    """Let no one reach the files of visitors by a path."""
    from hnn_core.sources.uploads import uploads_home

    with suppress(OSError, ValueError, RuntimeError):
        if folder.resolve().is_relative_to(uploads_home().resolve()):
            raise UnknownSourceError(f"{folder} holds what visitors uploaded; give another folder.")


def _is_called(region: Region, text: str) -> bool:
    """Return whether a text means a region."""
    if _squeezed(text) == _squeezed(region.id):
        return True
    kind, number = read_number(text) or ("", 0)
    return (kind != "AR" and number == region.harp) or (kind != "HARP" and number in region.noaa)


def _squeezed(text: str) -> str:
    return re.sub(r"[\s_]+", "", text).upper()

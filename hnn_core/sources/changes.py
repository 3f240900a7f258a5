"""Whether the files behind a source have changed: their sizes and times, never what they hold."""

import os
from collections.abc import Iterable
from pathlib import Path

from hnn_core.regions.base import Source
from hnn_core.regions.flare_table import FLARE_TABLE
from hnn_core.services.endpoints import live_home
from hnn_core.sources.fits_folder import FitsFolder
from hnn_core.sources.jsoc import JsocSource, newest
from hnn_core.sources.uploads import uploads_home
from hnn_core.storage import typed_path

__all__ = ["Stamp", "folder_state", "record_stamps", "source_state", "stamp"]

Stamp = tuple[int, int]
"""Size and mtime_ns of a file; (-1, -1) where it cannot be looked at."""


def stamp(path: Path) -> Stamp:
    """Look at one file."""
    try:
        status = path.stat()
    except OSError:
        return -1, -1
    return status.st_size, status.st_mtime_ns


def folder_state(*folders: Path) -> int:
    """Return a number that changes when files below folders, or archives, come, go or change.

    Files and folders whose names begin with a dot do not count. A folder of 3000 files takes some
    10 ms; the number means nothing to another process.
    """
    found: list[tuple[str, int, int]] = []
    todo = [str(folder) for folder in folders]
    seen: set[str] = set()
    while todo:
        folder = os.path.realpath(todo.pop())  # links are followed, each folder once
        if folder in seen:
            continue
        seen.add(folder)
        try:
            entries = list(os.scandir(folder))
        except NotADirectoryError:  # an archive
            found.append((folder, *stamp(Path(folder))))
            continue
        except OSError:
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            try:
                if entry.is_dir():
                    todo.append(entry.path)
                else:
                    status = entry.stat()
                    found.append((entry.path, status.st_size, status.st_mtime_ns))
            except OSError:  # it has just gone, or a link leads nowhere
                continue
    return hash(tuple(sorted(found)))


def source_state(spec: str) -> int:
    """Return a number that changes when files come to a source, go, or are replaced.

    Parameters
    ----------
    spec : str
        Of any source; one without files gives 0. What is downloaded is only ever replaced as a
        whole file, so that its folders are looked at and not each of its files.
    """
    kind, _, rest = spec.strip().partition(":")
    if kind == "fits" and rest.strip():
        return folder_state(typed_path(rest.strip()))
    if kind == "upload":
        return folder_state(uploads_home() / rest.strip())
    return newest(spec)


def record_stamps(source: Source, region: str) -> dict[str, Stamp]:
    """Look at the files of a region.

    Parameters
    ----------
    source : Source
    region : str
        `Region.id`.

    Returns
    -------
    dict
        By T_REC (ISO with milliseconds, TAI) of each record the size and time of its file; what
        else the region rests on, flares, under other names. Empty for a source without files.

    Raises
    ------
    UnknownRegionError
    """
    if not isinstance(source, FitsFolder):
        return {}
    times: Iterable[str] = map(str, source.times(region).isot)
    stamps = {time: stamp(path) for time, path in zip(times, source.files(region), strict=True)}
    if isinstance(source, JsocSource):
        return stamps | {"catalogs": stamp(live_home() / "catalogs")}
    return stamps | {FLARE_TABLE: stamp(source.folder / FLARE_TABLE)}

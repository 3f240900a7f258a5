"""A folder of SHARP FITS files as a source: headers are read once and kept in an index."""

import hashlib
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from astropy.time import Time

from hnn_core.exceptions import (
    EmptySourceError,
    FitsError,
    HnnError,
    OffLimbError,
    UnknownRegionError,
    UnknownSourceError,
    UnknownTimeError,
)
from hnn_core.magnetogram.conventions import iso_minute, tai_seconds, time_from_seconds
from hnn_core.magnetogram.fits import read_header
from hnn_core.magnetogram.magnetogram import Magnetogram, read_fits
from hnn_core.magnetogram.sharp import FIRST_SIMULATED_HARP, sharp_keywords
from hnn_core.regions.base import Region, SkippedFile
from hnn_core.regions.flare_table import FLARE_TABLE, FlareRow, read_flare_table, with_flares
from hnn_core.storage import home, write_atomically

__all__ = ["FitsFolder"]

_VERSION = 1
_ENDINGS = (".fits", ".fit", ".fits.gz")


class FitsFolder:
    """SHARP FITS files below a folder, any mix of HARPs, any depth.

    Files ending in .fits, .fit or .fits.gz are used; hidden ones and .part files are not
    looked at. Only headers are read, once: the index is kept in the program's folder and
    refreshed for files that changed, vanished or appeared.

    A region is named by its HARP number; one of the near-real-time series, whose HARP
    numbers mean other regions, by ``NRT-`` and its number; a simulated one by ``SIM`` and its
    number. Of several files for one record the largest is used, then the newest; the others
    are listed as skipped. An optional table ``flares.csv`` in the folder holds the flares,
    see `hnn_core.regions.flare_table`; the program's well-known flares are joined to them.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    UnknownSourceError
        The folder does not exist or cannot be read.
    EmptySourceError
        No file in it is a SHARP CEA magnetogram.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder).absolute()
        self.spec = f"fits:{self.folder}"
        self._broken: dict[str, str] = {}
        rows = _load_index(self.folder)
        self._records, duplicates = _group_records(row for row in rows if not row.problem)
        flares, malformed = read_flare_table(self.folder / FLARE_TABLE)
        self._skipped = (
            *(SkippedFile(row.path, row.problem) for row in rows if row.problem),
            *(
                SkippedFile(row.path, f"{self.folder / row.path} ends before its last pixel.")
                for row in rows
                if not row.whole
            ),
            *duplicates,
            *malformed,
        )
        if not self._records:
            raise EmptySourceError(_nothing_usable(self.folder, self._skipped))
        self._regions = sorted(
            (_region(name, records, flares) for name, records in self._records.items()),
            key=lambda region: (region.harp, region.id),
        )
        self.simulated = all(region.simulated for region in self._regions)

    def regions(self) -> list[Region]:
        """All regions, sorted by HARP number."""
        return list(self._regions)

    def times(self, region: str) -> Time:
        """T_REC of every record of a region, TAI, ascending. Raises UnknownRegionError."""
        return time_from_seconds(self._of(region).seconds)

    def quality(self, region: str) -> np.ndarray:
        """QUALITY of every record, uint32, aligned with `times`; no pixels are read."""
        return self._of(region).quality.copy()

    def files(self, region: str) -> tuple[Path, ...]:
        """Return the files of a region's records, aligned with `times`."""
        return tuple(self.folder / row.path for row in self._of(region).rows)

    def n_bytes(self, region: str) -> int:
        """Return the size of a region's files."""
        return sum(row.size for row in self._of(region).rows)

    def frame(self, region: str, time: Time) -> Magnetogram:
        """Read the record whose T_REC is `time` (to the second).

        Raises
        ------
        UnknownRegionError, UnknownTimeError
        FitsError, OffLimbError
            The file changed or broke since it was indexed, or its pixels are damaged.
        """
        records = self._of(region)
        seconds = float(tai_seconds(time))
        index = int(np.argmin(np.abs(records.seconds - seconds)))
        if abs(records.seconds[index] - seconds) > 1.0:
            raise UnknownTimeError(
                f"Region {region} has no record at {iso_minute(time)} TAI; the nearest is "
                f"{iso_minute(records.seconds[index])}."
            )
        path = records.rows[index].path
        try:
            return read_fits(self.folder / path)
        except (FitsError, OffLimbError) as error:
            self._broken[path] = str(error)
            raise

    def skipped(self) -> tuple[SkippedFile, ...]:
        """Files and rows of the flare table that could not be used, with the reasons.

        A file whose header is sound is listed once its pixels turned out to be damaged.
        """
        listed = {file.path for file in self._skipped}
        broken = (
            SkippedFile(path, reason)
            for path, reason in sorted(self._broken.items())
            if path not in listed
        )
        return (*self._skipped, *broken)

    def _of(self, region: str) -> "_Records":
        try:
            return self._records[region]
        except KeyError as error:
            known = ", ".join(one.id for one in self._regions[:5])
            raise UnknownRegionError(
                f"There is no region {region!r} in {self.spec}; it has {known}"
                f"{' and others' if len(self._regions) > 5 else ''}."
            ) from error


@dataclass(frozen=True)
class _IndexRow:
    """One file: what it was when indexed, and what its header holds."""

    path: str
    """Relative to the folder, with forward slashes."""
    size: int
    mtime_ns: int
    problem: str = ""
    """Why the file cannot be used, empty if it can."""
    harp: int = 0
    noaa: tuple[int, ...] = ()
    t_rec: float = 0.0
    """unix_tai seconds."""
    quality: int = 0
    near_real_time: bool = False
    simulated: bool = False
    whole: bool = True
    """False for a file shorter than its header claims: its record is known, its pixels are not."""


@dataclass(frozen=True)
class _Records:
    """The records of one region, ascending in time."""

    rows: tuple[_IndexRow, ...]
    seconds: np.ndarray
    """T_REC, float64 unix_tai seconds (records,)."""
    quality: np.ndarray
    """uint32 (records,)."""


def _group_records(rows: Iterable[_IndexRow]) -> tuple[dict[str, _Records], list[SkippedFile]]:
    """Sort files into the records of regions, by region id; of files of one record keep the best.

    Definitive, near-real-time and simulated regions are never merged, whatever their numbers.
    """
    best: dict[tuple[str, int], _IndexRow] = {}
    skipped = []
    for row in rows:
        key = (_region_id(row), round(row.t_rec))
        other = best.get(key)
        if other is None:
            best[key] = row
            continue
        kept, left = sorted(
            (row, other), key=lambda one: (one.size, one.mtime_ns, one.path), reverse=True
        )
        best[key] = kept
        skipped.append(
            SkippedFile(left.path, f"{left.path} is the same record as {kept.path}, which is used.")
        )
    grouped: dict[str, list[_IndexRow]] = {}
    for (name, _), row in sorted(best.items(), key=lambda item: item[1].t_rec):
        grouped.setdefault(name, []).append(row)
    records = {
        name: _Records(
            rows=tuple(found),
            seconds=np.array([row.t_rec for row in found], dtype=np.float64),
            quality=np.array([row.quality for row in found], dtype=np.uint32),
        )
        for name, found in grouped.items()
    }
    return records, skipped


def _region_id(row: _IndexRow) -> str:
    if row.simulated:
        number = row.harp - FIRST_SIMULATED_HARP + 1
        return f"SIM {number}" if number > 0 else f"SIM-{row.harp}"
    return f"NRT-{row.harp}" if row.near_real_time else str(row.harp)


def _region(name: str, records: _Records, flares: list[FlareRow]) -> Region:
    rows = records.rows
    noaa = tuple(sorted({number for row in rows for number in row.noaa}))
    harp = rows[0].harp
    region = Region(
        id=name,
        harp=harp,
        noaa=noaa,
        first=time_from_seconds(rows[0].t_rec),
        last=time_from_seconds(rows[-1].t_rec),
        n_records=len(rows),
        simulated=rows[0].simulated,
    )
    return with_flares(region, flares, definitive=not rows[0].near_real_time)


def _nothing_usable(folder: Path, skipped: tuple[SkippedFile, ...]) -> str:
    if not skipped:
        return f"{folder} holds no FITS file; give a folder with SHARP CEA magnetograms."
    return (
        f"{folder} holds no usable magnetogram: {len(skipped)} files were skipped, "
        f"the first because {skipped[0].reason}"
    )


def _load_index(folder: Path) -> list[_IndexRow]:
    """Return one row for every FITS file below a folder, sorted by path, then closed folders."""
    if not folder.is_dir():
        raise UnknownSourceError(
            f"There is no folder {folder}; give one that holds SHARP FITS files."
        )
    kept = _read_cache(folder)
    rows = []
    changed = False
    files, closed = _scan(folder)
    for path, size, mtime_ns in files:
        row = kept.get(path)
        if row is None or (row.size, row.mtime_ns) != (size, mtime_ns):
            row = _read_row(folder, path, size, mtime_ns)
            changed = True
        rows.append(row)
    if changed or len(rows) != len(kept):
        _write_cache(folder, rows)
    return rows + closed


def _scan(folder: Path) -> tuple[list[tuple[str, int, int]], list[_IndexRow]]:
    """Find (relative path, size, mtime_ns) of all FITS files, sorted, and unreadable folders.

    Links to folders are followed, each folder once.
    """
    seen: set[tuple[int, int]] = set()
    found: list[Path] = []
    closed: list[_IndexRow] = []

    def refuse(error: OSError) -> None:
        sentence = f"{error.filename} cannot be read: {error.strerror}."
        if error.filename == str(folder):
            raise UnknownSourceError(sentence) from error
        relative = Path(error.filename).relative_to(folder).as_posix()
        closed.append(_IndexRow(relative, -1, -1, problem=sentence))

    for root, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        status = Path(root).stat()
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            Path(root) / name
            for name in names
            if not name.startswith(".") and name.lower().endswith(_ENDINGS)
        ]
    return [(path.relative_to(folder).as_posix(), *_stat(path)) for path in sorted(found)], closed


def _stat(path: Path) -> tuple[int, int]:
    """Return size and mtime_ns; -1 for a dangling link, whose header then cannot be read."""
    try:
        status = path.stat()
    except OSError:
        return -1, -1
    return status.st_size, status.st_mtime_ns


def _read_row(folder: Path, path: str, size: int, mtime_ns: int) -> _IndexRow:
    try:
        image = read_header(folder / path)
        keywords = sharp_keywords(image.keywords, str(folder / path))
    except HnnError as error:
        return _IndexRow(path, size, mtime_ns, problem=str(error))
    if keywords.interpolated:
        problem = f"{folder / path} is a frame made by interpolation, not a record."
        return _IndexRow(path, size, mtime_ns, problem=problem)
    return _IndexRow(
        path=path,
        size=size,
        mtime_ns=mtime_ns,
        harp=keywords.harp,
        noaa=keywords.noaa,
        t_rec=float(tai_seconds(keywords.t_rec)),
        quality=keywords.quality,
        near_real_time=keywords.near_real_time,
        simulated=keywords.simulated,
        whole=image.whole,
    )


def _cache_path(folder: Path) -> Path:
    digest = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    return home() / "index" / f"{folder.name[:40] or 'root'}-{digest}.json"


def _read_cache(folder: Path) -> dict[str, _IndexRow]:
    try:
        stored = json.loads(_cache_path(folder).read_text(encoding="utf-8"))
        if stored["version"] != _VERSION:
            return {}
        rows = [_IndexRow(**{**row, "noaa": tuple(row["noaa"])}) for row in stored["rows"]]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {row.path: row for row in rows}


def _write_cache(folder: Path, rows: list[_IndexRow]) -> None:
    content = {"version": _VERSION, "folder": str(folder), "rows": [asdict(row) for row in rows]}
    # The index only saves time: a full or read-only disk must not hide the files.
    with suppress(OSError):
        path = _cache_path(folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(content).encode(), shared=True)

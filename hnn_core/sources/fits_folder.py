"""A folder of SHARP FITS files as a source: its regions, their records, their frames."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

import numpy as np
from astropy.time import Time

from hnn_core.exceptions import (
    EmptySourceError,
    FitsError,
    OffLimbError,
    UnknownRegionError,
    UnknownTimeError,
)
from hnn_core.magnetogram.conventions import iso_minute, tai_seconds, time_from_seconds
from hnn_core.magnetogram.magnetogram import Magnetogram, read_fits
from hnn_core.magnetogram.sharp import FIRST_SIMULATED_HARP, named_harp
from hnn_core.magnetogram.vector import COMPONENTS, VectorMagnetogram, read_vector
from hnn_core.regions.base import Region, SkippedFile, n_skipped
from hnn_core.regions.flare_table import FLARE_TABLE, FlareRow, read_flare_table, with_flares
from hnn_core.sources.folder_index import read_index
from hnn_core.sources.header_rows import IndexRow, Progress

__all__ = ["FitsFolder"]

_FITS_NAME = re.compile(r"\.(fits|fit|fts|fz)(\.\w+)?$", re.IGNORECASE)
_NEAR_S = 6 * 3600.0
_FAR_SMALLER = 0.1
"""Of the pixels of its neighbours in time: a box that grows does not grow tenfold in two hours."""


class FitsFolder:
    """SHARP FITS files below a folder or in an archive, any mix of HARPs, any depth.

    What a file is, its content decides (docs/reading.md): FITS, plain or packed, whatever its
    ending; an archive (tar, zip), which is unpacked into the program's folder; a table of keywords
    for as-is files, see `hnn_core.sources.keyword_table`. Hidden files and those of an unfinished
    download are not looked at; of everything else that is not read, `skipped` gives the reason.
    Only headers are read, once: the index is kept in the program's folder and refreshed for files
    that changed, vanished or appeared.

    A region is named by its HARP number; one of the near-real-time series, whose HARP
    numbers mean other regions, by ``NRT-`` and its number; a simulated one by ``SIM`` and its
    number. Of several files for one record one that names its segment is used, then one with
    JSOC's full name, one with a checksum, the largest, the newest; the others are listed as
    skipped, and so is a patch with less than a tenth of
    the pixels of those next to it in time. An optional table ``flares.csv`` in the folder holds
    the flares, see `hnn_core.regions.flare_table`; the program's well-known flares are joined to
    them.

    Parameters
    ----------
    folder : Path
        Or an archive.
    progress : callable (done, total), optional
        While the headers of new files are read.

    Raises
    ------
    UnknownSourceError
        Neither a folder nor an archive, or it cannot be read.
    ArchiveError
        The archive is damaged or too large.
    EmptySourceError
        No file in it is a SHARP CEA magnetogram.
    """

    def __init__(self, folder: Path, progress: Progress | None = None) -> None:
        self.folder = Path(folder).absolute()
        self.spec = f"fits:{self.folder}"
        self._broken: dict[str, str] = {}
        self._index = read_index(self.folder, progress)
        rows = self._index.rows
        usable = [row for row in rows if not row.problem]
        self._records, left_out = _group_records(
            row for row in usable if row.segment == "magnetogram"
        )
        self._vectors, alone = _group_vectors(
            (row for row in usable if row.segment != "magnetogram"), self._records
        )
        flares, malformed = read_flare_table(self._index.root / FLARE_TABLE)
        self._skipped = (
            *(SkippedFile(row.path, row.problem) for row in rows if _is_expected(row)),
            *(
                SkippedFile(row.path, f"{self.folder / row.path} ends before its last pixel.")
                for row in rows
                if not row.whole
            ),
            *left_out,
            *alone,
            *malformed,
            *_foreign_files(row for row in rows if row.problem and not _is_expected(row)),
        )
        if not self._records:
            raise EmptySourceError(_nothing_usable(self.folder, self._skipped))
        self._regions = sorted(
            (_region(name, records, flares, malformed) for name, records in self._records.items()),
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

    def positions(self, region: str) -> np.ndarray:
        """Longitude from the central meridian and latitude by the headers, (records, 2), degrees.

        NaN where a header has neither; no pixels are read.
        """
        rows = self._of(region).rows
        return np.array([(row.longitude, row.latitude) for row in rows], dtype=np.float64)

    def files(self, region: str) -> tuple[Path, ...]:
        """Return the files of a region's records, aligned with `times`."""
        return tuple(self._index.places[row.path] for row in self._of(region).rows)

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
        return self._read(records.rows[index])

    def has_vector(self, region: str) -> np.ndarray:
        """Whether the field vector is there for every record, bool, aligned with `times`."""
        return np.array(
            [(region, round(row.t_rec)) in self._vectors for row in self._of(region).rows]
        )

    def vector(self, region: str, time: Time) -> VectorMagnetogram:
        """Read the field vector of the record whose T_REC is `time` (to the second).

        Raises
        ------
        UnknownRegionError, UnknownTimeError
            Also where Br, Bt and Bp of the record are not all there.
        FitsError, OffLimbError
            As for `hnn_core.magnetogram.vector.read_vector`.
        """
        self._of(region)
        parts = self._vectors.get((region, round(float(tai_seconds(time)))))
        if parts is None:
            raise UnknownTimeError(
                f"Region {region} has no field vector at {iso_minute(time)} TAI in {self.spec}; "
                "it needs the segments Br, Bt and Bp of the record beside the magnetogram."
            )
        shown = {name: str(self.folder / row.path) for name, row in parts.items()}
        places = {name: self._index.places[row.path] for name, row in parts.items()}
        try:
            found = read_vector(places)
        except (FitsError, OffLimbError) as error:
            words = str(error)
            for name, place in places.items():
                words = words.replace(str(place), shown[name])
            raise type(error)(words) from error
        return replace(found, files=shown, place=replace(found.place, origin=shown["Br"]))

    def _read(self, row: IndexRow) -> Magnetogram:
        """Read a file; messages and provenance have its place in the folder or the archive."""
        place, shown = self._index.places[row.path], str(self.folder / row.path)
        try:
            cards = self._index.tables.cards(place) if row.bare else None
            return replace(read_fits(place, cards), origin=shown)
        except (FitsError, OffLimbError) as error:
            self._broken[row.path] = str(error).replace(str(place), shown)
            raise type(error)(self._broken[row.path]) from error

    def skipped(self) -> tuple[SkippedFile, ...]:
        """Files and rows of the flare table that could not be used, with the reasons.

        A file whose header is sound is listed once its pixels turned out to be damaged.
        """
        listed = {file.path for file in self._skipped}
        broken = (
            SkippedFile(path, reason)
            for path, reason in sorted(self._broken.copy().items())  # another session may read on
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
class _Records:
    """The records of one region, ascending in time."""

    rows: tuple[IndexRow, ...]
    seconds: np.ndarray
    """T_REC, float64 unix_tai seconds (records,)."""
    quality: np.ndarray
    """uint32 (records,)."""


def _group_records(rows: Iterable[IndexRow]) -> tuple[dict[str, _Records], list[SkippedFile]]:
    """Sort files into the records of regions, by region id; of files of one record keep the best.

    Definitive, near-real-time and simulated regions are never merged, whatever their numbers.
    """
    same: dict[tuple[str, int], list[IndexRow]] = {}
    for row in rows:
        same.setdefault((_region_id(row), round(row.t_rec)), []).append(row)
    grouped: dict[str, list[IndexRow]] = {}
    skipped = []
    for (name, _), files in sorted(same.items(), key=lambda item: item[1][0].t_rec):
        best = max(files, key=_preference)
        grouped.setdefault(name, []).append(best)
        skipped += [
            SkippedFile(row.path, _same_record(row, best)) for row in files if row is not best
        ]
    for name, found in grouped.items():
        grouped[name], small = _without_specks(found)
        skipped += small
    records = {
        name: _Records(
            rows=tuple(found),
            seconds=np.array([row.t_rec for row in found], dtype=np.float64),
            quality=np.array([row.quality for row in found], dtype=np.uint32),
        )
        for name, found in grouped.items()
    }
    return records, skipped


_Vectors = dict[tuple[str, int], dict[str, IndexRow]]


def _group_vectors(
    rows: Iterable[IndexRow], records: dict[str, _Records]
) -> tuple[_Vectors, list[SkippedFile]]:
    """Sort segments of the field vector by region id and T_REC; those of no use are skipped."""
    found: _Vectors = {}
    skipped = []
    for row in rows:
        parts = found.setdefault((_region_id(row), round(row.t_rec)), {})
        other = parts.get(row.segment)
        best = row if other is None else max(other, row, key=_preference)
        if other is not None:
            worse = other if best is row else row
            skipped.append(SkippedFile(worse.path, _same_record(worse, best)))
        parts[row.segment] = best
    vectors: _Vectors = {}
    for (region, seconds), parts in found.items():
        absent = [name for name in COMPONENTS if name not in parts]
        known = region in records and seconds in set(records[region].seconds.round().astype(int))
        if known and not absent:
            vectors[region, seconds] = parts
            continue
        lack = f"{', '.join(absent)} of its record" if absent else "the magnetogram"
        skipped += [
            SkippedFile(
                row.path,
                f"{row.path} holds the segment {row.segment!r}, not the line-of-sight "
                f"magnetogram, and is of no use for the field vector without {lack}.",
            )
            for row in parts.values()
        ]
    return vectors, skipped


def _preference(row: IndexRow) -> tuple[object, ...]:
    """Order the files of one record: JSOC's own first, since a changed copy may be larger."""
    own = bool(named_harp(row.path))
    return row.named, own, row.summed, row.size, row.mtime_ns, row.path


def _same_record(row: IndexRow, used: IndexRow) -> str:
    sentence = f"{row.path} is the same record as {used.path}, which is used"
    if row.size == used.size:
        return f"{sentence}."
    return f"{sentence}; the files are not the same ({row.size} and {used.size} bytes)."


def _without_specks(rows: list[IndexRow]) -> tuple[list[IndexRow], list[SkippedFile]]:
    """Leave out patches that are far smaller than the two before and the two after them."""
    kept, skipped = [], []
    for i, row in enumerate(rows):
        around = (*rows[max(0, i - 2) : i], *rows[i + 1 : i + 3])
        near = [one.pixels for one in around if abs(one.t_rec - row.t_rec) <= _NEAR_S]
        if near and row.pixels < _FAR_SMALLER * float(np.median(near)):
            reason = (
                f"{row.path} is a patch of {row.pixels} pixels between patches of "
                f"{np.median(near):.0f}: it is not the whole patch of its record."
            )
            skipped.append(SkippedFile(row.path, reason))
        else:
            kept.append(row)
    return kept, skipped


def _is_expected(row: IndexRow) -> bool:
    """Whether a file with a problem is one that by its content or name should have been read."""
    return bool(row.problem) and (
        not row.problem.endswith("not a FITS file.") or _FITS_NAME.search(row.path) is not None
    )


def _foreign_files(rows: Iterable[IndexRow]) -> list[SkippedFile]:
    """Name the files that are no FITS files and have no name of one, in one entry an ending."""
    by_ending: dict[str, list[str]] = {}
    for row in rows:
        by_ending.setdefault(PurePath(row.path).suffix.lower(), []).append(row.path)
    skipped = []
    for ending, paths in sorted(by_ending.items()):
        if len(paths) == 1:
            reason = f"{paths[0]} is not a FITS file."
        else:
            which = f"ending in {ending}" if ending else "without an ending"
            reason = f"{len(paths)} files {which} are not FITS files: {paths[0]} and others."
        skipped.append(SkippedFile(paths[0], reason, files=len(paths)))
    return skipped


def _region_id(row: IndexRow) -> str:
    if row.simulated:
        number = row.harp - FIRST_SIMULATED_HARP + 1
        return f"SIM {number}" if number > 0 else f"SIM-{row.harp}"
    return f"NRT-{row.harp}" if row.near_real_time else str(row.harp)


def _region(
    name: str, records: _Records, flares: list[FlareRow], malformed: Iterable[SkippedFile]
) -> Region:
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
    return with_flares(region, flares, malformed, definitive=not rows[0].near_real_time)


def _nothing_usable(folder: Path, skipped: tuple[SkippedFile, ...]) -> str:
    if not skipped:
        return f"{folder} holds no FITS file; give a folder with SHARP CEA magnetograms."
    number = n_skipped(skipped)
    were = "file was" if number == 1 else "files were"
    return (
        f"{folder} holds no usable magnetogram: {number} {were} skipped, "
        f"the first because {skipped[0].reason}"
    )

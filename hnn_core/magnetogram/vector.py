"""The field vector of an active region, and reading it from the segments of a SHARP record."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from astropy.io.fits import Header

from hnn_core.exceptions import FitsError, HnnError, OffLimbError, TruncatedFitsError
from hnn_core.magnetogram.conventions import format_t_rec, tai_seconds
from hnn_core.magnetogram.fits import clean_header, read_header, read_pixels
from hnn_core.magnetogram.magnetogram import Magnetogram, upright
from hnn_core.magnetogram.plausible import LARGEST_GAUSS, LEAST_VALID, cut_out_note
from hnn_core.magnetogram.sharp import NEEDED, named_segments, sharp_keywords

__all__ = ["COMPONENTS", "ERRORS", "SEGMENTS", "VectorMagnetogram", "read_vector"]

COMPONENTS = ("Br", "Bt", "Bp")
ERRORS = ("Br_err", "Bt_err", "Bp_err")
SEGMENTS = (*COMPONENTS, *ERRORS, "conf_disambig", "bitmap", "continuum")
"""What is read of a record; only the components are needed."""

_PLACE = ("CRPIX1", "CRPIX2", "CRVAL1", "CRVAL2", "CDELT1", "CDELT2")


@dataclass(frozen=True, eq=False)
class VectorMagnetogram:
    """One vector magnetogram of an active-region patch (SHARP CEA).

    Row 0 is the southern edge, column 0 the eastern edge. Arrays are (rows, cols), read-only,
    NaN off the disk; components and errors are float32, gauss.
    """

    radial: np.ndarray
    """Br, upward; Bz of a local frame."""
    southward: np.ndarray
    """Bt; −By."""
    westward: np.ndarray
    """Bp; Bx."""
    place: Magnetogram
    """Time, place and header of the record; its field is Br."""
    radial_error: np.ndarray | None = None
    """Standard deviation of Br; None where the segment is not there. So are the next two."""
    southward_error: np.ndarray | None = None
    westward_error: np.ndarray | None = None
    confidence: np.ndarray | None = None
    """conf_disambig, uint8: 90 sure, 60 by the smooth solution, 50 weak field, 0 none."""
    bitmap: np.ndarray | None = None
    """uint8: 33 and 34 inside the active patch."""
    continuum: np.ndarray | None = None
    """float32, DN/s."""
    files: Mapping[str, str] = field(default_factory=dict)
    """By segment, for provenance."""

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, cols) of the patch."""
        return self.place.shape

    @cached_property
    def horizontal(self) -> np.ndarray:
        """Strength of the horizontal field, (rows, cols) float32, gauss."""
        return np.hypot(self.southward, self.westward)

    @cached_property
    def total(self) -> np.ndarray:
        """Strength of the field, (rows, cols) float32, gauss."""
        return np.hypot(self.horizontal, self.radial)

    @cached_property
    def inclination(self) -> np.ndarray:
        """Angle of the field from the vertical, (rows, cols) float32, degrees: 0 to 90."""
        return np.degrees(np.arctan2(self.horizontal, np.abs(self.radial)))

    @property
    def missing(self) -> tuple[str, ...]:
        """Segments that were not there."""
        return tuple(name for name in SEGMENTS if name not in self.files)


def read_vector(
    files: str | os.PathLike[str] | Mapping[str, str | os.PathLike[str]],
) -> VectorMagnetogram:
    """Read the field vector of one SHARP CEA record.

    Parameters
    ----------
    files : path, or mapping of segment to path
        A folder with the segments of one record, a file of the record with the others beside it,
        or each segment's file by its name, of `SEGMENTS`.

    Returns
    -------
    VectorMagnetogram
        Segments that are not there are None, and named in its `missing`.

    Raises
    ------
    FitsError
        A component is not there, a file cannot be used for a reason that
        `hnn_core.magnetogram.magnetogram.read_fits` has too, a value is none that its segment can
        have, or segments differ in record, shape or place.
    OffLimbError
        Less than a tenth of the pixels is on the disk.
    """
    if isinstance(files, Mapping):
        given = {name: Path(path) for name, path in files.items()}
    else:
        given = _of_one_record(Path(files))
    paths = {name: path for name, path in given.items() if name in SEGMENTS}
    if absent := [name for name in COMPONENTS if name not in paths]:
        where = "The record" if isinstance(files, Mapping) else str(files)
        raise FitsError(
            f"{where} has no {' and no '.join(absent)}; the field vector needs "
            f"{', '.join(COMPONENTS)}."
        )
    place = _read_radial(paths["Br"])
    read = {"Br": place.field}
    for name, path in paths.items():
        if name != "Br":
            read[name] = _read_segment(path, name, place)
    return VectorMagnetogram(
        radial=read["Br"],
        southward=read["Bt"],
        westward=read["Bp"],
        place=place,
        radial_error=read.get("Br_err"),
        southward_error=read.get("Bt_err"),
        westward_error=read.get("Bp_err"),
        confidence=read.get("conf_disambig"),
        bitmap=read.get("bitmap"),
        continuum=read.get("continuum"),
        files={name: str(path) for name, path in paths.items()},
    )


def _read_radial(path: Path) -> Magnetogram:
    field, header = _read(path, "Br")
    known = sharp_keywords(header, str(path), "Br")
    note = cut_out_note(header, field.shape, str(path))
    header = clean_header(header)
    return Magnetogram(
        field=_checked(upright(field, header), "Br", path),
        t_rec=known.t_rec,
        harp=known.harp,
        noaa=known.noaa,
        pixel_area=known.pixel_area,
        quality=known.quality,
        longitude=known.longitude,
        latitude=known.latitude,
        header=header,
        origin=str(path),
        simulated=known.simulated,
        interpolated=known.interpolated,
        notes=(note,) if note else (),
    )


def _read_segment(path: Path, name: str, place: Magnetogram) -> np.ndarray:
    """Read another segment of the record of Br."""
    field, header = _read(path, name)
    known = sharp_keywords(header, str(path), name)
    seconds = float(tai_seconds(known.t_rec)), float(tai_seconds(place.t_rec))
    if known.harp != place.harp or abs(seconds[0] - seconds[1]) > 1.0:
        raise FitsError(
            f"{path} is of HARP {known.harp} at {format_t_rec(seconds[0])}, and "
            f"{place.origin} of HARP {place.harp} at {format_t_rec(seconds[1])}; give the segments "
            "of one record."
        )
    header = clean_header(header)
    field = upright(field, header)
    if field.shape != place.shape or any(
        key in header and header[key] != place.header.get(key) for key in _PLACE
    ):
        raise FitsError(
            f"{path} does not lie on the pixels of {place.origin}: it has {field.shape} of them "
            f"against {place.shape}, or another CRPIX, CRVAL or CDELT; give the segments of one "
            "record as JSOC has them."
        )
    return _checked(field, name, path)


def _read(path: Path, name: str) -> tuple[np.ndarray, Header]:
    image = read_header(path)
    sharp_keywords(image.keywords, str(path), name)
    if not image.whole:
        raise TruncatedFitsError(f"{path} ends before its last pixel; download it again.")
    return read_pixels(path, image), image.keywords


def _checked(pixels: np.ndarray, name: str, path: Path) -> np.ndarray:
    """Refuse what a segment cannot hold; masks become uint8, 0 where they were NaN."""
    valid = np.isfinite(pixels)
    if name in COMPONENTS and np.count_nonzero(valid) < LEAST_VALID * pixels.size:
        raise OffLimbError(f"{path} has less than a tenth of its pixels on the disk.")
    least, most = (float(f(pixels, where=valid, initial=0.0)) for f in (np.min, np.max))
    top = {"conf_disambig": 90.0, "bitmap": 255.0, "continuum": np.inf}.get(name, LARGEST_GAUSS)
    if most > top or least < (-top if name in COMPONENTS else 0.0):
        raise FitsError(
            f"{path} cannot be believed: it has a value of {most if most > top else least:g}, "
            f"which the segment {name!r} does not have; download it again."
        )
    if name in COMPONENTS and least == most == 0.0:
        raise FitsError(f"{path} holds no measured field: every pixel is zero.")
    if name in ("conf_disambig", "bitmap"):
        pixels = np.where(valid, pixels, 0).astype(np.uint8)
    pixels.flags.writeable = False
    return pixels


def _of_one_record(path: Path) -> dict[str, Path]:
    """Find the segments in a folder, or those beside a file that are of its record."""
    if not path.exists():
        raise FitsError(f"There is no {path}; give a folder with the segments of one record.")
    folder = path if path.is_dir() else path.parent
    found: dict[tuple[int, int], dict[str, Path]] = {}
    of_file: tuple[int, int] | None = None
    for one in sorted(folder.iterdir()):
        try:
            header = read_header(one, only=NEEDED).keywords
            (name,) = named_segments(header, str(one))
            known = sharp_keywords(header, str(one), name)
        except (HnnError, ValueError, OSError):
            continue  # another file: what is needed and absent is named by the caller
        record = known.harp, round(float(tai_seconds(known.t_rec)))
        found.setdefault(record, {})[name] = one
        if one == path:
            of_file = record
    if of_file is not None:
        return found[of_file]
    if len(found) != 1:
        what = f"segments of {len(found)} records" if found else "no segment of a SHARP record"
        raise FitsError(f"{path} holds {what}; give one file of the record, or its files by name.")
    return next(iter(found.values()))

"""Where the frames of a region lie on each other: whole pixels, by their coordinates.

A patch is a box of pixels that turns with its region. Near real time the box grows, and a cut-out
has another corner, so that a pixel's place in the array says nothing about its place on the Sun.
Docs: docs/method.md, "Frames".
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from hnn_core.exceptions import SequenceError
from hnn_core.magnetogram.conventions import iso_minute, tai_seconds
from hnn_core.magnetogram.magnetogram import Magnetogram
from hnn_core.magnetogram.sharp import finite_number

__all__ = [
    "Box",
    "Place",
    "common_box",
    "covering_box",
    "frame_boxes",
    "placed",
    "placed_frame",
    "size_words",
]

_DAY = 86400.0
_DRIFT = 1.0
"""Degrees a day, at most, by which the box of a HARP drifts in Carrington longitude."""
_SWING = 0.02
"""Degrees by which that drift swings within a day, since SDO circles the Earth."""
_SAME_SCALE = 1e-3
"""Relative difference of CDELT1 that moves no pixel of a patch by as much as one."""
_HALF = 0.51
"""Added before rounding down; the last hundredth lest half pixels go this way and that by noise."""


@dataclass(frozen=True)
class Box:
    """A rectangle of whole pixels of a grid; row 0 and column 0 may lie anywhere on it."""

    row: int
    """First row, to the south."""
    col: int
    """First column, to the east."""
    rows: int
    cols: int

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, cols)."""
        return self.rows, self.cols

    def part(self, box: "Box") -> tuple[slice, slice]:
        """Return where `box`, which must lie inside, lies in an array on this box."""
        row, col = box.row - self.row, box.col - self.col
        return slice(row, row + box.rows), slice(col, col + box.cols)


@dataclass(frozen=True)
class Place:
    """Where a frame lies, as its header says; NaN for what it does not say."""

    seconds: float
    """T_REC, unix_tai."""
    shape: tuple[int, int]
    row: float
    """Row of the reference point, from 0 (CRPIX2 − 1)."""
    col: float
    longitude: float
    """Carrington longitude of the reference point, degrees (CRVAL1)."""
    latitude: float
    scale: float
    """Degrees a pixel (CDELT1)."""
    meridian: float
    """Carrington longitude of the central meridian, degrees (CRLN_OBS)."""
    rotation: float
    """With which the box follows its region, degrees a day as seen from SDO (OMEGA_DT)."""

    @classmethod
    def of(cls, frame: Magnetogram) -> "Place":
        """Read the place of a frame."""

        def number(key: str) -> float:
            return finite_number(frame.header.get(key))

        return cls(
            seconds=float(tai_seconds(frame.t_rec)),
            shape=frame.shape,
            row=number("CRPIX2") - 1.0,
            col=number("CRPIX1") - 1.0,
            longitude=number("CRVAL1"),
            latitude=number("CRVAL2"),
            scale=number("CDELT1"),
            meridian=number("CRLN_OBS"),
            rotation=number("OMEGA_DT"),
        )

    @property
    def centre(self) -> tuple[float, float]:
        """Row and column, from 0, of the patch's own centre.

        The reference point, which for a whole SHARP patch is the middle of the array and which
        stays where it is on the Sun in a cut-out; the middle where that point is not on the patch.
        To half a pixel.
        """
        rows, cols = self.shape
        if -0.5 <= self.row <= rows - 0.5 and -0.5 <= self.col <= cols - 0.5:
            return round(2 * self.row) / 2, round(2 * self.col) / 2
        return (rows - 1) / 2, (cols - 1) / 2

    def west_of(self, other: "Place") -> float:
        """Longitude of the reference point less that of another's, degrees, on the region's grid.

        The grid turns with the region's box: by OMEGA_DT where both headers say how fast. Where
        they do not, a box that keeps its size and drifts no faster than boxes do is the same box,
        and one that changes is placed by its Carrington longitude.
        """
        west = _wrapped(self.longitude - other.longitude)
        days = (self.seconds - other.seconds) / _DAY
        most = _DRIFT * abs(days) + _SWING
        rate = (self.rotation + other.rotation) / 2
        turned = _wrapped(rate * days + self.meridian - other.meridian)
        if abs(turned) <= most:
            return west - turned
        same_box = (self.shape, self.row, self.col) == (other.shape, other.row, other.col)
        if same_box and abs(self.latitude - other.latitude) < _SWING and abs(west) <= most:
            return 0.0
        return west

    def corner_on(self, other: "Place") -> tuple[float, float]:
        """Return row and column, on the array of another frame, of this one's first pixel.

        Without coordinates patches of one shape lie on each other.

        Raises
        ------
        SequenceError
            The shapes differ and there are no coordinates, or the scales differ.
        """
        known = (self.row, self.col, self.longitude, self.latitude, self.scale)
        others = (other.row, other.col, other.longitude, other.latitude, other.scale)
        if not all(map(math.isfinite, (*known, *others))):
            if self.shape == other.shape:
                return 0.0, 0.0
            raise SequenceError(
                f"The patch has {size_words(self.shape)} at {iso_minute(self.seconds)} TAI but "
                f"{size_words(other.shape)} at {iso_minute(other.seconds)}, and without CRPIX and "
                "CRVAL it is not known how they lie on each other; export them with keywords."
            )
        if abs(self.scale / other.scale - 1.0) > _SAME_SCALE:
            raise SequenceError(
                f"A pixel is {self.scale:g}° at {iso_minute(self.seconds)} TAI but "
                f"{other.scale:g}° at {iso_minute(other.seconds)} (CDELT1); use one series."
            )
        x, y = _equal_area(self.west_of(other), self.latitude, other.latitude)
        return other.row + y / other.scale - self.row, other.col + x / other.scale - self.col


def _wrapped(degrees: float) -> float:
    """Degrees from −180 to 180."""
    return (degrees + 180.0) % 360.0 - 180.0


def _equal_area(west: float, latitude: float, centre: float) -> tuple[float, float]:
    """Project a point on a cylinder about a centre on its own meridian, degrees west and north.

    CEA of Calabretta & Greisen (2002) with CRVAL2 = `centre`; the same as astropy's to 1e-9.
    """
    lon, lat, mid = map(math.radians, (west, latitude, centre))
    x = math.atan2(
        math.cos(lat) * math.sin(lon),
        math.cos(lat) * math.cos(lon) * math.cos(mid) + math.sin(lat) * math.sin(mid),
    )
    y = math.sin(lat) * math.cos(mid) - math.cos(lat) * math.cos(lon) * math.sin(mid)
    return math.degrees(x), math.degrees(y)


def frame_boxes(frames: Sequence[Magnetogram | Place]) -> list[Box]:
    """Lay the frames of a region on one grid, to the nearest whole pixel.

    Parameters
    ----------
    frames : sequence of Magnetogram or Place
        At least one, in order of time: each is placed on the next, which is most like it.

    Returns
    -------
    list of Box
        One a frame, on the array of the last: that one has row 0 and column 0.

    Raises
    ------
    SequenceError
        Their headers do not say how they lie on each other, or they have no pixel in common.
    """
    places = [one if isinstance(one, Place) else Place.of(one) for one in frames]
    row = col = 0.0
    boxes = [Box(0, 0, *places[-1].shape)]
    for place, after in reversed(list(pairwise(places))):
        down, across = place.corner_on(after)
        row, col = row + down, col + across
        boxes.append(Box(math.floor(row + _HALF), math.floor(col + _HALF), *place.shape))
    common_box(boxes)
    return boxes[::-1]


def common_box(boxes: Sequence[Box]) -> Box:
    """Return the pixels that all boxes have; SequenceError if there are none."""
    row, col = max(box.row for box in boxes), max(box.col for box in boxes)
    rows = min(box.row + box.rows for box in boxes) - row
    cols = min(box.col + box.cols for box in boxes) - col
    if rows <= 0 or cols <= 0:
        raise SequenceError(
            "The patches have no pixel in common (CRPIX, CRVAL); use frames of one region."
        )
    return Box(row, col, rows, cols)


def covering_box(boxes: Sequence[Box]) -> Box:
    """Return the smallest box that holds all boxes."""
    row, col = min(box.row for box in boxes), min(box.col for box in boxes)
    rows = max(box.row + box.rows for box in boxes) - row
    cols = max(box.col + box.cols for box in boxes) - col
    return Box(row, col, rows, cols)


def placed(array: np.ndarray, at: Box, to: Box, *, fill: float | bool = np.nan) -> np.ndarray:
    """Return an array that lies at one box as an array on another.

    Parameters
    ----------
    array : ndarray (rows, cols)
        Of the shape of `at`.
    at, to : Box
        On one grid.
    fill : number
        Where `to` reaches beyond `at`.

    Returns
    -------
    ndarray (rows, cols)
        Of the shape of `to` and the array's type; the array itself where the boxes are equal.
    """
    if at == to:
        return array
    out = np.full(to.shape, fill, dtype=array.dtype)
    try:
        both = common_box([at, to])
    except SequenceError:
        return out
    out[to.part(both)] = array[at.part(both)]
    return out


def placed_frame(frame: Magnetogram, at: Box, to: Box) -> Magnetogram:
    """Return a frame that lies at one box on another, its coordinates with it; NaN beyond."""
    if at == to:
        return frame
    field = placed(frame.field, at, to)
    field.flags.writeable = False
    header = frame.header.copy()
    for key, shift in (("CRPIX1", at.col - to.col), ("CRPIX2", at.row - to.row)):
        if key in header:
            header[key] += shift
    return replace(frame, field=field, header=header)


def size_words(shape: tuple[int, int]) -> str:
    """``744 × 377 pixels``: width and height, as a header counts them."""
    return f"{shape[1]} × {shape[0]} pixels"

"""Polarity inversion lines (PILs) of a line-of-sight magnetogram, and their convex hull."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy.spatial import ConvexHull
from skimage.measure import label

from analysis.physics.pil_edges import dilate, facing_edges

__all__ = [
    "PilMasks",
    "PilRegion",
    "PilSettings",
    "detect_pils",
    "line_length",
]

PilRegion = Literal["ropi", "pil", "hull"]


@dataclass(frozen=True)
class PilSettings:
    """Parameters of the detector, those of `detect_pils`, and which mask "the PIL region" means.

    Raises
    ------
    ValueError
        If a parameter is outside its range.
    """

    threshold: float = 100.0
    buffer: int = 4
    keep: float = 0.95
    min_length: int = 14
    region: PilRegion = "ropi"
    """Mask in which the PIL flux is taken; the paper's "PIL regions" are the RoPI."""

    def __post_init__(self) -> None:
        if not (np.isfinite(self.threshold) and self.threshold > 0):
            raise ValueError(f"threshold must be a positive field in gauss, got {self.threshold}")
        if not 0 < self.keep <= 1:
            raise ValueError(f"keep must be a fraction above 0 and at most 1, got {self.keep}")
        for name in ("buffer", "min_length"):
            value = getattr(self, name)
            if value != int(value) or value < 1:
                raise ValueError(f"{name} must be a whole number of pixels from 1, got {value}")
        if self.region not in get_args(PilRegion):
            raise ValueError(f"region must be one of {get_args(PilRegion)}, got {self.region!r}")

    def detect(self, field: np.ndarray) -> "PilMasks":
        """`detect_pils` with these parameters."""
        parameters = {name: value for name, value in vars(self).items() if name != "region"}
        return detect_pils(field, **parameters)


@dataclass(frozen=True, eq=False)
class PilMasks:
    """What the detector finds: boolean (rows, cols) arrays of the field's shape."""

    pil: np.ndarray
    """The lines, one pixel wide."""
    ropi: np.ndarray
    """Regions of polarity inversion: the bands that were thinned to the lines."""
    hull: np.ndarray
    """One convex hull over all lines."""

    def region(self, name: PilRegion) -> np.ndarray:
        """Return one of the masks by its name."""
        masks = {"pil": self.pil, "ropi": self.ropi, "hull": self.hull}
        if name not in masks:
            raise ValueError(f"region must be one of {tuple(masks)}, got {name!r}")
        return masks[name]


def detect_pils(
    field: np.ndarray,
    *,
    threshold: float = 100.0,
    buffer: int = 4,
    keep: float = 0.95,
    min_length: int = 14,
) -> PilMasks:
    """Detect polarity inversion lines on native pixels.

    Edges of the positive and of the negative polarity are dilated and intersected; the
    strongest connected components are thinned and short lines are dropped.

    Parameters
    ----------
    field : (rows, cols) array of float
        Line-of-sight field in gauss, row 0 south. Pixels that are NaN (or infinite) belong
        to no polarity and to no mask.
    threshold : float
        Field strength from which a pixel belongs to a polarity, gauss.
    buffer : int
        Side of the dilating square, pixels.
    keep : float
        Components, sorted by their sum of abs(B), are kept while the cumulative fraction
        before them is at most this.
    min_length : int
        Components whose thinned length is under this many pixels are dropped.

    Returns
    -------
    PilMasks
        All False where there is no line; that is an answer, not an error.

    Raises
    ------
    ValueError
        If the field is not two-dimensional or a parameter is outside its range.

    Notes
    -----
    Source: Ji et al. (2023), ApJS 265, 28; docs/method.md, "Polarity inversion lines". The masks
    are those of the plain scikit-image pipeline, pixel for pixel: edges are taken in windows where
    both polarities are near (`analysis.physics.pil_edges`), everything after them in the bounding
    box of the candidates.

    Examples
    --------
    Two polarities that face one another along a column:

    >>> import numpy as np
    >>> field = np.repeat([[500.0, -500.0]], 30, axis=1).repeat(40, axis=0)
    >>> masks = detect_pils(field)
    >>> np.flatnonzero(masks.pil.any(axis=0)).tolist()
    [29]
    >>> int(masks.pil.sum()), int(masks.ropi.sum())
    (36, 200)
    """
    PilSettings(threshold, buffer, keep, min_length)
    buffer, min_length = int(buffer), int(min_length)
    field = np.asarray(field)
    if field.ndim != 2 or field.dtype.kind not in "fiu":
        raise ValueError(
            f"field must be a 2-D array of real numbers, got shape {field.shape}, {field.dtype}"
        )
    masks = PilMasks(*(np.zeros(field.shape, dtype=bool) for _ in range(3)))
    finite = np.isfinite(field)
    positive, negative = field >= threshold, field <= -threshold
    positive &= finite
    negative &= finite
    edges = facing_edges(positive, negative, buffer // 2)
    box = _common_box(edges, room=buffer)
    if box is None:
        return masks
    candidates = finite[box] & dilate(edges[0][box], buffer) & dilate(edges[1][box], buffer)
    ropi, pil = _lines(candidates, field[box], keep, min_length)
    masks.ropi[box] = ropi
    masks.pil[box] = pil
    if pil.any():
        masks.hull[box] = _hull_mask(pil)
    return masks


def line_length(pil: np.ndarray) -> float:
    """Length of thin lines in pixels, from pixel centre to pixel centre.

    Parameters
    ----------
    pil : (rows, cols) array of bool
        Lines one pixel wide, 8-connected.

    Returns
    -------
    float
        One for a step along a row or a column, √2 for a diagonal step; a diagonal that cuts
        the corner of two such steps does not count. A lone pixel has no length.
    """
    pil = np.asarray(pil, dtype=bool)
    straight = np.sum(pil[1:] & pil[:-1]) + np.sum(pil[:, 1:] & pil[:, :-1])
    rising = pil[1:, 1:] & pil[:-1, :-1] & ~(pil[1:, :-1] | pil[:-1, 1:])
    falling = pil[1:, :-1] & pil[:-1, 1:] & ~(pil[1:, 1:] | pil[:-1, :-1])
    return float(straight + np.sqrt(2.0) * (np.sum(rising) + np.sum(falling)))


def _common_box(edges: tuple[np.ndarray, np.ndarray], room: int) -> tuple[slice, slice] | None:
    """Smallest box in which both edges, dilated by at most `room`, can meet; None if none."""
    sides = []
    for axis in (1, 0):
        start, stop = 0, edges[0].shape[1 - axis]
        for edge in edges:
            held = np.flatnonzero(edge.any(axis=axis))
            if held.size == 0:
                return None
            start, stop = max(start, held[0] - room), min(stop, held[-1] + 1 + room)
        if start >= stop:
            return None
        sides.append(slice(start, stop))
    return sides[0], sides[1]


def _lines(
    candidates: np.ndarray, field: np.ndarray, keep: float, min_length: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the kept components and their thinned lines, bool arrays of the same shape."""
    pixels = np.flatnonzero(candidates)
    components = label(candidates, connectivity=2).ravel()
    index = components[pixels]
    total = np.bincount(index, weights=np.abs(field.ravel()[pixels].astype(np.float64)))
    strongest_first = np.argsort(-total[1:], kind="stable") + 1
    before = np.concatenate([[0.0], np.cumsum(total[strongest_first])[:-1]])
    kept = np.zeros(total.size, dtype=bool)
    # Not as a fraction: polarities may face one another across pixels of zero field.
    kept[strongest_first] = before <= keep * total.sum()
    ropi, pil = np.zeros((2, *candidates.shape), dtype=bool)
    ropi.ravel()[pixels[kept[index]]] = True
    line = _thin_pixels(ropi)
    length = np.bincount(components[line], minlength=total.size)
    long_enough = kept & (length >= min_length)
    ropi.ravel()[pixels] = long_enough[index]
    pil.ravel()[line[long_enough[components[line]]]] = True
    return ropi, pil


def _thin_pixels(mask: np.ndarray) -> np.ndarray:
    """Thin a mask to lines one pixel wide; flat indices, ascending, of the pixels that are left.

    Those that ``skimage.morphology.thin`` leaves: two sweeps in turn until nothing changes (Guo &
    Hall 1989, algorithm A1), in each of which all pixels are judged by the neighbours that they
    have when it begins. Only True pixels are looked at.
    """
    padded = np.pad(mask, 1)
    flat = padded.ravel()
    row = padded.shape[1]
    # Anticlockwise from the east, with row 0 on top.
    around = np.array([1, 1 - row, -row, -row - 1, -1, row - 1, row, row + 1])
    pixels = np.flatnonzero(flat)
    changed = True
    while changed:
        before = pixels.size
        for deletes in _SWEEPS:
            neighbours = np.packbits(
                flat[pixels[:, np.newaxis] + around], axis=1, bitorder="little"
            )
            gone = deletes[neighbours[:, 0]]
            flat[pixels[gone]] = False
            pixels = pixels[~gone]
        changed = pixels.size < before
    rows, cols = np.divmod(pixels, row)
    return np.asarray((rows - 1) * mask.shape[1] + cols - 1)


def _hull_mask(pixels: np.ndarray) -> np.ndarray:
    """Fill the convex hull of pixels, each taken as the diamond of its four sides' middles.

    Pixels whose centre is in the hull or on its edge: those of ``convex_hull_image`` of
    scikit-image. Its vertices are at half pixels, so whole numbers describe it without rounding.
    """
    rows, cols = pixels.shape
    held = np.flatnonzero(pixels.any(axis=1))
    first = pixels[held].argmax(axis=1)
    last = cols - 1 - pixels[held, ::-1].argmax(axis=1)
    # Doubled coordinates; the ends of each row are enough.
    ends = 2 * np.stack([np.tile(held, 2), np.concatenate([first, last])], axis=1)
    points = (ends[:, np.newaxis] + np.array([[-1, 0], [1, 0], [0, -1], [0, 1]])).reshape(-1, 2)
    corner = points[ConvexHull(points).vertices]  # anticlockwise from rows to columns
    along = np.roll(corner, -1, axis=0) - corner
    corner, along = corner[along[:, 0] != 0], along[along[:, 0] != 0]
    # Column where each side's line meets each row: a fraction, its denominator above zero.
    inside = np.arange(held[0], held[-1] + 1)
    below = np.abs(along[:, 0])
    above = 2 * inside[:, np.newaxis] - corner[:, 0]
    above = above * along[:, 1] * np.sign(along[:, 0]) + corner[:, 1] * below
    opens = along[:, 0] > 0
    first_in = -(-above[:, opens] // (2 * below[opens])).min(axis=1)
    last_in = (above[:, ~opens] // (2 * below[~opens])).min(axis=1)
    column = np.arange(cols)
    mask = np.zeros((rows, cols), dtype=bool)
    mask[inside] = (column >= first_in[:, np.newaxis]) & (column <= last_in[:, np.newaxis])
    return mask


def _sweeps() -> tuple[np.ndarray, np.ndarray]:
    """Whether a pixel goes, for each of the 256 sets of neighbours, in the two sweeps."""
    n = [(np.arange(256) >> bit & 1).astype(bool) for bit in range(8)]
    sides = (0, 2, 4, 6)
    # One connected set of neighbours, and two or three of them, corners taken with a side.
    sets = sum((~n[k] & (n[k + 1] | n[(k + 2) % 8])).astype(int) for k in sides)
    pairs = np.minimum(
        sum((n[k] | n[k + 1]).astype(int) for k in sides),
        sum((n[k] | n[(k - 1) % 8]).astype(int) for k in sides),
    )
    removable = (sets == 1) & ((pairs == 2) | (pairs == 3))
    east = (n[1] | n[2] | ~n[7]) & n[0]
    west = (n[5] | n[6] | ~n[3]) & n[4]
    return removable & ~east, removable & ~west


_SWEEPS = _sweeps()

"""Lines of a mask: thinning of few pixels, and their convex hull."""

import numpy as np
from scipy.spatial import ConvexHull

__all__ = ["hull_mask", "thin_pixels"]


def thin_pixels(mask: np.ndarray) -> np.ndarray:
    """Thin a mask to lines one pixel wide, looking at its True pixels only.

    Parameters
    ----------
    mask : (rows, cols) array of bool

    Returns
    -------
    (n,) array of int
        Flat indices, ascending, of the pixels that are left: those that
        ``skimage.morphology.thin`` leaves.

    Notes
    -----
    Two sweeps in turn until nothing changes (Guo & Hall 1989, algorithm A1). In a sweep all
    pixels are judged by the neighbours that they have when it begins.
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


def hull_mask(pixels: np.ndarray) -> np.ndarray:
    """Fill the convex hull of pixels, each taken as the diamond of its four sides' middles.

    Parameters
    ----------
    pixels : (rows, cols) array of bool
        At least one is True.

    Returns
    -------
    (rows, cols) array of bool
        Pixels whose centre is in the hull or on its edge: those of
        ``skimage.morphology.convex_hull_image``. The hull's vertices are at half pixels, so
        whole numbers tell it without rounding.
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

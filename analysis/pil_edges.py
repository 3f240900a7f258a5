"""Canny edges of two polarities where they come near, the same as of the whole field."""

import numpy as np
from scipy import ndimage
from skimage.feature import canny

from analysis.pil_windows import Window, find_windows

__all__ = ["facing_edges"]

_LOW, _HIGH = float(np.float32(0.1)), 0.2
"""Canny's default thresholds; scikit-image takes the lower one in single precision."""
_RADIUS = 4  # pixels, of the Gaussian with σ = 1
_EDGE_REACH = 4
"""An edge lies at most this far from a pixel of its polarity: farther out, less than 0.0011 of
it reaches the smoothed image (at a corner of the field), so the gradient is below 0.013."""
_BLIND = _RADIUS + 2
"""Rows along a window's sides where edges cannot be told: the Gaussian's radius, and one each
for the gradient and for the comparison of neighbouring gradients."""
_SLACK = 1  # pixels more, so that faint ends of edges are seldom cut by a window


def facing_edges(
    positive: np.ndarray, negative: np.ndarray, distance: int
) -> tuple[np.ndarray, np.ndarray]:
    """Canny edges (σ = 1, default hysteresis) of both polarities near one another.

    Parameters
    ----------
    positive, negative : (rows, cols) array of bool
    distance : int
        Edges are wanted around places at most this far, along rows and along columns, from
        an edge of each polarity.

    Returns
    -------
    positive_edges, negative_edges : (rows, cols) array of bool
        Equal to ``skimage.feature.canny(polarity, sigma=1.0)`` at every pixel no farther
        than `distance` from such a place; elsewhere an edge may be left out, none is added.

    Notes
    -----
    The steps are Canny's as scikit-image takes them, in double precision and with the same
    order of operations, because on 0/1 images neighbouring gradients tie and rounding decides.
    Hysteresis alone reaches beyond any distance: a faint edge counts if it is connected to a
    strong one. Where a faint edge without a strong one leaves its window, the whole field is
    taken instead.
    """
    windows, shape = find_windows(
        positive,
        negative,
        reach=_EDGE_REACH + distance,
        halo=distance + _BLIND + _SLACK,
    )
    edges = np.zeros((2, *positive.shape), dtype=bool)
    if not windows:
        return edges[0], edges[1]
    known = np.zeros(shape, dtype=np.int8)  # 1: outermost known pixels, 2: the others
    for window in windows:
        known[window.inset(positive.shape, _BLIND, 1)] = 1
        known[window.inset(positive.shape, _BLIND + 1, 1)] = 2
    for polarity, found in zip((positive, negative), edges, strict=True):
        on_canvas = _edges(_smoothed(polarity, windows, shape), known)
        if on_canvas is None:
            found[:] = canny(polarity, sigma=1.0)
            continue
        for window in windows:
            found[window.field] |= on_canvas[window.canvas]
    return edges[0], edges[1]


def _smoothed(polarity: np.ndarray, windows: list[Window], shape: tuple[int, int]) -> np.ndarray:
    """Canvas of the smoothed polarity, float64.

    Beyond the field there is nothing, for which the weights make up; around a window at the
    field's border one row repeats the border, as Sobel's operator expects.
    """
    canvas = np.zeros(shape)
    for window in windows:
        canvas[window.canvas] = polarity[window.field]
    smooth = _gaussian(canvas)
    weights = _gaussian(np.ones([min(length, 2 * _RADIUS + 1) for length in polarity.shape]))
    weights += np.finfo(float).eps
    for window in windows:
        inside = smooth[window.canvas]
        rows, cols = (
            _weight_index(part, length)
            for part, length in zip(window.field, polarity.shape, strict=True)
        )
        if (rows == _RADIUS).all() and (cols == _RADIUS).all():
            inside /= weights[_RADIUS, _RADIUS]
            continue
        inside /= weights[np.ix_(rows, cols)]
        y, x = window.canvas
        smooth[y.start - 1, x] = inside[0]
        smooth[y.stop, x] = inside[-1]
        framed = slice(y.start - 1, y.stop + 1)
        smooth[framed, x.start - 1] = smooth[framed, x.start]
        smooth[framed, x.stop] = smooth[framed, x.stop - 1]
    return smooth


def _gaussian(image: np.ndarray) -> np.ndarray:
    return np.asarray(ndimage.gaussian_filter(image, 1.0, mode="constant", truncate=4.0))


def _weight_index(part: slice, length: int) -> np.ndarray:
    """Index of pixels into the weights of a field that is cut down to its borders."""
    index = np.arange(part.start, part.stop)
    size = 2 * _RADIUS + 1
    if length < size:
        return index
    return np.where(index < length - _RADIUS, np.minimum(index, _RADIUS), index - length + size)


def _edges(smooth: np.ndarray, known: np.ndarray) -> np.ndarray | None:
    """Edges on the canvas where they are known; None if hysteresis needs more of the field."""
    down, across, magnitude = _gradient(smooth)
    ridge = np.flatnonzero((magnitude >= _LOW) & (known > 0))
    ridge = _not_exceeded(ridge, down.ravel(), across.ravel(), magnitude.ravel(), known.shape[1])
    strong = magnitude.ravel()[ridge] >= _HIGH
    edges = np.zeros(known.shape, dtype=bool)
    flat = edges.ravel()
    flat[ridge[strong]] = True
    faint = ridge[~strong]
    row = known.shape[1]
    around = np.array([-row - 1, -row, -row + 1, -1, 1, row - 1, row, row + 1])
    while faint.size:
        connected = flat[faint[:, np.newaxis] + around].any(axis=1)
        if not connected.any():
            break
        flat[faint[connected]] = True
        faint = faint[~connected]
    return None if (known.ravel()[faint] == 1).any() else edges


def _gradient(smooth: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sobel gradient down the rows, across the columns, and its magnitude.

    Their outermost pixels hold zero.
    """
    down, across, magnitude = np.zeros((3, *smooth.shape))
    inner = (slice(1, -1), slice(1, -1))
    step = smooth[2:] - smooth[:-2]
    np.add(2.0 * step[:, 1:-1], step[:, :-2] + step[:, 2:], out=down[inner])
    step = smooth[:, 2:] - smooth[:, :-2]
    np.add(2.0 * step[1:-1], step[:-2] + step[2:], out=across[inner])
    np.multiply(down, down, out=magnitude)
    magnitude += across * across
    return down, across, np.sqrt(magnitude, out=magnitude)


def _not_exceeded(
    pixels: np.ndarray, down: np.ndarray, across: np.ndarray, magnitude: np.ndarray, row: int
) -> np.ndarray:
    """Those pixels (flat index) whose magnitude is not exceeded before or behind them.

    Before and behind, along the gradient, the magnitude is interpolated between the neighbour
    in a row or column and the diagonal one.
    """
    y, x, here = down[pixels], across[pixels], magnitude[pixels]
    falling = np.where((y > 0) == (x > 0), row, -row)
    y, x = np.abs(y), np.abs(x)
    straight = np.where(y > x, falling, 1)
    share = np.minimum(y, x) / np.maximum(y, x)
    rest = 1.0 - share
    diagonal = falling + 1
    for sign in (1, -1):
        beside = magnitude[pixels + sign * diagonal] * share
        beside += magnitude[pixels + sign * straight] * rest
        kept = beside <= here
        if sign > 0:
            pixels, here, straight, diagonal, share, rest = (
                array[kept] for array in (pixels, here, straight, diagonal, share, rest)
            )
    return pixels[kept]

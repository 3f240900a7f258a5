"""Canny edges of two polarities where they come near, the same as of the whole field.

They are taken on a canvas of windows, which hold all places where both polarities are near.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage.feature import canny

__all__ = ["dilate", "facing_edges"]

_GAP = 4
"""Empty pixels around every window on the canvas: the reach of Canny's Gaussian (σ = 1)."""

_BLOCK = 4  # pixels: one row of a block of bool is one uint32
_WIDTHS = 8  # canvas widths that are tried
_Box = tuple[slice, slice]
_LOW, _HIGH = float(np.float32(0.1)), 0.2
"""Canny's default thresholds; scikit-image takes the lower one in single precision."""
_RADIUS = 4  # pixels, of the Gaussian with σ = 1
_EDGE_REACH = 4
"""An edge lies at most this far from a pixel of its polarity: farther out, less than 0.0011 of
it reaches the smoothed image (at a corner of the field), so the gradient is below 0.013."""
_BLIND = _RADIUS + 2
"""Rows along a window's sides where edges are not known: the Gaussian's radius, and one each
for the gradient and for the comparison of neighbouring gradients."""
_STRIP = 64  # rows
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
    windows, shape = _find_windows(
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
    weights = _weights(windows, positive.shape)
    canvas = np.empty(shape)  # for one polarity after the other
    for polarity, found in zip((positive, negative), edges, strict=True):
        _smooth(polarity, windows, weights, canvas)
        on_canvas = _edges(canvas, known)
        if on_canvas is None:
            found[:] = canny(polarity, sigma=1.0)
            continue
        for window in windows:
            found[window.field] |= on_canvas[window.canvas]
    return edges[0], edges[1]


def dilate(mask: np.ndarray, size: int) -> np.ndarray:
    """Dilate with a square, as `skimage.morphology.dilation` places even ones.

    Parameters
    ----------
    mask : (rows, cols) array of bool
    size : int
        Side of the square in pixels. A True pixel spreads ``size // 2`` pixels towards row and
        column 0, and ``(size - 1) // 2`` away from them.
    """
    for axis in (0, 1):
        grown = mask.copy()
        source, target = np.moveaxis(mask, axis, 0), np.moveaxis(grown, axis, 0)
        for step in range(1, min(size // 2, len(source) - 1) + 1):
            target[:-step] |= source[step:]
            if step <= (size - 1) // 2:
                target[step:] |= source[:-step]
        mask = grown
    return mask


@dataclass(frozen=True)
class _Window:
    """A rectangle of the field, and where it lies on the canvas."""

    field: _Box
    canvas: _Box

    def inset(self, shape: tuple[int, int], inside: int, at_border: int) -> _Box:
        """Part of the canvas left when its sides move in: `at_border` of the field, or `inside`."""
        rows, cols = (
            slice(
                place.start + (at_border if part.start == 0 else inside),
                max(place.stop - (at_border if part.stop == length else inside), place.start),
            )
            for part, place, length in zip(self.field, self.canvas, shape, strict=True)
        )
        return rows, cols


def _find_windows(
    positive: np.ndarray, negative: np.ndarray, *, reach: int, halo: int
) -> tuple[list[_Window], tuple[int, int]]:
    """Find where both polarities are within `reach`, and pack these places on a canvas.

    Windows show `halo` more pixels of the field; they may overlap there, never on the canvas. The
    area wasted between them is small, not minimal.
    """
    rows, cols = positive.shape
    blocks = 2 * -(-reach // _BLOCK) + 1
    near = dilate(_in_blocks(positive), blocks) & dilate(_in_blocks(negative), blocks)
    if not near.any():
        return [], (0, 0)
    groups, _ = ndimage.label(near, np.ones((3, 3)))
    parts = [
        (_grown(box[0], halo, rows), _grown(box[1], halo, cols))
        for box in ndimage.find_objects(groups)
    ]
    parts.sort(key=lambda part: part[0].start - part[0].stop)  # tallest first
    widest = max(part[1].stop - part[1].start for part in parts) + 2 * _GAP
    layouts = [
        _shelves(parts, int(width))
        for width in np.linspace(widest, max(widest, cols), _WIDTHS, endpoint=True)
    ]
    return min(layouts, key=lambda layout: layout[1][0] * layout[1][1])


def _in_blocks(mask: np.ndarray) -> np.ndarray:
    """Whether a square block of pixels holds a True one, bool (block rows, block columns)."""
    rows, cols = (-(-length // _BLOCK) for length in mask.shape)
    padded = np.zeros((rows * _BLOCK, cols * _BLOCK), dtype=bool)
    padded[: mask.shape[0], : mask.shape[1]] = mask
    words = padded.view(np.uint32).reshape(rows, _BLOCK, cols)
    return np.bitwise_or.reduce(words, axis=1) != 0


def _grown(blocks: slice, halo: int, length: int) -> slice:
    return slice(max(blocks.start * _BLOCK - halo, 0), min(blocks.stop * _BLOCK + halo, length))


def _shelves(parts: list[_Box], width: int) -> tuple[list[_Window], tuple[int, int]]:
    """Put rectangles side by side on shelves of a canvas of this width."""
    windows = []
    top, left, height = _GAP, _GAP, 0
    for part in parts:
        rows, cols = (side.stop - side.start for side in part)
        if left + cols + _GAP > width:
            top, left, height = top + height + _GAP, _GAP, 0
        windows.append(_Window(part, (slice(top, top + rows), slice(left, left + cols))))
        left, height = left + cols + _GAP, max(height, rows)
    return windows, (top + height + _GAP, width)


def _smooth(
    polarity: np.ndarray,
    windows: list[_Window],
    weights: list[np.ndarray | float],
    canvas: np.ndarray,
) -> None:
    """Fill the canvas with the smoothed polarity.

    Around a window at the field's border one row more repeats the border, as Sobel's operator
    expects.
    """
    canvas.fill(0.0)
    for window in windows:
        canvas[window.canvas] = polarity[window.field]
    _gaussian(canvas, output=canvas)
    for window, weight in zip(windows, weights, strict=True):
        inside = canvas[window.canvas]
        inside /= weight
        if isinstance(weight, float):
            continue
        y, x = window.canvas
        canvas[y.start - 1, x] = inside[0]
        canvas[y.stop, x] = inside[-1]
        framed = slice(y.start - 1, y.stop + 1)
        canvas[framed, x.start - 1] = canvas[framed, x.start]
        canvas[framed, x.stop] = canvas[framed, x.stop - 1]


def _weights(windows: list[_Window], shape: tuple[int, int]) -> list[np.ndarray | float]:
    """Weight that the Gaussian finds in the field, around each pixel of each window.

    One number for a window away from the field's borders.
    """
    size = 2 * _RADIUS + 1
    # Of the smallest field that has all of the borders; the middle stands for the inside.
    weight = _gaussian(np.ones([min(length, size) for length in shape])) + np.finfo(float).eps
    found: list[np.ndarray | float] = []
    for window in windows:
        rows, cols = (
            np.where(
                at < length - _RADIUS, np.minimum(at, _RADIUS), at - length + min(length, size)
            )
            for at, length in (
                (np.arange(part.start, part.stop), length)
                for part, length in zip(window.field, shape, strict=True)
            )
        )
        inside = (rows == _RADIUS).all() and (cols == _RADIUS).all()
        found.append(float(weight[_RADIUS, _RADIUS]) if inside else weight[np.ix_(rows, cols)])
    return found


def _gaussian(image: np.ndarray, output: np.ndarray | None = None) -> np.ndarray:
    return np.asarray(
        ndimage.gaussian_filter(image, 1.0, output=output, mode="constant", truncate=4.0)
    )


def _edges(smooth: np.ndarray, known: np.ndarray) -> np.ndarray | None:
    """Edges on the canvas where they are known; None if hysteresis needs more of the field."""
    row = known.shape[1]
    ridge, strong = _ridges(smooth, known)
    edges = np.zeros(known.shape, dtype=bool)
    flat = edges.ravel()
    flat[ridge[strong]] = True
    faint = ridge[~strong]
    around = np.array([-row - 1, -row, -row + 1, -1, 1, row - 1, row, row + 1])
    while faint.size:
        connected = flat[faint[:, np.newaxis] + around].any(axis=1)
        if not connected.any():
            break
        flat[faint[connected]] = True
        faint = faint[~connected]
    return None if (known.ravel()[faint] == 1).any() else edges


def _ridges(smooth: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Known pixels (flat index) on ridges of the gradient, and whether it is strong there.

    Strips of rows, so that what is in between is small and stays in the cache.
    """
    rows, row = smooth.shape
    ridges, strong = [], []
    for top in range(1, rows - 1, _STRIP):
        # One row more on either side: a ridge is seen by its neighbours.
        first, stop = max(top - 1, 1), min(top + _STRIP + 1, rows - 1)
        down, across = _sobel(smooth[first - 1 : stop + 1])
        magnitude = down * down
        magnitude += across * across
        np.sqrt(magnitude, out=magnitude)
        wanted = (magnitude >= _LOW) & (known[first:stop, 1:-1] > 0)
        wanted[: top - first] = False
        wanted[top - first + _STRIP :] = False
        pixels = _not_exceeded(np.flatnonzero(wanted), down, across, magnitude)
        y, x = np.divmod(pixels, row - 2)
        ridges.append((y + first) * row + x + 1)
        strong.append(magnitude.ravel()[pixels] >= _HIGH)
    return np.concatenate(ridges), np.concatenate(strong)


def _sobel(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gradient down the rows and across the columns, without the outermost pixels."""
    step = image[2:] - image[:-2]
    down = 2.0 * step[:, 1:-1] + (step[:, :-2] + step[:, 2:])
    step = image[:, 2:] - image[:, :-2]
    across = 2.0 * step[1:-1] + (step[:-2] + step[2:])
    return down, across


def _not_exceeded(
    pixels: np.ndarray, down: np.ndarray, across: np.ndarray, magnitude: np.ndarray
) -> np.ndarray:
    """Those pixels (flat index) whose magnitude is not exceeded before or behind them.

    Before and behind, along the gradient, the magnitude is interpolated between the neighbour
    in a row or column and the diagonal one.
    """
    row = magnitude.shape[1]
    magnitude = magnitude.ravel()
    here, y, x = magnitude[pixels], down.ravel()[pixels], across.ravel()[pixels]
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

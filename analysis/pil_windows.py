"""Windows of a field that hold all places where both polarities are near."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

__all__ = ["GAP", "Window", "dilate", "find_windows"]

GAP = 4
"""Empty pixels around every window on the canvas: the reach of Canny's Gaussian (σ = 1)."""

_BLOCK = 4  # pixels: one row of a block of bool is one uint32
_WIDTHS = 8  # canvas widths that are tried
_Box = tuple[slice, slice]


@dataclass(frozen=True)
class Window:
    """A rectangle of the field, and where it lies on the canvas."""

    field: _Box
    canvas: _Box

    def inset(self, shape: tuple[int, int], inside: int, at_border: int) -> _Box:
        """Return the part of the canvas rectangle that is left when its sides are moved in.

        Sides on the border of a field of this shape move by `at_border` pixels, the others
        by `inside`.
        """
        rows, cols = (
            slice(
                place.start + (at_border if part.start == 0 else inside),
                max(place.stop - (at_border if part.stop == length else inside), place.start),
            )
            for part, place, length in zip(self.field, self.canvas, shape, strict=True)
        )
        return rows, cols


def find_windows(
    positive: np.ndarray, negative: np.ndarray, *, reach: int, halo: int
) -> tuple[list[Window], tuple[int, int]]:
    """Find where both polarities are near, and pack these places on a canvas.

    Parameters
    ----------
    positive, negative : (rows, cols) array of bool
    reach : int
        Every pixel at most this far, along rows and along columns, from pixels of both
        polarities lies in a window.
    halo : int
        Pixels of the field that a window shows beyond those, if the field has them.

    Returns
    -------
    windows : list of Window
        Windows may overlap in the field, never on the canvas.
    shape : (int, int)
        Of the canvas; the area wasted between the windows is small, not least.
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
    widest = max(part[1].stop - part[1].start for part in parts) + 2 * GAP
    layouts = [
        _shelves(parts, int(width))
        for width in np.linspace(widest, max(widest, cols), _WIDTHS, endpoint=True)
    ]
    return min(layouts, key=lambda layout: layout[1][0] * layout[1][1])


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


def _in_blocks(mask: np.ndarray) -> np.ndarray:
    """Whether a square block of pixels holds a True one, bool (block rows, block columns)."""
    rows, cols = (-(-length // _BLOCK) for length in mask.shape)
    padded = np.zeros((rows * _BLOCK, cols * _BLOCK), dtype=bool)
    padded[: mask.shape[0], : mask.shape[1]] = mask
    words = padded.view(np.uint32).reshape(rows, _BLOCK, cols)
    return np.bitwise_or.reduce(words, axis=1) != 0


def _grown(blocks: slice, halo: int, length: int) -> slice:
    return slice(max(blocks.start * _BLOCK - halo, 0), min(blocks.stop * _BLOCK + halo, length))


def _shelves(parts: list[_Box], width: int) -> tuple[list[Window], tuple[int, int]]:
    """Put rectangles side by side on shelves of a canvas of this width."""
    windows = []
    top, left, height = GAP, GAP, 0
    for part in parts:
        rows, cols = (side.stop - side.start for side in part)
        if left + cols + GAP > width:
            top, left, height = top + height + GAP, GAP, 0
        windows.append(Window(part, (slice(top, top + rows), slice(left, left + cols))))
        left, height = left + cols + GAP, max(height, rows)
    return windows, (top + height + GAP, width)

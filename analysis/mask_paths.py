"""Masks as lines to draw: exact at any zoom, and light."""

import numpy as np

__all__ = ["line_path", "outline_path"]


def line_path(pil: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Segments between neighbouring pixels of thin lines, for drawing them at any zoom.

    Parameters
    ----------
    pil : (rows, cols) array of bool

    Returns
    -------
    x, y : float arrays
        Columns and rows of segment ends; NaN after each segment.
    """
    rows, cols = pil.shape
    padded = np.pad(np.asarray(pil, dtype=bool), 1)

    def neighbour(down: int, right: int) -> np.ndarray:
        return padded[1 + down : 1 + down + rows, 1 + right : 1 + right + cols]

    segments = []
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        linked = pil & neighbour(down, right)
        if down and right:
            # A diagonal that cuts a corner would draw a triangle.
            linked &= ~(neighbour(0, right) | neighbour(down, 0))
        row, col = np.nonzero(linked)
        segments.append(np.stack([col, row, col + right, row + down], axis=1))
    return _segments(np.concatenate(segments).astype(np.float64))


def outline_path(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pixel edges between a mask and its outside.

    Parameters
    ----------
    mask : (rows, cols) array of bool

    Returns
    -------
    x, y : float arrays
        Columns and rows of segment ends, at half pixels; NaN after each segment. Edges in a
        row or column are joined to one segment.
    """
    padded = np.pad(np.asarray(mask, dtype=np.int8), 1)
    upright = _runs(np.diff(padded[1:-1], axis=1).T)
    level = _runs(np.diff(padded[:, 1:-1], axis=0))
    segments = np.concatenate([level[:, [1, 0, 2, 0]], upright[:, [0, 1, 0, 2]]])
    return _segments(segments - 0.5)


def _runs(change: np.ndarray) -> np.ndarray:
    """Find runs of equal, non-zero values along rows: (n, 3) of row, first, past the last."""
    padded = np.pad(change, ((0, 0), (1, 1)))
    step = np.diff(padded, axis=1) != 0
    row, start = np.nonzero(step & (padded[:, 1:] != 0))
    _, stop = np.nonzero(step & (padded[:, :-1] != 0))
    return np.stack([row, start, stop], axis=1).astype(np.float64)


def _segments(ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    gap = np.full(len(ends), np.nan)
    x = np.stack([ends[:, 0], ends[:, 2], gap], axis=1)
    y = np.stack([ends[:, 1], ends[:, 3], gap], axis=1)
    return x.ravel().astype(np.float32), y.ravel().astype(np.float32)

"""The field along the longest polarity inversion line of a record: shear, Bh and |B|."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components, dijkstra

from analysis.physics.sharp_parameters import potential_field
from hnn_core.magnetogram.vector import VectorMagnetogram

__all__ = ["PilProfile", "longest_line", "pil_profile", "profile_table", "shear_angle"]


@dataclass(frozen=True, eq=False)
class PilProfile:
    """What the pixels of a line measure, from its eastern end; arrays are (pixels,)."""

    row: np.ndarray
    """int, row 0 south."""
    column: np.ndarray
    """int, column 0 east."""
    length_mm: np.ndarray
    """Arc length from the first pixel, Mm."""
    shear_deg: np.ndarray
    """Of `shear_angle`, degrees; NaN off the disk."""
    horizontal: np.ndarray
    """Bh, gauss."""
    total: np.ndarray
    """|B|, gauss."""
    sure: np.ndarray
    """bool: the direction of the horizontal field is sure, conf_disambig 90."""


def pil_profile(vector: VectorMagnetogram, pil: np.ndarray) -> PilProfile | None:
    """Measure the field along the longest inversion line of a record.

    Parameters
    ----------
    vector : VectorMagnetogram
    pil : (rows, cols) array of bool
        Of `analysis.physics.pil.detect_pils`, of the same shape, else ValueError.

    Returns
    -------
    PilProfile or None
        None where there is no line.
    """
    if pil.shape != vector.shape:
        raise ValueError(f"a line of shape {pil.shape} for a field of {vector.shape}")
    line = longest_line(pil)
    if len(line) < 2:
        return None
    row, column = line.T
    side = np.sqrt(vector.place.pixel_area.to_value("Mm2"))
    steps = np.hypot(np.diff(row), np.diff(column))
    confidence = vector.confidence
    sure = np.ones(len(line), bool) if confidence is None else confidence[row, column] >= 90
    return PilProfile(
        row=row,
        column=column,
        length_mm=np.concatenate([[0.0], np.cumsum(steps)]) * side,
        shear_deg=shear_angle(vector)[row, column],
        horizontal=vector.horizontal[row, column],
        total=vector.total[row, column],
        sure=sure,
    )


def profile_table(profile: PilProfile) -> pd.DataFrame:
    """Return a profile as a table, a row a pixel, the unit of each column in its name."""
    return pd.DataFrame(vars(profile)).rename(
        columns={"horizontal": "bh_g", "total": "b_g", "sure": "direction_sure"}
    )


def shear_angle(vector: VectorMagnetogram) -> np.ndarray:
    """Angle between the horizontal field and that of the potential field of the same Br.

    Returns
    -------
    (rows, cols) float64
        Degrees, 0 to 180; NaN off the disk. It is measured in the horizontal plane (Hagyard et al.
        1984), unlike MEANSHR, which is an angle in space.

    Notes
    -----
    The potential field is that of `analysis.physics.sharp_parameters.potential_field`: periodic,
    without field outside the patch.
    """
    west, north = potential_field(vector.radial.astype(np.float64))
    x, y = vector.westward.astype(np.float64), -vector.southward.astype(np.float64)
    angle = np.degrees(np.arctan2(x * north - y * west, x * west + y * north))
    return np.asarray(np.abs(angle))


def longest_line(pil: np.ndarray) -> np.ndarray:
    """Order the pixels of the longest of several thin lines.

    Parameters
    ----------
    pil : (rows, cols) array of bool
        Lines one pixel wide, 8-connected; they may branch.

    Returns
    -------
    (pixels, 2) int array
        Row and column of neighbouring pixels from end to end, the eastern end first; branches that
        are not on the way between the ends that are farthest apart are left out. Empty without a
        line.
    """
    pixels = np.argwhere(pil)
    if not len(pixels):
        return pixels
    graph = _neighbours(pil, pixels)
    count, of = connected_components(graph, directed=False)
    best, path = -1.0, pixels[:0]
    for one in range(count):
        members = np.flatnonzero(of == one)
        part = graph[members][:, members]
        start = _farthest(dijkstra(part, directed=False, indices=0))
        length, before = dijkstra(part, directed=False, indices=start, return_predecessors=True)
        end = _farthest(length)
        if length[end] > best:
            best = float(length[end])
            order = [end]
            while order[-1] != start:
                order.append(int(before[order[-1]]))
            path = pixels[members[order]]
    first, last = path[0][::-1].tolist(), path[-1][::-1].tolist()
    return path if first <= last else path[::-1]


def _farthest(length: np.ndarray) -> int:
    return int(np.argmax(length))


def _neighbours(pil: np.ndarray, pixels: np.ndarray) -> sparse.csr_array:
    """Distances between neighbouring pixels of a mask, as a graph."""
    number = np.full(np.add(pil.shape, 2), -1)
    number[tuple((pixels + 1).T)] = np.arange(len(pixels))
    starts, ends, lengths = [], [], []
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        there = number[pixels[:, 0] + 1 + down, pixels[:, 1] + 1 + right]
        found = np.flatnonzero(there >= 0)
        starts.append(found)
        ends.append(there[found])
        lengths.append(np.full(found.size, np.hypot(down, right)))
    shape = (len(pixels), len(pixels))
    entries = np.concatenate(lengths), (np.concatenate(starts), np.concatenate(ends))
    return sparse.coo_array(entries, shape=shape).tocsr()

"""Magnetic elements: points of flux that cancel, coalesce, fragment and are drawn on pixels.

What moves them: supergranules, the smaller cells between them, and granules.
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from hnn_core.simulation.population import PIXEL_CM2

__all__ = ["Cells", "Elements", "cancel", "coalesce", "deposit", "power_law", "sweep"]

_BESIDE = 64.0
"""Pixels that places may lie outside the patch; a place farther out counts as there."""
_AROUND = 80.0  # pixels beside the patch that have cells too
_LARGEST = 2.5e18  # Mx; stronger elements fragment


@dataclass(eq=False)
class Elements:
    """n elements; all arrays run along them."""

    xy: np.ndarray
    """(n, 2) column and row, pixels of the patch."""
    flux: np.ndarray
    """(n,) signed radial flux, Mx."""
    goal: np.ndarray
    """(n,) number of the spot that the element rises to, -1 where it drifts freely."""

    @classmethod
    def at(cls, xy: np.ndarray, flux: np.ndarray, goal: np.ndarray | int = -1) -> "Elements":
        """Elements at (n, 2) places, free unless they have a goal."""
        return cls(np.array(xy, float), np.array(flux, float), np.full(len(flux), goal))

    def __add__(self, other: "Elements") -> "Elements":
        return Elements(
            np.concatenate([self.xy, other.xy]),
            np.concatenate([self.flux, other.flux]),
            np.concatenate([self.goal, other.goal]),
        )

    def __getitem__(self, chosen: np.ndarray) -> "Elements":
        return Elements(self.xy[chosen], self.flux[chosen], self.goal[chosen])


def power_law(rng: np.random.Generator, low: float, high: float, total: float) -> np.ndarray:
    """Fluxes with dN/dF ~ F^-1.85 (Parnell et al. 2009) between two limits, scaled to `total`."""
    exponent = -0.85
    draws = rng.random(int(2.5 * total / (low * np.log(high / low))) + 8)
    flux = (low**exponent + draws * (high**exponent - low**exponent)) ** (1 / exponent)
    flux = flux[: max(int(np.searchsorted(np.cumsum(flux), total)), 1)]
    return np.asarray(flux * (total / flux.sum()))


def _cells(rng: np.random.Generator, xy: np.ndarray, size: float) -> np.ndarray:
    """Give the number of the square cell, `size` pixels wide, that each place is in.

    The grid is shifted at random, so that no line of it lasts.
    """
    shifted = np.maximum(xy + _BESIDE + size * rng.random(2), 0.0)
    column, row = (shifted / size).astype(np.int64).T
    return np.asarray(row * (int(column.max(initial=0)) + 1) + column)


def cancel(rng: np.random.Generator, elements: Elements, size: float, efficiency: float) -> float:
    """Cancel opposite flux in contact, in place; returns the unsigned flux that is gone, Mx.

    Of the flux in a cell `size` pixels wide the share `efficiency` of the weaker polarity goes,
    and as much of the stronger one, in proportion to the elements: net flux stays.
    """
    if not len(elements.flux):
        return 0.0
    cell, flux = _cells(rng, elements.xy, size), elements.flux
    plus = np.bincount(cell, np.maximum(flux, 0.0))
    minus = np.bincount(cell, np.maximum(-flux, 0.0))
    loss = efficiency * np.minimum(plus, minus)
    share = np.where(
        flux > 0,
        np.divide(loss, plus, out=np.zeros_like(loss), where=plus > 0)[cell],
        np.divide(loss, minus, out=np.zeros_like(loss), where=minus > 0)[cell],
    )
    elements.flux = flux * (1.0 - share)
    return float(2.0 * loss.sum())


def coalesce(rng: np.random.Generator, elements: Elements, size: float = 2.5) -> Elements:
    """Join free elements of one sign that share a cell; break half of what is too strong.

    Elements that rise stay as they are. Flux is kept to rounding.
    """
    free = elements.goal < 0
    rising, elements = elements[~free], elements[free & (elements.flux != 0)]
    if not len(elements.flux):
        return rising
    key = 2 * _cells(rng, elements.xy, size) + (elements.flux > 0)
    order = np.argsort(key, kind="stable")
    first = np.flatnonzero(np.diff(key[order], prepend=-1))
    flux, xy = elements.flux[order], elements.xy[order]
    joined = np.add.reduceat(flux, first)
    place = np.add.reduceat(xy * flux[:, None], first) / joined[:, None]
    strong = np.flatnonzero((np.abs(joined) > _LARGEST) & (rng.random(len(joined)) < 0.6))
    apart = rng.normal(0.0, 1.6, (len(strong), 2))
    piece = joined[strong] * rng.uniform(0.3, 0.7, len(strong))
    pieces = Elements.at(place[strong] + apart, piece)
    joined[strong] -= piece
    place[strong] -= apart
    return rising + Elements.at(place, joined) + pieces


def deposit(elements: Elements, shape: tuple[int, int]) -> np.ndarray:
    """Bilinear deposition of flux (Mx) as mean field (G), float32 (rows, cols).

    What lies outside the patch is left out.
    """
    rows, cols = shape
    corner = np.floor(elements.xy).astype(int)
    column, row = corner.T
    fx, fy = (elements.xy - corner).T
    grid = np.zeros(rows * cols)
    for dx, wx in ((0, 1 - fx), (1, fx)):
        for dy, wy in ((0, 1 - fy), (1, fy)):
            inside = (column + dx >= 0) & (column + dx < cols) & (row + dy >= 0) & (row + dy < rows)
            pixel = ((row + dy) * cols + column + dx)[inside]
            grid += np.bincount(pixel, (elements.flux * wx * wy)[inside], rows * cols)
    return np.asarray((grid / PIXEL_CM2).astype(np.float32).reshape(rows, cols))


class Cells:
    """Cells of convection: flux is carried from their middles to the lanes between them.

    Parameters
    ----------
    width : float
        Mean distance of middles, pixels.
    life : float
        Mean life of a cell, hours.
    speed : float
        Of the outflow, pixels per hour (1 px/h is 0.1 km/s); it ends within `lane` pixels
        of the border with the next cell.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        shape: tuple[int, int],
        *,
        width: float,
        life: float,
        speed: float,
        lane: float,
    ) -> None:
        self._rng, self._life, self._speed, self._lane = rng, life, speed, lane
        self._size = np.array([shape[1], shape[0]]) + 2 * _AROUND
        self._middles = self._place(max(int(self._size.prod() / width**2), 4))
        self.turn_over()

    def _place(self, n: int) -> np.ndarray:
        return np.asarray(self._rng.random((n, 2)) * self._size - _AROUND)

    def turn_over(self) -> None:
        """Let an hour pass: old cells die, new ones are born elsewhere."""
        ends = np.flatnonzero(self._rng.random(len(self._middles)) < 1.0 / self._life)
        self._middles[ends] = self._place(len(ends))
        self._middles += self._rng.normal(0.0, 0.6, self._middles.shape)
        self._tree = cKDTree(self._middles)

    def velocity(self, xy: np.ndarray) -> np.ndarray:
        """(n, 2) outflow at (n, 2) places, pixels per hour."""
        distance, nearest = self._tree.query(xy, k=2)
        outward = (xy - self._middles[nearest[:, 0]]) / (distance[:, :1] + 1e-6)
        to_border = (distance[:, 1] - distance[:, 0]) / 2.0
        return np.asarray(
            outward * (self._speed * np.clip(to_border / self._lane, 0.0, 1.0))[:, None]
        )


def sweep(
    rng: np.random.Generator,
    xy: np.ndarray,
    strength: np.ndarray,
    large: Cells,
    small: Cells,
) -> np.ndarray:
    """Return (n, 2) places an hour later, in two steps.

    Strong field slows convection: `strength` is (n,) the mean abs(B) about each place, G.
    """
    ease = (1.0 / (1.0 + strength / 400.0))[:, None]
    for _ in range(2):
        walk = rng.standard_normal(xy.shape) * (0.2 + 0.4 * ease)
        xy = xy + 0.5 * large.velocity(xy) * ease + 0.5 * small.velocity(xy) * (0.3 + 0.7 * ease)
        xy = xy + walk
    return xy

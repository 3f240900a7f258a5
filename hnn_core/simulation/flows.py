"""What moves the elements: supergranules, the smaller cells between them, and granules."""

import numpy as np
from scipy.spatial import cKDTree

__all__ = ["Cells", "sweep"]

_AROUND = 80.0  # pixels beside the patch that have cells too


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

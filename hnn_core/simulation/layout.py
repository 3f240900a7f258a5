"""Where the magnetic elements of a simulated active region start."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from hnn_core.simulation.population import PIXEL_CM2, RegionParameters

__all__ = ["PIL", "SPOT", "place_elements"]

SPOT, _PLAGE, PIL, _NETWORK = range(4)
"""Kinds of element."""

_CELL_PX = 80.0  # supergranule, 30 Mm


@dataclass(frozen=True, eq=False)
class Line:
    """A curved PIL and the n elements that face each other across it."""

    middle: np.ndarray  # (2,) column and row, pixels
    direction: float  # radians from the x axis
    length: float  # pixels
    bend: float  # amplitude of the curve, in parts of the length
    phase: float
    along: np.ndarray  # (n,) place along the line, in parts of the length
    distance: np.ndarray  # (n,) from the line, pixels
    side: np.ndarray  # (n,) +1 or -1

    def elements_at(self, shear: float, closing: float) -> np.ndarray:
        """(2, n) homes after each side slid by `shear` and came `closing` pixels closer."""
        along = self.along * self.length + self.side * shear
        across = self.side * np.maximum(self.distance - closing, np.minimum(self.distance, 0.5))
        across = across + self.bend * self.length * np.sin(5 * along / self.length + self.phase)
        cos, sin = np.cos(self.direction), np.sin(self.direction)
        return self.middle[:, None] + np.stack(
            [along * cos + across * sin, along * sin - across * cos]
        )


@dataclass(frozen=True, eq=False)
class Elements:
    """Elements before they evolve: n of them, in clusters that move together."""

    kind: np.ndarray  # (n,)
    cluster: np.ndarray  # (n,)
    home: np.ndarray  # (2, n) column and row, pixels
    flux: np.ndarray  # (n,) Mx, signed
    line: Line  # of the elements of kind PIL

    def jostle(self, rng: np.random.Generator) -> np.ndarray:
        """(2, n) random vectors of unit variance, mostly shared by a cluster."""
        shared = rng.standard_normal((2, self.cluster.max() + 1))[:, self.cluster]
        return 0.9 * shared + 0.44 * rng.standard_normal(self.home.shape)


def place_elements(p: RegionParameters, rng: np.random.Generator) -> Elements:
    """Lay out spots, plage, PIL elements and quiet network; each kind has zero net flux."""
    hale = rng.choice([-1.0, 1.0])  # sign of the leading (western) polarity
    tilt = np.deg2rad(rng.normal(0.0, 12.0))
    arm = np.array([np.cos(tilt), np.sin(tilt)]) * rng.uniform(0.09, 0.15) * p.cols
    centre = np.array([p.cols / 2, p.rows / 2]) + rng.normal(0.0, 8.0, 2)

    line, at_line = _pil(p, rng, centre + rng.normal(0.0, 12.0, 2), tilt, hale)
    xyf: list[np.ndarray] = []
    clusters: list[np.ndarray] = []
    for part, cluster in (
        _spots(p, rng, centre, arm, hale),
        _plage(p, rng, centre, arm, hale),
        (at_line, np.arange(at_line.shape[1])),
        _network(p, rng),
    ):
        total = np.abs(part[2]).sum()
        for sign in (1.0, -1.0):
            chosen = part[2] * sign > 0
            part[2, chosen] *= total / 2 / np.abs(part[2, chosen]).sum()
        xyf.append(part)
        clusters.append(cluster + (clusters[-1].max() + 1 if clusters else 0))
    kind = np.repeat(range(4), [part.shape[1] for part in xyf])
    x, y, flux = np.concatenate(xyf, axis=1)
    return Elements(kind, np.concatenate(clusters), np.stack([x, y]), flux, line)


def _spots(
    p: RegionParameters, rng: np.random.Generator, centre: np.ndarray, arm: np.ndarray, hale: float
) -> tuple[np.ndarray, np.ndarray]:
    """(3, n) x, y, flux and (n,) cluster of sunspots: compact leader, broken follower."""
    parts: list[np.ndarray] = []
    clusters: list[np.ndarray] = []
    for side, n_spots in ((1.0, rng.integers(1, 3)), (-1.0, rng.integers(2, 5))):
        for share in rng.dirichlet(np.full(n_spots, 3.0)) * 0.55 * p.total_flux / 2:
            middle = centre + side * arm + rng.normal(0.0, 18.0, 2)
            peak = rng.uniform(1100.0, 1800.0)  # G
            size = np.sqrt(share / (2 * np.pi * peak * PIXEL_CM2))  # px
            n = max(int(share / 8e18), 12)
            xy = middle[:, None] + size * rng.standard_normal((2, n)) * _ellipse(rng)
            flux = rng.uniform(0.5, 1.5, n)
            parts.append(np.vstack([xy, side * hale * flux * (share / flux.sum())]))
            clusters.append(np.full(n, len(clusters)))
    return np.concatenate(parts, axis=1), np.concatenate(clusters)


def _ellipse(rng: np.random.Generator) -> np.ndarray:
    """(2, 1) axes of an ellipse of unit area."""
    stretch = rng.uniform(0.8, 1.25)
    return np.array([[stretch], [1 / stretch]])


def _plage(
    p: RegionParameters, rng: np.random.Generator, centre: np.ndarray, arm: np.ndarray, hale: float
) -> tuple[np.ndarray, np.ndarray]:
    """(3, n) and (n,) cluster of plage around both polarities, on supergranule borders."""
    parts: list[np.ndarray] = []
    clusters: list[np.ndarray] = []
    reach = np.array([[1.0 * np.hypot(*arm)], [0.16 * p.rows]])
    for side in (1.0, -1.0):
        flux = _power_law(rng, 1e18, 2.5e19, 0.45 * p.total_flux / 2)
        n_clusters = max(len(flux) // 10, 3)
        xy = centre[:, None] + side * 1.15 * arm[:, None]
        xy = xy + rng.uniform(0.6, 1.0) * reach * rng.standard_normal((2, n_clusters))
        xy = _to_cell_borders(p, rng, xy)
        cluster = np.sort(rng.integers(0, n_clusters, len(flux)))
        xy = xy[:, cluster] + rng.normal(0.0, 3.0, (2, len(flux)))
        parts.append(np.vstack([xy, side * hale * flux]))
        clusters.append(cluster + (clusters[-1].max() + 1 if clusters else 0))
    return np.concatenate(parts, axis=1), np.concatenate(clusters)


def _pil(
    p: RegionParameters, rng: np.random.Generator, middle: np.ndarray, tilt: float, hale: float
) -> tuple[Line, np.ndarray]:
    """Draw the PIL between the two polarities, and (3, n) x, y, flux of its elements."""
    flux = [_power_law(rng, 2e18, 2e19, p.pil_flux / 2) for _ in range(2)]
    side = np.repeat([1.0, -1.0], [len(f) for f in flux])
    line = Line(
        middle=middle,
        direction=tilt + np.pi / 2 + rng.normal(0.0, 0.5),
        length=p.pil_length,
        bend=rng.uniform(0.0, 0.16),
        phase=rng.uniform(0.0, 2 * np.pi),
        along=np.clip(rng.normal(0.0, 0.27, len(side)), -0.6, 0.6),
        distance=0.3 + rng.exponential(3.0, len(side)),
        side=side,
    )
    x, y = line.elements_at(0.0, 0.0)
    return line, np.stack([x, y, hale * side * np.concatenate(flux)])


def _network(p: RegionParameters, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(3, n) and (n,) cluster of quiet-Sun network of mixed polarity over the whole patch."""
    flux = _power_law(rng, 1e18, 8e18, 1e21)
    n_clusters = max(len(flux) // 6, 2)
    xy = rng.random((2, n_clusters)) * np.array([[p.cols], [p.rows]])
    cluster = np.sort(rng.integers(0, n_clusters, len(flux)))
    xy = _to_cell_borders(p, rng, xy)[:, cluster] + rng.normal(0.0, 2.0, (2, len(flux)))
    sign = np.where(cluster % 2, 1.0, -1.0)
    return np.vstack([xy, sign * flux]), cluster


def _to_cell_borders(p: RegionParameters, rng: np.random.Generator, xy: np.ndarray) -> np.ndarray:
    """Move (2, n) points most of the way from their supergranule's centre to its border."""
    n_cells = max(int(p.rows * p.cols / _CELL_PX**2), 4)
    cells = cKDTree(rng.random((n_cells, 2)) * [p.cols, p.rows])
    distance, nearest = cells.query(xy.T, k=2)
    outward = cells.data[nearest[:, 1]] - cells.data[nearest[:, 0]]
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    gap = (distance[:, 1] - distance[:, 0]) / 2
    return xy + (outward * (gap * rng.uniform(0.5, 0.95, len(gap)))[:, None]).T


def _power_law(rng: np.random.Generator, low: float, high: float, total: float) -> np.ndarray:
    """Fluxes with dN/dF ~ F^-1.85 (Parnell et al. 2009) that add up to `total`, Mx."""
    exponent = -0.85
    draws = rng.random(int(4 * total / (low * np.log(high / low))) + 8)
    flux = (low**exponent + draws * (high**exponent - low**exponent)) ** (1 / exponent)
    flux = flux[: max(int(np.searchsorted(np.cumsum(flux), total)), 2)]
    return flux * (total / flux.sum())

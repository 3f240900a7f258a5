"""Simulated active regions: magnetic elements that move, emerge and cancel.

The simulator exists so that the whole chain, from magnetogram to flux-cancellation
statistics, can be tested against a known answer. It is a kinematic model, not MHD: elements
of 1e18 to 1e20 Mx are carried by differential rotation, supergranular motion, shear and
convergence; opposite elements in contact cancel equal flux. An eruptive region has an
efficient contact at its polarity inversion line (PIL) from about 30 h before its flare on,
a confined one does not. Nothing else differs between the classes: whatever flux an eruptive
region will lose is made up for by extra emergence in its spots.
"""

from dataclasses import dataclass
from functools import lru_cache

import astropy.units as u
import numpy as np
from scipy.spatial import cKDTree
from scipy.stats import norm
from sunpy.sun.models import differential_rotation

__all__ = ["HOURS", "PIXEL_CM2", "Evolution", "Population", "RegionParameters", "evolve"]

HOURS = 48
"""Hourly frames of one simulated region."""
PIXEL_CM2 = float((np.deg2rad(0.03) * 6.96e10) ** 2)
"""Area of a SHARP CEA pixel: 0.03 degrees squared at RSUN_REF."""

_CONTACT_PX = 6.0  # 2.2 Mm: closer elements touch at HMI's resolution
_BACKGROUND_EFFICIENCY = 0.01  # of contacts away from the PIL, per hour, in both classes
_PIL_LOSS = 0.5  # rate of decay of the PIL's flux over the efficiency, measured
_CELL_PX = 80.0  # supergranule, 30 Mm


@dataclass(frozen=True)
class Population:
    """Distribution from which regions are drawn, deterministic by seed."""

    seed: int = 0
    overlap: float = 0.05
    """Overlapping coefficient of the cancellation-efficiency distributions of the two
    classes, 0 to 1. A perfect measurement of the efficiency would reach TSS = 1 - overlap."""
    eruptive_efficiency: float = 0.06
    """Median fraction of the flux in contact at the PIL that cancels in an hour."""
    confined_efficiency: float = 0.004

    def __post_init__(self) -> None:
        if not 0.0 < self.overlap < 1.0:
            raise ValueError(f"overlap must lie between 0 and 1, got {self.overlap}")
        if not 0.0 < self.confined_efficiency < self.eruptive_efficiency:
            raise ValueError("efficiencies must satisfy 0 < confined < eruptive")

    @property
    def efficiency_spread(self) -> float:
        """Standard deviation of ln(efficiency) that gives `overlap`.

        Two normal distributions a distance d apart with equal spread s overlap by
        2 Phi(-d / 2s) (Inman & Bradley 1989).
        """
        distance = np.log(self.eruptive_efficiency / self.confined_efficiency)
        return float(distance / (2.0 * norm.isf(self.overlap / 2.0)))

    def region(self, index: int) -> "RegionParameters":
        """Parameters of region number `index`, counted from 1.

        Of two successive regions one is eruptive and one confined, in random order.
        """
        if index < 1:
            raise ValueError(f"regions are counted from 1, got {index}")
        pair = np.random.default_rng([self.seed, 0, (index - 1) // 2])
        eruptive = bool(pair.integers(2)) ^ bool(index % 2)
        rng = np.random.default_rng([self.seed, 1, index])
        median = self.eruptive_efficiency if eruptive else self.confined_efficiency
        efficiency = min(median * np.exp(self.efficiency_spread * rng.standard_normal()), 0.12)
        flare_hour = rng.uniform(37.0, 47.0)
        onset_hour = flare_hour - rng.uniform(27.0, 36.0)
        # About what the PIL will have lost 12 h before the flare is added at the start: the
        # middle of the labelled day then has the same PIL flux in both classes.
        pil_flux = np.exp(rng.uniform(np.log(1.1e21), np.log(3.6e21)))
        pil_flux *= np.exp(_PIL_LOSS * efficiency * (flare_hour - 12.0 - onset_hour))
        return RegionParameters(
            seed=self.seed,
            index=index,
            eruptive=eruptive,
            efficiency=float(efficiency),
            onset_hour=float(onset_hour),
            flare_hour=float(flare_hour),
            flare_flux=float(10.0 ** rng.uniform(-5.0, -3.7)),
            start_longitude=float(rng.uniform(-44.0, 17.0)),
            latitude=float(rng.choice([-1.0, 1.0]) * rng.uniform(6.0, 26.0)),
            rows=int(2 * rng.integers(140, 200)),
            cols=int(2 * rng.integers(240, 372)),
            total_flux=float(np.exp(rng.uniform(np.log(4e21), np.log(2.8e22)))),
            pil_flux=float(pil_flux),
            pil_length=float(rng.uniform(90.0, 190.0)),
            emergence_rate=float(rng.uniform(0.0, 0.010)),
            pil_emergence_rate=float(rng.uniform(0.0, 0.006)),
            shear=float(rng.uniform(0.0, 0.4)),
            convergence=float(rng.uniform(0.0, 0.03)),
        )


@dataclass(frozen=True)
class RegionParameters:
    """What is fixed about one simulated region before it evolves."""

    seed: int
    index: int
    eruptive: bool
    efficiency: float
    """Fraction of the flux in contact at the PIL that cancels in an hour, from onset on."""
    onset_hour: float
    flare_hour: float
    """Peak of the flare, hours after the first frame."""
    flare_flux: float
    """Peak soft X-ray flux, W m-2; independent of the class."""
    start_longitude: float
    """From the central meridian at the first frame, degrees."""
    latitude: float
    rows: int
    cols: int
    total_flux: float
    """Unsigned flux of spots and plage at the start, Mx."""
    pil_flux: float
    """Unsigned flux of the elements along the PIL at the start, Mx."""
    pil_length: float
    """Pixels."""
    emergence_rate: float
    """Unsigned flux that emerges in the spots in an hour, in parts of `total_flux`."""
    pil_emergence_rate: float
    """The same along the PIL, in parts of `pil_flux`."""
    shear: float
    """Speed of each side of the PIL along it, pixels per hour (1 px/h is 0.1 km/s)."""
    convergence: float
    """Speed of each side of the PIL towards it, pixels per hour."""


@dataclass(frozen=True, eq=False)
class Evolution:
    """A region's elements hour by hour, and the truth about its cancellation."""

    x: np.ndarray
    """(hours, elements) float32, column in pixels, patch coordinates."""
    y: np.ndarray
    """(hours, elements) float32, row in pixels."""
    flux: np.ndarray
    """(hours, elements) float64, signed radial flux, Mx."""
    pil_cancellation: np.ndarray
    """(hours,) unsigned flux cancelled at the PIL in the hour before each frame, Mx;
    both polarities counted. The first entry is 0."""
    background_cancellation: np.ndarray
    """(hours,) the same away from the PIL."""
    emergence: np.ndarray
    """(hours,) unsigned flux emerged in the hour before each frame, Mx."""


_SPOT, _PLAGE, _PIL, _NETWORK = range(4)


@lru_cache(maxsize=24)
def evolve(parameters: RegionParameters) -> Evolution:
    """Evolve a region for `HOURS` hours, one step an hour.

    Returns
    -------
    Evolution
        Net flux is the same in every hour, to rounding: emergence adds and cancellation
        removes equal amounts of both polarities.
    """
    p = parameters
    rng = np.random.default_rng([p.seed, 2, p.index])
    e = _place_elements(p, rng)
    home, flux = e.home.copy(), e.flux.copy()
    rotation = _differential_rotation(p, home[1])
    at_line = e.kind == _PIL
    speed = np.choose(e.kind, [0.12, 0.45, 0.12, 0.45])  # rms an axis; 1 px/h is 0.1 km/s
    cohesion = np.choose(e.kind, [0.75, 1.0, 0.75, 1.0])  # spots and the PIL hold together
    velocity = speed * e.jostle(rng)
    wander = np.where(cohesion < 1.0, 4.0, 0.0) * velocity  # near its steady state

    xs, ys = np.empty((2, HOURS, len(flux)), np.float32)
    fluxes = np.empty((HOURS, len(flux)))
    at_pil, elsewhere, emerged = np.zeros((3, HOURS))
    for hour in range(HOURS):
        if hour:
            velocity = 0.92 * velocity + 0.39 * speed * e.jostle(rng)  # correlated over 12 h
            wander = wander * cohesion + velocity
            home[:, at_line] = e.line.elements_at(hour * p.shear, hour * p.convergence)
            home[0] += np.where(at_line, 0.0, rotation)
            efficiency = p.efficiency if hour >= p.onset_hour else _quiet_efficiency(p)
            loss = _cancel(home + wander, flux, e.kind, efficiency)
            at_pil[hour], elsewhere[hour] = loss.pil, loss.background
            # Extra emergence replaces what cancels, so the total tells no class.
            in_spots = p.emergence_rate * p.total_flux + loss.pil + loss.background
            along_line = p.pil_emergence_rate * p.pil_flux
            flux = _emerge(flux - loss.per_element, e.kind == _SPOT, in_spots)
            flux = _emerge(flux, at_line, along_line)
            emerged[hour] = in_spots + along_line
        xs[hour], ys[hour] = home + wander
        fluxes[hour] = flux
    return Evolution(xs, ys, fluxes, at_pil, elsewhere, emerged)


def _quiet_efficiency(p: RegionParameters) -> float:
    """Efficiency before onset: that of a typical confined region, or lower."""
    return min(p.efficiency, Population.confined_efficiency)


def _differential_rotation(p: RegionParameters, row: np.ndarray) -> np.ndarray:
    """Drift against the patch, which rotates with its centre, pixels per hour."""
    latitude = (p.latitude + 0.03 * (row - p.rows / 2)) * u.deg
    angle = differential_rotation(1 * u.hour, latitude) - differential_rotation(
        1 * u.hour, p.latitude * u.deg
    )
    return np.asarray(angle.to_value(u.deg) / 0.03)


@dataclass(frozen=True, eq=False)
class _Loss:
    per_element: np.ndarray
    pil: float
    background: float


def _cancel(xy: np.ndarray, flux: np.ndarray, kind: np.ndarray, efficiency: float) -> _Loss:
    """Cancel equal flux in every pair of opposite elements in contact.

    A pair loses e f+ f- / max(S+, S-), where S+ (S-) is the flux of all opposite partners of
    the negative (positive) element: no element can lose more than the fraction e.
    """
    positive, negative = np.flatnonzero(flux > 0), np.flatnonzero(flux < 0)
    pairs = cKDTree(xy[:, positive].T).sparse_distance_matrix(
        cKDTree(xy[:, negative].T), _CONTACT_PX, output_type="ndarray"
    )
    i, j = positive[pairs["i"]], negative[pairs["j"]]
    plus, minus = flux[i], -flux[j]
    partners_of_plus = np.bincount(i, minus, len(flux))
    partners_of_minus = np.bincount(j, plus, len(flux))
    at_pil = (kind[i] == _PIL) & (kind[j] == _PIL)
    amount = np.where(at_pil, efficiency, _BACKGROUND_EFFICIENCY) * plus * minus
    amount /= np.maximum(partners_of_plus[i], partners_of_minus[j])
    per_element = np.bincount(i, amount, len(flux)) - np.bincount(j, amount, len(flux))
    return _Loss(per_element, 2 * amount[at_pil].sum(), 2 * amount[~at_pil].sum())


def _emerge(flux: np.ndarray, where: np.ndarray, unsigned: float) -> np.ndarray:
    """Add half of `unsigned` to each polarity of the chosen elements, in proportion."""
    grown = flux.copy()
    for sign in (1.0, -1.0):
        chosen = where & (flux * sign > 0)
        total = flux[chosen].sum()
        grown[chosen] += flux[chosen] / total * (sign * unsigned / 2.0)
    return grown


@dataclass(frozen=True, eq=False)
class _Line:
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
class _Elements:
    """Elements before they evolve: n of them, in clusters that move together."""

    kind: np.ndarray  # (n,)
    cluster: np.ndarray  # (n,)
    home: np.ndarray  # (2, n) column and row, pixels
    flux: np.ndarray  # (n,) Mx, signed
    line: _Line  # of the elements of kind _PIL

    def jostle(self, rng: np.random.Generator) -> np.ndarray:
        """(2, n) random vectors of unit variance, mostly shared by a cluster."""
        shared = rng.standard_normal((2, self.cluster.max() + 1))[:, self.cluster]
        return 0.9 * shared + 0.44 * rng.standard_normal(self.home.shape)


def _place_elements(p: RegionParameters, rng: np.random.Generator) -> _Elements:
    """Lay out spots, plage, PIL elements and quiet network; each kind has zero net flux."""
    hale = rng.choice([-1.0, 1.0])  # sign of the leading (western) polarity
    tilt = np.deg2rad(rng.normal(0.0, 12.0))
    arm = np.array([np.cos(tilt), np.sin(tilt)]) * rng.uniform(0.09, 0.15) * p.cols
    centre = np.array([p.cols / 2, p.rows / 2]) + rng.normal(0.0, 8.0, 2)

    line, at_line = _pil(p, rng, centre + rng.normal(0.0, 12.0, 2), tilt, hale)
    xyf, clusters = [], []
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
    return _Elements(kind, np.concatenate(clusters), np.stack([x, y]), flux, line)


def _spots(
    p: RegionParameters, rng: np.random.Generator, centre: np.ndarray, arm: np.ndarray, hale: float
) -> tuple[np.ndarray, np.ndarray]:
    """(3, n) x, y, flux and (n,) cluster of sunspots: compact leader, broken follower."""
    parts, clusters = [], []
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
    parts, clusters = [], []
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
) -> tuple[_Line, np.ndarray]:
    """Draw the PIL between the two polarities, and (3, n) x, y, flux of its elements."""
    flux = [_power_law(rng, 2e18, 2e19, p.pil_flux / 2) for _ in range(2)]
    side = np.repeat([1.0, -1.0], [len(f) for f in flux])
    line = _Line(
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

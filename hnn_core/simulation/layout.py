"""Where the spots, elements and inversion line of a simulated active region start."""

from dataclasses import dataclass

import numpy as np

from hnn_core.simulation.elements import Elements, power_law
from hnn_core.simulation.population import PIXEL_CM2, RegionParameters
from hnn_core.simulation.spots import RandomFields, Spot

__all__ = ["CURVE", "Layout", "Line", "lay_out"]

CURVE = 65
"""Points of the PIL's curve."""

_NETWORK_G, _INTERNETWORK_G = 2.2, 1.5  # mean unsigned field of the quiet Sun's elements
_HOLD_PX = 6.0  # mean distance of the PIL's elements from it
_BENDS = 10
_KNOTS = 18  # of flux along the line


class Line:
    """The region's main PIL and the elements that face each other across it."""

    def __init__(
        self,
        p: RegionParameters,
        rng: np.random.Generator,
        middle: np.ndarray,
        across: np.ndarray,
        polarity: float,
    ) -> None:
        self._rng, self._length = rng, p.pil_length
        self._middle, self._across = middle, across
        self._along = np.array([-across[1], across[0]])
        order = np.arange(1, _BENDS + 1)
        self._bends = rng.standard_normal(_BENDS) / order**2.0 * rng.uniform(0.07, 0.18)
        self._phases = rng.uniform(0.0, 2 * np.pi, _BENDS)
        self._knots = rng.normal(0.0, 0.27, _KNOTS)
        self._knot_share = rng.dirichlet(np.full(_KNOTS, 0.8))
        self._knot_width = rng.uniform(0.4, 2.0, _KNOTS)
        flux = [power_law(rng, 5e17, 4e18, p.pil_flux / 2) for _ in range(2)]
        self._side = np.repeat([1.0, -1.0], [len(one) for one in flux])
        self._s, self._d = self._places(len(self._side))
        self.elements = Elements.at(self._xy(), polarity * self._side * np.concatenate(flux))

    @property
    def middle(self) -> np.ndarray:
        """(2,) pixels."""
        return self._middle

    def beside(self, n: int, spread: float) -> np.ndarray:
        """(n, 2) places scattered about the line."""
        along = self._rng.normal(0.0, 0.35 * self._length, n)
        return np.asarray(
            self._middle
            + np.outer(along, self._along)
            + np.outer(self._rng.normal(0.0, spread, n), self._across)
        )

    def towards(self, side: float) -> np.ndarray:
        """(2,) unit vector from the line to one side: +1 or -1."""
        return np.asarray(side * self._across)

    def _places(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Draw places along the line, in knots, and distances from it."""
        knot = self._rng.choice(len(self._knots), n, p=self._knot_share)
        along = self._knots[knot] + self._rng.normal(0.0, 0.04, n)
        distance = self._rng.exponential(_HOLD_PX * self._knot_width[knot])
        return np.clip(along, -0.6, 0.6) * self._length, 0.3 + distance

    def _xy(self) -> np.ndarray:
        return self._place(self._s, self._side * self._d)

    def _place(self, s: np.ndarray, beside: np.ndarray) -> np.ndarray:
        """(n, 2) places at lengths along the line and distances from it."""
        order = np.arange(1, _BENDS + 1)[:, None]
        turns = 1.5 * np.pi * order * s / self._length + self._phases[:, None]
        bend = self._length * (self._bends[:, None] * np.sin(turns)).sum(axis=0)
        return np.asarray(
            self._middle + np.outer(s, self._along) + np.outer(bend + beside, self._across)
        )

    @property
    def curve(self) -> np.ndarray:
        """(`CURVE`, 2) columns and rows along the line itself, float32."""
        s = np.linspace(-0.6, 0.6, CURVE) * self._length
        return self._place(s, np.zeros(CURVE)).astype(np.float32)

    def step(self, shear: float, closing: float) -> None:
        """Let an hour pass: sides slide, come closer, and their elements walk and are renewed."""
        n = len(self._s)
        walk = self._rng.normal(0.0, 0.9, n)
        self._s += self._side * shear + walk - 0.004 * self._s
        pull = self._rng.normal(0.0, 0.8, n) - 0.03 * (self._d - _HOLD_PX)
        self._d = np.abs(self._d + pull - closing)
        renewed = np.flatnonzero(self._rng.random(n) < 0.04)
        self._s[renewed], self._d[renewed] = self._places(len(renewed))
        self._phases += self._rng.normal(0.0, 0.04, _BENDS)
        self.elements.xy = self._xy() + self._rng.normal(0.0, 0.4, (n, 2))


@dataclass(eq=False)
class Layout:
    """A region before it evolves."""

    spots: list[Spot]
    free: Elements
    """Plage, network and internetwork."""
    line: Line


def lay_out(p: RegionParameters, rng: np.random.Generator) -> Layout:
    """Lay out a region: bipoles along a tilted axis, plage about them, quiet Sun around.

    The main PIL lies between the two polarities of a single bipole, else between the followers
    of the western and the leaders of the next one.
    """
    hale = rng.choice([-1.0, 1.0])  # sign of the leading (western) polarities
    tilt = np.deg2rad(rng.normal(-7.0, 10.0))  # Joy: leaders lie nearer to the equator
    tilt *= np.sign(p.latitude)
    axis = np.array([np.cos(tilt), np.sin(tilt)])
    side_ways = np.array([-axis[1], axis[0]])
    arm = rng.uniform(42.0, 62.0) * (p.total_flux / 1.5e22) ** 0.35
    share = rng.dirichlet(np.full(p.bipoles, 4.0))
    gaps = [gap for one in share for gap in (2.0 * arm * np.sqrt(one * p.bipoles), 0.75 * arm)][:-1]
    west = np.cumsum([0.0, *gaps])
    west = west.max() / 2 - west
    centre = np.array([p.cols / 2, p.rows / 2]) + rng.normal(0.0, 6.0, 2)
    in_spots = rng.uniform(0.5, 0.7)

    spots: list[Spot] = []
    free: list[Elements] = []
    middles = []
    for number, place in enumerate(west):
        lead = 1.0 if number % 2 == 0 else -1.0
        middle = centre + axis * place + side_ways * rng.normal(0.0, 0.22 * arm)
        middles.append(middle)
        flux = share[number // 2] * p.total_flux / 2
        spots += _spots(rng, middle, axis, lead, hale, flux * in_spots, arm)
        free.append(_plage(rng, middle, lead * hale, flux * (1 - in_spots), arm))
    first, second = (middles[1], middles[2]) if p.bipoles > 1 else (middles[0], middles[1])
    polarity = -hale if p.bipoles > 1 else hale
    across = (first - second) / np.linalg.norm(first - second)
    turn = rng.normal(0.0, 0.35)
    cos, sin = np.cos(turn), np.sin(turn)
    across = np.array([[cos, -sin], [sin, cos]]) @ across
    line = Line(p, rng, (first + second) / 2 + rng.normal(0.0, 3.0, 2), across, polarity)
    free += _quiet(p, rng)
    return Layout(spots, sum(free[1:], free[0]), line)


def _spots(
    rng: np.random.Generator,
    middle: np.ndarray,
    axis: np.ndarray,
    lead: float,
    hale: float,
    flux: float,
    arm: float,
) -> list[Spot]:
    """Spots of one polarity: a compact leader, perhaps with a pore, or a broken follower."""
    leading = lead > 0
    if leading:
        parts = np.array([0.8, 0.2]) if rng.random() < 0.5 else np.ones(1)
    else:
        parts = rng.dirichlet(np.full(rng.integers(2, 5), 2.5))
    spots = []
    for number, part in enumerate(parts):
        beside = 0.05 if leading and number == 0 else 0.25
        spots.append(
            Spot(
                centre=middle + rng.standard_normal(2) * beside * arm,
                flux=float(flux * part),
                polarity=lead * hale,
                peak=float(rng.uniform(1900.0, 2700.0) * min(1.0, (flux * part / 2e21) ** 0.12)),
                ragged=0.13 if leading else 0.24,
                drift=axis * lead * rng.uniform(0.1, 0.9) + rng.normal(0.0, 0.35, 2),
                wander=np.zeros(2),
                decay=float(rng.uniform(0.001, 0.004) * (1.0 if leading else 1.8)),
                corner=rng.integers(0, RandomFields.SIZE, 2),
                bridge=float(rng.uniform(0.0, np.pi)) if rng.random() < 0.4 else None,
            )
        )
    return spots


def _plage(
    rng: np.random.Generator, middle: np.ndarray, polarity: float, flux: float, arm: float
) -> Elements:
    """Plage of one polarity, in clusters about its spots."""
    each = power_law(rng, 1e17, 4e18, flux)
    clusters = max(len(each) // 40, 3)
    places = middle + rng.standard_normal((clusters, 2)) * arm * np.array([0.8, 0.6])
    chosen = places[rng.integers(0, clusters, len(each))]
    return Elements.at(chosen + rng.normal(0.0, 5.0, chosen.shape), polarity * each)


def _quiet(p: RegionParameters, rng: np.random.Generator) -> list[Elements]:
    """Network in clusters of one sign, and internetwork, over the whole patch."""
    area = p.rows * p.cols * PIXEL_CM2
    network = power_law(rng, 1e17, 4e18, area * _NETWORK_G)
    clusters = max(len(network) // 9, 4)
    of = rng.integers(0, clusters, len(network))
    places = rng.random((clusters, 2)) * [p.cols, p.rows]
    signs = rng.choice([-1.0, 1.0], clusters)
    within = rng.normal(0.0, 3.0, (len(network), 2))
    weak = power_law(rng, 2e16, 1.2e17, area * _INTERNETWORK_G)
    return [
        Elements.at(places[of] + within, signs[of] * network),
        Elements.at(
            rng.random((len(weak), 2)) * [p.cols, p.rows],
            rng.choice([-1.0, 1.0], len(weak)) * weak,
        ),
    ]

"""Simulated active regions: flux that emerges, is swept, sheared, gathered and cancelled.

The simulator exists so that the whole chain, from magnetogram to flux-cancellation
statistics, can be tested against a known answer. It is a kinematic model, not MHD: elements
are swept by supergranules and smaller cells to the lanes between them, walk at random, join,
break and cancel; spots drift, change their shape, decay into their moats and take up flux that
emerges between them. An eruptive region cancels efficiently at its polarity inversion line (PIL)
from about 30 h before its flare on, a confined one does not. Nothing else is meant to
distinguish the classes: what cancels there is made up for by emergence in the spots, and the
PIL of an eruptive region starts with the flux that it will have lost by the middle of its last
day, taken off its spots.
"""

from dataclasses import dataclass

import astropy.units as u
import numpy as np
from scipy.ndimage import gaussian_filter
from sunpy.sun.models import differential_rotation

from hnn_core.simulation.elements import (
    Cells,
    Elements,
    cancel,
    coalesce,
    deposit,
    power_law,
    sweep,
)
from hnn_core.simulation.layout import CURVE, lay_out
from hnn_core.simulation.population import HOURS, PIXEL_CM2, Population, RegionParameters
from hnn_core.simulation.spots import RandomFields, Spot, draw_spot

__all__ = ["STEP_G", "VERSION", "Evolution", "evolve"]

VERSION = "2"
"""Of the physics: another one wherever a region of the same parameters comes out differently."""

STEP_G = 0.2
"""Radial field is given in whole multiples of this, gauss."""

_SETTLE = 20  # hours in which flows sort the elements before the first frame
_TOUCH_PX, _TOUCH_AT_LINE_PX = 2.5, 9.0  # opposite flux in a cell so wide cancels
_ELSEWHERE = 0.5  # efficiency away from the PIL, per hour, in both classes
_EPHEMERAL_G = 0.04  # mean unsigned field born in the quiet Sun in an hour
_OUTSIDE_PX = 20.0  # elements farther outside the patch are gone
_COARSE = 4  # pixels; the field that slows the flows is a mean over so many


@dataclass(frozen=True, eq=False)
class Evolution:
    """A region hour by hour, and the truth about its flux. All in Mx; both polarities counted."""

    radial: np.ndarray
    """(hours, rows, cols) int16, radial field in steps of `STEP_G`, before any instrument."""
    unsigned: np.ndarray
    """(hours,) unsigned flux of all elements and spots."""
    net: np.ndarray
    """(hours,) signed flux of the same."""
    pil_cancellation: np.ndarray
    """(hours,) flux cancelled at the PIL in the hour before each frame. The first is 0."""
    background_cancellation: np.ndarray
    """(hours,) the same away from the PIL."""
    emergence: np.ndarray
    """(hours,) flux emerged in the hour before each frame."""
    turned: np.ndarray
    """(hours,) flux that turned horizontal at the PIL in the hour before each frame."""
    line: np.ndarray
    """(hours, n, 2) float32, columns and rows of the PIL's curve."""
    horizontal: np.ndarray
    """(hours, rows, cols) int16, strength of the field that has turned, in steps of `STEP_G`;
    no hour where nothing turns."""
    left: np.ndarray
    """(hours, 2) flux of either polarity, positive first, carried out of the patch in the
    hour before each frame; both columns count upward."""


def evolve(parameters: RegionParameters) -> Evolution:
    """Evolve a region for `HOURS` hours, one step an hour.

    Returns
    -------
    Evolution
        Net flux changes by what leaves the patch and nothing else, to rounding: emergence adds
        and cancellation removes equal amounts of both polarities.
    """
    p = parameters
    run = _Run(p)
    for _ in range(_SETTLE):
        run.step(0.0, settled=False)
    radial = np.empty((HOURS, p.rows, p.cols), np.int16)
    horizontal = np.zeros((HOURS if p.tilting else 0, p.rows, p.cols), np.int16)
    line = np.empty((HOURS, CURVE, 2), np.float32)
    unsigned, net, at_pil, elsewhere, emerged = np.zeros((5, HOURS))
    left = np.zeros((HOURS, 2))
    before_onset = min(p.efficiency, Population.confined_efficiency)
    for hour in range(HOURS):
        if hour:
            run.step(p.efficiency if hour >= p.onset_hour else before_onset, settled=True)
            at_pil[hour], elsewhere[hour], emerged[hour] = run.at_pil, run.elsewhere, run.emerged
            left[hour] = run.left
        radial[hour], line[hour] = np.rint(run.radial() / STEP_G), run.curve
        if p.tilting:
            horizontal[hour] = np.rint(run.turned() / STEP_G)
        unsigned[hour], net[hour] = run.fluxes()
    none = np.zeros(HOURS)
    cancelled, turned = (none, at_pil) if p.tilting else (at_pil, none)
    return Evolution(
        radial, unsigned, net, cancelled, elsewhere, emerged, turned, line, horizontal, left
    )


class _Run:
    """A region on its way."""

    def __init__(self, p: RegionParameters) -> None:
        self._p = p
        rng = self._rng = np.random.default_rng([p.seed, 2, p.index])
        start = lay_out(p, rng)
        self._spots, self._free, self._line = start.spots, start.free, start.line
        self._turned = np.zeros(len(self._line.elements.flux))
        shape = (p.rows, p.cols)
        self._large = Cells(rng, shape, width=74.0, life=20.0, speed=3.2, lane=8.0)
        self._small = Cells(rng, shape, width=15.0, life=5.0, speed=3.6, lane=4.0)
        self._shapes = RandomFields(rng, 3, exponent=-1.7, shortest=5, longest=120, life=3.0)
        self._fibrils = RandomFields(rng, 1, exponent=-0.5, shortest=4, longest=24, life=3.0)
        self.radial()

    def step(self, efficiency: float, *, settled: bool) -> None:
        """Let an hour pass; before the region has settled nothing cancels at its PIL."""
        p, rng = self._p, self._rng
        self.emerged, self.left = 0.0, np.zeros(2)
        for one in (self._large, self._small):
            one.turn_over()
        for fields in (self._shapes, self._fibrils):
            fields.step()
        self._move(1.0 if settled else 0.3)
        self._line.step(p.shear if settled else 0.0, p.convergence if settled else 0.0)
        before = np.abs(self._line.elements.flux)
        self.at_pil = cancel(rng, self._line.elements, _TOUCH_AT_LINE_PX, efficiency)
        self._turned += before - np.abs(self._line.elements.flux)
        self.elsewhere = cancel(rng, self._free, _TOUCH_PX, _ELSEWHERE)
        self._ephemeral()
        if settled:
            self._grow(self.at_pil)
            self._rise(p.emergence_rate * p.total_flux)
            self._feed_line(p.pil_emergence_rate * p.pil_flux)
        self._shed()
        self._free = self._inside(coalesce(rng, self._free))

    @property
    def curve(self) -> np.ndarray:
        """Of the PIL, as `Evolution.line` has it."""
        return self._line.curve

    def turned(self) -> np.ndarray:
        """(rows, cols) strength of the field that has turned horizontal, G, float32."""
        where = Elements.at(self._line.elements.xy, self._turned)
        return deposit(where, (self._p.rows, self._p.cols))

    def fluxes(self) -> tuple[float, float]:
        """Unsigned and net flux, Mx."""
        both = (self._free.flux, self._line.elements.flux)
        unsigned = sum(float(np.abs(one).sum()) for one in both)
        net = sum(float(one.sum()) for one in both)
        unsigned += sum(spot.flux for spot in self._spots)
        net += sum(spot.polarity * spot.flux for spot in self._spots)
        return unsigned, net

    def radial(self) -> np.ndarray:
        """(rows, cols) radial field, G, float32."""
        p = self._p
        field = deposit(self._free + self._line.elements, (p.rows, p.cols))
        shapes, (fibrils,) = self._shapes.now(), self._fibrils.now()
        for spot in self._spots:
            draw_spot(field, spot, shapes, fibrils)
        rows, cols = p.rows // _COARSE, p.cols // _COARSE
        blocks = field[: rows * _COARSE, : cols * _COARSE].reshape(rows, _COARSE, cols, _COARSE)
        self._strength = gaussian_filter(np.abs(blocks.mean(axis=(1, 3))), 1.0)
        return field

    def _move(self, pace: float) -> None:
        free = self._free
        drifts = free.goal < 0
        xy = free.xy[drifts]
        place = np.clip(xy[:, ::-1] / _COARSE, 0, np.array(self._strength.shape) - 1).astype(int)
        xy = sweep(
            self._rng, xy, self._strength[place[:, 0], place[:, 1]], self._large, self._small
        )
        for spot in self._spots:
            away = xy - spot.centre
            distance = np.linalg.norm(away, axis=1)
            near = np.flatnonzero((distance < 1.9 * spot.radius) & (distance > 1e-3))
            far = distance[near] / spot.radius
            moat = 3.0 * np.exp(-(((far - 1.0) / 0.5) ** 2))
            out = moat + 0.5 * np.clip((0.95 - far) * spot.radius, 0.0, 4.0)
            xy[near] += away[near] * (out / distance[near])[:, None]
        xy[:, 0] += _differential_rotation(self._p, xy[:, 1])
        free.xy[drifts] = xy
        for spot in self._spots:
            spot.wander = 0.93 * spot.wander + 0.13 * self._rng.standard_normal(2)
            spot.centre = spot.centre + pace * (spot.drift + spot.wander)

    def _ephemeral(self) -> None:
        """Small bipoles are born anywhere, four fifths of their flux as internetwork."""
        p, rng = self._p, self._rng
        unsigned = p.rows * p.cols * PIXEL_CM2 * _EPHEMERAL_G
        for share, low, high in ((0.8, 2e16, 1.2e17), (0.2, 1e17, 3e18)):
            flux = power_law(rng, low, high, share * unsigned / 2)
            flux *= rng.choice([-1.0, 1.0], len(flux))
            middle = rng.random((len(flux), 2)) * [p.cols, p.rows]
            apart = rng.normal(0.0, 2.2, middle.shape)
            self._free += Elements.at(middle + apart, flux) + Elements.at(middle - apart, -flux)
        self.emerged += unsigned

    def _grow(self, unsigned: float) -> None:
        """Spots of both polarities take up half of the flux each, in proportion."""
        for polarity in (1.0, -1.0):
            chosen = [spot for spot in self._spots if spot.polarity == polarity]
            total = sum(spot.flux for spot in chosen)
            for spot in chosen:
                spot.flux += spot.flux / total * unsigned / 2
        self.emerged += unsigned

    def _rise(self, unsigned: float) -> None:
        """Bipoles emerge about the PIL; their feet run to the spots, which take them up."""
        rng = self._rng
        if unsigned > 0:
            flux = power_law(rng, 5e17, 1e19, unsigned / 2)
            where = self._line.beside(len(flux), 14.0)
            for polarity in (1.0, -1.0):
                spots = [i for i, spot in enumerate(self._spots) if spot.polarity == polarity]
                goal = rng.choice(spots, len(flux))
                towards = self._centres()[goal] - where
                towards /= np.linalg.norm(towards, axis=1, keepdims=True)
                rising = Elements.at(where + 1.5 * towards, polarity * flux)
                rising.goal = goal
                self._free += rising
            self.emerged += unsigned
        free = self._free
        on_the_way = np.flatnonzero(free.goal >= 0)
        goal = free.goal[on_the_way]
        way = self._centres()[goal] - free.xy[on_the_way]
        distance = np.linalg.norm(way, axis=1)
        free.xy[on_the_way] += (
            way * (np.minimum(4.0, distance) / np.maximum(distance, 1e-6))[:, None]
        )
        free.xy[on_the_way] += rng.normal(0.0, 1.0, way.shape)
        radius = np.array([spot.radius for spot in self._spots])[goal]
        arrived = distance < 0.8 * radius
        for number, spot in enumerate(self._spots):
            spot.flux += float(np.abs(free.flux[on_the_way[arrived & (goal == number)]]).sum())
        free.flux[on_the_way[arrived]] = 0.0
        free.goal[on_the_way[arrived | (rng.random(len(on_the_way)) < 0.03)]] = -1

    def _feed_line(self, unsigned: float) -> None:
        """Elements along the PIL take up half of the flux a side, in proportion."""
        flux = self._line.elements.flux
        for sign in (1.0, -1.0):
            chosen = flux * sign > 0
            flux[chosen] *= 1.0 + unsigned / 2 / np.abs(flux[chosen]).sum()
        self.emerged += unsigned

    def _shed(self) -> None:
        """Spots lose flux to their moats, where small bipoles emerge too."""
        rng = self._rng
        for spot in self._spots:
            lost = spot.decay * spot.flux
            flux = power_law(rng, 1e17, 2e18, lost)
            self._free += Elements.at(
                self._around(spot, len(flux), 0.95, 1.1), spot.polarity * flux
            )
            spot.flux -= lost
            pairs = 0.6 * flux[: len(flux) // 5]
            middle = self._around(spot, len(pairs), 1.0, 1.2)
            for sign in (1.0, -1.0):
                apart = rng.normal(0.0, 1.2, middle.shape)
                self._free += Elements.at(middle + apart, sign * pairs)
            self.emerged += 2.0 * float(pairs.sum())

    def _around(self, spot: Spot, n: int, near: float, far: float) -> np.ndarray:
        angle, reach = self._rng.uniform(0.0, 2 * np.pi, n), self._rng.uniform(near, far, n)
        circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        return np.asarray(spot.centre + circle * (reach * spot.radius)[:, None])

    def _centres(self) -> np.ndarray:
        return np.array([spot.centre for spot in self._spots])

    def _inside(self, elements: Elements) -> Elements:
        p = self._p
        beyond = np.array([p.cols, p.rows]) + _OUTSIDE_PX
        stays = np.all((elements.xy > -_OUTSIDE_PX) & (elements.xy < beyond), axis=1)
        gone = elements.flux[~stays]
        self.left = np.array([gone[gone > 0].sum(), -gone[gone < 0].sum()])
        return elements[stays]


def _differential_rotation(p: RegionParameters, row: np.ndarray) -> np.ndarray:
    """Drift against the patch, which rotates with its centre, pixels per hour."""
    rows = np.arange(-_OUTSIDE_PX - 40, p.rows + _OUTSIDE_PX + 41, 20.0)
    latitude = (p.latitude + 0.03 * (rows - p.rows / 2)) * u.deg
    angle = differential_rotation(1 * u.hour, latitude) - differential_rotation(
        1 * u.hour, p.latitude * u.deg
    )
    return np.asarray(np.interp(row, rows, angle.to_value(u.deg) / 0.03))

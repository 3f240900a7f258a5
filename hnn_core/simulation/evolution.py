"""Simulated active regions: magnetic elements that move, emerge and cancel.

The simulator exists so that the whole chain, from magnetogram to flux-cancellation
statistics, can be tested against a known answer. It is a kinematic model, not MHD: elements
of 1e18 to 1e20 Mx are carried by differential rotation, supergranular motion, shear and
convergence; opposite elements in contact cancel equal flux. An eruptive region has an
efficient contact at its polarity inversion line (PIL) from about 30 h before its flare on,
a confined one does not. Nothing else is meant to distinguish the classes: what cancels is made
up for by emergence in the spots, and the PIL of an eruptive region starts with the flux that it
will have lost by the middle of its last day, taken off its spots.
"""

from dataclasses import dataclass
from functools import lru_cache

import astropy.units as u
import numpy as np
from scipy.spatial import cKDTree
from sunpy.sun.models import differential_rotation

from hnn_core.simulation.layout import PIL, SPOT, place_elements
from hnn_core.simulation.population import HOURS, Population, RegionParameters

__all__ = ["Evolution", "evolve"]

_CONTACT_PX = 6.0  # 2.2 Mm: closer elements touch at HMI's resolution
_BACKGROUND_EFFICIENCY = 0.01  # of contacts away from the PIL, per hour, in both classes


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
    e = place_elements(p, rng)
    home, flux = e.home.copy(), e.flux.copy()
    rotation = _differential_rotation(p, home[1])
    at_line = e.kind == PIL
    speed = np.choose(e.kind, [0.12, 0.45, 0.12, 0.45])  # rms an axis; 1 px/h is 0.1 km/s
    cohesion = np.choose(e.kind, [0.75, 1.0, 0.75, 1.0])  # spots and the PIL hold together
    velocity = speed * e.jostle(rng)
    wander = np.where(cohesion < 1.0, 4.0, 0.0) * velocity  # near its steady state

    xs, ys = np.empty((2, HOURS, len(flux)), np.float32)
    fluxes = np.empty((HOURS, len(flux)))
    at_pil, elsewhere, emerged = np.zeros((3, HOURS))
    before_onset = min(p.efficiency, Population.confined_efficiency)
    for hour in range(HOURS):
        if hour:
            velocity = 0.92 * velocity + 0.39 * speed * e.jostle(rng)  # correlated over 12 h
            wander = wander * cohesion + velocity
            home[:, at_line] = e.line.elements_at(hour * p.shear, hour * p.convergence)
            home[0] += np.where(at_line, 0.0, rotation)
            efficiency = p.efficiency if hour >= p.onset_hour else before_onset
            loss, at_pil[hour], elsewhere[hour] = _cancel(home + wander, flux, e.kind, efficiency)
            # Extra emergence replaces what cancels, so the total is alike in both classes.
            in_spots = p.emergence_rate * p.total_flux + at_pil[hour] + elsewhere[hour]
            along_line = p.pil_emergence_rate * p.pil_flux
            flux = _emerge(flux - loss, e.kind == SPOT, in_spots)
            flux = _emerge(flux, at_line, along_line)
            emerged[hour] = in_spots + along_line
        xs[hour], ys[hour] = home + wander
        fluxes[hour] = flux
    return Evolution(xs, ys, fluxes, at_pil, elsewhere, emerged)


def _differential_rotation(p: RegionParameters, row: np.ndarray) -> np.ndarray:
    """Drift against the patch, which rotates with its centre, pixels per hour."""
    latitude = (p.latitude + 0.03 * (row - p.rows / 2)) * u.deg
    angle = differential_rotation(1 * u.hour, latitude) - differential_rotation(
        1 * u.hour, p.latitude * u.deg
    )
    return np.asarray(angle.to_value(u.deg) / 0.03)


def _cancel(
    xy: np.ndarray, flux: np.ndarray, kind: np.ndarray, efficiency: float
) -> tuple[np.ndarray, float, float]:
    """Cancel equal flux of opposite elements in contact: of each one, at the PIL and off it.

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
    at_pil = (kind[i] == PIL) & (kind[j] == PIL)
    amount = np.where(at_pil, efficiency, _BACKGROUND_EFFICIENCY) * plus * minus
    amount /= np.maximum(partners_of_plus[i], partners_of_minus[j])
    per_element = np.bincount(i, amount, len(flux)) - np.bincount(j, amount, len(flux))
    return per_element, 2 * amount[at_pil].sum(), 2 * amount[~at_pil].sum()


def _emerge(flux: np.ndarray, where: np.ndarray, unsigned: float) -> np.ndarray:
    """Add half of `unsigned` to each polarity of the chosen elements, in proportion."""
    grown = flux.copy()
    for sign in (1.0, -1.0):
        chosen = where & (flux * sign > 0)
        total = flux[chosen].sum()
        grown[chosen] += flux[chosen] / total * (sign * unsigned / 2.0)
    return grown

"""Sunspots: umbra, penumbra with fibrils, ragged edges and light bridges, that change hourly."""

from dataclasses import dataclass

import numpy as np
from scipy import fft
from scipy.ndimage import map_coordinates

from hnn_core.simulation.population import PIXEL_CM2

__all__ = ["RandomFields", "Spot", "draw_spot"]

_MEAN = 0.36
"""Mean radial field of a spot's disk in parts of its peak, of the profile below."""


class RandomFields:
    """Random fields on a torus that forget themselves, small structure sooner than large.

    Unit variance, float32, power over wavelengths `shortest` to `longest` (pixels) as a power
    law of the wave number; structure of wavelength L lives `life` * L / 10 px, hours.
    """

    SIZE = 256

    def __init__(
        self,
        rng: np.random.Generator,
        count: int,
        *,
        exponent: float,
        shortest: float,
        longest: float,
        life: float,
    ) -> None:
        n = self.SIZE
        self._rng, self._count = rng, count
        number = np.hypot(fft.fftfreq(n)[:, None], fft.rfftfreq(n))
        number[0, 0] = 1.0
        inside = (1 / number >= shortest) & (1 / number <= longest)
        amplitude = np.where(inside, number**exponent, 0.0)
        self._kept = np.exp(-10.0 * number / life).astype(np.float32)
        self._amplitude = amplitude.astype(np.float32)
        self._modes = self._draw()
        self._amplitude /= np.float32(self.now().std())

    def _draw(self) -> np.ndarray:
        shape = (self._count, self.SIZE, self.SIZE)
        return np.asarray(fft.rfft2(self._rng.standard_normal(shape, np.float32)))

    def step(self) -> None:
        """Let an hour pass."""
        self._modes = self._kept * self._modes + np.sqrt(1 - self._kept**2) * self._draw()

    def now(self) -> np.ndarray:
        """(count, SIZE, SIZE) fields."""
        return np.asarray(fft.irfft2(self._modes * self._amplitude, s=(self.SIZE, self.SIZE)))


@dataclass(eq=False)
class Spot:
    """One spot, as it is in one hour."""

    centre: np.ndarray
    """(2,) column and row, pixels."""
    flux: float
    """Unsigned radial flux, Mx."""
    polarity: float
    peak: float
    """Radial field of the umbra, G."""
    ragged: float
    """Displacement of its outline, in parts of its radius."""
    drift: np.ndarray
    """(2,) pixels per hour."""
    wander: np.ndarray
    """(2,) pixels per hour, changing within a day."""
    decay: float
    """Share of the flux lost to the moat in an hour."""
    corner: np.ndarray
    """(2,) where on the torus of random fields the spot lies."""
    bridge: float | None
    """Direction of a light bridge, radians; None without one."""

    @property
    def radius(self) -> float:
        """Of the penumbra, pixels."""
        return float(np.sqrt(self.flux / (PIXEL_CM2 * self.peak * np.pi * _MEAN)))


def _profile(rho: np.ndarray, fibril: np.ndarray) -> np.ndarray:
    """Radial field over the umbra's at `rho` spot radii.

    A flat umbra to 0.4, a penumbra whose fibrils grow outward, and an edge as ragged as they
    are long.
    """
    outside = np.maximum(rho - 0.4, 0.0)
    umbra = 1.0 - 0.35 * (rho / 0.4) ** 2
    penumbra = 0.65 * np.exp(-((outside / 0.42) ** 1.3))
    contrast = np.where(rho > 0.3, 0.1 + 0.8 * np.clip(outside / 0.6, 0.0, 1.0), 0.08)
    edge = 1.0 / (1.0 + np.exp(np.clip((rho - 1.0 - 0.22 * fibril) / 0.05, -50, 50)))
    return np.asarray(np.where(rho < 0.4, umbra, penumbra) * (1.0 + contrast * fibril) * edge)


def draw_spot(radial: np.ndarray, spot: Spot, shapes: np.ndarray, fibrils: np.ndarray) -> None:
    """Add a spot to (rows, cols) radial field, G, in place.

    Its sum is the spot's flux, to rounding, less what lies outside the patch. `shapes` are three
    fields of the torus that bend outline and bridge, `fibrils` one.
    """
    half = int(1.35 * spot.radius) + 6
    left, bottom = np.floor(spot.centre).astype(int) - half
    row, column = np.mgrid[bottom : bottom + 2 * half + 1, left : left + 2 * half + 1]
    n = RandomFields.SIZE
    on_torus = (row + spot.corner[1]) % n, (column + spot.corner[0]) % n
    bent = spot.ragged * spot.radius
    dx = column - spot.centre[0] + bent * shapes[0][on_torus]
    dy = row - spot.centre[1] + bent * shapes[1][on_torus]
    rho = np.hypot(dx, dy) / spot.radius
    # Fibrils run outward: along the angle the torus goes round once, along the radius it is slow.
    angle = np.arctan2(dy, dx) / (2 * np.pi) * n + spot.corner[0]
    streaks = map_coordinates(
        fibrils, [angle % n, (9.0 * rho + spot.corner[1]) % n], order=1, mode="grid-wrap"
    )
    field = _profile(rho, streaks)
    if spot.bridge is not None:
        across = dx * np.cos(spot.bridge) + dy * np.sin(spot.bridge) + 3.0 * shapes[2][on_torus]
        field = field * (1.0 - 0.6 * np.exp(-((across / 2.0) ** 2)) * (rho < 0.6))
    field *= spot.polarity * spot.flux / (PIXEL_CM2 * field.sum())
    rows, cols = radial.shape
    top, right = min(bottom + field.shape[0], rows), min(left + field.shape[1], cols)
    low, near = max(bottom, 0), max(left, 0)
    if low < top and near < right:
        inside = field[low - bottom : top - bottom, near - left : right - left]
        radial[low:top, near:right] += inside

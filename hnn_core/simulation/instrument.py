"""What HMI would measure of a simulated field: along the line of sight, and as a vector.

The radial field gets a horizontal part, which close to the inversion line (PIL) is sheared. The
instrument projects it, limits it in dark umbrae, follows the orbit, smears it and adds noise, which
grows to the limb.
"""

from dataclasses import dataclass

import numpy as np
from scipy import fft
from scipy.ndimage import distance_transform_edt, gaussian_filter, maximum_filter

from hnn_core.simulation.evolution import STEP_G, Evolution
from hnn_core.simulation.population import RegionParameters
from hnn_core.simulation.store import evolution_of

__all__ = ["PIXEL_DEG", "SeenVector", "line_of_sight_field", "true_field", "vector_field"]

PIXEL_DEG = 0.03
"""Side of a pixel of the patch."""

_OPTICS_PX = 0.85  # standard deviation of HMI's point-spread function, disk centre
_MAPPING_PX = 0.85  # and of the step from HMI's pixels to the map's, which smooths noise too
_SMOOTHED = 0.34  # of the noise that this step leaves
_SATURATION_G = 2600.0  # the line in dark umbrae measures no more
_NOISE_G = 12.0  # before the mapping
_ACROSS = 10.0  # times larger, across the line of sight
_LIMB_NOISE = 0.7  # more by this share where mu is 0
_CANOPY = 1.0  # of the potential field's horizontal part
_HEIGHT_PX = 1.5  # above the sources, at which it is taken
_LARGEST_PX = 200.0  # wavelength beyond which the surroundings close the field
_SHEARED_PX = 8.0  # from the PIL, within which the field is sheared
_MOST_SHEAR_DEG = 80.0
_ORBIT = 0.015  # share of strong field that follows the orbital velocity
_WEAK_G = 150.0  # transverse field below which its direction may be wrong
_WRONG = 0.15  # share of such places where it is
_BLOCK_PX = 8  # side of a place

_Components = tuple[np.ndarray, ...]


@dataclass(frozen=True, eq=False)
class SeenVector:
    """A measured vector; arrays are (rows, cols) float32, gauss."""

    radial: np.ndarray
    west: np.ndarray
    north: np.ndarray
    sigma: _Components
    """Standard deviations of the three."""
    confidence: np.ndarray
    """uint8, as conf_disambig: 90 strong, 60 by its surroundings, 50 weak."""
    bitmap: np.ndarray
    """uint8: 34 strong field of the region, 33 weak field in it, 2 and 1 outside."""


def true_field(p: RegionParameters, hour: int) -> _Components:
    """Radial, westward and northward field of an hour, (rows, cols) float32, gauss."""
    evolution = evolution_of(p)
    radial = evolution.radial[hour] * np.float32(STEP_G)
    west, north = _canopy(radial)
    _shear(west, north, evolution, p, hour)
    return radial, west, north


def line_of_sight_field(
    p: RegionParameters, field: _Components, longitude: float, b0: float, velocity: float, hour: int
) -> np.ndarray:
    """Measure a field (`true_field`) along the line of sight: (rows, cols) float32, gauss.

    Parameters
    ----------
    p : RegionParameters
    field : three arrays
    longitude, b0 : float
        Of the patch from the central meridian, and latitude of the disk's centre, degrees.
    velocity : float
        OBS_VR, m/s.
    hour : int
        For the seed of the noise.
    """
    radial, west, north = field
    mu, of_west, of_north = _line_of_sight(p, longitude, b0)
    seen = radial * mu + west * of_west + north * of_north
    seen *= 1.0 + _ORBIT * velocity / 3000.0 * np.minimum(np.abs(seen) / 1000.0, 1.0)
    seen = np.float32(_SATURATION_G) * np.tanh(seen / np.float32(_SATURATION_G))
    seen = gaussian_filter(seen, _OPTICS_PX)
    rng = np.random.default_rng([p.seed, 4, p.index, hour])
    noise = rng.standard_normal(seen.shape, np.float32)
    seen += np.float32(_NOISE_G) * noise * (1.0 + _LIMB_NOISE * (1.0 - mu))
    return np.asarray(gaussian_filter(seen, _MAPPING_PX, truncate=3.5), np.float32)


def vector_field(
    p: RegionParameters, field: _Components, longitude: float, b0: float, hour: int
) -> SeenVector:
    """Measure a field as a vector; parameters are those of `line_of_sight_field`."""
    rng = np.random.default_rng([p.seed, 6, p.index, hour])
    ray = np.stack(np.broadcast_arrays(*_line_of_sight(p, longitude, b0)))
    noise_g = np.float32(_NOISE_G) * (1.0 + _LIMB_NOISE * (1.0 - ray[0]))
    noise = rng.standard_normal((3, p.rows, p.cols), np.float32)
    along = (noise * ray).sum(axis=0)
    noise = _ACROSS * (noise - along * ray) + along * ray
    smeared = [gaussian_filter(one, _OPTICS_PX) for one in field]
    seen = np.stack([
        gaussian_filter(one + noise_g * part, _MAPPING_PX, truncate=3.5)
        for one, part in zip(smeared, noise, strict=True)
    ])  # fmt: skip
    along = (seen * ray).sum(axis=0)
    transverse = np.linalg.norm(seen - along * ray, axis=0)
    weak = transverse < _WEAK_G
    places = rng.random((p.rows // _BLOCK_PX + 1, p.cols // _BLOCK_PX + 1)) < _WRONG
    wrong = np.kron(places, np.ones((_BLOCK_PX, _BLOCK_PX), bool))[: p.rows, : p.cols] & weak
    seen = np.where(wrong, 2.0 * along * ray - seen, seen).astype(np.float32)
    sigma = _SMOOTHED * noise_g * np.sqrt(_ACROSS**2 + (1.0 - _ACROSS**2) * ray**2)
    strong = np.abs(gaussian_filter(field[0], 3.0)) > 50.0
    inside = maximum_filter(strong, 25)
    confidence = np.full(strong.shape, 50, np.uint8)
    confidence[maximum_filter(~weak, 5)] = 60
    confidence[~weak] = 90
    loud = np.abs(seen[0]) > 100.0
    bitmap = np.where(inside, 33, 1) + loud
    errors = tuple(sigma.astype(np.float32))
    return SeenVector(seen[0], seen[1], seen[2], errors, confidence, bitmap.astype(np.uint8))


def _canopy(radial: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Westward and northward field, (rows, cols) G: a part of the potential field's."""
    shape = tuple(fft.next_fast_len(n, real=True) for n in radial.shape)
    north = fft.fftfreq(shape[0]).astype(np.float32)[:, None]
    west = fft.rfftfreq(shape[1]).astype(np.float32)
    number = np.hypot(north, west)
    number[0, 0] = 1.0
    small = 1.0 - np.exp(-((number * _LARGEST_PX) ** 2))
    share = -1j * _CANOPY * small * np.exp(-2 * np.pi * _HEIGHT_PX * number) / number
    modes = fft.rfft2(radial, s=shape) * share.astype(np.complex64)
    inside = tuple(slice(n) for n in radial.shape)
    return (
        fft.irfft2(modes * west, s=shape)[inside],
        fft.irfft2(modes * north, s=shape)[inside],
    )


def _shear(
    west: np.ndarray, north: np.ndarray, evolution: Evolution, p: RegionParameters, hour: int
) -> None:
    """Turn the horizontal field about the PIL by the region's shear, in place.

    What has turned horizontal of a tilting region lies along the line.
    """
    curve = evolution.line[hour].astype(np.float64)
    low = np.maximum(np.floor(curve.min(axis=0) - 3 * _SHEARED_PX).astype(int), 0)
    high = np.ceil(curve.max(axis=0) + 3 * _SHEARED_PX).astype(int)
    box = slice(low[1], min(high[1], p.rows)), slice(low[0], min(high[0], p.cols))
    off = np.ones_like(west[box], dtype=bool)
    if not off.size:
        return
    steps = np.linspace(0, len(curve) - 1, 8 * len(curve))
    at = [np.interp(steps, np.arange(len(curve)), one) for one in curve.T]
    column, row = (np.rint(one).astype(int) - first for one, first in zip(at, low, strict=True))
    there = (column >= 0) & (column < off.shape[1]) & (row >= 0) & (row < off.shape[0])
    off[row[there], column[there]] = False
    near = np.exp(-((distance_transform_edt(off) / _SHEARED_PX) ** 2)).astype(np.float32)
    moved = np.tan(np.deg2rad(p.shear_start)) + 2.0 * p.shear * hour / 12.0
    angle = min(np.arctan(moved), np.deg2rad(_MOST_SHEAR_DEG)) * -np.sign(p.latitude)
    cos, sin = np.cos(angle * near), np.sin(angle * near)
    x, y = west[box].copy(), north[box].copy()
    west[box], north[box] = cos * x - sin * y, sin * x + cos * y
    if len(evolution.horizontal):
        ends = curve[-1] - curve[0]
        along = ends / np.linalg.norm(ends)
        turned = evolution.horizontal[hour] * np.float32(STEP_G)
        west += turned * np.float32(along[0])
        north += turned * np.float32(along[1])


def _line_of_sight(
    p: RegionParameters, longitude: float, b0: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How much of radial (mu), westward and northward field points at the Earth.

    Each float32 and of a shape that spreads over (rows, cols); the patch is taken as small.
    """
    lon = np.deg2rad(longitude + PIXEL_DEG * (np.arange(p.cols) - (p.cols - 1) / 2))
    lat = np.deg2rad(p.latitude + PIXEL_DEG * (np.arange(p.rows) - (p.rows - 1) / 2))[:, None]
    sin_b0, cos_b0 = np.sin(np.deg2rad(b0)), np.cos(np.deg2rad(b0))
    mu = np.sin(lat) * sin_b0 + np.cos(lat) * cos_b0 * np.cos(lon)
    west = -np.sin(lon) * cos_b0
    north = np.cos(lat) * sin_b0 - np.sin(lat) * cos_b0 * np.cos(lon)
    return (
        np.clip(mu, 0.0, 1.0).astype(np.float32),
        west.astype(np.float32),
        north.astype(np.float32),
    )

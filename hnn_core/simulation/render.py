"""Simulated elements drawn as a SHARP-like magnetogram with a real one's keywords."""

from collections.abc import Iterable
from functools import lru_cache

import astropy.units as u
import numpy as np
from astropy.io.fits import Header
from astropy.time import Time, TimeDelta
from scipy import fft
from scipy.ndimage import gaussian_filter
from sunpy.coordinates import sun

from hnn_core.magnetogram.magnetogram import Magnetogram
from hnn_core.magnetogram.sharp import FIRST_SIMULATED_HARP
from hnn_core.simulation.evolution import STEP_G
from hnn_core.simulation.population import HOURS, PIXEL_CM2, Population, RegionParameters
from hnn_core.simulation.store import evolution_of

__all__ = ["region_positions", "region_times", "render", "simulate_region"]

_RSUN_M = 6.96e8  # RSUN_REF of the SHARP series
_PIXEL_DEG = 0.03
_OPTICS_PX = 0.85  # standard deviation of HMI's point-spread function, disk centre
_MAPPING_PX = 0.85  # and of the step from HMI's pixels to the map's, which smooths noise too
_SATURATION_G = 2600.0  # the line in dark umbrae measures no more
_NOISE_G = 12.0  # before the mapping; 3.3 G after it
_LIMB_NOISE = 0.7  # more by this share where mu is 0
_CANOPY = 0.6  # of the potential field's horizontal part
_HEIGHT_PX = 2.0  # above the sources, at which it is taken
_LARGEST_PX = 40.0  # wavelength beyond which the surroundings close the field
_ORBIT = 0.015  # share of strong field that follows the orbital velocity


def simulate_region(
    index: int = 1, *, seed: int = 0, hours: Iterable[int] = range(HOURS)
) -> list[Magnetogram]:
    """Draw the hourly magnetograms of one simulated active region on its way across the disk.

    Parameters
    ----------
    index : int
        Number of the region in its population, from 1; odd and even ones are of two classes.
    seed : int
        Of the population; the same seed and index give the same region, bit for bit.
    hours : iterable of int
        Which hours, 0 to 47; all by default.

    Returns
    -------
    list of Magnetogram
        One for each hour, marked simulated: field in gauss, row 0 south.

    Raises
    ------
    ValueError
        The index is below 1, or an hour is not one of the 48.

    Examples
    --------
    >>> from hnn_core import simulate_region
    >>> first, last = simulate_region(1, hours=[0, 47])
    >>> first.simulated, round((last.t_rec - first.t_rec).to_value("hour"))
    (True, 47)
    """
    parameters = Population(seed).region(index)
    return [render(parameters, hour) for hour in hours]


@lru_cache(maxsize=256)
def region_times(parameters: RegionParameters) -> Time:
    """T_REC of a region's `HOURS` hourly frames, TAI."""
    rng = np.random.default_rng([parameters.seed, 3, parameters.index])
    start = Time("2013-01-01T00:00:00", scale="tai") + TimeDelta(
        float(rng.integers(0, 365 * 24)) * 3600.0, format="sec"
    )
    return start + TimeDelta(np.arange(HOURS) * 3600.0, format="sec")


def region_positions(parameters: RegionParameters) -> np.ndarray:
    """Longitude from the central meridian and latitude, hour by hour, (`HOURS`, 2), degrees."""
    longitude = parameters.start_longitude + np.arange(HOURS) * _rotation_deg_per_hour(
        parameters.latitude
    )
    return np.column_stack([longitude, np.full(HOURS, parameters.latitude)])


def render(parameters: RegionParameters, hour: int) -> Magnetogram:
    """Draw one hour, 0 to ``HOURS - 1``, of a simulated region.

    The radial field and a canopy's horizontal one are projected onto the line of sight, limited
    as in dark umbrae, modulated with the orbit, smeared, and given noise of their own seed. The
    magnetogram is marked simulated, with HARP number 900000 + index and no NOAA number.
    """
    p = parameters
    if not 0 <= hour < HOURS:
        raise ValueError(f"hour must lie between 0 and {HOURS - 1}, got {hour}")
    t_rec = region_times(p)[hour]
    longitude = float(region_positions(p)[hour, 0])
    earth = _earth(p)[hour]
    radial = evolution_of(p).radial[hour] * np.float32(STEP_G)
    field = _observe(p, radial, longitude, earth[1], _orbital_velocity(t_rec), hour)
    field.flags.writeable = False
    return Magnetogram(
        field=field,
        t_rec=t_rec,
        harp=FIRST_SIMULATED_HARP + p.index - 1,
        noaa=(),
        pixel_area=PIXEL_CM2 * u.cm**2,
        quality=0,
        longitude=longitude * u.deg,
        latitude=p.latitude * u.deg,
        header=_header(p, t_rec, longitude, earth, field),
        origin=f"simulated (seed {p.seed}, region {p.index})",
        simulated=True,
    )


def _observe(
    p: RegionParameters, radial: np.ndarray, longitude: float, b0: float, velocity: float, hour: int
) -> np.ndarray:
    """Measure a (rows, cols) radial field, G, as HMI would: float32."""
    west, north = _canopy(radial)
    mu, of_west, of_north = _line_of_sight(p, longitude, b0)
    field = radial * mu + west * of_west + north * of_north
    field *= 1.0 + _ORBIT * velocity / 3000.0 * np.minimum(np.abs(field) / 1000.0, 1.0)
    field = np.float32(_SATURATION_G) * np.tanh(field / np.float32(_SATURATION_G))
    field = gaussian_filter(field, _OPTICS_PX)
    rng = np.random.default_rng([p.seed, 4, p.index, hour])
    noise = rng.standard_normal(field.shape, np.float32)
    field += np.float32(_NOISE_G) * noise * (1.0 + _LIMB_NOISE * (1.0 - mu))
    return np.asarray(gaussian_filter(field, _MAPPING_PX, truncate=3.5), np.float32)


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


@lru_cache(maxsize=256)
def _earth(parameters: RegionParameters) -> list[tuple[float, float, float, float]]:
    """Carrington longitude, latitude (deg), distance (m), disk radius (arcsec), hour by hour."""
    times = region_times(parameters)
    columns = (
        sun.L0(times).to_value(u.deg),
        sun.B0(times).to_value(u.deg),
        sun.earth_distance(times).to_value(u.m),
        sun.angular_radius(times).to_value(u.arcsec),
    )
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _rotation_deg_per_hour(latitude: float) -> float:
    """Synodic rotation of magnetic features, Snodgrass (1983) less the Earth's motion."""
    s2 = np.sin(np.deg2rad(latitude)) ** 2
    return float((14.366 - 2.297 * s2 - 1.847 * s2**2 - 0.9856) / 24.0)


def _orbital_velocity(t_rec: Time) -> float:
    """OBS_VR, m/s: a geosynchronous orbit's amplitude is 3 km/s, its period one day."""
    hours = (t_rec - Time("2013-01-01T00:00:00", scale="tai")).to_value(u.hour)
    return 3000.0 * float(np.sin(2 * np.pi * hours / 24.0))


def _line_of_sight(
    p: RegionParameters, longitude: float, b0: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How much of radial (mu), westward and northward field points at the Earth.

    Each float32 and of a shape that spreads over (rows, cols); the patch is taken as small.
    """
    lon = np.deg2rad(longitude + _PIXEL_DEG * (np.arange(p.cols) - (p.cols - 1) / 2))
    lat = np.deg2rad(p.latitude + _PIXEL_DEG * (np.arange(p.rows) - (p.rows - 1) / 2))[:, None]
    sin_b0, cos_b0 = np.sin(np.deg2rad(b0)), np.cos(np.deg2rad(b0))
    mu = np.sin(lat) * sin_b0 + np.cos(lat) * cos_b0 * np.cos(lon)
    west = -np.sin(lon) * cos_b0
    north = np.cos(lat) * sin_b0 - np.sin(lat) * cos_b0 * np.cos(lon)
    return (
        np.clip(mu, 0.0, 1.0).astype(np.float32),
        west.astype(np.float32),
        north.astype(np.float32),
    )


def _header(
    p: RegionParameters,
    t_rec: Time,
    longitude: float,
    earth: tuple[float, float, float, float],
    field: np.ndarray,
) -> Header:
    """Keywords of a SHARP CEA record; SIMULATD distinguishes it from a real one."""
    carrington, b0, distance, radius = earth
    half_lon, half_lat = _PIXEL_DEG * p.cols / 2, _PIXEL_DEG * p.rows / 2
    strong = np.abs(field)[np.abs(field) > 100.0]
    stamp = t_rec.strftime("%Y.%m.%d_%H:%M:%S_TAI")
    observed = (t_rec - TimeDelta(74.0, format="sec")).utc
    return Header(
        {
            "SIMULATD": True,
            "ORIGIN": "SIMULATED",
            "TELESCOP": "SDO/HMI",
            "INSTRUME": "SIMULATED",
            "CONTENT": "MAGNETOGRAM",
            "BUNIT": "Mx/cm^2",
            "DATE-OBS": observed.strftime("%Y-%m-%dT%H:%M:%S"),
            "T_OBS": stamp,
            "T_REC": stamp,
            "CADENCE": 3600.0,
            "HARPNUM": FIRST_SIMULATED_HARP + p.index - 1,
            "NOAA_AR": 0,
            "NOAA_NUM": 0,
            "NOAA_ARS": "MISSING",
            "QUALITY": 0,
            "WCSNAME": "Carrington Heliographic",
            "CTYPE1": "CRLN-CEA",
            "CTYPE2": "CRLT-CEA",
            "CUNIT1": "deg",
            "CUNIT2": "deg",
            "CRPIX1": (p.cols + 1) / 2,
            "CRPIX2": (p.rows + 1) / 2,
            "CRVAL1": (carrington + longitude) % 360.0,
            "CRVAL2": p.latitude,
            "CDELT1": _PIXEL_DEG,
            "CDELT2": _PIXEL_DEG,
            "CROTA2": 0.0,
            "CRLN_OBS": carrington,
            "CRLT_OBS": b0,
            "DSUN_OBS": distance,
            "RSUN_OBS": radius,
            "RSUN_REF": _RSUN_M,
            "OBS_VR": _orbital_velocity(t_rec),
            "LON_FWT": longitude,
            "LAT_FWT": p.latitude,
            "LONDTMIN": longitude - half_lon,
            "LONDTMAX": longitude + half_lon,
            "LATDTMIN": p.latitude - half_lat,
            "LATDTMAX": p.latitude + half_lat,
            # The box turns with the elements: equal pixels of two hours are one place.
            "OMEGA_DT": 24.0 * _rotation_deg_per_hour(p.latitude),
            "USFLUX": float(strong.sum(dtype=np.float64) * PIXEL_CM2),
            "CODEVER7": "simulated by hnn_core.simulation.evolution",
        }
    )

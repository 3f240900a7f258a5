"""Simulated elements drawn as a SHARP-like magnetogram with a real one's keywords."""

from collections.abc import Iterable
from functools import lru_cache

import astropy.units as u
import numpy as np
from astropy.io.fits import Header
from astropy.time import Time, TimeDelta
from scipy.ndimage import gaussian_filter
from sunpy.coordinates import sun

from hnn_core.magnetogram.magnetogram import Magnetogram
from hnn_core.magnetogram.sharp import FIRST_SIMULATED_HARP
from hnn_core.simulation.evolution import evolve
from hnn_core.simulation.population import HOURS, PIXEL_CM2, Population, RegionParameters

__all__ = ["region_positions", "region_times", "render", "simulate_region"]

_RSUN_M = 6.96e8  # RSUN_REF of the SHARP series
_PIXEL_DEG = 0.03
_PSF_PX = 1.7  # standard deviation; HMI resolves about 1 arcsec
_SATURATION_G = 2400.0  # strongest LOS field seen in large spots
_NOISE_G = 6.4  # per pixel, 720 s series (Couvidat et al. 2016)


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

    Flux is deposited bilinearly, smeared by a Gaussian point-spread function, saturated,
    projected onto the line of sight (radial field times mu) and given noise of its own seed. The
    magnetogram is marked simulated, with HARP number 900000 + index and no NOAA number.
    """
    p = parameters
    if not 0 <= hour < HOURS:
        raise ValueError(f"hour must lie between 0 and {HOURS - 1}, got {hour}")
    elements = evolve(p)
    gauss = _deposit(elements.x[hour], elements.y[hour], elements.flux[hour], (p.rows, p.cols))
    radial = gaussian_filter(gauss, _PSF_PX, mode="constant", truncate=3.5)
    np.tanh(radial / np.float32(_SATURATION_G), out=radial)
    radial *= np.float32(_SATURATION_G)

    t_rec = region_times(p)[hour]
    longitude = float(region_positions(p)[hour, 0])
    earth = _earth(p)[hour]
    field = radial * _mu(p, longitude, earth[1]).astype(np.float32)
    noise = np.random.default_rng([p.seed, 4, p.index, hour])
    field += np.float32(_NOISE_G) * noise.standard_normal(field.shape, np.float32)
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


def _deposit(x: np.ndarray, y: np.ndarray, flux: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Bilinear deposition of fluxes (Mx) as mean field (G), float32 (rows, cols).

    Elements that left the patch are dropped.
    """
    rows, cols = shape
    column, row = np.floor(x).astype(int), np.floor(y).astype(int)
    fx, fy = x - column, y - row
    grid = np.zeros(rows * cols)
    for dx, wx in ((0, 1 - fx), (1, fx)):
        for dy, wy in ((0, 1 - fy), (1, fy)):
            inside = (column + dx >= 0) & (column + dx < cols) & (row + dy >= 0) & (row + dy < rows)
            cell = ((row + dy) * cols + column + dx)[inside]
            grid += np.bincount(cell, (flux * wx * wy)[inside], rows * cols)
    return (grid / PIXEL_CM2).astype(np.float32).reshape(shape)


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


def _mu(p: RegionParameters, longitude: float, b0: float) -> np.ndarray:
    """Cosine of the heliocentric angle of every pixel, (rows, cols), patch taken as small."""
    lon = np.deg2rad(longitude + _PIXEL_DEG * (np.arange(p.cols) - (p.cols - 1) / 2))
    lat = np.deg2rad(p.latitude + _PIXEL_DEG * (np.arange(p.rows) - (p.rows - 1) / 2))[:, None]
    mu = np.sin(lat) * np.sin(np.deg2rad(b0)) + np.cos(lat) * np.cos(np.deg2rad(b0)) * np.cos(lon)
    return np.asarray(np.clip(mu, 0.0, 1.0))


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
    hours = (t_rec - Time("2013-01-01T00:00:00", scale="tai")).to_value(u.hour)
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
            # Geosynchronous orbit: amplitude 3 km/s with a period of one day.
            "OBS_VR": 3000.0 * float(np.sin(2 * np.pi * hours / 24.0)),
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

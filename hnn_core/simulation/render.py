"""Simulated regions as SHARP-like records: magnetograms and vectors with a real one's keywords."""

from collections.abc import Iterable
from functools import lru_cache
from numbers import Integral

import astropy.units as u
import numpy as np
from astropy.io.fits import Header
from astropy.time import Time, TimeDelta
from sunpy.coordinates import sun

from hnn_core.magnetogram.magnetogram import Magnetogram
from hnn_core.magnetogram.sharp import FIRST_SIMULATED_HARP
from hnn_core.magnetogram.vector import SEGMENTS, VectorMagnetogram
from hnn_core.simulation.instrument import (
    PIXEL_DEG,
    line_of_sight_field,
    true_field,
    vector_field,
)
from hnn_core.simulation.population import HOURS, PIXEL_CM2, Population, RegionParameters

__all__ = [
    "region_positions",
    "region_times",
    "render",
    "render_vector",
    "simulate_region",
]

_RSUN_M = 6.96e8  # RSUN_REF of the SHARP series


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
    _check_hour(hour)
    t_rec = region_times(p)[hour]
    longitude = float(region_positions(p)[hour, 0])
    earth = _earth(p)[hour]
    velocity = _orbital_velocity(t_rec)
    field = line_of_sight_field(p, true_field(p, hour), longitude, earth[1], velocity, hour)
    return _magnetogram(p, hour, field)


def render_vector(parameters: RegionParameters, hour: int) -> VectorMagnetogram:
    """Draw the field vector of one hour of a simulated region, as HMI's inversion would give it.

    Its noise is ten times larger across the line of sight than along it, and where the transverse
    field is weak some of it points the wrong way, which conf_disambig states.
    """
    p = parameters
    _check_hour(hour)
    longitude = float(region_positions(p)[hour, 0])
    seen = vector_field(p, true_field(p, hour), longitude, _earth(p)[hour][1], hour)
    return VectorMagnetogram(
        radial=seen.radial,
        southward=-seen.north,
        westward=seen.west,
        place=_magnetogram(p, hour, seen.radial),
        radial_error=seen.sigma[0],
        southward_error=seen.sigma[2],
        westward_error=seen.sigma[1],
        confidence=seen.confidence,
        bitmap=seen.bitmap,
        files={name: "simulated" for name in SEGMENTS if name != "continuum"},
    )


def _check_hour(hour: int) -> None:
    if not isinstance(hour, Integral) or not 0 <= hour < HOURS:
        raise ValueError(f"hours are whole numbers from 0 to {HOURS - 1}, got {hour}")


def _magnetogram(p: RegionParameters, hour: int, field: np.ndarray) -> Magnetogram:
    field.flags.writeable = False
    t_rec, longitude = region_times(p)[hour], float(region_positions(p)[hour, 0])
    tilting = ", tilting" if p.tilting else ""
    return Magnetogram(
        field=field,
        t_rec=t_rec,
        harp=FIRST_SIMULATED_HARP + p.index - 1,
        noaa=(),
        pixel_area=PIXEL_CM2 * u.cm**2,
        quality=0,
        longitude=longitude * u.deg,
        latitude=p.latitude * u.deg,
        header=_header(p, t_rec, longitude, _earth(p)[hour], field),
        origin=f"simulated (seed {p.seed}, region {p.index}{tilting})",
        simulated=True,
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


def _header(
    p: RegionParameters,
    t_rec: Time,
    longitude: float,
    earth: tuple[float, float, float, float],
    field: np.ndarray,
) -> Header:
    """Keywords of a SHARP CEA record; SIMULATD distinguishes it from a real one."""
    carrington, b0, distance, radius = earth
    half_lon, half_lat = PIXEL_DEG * p.cols / 2, PIXEL_DEG * p.rows / 2
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
            "CDELT1": PIXEL_DEG,
            "CDELT2": PIXEL_DEG,
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

"""Heliographic coordinates of patch pixels, exact from the magnetogram's WCS."""

import numpy as np

from hnn_core.exceptions import MissingKeywordError
from hnn_core.magnetogram.magnetogram import Magnetogram

__all__ = ["header_number", "heliographic_to_pixel", "mu_map", "pixel_to_heliographic"]

_MU_STEP = 16  # pixels between the places where μ is taken from the coordinates


def header_number(magnetogram: Magnetogram, key: str) -> float:
    """Read a keyword of the header as a number; NaN where it is absent or none."""
    value = magnetogram.header.get(key)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number else float("nan")


def mu_map(magnetogram: Magnetogram) -> np.ndarray:
    """Cosine of the heliocentric angle of every pixel, as seen from far away.

    Returns
    -------
    (rows, cols) float64 array
        Negative beyond the limb. Interpolated between every 16th pixel, right to 2e-5.

    Raises
    ------
    MissingKeywordError
        If the header holds no coordinates.
    """
    rows, cols = magnetogram.shape
    tilt = _known(magnetogram, "CRLT_OBS", "the angle to the line of sight is unknown")
    y, x = (
        np.unique(np.append(np.arange(0.0, length, _MU_STEP), length - 1.0))
        for length in (rows, cols)
    )
    longitude, latitude = pixel_to_heliographic(
        magnetogram, *(grid.ravel() for grid in np.meshgrid(x, y))
    )
    lon, lat, b0 = np.deg2rad(longitude), np.deg2rad(latitude), np.deg2rad(tilt)
    mu = np.sin(lat) * np.sin(b0) + np.cos(lat) * np.cos(b0) * np.cos(lon)
    down, across = _between(y, rows), _between(x, cols)
    return np.asarray(down @ mu.reshape(y.size, x.size) @ across.T)


def pixel_to_heliographic(
    magnetogram: Magnetogram, column: np.ndarray, row: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Heliographic position of points of a patch.

    SHARP patches are cylindrical equal-area about their own centre: longitude and latitude
    both vary along a row.

    Parameters
    ----------
    magnetogram : Magnetogram
    column, row : arrays of equal shape
        Native pixels from 0, whole numbers at pixel centres; row 0 is south.

    Returns
    -------
    longitude, latitude : float64 arrays of that shape, degrees
        Longitude from the central meridian (Stonyhurst, west positive, −180…180), latitude
        north positive. Never NaN on a patch: pixels off the disk have a position too.

    Raises
    ------
    MissingKeywordError
        If the header holds no projection or no CRLN_OBS.
    """
    meridian = _central_meridian(magnetogram)
    carrington, latitude = magnetogram.wcs.wcs_pix2world(column, row, 0)
    longitude = (np.asarray(carrington) - meridian + 180.0) % 360.0 - 180.0
    return longitude, np.asarray(latitude)


def heliographic_to_pixel(
    magnetogram: Magnetogram, longitude: np.ndarray, latitude: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Column and row of heliographic positions: the inverse of `pixel_to_heliographic`.

    Errors are those of it.

    Parameters
    ----------
    magnetogram : Magnetogram
    longitude, latitude : arrays of equal shape
        Degrees; longitude from the central meridian, west positive.

    Returns
    -------
    column, row : float64 arrays of that shape
    """
    carrington = np.asarray(longitude) + _central_meridian(magnetogram)
    column, row = magnetogram.wcs.wcs_world2pix(carrington, latitude, 0)
    return np.asarray(column), np.asarray(row)


def _between(places: np.ndarray, length: int) -> np.ndarray:
    """Weights of linear interpolation from some places to all whole ones, (length, places)."""
    one = np.eye(places.size)
    return np.stack([np.interp(np.arange(length), places, row) for row in one], axis=1)


def _central_meridian(magnetogram: Magnetogram) -> float:
    """Carrington longitude of the central meridian, degrees."""
    return _known(magnetogram, "CRLN_OBS", "longitudes from the central meridian cannot be derived")


def _known(magnetogram: Magnetogram, key: str, otherwise: str) -> float:
    value = header_number(magnetogram, key)
    if not np.isfinite(value):
        raise MissingKeywordError(f"{key} is {magnetogram.header.get(key)!r}: {otherwise}")
    return value

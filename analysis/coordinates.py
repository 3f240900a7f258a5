"""Heliographic coordinates of patch pixels, exact from the magnetogram's WCS."""

from functools import lru_cache

import numpy as np
from astropy.io.fits import Header
from astropy.wcs import WCS

from hnn_core.exceptions import MissingKeywordError
from hnn_core.magnetogram import Magnetogram

__all__ = ["heliographic_grid", "heliographic_to_pixel", "patch_wcs"]

_PROJECTION = ("CRPIX1", "CRPIX2", "CRVAL1", "CRVAL2", "CDELT1", "CDELT2")
_OPTIONAL = ("CROTA2", "PC1_1", "PC1_2", "PC2_1", "PC2_2", "LONPOLE", "LATPOLE")


def patch_wcs(magnetogram: Magnetogram) -> WCS:
    """Carrington WCS of the patch.

    SHARP patches are cylindrical equal-area about their own centre: longitude and latitude
    both vary along a row.

    Raises
    ------
    MissingKeywordError
        If a keyword of the projection is absent or is no number.
    """
    return _wcs(tuple(sorted(_cards(magnetogram).items())))


def heliographic_grid(magnetogram: Magnetogram) -> tuple[np.ndarray, np.ndarray]:
    """Heliographic position of every pixel centre.

    Returns
    -------
    longitude, latitude : (rows, cols) float32 arrays, degrees, read-only
        Longitude from the central meridian (Stonyhurst, west positive, −180…180) and
        latitude (north positive). Never NaN: pixels off the disk have a position too.

    Raises
    ------
    MissingKeywordError
        If a keyword of the projection or CRLN_OBS is absent.
    """
    cards = _cards(magnetogram)
    # The offset from the reference longitude does not change while a patch is tracked, so
    # that stepping through the hours computes the projection once.
    reference = float(cards.pop("CRVAL1"))
    offset, latitude = _grid(tuple(sorted(cards.items())), magnetogram.field.shape)
    meridian = _number(magnetogram.header, "CRLN_OBS")
    longitude = ((offset + (reference - meridian) + 180.0) % 360.0 - 180.0).astype(np.float32)
    longitude.setflags(write=False)
    return longitude, latitude


def heliographic_to_pixel(
    magnetogram: Magnetogram, longitude: np.ndarray, latitude: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Column and row (from 0, pixel centres whole) of heliographic positions.

    Parameters
    ----------
    magnetogram : Magnetogram
    longitude, latitude : arrays of equal shape
        Degrees; longitude from the central meridian, west positive.

    Returns
    -------
    column, row : float64 arrays of that shape

    Raises
    ------
    MissingKeywordError
        As `heliographic_grid`.
    """
    carrington = np.asarray(longitude) + _number(magnetogram.header, "CRLN_OBS")
    column, row = patch_wcs(magnetogram).wcs_world2pix(carrington, latitude, 0)
    return np.asarray(column), np.asarray(row)


def _number(header: Header, keyword: str) -> float:
    value = header.get(keyword)
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise MissingKeywordError(
            f"keyword {keyword} is {value!r}: without it pixels have no heliographic position"
        )
    return float(value)


def _cards(magnetogram: Magnetogram) -> dict[str, float | str]:
    header = magnetogram.header
    cards: dict[str, float | str] = {key: _number(header, key) for key in _PROJECTION}
    for axis, kind in ((1, "LN"), (2, "LT")):
        ctype = str(header.get(f"CTYPE{axis}"))
        if not (ctype.endswith("-CEA") and ctype[2:4] == kind):
            raise MissingKeywordError(
                f"keyword CTYPE{axis} is {ctype!r}: only cylindrical equal-area patches have axes"
            )
        cards[f"CTYPE{axis}"] = ctype
    cards |= {key: _number(header, key) for key in _OPTIONAL if key in header}
    return cards


@lru_cache(maxsize=32)
def _wcs(cards: tuple[tuple[str, float | str], ...]) -> WCS:
    # Only the projection goes in: dates and observer keywords make astropy warn about
    # header dialects that do not matter here.
    header = Header(cards)
    header["CUNIT1"] = header["CUNIT2"] = "deg"
    return WCS(header)


@lru_cache(maxsize=8)
def _grid(
    cards: tuple[tuple[str, float | str], ...], shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Longitude from the reference point and latitude, float32 degrees, read-only."""
    wcs = _wcs((*cards, ("CRVAL1", 0.0)))
    row, column = np.mgrid[: shape[0], : shape[1]]
    longitude, latitude = wcs.wcs_pix2world(column, row, 0)
    longitude = ((longitude + 180.0) % 360.0 - 180.0).astype(np.float32)
    latitude = latitude.astype(np.float32)
    longitude.setflags(write=False)
    latitude.setflags(write=False)
    return longitude, latitude

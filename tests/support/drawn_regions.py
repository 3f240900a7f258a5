"""Magnetograms drawn for tests of analysis/: fields whose lines and fluxes are known."""

import astropy.units as u
import numpy as np
from astropy.io.fits import Header
from astropy.time import Time

from hnn_core.magnetogram.magnetogram import Magnetogram
from tests.support.drawn_sharp import CARDS

PIXEL_AREA = 1.0e15 * u.cm**2


def boundary(rows: int = 80, cols: int = 120, strength: float = 500.0) -> np.ndarray:
    """float32 field: positive west of the middle column's edge, negative east of it."""
    field = np.full((rows, cols), strength, dtype=np.float32)
    field[:, : cols // 2] = -strength
    return field


def drawn_magnetogram(field: np.ndarray | None = None, **changes: object) -> Magnetogram:
    """Magnetogram of a drawn field with a SHARP's keywords, reference point in the middle."""
    field = boundary() if field is None else field
    rows, cols = field.shape
    header = Header({**CARDS, "CUNIT1": "deg", "CUNIT2": "deg"})
    header["CRPIX1"], header["CRPIX2"] = (cols + 1) / 2, (rows + 1) / 2
    header["USFLUX"] = 1.25e22
    values: dict[str, object] = {
        "field": field,
        "t_rec": Time("2011-02-13T05:00:00", scale="tai"),
        "harp": 377,
        "noaa": (11158,),
        "pixel_area": PIXEL_AREA,
        "quality": 0x10400,
        "longitude": -11.0 * u.deg,
        "latitude": -20.0 * u.deg,
        "header": header,
        "origin": "folder/drawn.fits",
    }
    return Magnetogram(**{**values, **changes})

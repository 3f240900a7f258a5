"""The line-of-sight magnetogram of an active region, and reading it from SHARP FITS."""

from dataclasses import dataclass, field as dataclass_field

import numpy as np
from astropy.io.fits import Header
from astropy.time import Time
from astropy.units import Quantity

__all__ = ["Magnetogram"]


@dataclass(frozen=True, eq=False)
class Magnetogram:
    """One line-of-sight magnetogram of an active-region patch (SHARP CEA).

    Row 0 is the southern edge, column 0 the eastern edge. The field is the line-of-sight
    component as observed, never divided by mu.
    """

    field: np.ndarray
    """float32 (rows, cols), gauss, NaN off the disk. Read-only."""
    t_rec: Time
    """T_REC, scale TAI."""
    harp: int
    noaa: tuple[int, ...]
    """NOAA active-region numbers (with the leading 1), empty when none is known."""
    pixel_area: Quantity
    """Area of one pixel on the Sun, cm2."""
    quality: int
    """QUALITY as an unsigned 32-bit number."""
    longitude: Quantity
    """Longitude from the central meridian, degrees, west positive: LON_FWT, else the
    middle of the patch; NaN when the file tells neither."""
    latitude: Quantity
    """Heliographic latitude, degrees, north positive: LAT_FWT, else the patch's middle."""
    header: Header = dataclass_field(default_factory=Header)
    """The image's keywords (cleaned), with the WCS."""
    origin: str = ""
    """File or source it came from, for provenance."""
    simulated: bool = False
    interpolated: bool = False
    """True for a frame made by interpolation in time to fill a gap."""

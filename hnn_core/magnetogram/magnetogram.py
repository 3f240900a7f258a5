"""The line-of-sight magnetogram of an active region, and reading it from SHARP FITS."""

import os
import warnings
from dataclasses import dataclass
from dataclasses import field as dataclass_field

import numpy as np
from astropy.io.fits import Header
from astropy.time import Time
from astropy.units import Quantity
from astropy.wcs import WCS, FITSFixedWarning

from hnn_core.exceptions import MissingKeywordError, OffLimbError, TruncatedFitsError
from hnn_core.magnetogram.fits import clean_header, read_header, read_pixels
from hnn_core.magnetogram.sharp import sharp_keywords

__all__ = ["Magnetogram", "read_fits"]


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
    middle of the patch; NaN when the file has neither."""
    latitude: Quantity
    """Heliographic latitude, degrees, north positive: LAT_FWT, else the patch's middle."""
    header: Header = dataclass_field(default_factory=Header)
    """The image's keywords (cleaned), with the WCS."""
    origin: str = ""
    """File or source it came from, for provenance."""
    simulated: bool = False
    interpolated: bool = False
    """True for a frame made by interpolation in time to fill a gap."""

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, cols) of the patch."""
        rows, cols = self.field.shape
        return rows, cols

    @property
    def wcs(self) -> WCS:
        """Carrington coordinates of the pixels, degrees, axis order (column, row).

        Raises
        ------
        MissingKeywordError
            If the file carried no coordinates (as-is files).
        """
        if "CTYPE1" not in self.header or "CRVAL1" not in self.header:
            raise MissingKeywordError(f"{self.origin} carries no coordinates (CTYPE1, CRVAL1).")
        with warnings.catch_warnings():
            # Dates and units are put into standard form; nothing the coordinates depend on.
            warnings.simplefilter("ignore", FITSFixedWarning)
            return WCS(self.header, naxis=2)


def read_fits(path: str | os.PathLike[str]) -> Magnetogram:
    """Read a SHARP CEA line-of-sight magnetogram.

    Everything that can be judged by the header is judged before a pixel is read. A file
    without keywords (as-is from JSOC) is understood by its name, see
    `hnn_core.magnetogram.sharp.sharp_keywords`: no position, and the pixel area of the series.

    Parameters
    ----------
    path : path
        Plain or gzipped; the image may be Rice-compressed behind an empty primary HDU.

    Returns
    -------
    Magnetogram

    Raises
    ------
    WrongInstrumentError
        Another instrument or segment.
    MissingKeywordError
        Region, time or scale are not known.
    TruncatedFitsError
        The file is empty, garbage, or ends early.
    OffLimbError
        Not one pixel is on the disk.
    FitsError
        Another projection, neither keywords nor a JSOC file name, a file that cannot be opened,
        or a header that claims more than 64 million pixels, of which nothing is read.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from astropy.io import fits
    >>> from hnn_core import read_fits, simulate_region
    >>> (frame,) = simulate_region(1, hours=[0])
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "magnetogram.fits"
    ...     fits.PrimaryHDU(frame.field, frame.header).writeto(path)
    ...     again = read_fits(path)
    >>> again.harp, again.shape == frame.shape, bool((again.field == frame.field).all())
    (900001, True, True)
    """
    image = read_header(path)
    keywords = sharp_keywords(image.keywords, str(path))
    if not image.whole:
        raise TruncatedFitsError(f"{path} ends before its last pixel; download it again.")
    field = read_pixels(path)
    if not np.isfinite(field).any():
        raise OffLimbError(f"{path} has no pixel on the disk: its whole field is NaN.")
    field.flags.writeable = False
    known = {name: value for name, value in vars(keywords).items() if name != "near_real_time"}
    return Magnetogram(field=field, header=clean_header(image.keywords), origin=str(path), **known)

"""The line-of-sight magnetogram of an active region, and reading it from SHARP FITS."""

import math
import os
import warnings
from dataclasses import dataclass
from dataclasses import field as dataclass_field

import numpy as np
from astropy.io.fits import Header
from astropy.time import Time
from astropy.units import Quantity
from astropy.wcs import WCS, FITSFixedWarning

from hnn_core.exceptions import MissingKeywordError, TruncatedFitsError
from hnn_core.magnetogram.conventions import finite_number
from hnn_core.magnetogram.fits import clean_header, read_header, read_pixels
from hnn_core.magnetogram.plausible import check_field, cut_out_note
from hnn_core.magnetogram.sharp import completed, sharp_keywords

__all__ = ["Magnetogram", "read_fits", "upright"]


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
    notes: tuple[str, ...] = ()
    """What is unusual about the file, in sentences: that it is a cut-out."""

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


def read_fits(path: str | os.PathLike[str], keywords: Header | None = None) -> Magnetogram:
    """Read a SHARP CEA line-of-sight magnetogram, as it is or refused (docs/reading.md).

    Everything that can be judged by the header is judged before a pixel is read. Rows or columns
    that run the other way are flipped by their WCS; other units of flux density become gauss. A
    file without keywords (as-is from JSOC) is understood by its name, see
    `hnn_core.magnetogram.sharp.sharp_keywords`: no position, and the pixel area of the series.

    Parameters
    ----------
    path : path
        Plain or packed by gzip or bzip2; the image may be compressed in tiles, may follow other
        HDUs and may be the only plane of a cube.
    keywords : Header, optional
        The record's, for a file that has none.

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
        The file is empty, garbage, ends early, or one of its checksums does not fit.
    OffLimbError
        Less than a tenth of the pixels is on the disk.
    FitsError
        Another projection or scale, neither keywords nor a JSOC file name, a file that cannot be
        opened, a value of the header or the field that is not to be believed, or a header that
        claims more than 4 million pixels, of which nothing is read.

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
    header = completed(image.keywords, keywords)
    known = sharp_keywords(header, str(path))
    if not image.whole:
        raise TruncatedFitsError(f"{path} ends before its last pixel; download it again.")
    note = cut_out_note(header, image.shape, str(path))
    field = read_pixels(path, image)
    if known.gauss != 1.0:
        field *= np.float32(known.gauss)
    header = clean_header(header)
    if "BUNIT" in header:
        header["BUNIT"] = "Mx/cm^2"
    field = upright(field, header)
    area = known.pixel_area.to_value("cm2")
    check_field(field, header, str(path), pixel_cm2=area, mu=known.mu, whole=not note)
    field.flags.writeable = False
    return Magnetogram(
        field=field,
        t_rec=known.t_rec,
        harp=known.harp,
        noaa=known.noaa,
        pixel_area=known.pixel_area,
        quality=known.quality,
        longitude=known.longitude,
        latitude=known.latitude,
        header=header,
        origin=str(path),
        simulated=known.simulated,
        interpolated=known.interpolated,
        notes=(note,) if note else (),
    )


def upright(field: np.ndarray, header: Header) -> np.ndarray:
    """Put the south below and the east left, in the field and, in place, in its header."""
    for axis, number in ((1, 1), (0, 2)):
        degrees = finite_number(header.get(f"CDELT{number}"))
        if degrees < 0:
            field = np.flip(field, axis)
            header[f"CDELT{number}"] = -degrees
            middle = finite_number(header.get(f"CRPIX{number}"))
            if math.isfinite(middle):
                header[f"CRPIX{number}"] = field.shape[axis] + 1 - middle
    return np.ascontiguousarray(field)

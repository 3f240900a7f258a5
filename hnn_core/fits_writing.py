"""Writing an image as JSOC does: tenths of a gauss, Rice-compressed behind an empty primary."""

import os
import warnings
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.io.fits import Header

from hnn_core.exceptions import FitsError
from hnn_core.fits_header import clean_header

__all__ = ["write_image"]

_BLANK = -(2**31)
_SCALE = 0.1


def write_image(
    path: str | os.PathLike[str], field: np.ndarray, header: Header, *, compress: bool = True
) -> None:
    """Write an image atomically: to ``<name>.part``, then renamed.

    Parameters
    ----------
    path : path
    field : ndarray (rows, cols)
        NaN becomes BLANK.
    header : Header
        Keywords of the image; those of the file's structure are replaced.
    compress : bool
        True: as JSOC does, whole tenths (BSCALE 0.1, 32 bit), Rice-compressed in HDU 1.
        Values are rounded to 0.1. False: plain float32 in HDU 0, exact.

    Raises
    ------
    FitsError
        The file cannot be written.
    """
    path = Path(path)
    header = clean_header(header)
    if compress:
        hdus = fits.HDUList([fits.PrimaryHDU(), _rice_hdu(field, header)])
    else:
        hdus = fits.HDUList([fits.PrimaryHDU(np.asarray(field, dtype=np.float32))])
        hdus[0].header.extend(header.cards, update=True)
    part = path.with_name(path.name + ".part")
    try:
        with warnings.catch_warnings():
            # HIERARCH and long-string notes about keywords that JSOC itself wrote.
            warnings.simplefilter("ignore", fits.verify.VerifyWarning)
            with part.open("wb") as stream:
                hdus.writeto(stream, output_verify="silentfix")
        part.replace(path)
    except OSError as error:
        raise FitsError(f"{path} cannot be written: {error}.") from error
    finally:
        part.unlink(missing_ok=True)


def _rice_hdu(field: np.ndarray, header: Header) -> fits.CompImageHDU:
    tenths = np.round(np.asarray(field, np.float64) / _SCALE)
    bad = ~np.isfinite(tenths)
    tenths[bad] = 0
    data = tenths.astype(np.int32)
    data[bad] = _BLANK
    hdu = fits.CompImageHDU(data, header=None, compression_type="RICE_1")
    hdu.header.extend(header.cards, update=True)
    hdu.header["BLANK"] = _BLANK
    hdu.header["BSCALE"] = _SCALE
    return hdu

"""FITS files as JSOC hands them out: bare as-is ones and exported ones with all keywords."""

import io
from functools import lru_cache

import numpy as np
from astropy.io import fits
from astropy.io.fits import Header

from tests.emulators.keywords import is_real, is_whole
from tests.emulators.real_region import RealRegion
from tests.emulators.regions import BLANK
from tests.emulators.world import WorldRegion

__all__ = ["as_is", "exported"]


@lru_cache(maxsize=400)
def as_is(region: WorldRegion, slot: int) -> bytes:
    """Pixels and structure only: nothing tells the time, the place or the region."""
    return _rice(region.tenths(slot), Header())


@lru_cache(maxsize=100)
def exported(region: WorldRegion, slot: int) -> bytes:
    """With all keywords in the header; those that are nan stand there as a bare nan."""
    if isinstance(region, RealRegion):
        return region.file(slot)
    header, bare = Header(), []
    for name, text in region.row(slot).items():
        key = name.replace("__", "-")
        if is_real(name) and text == "nan":
            bare.append(key)
            header[key] = 0
        elif text == "MISSING":
            header[key] = text
        elif is_whole(name):
            header[key] = int(text, 0)
        elif is_real(name):
            header[key] = float(text)
        else:
            header[key] = text.removesuffix("Z") if name.startswith("DATE") else text
    if region.harp % 2:
        header["T_REC"] = header["T_REC"].replace("_TAI", ".000_TAI")
    header["BUNIT"] = "Mx/cm^2"
    if region.simulated:
        header["SIMULATD"] = True
    raw = _rice(region.tenths(slot), header)
    for key in bare:
        start = raw.index(f"{key:8}=".encode())
        raw = raw[:start] + f"{key:8}= nan".ljust(80).encode() + raw[start + 80 :]
    return raw


def _rice(tenths: np.ndarray, header: Header) -> bytes:
    hdu = fits.CompImageHDU(tenths, header, compression_type="RICE_1")
    hdu.header["BLANK"] = BLANK
    hdu.header["BSCALE"] = 0.1
    stream = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(stream)
    return stream.getvalue()

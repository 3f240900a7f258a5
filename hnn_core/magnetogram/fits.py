"""Reading FITS files of JSOC as they really are: the header without pixels, then the pixels.

Nothing here knows what a keyword means; that is `hnn_core.magnetogram.sharp`.

Headers as JSOC writes them: repairing cards, and leaving out what describes the file.

Writing an image as JSOC does: tenths of a gauss, Rice-compressed behind an empty primary.
"""

import gzip
import math
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import numpy as np
from astropy.io import fits
from astropy.io.fits import Header
from astropy.io.fits.verify import VerifyError

from hnn_core.exceptions import FitsError, OversizeError, TruncatedFitsError, WrongInstrumentError

__all__ = [
    "MAX_PIXELS",
    "ImageHeader",
    "clean_header",
    "read_header",
    "read_pixels",
    "repair_cards",
    "write_image",
]


_STRUCTURE = re.compile(
    r"SIMPLE|XTENSION|BITPIX|NAXIS\d*|EXTEND|PCOUNT|GCOUNT|TFIELDS|T(?:TYPE|FORM)\d+|EXTNAME"
    r"|BSCALE|BZERO|BLANK|CHECKSUM|DATASUM"
    r"|Z(?:IMAGE|SIMPLE|BITPIX|NAXIS\d*|CMPTYPE|TILE\d+|NAME\d+|VAL\d+|QUANTIZ|DITHER0|BLANK"
    r"|SCALE|ZERO|TENSION|EXTEND|PCOUNT|GCOUNT|HECKSUM|DATASUM)"
)


def repair_cards(header: Header) -> Header:
    """Repair unparsable cards (bare ``nan``) one by one; a card beyond repair is dropped."""
    broken = []
    for index, card in enumerate(header.cards):
        try:
            card.verify("silentfix")
            _ = card.value
        except (VerifyError, ValueError):
            broken.append(index)
    for index in reversed(broken):
        del header[index]
    return header


def clean_header(header: Header) -> Header:
    """Return the keywords that describe the image, without those that describe the file.

    CUNIT ``degree`` becomes the standard ``deg``; errors of the coordinates that are ``nan``
    are dropped, since FITS cannot hold them. Other ``nan`` remain as the string ``"nan"``.
    """
    kept = Header()
    for card in header.cards:
        keyword, value = card.keyword, card.value
        if _STRUCTURE.fullmatch(keyword) or keyword in ("", "COMMENT", "HISTORY"):
            continue
        if keyword.startswith(("CRDER", "CSYSER")) and str(value).strip().lower() == "nan":
            continue
        if keyword.startswith("CUNIT") and str(value).strip().lower() in ("degree", "degrees"):
            value = "deg"
        if keyword not in kept:
            kept.append((keyword, value, card.comment), end=True)
    return kept


MAX_PIXELS = 64_000_000
"""More pixels than any active-region patch has: four full disks of HMI."""

_BLOCK = 2880
_MAX_HDUS = 4


@dataclass(frozen=True)
class ImageHeader:
    """What a file tells of its image before a pixel is read."""

    keywords: Header
    """As stored, with the structural keywords. Bare ``nan`` cards are repaired to the string
    ``"nan"``."""
    shape: tuple[int, int]
    """(rows, cols) that the header claims."""
    whole: bool
    """False for a file shorter than its header says; a gzipped one shows it on decoding."""


def read_header(path: str | os.PathLike[str]) -> ImageHeader:
    """Read the keywords of the first two-dimensional image; no pixel is touched.

    Parameters
    ----------
    path : path
        A FITS file, plain or gzipped. The image may be Rice-compressed and may follow an
        empty primary HDU.

    Raises
    ------
    TruncatedFitsError
        The file is empty, garbage, or ends within a header.
    OversizeError
        The header claims more than `MAX_PIXELS` pixels.
    WrongInstrumentError
        There is no two-dimensional image.
    FitsError
        The file cannot be opened.
    """
    path = Path(path)
    with _translated(path), _open(path) as stream:
        if stream.read(9) != b"SIMPLE  =":
            raise TruncatedFitsError(f"{path} is empty or not a FITS file.")
        stream.seek(0)
        for _ in range(_MAX_HDUS):
            header = repair_cards(Header.fromfile(stream))
            end = stream.tell() + _data_bytes(header)
            shape = _image_shape(header, path)
            if shape is not None:
                whole = _is_gzipped(path) or path.stat().st_size >= end
                return ImageHeader(header, shape, whole)
            stream.seek(-(-end // _BLOCK) * _BLOCK)
            if not stream.read(1):
                break
            stream.seek(-1, os.SEEK_CUR)
    raise WrongInstrumentError(f"{path} holds no two-dimensional image.")


def read_pixels(path: str | os.PathLike[str]) -> np.ndarray:
    """Read the first two-dimensional image.

    Call `read_header` first: it refuses what is too large to be read and tells whether the
    file is whole.

    Returns
    -------
    ndarray, float32 (rows, cols)
        BSCALE and BZERO applied; BLANK and infinite pixels are NaN.

    Raises
    ------
    TruncatedFitsError
        The data end early or cannot be decoded.
    FitsError
        The file cannot be opened.
    """
    path = Path(path)
    with _translated(path), fits.open(path, memmap=False) as hdus:
        image = next((hdu for hdu in hdus if hdu.is_image and hdu.header.get("NAXIS") == 2), None)
        if image is None:
            raise TruncatedFitsError(f"{path} ends before its image; download it again.")
        field = np.array(image.data, dtype=np.float32)
    field[np.isinf(field)] = np.nan
    return field


def _open(path: Path) -> IO[bytes]:
    """Open a file that may be gzipped, whatever its name says."""
    return cast(IO[bytes], gzip.open(path, "rb")) if _is_gzipped(path) else path.open("rb")


def _is_gzipped(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(2) == b"\x1f\x8b"


def _image_shape(header: Header, path: Path) -> tuple[int, int] | None:
    """Return (rows, cols) of an image HDU, None for one without an image."""
    prefix = "Z" if header.get("ZIMAGE") is True else ""
    if header.get("XTENSION", "IMAGE").strip() != "IMAGE" and not prefix:
        return None
    axes = header.get(f"{prefix}NAXIS", 0)
    if axes == 0:
        return None
    if axes != 2:
        raise WrongInstrumentError(f"{path} holds an image of {axes} axes, not of two.")
    cols, rows = (header.get(f"{prefix}NAXIS{axis}") for axis in (1, 2))
    if not (isinstance(cols, int) and isinstance(rows, int) and cols > 0 and rows > 0):
        raise TruncatedFitsError(f"{path} claims an image of {cols} by {rows} pixels.")
    if rows * cols > MAX_PIXELS:
        raise OversizeError(
            f"{path} claims {cols} by {rows} pixels, more than the {MAX_PIXELS // 10**6} million "
            "that a patch may have; it was not read."
        )
    return rows, cols


def _data_bytes(header: Header) -> int:
    """Length of the data unit that follows a header, without its padding."""
    axes = int(header.get("NAXIS", 0))
    pixels = math.prod(int(header[f"NAXIS{i + 1}"]) for i in range(axes)) if axes else 0
    size = (pixels + int(header.get("PCOUNT", 0))) * int(header.get("GCOUNT", 1))
    return max(size * abs(int(header.get("BITPIX", 8))) // 8, 0)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Turn what Python and astropy raise on bad files into `FitsError`."""
    try:
        with warnings.catch_warnings():
            # Truncation and odd cards are judged here; astropy's warnings would only repeat it.
            warnings.simplefilter("ignore")
            yield
    except FitsError:
        raise
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise FitsError(f"{path} cannot be opened: {error.strerror}.") from error
    except Exception as error:
        # Everything else astropy raises on a damaged file: OSError, TypeError, VerifyError, and
        # the decoder's own class, which is private.
        raise TruncatedFitsError(
            f"{path} is truncated or damaged ({type(error).__name__}); download it again."
        ) from error


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

"""FITS files of JSOC as they really are: header and pixels.

Nothing here knows what a keyword means; that is `hnn_core.magnetogram.sharp`.
"""

import gzip
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.io.fits import Header
from astropy.io.fits.verify import VerifyError

from hnn_core.exceptions import FitsError, TruncatedFitsError, WrongInstrumentError

__all__ = ["clean_header", "read_header", "read_pixels", "repair_cards"]

_MAX_PIXELS = 64_000_000  # more than any active-region patch has: four full disks of HMI
_MAX_HDUS = 4
_STRUCTURE = re.compile(
    r"SIMPLE|XTENSION|BITPIX|NAXIS\d*|EXTEND|PCOUNT|GCOUNT|TFIELDS|T(?:TYPE|FORM)\d+|EXTNAME"
    r"|BSCALE|BZERO|BLANK|CHECKSUM|DATASUM"
    r"|Z(?:IMAGE|SIMPLE|BITPIX|NAXIS\d*|CMPTYPE|TILE\d+|NAME\d+|VAL\d+|QUANTIZ|DITHER0|BLANK"
    r"|SCALE|ZERO|TENSION|EXTEND|PCOUNT|GCOUNT|HECKSUM|DATASUM)"
)


@dataclass(frozen=True)
class _ImageHeader:
    """What is known of a file's image before a pixel is read."""

    keywords: Header
    """As stored, with the structural keywords. Bare ``nan`` cards are repaired to the string
    ``"nan"``."""
    shape: tuple[int, int]
    """(rows, cols) that the header claims."""
    whole: bool
    """False for a file shorter than its header claims; a gzipped one shows it on decoding."""


def read_header(path: str | os.PathLike[str]) -> _ImageHeader:
    """Read the keywords of the first two-dimensional image; no pixel is touched.

    Parameters
    ----------
    path : path
        A FITS file, plain or gzipped. The image may be Rice-compressed and may follow an
        empty primary HDU.

    Raises
    ------
    TruncatedFitsError, WrongInstrumentError, FitsError
        As for `hnn_core.magnetogram.magnetogram.read_fits`; a file that ends within its data is
        not refused yet.
    """
    path = Path(path)
    with _translated(path), _open(path) as stream:
        if stream.read(9) != b"SIMPLE  =":
            raise TruncatedFitsError(f"{path} is empty or not a FITS file.")
        stream.seek(0)
        for _ in range(_MAX_HDUS):
            header = repair_cards(Header.fromfile(stream))
            shape = _image_shape(header, path)
            if shape is not None:
                end = stream.tell() + header.data_size
                whole = _is_gzipped(path) or path.stat().st_size >= end
                return _ImageHeader(header, shape, whole)
            stream.seek(header.data_size_padded, os.SEEK_CUR)
            if not stream.peek(1):
                break
    raise WrongInstrumentError(f"{path} holds no two-dimensional image.")


def read_pixels(path: str | os.PathLike[str]) -> np.ndarray:
    """Read the first two-dimensional image.

    Call `read_header` first: it refuses what is too large to be read and knows whether the
    file is whole.

    Returns
    -------
    ndarray, float32 (rows, cols)
        BSCALE and BZERO applied; BLANK and infinite pixels are NaN.

    Raises
    ------
    TruncatedFitsError, FitsError
        As for `hnn_core.magnetogram.magnetogram.read_fits`.
    """
    path = Path(path)
    with _translated(path), fits.open(path, memmap=False) as hdus:
        image = next((hdu for hdu in hdus if hdu.is_image and hdu.header.get("NAXIS") == 2), None)
        if image is None:
            raise TruncatedFitsError(f"{path} ends before its image; download it again.")
        field = np.array(image.data, dtype=np.float32)
    field[np.isinf(field)] = np.nan
    return field


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


def _open(path: Path) -> BufferedReader | gzip.GzipFile:
    """Open a file that may be gzipped, whatever its name ends in."""
    return gzip.open(path, "rb") if _is_gzipped(path) else path.open("rb")


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
    if rows * cols > _MAX_PIXELS:
        raise FitsError(
            f"{path} claims {cols} by {rows} pixels, more than the {_MAX_PIXELS // 10**6} million "
            "that a patch may have; it was not read."
        )
    return rows, cols


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

"""Putting a record's keywords into the header of its as-is file, which holds pixels only."""

import io
from collections.abc import Mapping
from pathlib import Path

from astropy.io.fits import Header

from hnn_core.dataset.work_folder import write_atomically
from hnn_core.exceptions import TruncatedFitsError
from hnn_core.fits_header import repair_cards
from hnn_core.jsoc.keywords import record_cards
from hnn_core.jsoc.series import Series

__all__ = ["join", "joined"]

_BLOCK = 2880
_MAX_HDUS = 4
_STALE = ("CHECKSUM", "EXTNAME")
"""The checksum covers the header, which changes; DATASUM, of the pixels, stays true."""


def join(as_is: Path, keywords: Mapping[str, str], target: Path, *, series: Series) -> int:
    """Write `joined` so that the target is there whole or not at all; returns its bytes."""
    content, _ = joined(as_is.read_bytes(), keywords, series=series)
    write_atomically(target, content)
    return len(content)


def joined(content: bytes, keywords: Mapping[str, str], *, series: Series) -> tuple[bytes, Header]:
    """Add a record's keywords to the header of the image.

    The pixels stay as they are, compressed, byte for byte. The same file and keywords give the
    same bytes. A file that has its keywords already, an export, is returned as it is. Padding that
    is missing at the end of either is added.

    Parameters
    ----------
    content : bytes
        A whole FITS file; the image is in HDU 0 or in one that follows it.
    keywords : mapping
        The record's keywords, as JSOC answers them.
    series : Series

    Returns
    -------
    content : bytes
        The file.
    header : Header
        The image's header in it, as stored.

    Raises
    ------
    TruncatedFitsError
        There is no image.
    """
    stream = io.BytesIO(content)
    for _ in range(_MAX_HDUS):
        start = stream.tell()
        if start >= len(content):
            break
        header = Header.fromfile(stream)
        if _is_image(header):
            data = content[stream.tell() :]
            repair_cards(header)
            if "T_REC" in header:
                return content + bytes(-len(content) % _BLOCK), header
            _add_keywords(header, keywords, series)
            whole = content[:start] + header.tostring().encode("ascii") + data
            return whole + bytes(-len(whole) % _BLOCK), header
        stream.seek(-(-header.data_size // _BLOCK) * _BLOCK, io.SEEK_CUR)
    raise TruncatedFitsError("The file holds no image; download it again.")


def _add_keywords(header: Header, keywords: Mapping[str, str], series: Series) -> None:
    for key in _STALE:
        header.remove(key, ignore_missing=True)
    for key, value in record_cards(keywords, series).items():
        if key in header:
            header[key] = value
        else:
            header.append((key, value), bottom=True)


def _is_image(header: Header) -> bool:
    return header.get("ZIMAGE") is True or (
        header.get("NAXIS") == 2 and header.get("XTENSION", "IMAGE").strip() == "IMAGE"
    )

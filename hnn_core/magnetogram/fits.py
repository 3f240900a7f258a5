"""FITS files of JSOC as they really are: which image, its keywords, its pixels, their checksum.

Of what a keyword means only that HARPNUM and T_REC mark a SHARP record; the rest is
`hnn_core.magnetogram.sharp`. Whatever a file claims, what is read of it has a bound.
"""

import os
import re
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.io.fits import Card, Header
from astropy.io.fits.verify import VerifyError

from hnn_core.exceptions import (
    FitsError,
    HnnError,
    MachineError,
    TruncatedFitsError,
    WrongInstrumentError,
)
from hnn_core.magnetogram.packed import MAX_BYTES, FileStream, check_tiles, drain, open_file
from hnn_core.storage import fault_words

__all__ = ["ImageHeader", "clean_header", "read_header", "read_pixels", "repair_cards"]

_MAX_PIXELS = 4_000_000  # 90 by 40 degrees; the largest patches have half of that
_MAX_HDUS = 32
_MAX_CARDS = 3600  # a SHARP header has 210
_BLOCK, _CARD = 2880, 80
_MARKS = ("HARPNUM", "T_REC")
_STRUCTURE = re.compile(
    r"SIMPLE|XTENSION|BITPIX|NAXIS\d*|EXTEND|PCOUNT|GCOUNT|GROUPS|TFIELDS|THEAP|EXTNAME"
    r"|T(?:TYPE|FORM|NULL|SCAL|ZERO|DIM)\d+|BSCALE|BZERO|BLANK|CHECKSUM|DATASUM"
    r"|Z(?:IMAGE|SIMPLE|BITPIX|NAXIS\d*|CMPTYPE|TILE\d+|NAME\d+|VAL\d+|QUANTIZ|DITHER0|BLANK"
    r"|SCALE|ZERO|TENSION|EXTEND|PCOUNT|GCOUNT|HECKSUM|DATASUM)"
)
_KEYWORD = re.compile(r"(?!COMMENT$|HISTORY$)[A-Z0-9_-]{1,8}")
_PRIMARY = Header([("SIMPLE", True), ("BITPIX", 8), ("NAXIS", 0), ("EXTEND", True)]).tostring()


@dataclass(frozen=True)
class ImageHeader:
    """What is known of a file's image before a pixel is read."""

    keywords: Header
    """As stored, with the structural keywords. Bare ``nan`` cards are repaired to the string
    ``"nan"``."""
    shape: tuple[int, int]
    """(rows, cols) that the header claims."""
    whole: bool
    """False for a file shorter than its header claims; a packed one shows it on decoding."""
    start: int
    """Byte of the unpacked file at which the image's header begins."""
    data: int
    """Byte at which its data begin."""


def read_header(
    path: str | os.PathLike[str], *, only: Collection[str] | None = None
) -> ImageHeader:
    """Read the keywords of the magnetogram's image; no pixel is touched.

    Of several images it is the one with the keywords HARPNUM and T_REC, of several such the one
    whose DRMS_ID or EXTNAME names the magnetogram. A file whose only image has no keywords gets
    those of its primary HDU.

    Parameters
    ----------
    path : path
        A FITS file, plain or packed by gzip or bzip2. The image may be compressed in tiles. A cube
        with one plane is an image.
    only : collection of str, optional
        Keywords to parse beside the structural ones, where the others are of no interest: parsing
        is what takes the time.

    Raises
    ------
    TruncatedFitsError, WrongInstrumentError, FitsError
        As for `hnn_core.magnetogram.magnetogram.read_fits`; a file that ends within its data is
        not refused yet.
    """
    path = Path(path)
    with _translated(path), open_file(path) as stream:
        found = list(_images(stream, path, only))
        primary, images = found[0][0], [(header, at) for header, at in found if _is_image(header)]
        header, (start, data) = _choose(images, path)
        shape = _shape(header, path)
        end = data + header.data_size
        whole = stream.packed or stream.size >= end
    if not _marked(header) and _marked(primary):
        header = header + Header(card for card in primary.cards if not _structural(card.keyword))
    return ImageHeader(header, shape, whole, start, data)


def read_pixels(path: str | os.PathLike[str], image: ImageHeader) -> np.ndarray:
    """Read an image and verify the checksums that its file carries.

    Parameters
    ----------
    path : path
    image : ImageHeader
        From `read_header`, which refuses what is too large to be read.

    Returns
    -------
    ndarray, float32 (rows, cols)
        BSCALE and BZERO applied; BLANK and infinite pixels are NaN.

    Raises
    ------
    TruncatedFitsError, FitsError
        As for `hnn_core.magnetogram.magnetogram.read_fits`. DATASUM, CHECKSUM and ZDATASUM are
        verified where they are there, and so is the check of a gzip or bzip2 file.
    """
    path = Path(path)
    header = image.keywords
    with _translated(path):
        with open_file(path) as stream:
            stream.seek(image.start)
            head = stream.read(image.data - image.start)
            data = stream.read(header.data_size)
            if len(data) < header.data_size:
                raise TruncatedFitsError(f"{path} ends before its last pixel; download it again.")
            drain(stream)
        data += bytes(-len(data) % _BLOCK)
        _check_sums(header, head, data, path)
        values = _decode(header, data, path).reshape(image.shape)
        field = np.array(values, dtype=np.float32)
        infinite = np.isinf(field)
        if infinite.any():
            if np.isfinite(values[infinite]).any():
                raise FitsError(f"{path} has pixels beyond 10³⁸; it was not read.")
            field[infinite] = np.nan
    return field


def repair_cards(header: Header) -> Header:
    """Repair unparsable cards (bare ``nan``) one by one; a card beyond repair is dropped."""
    broken = []
    for index, card in enumerate(header.cards):
        try:
            _ = card.value
        except (VerifyError, ValueError):
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
    are dropped, since FITS cannot hold them, and so are damaged names. Other ``nan`` remain as the
    string ``"nan"``.
    """
    kept: dict[str, Card] = {}
    for card in header.cards:
        keyword, value = card.keyword, card.value
        if _structural(keyword) or not _KEYWORD.fullmatch(keyword) or keyword in kept:
            continue
        if keyword.startswith(("CRDER", "CSYSER")) and str(value).strip().lower() == "nan":
            continue
        if keyword.startswith("CUNIT") and str(value).strip().lower() in ("degree", "degrees"):
            value = "deg"
        with suppress(ValueError):  # what no header can hold, as infinity, says nothing
            kept[keyword] = Card(keyword, value, card.comment)
    return Header(kept.values())


def _images(
    stream: FileStream, path: Path, only: Collection[str] | None
) -> Iterator[tuple[Header, tuple[int, int]]]:
    """Yield each HDU's header, and the bytes at which it and its data begin."""
    if stream.read(9) != b"SIMPLE  =":
        raise TruncatedFitsError(f"{path} is empty or not a FITS file.")
    stream.seek(0)
    for _ in range(_MAX_HDUS):
        start = stream.tell()
        raw = _raw_header(stream, path)
        if raw is None:
            return
        header = repair_cards(Header.fromstring(_chosen_cards(raw, only)))
        data = stream.tell()
        yield header, (start, data)
        if not 0 <= header.data_size <= MAX_BYTES:
            return  # if it is the image that is meant, it is refused
        stream.seek(data + header.data_size_padded)


def _raw_header(stream: FileStream, path: Path) -> bytes | None:
    """Read a header with its last block; None where no further HDU begins."""
    raw = b""
    while len(raw) < _MAX_CARDS * _CARD:
        block = stream.read(_BLOCK)
        if not raw and block[:9] not in (b"SIMPLE  =", b"XTENSION="):
            return None  # what follows the last HDU is of no concern
        if len(block) < _BLOCK:
            raise TruncatedFitsError(f"{path} ends within a header; download it again.")
        raw += block
        for at in range(len(raw) - _BLOCK, len(raw), _CARD):
            if raw[at : at + _CARD].rstrip() == b"END":
                return raw
    raise FitsError(f"{path} has a header of more than {_MAX_CARDS} cards; it was not read.")


def _chosen_cards(raw: bytes, only: Collection[str] | None) -> bytes:
    """Return the cards of some keywords and the structural ones, each with its continuation."""
    if only is None:
        return raw
    chosen, wanted = [], False
    for at in range(0, len(raw), _CARD):
        card = raw[at : at + _CARD]
        keyword = card[:8].decode("latin-1").rstrip()
        if keyword != "CONTINUE":
            wanted = keyword in only or _structural(keyword)
        if wanted:
            chosen.append(card)
    return b"".join(chosen)


def _structural(keyword: str) -> bool:
    return _STRUCTURE.fullmatch(keyword) is not None


def _marked(header: Header) -> bool:
    """Whether a header is that of a SHARP record."""
    return any(key in header for key in _MARKS)


def _is_image(header: Header) -> bool:
    """Whether an HDU holds an image, in tiles or not."""
    if header.get("ZIMAGE") is True:
        return True
    kind = str(header.get("XTENSION", "IMAGE")).strip()
    return kind == "IMAGE" and header.get("NAXIS", 0) != 0


def _choose(
    images: list[tuple[Header, tuple[int, int]]], path: Path
) -> tuple[Header, tuple[int, int]]:
    """Return the image of the magnetogram: by its keywords, then by the segment it names."""
    if not images:
        raise WrongInstrumentError(f"{path} holds no two-dimensional image.")
    among = [image for image in images if _marked(image[0])] or images
    if len(among) == 1:
        return among[0]
    named = [image for image in among if "magnetogram" in _segment_names(image[0])]
    if len(named) == 1:
        return named[0]
    raise WrongInstrumentError(
        f"{path} holds {len(among)} images, and neither keywords (HARPNUM, T_REC) nor EXTNAME say "
        "which is the magnetogram; keep one in the file."
    )


def _segment_names(header: Header) -> tuple[str, str]:
    named = (header.get("EXTNAME", ""), str(header.get("DRMS_ID", "")).rpartition(":")[2])
    first, second = (str(name).strip().lower() for name in named)
    return first, second


def _shape(header: Header, path: Path) -> tuple[int, int]:
    """Return (rows, cols) of an image HDU, or refuse it."""
    prefix = "Z" if header.get("ZIMAGE") is True else ""
    axes = header.get(f"{prefix}NAXIS")
    if not isinstance(axes, int) or not 2 <= axes <= 9:
        raise WrongInstrumentError(f"{path} holds an image of {axes} axes, not of two.")
    sizes = [header.get(f"{prefix}NAXIS{axis}") for axis in range(1, axes + 1)]
    if not all(isinstance(size, int) and size > 0 for size in sizes):
        raise TruncatedFitsError(f"{path} claims an image of {sizes[0]} by {sizes[1]} pixels.")
    cols, rows, *others = sizes
    if any(size != 1 for size in others):
        raise WrongInstrumentError(
            f"{path} holds an image of {axes} axes, {' by '.join(map(str, sizes))}, not of two."
        )
    if not prefix and header.data_size * 8 != rows * cols * abs(header["BITPIX"]):
        raise TruncatedFitsError(
            f"{path} claims {header.data_size} bytes for {cols} by {rows} pixels."
        )
    if rows * cols > _MAX_PIXELS or header.data_size > MAX_BYTES:
        raise FitsError(
            f"{path} claims {cols} by {rows} pixels in {header.data_size} bytes, more than the "
            f"{_MAX_PIXELS // 10**6} million pixels that an active-region patch may have; it was "
            "not read."
        )
    return rows, cols


def _check_sums(header: Header, head: bytes, data: bytes, path: Path) -> None:
    """Verify DATASUM and CHECKSUM, as the FITS standard defines them, where they are there."""
    found = _ones_sum(data)
    stated = str(header.get("DATASUM", "")).strip()
    if stated and stated != str(found):
        raise TruncatedFitsError(
            f"{path} is damaged: the sum of its data is {found}, its DATASUM {stated}; download it "
            "again."
        )
    # The sum of all words, its own 16 characters among them, is made to be "minus zero".
    if str(header.get("CHECKSUM", "")).strip() and _ones_sum(head + data) != 0xFFFF_FFFF:
        raise TruncatedFitsError(
            f"{path} is damaged, or its header was changed after it was written: its CHECKSUM does "
            "not fit; download it again, or write it with a new checksum."
        )


def _ones_sum(content: bytes) -> int:
    """Return the ones' complement sum of the 32-bit words of whole blocks."""
    total = int(np.frombuffer(content, ">u4").sum(dtype=np.uint64))
    while total >> 32:
        total = (total & 0xFFFF_FFFF) + (total >> 32)
    return total


def _decode(header: Header, data: bytes, path: Path) -> np.ndarray:
    """Have astropy decode an image from its structural keywords and its data alone.

    With all keywords it takes five times as long.
    """
    kept = Header(card for card in header.cards if _structural(card.keyword))
    start = "" if "SIMPLE" in kept else _PRIMARY
    content = (start + kept.tostring()).encode("latin-1") + data
    tiled = header.get("ZIMAGE") is True
    if tiled:
        check_tiles(content, header, path)
    with fits.open(BytesIO(content), memmap=False) as hdus:
        values: np.ndarray = hdus[-1].data
    stated = str(header.get("ZDATASUM", "")).strip()
    if tiled and stated and header.get("ZBITPIX", 0) > 0:
        with fits.open(BytesIO(content), do_not_scale_image_data=True) as hdus:
            stored = hdus[-1].data
        plain = stored.astype(stored.dtype.newbyteorder(">")).tobytes()
        if stated != str(_ones_sum(plain + bytes(-len(plain) % _BLOCK))):
            raise TruncatedFitsError(
                f"{path} is damaged: its pixels do not fit its ZDATASUM; download it again."
            )
    return values


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Turn what libraries raise on bad files into `FitsError`, not faults of the machine."""
    try:
        with warnings.catch_warnings():
            # Truncation and odd cards are judged here; astropy's warnings would only repeat it.
            warnings.simplefilter("ignore")
            yield
    except HnnError:
        raise
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise FitsError(f"{path} cannot be opened: {error.strerror}.") from error
    except Exception as error:
        if words := fault_words(error):  # the file may be sound
            raise MachineError(f"{path} was not read. {words}") from error
        # Everything else astropy raises on a damaged file: OSError, TypeError, VerifyError, and
        # the decoder's own class, which is private.
        raise TruncatedFitsError(
            f"{path} is truncated or damaged ({type(error).__name__}); download it again."
        ) from error

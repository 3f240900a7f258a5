"""The magnetograms fetched from JSOC, one file a record, in folders by series and HARP.

A file gets its name only once it was checked. As-is files, which hold pixels only, get their
record's keywords before; no compressed byte is touched.
"""

import hashlib
import io
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from astropy.io import fits
from astropy.io.fits import Header

from hnn_core.exceptions import (
    FitsError,
    MissingKeywordError,
    TruncatedFitsError,
    WrongInstrumentError,
)
from hnn_core.jsoc.keywords import NEAR_REAL_TIME, Series, record_cards
from hnn_core.magnetogram.conventions import format_t_rec, tai_seconds
from hnn_core.magnetogram.fits import read_header, read_pixels, repair_cards
from hnn_core.magnetogram.sharp import sharp_keywords
from hnn_core.services.endpoints import live_home
from hnn_core.storage import write_atomically

__all__ = [
    "Kept",
    "cache_home",
    "cached",
    "digest_flaw",
    "is_whole",
    "keep",
    "record_path",
    "region_folder",
    "remove_leftovers",
]

_BLOCK, _CARD = 2880, 80
_STALE = ("CHECKSUM", "EXTNAME")
"""The checksum covers the header, which changes; DATASUM, of the pixels, stays true."""


def cache_home() -> Path:
    """Return the folder of the cache; it may not exist yet."""
    return live_home() / "jsoc"


def region_folder(series: Series, harp: int) -> Path:
    """Return the folder of a region; it may not exist yet."""
    return cache_home() / series.folder / str(harp)


def record_path(series: Series, harp: int, t_rec: float) -> Path:
    """Return where the file of a record is, or would be; `t_rec` in unix_tai seconds."""
    return region_folder(series, harp) / series.file_name(harp, t_rec)


def cached(series: Series, harp: int) -> list[Path]:
    """List the files of a region, ascending in time."""
    return sorted(region_folder(series, harp).glob(f"{series.name}.{harp}.*.fits"))


def digest_flaw(path: Path) -> str:
    """Say whether a file is another than when it was fetched; empty if not, or if not known.

    A file that has no DATASUM or CHECKSUM of its own has its SHA-256 in a file next to it, as
    sha256sum writes it.
    """
    side = _digest_path(path)
    try:
        stated = side.read_text(encoding="ascii").split()[0]
    except FileNotFoundError:
        return ""
    except (OSError, ValueError, IndexError):
        return f"{side} cannot be read."
    if hashlib.sha256(path.read_bytes()).hexdigest() == stated:
        return ""
    return f"{path} is damaged: its SHA-256 is not the one of {side.name}."


def _digest_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def remove_leftovers(folder: Path) -> None:
    """Remove what interrupted downloads left; only the holder of the region's lock may."""
    for part in folder.glob("*.part"):
        part.unlink(missing_ok=True)


def is_whole(path: Path) -> bool:
    """Tell whether a file is there and as long as its headers claim; no pixel is decoded.

    Pixels are decoded once, before a file gets its name. Here only the cards with sizes are read:
    a whole cache may be looked through, and astropy takes twenty times as long.
    """
    try:
        with path.open("rb") as stream:
            while not (data := _data_bytes(stream)):
                pass
            return stream.tell() + data <= path.stat().st_size
    except (OSError, ValueError, KeyError):
        return False


def _data_bytes(stream: BinaryIO) -> int:
    """Read one header and return the bytes of the data that follow it."""
    sizes: dict[bytes, int] = {}
    while block := stream.read(_BLOCK):
        for start in range(0, len(block), _CARD):
            card = block[start : start + _CARD]
            key = card[:8].rstrip()
            if key == b"END":
                axes = [sizes[b"NAXIS%d" % (axis + 1)] for axis in range(sizes.get(b"NAXIS", 0))]
                values = math.prod(axes) + sizes.get(b"PCOUNT", 0) if axes else 0
                return values * sizes.get(b"GCOUNT", 1) * abs(sizes[b"BITPIX"]) // 8
            if key.startswith((b"BITPIX", b"NAXIS", b"PCOUNT", b"GCOUNT")):
                sizes[key] = int(card[10:].split(b"/")[0])
    raise ValueError("a header without an end")


def joined(content: bytes, keywords: Mapping[str, str], *, series: Series) -> tuple[bytes, Header]:
    """Return a file with a record's keywords in its image's header, and that header, as stored.

    The pixels stay as they are, compressed, byte for byte. A file that has its keywords already,
    an export, is returned as it is. Padding that is missing at the end of either is added.
    """
    header, start, data = _image(content)
    repair_cards(header)
    if "T_REC" not in header:
        for key in _STALE:
            header.remove(key, ignore_missing=True)
        for key, value in record_cards(keywords, series).items():
            if key in header:
                header[key] = value
            else:
                header.append((key, value), bottom=True)
        content = content[:start] + header.tostring().encode("ascii") + content[data:]
    return content + bytes(-len(content) % _BLOCK), header


@dataclass(frozen=True)
class Kept:
    """What came of a file that was downloaded."""

    bytes: int = 0
    """Of the file that was kept."""
    problem: str = ""
    """Why it was not kept, in words; empty if it was."""
    again: bool = False
    """Downloading it again may help."""
    off_line: bool = False
    """There was none to download: it is off line at JSOC now."""


def keep(
    part: Path,
    row: Mapping[str, Any],
    *,
    series: Series,
    harp: int,
    shape: tuple[int, int] | None = None,
) -> Kept:
    """Check a downloaded file, join it with its keywords and give it its name.

    Its length is that of its header, its pixels can be decoded and fit its checksums, their shape
    is what JSOC gives, region and time are the right ones. Only then is the name given; what fails
    is removed. A file without DATASUM or CHECKSUM, as joined ones are, gets its SHA-256 next to it.

    Parameters
    ----------
    part : Path
        A file that came whole in length.
    row : mapping
        The record's row, see `hnn_core.jsoc.keywords.record_table`.
    series, harp
    shape : (rows, cols), optional
        By JSOC's record.

    Raises
    ------
    OSError
        The disk is full, or cannot be written for another reason.
    """
    target = record_path(series, harp, row["t_rec"])
    try:
        image = read_header(part)
        if not image.whole:
            raise TruncatedFitsError("the file ends before its last pixel")
        if shape is not None and image.shape != shape:
            raise TruncatedFitsError(
                f"the image has {image.shape[1]} by {image.shape[0]} pixels, not the "
                f"{shape[1]} by {shape[0]} of JSOC's record"
            )
        read_pixels(part, image)
        content, header = joined(part.read_bytes(), row, series=series)
        _check_record(header, target.name, series, harp, float(row["t_rec"]))
        side = _digest_path(target)
        if {"DATASUM", "CHECKSUM"} <= set(header):
            side.unlink(missing_ok=True)
        else:  # before the file: after a kill between the two it is fetched again, with both
            digest = hashlib.sha256(content).hexdigest()
            write_atomically(side, f"{digest}  {target.name}\n".encode())
        write_atomically(target, content)
        return Kept(len(content))
    except FitsError as error:
        # Without the names of files that nobody will find.
        words = str(error).replace(str(part), "the file").replace(target.name, "the file")
        again = not isinstance(error, MissingKeywordError)
        return Kept(problem=words.rstrip("."), again=again)
    finally:
        part.unlink(missing_ok=True)


def _check_record(header: Header, name: str, series: Series, harp: int, t_rec: float) -> None:
    """Refuse a file of another region or time, or one whose header misses what is needed."""
    found = sharp_keywords(header, name)
    same_time = abs(float(tai_seconds(found.t_rec)) - t_rec) < 1.0
    nrt = series is NEAR_REAL_TIME
    if found.harp != harp or not same_time or found.near_real_time != nrt:
        raise WrongInstrumentError(
            f"the file is HARP {found.harp} at {format_t_rec(found.t_rec)}, not HARP "
            f"{harp} at {format_t_rec(t_rec)}"
        )


def _image(content: bytes) -> tuple[Header, int, int]:
    """Return the first image's header as stored, and the bytes at which it and the data begin."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that padding is missing
        with fits.open(io.BytesIO(content), disable_image_compression=True) as hdus:
            for hdu in hdus:
                header = hdu.header
                plain = header.get("NAXIS") == 2 and header.get("XTENSION", "IMAGE") == "IMAGE"
                if plain or header.get("ZIMAGE") is True:
                    where = hdu.fileinfo()
                    return header, where["hdrLoc"], where["datLoc"]
    raise TruncatedFitsError("The file holds no image; download it again.")

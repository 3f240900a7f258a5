"""Checking downloaded files and giving them their names, beside the download of the next ones.

Putting a record's keywords into the header of its as-is file, which holds pixels only.

The magnetograms fetched from JSOC, one file a record, in folders by series and HARP.
"""

import io
import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    "Download",
    "Keeper",
    "Kept",
    "cache_home",
    "cached",
    "is_whole",
    "join",
    "joined",
    "keep",
    "record_path",
    "region_folder",
    "remove_leftovers",
]


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


_MOST_WAITING = 2
"""Downloaded files that may wait for their check."""


@dataclass(frozen=True)
class Download:
    """A file that came whole in length, and what it should be."""

    part: Path
    target: Path
    series: Series
    harp: int
    keywords: Mapping[str, Any]
    """The record's row, see `hnn_core.jsoc.keywords.record_table`."""
    shape: tuple[int, int] | None
    """(rows, cols) that JSOC tells of it; None if it tells none."""


@dataclass(frozen=True)
class Kept:
    """What came of a download."""

    download: Download
    bytes: int = 0
    """Of the file that was kept."""
    problem: str = ""
    """Why it was not kept, in words; empty if it was."""
    again: bool = False
    """Downloading it again may help."""


def keep(download: Download) -> Kept:
    """Check a downloaded file, join it with its keywords and give it its name.

    Its length is that of its header, its pixels can be decoded, their shape is what JSOC tells,
    region and time are the right ones. Only then is the name given; what fails is removed.

    Raises
    ------
    OSError
        The disk is full, or cannot be written for another reason.
    """
    try:
        return Kept(download, _checked_and_kept(download))
    except MissingKeywordError as error:
        return Kept(download, problem=_in_words(error, download))
    except FitsError as error:
        return Kept(download, problem=_in_words(error, download), again=True)
    finally:
        download.part.unlink(missing_ok=True)


class Keeper:
    """One worker thread that keeps files; a context manager.

    The thread that downloads hands a file over and goes on with the next. At most two wait: then
    handing over takes as long as the check of the first.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="jsoc-keeper")
        self._waiting: deque[Future[Kept]] = deque()
        self._done: deque[Kept] = deque()

    def __enter__(self) -> "Keeper":
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for the file in hand; those behind it are left."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    @property
    def busy(self) -> bool:
        """Whether a result is still to be taken."""
        return bool(self._waiting or self._done)

    def hand_over(self, download: Download) -> None:
        """Let a file be kept; raises OSError that the keeping of an earlier one met."""
        while len(self._waiting) >= _MOST_WAITING:
            self._done.append(self._waiting.popleft().result())
        self._waiting.append(self._pool.submit(keep, download))

    def take(self, *, wait: bool) -> Iterator[Kept]:
        """Yield what is done; with `wait` at least one result if any is to come."""
        while self._waiting and (self._waiting[0].done() or (wait and not self._done)):
            self._done.append(self._waiting.popleft().result())
        while self._done:
            yield self._done.popleft()


def _checked_and_kept(download: Download) -> int:
    image = read_header(download.part)
    if not image.whole:
        raise TruncatedFitsError("the file ends before its last pixel")
    if download.shape is not None and image.shape != download.shape:
        rows, cols = image.shape
        raise TruncatedFitsError(
            f"the image has {cols} by {rows} pixels, JSOC tells of "
            f"{download.shape[1]} by {download.shape[0]}"
        )
    read_pixels(download.part)
    content, header = joined(download.part.read_bytes(), download.keywords, series=download.series)
    _check_record(header, download)
    write_atomically(download.target, content)
    return len(content)


def _check_record(header: Header, download: Download) -> None:
    """Refuse a file of another region or time, or one whose header lacks what is needed."""
    found = sharp_keywords(header, download.target.name)
    t_rec = float(download.keywords["t_rec"])
    same_time = abs(float(tai_seconds(found.t_rec)) - t_rec) < 1.0
    nrt = download.series is NEAR_REAL_TIME
    if found.harp != download.harp or not same_time or found.near_real_time != nrt:
        raise WrongInstrumentError(
            f"the file is HARP {found.harp} at {format_t_rec(found.t_rec)}, not HARP "
            f"{download.harp} at {format_t_rec(t_rec)}"
        )


def _in_words(error: FitsError, download: Download) -> str:
    """Say what is wrong without the names of files that nobody will find."""
    words = str(error).replace(str(download.part), "the file")
    return words.replace(download.target.name, "the file").rstrip(".")


_CARD = 80
_MOST_BLOCKS = 200


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


def is_whole(path: Path) -> bool:
    """Tell whether a file is there and as long as its headers say; no pixel is decoded.

    Pixels are decoded once, before a file gets its name. Here only the cards that tell sizes are
    read, some fifty microseconds a file, since a whole cache may be looked through.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            for _ in range(_MAX_HDUS):
                data = _data_bytes(stream.read)
                end = stream.tell() + data
                if data < 0 or end > size:
                    return False
                if data:
                    return True
                stream.seek(end)
    except (OSError, ValueError, KeyError):
        return False
    return False


def remove_leftovers(folder: Path) -> None:
    """Remove what interrupted downloads left; only the holder of the region's lock may."""
    for part in folder.glob("*.part"):
        part.unlink(missing_ok=True)


def _data_bytes(read: Callable[[int], bytes]) -> int:
    """Read one header and return the bytes of its data; -1 where it has no end."""
    sizes: dict[str, int] = {}
    for _ in range(_MOST_BLOCKS):
        block = read(_BLOCK)
        if len(block) < _BLOCK:
            return -1
        for start in range(0, _BLOCK, _CARD):
            key = block[start : start + 8].rstrip()
            if key == b"END":
                axes = [sizes[f"NAXIS{axis + 1}"] for axis in range(sizes.get("NAXIS", 0))]
                if not axes:
                    return 0
                values = math.prod(axes) + sizes.get("PCOUNT", 0)
                return values * sizes.get("GCOUNT", 1) * abs(sizes["BITPIX"]) // 8
            if key.startswith((b"BITPIX", b"NAXIS", b"PCOUNT", b"GCOUNT")):
                value = block[start + 10 : start + _CARD].split(b"/")[0]
                sizes[key.decode()] = int(value)
    return -1

"""Checking downloaded files and giving them their names, beside the download of the next ones."""

from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from astropy.io.fits import Header

from hnn_core.dataset.work_folder import write_atomically
from hnn_core.exceptions import (
    FitsError,
    MissingKeywordError,
    TruncatedFitsError,
    WrongInstrumentError,
)
from hnn_core.fits import read_header, read_pixels
from hnn_core.jsoc.join import joined
from hnn_core.jsoc.series import NEAR_REAL_TIME, Series
from hnn_core.sharp_keywords import sharp_keywords
from hnn_core.tai import format_t_rec, tai_seconds

__all__ = ["Download", "Keeper", "Kept", "keep"]

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

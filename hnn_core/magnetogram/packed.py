"""Packed files and packed tiles, unpacked within bounds.

A few bytes can stand for gigabytes of zeros: what a file unpacks to is counted as it is read.
"""

import bz2
import gzip
import math
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from astropy.io import fits
from astropy.io.fits import Header

from hnn_core.exceptions import FitsError, TruncatedFitsError

__all__ = ["MAX_BYTES", "FileStream", "check_tiles", "drain", "open_file"]

MAX_BYTES = 48 * 2**20
"""Of an image and of a whole file that is packed; a patch has 1 to 12 MB."""
_CHUNK = 2**20
_OPENERS: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open}
_TILE_METHODS = {"RICE_1", "RICE_ONE", "GZIP_1", "GZIP_2", "NOCOMPRESS"}
_SETTINGS = {"BLOCKSIZE": (16, 32, 64, 128), "BYTEPIX": (1, 2, 4, 8)}
"""Of the Rice method; with others its decoder does not end."""


class FileStream:
    """The bytes of a file, unpacked, of which no more than `MAX_BYTES` come if it is packed."""

    def __init__(self, stream: Any, path: Path, *, packed: bool) -> None:
        self._stream, self._path = stream, path
        self.packed = packed
        self.size = path.stat().st_size
        self.tell = stream.tell

    def read(self, size: int) -> bytes:
        """Read up to so many bytes."""
        try:
            content: bytes = self._stream.read(size)
        except gzip.BadGzipFile as error:
            raise TruncatedFitsError(
                f"{self._path} is damaged: the CRC of its gzip does not fit ({error}); download it "
                "again."
            ) from error
        if self.packed and self.tell() > MAX_BYTES:
            self._refuse()
        return content

    def seek(self, position: int) -> None:
        """Go to a byte of the unpacked file."""
        if self.packed and position > MAX_BYTES:
            self._refuse()
        self._stream.seek(position)

    def _refuse(self) -> None:
        raise FitsError(
            f"{self._path} unpacks to more than {MAX_BYTES // 2**20} MiB; it was not read."
        )


@contextmanager
def open_file(path: Path) -> Iterator[FileStream]:
    """Open a file that may be packed, whatever its name ends in.

    Raises
    ------
    FitsError
        It is a pipe, a socket or a device, which may never end.
    OSError
    """
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise FitsError(f"{path} is a pipe, a socket or a device, not a file; it was not read.")
    with path.open("rb") as plain:
        opener = _OPENERS.get(plain.read(2))
        plain.seek(0)
        if opener is None:
            yield FileStream(plain, path, packed=False)
            return
        with opener(plain, "rb") as stream:
            yield FileStream(stream, path, packed=True)


def drain(stream: FileStream) -> None:
    """Read a packed file to its end, where its own check stands."""
    while stream.packed and stream.read(_CHUNK):
        pass


def check_tiles(content: bytes, header: Header, path: Path) -> None:
    """Refuse tiles of a method that is not read, or that unpack to more than a tile has.

    Parameters
    ----------
    content : bytes
        A FITS file whose last HDU is the compressed image.
    header : Header
        Of that HDU.
    path : Path
        For messages.

    Raises
    ------
    FitsError
    """
    method = str(header.get("ZCMPTYPE", "")).strip()
    if method not in _TILE_METHODS:
        raise FitsError(
            f"{path} is compressed by {method or 'an unnamed method'}, which is not read; compress "
            "it by RICE_1 or not at all."
        )
    settings = {
        str(header[f"ZNAME{n}"]).strip(): header.get(f"ZVAL{n}")
        for n in range(1, 9)
        if f"ZNAME{n}" in header
    }
    for name, allowed in _SETTINGS.items():
        if method.startswith("RICE") and settings.get(name, allowed[1]) not in allowed:
            raise FitsError(
                f"{path} has tiles with a {name} of {settings[name]!r}, not a known one."
            )
    columns = {str(header.get(f"TTYPE{n}")).strip() for n in range(1, header["TFIELDS"] + 1)}
    packed = {"GZIP_COMPRESSED_DATA", *(["COMPRESSED_DATA"] if "GZIP" in method else ())}
    if not packed & columns:
        return
    axes = range(1, header["ZNAXIS"] + 1)
    sizes = [header.get(f"ZTILE{n}", header["ZNAXIS1"] if n == 1 else 1) for n in axes]
    most = 8 * math.prod(sizes)
    with fits.open(BytesIO(content), memmap=False, disable_image_compression=True) as hdus:
        for name in packed & columns:
            for tile in hdus[-1].data[name]:
                unpacker = zlib.decompressobj(31)
                size = len(unpacker.decompress(tile.tobytes(), most + 1)) if len(tile) else 0
                if size > most or unpacker.unused_data:
                    raise FitsError(f"{path} has a tile that unpacks to more than a tile has.")

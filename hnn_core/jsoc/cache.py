"""The magnetograms fetched from JSOC, one file a record, in folders by series and HARP."""

import math
from collections.abc import Callable
from pathlib import Path

from hnn_core.jsoc.series import Series
from hnn_core.services.endpoints import live_home

__all__ = ["cache_home", "cached", "is_whole", "record_path", "region_folder", "remove_leftovers"]

_BLOCK = 2880
_CARD = 80
_MOST_BLOCKS = 200
_MAX_HDUS = 4


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

"""A region made of real SHARP files."""

import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from astropy.io import fits

from tests.emulators.keywords import KEYWORDS
from tests.emulators.times import SLOT_S, parse_time
from tests.emulators.world import DEFINITIVE

__all__ = ["RealRegion"]


@dataclass(frozen=True)
class RealRegion:
    """The files of a folder under their own HARP and NOAA numbers."""

    folder: Path
    series: str = DEFINITIVE
    harp: int = 377
    noaa: tuple[int, ...] = (11158,)
    simulated: bool = False

    def slots(self) -> list[int]:
        return sorted(self._files)

    def row(self, slot: int) -> dict[str, str]:
        return self._read[slot][0]

    def dims(self, slot: int) -> tuple[int, int]:
        return self._read[slot][1]

    def tenths(self, slot: int) -> np.ndarray:
        with fits.open(self._files[slot], do_not_scale_image_data=True) as hdus:
            return np.array(hdus[1].data, np.int32)

    def file(self, slot: int) -> bytes:
        """The real file, as the export gave it."""
        return self._files[slot].read_bytes()

    @cached_property
    def _files(self) -> dict[int, Path]:
        paths = sorted(self.folder.glob("*.magnetogram.fits"))
        return {self._slot(path): path for path in paths}

    @cached_property
    def _read(self) -> dict[int, tuple[dict[str, str], tuple[int, int]]]:
        """Keywords, and columns and rows, of every file."""
        return {slot: _read(path) for slot, path in self._files.items()}

    def _slot(self, path: Path) -> int:
        date, clock = path.name.split(".")[3].split("_")[:2]
        text = f"{date[:4]}.{date[4:6]}.{date[6:]}_{clock[:2]}:{clock[2:4]}:{clock[4:]}_TAI"
        return round(parse_time(text) / SLOT_S)


def _read(path: Path) -> tuple[dict[str, str], tuple[int, int]]:
    with warnings.catch_warnings(), fits.open(path) as hdus:
        warnings.simplefilter("ignore", fits.verify.VerifyWarning)
        hdus[1].verify("silentfix")
        header = hdus[1].header
        row = {key: _value(header, key) for key in KEYWORDS}
        return row, (int(header["NAXIS1"]), int(header["NAXIS2"]))


def _value(header: fits.Header, key: str) -> str:
    name = key.replace("__", "-")
    if name not in header:
        return "nan" if KEYWORDS[key] in ("float", "double") else "MISSING"
    if key == "QUALITY":
        return f"0x{int(header[name]) & 0xFFFF_FFFF:08x}"
    return str(header[name])

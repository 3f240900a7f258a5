"""What a source of magnetograms is: regions, their times, their frames."""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from astropy.time import Time

from hnn_core.magnetogram import Magnetogram

__all__ = ["Association", "Flare", "Region", "SkippedFile", "Source"]

Association = Literal["eruptive", "confined", "unknown"]


@dataclass(frozen=True)
class Flare:
    """A flare of a region, as far as the source knows it."""

    peak: Time
    """Peak of the soft X-ray flux, UTC."""
    goes_class: str
    """Class as announced, such as ``"X2.2"``."""
    association: Association = "unknown"
    """``"eruptive"``: a CME is linked; ``"confined"``: none is, by the source's own
    policy; ``"unknown"``: nobody looked."""


@dataclass(frozen=True)
class Region:
    """One active region as a source offers it."""

    id: str
    """What a user types and a link holds: the HARP number, or ``"SIM 1"``."""
    harp: int
    noaa: tuple[int, ...]
    """NOAA active-region numbers (with the leading 1), empty when none is known."""
    first: Time
    """T_REC of the first record, TAI."""
    last: Time
    """T_REC of the last record, TAI."""
    n_records: int
    flares: tuple[Flare, ...] = ()
    simulated: bool = False


@dataclass(frozen=True)
class SkippedFile:
    """A file that a source could not use, and why, in one sentence."""

    path: str
    reason: str


class Source(Protocol):
    """Where magnetograms come from. Region arguments are `Region.id` strings."""

    spec: str
    """The specification that `open_source` takes to open this source again."""
    simulated: bool

    def regions(self) -> list[Region]:
        """All regions, sorted by HARP number. Raises EmptySourceError if there is none."""

    def times(self, region: str) -> Time:
        """T_REC of every record of a region, TAI, ascending. Raises UnknownRegionError."""

    def quality(self, region: str) -> np.ndarray:
        """QUALITY of every record, uint32, aligned with `times`; no pixels are read."""

    def frame(self, region: str, time: Time) -> Magnetogram:
        """Return the record whose T_REC is `time` (to the second).

        Raises UnknownRegionError, UnknownTimeError, or FitsError if the file broke.
        """

    def skipped(self) -> tuple[SkippedFile, ...]:
        """Files that could not be used; empty for sources without files."""

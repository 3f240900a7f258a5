"""What a source of magnetograms is: regions, their times, their frames."""

import math
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from astropy.time import Time

from hnn_core.magnetogram.magnetogram import Magnetogram

__all__ = ["Association", "Cme", "Flare", "FluxScale", "Region", "SkippedFile", "Source"]

Association = Literal["eruptive", "unlinked", "confined", "unknown"]
FluxScale = Literal["operational", "science"]

_CLASS_FLUX = {"A": 1e-8, "B": 1e-7, "C": 1e-6, "M": 1e-5, "X": 1e-4}
_OPERATIONAL_OVER_SCIENCE = 0.7


@dataclass(frozen=True)
class Cme:
    """A coronal mass ejection that DONKI links to a flare."""

    id: str
    """DONKI's, such as ``2011-02-15T02:25:00-CME-001``."""
    start: Time
    """First seen in a coronagraph, UTC; it may lie before the flare's peak."""
    speed: float = math.nan
    """km/s, of the analysis that DONKI holds for the most accurate; NaN where there is none."""


@dataclass(frozen=True)
class Flare:
    """A flare of a region, as far as the source knows it."""

    peak: Time
    """Peak of the soft X-ray flux, UTC."""
    goes_class: str
    """Class as announced, such as ``"X2.2"``."""
    association: Association = "unknown"
    """``"eruptive"``: a CME is linked; ``"unlinked"``: in DONKI, with no CME linked;
    ``"confined"``: the source says that there was none; ``"unknown"``: nobody looked."""
    scale: FluxScale = "operational"
    """What `goes_class` counts in: ``"operational"``, as announced with GOES 1–15, is 0.7 of
    the true flux; ``"science"`` is the true flux."""
    id: str = ""
    """Names the flare; made of peak and class if not given: ``2011-02-15T01:56 X2.2``."""
    cmes: tuple[Cme, ...] = ()
    """Those linked, where the source knows more of them than that there is one."""
    reason: str = ""
    """Why the association is what it is, in words; empty where the source does not tell."""

    def __post_init__(self) -> None:
        if not self.id:
            name = f"{self.peak.utc.isot[:16]} {self.goes_class}"
            object.__setattr__(self, "id", name)

    def flux(self, scale: FluxScale) -> float:
        """Peak flux in the 1–8 Å band on one of the two scales, W m-2 (docs/method.md, "Labels").

        Raises
        ------
        ValueError
            `goes_class` is no class.
        """
        try:
            flux = _CLASS_FLUX[self.goes_class[:1]] * float(self.goes_class[1:] or 1)
        except (KeyError, ValueError) as error:
            raise ValueError(f"{self.goes_class!r} is not a GOES class such as X2.2") from error
        if scale == self.scale:
            return flux
        factor = _OPERATIONAL_OVER_SCIENCE
        return flux * factor if scale == "operational" else flux / factor


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

    @property
    def name(self) -> str:
        """``AR 11158 · HARP 377``; simulated regions have a name of their own."""
        numbers = [f"AR {number}" for number in self.noaa]
        return " · ".join([*numbers, f"HARP {self.id}" if self.id.isdigit() else self.id])


@dataclass(frozen=True)
class SkippedFile:
    """A file that a source could not use, and why, in one sentence."""

    path: str
    reason: str


class Source(Protocol):
    """Where magnetograms come from. Region arguments are `Region.id` strings."""

    spec: str
    """The specification that `open_source` takes to open this source again."""

    @property
    def simulated(self) -> bool:
        """True where every region is simulated."""

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

"""What a source of magnetograms is: regions, their times, their frames."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from astropy.time import Time

from hnn_core.magnetogram.conventions import tai_seconds
from hnn_core.magnetogram.magnetogram import Magnetogram
from hnn_core.magnetogram.vector import VectorMagnetogram
from hnn_core.regions.goes_classes import (
    ROUNDING,
    FluxScale,
    flux_of_class,
    on_scale,
    threshold,
)

__all__ = [
    "CONTRADICTION",
    "Association",
    "Cme",
    "Flare",
    "FlareLookup",
    "Region",
    "SkippedFile",
    "Source",
    "VectorSource",
    "n_skipped",
    "skipped_kinds",
    "vector_there",
]

Association = Literal["eruptive", "unlinked", "confined", "unknown"]
CONTRADICTION = "called both eruptive and confined"
"""Reason of a flare whose association is therefore unknown."""


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
    ``"confined"``: the source states that there was none; ``"unknown"``: not known."""
    scale: FluxScale = "operational"
    """What `goes_class` counts in."""
    id: str = ""
    """Names the flare; made of peak and class if not given: ``2011-02-15T01:56 X2.2``."""
    cmes: tuple[Cme, ...] = ()
    """Those linked, where the source knows more of them than that there is one."""
    reason: str = ""
    """Why the association is what it is, in words; empty where the source gives no reason."""
    studied: Literal["", "eruptive", "confined"] = ""
    """What the literature calls a well-known flare; empty for all others."""
    literature: str = ""
    """Where `studied` is from, or the association of a flare that no catalogue here holds."""
    source: str = ""
    """What the flare is known from, in words; of several, parted by ``", "``."""

    @property
    def known(self) -> Association:
        """What is known of its CME: a link, else what the literature calls it, else the rest."""
        return "eruptive" if self.association == "eruptive" else self.studied or self.association

    def __post_init__(self) -> None:
        if not self.id:
            name = f"{self.peak.utc.isot[:16]} {self.goes_class}"
            object.__setattr__(self, "id", name)

    def flux(self, scale: FluxScale) -> float:
        """Peak flux in the 1–8 Å band on one of the two scales, W m-2.

        Raises
        ------
        ValueError
            `goes_class` is no class.
        """
        return on_scale(flux_of_class(self.goes_class), self.scale, scale)

    def reaches(self, flare_class: str) -> bool:
        """Whether the flare is of a cumulative class, whatever scale it was announced on.

        Parameters
        ----------
        flare_class : str
            One of `FLARE_CLASSES`, with or without ``≥`` before it.

        Raises
        ------
        DatasetError
            No such class.
        """
        return self.flux("operational") >= threshold(flare_class) * (1.0 - ROUNDING)


@dataclass(frozen=True)
class FlareLookup:
    """A catalogue or table in which the flares of a region were looked up, and its reach."""

    name: str
    """``flares.csv``."""
    start: Time
    end: Time
    """Peaks from `start` to `end` are in it, as far as it holds them at all."""
    minimum_class: str = "A1.0"
    """It holds flares from this class on."""
    unread: tuple[tuple[Time | None, float], ...] = ()
    """Of rows that may be flares of the region but could not be read: peak, None where that is not
    known, and operational flux, W m-2, infinite where that is not."""

    @property
    def words(self) -> str:
        """``flares.csv (2011-02-13 to 2011-02-15)``."""
        first, last = (str(time.utc.isot)[:10] for time in (self.start, self.end))
        return f"{self.name} ({first}{'' if first == last else f' to {last}'})"


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
    lookups: tuple[FlareLookup, ...] = ()
    """Where its flares were looked up; without one, no flare means nothing."""

    @property
    def name(self) -> str:
        """``AR 11158 · HARP 377``; simulated regions have a name of their own."""
        numbers = [f"AR {number}" for number in self.noaa]
        return " · ".join([*numbers, f"HARP {self.id}" if self.id.isdigit() else self.id])


@dataclass(frozen=True)
class SkippedFile:
    """A file, or a row of a table, that could not be used, and why, in one sentence."""

    path: str
    reason: str
    row: int = 0
    """Line of the row in its table; 0 where the whole file could not be used."""
    files: int = field(default=1, kw_only=True)
    """How many files of one kind, with one reason, this entry stands for."""


def skipped_kinds(skipped: Iterable[SkippedFile]) -> dict[str, list[SkippedFile]]:
    """Part files from rows of tables; the kinds are ``"file"`` and ``"flares.csv row"``."""
    kinds: dict[str, list[SkippedFile]] = {}
    for one in skipped:
        kinds.setdefault(f"{one.path} row" if one.row else "file", []).append(one)
    return kinds


def n_skipped(skipped: Iterable[SkippedFile]) -> int:
    """Return how many files and rows the entries stand for."""
    return sum(one.files for one in skipped)


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

    def positions(self, region: str) -> np.ndarray:
        """Where the region is at every record, float64 (records, 2); no pixels are read.

        Longitude from the central meridian and latitude, degrees, NaN where not known.
        """

    def frame(self, region: str, time: Time) -> Magnetogram:
        """Return the record whose T_REC is `time` (to the second).

        Raises UnknownRegionError, UnknownTimeError, or FitsError if the file broke.
        """

    def skipped(self) -> tuple[SkippedFile, ...]:
        """Files that could not be used; empty for sources without files."""


@runtime_checkable
class VectorSource(Protocol):
    """A source that may have the field vector of its records too."""

    def has_vector(self, region: str) -> np.ndarray:
        """Whether the vector of every record is there, bool, aligned with `Source.times`."""

    def vector(self, region: str, time: Time) -> VectorMagnetogram:
        """Return the vector of the record whose T_REC is `time` (to the second).

        Raises as `Source.frame`, and UnknownTimeError where the record has no vector.
        """


def vector_there(source: Source, region: str, time: Time) -> bool:
    """Whether a source has the field vector of the record whose T_REC is `time`."""
    if not isinstance(source, VectorSource):
        return False
    near = np.abs(tai_seconds(source.times(region)) - float(tai_seconds(time))) <= 1.0
    return bool((source.has_vector(region) & near).any())

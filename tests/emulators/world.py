"""What exists in the emulated world: regions with their records, flares, CMEs and a clock."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

import numpy as np

from tests.emulators.times import SLOT_S, tai_seconds

__all__ = ["DEFINITIVE", "NRT", "Cme", "GoesFlare", "World", "WorldRegion"]

DEFINITIVE = "hmi.sharp_cea_720s"
NRT = "hmi.sharp_cea_720s_nrt"


class WorldRegion(Protocol):
    """A HARP with its records. A slot is T_REC in TAI seconds over 720."""

    series: str
    harp: int
    noaa: tuple[int, ...]
    simulated: bool

    def slots(self) -> list[int]: ...

    def row(self, slot: int) -> dict[str, str]: ...

    def dims(self, slot: int) -> tuple[int, int]:
        """Columns and rows."""
        ...

    def tenths(self, slot: int) -> np.ndarray:
        """int32 (rows, cols), tenths of a gauss, -2**31 where there is none."""
        ...


@dataclass(frozen=True)
class Cme:
    """A CME in DONKI's catalogue."""

    start: datetime
    linked: tuple[str, ...] = ()
    """What its own record links to, beside the flares that link through it."""
    number: int = 1
    longitude: float = 0.0
    latitude: float = 0.0
    analysed: bool = True
    speed: float = 700.0

    @property
    def id(self) -> str:
        return f"{self.start:%Y-%m-%dT%H:%M}:00-CME-{self.number:03d}"


@dataclass(frozen=True)
class GoesFlare:
    """A flare, and how each catalogue tells of it."""

    peak: datetime
    flux: float
    """As announced, W m-2."""
    longitude: float
    """Degrees from the central meridian, west positive."""
    latitude: float
    noaa: int | None = None
    ncei_noaa: bool = True
    """Whether NCEI's report names the active region."""
    hek_noaa: bool | None = None
    """Whether HEK does; None: where NCEI does."""
    ratio: float = 0.7
    """Announced class over that of the science report; 0.60 to 0.68 in September 2017."""
    placed: bool = True
    """Whether its place is known; else HEK and NCEI have it at (0, 0)."""
    donki: bool = True
    cme: Cme | None = None
    link: str = ""
    """Which record tells of the CME: flare, cme or both."""
    also: tuple[str, ...] = ()
    """Other events that DONKI's flare links to, such as SEP."""
    quirk: str = ""
    """revised, wrong year, no end, no peak, no region, late peak, or double: a second record, with
    the links that the first one has not (DONKI's record)."""
    twice: bool = False
    """NCEI has its row a second time, without the start."""
    rise: int = 12
    """Minutes from start to peak; the decay takes as long."""

    @property
    def start(self) -> datetime:
        return self.peak - timedelta(minutes=self.rise)

    @property
    def end(self) -> datetime:
        return self.peak + timedelta(minutes=self.rise)

    @property
    def id(self) -> str:
        return f"{self.start:%Y-%m-%dT%H:%M}:00-FLR-001"


@dataclass
class World:
    """Everything the services know; the parts may be changed while the emulator runs."""

    regions: list[WorldRegion] = field(default_factory=list)
    flares: list[GoesFlare] = field(default_factory=list)
    cmes: list[Cme] = field(default_factory=list)
    harp_noaa: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    nrt_delay: timedelta = timedelta(minutes=48)
    """How long after T_REC an NRT record is there."""

    @property
    def now(self) -> datetime:
        """The time of day in this world, UTC."""
        return self.clock()

    @now.setter
    def now(self, time: datetime) -> None:
        """Stop the clock at a time: with a later one, newer NRT records are there."""
        self.clock = lambda: time

    def available(self, region: WorldRegion) -> list[int]:
        """The slots of a region that have been processed by now."""
        if region.series != NRT:
            return region.slots()
        last = tai_seconds(self.now - self.nrt_delay) / SLOT_S
        return [slot for slot in region.slots() if slot <= last]

    def by_series(self, series: str) -> list[WorldRegion]:
        """Regions of a series by HARP number."""
        found = [region for region in self.regions if region.series == series.lower()]
        return sorted(found, key=lambda region: region.harp)

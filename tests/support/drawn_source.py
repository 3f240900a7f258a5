"""A source whose frames are plain numbers, so that every pixel of a data set can be foretold."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import astropy.units as u
import numpy as np
from astropy.time import Time

from hnn_core.exceptions import TruncatedFitsError
from hnn_core.magnetogram.magnetogram import Magnetogram
from hnn_core.regions.base import Association, Flare, Region, SkippedFile

START = Time("2011-02-13T00:00:00", scale="tai")
NO_DATA = 0x80000000
FLAGGED = 0x10400
"""QUALITY of record 18, accepted."""
SHAPE = (40, 72)
PIXEL_CM2 = 1.328e15


def flare(hour: float, goes_class: str = "M2.0", association: Association = "eruptive") -> Flare:
    """A flare that peaks so many hours after the start."""
    return Flare((START + hour * u.hour).utc, goes_class, association)


@dataclass
class DrawnRegion:
    """Hourly records of a region; record i is a patch of 10 i + (HARP number) gauss."""

    harp: int = 377
    noaa: tuple[int, ...] = (11158,)
    flares: tuple[Flare, ...] = ()
    n_hours: int = 30
    minutes: dict[int, float] = field(default_factory=dict)
    """Records that lie off their hour, by so many minutes."""
    extra: tuple[float, ...] = ()
    """Hours of further records."""
    absent: Iterable[int] = ()
    broken: Iterable[int] = ()
    longitude: Callable[[float], float] | None = None
    """Degrees, by hours after the start; 10 if not given."""
    shape: Callable[[int], tuple[int, int]] | None = None
    """By record."""

    @property
    def hours(self) -> np.ndarray:
        """Hours of the records after the start, ascending."""
        own = [hour + self.minutes.get(hour, 0.0) / 60.0 for hour in range(self.n_hours)]
        return np.sort([*own, *self.extra])

    @property
    def id(self) -> str:
        return str(self.harp)


class DrawnSource:
    """Drawn regions as a source; counts what is read."""

    simulated = False

    def __init__(self, *regions: DrawnRegion, spec: str = "drawn:") -> None:
        self.spec = spec
        self.drawn = {region.id: region for region in regions}
        self.reads: list[tuple[str, int]] = []

    def regions(self) -> list[Region]:
        found = []
        for name, drawn in self.drawn.items():
            times = self.times(name)
            found.append(
                Region(name, drawn.harp, drawn.noaa, times[0], times[-1], len(times), drawn.flares)
            )
        return found

    def times(self, region: str) -> Time:
        return START + self.drawn[region].hours * u.hour

    def quality(self, region: str) -> np.ndarray:
        quality = np.zeros(len(self.times(region)), np.uint32)
        quality[18:19] = FLAGGED
        quality[list(self.drawn[region].absent)] = NO_DATA
        return quality

    def frame(self, region: str, time: Time) -> Magnetogram:
        drawn = self.drawn[region]
        index = int(np.argmin(np.abs((self.times(region) - time).to_value("s"))))
        self.reads.append((region, index))
        if index in drawn.broken:
            raise TruncatedFitsError(f"record {index} of {region} ends early.")
        return Magnetogram(
            field=np.full(
                drawn.shape(index) if drawn.shape else SHAPE, gauss(drawn, index), np.float32
            ),
            t_rec=self.times(region)[index],
            harp=drawn.harp,
            noaa=drawn.noaa,
            pixel_area=PIXEL_CM2 * u.cm**2,
            quality=FLAGGED if index == 18 else 0,
            longitude=(drawn.longitude(drawn.hours[index]) if drawn.longitude else 10.0) * u.deg,
            latitude=-20.0 * u.deg,
        )

    def skipped(self) -> tuple[SkippedFile, ...]:
        return ()


def gauss(region: DrawnRegion, index: int) -> float:
    """Field of a record."""
    return 10.0 * index + region.harp % 10


def small_source() -> DrawnSource:
    """Three regions, one of them without a flare, whose frames do not fill whole chunks."""
    return DrawnSource(
        DrawnRegion(377, flares=(flare(13.5),), n_hours=15),
        DrawnRegion(378, noaa=(11159,), n_hours=12),
        DrawnRegion(380, noaa=(11161,), flares=(flare(11.5, "C3.0", "confined"),), n_hours=12),
    )

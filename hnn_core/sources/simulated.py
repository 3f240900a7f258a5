"""Simulated active regions as a source: what the program shows without network or files."""

import re
from functools import cached_property

import numpy as np
from astropy.time import Time, TimeDelta

from hnn_core.exceptions import UnknownRegionError, UnknownTimeError
from hnn_core.magnetogram.conventions import iso_minute, tai_seconds
from hnn_core.magnetogram.magnetogram import Magnetogram
from hnn_core.magnetogram.sharp import FIRST_SIMULATED_HARP, NO_DATA
from hnn_core.magnetogram.vector import VectorMagnetogram
from hnn_core.regions.base import Flare, FlareLookup, Region, SkippedFile
from hnn_core.simulation.population import Population, RegionParameters
from hnn_core.simulation.render import region_positions, region_times, render, render_vector

__all__ = ["MOST_REGIONS", "SimulatedSource"]

MOST_REGIONS = 90_000
"""HARP numbers of simulated regions have six digits."""

_N_REGIONS = 16  # where no number is given, half of them eruptive
_AFTER = TimeDelta(5 * 86400.0, format="sec")
"""A region has one flare; for so long after its last hour it is known to have no other."""
_BAD_HOURS: dict[int, tuple[int, ...]] = {3: (20,), 5: (26, 27), 8: (13, 14, 15)}
"""Hours without data in some regions, so that gaps and refusals can be seen."""


class SimulatedSource:
    """Regions "SIM 1" to "SIM 16" or more, 48 hourly records each.

    Parameters
    ----------
    seed : int
        Population to draw from. Seed 0 is not used in training the shipped model.
    n_regions : int
        The first regions of any number are the same.
    tilting : bool
        Whether the field of the eruptive half turns horizontal instead of cancelling; regions are
        then called "TILT 1" and so on.
    """

    simulated = True

    def __init__(
        self, seed: int = 0, n_regions: int = _N_REGIONS, *, tilting: bool = False
    ) -> None:
        kind = "sim:tilting" if tilting else "sim"
        if n_regions != _N_REGIONS:
            self.spec = f"{kind}:{seed}:{n_regions}"
        elif seed:
            self.spec = f"{kind}:{seed}"
        else:
            self.spec = kind if tilting else "sim:"
        self._called = "TILT" if tilting else "SIM"
        self._population = Population(seed, tilting=tilting)
        self._n_regions = n_regions

    def regions(self) -> list[Region]:
        """All regions, sorted by HARP number."""
        return list(self._regions)

    def times(self, region: str) -> Time:
        """T_REC of the 48 records of a region, TAI, ascending."""
        return region_times(self.truth(region))

    def quality(self, region: str) -> np.ndarray:
        """QUALITY of every record, uint32; a few regions have hours without data."""
        parameters = self.truth(region)
        quality = np.zeros(len(region_times(parameters)), np.uint32)
        quality[list(_BAD_HOURS.get(parameters.index, ()))] = NO_DATA
        return quality

    def positions(self, region: str) -> np.ndarray:
        """Longitude from the central meridian and latitude of every record, (48, 2), degrees."""
        return region_positions(self.truth(region))

    def frame(self, region: str, time: Time) -> Magnetogram:
        """Render the record at `time` (to the second)."""
        return render(self.truth(region), self._hour(region, time))

    def has_vector(self, region: str) -> np.ndarray:
        """Whether the field vector is there for every record: where the record has data."""
        return self.quality(region) & NO_DATA == 0

    def vector(self, region: str, time: Time) -> VectorMagnetogram:
        """Render the field vector of the record at `time` (to the second)."""
        return render_vector(self.truth(region), self._hour(region, time))

    def _hour(self, region: str, time: Time) -> int:
        """Return the number of the hour of a record with data."""
        parameters = self.truth(region)
        gap = np.abs(tai_seconds(region_times(parameters)) - tai_seconds(time))
        hour = int(gap.argmin())
        if gap[hour] > 1.0:
            raise UnknownTimeError(f"{region} has no record at {iso_minute(time)} TAI.")
        if self.quality(region)[hour] & NO_DATA:
            raise UnknownTimeError(f"{region} has no data at {iso_minute(time)} TAI.")
        return hour

    def skipped(self) -> tuple[SkippedFile, ...]:
        """Empty: there are no files."""
        return ()

    def truth(self, region: str) -> RegionParameters:
        """Return what is known about a region because it was made. Raises UnknownRegionError."""
        found = re.fullmatch(rf"{self._called} ([1-9][0-9]{{0,5}})", region)
        if found is None or int(found[1]) > self._n_regions:
            raise UnknownRegionError(
                f"There is no simulated region {region!r}; known are {self._called} 1 to "
                f"{self._called} {self._n_regions}."
            )
        return self._population.region(int(found[1]))

    @cached_property
    def _regions(self) -> list[Region]:
        """All of them, a millisecond each: what is about one region does without."""
        return [self._region(index) for index in range(1, self._n_regions + 1)]

    def _region(self, index: int) -> Region:
        parameters = self._population.region(index)
        times = region_times(parameters)
        flare = Flare(
            peak=(times[0] + TimeDelta(parameters.flare_hour * 3600.0, format="sec")).utc,
            goes_class=_goes_class(parameters.flare_flux),
            association="eruptive" if parameters.eruptive else "confined",
        )
        return Region(
            id=f"{self._called} {index}",
            harp=FIRST_SIMULATED_HARP + index - 1,
            noaa=(),
            first=times[0],
            last=times[-1],
            n_records=len(times),
            flares=(flare,),
            simulated=True,
            lookups=(FlareLookup("the simulation", times[0], times[-1] + _AFTER),),
        )


def _goes_class(flux: float) -> str:
    """Class of a peak flux in W m-2, between M1.0 and X9.9."""
    letter, unit = ("X", 1e-4) if flux >= 1e-4 else ("M", 1e-5)
    return f"{letter}{int(flux / unit * 10) / 10:.1f}"

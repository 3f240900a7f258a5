"""The magnetograms that a plan asks for, of those on this machine, as a source."""

import re
from dataclasses import replace
from functools import lru_cache

import numpy as np
from astropy.time import Time

from hnn_core.exceptions import EmptySourceError, UnknownRegionError, UnknownSourceError
from hnn_core.jsoc.cache import cache_home
from hnn_core.jsoc.series import DEFINITIVE
from hnn_core.live.plan import Plan, PlannedRegion, PlanRequest, plan_path, read_plan
from hnn_core.magnetogram import Magnetogram
from hnn_core.sequence_plan import TOLERANCE
from hnn_core.sources.base import Flare, Region, SkippedFile
from hnn_core.sources.fits_folder import FitsFolder
from hnn_core.tai import tai_seconds

__all__ = ["PlannedSource", "open_planned"]

_HOUR = 3600.0


class PlannedSource:
    """The regions of a plan: only its hours, labelled by its flares.

    Which magnetograms beyond the plan lie in the cache makes no difference, so that the same plan
    gives the same data set on every machine that has fetched it.

    Parameters
    ----------
    plan : Plan
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.spec = plan.request.spec
        self._planned = {region.harp: region for region in plan.regions}
        self._regions: dict[str, Region] | None = None
        # A few, not hundreds: a region is read from its first hour to its last and not again.
        self._open = lru_cache(maxsize=4)(_open)

    @property
    def simulated(self) -> bool:
        """True where every region is simulated, as those of the emulators are."""
        return all(region.simulated for region in self.regions())

    def regions(self) -> list[Region]:
        """All planned regions of which a magnetogram is here, sorted by HARP number.

        Raises
        ------
        EmptySourceError
            There is none.
        """
        if self._regions is None:
            found = (self._region(region) for region in self.plan.regions)
            self._regions = {region.id: region for region in found if region is not None}
        if not self._regions:
            raise EmptySourceError(
                f"No magnetogram of {self.spec} is on this machine; run data build --class again."
            )
        return list(self._regions.values())

    def times(self, region: str) -> Time:
        """T_REC of the planned records of a region, TAI, ascending. Raises UnknownRegionError."""
        folder, keep = self._records(region)
        return folder.times(region)[keep]

    def quality(self, region: str) -> np.ndarray:
        """QUALITY of every record, uint32, aligned with `times`."""
        folder, keep = self._records(region)
        return folder.quality(region)[keep]

    def frame(self, region: str, time: Time) -> Magnetogram:
        """Read the record whose T_REC is `time` (to the second)."""
        return self._open(self._of(region).harp).frame(region, time)

    def skipped(self) -> tuple[SkippedFile, ...]:
        """Empty: files that broke are named when they are read."""
        return ()

    def _of(self, region: str) -> PlannedRegion:
        """Find a planned region by `Region.id`, which ends in the HARP number."""
        number = re.search(r"\d+$", region)
        planned = self._planned.get(int(number[0])) if number else None
        if planned is None:
            raise UnknownRegionError(f"There is no region {region!r} in {self.spec}.")
        return planned

    def _records(self, region: str) -> tuple[FitsFolder, np.ndarray]:
        planned = self._of(region)
        folder = self._open(planned.harp)
        return folder, _in_plan(folder.times(region), planned)

    def _region(self, planned: PlannedRegion) -> Region | None:
        """Describe a region by what is here of it; None if nothing is."""
        try:
            folder = self._open(planned.harp)
        except (EmptySourceError, UnknownSourceError):
            return None
        found = next((one for one in folder.regions() if one.harp == planned.harp), None)
        if found is None:
            return None
        times = folder.times(found.id)[_in_plan(folder.times(found.id), planned)]
        if not len(times):
            return None
        return replace(
            found,
            noaa=tuple(sorted({*found.noaa, *planned.noaa})),
            first=times[0],
            last=times[-1],
            n_records=len(times),
            flares=tuple(
                Flare(
                    peak=Time(one.peak_utc, scale="utc"),
                    goes_class=one.goes_class,
                    association=one.association,  # type: ignore[arg-type]
                    scale=one.scale,  # type: ignore[arg-type]
                    id=one.id,
                    reason=one.reason,
                )
                for one in planned.flares
            ),
        )


def open_planned(spec: str) -> PlannedSource:
    """Open the magnetograms of a planned data set, ``jsoc:M5.0:2010-05-01:2022-12-31:10``.

    Raises
    ------
    RequestError
        The specification is none.
    UnknownSourceError
        No such data set was planned on this machine.
    CatalogError
        The plan is damaged.
    """
    request = PlanRequest.from_spec(spec)
    plan = read_plan(request)
    if plan is None:
        raise UnknownSourceError(
            f"{spec} was not planned on this machine ({plan_path(request)} is not there); run data "
            "build --class."
        )
    return PlannedSource(plan)


def _open(harp: int) -> FitsFolder:
    return FitsFolder(cache_home() / DEFINITIVE.folder / str(harp))


def _in_plan(times: Time, region: PlannedRegion) -> np.ndarray:
    """Tell which records serve an hour of the plan, bool (records,)."""
    seconds = tai_seconds(times)
    nearest = np.round(seconds / _HOUR) * _HOUR
    near = np.abs(seconds - nearest) <= TOLERANCE.to_value("s")
    return np.asarray(near & np.isin(nearest, region.all_hours))

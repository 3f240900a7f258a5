"""The plan of a data set, which regions and hours it needs, and what is here of it as a source.

A plan is pinned when it is made, so that a build that is resumed after a month labels by the same
flares as when it began, whatever the catalogues have become since.
"""

import datetime
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from astropy.time import Time

from hnn_core.exceptions import (
    CatalogError,
    EmptySourceError,
    RequestError,
    UnknownRegionError,
    UnknownSourceError,
)
from hnn_core.jsoc.files import cache_home
from hnn_core.jsoc.keywords import DEFINITIVE
from hnn_core.magnetogram.conventions import tai_seconds
from hnn_core.magnetogram.magnetogram import Magnetogram
from hnn_core.magnetogram.sequence_plan import TOLERANCE
from hnn_core.regions.base import Flare, FlareLookup, Region, SkippedFile
from hnn_core.regions.goes_classes import FLARE_CLASSES
from hnn_core.regions.words import read_day
from hnn_core.services.endpoints import live_home
from hnn_core.sources.fits_folder import FitsFolder
from hnn_core.storage import reachable, read_json, write_atomically

__all__ = [
    "Plan",
    "PlanRequest",
    "PlannedFlare",
    "PlannedRegion",
    "PlannedSource",
    "open_planned",
    "plan_path",
    "read_plan",
    "write_plan",
]

_FORMAT = 1
_HOUR = 3600.0


@dataclass(frozen=True)
class PlanRequest:
    """What a data set shall hold.

    Raises
    ------
    RequestError
        No such class, or the dates are reversed.
    """

    flare_class: str
    """``"M5.0"``, ``"M"`` or ``"C"``, cumulative."""
    start: datetime.date
    end: datetime.date
    """Last day, inclusive; peaks count."""
    hours: int = 10
    """Longest sequence."""

    def __post_init__(self) -> None:
        if self.flare_class not in FLARE_CLASSES:
            raise RequestError(
                f"{self.flare_class!r} is not a class to build for; choose "
                f"{', '.join(FLARE_CLASSES)}."
            )
        if self.end < self.start:
            raise RequestError(f"The data set would end on {self.end}, before {self.start}.")

    @classmethod
    def from_spec(cls, spec: str) -> "PlanRequest":
        """Read ``jsoc:M5.0:2010-05-01:2022-12-31:10``. Raises RequestError."""
        parts = spec.split(":")
        hours = re.fullmatch(r"\d{1,3}", parts[-1], re.ASCII)
        if len(parts) != 5 or parts[0] != "jsoc" or hours is None:
            raise RequestError(
                f"{spec[:80]!r} is no planned data set; it is made by data build --class."
            )
        return cls(parts[1], read_day(parts[2]), read_day(parts[3]), int(parts[4]))

    @property
    def spec(self) -> str:
        """The source specification of the magnetograms in the plan."""
        return f"jsoc:{self.flare_class}:{self.start}:{self.end}:{self.hours}"


@dataclass(frozen=True)
class PlannedFlare:
    """A flare to label by, as the catalogue had it when the plan was made."""

    id: str
    peak_utc: str
    """ISO, UTC."""
    goes_class: str
    scale: str
    association: str
    reason: str


@dataclass(frozen=True)
class PlannedRegion:
    """A HARP and the hours of it that are needed."""

    harp: int
    noaa: tuple[int, ...]
    hours: tuple[tuple[int, int], ...]
    """Spans of whole hours, both ends included, unix_tai seconds; ascending, apart."""
    flares: tuple[PlannedFlare, ...]
    """Those of class C and above of its NOAA regions, around the hours."""
    n_flares: int
    """Those of the class to build for."""

    @property
    def all_hours(self) -> np.ndarray:
        """Every needed hour, float64 unix_tai seconds, ascending."""
        spans = [np.arange(first, last + 1, 3600.0) for first, last in self.hours]
        return np.concatenate(spans) if spans else np.empty(0)


@dataclass(frozen=True)
class Plan:
    """Regions, hours and flares of a data set, and which flares are left out."""

    request: PlanRequest
    made: str
    """ISO, UTC."""
    regions: tuple[PlannedRegion, ...]
    excluded: Mapping[str, int]
    """Flares of the class that give no frame: why, and how many."""
    catalogues: Mapping[str, str]
    """When each catalogue was last fetched."""

    @property
    def n_hours(self) -> int:
        """Magnetograms needed, those beyond the limb included."""
        return sum(len(region.all_hours) for region in self.regions)

    @property
    def n_flares(self) -> int:
        """Flares of the class that give frames."""
        return sum(region.n_flares for region in self.regions)


def plan_path(request: PlanRequest) -> Path:
    """Return where the plan of a request is kept."""
    name = request.spec.removeprefix("jsoc:").replace(":", "_")
    return live_home() / "plans" / f"{name}.json"


def write_plan(plan: Plan) -> None:
    """Keep a plan, whole or not at all."""
    from pydantic import TypeAdapter

    path = plan_path(plan.request)
    path.parent.mkdir(parents=True, exist_ok=True)
    values = {**TypeAdapter(Plan).dump_python(plan, mode="json"), "format": _FORMAT}
    write_atomically(path, json.dumps(values, indent=1).encode(), shared=True)


def read_plan(request: PlanRequest) -> Plan | None:
    """Return the plan that was made for a request, None if none was; CatalogError if damaged."""
    from pydantic import TypeAdapter

    path = plan_path(request)
    if not reachable(path):
        return None
    try:
        values = read_json(path)
        if values["format"] != _FORMAT:
            raise ValueError(f"format {values['format']}")
        return TypeAdapter(Plan).validate_python(values)
    except (OSError, ValueError, KeyError, TypeError, RequestError) as error:
        reason = str(error).split("\n")[0]
        raise CatalogError(
            f"{path} is not a readable plan ({reason}); remove it and build again."
        ) from error


class PlannedSource:
    """The regions of a plan: only its hours, labelled by its flares.

    Which magnetograms beyond the plan lie in the cache makes no difference, so that the same plan
    gives the same data set on every machine that has fetched it. Its flares are those of the plan
    alone; the program's well-known ones are not joined to them.

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

    def positions(self, region: str) -> np.ndarray:
        """Longitude and latitude of every record, (records, 2), degrees, NaN where not known."""
        folder, keep = self._records(region)
        return folder.positions(region)[keep]

    def frame(self, region: str, time: Time) -> Magnetogram:
        """Read the record whose T_REC is `time` (to the second)."""
        return self._open(self._of(region).harp).frame(region, time)

    def skipped(self) -> tuple[SkippedFile, ...]:
        """Empty: files that broke are named when they are read."""
        return ()

    def _of(self, region: str) -> PlannedRegion:
        """Find a planned region by `Region.id`, which ends in the HARP number."""
        number = re.search(r"\d{1,9}$", region)
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
            flares=tuple(_flare(one) for one in planned.flares),
            lookups=(_reach(self.plan.request),),
        )


def open_planned(spec: str) -> PlannedSource:
    """Open the magnetograms of a planned data set, ``jsoc:M5.0:2010-05-01:2022-12-31:10``.

    Raises RequestError if the specification is none, UnknownSourceError if no such data set was
    planned on this machine, CatalogError if the plan is damaged.
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
    """Which records serve an hour of the plan, bool (records,)."""
    seconds = tai_seconds(times)
    nearest = np.round(seconds / _HOUR) * _HOUR
    near = np.abs(seconds - nearest) <= TOLERANCE.to_value("s")
    return np.asarray(near & np.isin(nearest, region.all_hours))


def _flare(one: PlannedFlare) -> Flare:
    values = {name: value for name, value in vars(one).items() if name != "peak_utc"}
    return Flare(peak=Time(one.peak_utc, scale="utc"), source="the plan", **values)


def _reach(request: PlanRequest) -> FlareLookup:
    start, end = request.start, request.end + datetime.timedelta(days=1)
    first, last = (Time(str(day), scale="utc") for day in (start, end))
    return FlareLookup("the plan's catalogue", first, last, "C1.0")

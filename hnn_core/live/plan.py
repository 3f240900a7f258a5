"""Which regions and hours a data set of a flare class needs: the plan, made once and kept.

A plan is pinned when it is made, so that a build that goes on after a month labels by the same
flares as when it began, whatever the catalogues have become since.
"""

import datetime
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from hnn_core.dataset.classes import FLARE_CLASSES
from hnn_core.dataset.work_folder import write_atomically
from hnn_core.exceptions import CatalogError, RequestError
from hnn_core.live.words import read_day
from hnn_core.services.endpoints import live_home

__all__ = [
    "Plan",
    "PlanRequest",
    "PlannedFlare",
    "PlannedRegion",
    "plan_path",
    "read_plan",
    "write_plan",
]

_FORMAT = 1


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
        if len(parts) != 5 or parts[0] != "jsoc" or not parts[4].isdigit():
            raise RequestError(
                f"{spec!r} is no planned data set; it is made by data build --class."
            )
        return cls(parts[1], read_day(parts[2]), read_day(parts[3]), int(parts[4]))

    @property
    def spec(self) -> str:
        """The source specification of the magnetograms that the plan asks for."""
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
    """Those of the class asked for."""

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
    path = plan_path(plan.request)
    path.parent.mkdir(exist_ok=True)
    request = {**asdict(plan.request), "start": str(plan.request.start), "end": ""}
    request["end"] = str(plan.request.end)
    values = {**asdict(plan), "request": request, "format": _FORMAT}
    write_atomically(path, json.dumps(values, indent=1).encode())


def read_plan(request: PlanRequest) -> Plan | None:
    """Return the plan that was made for a request; None if none was.

    Raises
    ------
    CatalogError
        The file is damaged or of another version.
    """
    path = plan_path(request)
    if not path.exists():
        return None
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values["format"] != _FORMAT:
            raise ValueError(f"format {values['format']}")
        return Plan(
            request=request,
            made=str(values["made"]),
            regions=tuple(_region(one) for one in values["regions"]),
            excluded=dict(values["excluded"]),
            catalogues=dict(values["catalogues"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CatalogError(
            f"{path} is not a readable plan ({error}); remove it and build again."
        ) from error


def _region(values: dict[str, Any]) -> PlannedRegion:
    region = PlannedRegion(**values)
    return replace(
        region,
        noaa=tuple(region.noaa),
        hours=tuple((int(first), int(last)) for first, last in region.hours),
        flares=tuple(PlannedFlare(**one) for one in values["flares"]),
    )

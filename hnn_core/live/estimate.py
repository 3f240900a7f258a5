"""What a planned data set costs: regions, magnetograms, gigabytes, hours."""

from dataclasses import dataclass

from hnn_core.jsoc.cache import cached
from hnn_core.jsoc.series import DEFINITIVE
from hnn_core.live.plan import Plan, PlannedRegion
from hnn_core.live.reporting import counted, duration, size
from hnn_core.sharp_kind import named_t_rec

__all__ = ["Estimate", "estimate"]

_FRAME_BYTES = 500_000
"""Of a magnetogram where none is here to measure: the mean over HARP 377's 50 hours is 0.35 MB, and
regions with large flares are larger."""
_SECONDS_PER_FRAME = 1.0
"""Of a download from JSOC, queries included; an assumption until this machine has measured."""


@dataclass(frozen=True)
class Estimate:
    """What a plan costs."""

    regions: int
    flares: int
    frames: int
    """Magnetograms of the plan's hours."""
    here: int
    """Of them, how many are on this machine."""
    n_bytes: float
    """Still to fetch."""
    seconds: float

    @property
    def text(self) -> str:
        """The estimate in a sentence."""
        things = ", ".join(
            counted(number, what)
            for number, what in (
                (self.regions, "region"),
                (self.flares, "flare"),
                (self.frames, "magnetogram"),
            )
        )
        return (
            f"{things}, of which {self.here} are here; about {size(self.n_bytes)} and "
            f"{duration(self.seconds)} to go, estimated"
        )


def estimate(plan: Plan) -> Estimate:
    """Tell what a plan costs, by what is here already."""
    here, n_bytes = 0, 0
    for region in plan.regions:
        sizes = _here(region)
        here += len(sizes)
        n_bytes += sum(sizes)
    left = max(plan.n_hours - here, 0)
    mean = n_bytes / here if here else _FRAME_BYTES
    return Estimate(
        regions=len(plan.regions),
        flares=plan.n_flares,
        frames=plan.n_hours,
        here=here,
        n_bytes=left * mean,
        seconds=left * _SECONDS_PER_FRAME,
    )


def _here(region: PlannedRegion) -> list[int]:
    """Sizes of the magnetograms of a region's planned hours that are on this machine."""
    wanted = {round(hour / 3600.0) for hour in region.all_hours}
    found = {
        round(named_t_rec(str(path)) / 3600.0): path.stat().st_size
        for path in cached(DEFINITIVE, region.harp)
    }
    return [size for hour, size in found.items() if hour in wanted]

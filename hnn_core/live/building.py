"""The data set of a flare class, from the catalogues to the labelled frames, in stages.

Each stage leaves whole files behind: replies of the catalogues, the plan, magnetograms, regions of
the data set. A build that was stopped or killed therefore goes on where it was.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
from astropy.time import Time

from hnn_core.catalogs.fill import keep_filled, missing_noaa, noaa_at
from hnn_core.catalogs.refresh import refresh_cmes, refresh_flares, refresh_harp_noaa
from hnn_core.catalogs.store import Catalog
from hnn_core.dataset.build import build_dataset
from hnn_core.dataset.stored import StoredDataset
from hnn_core.exceptions import NoRecordsError, RequestError, ServiceFaultError
from hnn_core.jsoc.cache import cached
from hnn_core.jsoc.client import JsocClient
from hnn_core.jsoc.fetch import fetch_region
from hnn_core.jsoc.series import DEFINITIVE
from hnn_core.live.fetching import MAGNETOGRAMS, counted, progress_of
from hnn_core.live.plan import Plan, PlannedRegion, PlanRequest, read_plan, write_plan
from hnn_core.live.planned_source import PlannedSource
from hnn_core.live.planning import MOST_LONGITUDE, make_plan
from hnn_core.live.reporting import Reporter, duration, size
from hnn_core.sharp_kind import named_t_rec
from hnn_core.tai import time_from_seconds

__all__ = ["Estimate", "build_planned", "estimate", "planned"]

_FRAME_BYTES = 500_000
"""Of a magnetogram where none is here to measure: the mean over HARP 377's 50 hours is 0.35 MB, and
regions with large flares are larger."""
_SECONDS_PER_FRAME = 1.0
"""Of a download from JSOC, queries included; an assumption until this machine has measured."""
_FILL_EVERY = 20


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
        return (
            f"{self.regions} regions, {self.flares} flares, {self.frames} magnetograms, of which "
            f"{self.here} are here; about {size(self.n_bytes)} and {duration(self.seconds)} to go, "
            "estimated"
        )


def planned(request: PlanRequest, reporter: Reporter, *, again: bool = False) -> Plan:
    """Return the plan of a data set: the one made before, else a new one from the catalogues.

    Parameters
    ----------
    request : PlanRequest
    reporter : Reporter
    again : bool
        Ask the catalogues again and plan anew.

    Raises
    ------
    ServiceFaultError
        Parts of the catalogues could not be fetched, so that the plan would lack flares.
    ServiceError
        JSOC does not answer where flares without a number have to be found by position.
    RequestError
        No flare of the class gives a frame.
    """
    plan = None if again else read_plan(request)
    if plan is not None:
        reporter.note(f"The plan was made on {plan.made}; --again makes it anew.")
        return plan
    _fetch_catalogues(request, reporter, again=again)
    _fill_numbers(request, reporter)
    plan = make_plan(Catalog.open(), request)
    if not plan.regions:
        reasons = "; ".join(f"{count}: {why}" for why, count in plan.excluded.items())
        raise RequestError(
            f"No flare of class ≥{request.flare_class} between {request.start} and {request.end} "
            f"gives a frame ({reasons or 'the catalogue has none'}); choose other dates."
        )
    write_plan(plan)
    return plan


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


def build_planned(
    plan: Plan,
    folder: Path,
    reporter: Reporter,
    *,
    policy: str,
    workers: int | None = None,
) -> StoredDataset:
    """Fetch what the plan asks for and build the data set; goes on with what was stopped.

    Raises
    ------
    ServiceError
        JSOC does not answer; what came until then is kept.
    DatasetError, DiskFullError
        As `hnn_core.dataset.build_dataset`.
    """
    _fetch_magnetograms(plan, reporter)

    def tell(done: int, total: int, region: str, _frames: int, _left: float) -> None:
        reporter.progress("data set", done, total, region)

    return build_dataset(
        PlannedSource(plan),
        folder,
        policy=policy,
        hours=plan.request.hours,
        workers=workers,
        progress=tell,
        notes=reporter.note,
    )


def _fetch_catalogues(request: PlanRequest, reporter: Reporter, *, again: bool) -> None:
    # Flares up to a day later label frames of the last day; CMEs follow their flares.
    end = request.end + timedelta(days=1)
    told = [refresh_harp_noaa(again=again, note=reporter.note)]
    for what, refresh in (("flares", refresh_flares), ("CMEs", refresh_cmes)):
        tell = counted(reporter, what)
        told.append(refresh(request.start, end, again=again, tell=tell, note=reporter.note))
    failed = [sentence for one in told for sentence in one.failed]
    if failed:
        raise ServiceFaultError(
            f"{len(failed)} parts of the catalogues could not be fetched, the first: {failed[0]} "
            "Run the same build again to fetch the rest."
        )


def _fill_numbers(request: PlanRequest, reporter: Reporter) -> None:
    """Find the region of flares without a number by their position inside a HARP's box."""
    catalog = Catalog.open()
    missing = missing_noaa(catalog, request.flare_class, request.start, request.end)
    # Of flares that DONKI does not hold nothing is known that could label a frame.
    missing = missing[missing["association"] != "unknown"]
    if missing.empty:
        return
    found: list[dict[str, object]] = []
    with JsocClient(tell=reporter.note) as client:
        row: Any
        for done, row in enumerate(missing.itertuples(), start=1):
            peak = Time(row.peak_utc.to_pydatetime(), scale="utc").tai
            boxes = client.harps_at(DEFINITIVE, peak)
            harp, noaa = noaa_at(boxes, float(row.longitude_deg), float(row.latitude_deg))
            found.append({"flare_id": row.flare_id, "harp": harp, "noaa": noaa})
            reporter.progress("positions", done, len(missing), str(row.flare_id))
            if len(found) == _FILL_EVERY or done == len(missing):
                keep_filled(catalog.folder, pd.DataFrame(found))
                found = []


def _fetch_magnetograms(plan: Plan, reporter: Reporter) -> None:
    total, before, n_bytes, old = plan.n_hours, 0, 0, 0
    left_out: Counter[str] = Counter()
    with JsocClient(tell=reporter.note) as client:
        for region in plan.regions:
            hours = region.all_hours
            tell = progress_of(reporter, done=before, total=total, n_bytes=n_bytes, old=old)
            try:
                fetched = fetch_region(
                    client,
                    DEFINITIVE,
                    region.harp,
                    time_from_seconds(float(hours[0])),
                    time_from_seconds(float(hours[-1])),
                    most_longitude=MOST_LONGITUDE,
                    hours=hours,
                    tell=tell,
                )
            except NoRecordsError as error:
                left_out[str(error)] += len(hours)
            else:
                n_bytes += fetched.bytes
                old += fetched.present
                left_out.update(Counter(fetched.missing.values()))
            before += len(hours)
            reporter.progress(
                MAGNETOGRAMS, before, total, f"HARP {region.harp}", n_bytes=n_bytes, old=old
            )
    for why, count in left_out.most_common():
        reporter.excluded(f"{count} hours", why, count)


def _here(region: PlannedRegion) -> list[int]:
    """Sizes of the magnetograms of a region's planned hours that are on this machine."""
    wanted = {round(hour / 3600.0) for hour in region.all_hours}
    found = {
        round(named_t_rec(str(path)) / 3600.0): path.stat().st_size
        for path in cached(DEFINITIVE, region.harp)
    }
    return [size for hour, size in found.items() if hour in wanted]

"""The data set of a flare class, from the catalogues to the labelled frames, in stages.

Each stage leaves whole files behind: replies of the catalogues, the plan, magnetograms, regions of
the data set. A build that was stopped or killed therefore resumes where it was.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
from astropy.time import Time

from hnn_core.catalogs.refresh import keep_filled, missing_noaa, noaa_at, refresh_harp_noaa
from hnn_core.catalogs.store import Catalog
from hnn_core.dataset.build import build_dataset
from hnn_core.dataset.stored import StoredDataset
from hnn_core.exceptions import NoRecordsError, ServiceFaultError
from hnn_core.jsoc.client import JsocClient
from hnn_core.jsoc.fetch import fetch_region
from hnn_core.jsoc.keywords import DEFINITIVE
from hnn_core.live.fetching import progress_of, refreshed_all
from hnn_core.live.off_line import note_instead, nothing_came, settle_off_line
from hnn_core.live.planning import MOST_LONGITUDE, NO_HARP, make_plan
from hnn_core.live.reporting import Reporter, counted
from hnn_core.sources.planned import Plan, PlannedSource, PlanRequest, read_plan, write_plan

__all__ = ["build_planned", "planned"]

_FILL_EVERY = 20


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
        Parts of the catalogues could not be fetched, so that flares would be missing from the plan.
    ServiceError
        JSOC does not answer where flares without a number have to be found by position.
    NoRecordsError
        No flare of the class gives a frame.
    """
    plan = None if again else read_plan(request)
    if plan is not None:
        reporter.note(f"The plan was made on {plan.made}; --again makes it anew.")
        return plan
    table_is_old = _fetch_catalogues(request, reporter, again=again)
    _fill_numbers(request, reporter)
    plan = make_plan(Catalog.open(), request)
    if NO_HARP in plan.excluded and table_is_old:
        # JSOC adds to its table all the time: a copy of some days ago may not have the number.
        refresh_harp_noaa(again=True, note=reporter.note)
        plan = make_plan(Catalog.open(), request)
    if not plan.regions:
        reasons = "; ".join(f"{count}: {why}" for why, count in plan.excluded.items())
        raise NoRecordsError(
            f"No flare of class ≥{request.flare_class} between {request.start} and {request.end} "
            f"gives a frame ({reasons or 'the catalogue has none'}); choose other dates."
        )
    write_plan(plan)
    return plan


def build_planned(
    plan: Plan,
    folder: Path,
    reporter: Reporter,
    *,
    policy: str,
    workers: int | None = None,
    allow_missing: bool = False,
) -> StoredDataset:
    """Fetch what the plan needs and build the data set; resumes what was stopped.

    With `allow_missing` it is built also without magnetograms that JSOC has and that do not come,
    or that are off line there. A list of the latter, as an e-mail to JSOC, lies next to `folder`.

    Raises
    ------
    OffLineError
        Hours have no good record that is on line at JSOC now.
    ServiceError
        JSOC does not answer, or some of its files cannot be had; what came until then is kept.
    DatasetError, DiskFullError
        As `hnn_core.dataset.build.build_dataset`.
    """
    came = _fetch_magnetograms(plan, reporter)
    nothing, failed = not came.here, came.failed
    settle_off_line(
        DEFINITIVE,
        came.off_line,
        folder.with_name(f"{folder.name}.off_line.txt"),
        reporter,
        nothing=nothing,
        allow_missing=allow_missing,
    )
    if nothing:
        raise nothing_came(came.left_out)
    if failed and not allow_missing:
        raise ServiceFaultError(
            f"{counted(len(failed), 'magnetogram')} could not be fetched, the first: {failed[0]}. "
            "Run the same build again to try them, or with --allow-missing to do without."
        )

    def progress(done: int, total: int, region: str, _frames: int, _left: float) -> None:
        reporter.progress("data set", done, total, region)

    return build_dataset(
        PlannedSource(plan),
        folder,
        policy=policy,
        hours=plan.request.hours,
        workers=workers,
        progress=progress,
        notes=reporter.note,
    )


def _fetch_catalogues(request: PlanRequest, reporter: Reporter, *, again: bool) -> bool:
    """Fetch what is missing of them; return whether the table of numbers was here already."""
    # Flares up to a day later label frames of the last day; CMEs follow their flares.
    end = request.end + timedelta(days=1)
    refreshes = refreshed_all(request.start, end, reporter, again=again)
    failed = [sentence for one in refreshes for sentence in one.failed]
    if failed:
        raise ServiceFaultError(
            f"{counted(len(failed), 'part')} of the catalogues could not be fetched, the first: "
            f"{failed[0]} Run the same build again to fetch the rest."
        )
    return bool(refreshes[-1].kept)


def _fill_numbers(request: PlanRequest, reporter: Reporter) -> None:
    """Find the region of flares without a number by their position inside a HARP's box."""
    catalog = Catalog.open()
    missing = missing_noaa(catalog, request.flare_class, request.start, request.end)
    # Of flares that DONKI does not hold nothing is known that could label a frame.
    missing = missing[missing["association"] != "unknown"]
    if missing.empty:
        return
    found: list[dict[str, object]] = []
    client = JsocClient(note=reporter.note)
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


@dataclass
class _Came:
    """What came of the magnetograms of a plan."""

    here: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    """Hours without one, by the reason."""
    failed: list[str] = field(default_factory=list)
    """Those that JSOC has and that could not be had, in words."""
    off_line: dict[int, dict[str, float]] = field(default_factory=dict)
    """By HARP, `hnn_core.jsoc.fetch.Fetched.off_line`."""


def _fetch_magnetograms(plan: Plan, reporter: Reporter) -> _Came:
    """Fetch what is missing."""
    came = _Came()
    total, before, n_bytes, old = plan.n_hours, 0, 0, 0
    client = JsocClient(note=reporter.note)
    for region in plan.regions:
        hours = region.all_hours
        progress = progress_of(reporter, done=before, total=total, n_bytes=n_bytes, old=old)
        try:
            fetched = fetch_region(
                client,
                DEFINITIVE,
                region.harp,
                most_longitude=MOST_LONGITUDE,
                hours=hours,
                progress=progress,
            )
        except NoRecordsError as error:
            came.left_out[str(error)] += len(hours)
        else:
            n_bytes += fetched.bytes
            old += fetched.present
            came.here += fetched.new + fetched.present
            came.left_out.update(Counter(fetched.missing.values()))
            came.failed += [
                f"HARP {region.harp} {hour} ({why})" for hour, why in fetched.failed.items()
            ]
            came.off_line[region.harp] = fetched.off_line
            note_instead(region.harp, fetched, reporter)
        before += len(hours)
        reporter.progress(
            "magnetograms", before, total, f"HARP {region.harp}", n_bytes=n_bytes, old=old
        )
    for why, count in came.left_out.most_common():
        reporter.excluded(counted(count, "hour"), why, count)
    return came

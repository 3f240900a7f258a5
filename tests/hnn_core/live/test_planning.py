"""The plan of a data set: which hours of which regions, from flares with a known place."""

import datetime
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hnn_core.exceptions import (
    CatalogError,
    RequestError,
    UnknownRegionError,
    UnknownSourceError,
)
from hnn_core.live import planning
from hnn_core.magnetogram.conventions import iso_minute
from hnn_core.sources.planned import (
    Plan,
    PlannedRegion,
    PlanRequest,
    open_planned,
    plan_path,
    read_plan,
    write_plan,
)

DAYS = (datetime.date(2011, 2, 1), datetime.date(2011, 2, 28))
M = PlanRequest("M", *DAYS)


@dataclass
class DrawnCatalog:
    """A catalogue as the planner sees it."""

    flares: pd.DataFrame
    pairs: tuple[tuple[int, int], ...] = ((377, 11158), (1449, 11429), (1449, 11430))
    coverage: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(
            {
                "service": ["NCEI", "NCEI"],
                "fetched_utc": pd.to_datetime(["2026-01-01", "2026-02-01"]),
            }
        )
    )


def flare(peak: str = "2011-02-15T01:56", **changes: Any) -> dict[str, Any]:
    values = {
        "peak_utc": pd.Timestamp(peak),
        "goes_class": "X2.2",
        "scale": "operational",
        "noaa": 11158,
        "harp": 0,
        "longitude_deg": 10.0,
        "latitude_deg": -20.0,
        "association": "eruptive",
        "reason": "linked",
    } | changes
    return {"flare_id": f"{peak} {values['goes_class']}", **values}


@pytest.fixture
def plan_of(monkeypatch):
    """Plan from drawn flares; the catalogue's queries are replaced by their definitions."""
    monkeypatch.setattr(planning, "find_flares", lambda catalog, **_: catalog.flares)
    monkeypatch.setattr(
        planning, "harps_of", lambda catalog, n: tuple(h for h, a in catalog.pairs if a == n)
    )
    monkeypatch.setattr(
        planning, "noaas_of", lambda catalog, h: tuple(a for b, a in catalog.pairs if b == h)
    )
    return lambda *flares, request=M: planning.make_plan(
        DrawnCatalog(pd.DataFrame(list(flares))), request
    )


def test_a_flare_asks_for_its_day_and_the_reach_of_its_sequences(plan_of):
    plan = plan_of(flare())
    (region,) = plan.regions
    hours = [iso_minute(float(hour)) for hour in region.all_hours]
    # 24 h of labels up to the flare at 01:56:34 TAI, 9 h of sequence and 2 to fill a gap.
    assert (hours[0], hours[-1], len(hours)) == ("2011-02-13T15:00", "2011-02-15T01:00", 35)
    assert (region.harp, region.noaa, region.n_flares) == (377, (11158,), 1)
    assert plan.catalogues == {"NCEI": "2026-02-01 00:00:00"}


def test_hours_too_far_from_the_meridian_are_not_fetched(plan_of):
    (region,) = plan_of(flare(longitude_deg=60.0)).regions
    # 52 degrees were passed 8 / 0.55 = 14.5 h before the flare.
    assert len(region.all_hours) == 35 - 14
    assert iso_minute(float(region.all_hours[-1])) == "2011-02-14T11:00"
    assert plan_of(flare(longitude_deg=80.0)).excluded == {
        "more than 45° from the central meridian": 1
    }
    assert len(plan_of(flare(longitude_deg=np.nan)).regions[0].all_hours) == 35


def test_overlapping_windows_are_one_span_and_each_hour_once(plan_of):
    plan = plan_of(flare("2011-02-14T12:00"), flare("2011-02-15T01:56"), flare("2011-02-20T12:00"))
    (region,) = plan.regions
    assert len(region.hours) == 2
    assert len(region.all_hours) == len(set(region.all_hours)) == plan.n_hours
    assert plan.n_flares == region.n_flares == len(region.flares) == 3


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"association": "unknown"}, "not in DONKI, so whether a CME came with it is unknown"),
        ({"noaa": 0}, "no NOAA number, and no HARP at its position"),
        ({"noaa": 19999}, "no HARP has its NOAA number"),
    ],
)
def test_a_flare_that_gives_no_frame_is_counted_with_its_reason(plan_of, changes, why):
    plan = plan_of(flare(), flare("2011-02-20T12:00", **changes))
    assert plan.excluded == {why: 1}
    assert plan.n_flares == 1


def test_weaker_flares_ask_for_no_frame_but_label_those_that_are_there(plan_of):
    plan = plan_of(flare(), flare("2011-02-14T20:00", goes_class="C5.0", association="unlinked"))
    (region,) = plan.regions
    assert region.n_flares == 1
    assert [one.goes_class for one in region.flares] == ["X2.2", "C5.0"]


def test_a_class_counts_on_its_scale(plan_of):
    # 7.0e-5 W m-2 on the true scale were announced as M4.9 by GOES 1-15; 7.2e-5 as M5.04.
    request = PlanRequest("M5.0", *DAYS)
    weak, strong = (flare(goes_class=c, scale="science") for c in ("M7.1", "M7.2"))
    assert plan_of(weak, request=request).regions == ()
    assert plan_of(strong, request=request).n_flares == 1


def test_two_numbers_in_one_harp_share_its_frames(plan_of):
    plan = plan_of(flare("2011-02-15T01:56", noaa=11429), flare("2011-02-15T03:00", noaa=11430))
    (region,) = plan.regions
    assert (region.harp, region.noaa, region.n_flares) == (1449, (11429, 11430), 2)


@given(
    st.lists(st.tuples(st.integers(0, 600), st.floats(-80, 80)), min_size=1, max_size=6),
    st.integers(10, 18),
)
def test_every_hour_lies_before_a_flare_within_reach(pairs, length):
    hours = [
        planning._hours_before(
            pd.DataFrame(
                [flare(str(pd.Timestamp("2011-02-01") + pd.Timedelta(hours=h)), longitude_deg=lon)]
            ).iloc[0],
            length,
        )
        for h, lon in pairs
    ]
    for (h, _), found in zip(pairs, hours, strict=True):
        peak = pd.Timestamp("2011-02-01") + pd.Timedelta(hours=h, seconds=34)
        waits = [(peak - pd.Timestamp(one, unit="s")).total_seconds() / 3600 for one in found]
        assert all(0 < wait <= 24 + length + 1 for wait in waits)
        assert all(one % 3600 == 0 for one in found)


def test_a_plan_is_the_same_after_writing_and_reading(plan_of):
    plan = plan_of(flare(), flare("2011-02-20T12:00", noaa=11429))
    assert read_plan(M) is None
    write_plan(plan)
    assert read_plan(M) == replace(plan, excluded=dict(plan.excluded))
    assert M.spec == "jsoc:M:2011-02-01:2011-02-28:10"
    assert PlanRequest.from_spec(M.spec) == M


@pytest.mark.parametrize("content", ["", "{}", '{"format": 99}', "[1, 2"])
def test_a_damaged_plan_is_told_and_not_used(content):
    write_plan(Plan(M, "2026-01-01", (PlannedRegion(377, (11158,), ((0, 3600),), (), 1),), {}, {}))
    plan_path(M).write_text(content)
    with pytest.raises(CatalogError, match="not a readable plan"):
        read_plan(M)


@pytest.mark.parametrize("region", ["9" * 5000, "SIM 1", ""])
def test_a_region_that_no_plan_has_is_a_sentence(region):
    write_plan(Plan(M, "2026-01-01", (PlannedRegion(377, (11158,), ((0, 3600),), (), 1),), {}, {}))
    with pytest.raises(UnknownRegionError, match="There is no region"):
        open_planned(M.spec).times(region)


def test_what_cannot_be_planned_is_told_before_any_request():
    with pytest.raises(RequestError, match="'M9' is not a class"):
        PlanRequest("M9", *DAYS)
    with pytest.raises(RequestError, match="before 2011-02-28"):
        PlanRequest("M", *DAYS[::-1])
    with pytest.raises(RequestError, match="no planned data set"):
        PlanRequest.from_spec("jsoc:M:2011-02-01")
    with pytest.raises(UnknownSourceError, match="was not planned"):
        open_planned(M.spec)

"""Statistics over many windows: known differences, known chance, and rows of a source."""

import threading
from concurrent.futures import CancelledError
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from astropy import units as u
from astropy.time import Time, TimeDelta
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.physics.flux import flux_history
from analysis.physics.trends import trend
from analysis.surveys.compare import QUANTITIES, compare_classes, compare_columns, found_trends
from analysis.surveys.survey import OUTCOMES, survey, window_outcome
from hnn_core.exceptions import OneClassError, TooFewGroupsError, UnknownRegionError
from hnn_core.regions.base import Flare, FlareLookup, Region
from hnn_core.sources.simulated import SimulatedSource
from tests.support.moving_boxes import WHOLE, BoxSource

pytestmark = pytest.mark.slow

COLUMN = "moving_unsigned_slope_percent_per_h"


def table(eruptive, confined, windows=1, column=COLUMN):
    """One value a region; `windows` windows of each with that value."""
    rows = [
        {"region": f"{kind} {i}", "outcome": kind, column: value}
        for kind, values in (("eruptive", eruptive), ("confined", confined))
        for i, value in enumerate(values)
        for _ in range(windows)
    ]
    return pd.DataFrame(rows)


# Known answers


def test_differences_and_effect_sizes_by_hand():
    found = compare_classes(table([-5.0, -4.0, -3.0], [-1.0, 0.0, 1.0]), COLUMN)
    assert found["n_windows"] == found["n_regions"] == (3, 3)
    assert (found["median"], found["mean"]) == ((-4.0, 0.0), (-4.0, 0.0))
    assert found["median_difference"] == found["mean_difference"] == -4.0
    # Every one of the nine pairs has the eruptive region lower.
    assert found["cliffs_delta"] == -1.0
    # Deviations of 1 in both; with 4 degrees of freedom g is 1 - 3 / 15 of d.
    assert found["standardised"] == pytest.approx(-4.0 * (1 - 3 / 15))


def test_permutation_p_of_separated_groups_is_that_of_all_orders():
    # 2 of the 20 ways to part six regions are as far apart; a draw cannot go below.
    found = compare_classes(table([-5.0, -4.0, -3.0], [0.0, 1.0, 2.0]), COLUMN, draws=20_000)
    assert found["mean_p"] == pytest.approx(0.1, abs=0.01)


def test_permutation_p_agrees_with_scipy_s():
    rng = np.random.default_rng(3)
    a, b = rng.normal(-0.6, 1, 14), rng.normal(0, 1, 17)
    found = compare_classes(table(a, b), COLUMN, draws=20_000)
    peer = stats.permutation_test(
        (a, b), lambda x, y, axis: x.mean(axis) - y.mean(axis), vectorized=True,
        n_resamples=20_000, rng=1,
    )  # fmt: skip
    assert found["mean_p"] == pytest.approx(peer.pvalue, abs=0.012)


def test_windows_of_a_region_are_no_new_evidence():
    rng = np.random.default_rng(5)
    a, b = rng.normal(-1, 1, 6), rng.normal(0, 1, 6)
    once, often = (compare_classes(table(a, b, windows), COLUMN) for windows in (1, 40))
    assert often["n_windows"] == (240, 240)
    # But for rounding, by which a draw may tie with the data or not.
    assert often["mean_p"] == pytest.approx(once["mean_p"], abs=0.005)
    assert often["mean_interval"] == pytest.approx(once["mean_interval"])


def test_a_region_with_both_kinds_is_compared_with_itself():
    # Regions differ by far more than the kinds within each of them.
    base = np.arange(8) * 100.0
    both = pd.DataFrame(
        [
            {"region": str(i), "outcome": kind, COLUMN: value + shift}
            for i, value in enumerate(base)
            for kind, shift in (("eruptive", -1.0), ("confined", 0.0))
        ]
    )
    found = compare_classes(both, COLUMN, draws=20_000)
    assert found["n_regions"] == (8, 8)
    assert found["mean_difference"] == pytest.approx(-1.0)
    # All of 8 exchanges one way or the other: 2 of 256.
    assert found["mean_p"] == pytest.approx(2 / 256, abs=0.003)
    assert found["mean_interval"] == pytest.approx((-1.0, -1.0))


def test_p_is_uniform_when_labels_mean_nothing():
    rng = np.random.default_rng(0)
    p = [
        compare_classes(table(x[:9], x[9:], column="x"), "x", draws=199)["mean_p"]
        for x in rng.standard_t(3, (200, 20))
    ]
    assert stats.kstest(p, "uniform").pvalue > 1e-3
    assert 0.01 <= np.mean(np.array(p) <= 0.05) <= 0.1


def test_interval_of_the_difference_covers_the_truth():
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(150):
        found = compare_classes(
            table(rng.normal(-1, 1, 20), rng.normal(0, 1, 20)), COLUMN, draws=300
        )
        low, high = found["mean_interval"]
        covered += low <= -1.0 <= high
    # Percentile intervals of 20 regions are a little short of 95 %.
    assert 0.86 <= covered / 150 <= 0.99


def test_false_discovery_rate_is_benjamini_and_hochberg_s():
    rng = np.random.default_rng(2)
    data = table(rng.normal(-2, 1, 10), rng.normal(0, 1, 10))
    for k in range(3):
        data[f"noise {k}"] = rng.normal(size=len(data))
    columns = [COLUMN, "noise 0", "noise 1", "noise 2"]
    found = compare_columns(data, columns, draws=999)
    p = found["median_p"].to_numpy()
    np.testing.assert_allclose(found["q"], stats.false_discovery_control(p))
    assert (found["q"] >= p).all()
    assert found["q"].iloc[0] == found["q"].min()


def test_trends_that_stand_among_all_windows_are_counted():
    # Of 20 noise windows none stands; the four strong ones do.
    p = [1e-8, 1e-8, 1e-7, 1e-8, *np.linspace(0.03, 1, 20)]
    slope = [-1.0, -1.0, 1.0, -1.0, *[1.0] * 20]
    rows = pd.DataFrame(
        {
            "outcome": ["eruptive"] * 3 + ["confined"] * 21,
            "moving_unsigned_p": p,
            "moving_unsigned_slope_mx_per_h": slope,
        }
    )
    found = found_trends(rows).set_index("outcome")
    assert found.loc["eruptive"].to_list() == [3, 2, 1, 0]
    assert found.loc["confined"].to_list() == [21, 1, 0, 20]


def test_windows_without_a_p_are_not_counted():
    rows = pd.DataFrame(
        {
            "outcome": ["eruptive"],
            "moving_unsigned_p": [np.nan],
            "moving_unsigned_slope_mx_per_h": [np.nan],
        }
    )
    assert found_trends(rows)[["windows", "fall", "none"]].to_numpy().tolist() == [[0, 0, 0]]


# Properties


@settings(max_examples=20)
@given(
    st.lists(st.floats(-50, 50), min_size=2, max_size=9),
    st.lists(st.floats(-50, 50), min_size=2, max_size=9),
)
def test_exchanging_the_kinds_turns_the_signs(a, b):
    one = compare_classes(table(a, b), COLUMN, draws=50)
    other = compare_classes(table(b, a), COLUMN, draws=50)
    assert other["median_difference"] == pytest.approx(-one["median_difference"])
    assert other["cliffs_delta"] == pytest.approx(-one["cliffs_delta"])
    assert -1.0 <= one["cliffs_delta"] <= 1.0
    assert 0.0 < one["median_p"] <= 1.0


def test_one_seed_gives_one_answer():
    data = table([-3.0, -1.0, -2.0], [1.0, 0.0, 0.5])
    assert (
        compare_classes(data, COLUMN, seed=4)["mean_p"]
        == compare_classes(data, COLUMN, seed=4)["mean_p"]
    )


# Faults


def test_one_kind_alone_cannot_be_compared():
    with pytest.raises(
        OneClassError, match="0 confined windows with a known PIL flux slope, moving"
    ):
        compare_classes(table([1.0, 2.0], []), COLUMN)
    with pytest.raises(OneClassError, match="0 confined"):
        compare_classes(table([1.0, 2.0], [np.nan]), COLUMN)


def test_one_region_alone_cannot_be_compared():
    with pytest.raises(TooFewGroupsError, match="1 eruptive and 2 confined"):
        compare_classes(table([1.0], [2.0, 3.0], windows=20), COLUMN)


# Rows of a source


@pytest.fixture(scope="module")
def surveyed():
    # SIM 3 has an hour without data, which is filled by interpolation.
    return survey(SimulatedSource(), ["SIM 3", "SIM 4"], step=9)


def test_survey_has_a_row_for_each_window(surveyed):
    assert set(surveyed["region"]) == {"SIM 3", "SIM 4"}
    assert set(surveyed["outcome"]) <= set(OUTCOMES)
    assert surveyed["simulated"].all()
    ends = surveyed[surveyed["region"] == "SIM 4"]["t_rec_tai"]
    assert (ends.diff().dropna() == pd.Timedelta("9h")).all()
    assert {"eruptive", "confined"} <= set(surveyed["outcome"])


def test_slopes_of_a_survey_are_those_of_the_histories(surveyed):
    source, row = SimulatedSource(), surveyed[surveyed["region"] == "SIM 4"].iloc[0]
    times = source.times("SIM 4")
    end = int(np.argmin(np.abs((times - Time(row["t_rec_tai"], scale="tai")).sec)))
    flux = flux_history(source.frame("SIM 4", times[k]) for k in range(end - 9, end + 1))
    hours = np.arange(10.0)
    for column, mine in (
        ("pil_unsigned_flux_mx", "moving_unsigned"),
        ("total_unsigned_flux_mx", "patch_unsigned"),
        ("pil_positive_flux_mx", "moving_positive"),
    ):
        slope = trend(hours, flux[column].to_numpy() * u.Mx).slope.to_value("Mx/h")
        assert row[f"{mine}_slope_mx_per_h"] == pytest.approx(slope, rel=1e-9)


def test_interpolated_hours_are_counted(surveyed):
    assert surveyed[surveyed["region"] == "SIM 3"]["n_interpolated"].max() == 1
    assert surveyed[surveyed["region"] == "SIM 4"]["n_interpolated"].max() == 0


def test_notes_on_cut_outs_reach_the_windows_that_hold_them():
    source = BoxSource([WHOLE] * 12)
    hours = source.frames["377"]
    hours[:3] = [
        replace(one, notes=(f"Hour {k} is a cut-out.",)) for k, one in enumerate(hours[:3])
    ]
    found = survey(source)
    assert list(found["notes"]) == [
        "Hour 0 is a cut-out. Hour 1 is a cut-out. Hour 2 is a cut-out.",
        "Hour 1 is a cut-out. Hour 2 is a cut-out.",
        "Hour 2 is a cut-out.",
    ]


def test_default_columns_are_in_a_survey(surveyed):
    assert set(surveyed["notes"]) == {""}
    assert set(QUANTITIES) <= set(surveyed)


def test_it_stops_between_windows():
    flag = threading.Event()
    flag.set()
    with pytest.raises(CancelledError, match="after 1 windows"):
        survey(SimulatedSource(0, 1), cancel=flag)


def test_progress_is_told_and_can_stop():
    told = []

    def progress(done, total):
        told.append((done, total))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        survey(SimulatedSource(), ["SIM 1", "SIM 2"], step=40, progress=progress)
    assert told == [(1, 2)]


def test_unknown_regions_and_steps_are_refused():
    with pytest.raises(UnknownRegionError, match="SIM 99"):
        survey(SimulatedSource(), ["SIM 99"])
    with pytest.raises(ValueError, match="step"):
        survey(SimulatedSource(), ["SIM 1"], step=0)


def test_a_window_without_a_label_says_why():
    time = Time("2011-02-15T01:00:00", scale="tai")
    day = TimeDelta(86400.0, format="sec")
    region = Region("5", 5, (), time, time, 1)
    lookups = (FlareLookup("flares.csv", time - day, time + 2 * day),)

    def word(policy="strict", **changes):
        return window_outcome(replace(region, **changes), time, "M", policy)

    unlinked, linked = (Flare(time + day / 2, "M1.0", kind) for kind in ("unlinked", "eruptive"))
    assert word() == "not looked up"
    assert word(lookups=lookups) == "no flare"
    assert word(flares=(unlinked,)) == "unknown"
    assert word("unlinked-is-confined", flares=(unlinked,)) == "confined"
    assert word(flares=(unlinked, linked)) == "eruptive"

"""The hour a region is looked at first, and the cases that are suggested."""

from dataclasses import replace

import astropy.units as u
import pytest
from astropy.time import Time

from hnn_core.regions.base import Flare, Region
from hnn_core.regions.well_known import largest_flare, reference_hour, suggested_cases

START = Time("2015-06-01T00:00:00", scale="tai")
HOURS = [str((START + k * u.h).isot)[:16] for k in range(24)]


def region(name: str, *flares: tuple[float, str, str]) -> Region:
    found = tuple(Flare((START + hour * u.h).utc, kind, how) for hour, kind, how in flares)
    return Region(name, 9000, (), START, START + 23 * u.h, 24, found)


def test_suggestions_take_the_outcomes_in_turn_and_regions_without_a_flare_last():
    regions = [
        region("1"),
        region("2", (15.5, "M1.0", "eruptive")),
        region("3", (16.5, "M1.0", "eruptive")),
        region("4", (17.5, "M1.0", "unlinked")),
        region("5", (18.5, "C1.0", "eruptive")),
    ]
    found = suggested_cases("fits:x", [(one, HOURS) for one in regions], "demo", "M")
    assert [case.region for case in found] == ["2", "4", "3", "1", "5"]
    # The last whole hour before the peak; without a flare the last hour there is.
    assert [case.hour[11:13] for case in found] == ["15", "17", "16", "23", "18"]
    assert {(case.source, case.model) for case in found} == {("fits:x", "demo")}
    assert len(suggested_cases("fits:x", [(r, HOURS) for r in regions], "m", "M", most=2)) == 2


def test_a_full_window_is_preferred_and_regions_without_hours_are_passed_over():
    early = region("1", (3.5, "X1.0", "eruptive"))
    assert suggested_cases("s:", [(early, HOURS)], "", "M")[0].hour == HOURS[-1]
    assert suggested_cases("s:", [(early, HOURS[:5])], "", "M")[0].hour == HOURS[3]
    assert suggested_cases("s:", [(early, [])], "", "M") == ()


def test_the_largest_flare_counts_by_letter_and_number():
    one = region("1", (2.0, "C9.9", "unknown"), (9.5, "M1.0", "unknown"), (20.0, "M0.9", "unknown"))
    assert largest_flare(one).goes_class == "M1.0"
    assert reference_hour(HOURS, one) == HOURS[9]
    assert largest_flare(replace(one, flares=())) is None
    with pytest.raises(IndexError):
        reference_hour([], one)

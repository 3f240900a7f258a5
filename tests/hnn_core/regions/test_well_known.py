"""The hour a region is looked at first, and the cases that are suggested."""

import csv
from dataclasses import replace
from itertools import permutations

import astropy.units as u
import pytest
from astropy.time import Time

from hnn_core.catalogs.records import parse_harp_noaa
from hnn_core.magnetogram.conventions import parse_t_rec
from hnn_core.regions.base import Cme, Flare, Region
from hnn_core.regions.goes_classes import flux_of_class
from hnn_core.regions.outcome import cme_words
from hnn_core.regions.well_known import (
    WELL_KNOWN,
    join_flares,
    largest_flare,
    reference_hour,
    suggested_cases,
    well_known_cases,
    with_well_known,
)
from tests.conftest import real_data

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


# The list


def test_the_list_holds_both_outcomes_and_its_hours_end_before_the_flares():
    cases = well_known_cases()
    outcomes = [case.outcome for case in cases]
    assert set(outcomes) == {"eruptive", "confined", "unlinked"}
    assert len(cases) >= 30
    assert outcomes.count("confined") >= 9
    assert len({(case.noaa, case.peak_utc) for case in cases}) == len(cases)
    assert [case.peak_utc for case in cases] == sorted(case.peak_utc for case in cases)
    assert (cases[0].peak_utc[:4], cases[-1].peak_utc[:4]) == ("2011", "2024")
    for case in cases:
        wait = parse_t_rec(f"{case.peak_utc}Z") - parse_t_rec(case.reference_tai)
        assert 0 < wait.to_value("hour") < 2.1
        assert case.reference_tai.endswith(":00")
        assert flux_of_class(case.flare) >= 2e-5
        assert 10_000 < case.noaa < 20_000
        assert len(case.literature) > 20


def test_the_list_agrees_with_the_table_of_flares_and_cmes_where_that_reaches():
    path = real_data("labels", "donki_flare_cme_2010_2017.csv")
    with path.open(encoding="utf-8", newline="") as stream:
        table = {(row["Peak Time"][:16], row["Flare Class"]): row for row in csv.DictReader(stream)}
    checked = 0
    for case in well_known_cases():
        if case.peak_utc < "2018":
            row = table[case.peak_utc, case.flare]
            assert (int(row["Active Region Number"]), int(row["Harp Number"])) == (
                case.noaa,
                case.harp,
            )
            begin = parse_t_rec(f"{row['Start Time'].removesuffix('Z')}Z")
            assert 0 <= (begin - parse_t_rec(case.reference_tai)).to_value("hour") < 1
            if case.outcome != "eruptive":
                assert row["CME"] == "No"
            checked += 1
    assert checked >= 30


def test_the_list_agrees_with_jsocs_table_of_numbers():
    table = real_data("harp_noaa", "all_harps_with_noaa_ars.txt").read_text()
    pairs = set(parse_harp_noaa(table))
    known = [case for case in well_known_cases() if case.harp]
    assert len(known) >= 30
    assert all((case.harp, case.noaa) in pairs for case in known)


def test_the_list_agrees_with_the_keywords_of_sharps_where_they_share_a_region():
    with real_data("keywords", "sharps.csv").open(encoding="utf-8", newline="") as stream:
        noaa = {int(row["hnum"]): row["NOAA_ARS"].split(",") for row in csv.DictReader(stream)}
    assert all(str(c.noaa) in noaa[c.harp] for c in well_known_cases() if c.harp in noaa)


# Joining


def of_377(**changes: object) -> Region:
    start = Time("2011-02-13T05:00:00", scale="tai")
    values = {"id": "377", "harp": 377, "noaa": (), "first": start, "last": start, "n_records": 1}
    return Region(**values | changes)


def test_harp_377_has_its_three_flares_with_what_is_known_of_their_cmes():
    flares = with_well_known(of_377()).flares
    assert [(one.goes_class, one.known, one.studied) for one in flares] == [
        ("M6.6", "unlinked", ""),  # which is not confined
        ("M2.2", "unlinked", ""),
        ("X2.2", "eruptive", "eruptive"),
    ]
    assert {one.source for one in flares} == {WELL_KNOWN}
    assert flares[2].literature == "Sun et al. 2012, ApJ 748, 77"


@pytest.mark.parametrize(
    ("changes", "count"),
    [
        ({"noaa": (11158,), "harp": 5}, 3),
        ({"id": "NRT-377"}, 0),  # another region's number
        ({"id": "NRT-377", "noaa": (11158,)}, 3),
        ({"id": "SIM 1", "simulated": True, "noaa": (11158,)}, 0),
        ({"harp": 0}, 0),  # 0 is no HARP, though some well-known flares have no other
        ({"noaa": (13664,), "harp": 11149}, 2),
    ],
)
def test_well_known_flares_go_by_noaa_and_by_definitive_harp(changes, count):
    assert len(with_well_known(of_377(**changes)).flares) == count


X22 = Time("2011-02-15T01:56:00", scale="utc")


def test_a_flare_of_two_sources_is_one_with_its_links_joined():
    cme, other = (Cme(f"2011-02-15T02:2{i}:00-CME-001", X22) for i in (5, 9))
    linked = Flare(X22 + 3 * u.min, "X2.2", "eruptive", cmes=(cme,), source="DONKI", reason="a")
    region = with_well_known(of_377(flares=(linked,)))
    joined = region.flares[-1]
    assert len(region.flares) == 3
    assert (joined.id, joined.peak, joined.cmes) == (linked.id, linked.peak, (cme,))
    assert (joined.association, joined.studied) == ("eruptive", "eruptive")
    assert joined.source == f"DONKI, {WELL_KNOWN}"
    assert joined.reason.startswith("a; eruptive in the literature")
    again = join_flares([linked], [replace(linked, cmes=(other,))], [replace(linked, cmes=(cme,))])
    assert [one.cmes for one in again] == [(cme, other)]


@pytest.mark.parametrize(
    ("minutes", "goes_class", "scale", "count"),
    [
        (5, "X2.2", "operational", 1),
        (5.1, "X2.2", "operational", 2),
        (0, "X2.6", "operational", 1),
        (0, "X2.7", "operational", 2),
        (0, "X3.3", "science", 1),  # 0.7 of it is X2.3
        (0, "M2.2", "operational", 2),
    ],
)
def test_what_is_another_flare_stays_another(minutes, goes_class, scale, count):
    one = Flare(X22, "X2.2")
    other = Flare(X22 + minutes * u.min, goes_class, scale=scale)
    assert len(join_flares([one], [other])) == count


def test_a_link_is_stronger_than_the_literature_and_that_than_no_link():
    for first, second, known in (
        ("unlinked", "unknown", "unlinked"),
        ("unknown", "eruptive", "eruptive"),
        ("unlinked", "confined", "confined"),
        ("confined", "unknown", "confined"),
    ):
        for pair in ((first, second), (second, first)):
            (joined,) = join_flares(*([Flare(X22, "X2.2", kind)] for kind in pair))
            assert joined.known == known


@pytest.mark.parametrize("kinds", list(permutations(["eruptive", "confined", "eruptive"])))
def test_a_flare_called_both_eruptive_and_confined_is_unknown_and_says_so(kinds):
    (joined,) = join_flares([Flare(X22, "X2.2", kind) for kind in kinds])
    assert joined.known == "unknown"
    assert cme_words(joined) == "CME link unknown: called both eruptive and confined"
    (known,) = (flare for flare in join_flares([joined], with_well_known(of_377()).flares)[-1:])
    assert known.known == "eruptive"  # by the literature
    assert cme_words(known).startswith("CME link unknown: called both eruptive and confined; erup")

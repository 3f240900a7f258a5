"""What each service writes, read as it means: scales, lost digits, places, gaps, revisions."""

import itertools
import json
import math
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hnn_core.catalogs.donki import Donki, parse_donki_cmes, parse_donki_flares, query
from hnn_core.catalogs.hek import has_more, parse_flares
from hnn_core.catalogs.hek import query as hek_query
from hnn_core.catalogs.ncei import Ncei, parse_report, read_index
from hnn_core.catalogs.raw import spans
from hnn_core.catalogs.records import (
    HarpNoaa,
    direction,
    parse_harp_noaa,
    place,
    read_place,
    read_time,
    region_number,
)
from hnn_core.exceptions import RequestError, TransientReplyError
from hnn_core.regions.goes_classes import (
    announced_scale,
    class_of_flux,
    flux_of_class,
    on_scale,
    read_class,
)
from hnn_core.services.transport import Reply
from tests.conftest import real_data
from tests.support.drawn_catalogs import (
    FETCHED,
    HEADER,
    X22,
    donki_cme,
    donki_flare,
    hek_event,
    hek_text,
    linking,
    ncei_row,
    ncei_text,
    reply_for,
)

YEAR = spans("year", date(2011, 1, 1), date(2011, 1, 1))[0]
MONTH = spans("month", date(2011, 2, 1), date(2011, 2, 1))[0]
WEEK = spans("week", date(2011, 2, 15), date(2011, 2, 15))[0]


def ncei(*rows, span=YEAR):
    return parse_report(reply_for(span, "ncei", ncei_text(*rows)))


def hek(*events):
    return parse_flares(reply_for(MONTH, "hek", hek_text(*events)))


def flares(*replies, span=MONTH):
    return parse_donki_flares(
        [
            reply_for(span, "donki_flr", json.dumps(records), FETCHED + timedelta(days=i))
            for i, records in enumerate(replies)
        ]
    )


def cmes(*records, span=WEEK):
    return parse_donki_cmes([reply_for(span, "donki_cme", json.dumps(records))])


def arrived(content):
    return Reply("http://x/", content.encode(), FETCHED)


class TestClasses:
    @pytest.mark.parametrize(
        ("text", "flux"), [("X2.2", 2.2e-4), ("M1.0", 1e-5), ("C9", 9e-6), ("X28.0", 2.8e-3)]
    )
    def test_known_fluxes(self, text, flux):
        assert flux_of_class(text) == pytest.approx(flux, rel=1e-12)

    @given(st.sampled_from("BCM"), st.integers(10, 99))
    def test_class_and_flux_turn_into_each_other(self, letter, tenths):
        text = f"{letter}{tenths / 10:.1f}"
        assert class_of_flux(flux_of_class(text)) == text

    @given(st.floats(1e-8, 9e-3))
    def test_a_class_is_off_by_half_a_tenth_at_most(self, flux):
        text = class_of_flux(flux)
        assert abs(flux_of_class(text) / flux - 1) < 0.0501

    def test_flux_just_below_a_letter_takes_the_letter_it_rounds_to(self):
        assert class_of_flux(9.96e-6) == "M1.0"

    @pytest.mark.parametrize("text", ["", "Q1.0", "X", "M0.0", "C1.2.3", "null"])
    def test_what_is_no_class(self, text):
        assert read_class(text) == ""

    def test_a_catalogue_s_value_is_read_in_capitals(self):
        assert [read_class(value) for value in (" m1.2 ", None, 7)] == ["M1.2", "", ""]

    @pytest.mark.parametrize("flux", [0.0, -1.0, math.nan])
    def test_no_class_of_no_flux(self, flux):
        with pytest.raises(ValueError, match="no flux"):
            class_of_flux(flux)

    def test_announced_scale_changes_with_goes_16(self):
        assert announced_scale(datetime(2019, 12, 8, 23, 59)) == "operational"
        assert announced_scale(datetime(2019, 12, 9)) == "science"
        assert on_scale(1e-4, "science", "operational") == pytest.approx(0.7e-4)


class TestNumbersAndPlaces:
    def test_region_numbers_get_their_lost_digit_back_since_2002_06_14(self):
        assert region_number("1263.0", X22) == 11263
        assert region_number(11158, X22) == 11158
        assert region_number("9415", datetime(2001, 4, 15)) == 9415
        assert region_number("9999", datetime(2002, 6, 13, 23, 59)) == 9999
        assert region_number("1", datetime(2002, 6, 14)) == 10001

    @pytest.mark.parametrize("value", [None, "", 0, "MISSING", -5, 11158.5, "nan", [], 123456])
    def test_no_region(self, value):
        assert region_number(value, X22) == 0

    def test_places(self):
        assert read_place("S20W10") == (10, -20)
        assert read_place("N18W98") == (98, 18)
        assert read_place("N02E30") == (-30, 2)
        assert place("181", "0") == pytest.approx((math.nan, math.nan), nan_ok=True)
        assert place(0, "7.5") == (0, 7.5)

    @pytest.mark.parametrize("zero", [0, 0.0, "0", "-0.0", "0.000"])
    def test_the_middle_of_the_disk_is_no_place_but_a_direction(self, zero):
        assert all(map(math.isnan, place(zero, zero)))
        assert direction(zero, zero) == (0, 0)

    @pytest.mark.parametrize("text", [None, "", "S20", "W10S20", "N95W10", "N00E00", "S00W00"])
    def test_no_place(self, text):
        assert all(map(math.isnan, read_place(text)))

    def test_times_with_and_without_seconds(self):
        assert read_time("2011-02-15T01:56Z") == X22
        assert read_time("2011-02-15 01:56:00") == X22
        assert read_time(None) is read_time("soon") is None


class TestSpans:
    def test_weeks_are_the_same_whatever_is_asked(self):
        one = spans("week", date(2011, 2, 16), date(2011, 2, 16))
        assert [span.key for span in one] == ["2011-02-14"]
        assert one[0] in spans("week", date(2011, 1, 1), date(2011, 12, 31))

    @given(st.dates(date(2010, 1, 1), date(2020, 1, 1)), st.integers(0, 800))
    def test_every_day_lies_in_exactly_one_span(self, start, n_days):
        end = start + timedelta(days=n_days)
        for unit in ("week", "month", "year"):
            found = spans(unit, start, end)
            assert found[0].start <= start
            assert found[-1].end > end
            assert all(a.end == b.start for a, b in itertools.pairwise(found))

    def test_reversed_span_is_refused_and_the_future_left_out(self):
        with pytest.raises(RequestError, match="before it begins"):
            spans("month", date(2011, 3, 1), date(2011, 2, 1))
        assert spans("month", date(2999, 1, 1), date(2999, 2, 1)) == []
        assert spans("year", date(2999, 1, 1), date(2999, 2, 1)) == []

    def test_a_month_is_settled_sixty_days_after_its_end(self):
        assert not MONTH.is_settled(datetime(2011, 4, 29))
        assert MONTH.is_settled(datetime(2011, 5, 1))


class TestNcei:
    def test_row_of_the_science_report(self):
        row = (
            "2011-08-09 08:04:00,2011-08-09 07:48:00,2011-08-09 08:08:00,201108090748,1.010e-03,"
            "X10.1,GOES-15,1.0e-06,2.0e-02,3.0e-02,69.0,17.0,LEA,,,,,,1,2340,0,1263.0"
        )
        (flare,), problems = ncei(row)
        assert problems == []
        assert flare.peak == datetime(2011, 8, 9, 8, 4)
        assert flare.start == datetime(2011, 8, 9, 7, 48)
        assert (flare.goes_class, flare.scale, flare.flux) == ("X10.1", "science", 1.01e-3)
        assert (flare.noaa, flare.longitude, flare.latitude) == (11263, 69, 17)
        assert flare.operational == pytest.approx(7.07e-4)

    def test_place_from_the_xrs_where_swpc_has_none(self):
        away = {"flare_loc_swpc_hgs_lon": "", "flare_loc_xrs_hgs_lon": "-7"}
        (flare,), _ = ncei(ncei_row(**away, flare_loc_xrs_hgs_lat="8.5"))
        assert (flare.longitude, flare.latitude) == (-7, 8.5)

    def test_the_middle_of_the_disk_is_no_place_whatever_the_region(self):
        zero = {"flare_loc_swpc_hgs_lon": "0.0", "flare_loc_swpc_hgs_lat": "0.0"}
        xrs = {"flare_loc_xrs_hgs_lon": "11.0", "flare_loc_xrs_hgs_lat": "-19.0"}
        (flare,), _ = ncei(ncei_row(**zero))
        assert (flare.noaa, math.isnan(flare.longitude), math.isnan(flare.latitude)) == (
            *(11158, True, True),
        )
        (flare,), _ = ncei(ncei_row(**zero, **xrs))
        assert (flare.longitude, flare.latitude) == (11, -19)
        # Nor does it hide the place that another row of the flare has.
        bare = ncei_row(end_time="", flare_class="", start_time="")
        (flare,), _ = ncei(ncei_row(**zero), bare)
        assert (flare.longitude, flare.latitude) == (10, -20)

    def test_a_row_given_twice_is_one_flare_and_the_fuller_counts(self):
        bare = ncei_row(start_time="", end_time="", active_region="")
        without_place = ncei_row(flare_loc_swpc_hgs_lon="", flare_loc_swpc_hgs_lat="")
        for rows in ((bare, without_place), (without_place, bare)):
            (flare,), problems = ncei(*rows)
            assert (flare.noaa, flare.longitude) == (11158, 10)
            assert flare.start == X22 - timedelta(minutes=12)
            assert problems == []

    def test_where_two_rows_differ_the_fuller_counts(self):
        poorer = ncei_row(start_time="", flare_class="X3.0", end_time="2011-02-15 02:30:00")
        for rows in ((poorer, ncei_row()), (ncei_row(), poorer)):
            (flare,), _ = ncei(*rows)
            assert (flare.goes_class, flare.end) == ("X3.1", X22 + timedelta(minutes=10))

    def test_malformed_rows_are_told_and_the_others_kept(self):
        found, problems = ncei(
            ncei_row(time="yesterday"),
            ncei_row(flare_class="", xrsb_irrad="-9999"),
            "2011-02-15 01:5",
            ncei_row(time="2021-02-15 01:56:00"),
            ncei_row(),
        )
        assert [flare.peak for flare in found] == [X22]
        assert len(problems) == 4
        assert "line 2: time 'yesterday' is no time" in problems[0]
        assert "lies outside 2011" in problems[3]

    def test_class_from_the_irradiance_where_it_is_absent(self):
        (flare,), _ = ncei(ncei_row(flare_class=""))
        assert flare.goes_class == "X3.1"

    def test_highest_version_of_each_year(self):
        stem = "sci_xrsf-l2-flrpt_geo"
        page = "".join(
            f'<a href="{name}">{name}</a>'
            for name in (
                f"{stem}_y2011_v1-0-1.csv",
                f"{stem}_y2011_v1-0-10.csv",
                f"{stem}_y2011_v1-0-9.csv",
                f"{stem}_y2012_v1-0-0.csv",
                f"{stem}_s19950103_e20261124_v1-0-1.csv",
                f"{stem}_y2011_v2-0-0.json",
            )
        )
        assert read_index(arrived(page)) == {
            2011: f"{stem}_y2011_v1-0-10.csv",
            2012: f"{stem}_y2012_v1-0-0.csv",
        }
        with pytest.raises(TransientReplyError, match="no flare report"):
            read_index(arrived("<html>busy</html>"))

    @pytest.mark.parametrize(
        "text",
        ["", "<html></html>", "a,b\n1,2\n", ncei_text(ncei_row())[:-30]],
        ids=["empty", "page", "columns", "cut"],
    )
    def test_what_is_no_report_is_asked_again(self, text):
        with pytest.raises(TransientReplyError):
            Ncei.check(arrived(text))

    def test_a_report_without_flares_is_sound(self):
        Ncei.check(arrived(HEADER + "\n"))


class TestHek:
    def test_swpc_flares_alone_one_a_peak(self):
        other = hek_event(frm_name="Flare Detective - Trigger Module", fl_goescls="")
        twin = hek_event(ar_noaanum=0, hgs_x=0, hgs_y=0)
        for events in ((hek_event(), other, twin), (twin, hek_event(), other)):
            (flare,), problems = hek(*events)
            assert problems == []
            assert (flare.goes_class, flare.scale, flare.noaa) == ("X2.2", "operational", 11158)
            assert (flare.longitude, flare.latitude) == (12, -21)

    @pytest.mark.parametrize("noaa", [None, 11158])
    def test_disk_centre_is_no_place_with_or_without_a_region(self, noaa):
        (flare,), _ = hek(hek_event(ar_noaanum=noaa, hgs_x=0, hgs_y=0))
        assert math.isnan(flare.longitude)
        assert math.isnan(flare.latitude)

    def test_names_that_are_no_utf_8_stop_nothing(self):
        content = hek_text(hek_event(frm_contact="Jose"), more=True).encode()
        content = content.replace(b"Jose", "José".encode("latin-1"))
        (flare,), problems = parse_flares(reply_for(MONTH, "hek", content))
        assert (flare.peak, problems, has_more(content)) == (X22, [], True)

    def test_without_peak_or_class_it_is_told(self):
        found, problems = hek(hek_event(event_peaktime=None), hek_event(fl_goescls=None), "junk")
        assert found == []
        assert [words.split()[-1] for words in problems] == ["peak", "class"]

    def test_question_is_for_swpc_s_goes_flares_of_the_whole_sun(self):
        asked = hek_query(MONTH, 2)
        assert asked["event_starttime"] == "2011-02-01T00:00:00"
        assert asked["event_endtime"] == "2011-03-01T00:00:00"
        assert (asked["value0"], asked["value1"], asked["page"]) == ("GOES", "SWPC", "2")


class TestDonki:
    def test_question_is_padded_by_a_day(self):
        assert query(MONTH) == {"startDate": "2011-01-31", "endDate": "2011-03-01"}
        assert query(WEEK) == {"startDate": "2011-02-13", "endDate": "2011-02-21"}

    @pytest.mark.parametrize("text", ["[]", "null", "", " \n", "[{}]"])
    def test_nothing_found_is_an_answer(self, text):
        Donki.check(arrived(text))

    @pytest.mark.parametrize("text", ["<html>", '{"error": 1}', "[{", "7"])
    def test_anything_else_is_asked_again(self, text):
        with pytest.raises(TransientReplyError):
            Donki.check(arrived(text))

    def test_nulls_and_absent_keys(self):
        bare = {"flrID": "a", "peakTime": "2011-02-15T01:56Z", "classType": "m1.2"}
        nulls = donki_flare(
            X22 + timedelta(hours=2), endTime=None, activeRegionNum=None, sourceLocation=None
        )
        (second, first), problems = flares([bare, nulls])
        assert problems == []
        assert (first.goes_class, first.noaa, first.start, first.links) == ("M1.2", 0, None, ())
        assert (second.end, second.noaa) == (None, 0)
        assert math.isnan(second.longitude)

    def test_links_are_sorted_out_of_other_events(self):
        links = linking("2011-02-15T02:25:00-CME-001", "2011-02-15T03:00:00-SEP-001", "x-IPS-001")
        (flare,), _ = flares([donki_flare(linkedEvents=[*links, None, {"activityID": None}])])
        assert flare.links == ("2011-02-15T02:25:00-CME-001",)

    def test_highest_version_counts_then_submission_then_reply(self):
        def versions(*fields):
            (flare,), _ = flares(*[[donki_flare(**f)] for f in fields])
            return flare.goes_class

        old = {"versionId": 1, "classType": "M1.0", "submissionTime": "2019-01-01T00:00Z"}
        new = {"versionId": 3, "classType": "X2.2"}
        assert versions(old, new) == versions(new, old) == "X2.2"
        early = {"classType": "M1.0", "submissionTime": "2015-01-01T00:00Z"}
        late = {"classType": "X2.2", "submissionTime": "2015-01-02T00:00Z"}
        assert versions(early, late) == versions(late, early) == "X2.2"
        assert versions({"classType": "M1.0"}, {"classType": "X2.2"}) == "X2.2"
        assert versions({"classType": "X2.2"}, {"classType": "M1.0"}) == "M1.0"

    def test_a_record_of_another_year_is_dropped_with_a_note(self):
        wrong = donki_flare(flrID="wrong", peakTime="2012-02-15T01:56Z")
        found, ((name, words),) = flares([donki_flare(), wrong])
        assert len(found) == 1
        assert (name, words) == (
            "donki_flr/2011-02",
            "DONKI's flare wrong is dated 2012-02-15, outside of the requested 2011-02",
        )

    def test_padding_days_count_and_no_more(self):
        edges = [datetime(2011, 1, 31, 0, 12), datetime(2011, 3, 1, 23, 59)]
        beyond = [datetime(2011, 1, 30, 23, 59), datetime(2011, 3, 2, 0, 12)]
        found, problems = flares([donki_flare(peak) for peak in (*edges, *beyond)])
        assert [flare.peak for flare in found] == edges
        assert len(problems) == 2

    @pytest.mark.parametrize(
        "fields",
        [{"flrID": None}, {"classType": None}, {"beginTime": None, "peakTime": None}],
    )
    def test_unusable_records_are_told(self, fields):
        found, problems = flares([donki_flare(**fields)])
        assert (found, len(problems)) == ([], 1)

    def test_an_end_of_another_year_is_no_end(self):
        (flare,), _ = flares([donki_flare(endTime="2013-02-15T02:06Z")])
        assert flare.end is None

    def test_speed_of_the_most_accurate_analysis_else_of_the_newest(self):
        def speed(*analyses):
            (cme,), _ = cmes(donki_cme(cmeAnalyses=list(analyses) or None))
            return cme.speed_km_s

        old = {"isMostAccurate": False, "speed": 300, "submissionTime": "2011-02-15T10:00Z"}
        new = {"isMostAccurate": False, "speed": 400, "submissionTime": "2011-02-16T10:00Z"}
        best = {"isMostAccurate": True, "speed": 500, "submissionTime": "2011-02-15T12:00Z"}
        assert speed(old, best, new) == 500
        assert speed(new, old) == 400
        assert math.isnan(speed())
        assert math.isnan(speed({"isMostAccurate": True, "speed": None, "tilt": None}))

    def test_cme_without_start_time_has_that_of_its_id(self):
        (cme,), problems = cmes(donki_cme(startTime=None))
        assert (cme.start_utc, problems) == (datetime(2011, 2, 15, 2, 24), [])
        found, problems = cmes(donki_cme(startTime=None, activityID="nameless"))
        assert (found, len(problems)) == ([], 1)

    def test_a_cme_may_head_for_the_earth(self):
        (cme,), _ = cmes(donki_cme(cmeAnalyses=[{"speed": 900, "longitude": 0, "latitude": 0}]))
        assert (cme.longitude_deg, cme.latitude_deg) == (0, 0)

    def test_cme_links(self):
        (cme,), _ = cmes(donki_cme(linkedEvents=linking("b-FLR-001", "a-FLR-002", "c-GST-001")))
        assert cme.flare_ids == ("a-FLR-002", "b-FLR-001")


class TestHarpNoaa:
    def test_lists_are_split(self):
        table = "HARPNUM NOAA_ARS\n45 11073,11077\n377 11158\n9 MISSING\n\n12 2087\n"
        assert parse_harp_noaa(table) == [(12, 12087), (45, 11073), (45, 11077), (377, 11158)]

    @pytest.mark.parametrize("text", ["", "<!DOCTYPE html>", "HARPNUM NOAA_ARS\n"])
    def test_what_is_no_table_is_asked_again(self, text):
        with pytest.raises(TransientReplyError):
            HarpNoaa.check(arrived(text))


class TestRealSamples:
    def test_the_record_without_a_catalog_key(self):
        records = json.loads(real_data("donki", "FLR_api2022_no_catalog_key.json").read_text())
        found, problems = flares(
            records, span=spans("month", date(2022, 9, 1), date(2022, 9, 1))[0]
        )
        assert problems == []
        assert [flare.goes_class for flare in found] == ["C3.9", "M1.0", "M1.0", "M1.0"]
        assert {flare.scale for flare in found} == {"science"}
        assert [bool(flare.links) for flare in found] == [True, False, True, False]
        assert found[2].longitude == 98

    def test_the_webtools_records(self):
        records = json.loads(real_data("donki", "FLR_webtools_2016.json").read_text())
        found, _ = flares(records, span=spans("month", date(2016, 1, 1), date(2016, 1, 1))[0])
        assert found[0].links == ("2016-01-01T23:12:00-CME-001",)
        assert (found[0].version, found[0].peak) == (5, datetime(2016, 1, 2, 0, 11))

    def test_the_cme_of_2017(self):
        records = json.loads(real_data("donki", "CME_2017.json").read_text())
        (cme,), _ = cmes(*records, span=spans("week", date(2017, 1, 3), date(2017, 1, 3))[0])
        assert (cme.speed_km_s, cme.half_angle_deg, cme.cme_type, cme.noaa) == (645, 20, "C", 0)
        assert (cme.longitude_deg, cme.latitude_deg) == (-105, -10)

    def test_the_table_of_harps(self):
        pairs = parse_harp_noaa(real_data("harp_noaa", "all_harps_with_noaa_ars.txt").read_text())
        assert [harp for harp, noaa in pairs if noaa == 11158] == [377]
        assert [noaa for harp, noaa in pairs if harp == 377] == [11158]
        assert [noaa for harp, noaa in pairs if harp == 45] == [11073, 11077]

"""Questions to a small drawn catalogue with known answers."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pandas as pd
import pytest
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st

from hnn_core.catalogs.queries import (
    find_cmes,
    find_flares,
    flare_lookups,
    flares_of_region,
    harps_of,
    missing_spans,
    noaas_of,
)
from hnn_core.catalogs.store import Catalog, frame
from hnn_core.exceptions import RequestError
from hnn_core.regions.base import Flare, Region
from hnn_core.regions.goes_classes import THRESHOLDS, flux_of_class

MIDNIGHT = datetime(2011, 2, 15)
CME = "2011-02-15T02:24:00-CME-001"


def flare(day, goes_class, noaa=0, **fields):
    peak = MIDNIGHT + timedelta(days=day)
    return {
        "flare_id": f"{peak:%Y-%m-%dT%H:%M} {goes_class}",
        "start_utc": None,
        "peak_utc": peak,
        "end_utc": None,
        "goes_class": goes_class,
        "scale": "operational",
        "flux_w_m2": flux_of_class(goes_class),
        "science_flux_w_m2": float("nan"),
        "noaa": noaa,
        "harp": 0,
        "noaa_origin": "NCEI" if noaa else "",
        "longitude_deg": float("nan"),
        "latitude_deg": float("nan"),
        "source": "NCEI",
        "sources": "NCEI",
        "association": "unknown",
        "reason": "not in DONKI",
        "cme_ids": "",
        "donki_id": "",
        "fetched_utc": MIDNIGHT,
        "reply": "",
    } | fields


def cme(name, day, speed, noaa=0):
    return {
        "cme_id": name,
        "start_utc": MIDNIGHT + timedelta(days=day),
        "speed_km_s": speed,
        "half_angle_deg": 30.0,
        "longitude_deg": 0.0,
        "latitude_deg": 0.0,
        "cme_type": "C",
        "noaa": noaa,
        "source_location": "",
        "flare_ids": "",
        "version": 1,
        "note": "",
        "fetched_utc": MIDNIGHT,
        "reply": "",
    }


def made(folder, flares=(), cmes=(), pairs=()):
    return Catalog(
        folder,
        frame("flares", list(flares)),
        frame("cmes", list(cmes)),
        frame("harp_noaa", [{"harp": harp, "noaa": noaa} for harp, noaa in pairs]),
        frame("coverage", []),
    )


@pytest.fixture
def catalog(tmp_path):
    return made(
        tmp_path,
        [
            flare(-4, "M1.0", 11158),
            flare(-1, "M5.0", 11158, longitude_deg=-30.0, latitude_deg=-20.0),
            flare(
                0,
                "X2.2",
                11158,
                longitude_deg=10.0,
                latitude_deg=-20.0,
                association="eruptive",
                reason="linked",
                cme_ids=f"{CME};2011-02-15T09:00:00-CME-002",
            ),
            flare(0.5, "C3.0", 11160, association="unlinked"),
            flare(1, "M6.0", 11160, scale="science"),
            flare(
                2, "C9.0", harp=384, noaa_origin="position", longitude_deg=50.0, latitude_deg=5.0
            ),
            flare(3, "B5.0"),
        ],
        [cme(CME, 0.1, 669.0, 11158), cme("b", 1, float("nan")), cme("c", 2, 1500.0)],
        [(377, 11158), (384, 11160), (384, 11161), (385, 11161), (3770, 11700)],
    )


def classes(found):
    return list(found["goes_class"])


class TestFlares:
    def test_everything(self, catalog):
        assert len(find_flares(catalog)) == 7

    def test_days_are_whole_and_both_ends_count(self, catalog):
        day = date(2011, 2, 15)
        assert classes(find_flares(catalog, start=day, end=day)) == ["X2.2", "C3.0"]
        assert classes(find_flares(catalog, start=day, end=MIDNIGHT)) == ["X2.2"]

    def test_times_of_any_kind_are_utc(self, catalog):
        moments = [
            MIDNIGHT,
            MIDNIGHT.replace(tzinfo=UTC),
            MIDNIGHT.replace(tzinfo=UTC).astimezone(timezone(timedelta(hours=9))),
            Time(MIDNIGHT, scale="utc"),
            Time(MIDNIGHT, scale="utc").tai,
            pd.Timestamp(MIDNIGHT),
        ]
        for moment in moments:
            assert classes(find_flares(catalog, start=moment, end=moment)) == ["X2.2"]

    def test_reversed_times_are_refused(self, catalog):
        with pytest.raises(RequestError, match="before it begins"):
            find_flares(catalog, start=date(2011, 2, 16), end=date(2011, 2, 15))

    def test_classes_as_they_are_shown(self, catalog):
        assert classes(find_flares(catalog, minimum_class="M5.0")) == ["M5.0", "X2.2", "M6.0"]
        assert classes(find_flares(catalog, minimum_class="x")) == ["X2.2"]
        assert len(find_flares(catalog, minimum_class="C")) == 6

    def test_classes_on_a_scale(self, catalog):
        # M6.0 on the science scale is M4.2 on the operational one; the operational M5.0 is M7.1.
        found = find_flares(catalog, minimum_class="M5.0", operational=True)
        assert classes(found) == ["M5.0", "X2.2"]

    @pytest.mark.parametrize("text", ["Z", "M5.", "5e-5", "MX"])
    def test_what_is_no_class_is_refused(self, catalog, text):
        with pytest.raises(RequestError, match="no GOES class"):
            find_flares(catalog, minimum_class=text)

    @given(
        st.sampled_from(list(THRESHOLDS)),
        st.sampled_from("BCMX"),
        st.integers(10, 99),
        st.sampled_from(["operational", "science"]),
    )
    def test_the_operational_scale_agrees_with_labels(self, least, letter, tenths, scale):
        row = flare(0, f"{letter}{tenths / 10}", scale=scale)
        known = made(None, [row])
        labelled = Flare(Time(MIDNIGHT), row["goes_class"], scale=scale).reaches(least)
        found = find_flares(known, minimum_class=least, operational=True)
        assert (len(found) == 1) == labelled
        # As shown is never stricter than labels are.
        assert not labelled or len(find_flares(known, minimum_class=least)) == 1

    def test_regions(self, catalog):
        assert len(find_flares(catalog, noaa=11158)) == 3
        assert classes(find_flares(catalog, harp=384)) == ["C3.0", "M6.0", "C9.0"]
        assert len(find_flares(catalog, harp=37)) == 0  # no part of 377
        assert len(find_flares(catalog, harp=0)) == 0

    def test_places_and_associations(self, catalog):
        assert classes(find_flares(catalog, longitude=(-30, 10))) == ["M5.0", "X2.2"]
        assert classes(find_flares(catalog, latitude=(90, 0))) == ["C9.0"]
        assert classes(find_flares(catalog, associations=("eruptive", "unlinked"))) == [
            "X2.2",
            "C3.0",
        ]

    def test_an_empty_catalogue_answers(self, tmp_path):
        empty = made(tmp_path)
        assert find_flares(empty, start=date(2011, 1, 1), minimum_class="M", harp=377).empty
        assert find_cmes(empty, date(2011, 1, 1), date(2011, 12, 31)).empty
        assert harps_of(empty, 11158) == ()
        region = Region("377", 377, (11158,), Time("2011-02-13"), Time("2011-02-15"), 50)
        assert flares_of_region(empty, region, definitive=True) == ()


def test_cmes(catalog):
    day = date(2011, 2, 16)
    assert list(find_cmes(catalog, day, day)["cme_id"]) == ["b"]
    assert len(find_cmes(catalog, date(2011, 1, 1), date(2011, 12, 31))) == 3


def test_harps_and_noaa_regions_are_many_to_many(catalog):
    assert harps_of(catalog, 11158) == (377,)
    assert harps_of(catalog, 11161) == (384, 385)
    assert noaas_of(catalog, 384) == (11160, 11161)
    assert noaas_of(catalog, 1) == ()


class TestFlaresOfRegion:
    def of(self, catalog, noaa=(11158,), harp=377, *, definitive=True, last="2011-02-15"):
        first, end = Time("2011-02-15", scale="tai"), Time(last, scale="tai")
        region = Region(str(harp), harp, noaa, first, end, n_records=50)
        return flares_of_region(catalog, region, definitive=definitive)

    def test_from_a_day_before_to_two_days_after(self, catalog):
        # T_REC is ahead of UTC, so that the M5.0 a day before in UTC lies 34 s within.
        assert [f.goes_class for f in self.of(catalog)] == ["M5.0", "X2.2"]
        assert [f.goes_class for f in self.of(catalog, (11160,), 0)] == ["C3.0", "M6.0"]

    def test_flares_as_sources_give_them(self, catalog):
        x22 = self.of(catalog)[1]
        assert x22.id == "2011-02-15T00:00 X2.2"
        assert (x22.association, x22.reason, x22.scale) == ("eruptive", "linked", "operational")
        assert x22.peak.utc.isot == "2011-02-15T00:00:00.000"
        known, by_id = x22.cmes
        assert (known.id, known.speed) == (CME, 669)
        assert by_id.start.isot == "2011-02-15T09:00:00.000"
        assert by_id.speed != by_id.speed

    def test_near_real_time_harps_are_other_regions(self, catalog):
        assert [f.goes_class for f in self.of(catalog, (), 384, last="2011-02-17")] == ["C9.0"]
        assert self.of(catalog, (), 384, last="2011-02-17", definitive=False) == ()

    def test_no_numbers_find_nothing(self, catalog):
        assert self.of(catalog, (), 0) == ()
        assert self.of(catalog, (0,), 0) == ()


# Where flares were looked up


def looked_up(tmp_path, *spans, flares=()):
    rows = [
        {"service": name, "start": start, "end": end, "fetched_utc": fetched, "rows": 1}
        for name, start, end, fetched in spans
    ]
    found = flare_lookups(
        Catalog(
            tmp_path,
            frame("flares", list(flares)),
            frame("cmes", []),
            frame("harp_noaa", []),
            frame("coverage", rows),
        )
    )
    return [lookup.words.removeprefix("the catalogue of ") for lookup in found]


YEAR, NEXT = datetime(2011, 1, 1), datetime(2012, 1, 1)
LATER = datetime(2020, 1, 1)


def test_spans_of_ncei_and_hek_are_one_where_they_meet_and_donki_does_not_count(tmp_path):
    assert looked_up(tmp_path) == []
    march, april, june, july = (datetime(2012, month, 1) for month in (3, 4, 6, 7))
    assert looked_up(
        tmp_path,
        ("DONKI FLR", YEAR, NEXT, LATER),
        ("HEK", NEXT, march, LATER),
        ("HEK", march, april, LATER),
        ("NCEI", YEAR, NEXT, LATER),
        ("HEK", june, july, LATER),
        ("HARP-NOAA", YEAR, LATER, LATER),
    ) == ["HEK and NCEI (2011-01-01 to 2012-04-01)", "HEK (2012-06-01 to 2012-07-01)"]


def test_a_report_younger_than_its_year_reaches_to_its_last_flare(tmp_path):
    now = datetime(2011, 6, 1)
    span = ("NCEI", YEAR, now, now)
    assert looked_up(tmp_path, span) == []
    last = flare(20, "M1.0")
    assert looked_up(tmp_path, span, flares=[flare(0, "C1.0"), last]) == [
        "NCEI (2011-01-01 to 2011-03-07)"
    ]
    elsewhere = flare(30, "M1.0", sources="HEK")
    assert looked_up(tmp_path, span, flares=[last, elsewhere]) == [
        "NCEI (2011-01-01 to 2011-03-07)"
    ]


def test_what_was_not_fetched_between_the_spans_of_a_service(tmp_path):
    def span(service, start, end):
        times = {"start": datetime(*start), "end": datetime(*end), "fetched_utc": MIDNIGHT}
        return {"service": service, "rows": 0, **times}

    spans = [
        span("NCEI", (2011, 1, 1), (2012, 1, 1)),
        span("HEK", (2011, 1, 1), (2011, 2, 1)),
        span("HEK", (2011, 1, 1), (2011, 2, 1)),  # the second page
        span("HEK", (2011, 2, 1), (2011, 2, 14)),  # fetched before the month was over
        span("HEK", (2011, 3, 1), (2011, 4, 1)),
        span("HEK", (2011, 7, 1), (2011, 8, 1)),
    ]
    known = Catalog(tmp_path, *(frame(n, []) for n in ("flares", "cmes", "harp_noaa")), None)
    known = replace(known, coverage=frame("coverage", spans))
    assert [
        (row.service, f"{row.start:%m-%d}", f"{row.end:%m-%d}")
        for row in (missing_spans(known).itertuples())
    ] == [("HEK", "02-14", "03-01"), ("HEK", "04-01", "07-01")]
    assert missing_spans(made(tmp_path)).empty

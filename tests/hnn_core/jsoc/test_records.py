"""Records of JSOC: its words understood, and the nearest good one for every hour."""

import csv
import re

import numpy as np
import pandas as pd
import pytest
from astropy.io.fits import Header
from hypothesis import given
from hypothesis import strategies as st

from hnn_core.jsoc.keywords import (
    DEFINITIVE,
    NEAR_REAL_TIME,
    known_text,
    record_cards,
    record_table,
)
from hnn_core.jsoc.taking import hourly
from hnn_core.magnetogram.conventions import parse_t_rec, tai_seconds
from hnn_core.magnetogram.sharp import sharp_keywords
from tests.conftest import real_data

FIVE = float(tai_seconds(parse_t_rec("2011-02-13T05:00")))
MINUTE = 60.0


def records(*minutes_and_quality, longitude=0.0) -> pd.DataFrame:
    """Records so many minutes after 05:00 TAI."""
    return pd.DataFrame(
        {
            "t_rec": [FIVE + MINUTE * minutes for minutes, _ in minutes_and_quality],
            "quality": np.array([bits for _, bits in minutes_and_quality], np.uint32),
            "longitude": longitude,
        }
    )


def choose(table, first="2011-02-13T05:00", last="2011-02-13T05:00", most=70.0, **options):
    ends = [None if end is None else parse_t_rec(end) for end in (first, last)]
    return hourly(table, *ends, most_longitude=most, **options)


@pytest.mark.parametrize(
    "words", ["MISSING", "Invalid KeyLink", " nan ", "NaN", "-nan", "", "inf", "none"]
)
def test_words_for_nothing_say_nothing(words):
    assert known_text(words) == ""


@pytest.mark.parametrize(
    ("text", "quality"),
    [
        ("0x00010400", 0x10400),
        ("0x80000000", 0x8000_0000),
        ("0", 0),
        ("66560", 0x10400),
        ("-2147483648", 0x8000_0000),
        ("nan", 0x8000_0000),
        ("", 0x8000_0000),
        ("Invalid KeyLink", 0x8000_0000),
    ],
)
def test_quality_is_read_bit_for_bit_and_what_cannot_be_read_is_no_data(text, quality):
    table = record_table(pd.DataFrame({"T_REC": ["2011.02.13_05:00:00_TAI"], "QUALITY": [text]}))
    assert table["quality"].dtype == np.uint32
    assert table["quality"][0] == quality


def test_records_are_sorted_and_those_without_a_time_left_out():
    texts = ["2011.02.13_05:12:00_TAI", "MISSING", "2011.02.13_05:00:00.000_TAI", "nan"]
    table = record_table(pd.DataFrame({"T_REC": texts}))
    assert table["t_rec"].tolist() == [FIVE, FIVE + 720.0]


def test_no_records_are_an_empty_table_with_its_columns():
    table = record_table(pd.DataFrame())
    assert len(table) == 0
    assert {"t_rec", "quality", "longitude", "latitude", "noaa", "*recnum*"} <= set(table)


def test_positions_and_numbers_are_those_of_the_files_reader():
    """One rule for keywords from a query and from a header, on 867 real records."""
    with real_data("keywords", "sharps.csv").open(newline="") as stream:
        rows = [
            {key.replace("DATE-OBS", "DATE__OBS"): value for key, value in row.items()}
            for row in csv.DictReader(stream)
        ]
    table = record_table(pd.DataFrame(rows))
    assert len(table) == 867
    for row in table.iloc[::10].to_dict("records"):
        header = Header(record_cards(row, DEFINITIVE))
        expected = sharp_keywords(header, "x.fits")
        assert row["t_rec"] == float(tai_seconds(expected.t_rec))
        assert (row["quality"], row["noaa"]) == (expected.quality, expected.noaa)
        np.testing.assert_equal(row["longitude"], expected.longitude.to_value("deg"))
        np.testing.assert_equal(row["latitude"], expected.latitude.to_value("deg"))


def test_longitude_falls_back_to_the_middle_of_the_patch_and_wraps():
    texts = {
        "T_REC": ["2011.02.13_05:00:00_TAI"] * 3,
        "LON_FWT": ["12.5", "nan", "MISSING"],
        "CRVAL1": ["0", "-350", "nan"],
        "CRLN_OBS": ["0", "357", "0"],
        "LONDTMIN": ["", "", "-30"],
        "LONDTMAX": ["", "", "-10"],
    }
    assert record_table(pd.DataFrame(texts))["longitude"].tolist() == [12.5, 13.0, -20.0]


def test_cards_have_the_types_of_an_export():
    row = {
        "T_REC": "2011.02.13_05:00:00_TAI",
        "DATE__OBS": "2011-02-13T04:58:12.20Z",
        "HARPNUM": "377",
        "NOAA_ARS": "11158",
        "QUALITY": "0x00010400",
        "R_VALUE": "nan",
        "LON_FWT": "MISSING",
        "CDELT1": "0.0299999993",
        "CUNIT1": "degree",
        "CODEVER7": "n\u00e9\n",
        "*recnum*": "6942875",
    }
    assert record_cards(row, NEAR_REAL_TIME) == {
        "T_REC": "2011.02.13_05:00:00_TAI",
        "DATE-OBS": "2011-02-13T04:58:12.20",
        "NOAA_ARS": "11158",
        "CUNIT1": "degree",
        "CODEVER7": "n?",
        "HARPNUM": 377,
        "QUALITY": 0x10400,
        "CDELT1": 0.0299999993,
        "BUNIT": "Mx/cm^2",
        "DRMS_ID": "hmi.sharp_cea_720s_nrt:6942875:magnetogram",
        "RECNUM": 6942875,
    }


def test_names_and_record_sets_are_jsocs():
    assert DEFINITIVE.file_name(377, FIVE) == (
        "hmi.sharp_cea_720s.377.20110213_050000_TAI.magnetogram.fits"
    )
    assert DEFINITIVE.record_set(377, (FIVE, FIVE + 720), between=True) == (
        "hmi.sharp_cea_720s[377][2011.02.13_05:00:00_TAI-2011.02.13_05:12:00_TAI]"
    )
    assert NEAR_REAL_TIME.record_set(None, (FIVE,)) == (
        "hmi.sharp_cea_720s_nrt[][2011.02.13_05:00:00_TAI]"
    )


@given(
    st.lists(st.integers(1_272_672_000, 1_893_456_000), max_size=5),
    st.one_of(st.none(), st.integers(1, 99_999)),
    st.sampled_from([DEFINITIVE, NEAR_REAL_TIME]),
)
def test_every_time_of_a_record_set_is_tai(times, harp, series):
    """Without a zone DRMS would take it for UTC."""
    for between in (False, True):
        inside = series.record_set(harp, map(float, times), between=between).split("[")[2][:-1]
        written = re.split("[,-]", inside) if inside else []
        assert len(written) == len(times)
        assert all(re.fullmatch(r"[\d.]{10}_[\d:.]+_TAI", one) for one in written)


@pytest.mark.parametrize(
    ("table", "minutes"),
    [
        (records((0, 0), (12, 0)), 0),
        (records((0, 0x10400)), 0),  # the daily flag is accepted
        (records((0, 0x8000_0000), (12, 0), (-24, 0)), 12),
        (records((12, 0), (-12, 0)), -12),  # the earlier of two equally near
        (records((0, 0x4000), (-12, 0x200), (12, 0x20), (24, 0)), 24),
    ],
)
def test_the_nearest_good_record_is_chosen(table, minutes):
    chosen, missing = choose(table)
    assert chosen["t_rec"].tolist() == [FIVE + MINUTE * minutes]
    assert chosen["hour"].tolist() == [FIVE]
    assert missing == {}


@pytest.mark.parametrize(
    ("table", "why"),
    [
        (records((36, 0), (-36, 0)), "no record within 24 min"),
        (records(), "no record within 24 min"),
        (records((0, 0x8001_0400), (12, 0x4000)), "QUALITY 0x80010400: no data"),
        (records((12, 0x14600)), "QUALITY 0x00014600: rejected for 0x4200"),
        (records((0, 0), longitude=-74.06), "74.1° from the central meridian"),
    ],
)
def test_an_hour_without_a_record_has_a_reason_in_words(table, why):
    chosen, missing = choose(table)
    assert missing == {FIVE: why}
    assert chosen.empty


def test_a_record_without_a_position_is_chosen():
    assert len(choose(records((0, 0), longitude=np.nan))[0]) == 1


def test_without_ends_the_hours_are_those_of_the_records():
    chosen, missing = choose(records((-24, 0), (60, 0), (200, 0)), None, None)
    hours = [(hour - FIVE) / 3600 for hour in chosen["hour"]]
    assert hours == [0, 1, 3]
    assert [(hour - FIVE) / 3600 for hour in missing] == [2]


def test_only_the_hours_asked_for_are_looked_at():
    table = records(*((12 * k, 0) for k in range(50)))
    chosen, _ = choose(table, None, None, hours=[FIVE + 7200.0, FIVE, FIVE])
    assert chosen["hour"].tolist() == [FIVE, FIVE + 7200.0]


@given(
    st.lists(
        st.tuples(st.integers(-20, 60), st.sampled_from([0, 0, 0, 0x10400, 0x8000_0000, 0x200])),
        unique_by=lambda record: record[0],
    )
)
def test_choice_against_looking_at_every_record(slots):
    table = records(*((12 * slot, bits) for slot, bits in slots))
    rows, missing = choose(table, "2011-02-13T05:00", "2011-02-13T14:00")
    chosen = dict(zip(rows["hour"], rows["t_rec"], strict=True))
    good = [slot * 12 for slot, bits in slots if not bits & 0x8000_4220]
    for hour in range(10):
        near = [minutes for minutes in good if abs(minutes - 60 * hour) <= 24]
        time = FIVE + 3600.0 * hour
        assert (time in chosen) == bool(near) != (time in missing)
        if near:
            best = min(near, key=lambda minutes: (abs(minutes - 60 * hour), minutes))
            assert chosen[time] == FIVE + MINUTE * best
    assert len(set(chosen.values())) == len(chosen)

"""A user's words, before anything is asked of a service."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hnn_core.exceptions import RequestError
from hnn_core.magnetogram.conventions import format_t_rec, iso_minute
from hnn_core.regions.words import Wanted, read_day, read_moment, read_region


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("11158", Wanted(noaa=11158)),
        (" AR 11158 ", Wanted(noaa=11158)),
        ("noaa 1158", Wanted(noaa=11158)),
        ("NOAA AR 11158", Wanted(noaa=11158)),
        ("377", Wanted(harp=377)),
        ("harp 377", Wanted(harp=377)),
        ("HARP 11158", Wanted(harp=11158)),
        ("#377", Wanted(harp=377)),
        ("AR-11158", Wanted(noaa=11158)),
    ],
)
def test_regions_are_understood_as_people_write_them(text, wanted):
    assert read_region(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sunspot",
        "0",
        "AR 0",
        "HARP 0",
        "AR 20001",
        "AR-5",
        "NOAA 158",
        "AR 01158",
        "AR 0000",
        "HARP 999999",
        "11158; rm -rf /",
        "-5",
        "1e3",
    ],
)
def test_what_is_no_region_is_one_sentence(text):
    with pytest.raises(RequestError) as raised:
        read_region(text)
    assert repr(text) in str(raised.value)


@given(st.integers(10_001, 19_999))
def test_every_noaa_number_is_read_with_and_without_its_lost_digit(number):
    lost = f"{number - 10_000:04}"
    assert read_region(f"AR {number}") == read_region(f"AR{lost}") == Wanted(noaa=number)
    assert read_region(Wanted(noaa=number).words) == Wanted(noaa=number)


@given(st.text(max_size=20))
def test_no_text_whatever_is_taken_for_a_region_by_mistake(text):
    try:
        wanted = read_region(text)
    except RequestError:
        return
    digits = "".join(one for one in text if one.isdigit())
    assert str(wanted.noaa or wanted.harp).endswith(str(int(digits)))


def test_days_and_hours():
    assert read_day("2011-02-13") == datetime.date(2011, 2, 13)
    assert iso_minute(read_moment("2011-02-13")) == "2011-02-13T00:00"
    assert iso_minute(read_moment("2011-02-13", end=True)) == "2011-02-13T23:00"
    assert iso_minute(read_moment("2011-02-13T05:00")) == "2011-02-13T05:00"
    assert format_t_rec(read_moment("2011-02-13T05:00Z")) == "2011.02.13_05:00:34_TAI"


@pytest.mark.parametrize("read", [read_day, read_moment])
@pytest.mark.parametrize(
    "text", ["", "13.2.2011", "2011-02-30", "2011-2-13", "2010-04-30", "2999-01-01", "tomorrow"]
)
def test_what_is_no_day_of_sdo_is_one_sentence(read, text):
    with pytest.raises(RequestError) as raised:
        read(text)
    assert repr(text) in str(raised.value)

"""The cache of fetched magnetograms: where a file is and whether it is whole."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.io.fits import Header
from hypothesis import given, settings
from hypothesis import strategies as st

from hnn_core.jsoc.files import (
    cache_home,
    cached,
    is_whole,
    record_path,
    region_folder,
    remove_leftovers,
)
from hnn_core.jsoc.keywords import DEFINITIVE, NEAR_REAL_TIME
from hnn_core.magnetogram.conventions import parse_t_rec, tai_seconds
from hnn_core.magnetogram.fits import read_header
from tests.support.drawn_sharp import draw_fits, drawn_field, write_hdu

FIVE = float(tai_seconds(parse_t_rec("2011-02-13T05:00")))


def test_definitive_and_near_real_time_records_never_share_a_path(hnn_home):
    paths = [record_path(series, 377, FIVE) for series in (DEFINITIVE, NEAR_REAL_TIME)]
    assert [path.relative_to(hnn_home).as_posix() for path in paths] == [
        "live/jsoc/definitive/377/hmi.sharp_cea_720s.377.20110213_050000_TAI.magnetogram.fits",
        "live/jsoc/nrt/377/hmi.sharp_cea_720s_nrt.377.20110213_050000_TAI.magnetogram.fits",
    ]
    assert cache_home() == hnn_home / "live" / "jsoc"


@pytest.mark.parametrize("compress", [True, False])
def test_a_file_is_whole_only_at_its_full_length(tmp_path, compress):
    path = draw_fits(tmp_path / "a.fits", drawn_field(60, 80), compress=compress)
    content = path.read_bytes()
    assert is_whole(path)
    for length in (0, 1, 2879, 2880, 5760, len(content) - 2880, len(content) // 2):
        path.write_bytes(content[:length])
        assert not is_whole(path), length


@settings(max_examples=60)
@given(length=st.integers(0, 40_000))
def test_wholeness_agrees_with_the_reader(tmp_path_factory, length):
    path = tmp_path_factory.getbasetemp() / "cut.fits"
    write_hdu(path, drawn_field(40, 90), Header({"HARPNUM": 377}), compress=False)
    content = path.read_bytes()[:length]
    path.write_bytes(content)
    try:
        expected = read_header(path).whole
    except Exception:  # noqa: BLE001 - whatever the reader refuses is not whole
        expected = False
    assert is_whole(path) == expected


def test_what_is_no_fits_file_is_not_whole(tmp_path):
    for name, content in {
        "garbage": np.random.default_rng(0).bytes(20_000),
        "html": b"<html>" * 2000,
        "endless": b"SIMPLE  =                    T".ljust(80) * 36 * 3,
        "odd": (b"NAXIS   = x".ljust(80) + b"END".ljust(80)).ljust(2880),
    }.items():
        (tmp_path / name).write_bytes(content)
        assert not is_whole(tmp_path / name)
    assert not is_whole(tmp_path / "absent")
    assert not is_whole(tmp_path)


def test_a_file_without_an_image_is_not_whole(tmp_path):
    fits.PrimaryHDU().writeto(tmp_path / "a.fits")
    assert not is_whole(tmp_path / "a.fits")


def test_only_leftovers_are_removed(tmp_path):
    for name in ("a.fits", "a.fits.part", "b.fits.as-is.part", ".fetch.lock"):
        (tmp_path / name).write_bytes(b"x")
    remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".fetch.lock", "a.fits"]
    remove_leftovers(tmp_path / "absent")


def test_cached_files_are_those_of_the_region_in_order():
    folder = region_folder(DEFINITIVE, 377)
    for hour in (2, 1, 0):
        draw_fits(record_path(DEFINITIVE, 377, FIVE + 3600.0 * hour))
    (folder / "other.fits").write_bytes(b"")
    assert cached(DEFINITIVE, 377) == [
        record_path(DEFINITIVE, 377, FIVE + 3600.0 * hour) for hour in range(3)
    ]
    assert cached(DEFINITIVE, 378) == []

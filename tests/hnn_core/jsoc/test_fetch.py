"""Fetching a region: what is asked for, what is kept, and several fetches at once."""

from dataclasses import replace

import astropy.units as u
import numpy as np
import pytest
from astropy.time import Time
from hypothesis import given, settings
from hypothesis import strategies as st

from hnn_core.jsoc.client import JsocClient
from hnn_core.jsoc.files import cache_home, cached, record_path, region_folder
from hnn_core.jsoc.keywords import DEFINITIVE, KEPT, NEAR_REAL_TIME, RECNUM, t_rec_seconds
from hnn_core.magnetogram.conventions import format_t_rec, parse_t_rec, tai_seconds
from hnn_core.magnetogram.fits import read_header
from hnn_core.magnetogram.magnetogram import read_fits
from hnn_core.magnetogram.sharp import sharp_keywords
from tests.conftest import real_data
from tests.emulators import emulated, real_world
from tests.support.jsoc_fetching import (
    FIRST,
    HARP,
    HOURS,
    LAST,
    NOON,
    asked_files,
    emulator,
    fetch,
    fetchers,
    files,
    undisturbed,
    wait_until,
    whole,
    world,
)

pytestmark = pytest.mark.slow

__all__ = ["emulator", "fetchers", "undisturbed"]

NEW_HARP = 14011
"""The first region of the near-real-time series."""


def at(hour: str) -> float:
    return float(tai_seconds(parse_t_rec(hour)))


def test_what_is_whole_is_never_fetched_again(emulator, undisturbed):
    assert fetch().new == len(HOURS)
    written = {path: path.stat().st_mtime_ns for path in cached(DEFINITIVE, HARP)}
    emulator.requests.clear()
    fetched = fetch()
    assert (fetched.new, fetched.present, fetched.bytes) == (0, len(HOURS), 0)
    assert len(emulator.requests) == 1  # which records there are
    assert {path: path.stat().st_mtime_ns for path in cached(DEFINITIVE, HARP)} == written
    whole(undisturbed)


def test_a_longer_span_asks_only_for_what_it_adds(emulator, undisturbed):
    assert fetch(last=parse_t_rec(HOURS[2])).new == 3
    emulator.requests.clear()
    fetched = fetch()
    assert (fetched.new, fetched.present) == (2, 3)
    assert len(asked_files(emulator)) == 2
    whole(undisturbed)


@pytest.mark.parametrize("length", [0, 2880, -2881])
def test_what_was_damaged_on_disk_is_fetched_again(emulator, undisturbed, length):
    fetch()
    first, second, *_ = cached(DEFINITIVE, HARP)
    first.write_bytes(first.read_bytes()[:length])
    second.unlink()
    emulator.requests.clear()
    fetched = fetch()
    assert (fetched.new, fetched.present) == (2, len(HOURS) - 2)
    assert len(asked_files(emulator)) == 2
    whole(undisturbed)


def test_leftovers_of_a_killed_fetch_are_removed_also_where_nothing_is_to_fetch(
    emulator, undisturbed
):
    fetch()
    folder = region_folder(DEFINITIVE, HARP)
    for name in ("a.fits.part", "b.fits.as-is.part"):
        (folder / name).write_bytes(b"half")
    assert fetch().new == 0
    whole(undisturbed)


def test_progress_is_told_hour_by_hour(emulator):
    told = []
    fetched = fetch(progress=told.append)
    assert [one.text for one in told if one.text] == HOURS
    assert [one.done for one in told] == list(range(len(HOURS) + 1))
    assert {one.total for one in told} == {len(HOURS)}
    assert told[-1].bytes == fetched.bytes == sum(map(len, files(cache_home()).values()))


def test_the_nearest_good_records_of_a_passage_are_taken(emulator):
    # Of 06:00 and 18:00 the record is flagged or absent, of 12:00 on the first day it has no data.
    fetched = fetch(None, None)
    assert (fetched.new, fetched.missing) == (48, {})
    times = [path.name.split(".")[3] for path in cached(DEFINITIVE, HARP)]
    odd = [time for time in times if not time.endswith("0000_TAI")]
    assert odd == ["20110213_114800_TAI", "20110213_174800_TAI", "20110214_174800_TAI"]


def test_hours_without_a_record_are_missing_with_the_reason(emulator, undisturbed):
    fetched = fetch(first=parse_t_rec("2011-02-13T03:00"))
    assert fetched.new == 7
    assert fetched.missing == {
        "2011-02-13T03:00": "no record within 24 min",
        "2011-02-13T04:00": "no record within 24 min",
    }
    assert undisturbed.items() < files(cache_home()).items()


class Without:
    """A region from which a record has vanished."""

    def __init__(self, region, slot: int) -> None:
        self._region, self._slot = region, slot

    def __getattr__(self, name: str):
        return getattr(self._region, name)

    def slots(self) -> list[int]:
        return [slot for slot in self._region.slots() if slot != self._slot]


def test_a_record_that_vanishes_meanwhile_is_a_missing_hour(emulator, undisturbed):
    slot = round((at("2011-02-13T08:00") - at("2011-02-13T07:00")) / 720)

    def vanish(told):
        if told.done == 0:
            found = [
                Without(one, one.slots()[0] + 10 + slot) if one.harp == HARP else one
                for one in world().regions
            ]
            emulator.jsoc.world = replace(world(), regions=found)

    fetched = fetch(progress=vanish)
    assert fetched.missing == {"2011-02-13T08:00": "no record at JSOC any more"}
    assert fetched.new == len(HOURS) - 1
    emulator.jsoc.world = world()
    assert fetch().new == 1
    whole(undisturbed)


def test_keywords_that_are_nan_or_missing_are_left_out_and_the_rest_is_read(emulator):
    fetch(last=parse_t_rec("2011-02-13T22:00"))
    odd = record_path(DEFINITIVE, HARP, at("2011-02-13T08:00"))
    sound = record_path(DEFINITIVE, HARP, at("2011-02-13T07:00"))
    lost = {"LON_FWT", "LAT_FWT", "OBS_VR"}
    assert lost <= set(read_header(sound).keywords)
    assert not lost & set(read_header(odd).keywords)
    # Without its position the patch's middle is taken, one hour's rotation further.
    moved = (read_fits(odd).longitude - read_fits(sound).longitude).to_value(u.deg)
    assert moved == pytest.approx(0.55, abs=0.05)
    unmeasured = read_header(record_path(DEFINITIVE, HARP, at("2011-02-13T22:00"))).keywords
    assert not {"R_VALUE", "USFLUX"} & set(unmeasured)
    assert "LON_FWT" in unmeasured


def test_near_real_time_regions_have_a_folder_and_numbers_of_their_own(emulator, undisturbed):
    now = Time(emulator.world.now.replace(tzinfo=None), scale="utc").tai
    client = JsocClient()
    assert client.harps_at(NEAR_REAL_TIME, now)["harp"].tolist() == [NEW_HARP, 14018]
    assert client.harps_at(DEFINITIVE, now).empty
    fetch()
    fetched = fetch(None, NOON, series=NEAR_REAL_TIME, harp=NEW_HARP)
    assert fetched.new == len(cached(NEAR_REAL_TIME, NEW_HARP)) > 10
    assert {path.parent.parent.name for path in cached(NEAR_REAL_TIME, NEW_HARP)} == {"nrt"}
    assert cached(DEFINITIVE, NEW_HARP) == cached(NEAR_REAL_TIME, HARP) == []
    assert files(cache_home() / "definitive") == undisturbed
    now_on_disk, past = (
        sharp_keywords(read_header(path).keywords, path.name)
        for path in (cached(NEAR_REAL_TIME, NEW_HARP)[0], cached(DEFINITIVE, HARP)[0])
    )
    assert (now_on_disk.harp, now_on_disk.near_real_time) == (NEW_HARP, True)
    assert (past.harp, past.near_real_time) == (HARP, False)


def test_two_fetches_of_a_region_ask_for_no_file_twice(emulator, undisturbed, fetchers):
    emulator.bytes_per_s = 2_000_000
    both = [fetchers.start(), fetchers.start()]
    assert sorted(one.new() for one in both) == [0, len(HOURS)]
    assert len(asked_files(emulator)) == len(set(asked_files(emulator))) == len(HOURS)
    assert emulator.connections.most_by_service["jsoc"] == 1
    whole(undisturbed)


def test_two_regions_at_once_take_turns_on_one_connection(emulator, undisturbed, fetchers):
    emulator.bytes_per_s = 4_000_000
    long = fetchers.start(NEW_HARP)
    wait_until(lambda: len(asked_files(emulator)) >= 2)
    short = fetchers.start()
    assert short.new() == len(HOURS)
    assert long.new() == len(cached(NEAR_REAL_TIME, NEW_HARP)) > 25  # more than one turn
    assert emulator.connections.most_by_service["jsoc"] == 1
    harps = [emulator.storage.find(path).region.harp for path in asked_files(emulator)]
    assert len(harps) == len(set(asked_files(emulator)))
    last_of_short = len(harps) - harps[::-1].index(HARP)
    assert NEW_HARP in harps[last_of_short:]  # the long one did not keep the short one waiting
    assert files(cache_home() / "definitive") == undisturbed


def test_real_files_come_back_with_their_pixels_and_keywords(monkeypatch):
    folder = real_data("harp377")
    with emulated(real_world(folder)) as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        assert fetch(None, None).new == 50
    originals = sorted(folder.glob("*.magnetogram.fits"))
    assert [path.name for path in cached(DEFINITIVE, HARP)] == [path.name for path in originals]
    for path, original in zip(cached(DEFINITIVE, HARP), originals, strict=True):
        same_keywords(path, original)
    for path, original in list(zip(cached(DEFINITIVE, HARP), originals, strict=True))[::7]:
        ours, theirs = read_fits(path), read_fits(original)
        np.testing.assert_array_equal(ours.field, theirs.field)
        assert (ours.t_rec, ours.noaa, ours.quality) == (theirs.t_rec, theirs.noaa, theirs.quality)
        assert (ours.longitude, ours.pixel_area) == (theirs.longitude, theirs.pixel_area)
        assert not ours.simulated


def same_keywords(path, original) -> None:
    """All that are kept have the value and the type of the original's, but for nan ones."""
    ours, theirs = read_header(path).keywords, read_header(original).keywords
    compared = 0
    for key in (name.replace("__", "-") for name in KEPT if name != RECNUM):
        if key in theirs and str(theirs[key]).lower() not in ("nan", "missing"):
            assert ours[key] == theirs[key], key
            compared += 1
        else:
            assert key not in ours, key
    assert compared > 30


def test_hours_may_be_named_one_by_one(emulator, undisturbed):
    hours = [at(HOURS[0]), at(HOURS[3])]
    assert fetch(None, None, hours=hours).new == 2
    assert files(cache_home()).items() < undisturbed.items()
    assert fetch(None, None, hours=[]).present == 0
    fetched = fetch(FIRST, LAST)
    assert (fetched.new, fetched.present) == (3, 2)
    whole(undisturbed)


@settings(max_examples=60)
@given(seconds=st.integers(1_272_672_000, 1_893_456_000))
def test_times_are_read_as_everywhere_else(seconds):
    text = format_t_rec(float(seconds))
    several = [text, text.replace("_TAI", ".000_TAI"), text.replace("_TAI", ".250_TAI")]
    expected = [float(tai_seconds(parse_t_rec(one))) for one in several]
    assert (
        [t_rec_seconds(text) for text in several] == expected == [seconds, seconds, seconds + 0.25]
    )


def test_what_is_no_time_is_nan():
    texts = ["MISSING", "2011.13.01_00:00:00_TAI", "2011.02.30_00:00:00_TAI", "Invalid KeyLink"]
    assert np.isnan([t_rec_seconds(text) for text in texts]).all()

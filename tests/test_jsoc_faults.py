"""Fetching from a JSOC that fails in every way: nothing is lost, a second run completes it."""

import errno
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from hnn_core.exceptions import (
    BlockedError,
    DiskFullError,
    NoRecordsError,
    RefusedError,
    ServiceFaultError,
    UnreachableError,
)
from hnn_core.jsoc import keeping
from hnn_core.jsoc.cache import cache_home, cached, region_folder
from hnn_core.jsoc.client import JsocClient
from hnn_core.jsoc.series import DEFINITIVE, NEAR_REAL_TIME
from hnn_core.magnetogram import read_fits
from tests.conftest import ROOT, real_data
from tests.emulators import emulated, real_world
from tests.jsoc_fetching import FIRST, HARP, HOURS, LAST, emulator, fetch, files, world

__all__ = ["emulator"]

QUESTION, FILE = r"op=rs_list", r"/SUM\d+/"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> dict[str, bytes]:
    """What a fetch without any fault leaves: the five hours, byte by byte."""
    with emulated(world()) as running, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HNN_HOME", str(tmp_path_factory.mktemp("undisturbed")))
        for name, value in running.environment.items():
            patch.setenv(name, value)
        assert fetch().new == len(HOURS)
        return files(cache_home())


def whole(undisturbed) -> None:
    """What is here is what a fetch without faults leaves, and nothing half-written is left."""
    assert files(cache_home()) == undisturbed
    assert len(undisturbed) == len(HOURS)


@pytest.mark.parametrize("where", [QUESTION, FILE], ids=["question", "file"])
@pytest.mark.parametrize("kind", ["500", "429", "503", "html", "empty", "cut", "drop", "hang"])
def test_a_passing_fault_costs_nothing(emulator, undisturbed, monkeypatch, kind, where):
    monkeypatch.setenv("HNN_TIMEOUT_S", "0.5")
    fault = emulator.faults.add(where, kind, times=2)
    fetched = fetch()
    assert fault.hits == 2
    assert (fetched.new, fetched.missing) == (len(HOURS), {})
    whole(undisturbed)


@pytest.mark.parametrize("kind", ["truncated", "garbage", "null", "wrong_length"])
def test_a_file_that_is_not_what_it_should_be_is_downloaded_again(emulator, undisturbed, kind):
    fault = emulator.faults.add(FILE, kind, times=1)
    assert fetch().new == len(HOURS)
    assert fault.hits == 1
    whole(undisturbed)


@pytest.mark.parametrize("kind", ["truncated", "garbage"])
def test_a_file_that_stays_unsound_is_one_missing_hour_and_the_next_run_brings_it(
    emulator, undisturbed, kind
):
    fetch(last=FIRST)  # the first hour is here
    broken = next(one for one in emulator.requests if "/SUM" in one.path)
    emulator.requests.clear()
    emulator.faults.add(FILE, kind, times=3)
    fetched = fetch(first=LAST, last=LAST)
    assert broken
    assert (fetched.new, list(fetched.missing)) == (0, [HOURS[-1]])
    assert fetch().new == len(HOURS) - 1
    whole(undisturbed)


@pytest.mark.parametrize(
    ("where", "kind", "error", "words"),
    [
        (QUESTION, "503", ServiceFaultError, "JSOC gives no sound answer"),
        (QUESTION, "null", ServiceFaultError, "an empty answer"),
        (QUESTION, "html", ServiceFaultError, "a web page in place of data"),
        (QUESTION, "hang", UnreachableError, "no answer in time"),
        (FILE, "500", ServiceFaultError, "HTTP 500"),
        (FILE, "drop", ServiceFaultError, "the connection was cut"),
    ],
)
def test_a_lasting_fault_is_one_sentence_and_a_second_run_goes_on(
    emulator, undisturbed, monkeypatch, where, kind, error, words
):
    monkeypatch.setenv("HNN_TIMEOUT_S", "0.3")
    monkeypatch.setenv("HNN_ATTEMPTS", "2")
    fetch(last=FIRST)
    emulator.faults.add(where, kind, times=10_000)
    with pytest.raises(error, match=words):
        fetch()
    assert len(files(cache_home())) == 1  # what was here stays, nothing half-written is added
    emulator.faults.clear()
    fetched = fetch()
    assert (fetched.present, fetched.new) == (1, len(HOURS) - 1)
    whole(undisturbed)


def test_a_place_that_expired_is_asked_for_again(emulator, undisturbed):
    told = []

    def expire(one):
        if one.done == 1 and not told:
            told.append(one)
            emulator.storage.expire()

    assert fetch(tell=expire).new == len(HOURS)
    assert told
    whole(undisturbed)


def test_offline_storage_is_a_missing_hour_with_its_reason(emulator):
    emulator.jsoc.offline.add("hmi.sharp_cea_720s[377][2011.02.13_08:00:00_TAI]")
    try:
        fetched = fetch()
    finally:
        emulator.jsoc.offline.clear()
    assert fetched.missing == {"2011-02-13T08:00": "no file at JSOC (offline)"}
    assert fetched.new == len(HOURS) - 1
    assert fetch().new == 1


def test_a_blocked_account_is_told_and_not_asked_again(emulator):
    emulator.jsoc.blocked = True
    with pytest.raises(BlockedError, match="blocked"):
        fetch()
    assert len(emulator.asked("jsoc")) == 1


def test_a_question_that_jsoc_does_not_take_is_told_in_its_words(emulator):
    with JsocClient() as client, pytest.raises(RefusedError, match="JSOC refuses"):
        client.drms.query("hmi.none_such[377][]", key="T_REC")


def test_no_record_at_all_is_told(emulator):
    with pytest.raises(NoRecordsError, match="no record of HARP 99"):
        fetch(harp=99)
    with pytest.raises(NoRecordsError, match=r"HARP 377 in hmi\.sharp_cea_720s_nrt"):
        fetch(series=NEAR_REAL_TIME)


def test_a_full_disk_leaves_no_half_file_and_a_second_run_goes_on(
    emulator, undisturbed, monkeypatch
):
    write = keeping.write_atomically
    calls = []

    def full(path, content):
        calls.append(path)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, content)

    monkeypatch.setattr(keeping, "write_atomically", full)
    with pytest.raises(DiskFullError, match="make room and run the same command again"):
        fetch()
    kept = files(cache_home())
    assert 0 < len(kept) < len(HOURS)
    assert kept.items() <= undisturbed.items()
    monkeypatch.setattr(keeping, "write_atomically", write)
    assert fetch().present == len(kept)
    whole(undisturbed)


def test_an_interrupt_leaves_whole_files_only(emulator, undisturbed):
    def interrupt(told):
        if told.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(tell=interrupt)
    assert files(cache_home()).items() <= undisturbed.items()
    fetch()
    whole(undisturbed)


CODE = """
from tests.jsoc_fetching import fetch
print(fetch().new, flush=True)
"""


def started(**environment: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", CODE],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_fetch_killed_at_any_point_goes_on_to_the_same_bytes(emulator, undisturbed):
    emulator.bytes_per_s = 1_500_000  # five files take most of a second
    chance = random.Random(377)
    kills = 0
    for _ in range(4):
        child = started()
        while not emulator.asked("jsoc") and child.poll() is None:
            time.sleep(0.02)
        time.sleep(chance.uniform(0.0, 0.9))
        if child.poll() is None:
            child.send_signal(signal.SIGKILL)
            kills += 1
        child.communicate()
        emulator.requests.clear()
    assert kills >= 2
    emulator.bytes_per_s = None
    assert fetch().missing == {}
    whole(undisturbed)
    assert not list(region_folder(DEFINITIVE, HARP).glob("*.part"))


def test_two_fetches_of_a_region_ask_for_no_file_twice_and_share_one_connection(
    emulator, undisturbed
):
    emulator.bytes_per_s = 2_000_000
    both = [started(), started()]
    new = sorted(int(child.communicate(timeout=60)[0]) for child in both)
    assert new == [0, len(HOURS)]
    paths = [one.path for one in emulator.requests if "/SUM" in one.path]
    assert len(paths) == len(set(paths)) == len(HOURS)
    assert emulator.connections.most_by_service["jsoc"] == 1
    whole(undisturbed)


def test_what_was_damaged_on_disk_is_fetched_again(emulator, undisturbed):
    fetch()
    first, second, *_ = cached(DEFINITIVE, HARP)
    first.write_bytes(first.read_bytes()[:5000])
    second.unlink()
    emulator.requests.clear()
    fetched = fetch()
    assert (fetched.new, fetched.present) == (2, len(HOURS) - 2)
    assert len([one for one in emulator.requests if "/SUM" in one.path]) == 2
    whole(undisturbed)


def test_unreadable_keywords_do_not_stop_a_fetch(emulator):
    # Of a whole passage some records have nan and MISSING among their keywords.
    fetched = fetch(None, None)
    assert fetched.new > 40
    for path in cached(DEFINITIVE, HARP)[::10]:
        assert read_fits(path).harp == HARP


def test_near_real_time_regions_have_a_folder_and_numbers_of_their_own(emulator):
    with JsocClient() as client:
        found = client.harps_at(NEAR_REAL_TIME, _now(emulator))
    assert len(found) == 2
    harp = int(found["harp"].iloc[0])
    fetched = fetch(None, None, series=NEAR_REAL_TIME, harp=harp)
    assert fetched.new > 10
    assert {path.parent.parent.name for path in cached(NEAR_REAL_TIME, harp)} == {"nrt"}
    assert cached(DEFINITIVE, harp) == []


def test_real_files_come_back_pixel_by_pixel(monkeypatch):
    folder = real_data("harp377")
    with emulated(real_world(folder)) as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        assert fetch(None, None).new == 50
    for path in cached(DEFINITIVE, HARP)[::7]:
        ours, original = read_fits(path), read_fits(folder / path.name)
        assert (ours.field == original.field)[~(original.field != original.field)].all()
        assert (ours.t_rec, ours.noaa, ours.quality) == (
            original.t_rec,
            original.noaa,
            original.quality,
        )
        assert ours.longitude == original.longitude
        assert ours.pixel_area == original.pixel_area
        assert not ours.simulated


def _now(emulator):
    from astropy.time import Time

    return Time(emulator.world.now.replace(tzinfo=None), scale="utc").tai

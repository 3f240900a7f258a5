"""Fetching from a JSOC that fails in every way: nothing is lost, a second run completes it."""

import errno
import random
import time
from pathlib import Path

import pytest

from hnn_core.exceptions import (
    BlockedError,
    DiskFullError,
    NoRecordsError,
    RefusedError,
    ServiceError,
    ServiceFaultError,
)
from hnn_core.jsoc.client import JsocClient
from hnn_core.jsoc.files import cache_home
from hnn_core.jsoc.keywords import NEAR_REAL_TIME
from tests.support.jsoc_fetching import (
    FIRST,
    HOURS,
    asked_files,
    emulator,
    fetch,
    fetchers,
    files,
    undisturbed,
    wait_until,
    whole,
)

pytestmark = pytest.mark.slow

__all__ = ["emulator", "fetchers", "undisturbed"]

QUESTION, PLACES, FILE = r"op=rs_list", r"seg=magnetogram", r"/SUM\d+/"
WORDS = {
    "500": "HTTP 500",
    "429": "HTTP 429",
    "503": "HTTP 503",
    "html": "a web page in place of",
    "empty": "an empty answer",
    "null": "an empty answer",
    "garbage": "an answer that is not JSON",
    "truncated": "an answer that is not JSON",
    "wrong_length": r"\d+ of \d+ bytes came|the connection was cut",
    "cut": "the connection was cut",
    "drop": "the connection was cut",
    "hang": "no answer in time",
    "slow": r"only \d+ bytes came in",
}
"""Every kind of fault, and how it is told of a question."""
SOME = ("503", "html", "null", "wrong_length", "cut", "hang")


@pytest.mark.parametrize(
    ("where", "kind"),
    [(where, kind) for where in (QUESTION, FILE) for kind in WORDS]
    + [(PLACES, kind) for kind in SOME],
)
def test_a_passing_fault_costs_nothing(emulator, undisturbed, monkeypatch, kind, where):
    waits = kind in ("hang", "slow")
    if waits:
        monkeypatch.setenv("HNN_TIMEOUT_S", "0.3")
    fault = emulator.faults.add(where, kind, times=1 if waits else 2)
    fetched = fetch()
    assert fault.hits == fault.times
    assert (fetched.new, fetched.missing) == (len(HOURS), {})
    whole(undisturbed)


@pytest.mark.parametrize("by", [-1, -2880, -100_000, -10_000_000])
def test_a_file_for_which_too_short_a_length_is_told_is_downloaded_again(emulator, undisturbed, by):
    fault = emulator.faults.add(FILE, "wrong_length", times=2, by=by)
    assert fetch().new == len(HOURS)
    assert fault.hits == 2
    whole(undisturbed)


@pytest.mark.parametrize(
    ("where", "kind"),
    [(QUESTION, kind) for kind in WORDS] + [(FILE, kind) for kind in SOME],
)
def test_a_lasting_fault_is_one_sentence_and_a_second_run_goes_on(
    emulator, undisturbed, monkeypatch, where, kind
):
    waits = kind in ("hang", "slow")
    fetch(last=FIRST)
    if waits:
        monkeypatch.setenv("HNN_TIMEOUT_S", "0.3")
    monkeypatch.setenv("HNN_ATTEMPTS", "2")
    fault = emulator.faults.add(where, kind, times=10_000)
    with pytest.raises(ServiceError if kind == "hang" else ServiceFaultError) as raised:
        fetch()
    said = str(raised.value)
    begins = {"hang": "JSOC cannot be", "429": "JSOC has had too many requests for now"}
    assert said.startswith(begins.get(kind, "JSOC gives no sound answer ("))
    assert "try again" in said
    assert "\n" not in said
    assert raised.match(WORDS[kind])
    # Three files without a sound answer are JSOC's fault; silence is at once.
    n_asked = 1 if where == QUESTION or kind == "hang" else 3
    assert fault.hits == n_asked * 2
    left = files(cache_home())
    assert len(left) == 1  # what was here stays, nothing half-written is added
    assert left.items() <= undisturbed.items()
    emulator.faults.clear()
    monkeypatch.setenv("HNN_TIMEOUT_S", "30")
    fetched = fetch()
    assert (fetched.present, fetched.new) == (1, len(HOURS) - 1)
    whole(undisturbed)


@pytest.mark.parametrize(
    ("kind", "why"), [("garbage", "not a FITS file"), ("truncated", "ends before its last pixel")]
)
def test_files_that_stay_unsound_are_missing_hours_and_the_next_run_brings_them(
    emulator, undisturbed, kind, why
):
    fetch(last=FIRST)
    fault = emulator.faults.add(FILE, kind, times=10_000)
    fetched = fetch()
    assert (fetched.new, fetched.present, list(fetched.missing)) == (0, 1, HOURS[1:])
    assert all(why in words for words in fetched.missing.values())
    assert fault.hits == 3 * (len(HOURS) - 1)
    assert files(cache_home()).items() <= undisturbed.items()
    emulator.faults.clear()
    assert fetch().new == len(HOURS) - 1
    whole(undisturbed)


def test_one_file_that_jsoc_cannot_give_does_not_keep_the_others_back(
    emulator, undisturbed, monkeypatch
):
    monkeypatch.setenv("HNN_ATTEMPTS", "2")
    fault = emulator.faults.add(FILE, "500", times=2)
    fetched = fetch()
    assert fault.hits == 2
    assert fetched.new == len(HOURS) - 1
    assert fetched.missing == {HOURS[0]: "JSOC gives no sound answer (HTTP 500, 2 attempts)"}
    assert fetch().new == 1
    whole(undisturbed)


def test_a_server_that_asks_for_a_pause_gets_it(emulator, undisturbed):
    emulator.faults.add(FILE, "429", retry_after=1)
    begun = time.monotonic()
    assert fetch().new == len(HOURS)
    assert time.monotonic() - begun >= 1.0
    whole(undisturbed)


def test_places_that_expired_are_asked_for_again(emulator, undisturbed):
    def expire(told):
        if told.done == 1:
            emulator.storage.expire()

    assert fetch(progress=expire).new == len(HOURS)
    found = [emulator.storage.find(path) for path in asked_files(emulator)]
    assert None in found  # a place that had expired was tried
    whole(undisturbed)


def test_places_that_expire_at_once_are_missing_hours(emulator, undisturbed):
    emulator.storage.lifetime_s = -1.0
    fetched = fetch()
    assert fetched.missing == dict.fromkeys(HOURS, "the path that JSOC gives leads nowhere, twice")
    assert files(cache_home()) == {}
    emulator.storage.lifetime_s = None
    assert fetch().new == len(HOURS)
    whole(undisturbed)


def test_a_blocked_account_is_told_and_not_asked_again(emulator, undisturbed):
    emulator.jsoc.blocked = True
    with pytest.raises(BlockedError, match=r"JSOC has blocked this user .* write to JSOC's help"):
        fetch()
    assert len(emulator.asked("jsoc")) == 1
    emulator.jsoc.blocked = False
    assert fetch().new == len(HOURS)
    whole(undisturbed)


def test_an_account_blocked_on_the_way_keeps_what_it_has(emulator, undisturbed):
    def block(told):
        if told.done == 1:
            emulator.storage.expire()  # so that a question follows
            emulator.jsoc.blocked = True

    with pytest.raises(BlockedError):
        fetch(progress=block)
    kept = files(cache_home())
    assert kept
    assert kept.items() < undisturbed.items()
    emulator.jsoc.blocked = False
    assert fetch().present == len(kept)
    whole(undisturbed)


def test_a_question_that_jsoc_does_not_take_is_told_in_its_words(emulator):
    client = JsocClient()
    with pytest.raises(RefusedError, match=r"JSOC refuses .*none_such"):
        client.drms.query("hmi.none_such[377][]", key="T_REC")


def test_no_record_at_all_is_told(emulator):
    with pytest.raises(NoRecordsError, match=r"no record of HARP 99 .* whether the number"):
        fetch(harp=99)
    with pytest.raises(NoRecordsError, match=r"HARP 377 in hmi\.sharp_cea_720s_nrt"):
        fetch(series=NEAR_REAL_TIME)
    assert files(cache_home()) == {}


class FullDisk:
    """A file of which the disk takes one half."""

    def __init__(self, stream, code: int) -> None:
        self._stream, self._code = stream, code

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        self._stream.close()

    def write(self, content: bytes) -> int:
        self._stream.write(content[: len(content) // 2])
        self._stream.flush()
        raise OSError(self._code, "no room")


@pytest.mark.parametrize("ending", ["magnetogram.fits.as-is.part", "magnetogram.fits.part"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_leaves_no_half_file_and_a_second_run_goes_on(
    emulator, undisturbed, monkeypatch, ending, code
):
    opened, open_file = [], Path.open

    def open_on_full_disk(path, mode="r", *args, **options):
        stream = open_file(path, mode, *args, **options)
        if "w" in mode and path.name.endswith(ending):
            opened.append(path)
            # Not before the fourth: at most two files wait for their names, so one has its own.
            if len(opened) >= 4:
                return FullDisk(stream, code)
        return stream

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", open_on_full_disk)
        with pytest.raises(DiskFullError, match="is full; make room and run the same command"):
            fetch()
    kept = files(cache_home())
    assert len(opened) >= 4
    assert kept
    assert kept.items() < undisturbed.items()
    assert fetch().present == len(kept)
    whole(undisturbed)


def test_an_interrupt_leaves_whole_files_only(emulator, undisturbed):
    def interrupt(told):
        if told.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(progress=interrupt)
    kept = files(cache_home())
    assert len(kept) >= 2
    assert kept.items() <= undisturbed.items()
    assert fetch().new == len(HOURS) - len(kept)
    whole(undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("requests", "delay"),
    [(1, 0.0), (2, 0.0), (3, 0.0), (3, 0.1), (4, 0.05), (7, 0.05)],
)
def test_a_fetch_killed_at_any_request_goes_on_to_the_same_bytes(
    emulator, undisturbed, fetchers, requests, delay
):
    emulator.bytes_per_s = 1_000_000  # 0.2 s a file; requests are one for keywords, one for places
    fetching = fetchers.start()
    wait_until(lambda: len(emulator.asked("jsoc")) >= requests)
    time.sleep(delay)
    fetching.kill()
    assert not fetching.finished
    left = files(cache_home())
    named = {name: content for name, content in left.items() if not name.endswith(".part")}
    assert named.items() < undisturbed.items()
    assert len(named) <= max(0, requests - 3)
    emulator.bytes_per_s = None
    emulator.requests.clear()
    assert fetch().present == len(named)
    # As a set: what the killed one had sent last may be read by the server only now.
    assert len(set(asked_files(emulator))) == len(HOURS) - len(named)
    whole(undisturbed)


@pytest.mark.slow
def test_a_fetch_killed_at_any_moment_goes_on_to_the_same_bytes(
    emulator, undisturbed, fetchers, tmp_path, monkeypatch
):
    # Without a throttle, so that files are checked, joined and renamed at the moment of the kill.
    chance, killed, kept_then = random.Random(377), 0, set()
    for number in range(10):
        monkeypatch.setenv("HNN_HOME", str(tmp_path / f"{number}"))
        emulator.requests.clear()
        fetching = fetchers.start()
        # However slow the machine is, some are killed early and some late.
        wait_until(lambda: len(emulator.asked("jsoc")) >= 2 + number // 2)  # noqa: B023
        time.sleep(chance.uniform(0.0, 0.05))
        fetching.kill()
        killed += not fetching.finished
        left = files(cache_home())
        named = {name: content for name, content in left.items() if not name.endswith(".part")}
        assert named.items() <= undisturbed.items()
        kept_then.add(len(named))
        assert fetch().present == len(named)
        whole(undisturbed)
    assert killed
    assert len(kept_then) > 1  # they were not all killed at the same point


@pytest.mark.slow
def test_a_fetch_killed_in_the_middle_of_a_file_goes_on_to_the_same_bytes(
    emulator, undisturbed, fetchers, tmp_path, monkeypatch
):
    chance, torn = random.Random(2011), set()
    for number in range(10):
        monkeypatch.setenv("HNN_HOME", str(tmp_path / f"{number}"))
        emulator.requests.clear()
        emulator.bytes_per_s = 400_000  # some 0.5 s a file, in steps of 20 kB
        fetching = fetchers.start()
        wait_until(lambda: len(asked_files(emulator)) > number // 3)  # noqa: B023
        time.sleep(chance.uniform(0.0, 0.5))
        fetching.kill()
        assert not fetching.finished
        left = files(cache_home())
        parts = [content for name, content in left.items() if name.endswith(".as-is.part")]
        torn |= {len(content) for content in parts}
        named = {name: content for name, content in left.items() if not name.endswith(".part")}
        assert named.items() < undisturbed.items()
        emulator.bytes_per_s = None
        assert fetch().present == len(named)
        whole(undisturbed)
    assert len(torn - {0}) >= 5  # the kills fell at other bytes of their files


@pytest.mark.slow
def test_a_second_fetch_waits_for_a_first_and_takes_over_when_that_is_killed(
    emulator, undisturbed, fetchers
):
    emulator.bytes_per_s = 2_000_000
    first = fetchers.start()
    wait_until(lambda: len(asked_files(emulator)) >= 2)
    second = fetchers.start()
    first.kill()
    assert 0 < second.new() <= len(HOURS)
    assert not first.finished
    whole(undisturbed)

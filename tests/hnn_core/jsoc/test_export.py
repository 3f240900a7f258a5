"""The second way to JSOC's files: an export under a registered address."""

import pytest

from hnn_core.exceptions import BlockedError, RequestError, ServiceError
from hnn_core.jsoc.client import JsocClient
from hnn_core.jsoc.export import export_batches
from hnn_core.jsoc.files import cache_home, cached
from hnn_core.jsoc.keywords import DEFINITIVE
from hnn_core.magnetogram.conventions import parse_t_rec
from hnn_core.magnetogram.magnetogram import read_fits
from tests.conftest import real_data
from tests.emulators import emulated, real_world
from tests.support.jsoc_fetching import (
    HARP,
    HOURS,
    ME,
    asked_files,
    emulator,
    fetch,
    files,
    undisturbed,
    undisturbed_export,
    whole,
)

pytestmark = pytest.mark.slow

__all__ = ["emulator", "undisturbed", "undisturbed_export"]


def test_exported_files_carry_their_keywords_and_lie_in_the_same_cache(emulator):
    said = []
    fetched = fetch(email=ME, progress=lambda told: said.append(told.text))
    assert (fetched.new, fetched.missing) == (len(HOURS), {})
    assert any("prepares the files" in words for words in said)
    first = read_fits(cached(DEFINITIVE, HARP)[0])
    assert (first.harp, first.noaa) == (HARP, (11158,))
    emulator.requests.clear()
    assert fetch(email=ME).present == len(HOURS)
    assert not [one for one in emulator.requests if "jsoc_fetch" in one.path]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (3, r"is too large; fetch fewer hours .* \(Request exceeds max byte limit"),
        (4, r"was rejected; fetch without an e-mail address \(Request was rejected\)"),
        (5, r"has expired and its files are gone; fetch again"),
        (6, r"is not known to JSOC; fetch again"),
        (7, r"still has another export of observer@example\.org to finish after \d+ min; wait for"),
        (25, r"wants files that are off line now; .* \(At least one .* write to jsoc@sun"),
        (99, r"failed with status 99; try again later"),
    ],
)
def test_every_refusal_is_a_sentence_of_its_own_and_keeps_what_is_here(
    emulator, undisturbed_export, monkeypatch, status, words
):
    fetch(last=parse_t_rec(HOURS[0]), email=ME)
    monkeypatch.setenv("HNN_RETRY_WAIT_S", "0.0002")
    emulator.export.status = status
    with pytest.raises(ServiceError, match=words) as raised:
        fetch(email=ME)
    assert "\n" not in str(raised.value)
    assert len(files(cache_home())) == 1
    emulator.export.status = None
    emulator.export.jobs.clear()
    assert fetch(email=ME).new == len(HOURS) - 1
    whole(undisturbed_export)


@pytest.mark.parametrize("where", ["exp_request", "exp_status", "checkAddress", "/SUM"])
@pytest.mark.parametrize("kind", ["html", "truncated"])
def test_a_passing_fault_costs_nothing(emulator, undisturbed_export, kind, where):
    fault = emulator.faults.add(where, kind, times=2)
    fetched = fetch(email=ME)
    assert fault.hits == 2
    assert (fetched.new, fetched.missing) == (len(HOURS), {})
    assert len(emulator.export.jobs) == 1
    whole(undisturbed_export)


@pytest.mark.parametrize("by", [-1, -2880, -100_000])
def test_a_file_for_which_too_short_a_length_is_told_comes_whole(emulator, undisturbed_export, by):
    fault = emulator.faults.add("/SUM", "wrong_length", times=1, by=by)
    assert fetch(email=ME).new == len(HOURS)
    assert fault.hits == 1
    whole(undisturbed_export)


def test_an_export_that_is_gone_before_its_files_came_is_asked_for_anew(
    emulator, undisturbed_export
):
    def forget(told):
        if told.done == 2:
            emulator.export.jobs.clear()

    fetched = fetch(email=ME, progress=forget)
    assert set(fetched.missing.values()) == {"the path that JSOC gives leads nowhere, twice"}
    assert fetched.new + len(fetched.missing) == len(HOURS)
    assert files(cache_home()).items() < undisturbed_export.items()
    assert fetch(email=ME).new == len(fetched.missing)
    whole(undisturbed_export)


@pytest.mark.parametrize("listed", [True, False])
def test_an_export_without_one_of_the_files_leaves_its_hour_missing(
    emulator, undisturbed_export, listed
):
    def lose(told):
        job = emulator.export.jobs[0] if emulator.export.jobs else None
        if job is None or len(job.names) < len(HOURS):
            return
        job.names[1] = "NoDataFile"
        if not listed:
            del job.records[1], job.names[1]

    fetched = fetch(email=ME, progress=lose)
    assert fetched.missing == {HOURS[1]: "JSOC exported no file of this record"}
    assert fetch(email=ME).new == 1
    whole(undisturbed_export)


def test_a_request_that_jsoc_does_not_know_yet_is_waited_for(emulator, undisturbed_export):
    hidden, polls = [], []

    def hide(told):
        if "prepares" in told.text:
            polls.append(told.text)
            if len(polls) == 1:
                hidden.extend(emulator.export.jobs)
                emulator.export.jobs.clear()
            if len(polls) == 3:
                emulator.export.jobs.extend(hidden)

    assert fetch(email=ME, progress=hide).new == len(HOURS)
    assert len(polls) > 3
    assert len(emulator.export.jobs) == 1  # no second request was made
    whole(undisturbed_export)


@pytest.mark.parametrize("fault", ["rejected_hashes", "unwritten"])
def test_a_status_that_passes_is_asked_about_again(emulator, undisturbed_export, fault):
    setattr(emulator.export, fault, 3)
    said = []
    assert fetch(email=ME, progress=lambda told: said.append(told.text)).new == len(HOURS)
    assert getattr(emulator.export, fault) == 0
    assert len(emulator.export.jobs) == 1
    hash_words = "JSOC: Cant save new export-request hash; trying again."
    assert said.count(hash_words) == (3 if fault == "rejected_hashes" else 0)
    whole(undisturbed_export)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("rejected_hashes", r"was rejected; .* \(Cant save new export-request hash\)"),
        ("unwritten", r"was rejected; .* \(invalid export DRMS record 'JSOC_\d+_001'\)"),
    ],
)
def test_a_status_that_does_not_pass_is_final_after_some_tries(emulator, monkeypatch, fault, words):
    monkeypatch.setenv("HNN_RETRY_WAIT_S", "0.0002")
    setattr(emulator.export, fault, 1000)
    with pytest.raises(ServiceError, match=words):
        fetch(email=ME)
    assert 3 <= 1000 - getattr(emulator.export, fault) <= 10


def test_an_export_of_nothing_is_no_file(emulator):
    def lose(told):
        for job in emulator.export.jobs:
            job.records, job.names = [], []

    fetched = fetch(email=ME, progress=lose)
    assert fetched.missing == dict.fromkeys(HOURS, "JSOC exported no file of this record")
    assert asked_files(emulator) == []


def test_what_came_without_an_address_is_not_exported_again(emulator, undisturbed):
    assert fetch().new == len(HOURS)
    emulator.requests.clear()
    assert fetch(email=ME).present == len(HOURS)
    assert len(emulator.requests) == 1
    whole(undisturbed)


def test_real_exports_are_kept_byte_by_byte(monkeypatch):
    folder = real_data("harp377")
    with emulated(real_world(folder)) as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        last = parse_t_rec("2011-02-13T12:00")
        assert fetch(None, last, email=ME).new >= 5
    for path in cached(DEFINITIVE, HARP):
        assert path.read_bytes() == (folder / path.name).read_bytes()


def test_a_busy_address_waits_for_its_other_request(emulator):
    emulator.export.polls = 2
    client = JsocClient()
    other = client.json.exp_request(
        "hmi.sharp_cea_720s[377][2011.02.13_20:00:00_TAI]{magnetogram}",
        ME,
        method="url",
        protocol="fits",
    )
    said = []

    def tell(told):
        said.append(told.text)
        if "another export" in told.text:
            client.json.exp_status(other["requestid"])  # time passes for the other one

    assert fetch(email=ME, progress=tell).new == len(HOURS)
    assert any("another export of this address" in words for words in said)


def test_an_interrupted_export_is_taken_up_by_its_request(emulator):
    def interrupt(told):
        if "prepares" in told.text:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(email=ME, progress=interrupt)
    assert fetch(email=ME).new == len(HOURS)
    assert len(emulator.export.jobs) == 1


def test_an_address_that_is_none_or_not_registered_is_told_and_no_export_asked(emulator):
    with pytest.raises(RequestError, match="is no e-mail address"):
        fetch(email="nobody")
    assert emulator.requests == []
    with pytest.raises(ServiceError, match=r"does not export for stranger@example\.org"):
        fetch(email="stranger@example.org")
    assert not [one for one in emulator.requests if "exp_request" in one.query]


def test_a_blocked_account_is_told(emulator, undisturbed_export):
    def block(told):
        if "prepares" in told.text:
            emulator.jsoc.blocked = True

    with pytest.raises(BlockedError, match=r"JSOC has blocked this user .* write to JSOC's help"):
        fetch(email=ME, progress=block)
    assert files(cache_home()) == {}
    emulator.jsoc.blocked = False
    assert fetch(email=ME).new == len(HOURS)
    whole(undisturbed_export)


def test_specifications_stay_under_the_limit():
    rows = [{"t_rec": 1.2974e9 + 3600.0 * hour, "hour": 0.0} for hour in range(400)]
    batches = list(export_batches(DEFINITIVE, HARP, rows))
    assert [row for batch in batches for row in batch] == rows
    for batch in batches:
        wanted = DEFINITIVE.record_set(HARP, [row["t_rec"] for row in batch])
        assert len(wanted) + len("{magnetogram}") < 4096
    assert len(batches) == 3

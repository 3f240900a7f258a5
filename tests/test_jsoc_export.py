"""The second way to JSOC's files: an export under a registered address."""

import pytest

from hnn_core.exceptions import BlockedError, ExportError, RequestError
from hnn_core.jsoc.cache import cache_home, cached
from hnn_core.jsoc.export import export_batches
from hnn_core.jsoc.series import DEFINITIVE
from hnn_core.magnetogram import read_fits
from tests.jsoc_fetching import HARP, HOURS, emulator, fetch, files

__all__ = ["emulator"]

ME = "observer@example.org"


def test_exported_files_carry_their_keywords_and_lie_in_the_same_cache(emulator):
    said = []
    fetched = fetch(email=ME, tell=lambda told: said.append(told.what))
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
        (3, "is too large"),
        (4, "was rejected"),
        (5, "has expired"),
        (6, "is not known to JSOC"),
        (7, "still has another export"),
        (25, "on tape only"),
    ],
)
def test_every_refusal_is_a_sentence_of_its_own_and_keeps_what_is_here(
    emulator, monkeypatch, status, words
):
    monkeypatch.setenv("HNN_RETRY_WAIT_S", "0.0005")
    emulator.export.status = status
    with pytest.raises(ExportError, match=words):
        fetch(email=ME)
    assert files(cache_home()) == {}
    emulator.export.status = None
    emulator.export.jobs.clear()
    assert fetch(email=ME).new == len(HOURS)


def test_a_busy_address_waits_for_its_other_request(emulator):
    emulator.export.polls = 2
    from hnn_core.jsoc.client import JsocClient

    with JsocClient() as client:
        other = client.json.exp_request(
            "hmi.sharp_cea_720s[377][2011.02.13_20:00:00_TAI]{magnetogram}",
            ME,
            method="url",
            protocol="fits",
        )
        said = []

        def tell(told):
            said.append(told.what)
            if "another export" in told.what:
                client.json.exp_status(other["requestid"])  # time passes for the other one

        assert fetch(email=ME, tell=tell).new == len(HOURS)
    assert any("another export of this address" in words for words in said)


def test_an_interrupted_export_is_taken_up_by_its_request(emulator):
    def interrupt(told):
        if "prepares" in told.what:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(email=ME, tell=interrupt)
    assert fetch(email=ME).new == len(HOURS)
    assert len(emulator.export.jobs) == 1


def test_an_address_that_is_none_or_not_registered_is_told_and_no_export_asked(emulator):
    with pytest.raises(RequestError, match="is no e-mail address"):
        fetch(email="nobody")
    assert emulator.requests == []
    with pytest.raises(ExportError, match=r"does not export for stranger@example\.org"):
        fetch(email="stranger@example.org")
    assert not [one for one in emulator.requests if "exp_request" in one.query]


def test_a_blocked_account_is_told(emulator):
    fetch(last=None)  # the keywords are asked for before
    emulator.jsoc.blocked = True
    with pytest.raises(BlockedError):
        fetch(email=ME)


def test_specifications_stay_under_the_limit():
    rows = [{"t_rec": 1.2974e9 + 3600.0 * hour, "hour": 0.0} for hour in range(400)]
    batches = list(export_batches(DEFINITIVE, HARP, rows))
    assert [row for batch in batches for row in batch] == rows
    for batch in batches:
        wanted = DEFINITIVE.record_set(HARP, [row["t_rec"] for row in batch])
        assert len(wanted) + len("{magnetogram}") < 4096
    assert len(batches) == 3

"""Asking services with care: time-outs, retries, whole answers, and an end."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from hnn_core.exceptions import (
    LimitError,
    RefusedError,
    RequestError,
    ServiceError,
    ServiceFaultError,
    TransientReplyError,
)
from hnn_core.services import endpoints
from hnn_core.services.endpoints import Patience
from hnn_core.services.transport import (
    Reply,
    Transport,
    read_json,
    read_json_or_nothing,
    read_text,
)
from tests.emulators import emulated, small_world

pytestmark = pytest.mark.slow

TABLE = "harp_noaa.txt"
QUICK = Patience(timeout_s=0.5, attempts=3, first_wait_s=0.01, longest_wait_s=0.3)


@pytest.fixture(scope="module")
def running():
    with emulated(small_world(4)) as emulator:
        yield emulator


@pytest.fixture
def emulator(running):
    running.faults.clear()
    running.requests.clear()
    running.bytes_per_s = None
    return running


def text_of(reply: Reply) -> str:
    return reply.text


def ask(emulator, **options):
    with Transport("The table", patience=QUICK, **options) as transport:
        return transport.get(f"{emulator.url}/{TABLE}", read=read_text)


def test_a_sound_answer_is_read_once(emulator):
    assert ask(emulator).startswith("HARPNUM NOAA_ARS\n")
    assert len(emulator.requests) == 1


@pytest.mark.parametrize(
    "kind", ["429", "500", "502", "503", "504", "html", "empty", "cut", "drop", "hang"]
)
def test_a_passing_fault_is_asked_again_and_told(emulator, kind):
    fault = emulator.faults.add(TABLE, kind, times=2)
    told: list[str] = []
    assert "377 11158" in ask(emulator, note=told.append)
    assert fault.hits == 2
    assert len(told) == 2
    assert all(line.startswith("The table: ") and line.endswith("trying again.") for line in told)


@pytest.mark.parametrize(
    ("kind", "error", "words"),
    [
        ("503", ServiceFaultError, "HTTP 503, 3 attempts"),
        ("html", ServiceFaultError, "a web page in place of data"),
        ("cut", ServiceFaultError, "the connection was cut"),
        ("hang", ServiceError, "no answer in time"),
    ],
)
def test_a_lasting_fault_ends_in_one_sentence(emulator, kind, error, words):
    emulator.faults.add(TABLE, kind, times=99)
    with pytest.raises(error) as raised:
        ask(emulator)
    assert words in str(raised.value)
    assert len(emulator.requests) == QUICK.attempts


def test_a_refusal_is_not_asked_again(emulator):
    emulator.faults.add(TABLE, "404", times=99)
    with pytest.raises(RefusedError, match="HTTP 404"):
        ask(emulator)
    assert len(emulator.requests) == 1


def test_no_server_at_all_is_unreachable():
    with (
        Transport("JSOC", patience=QUICK) as transport,
        pytest.raises(ServiceError, match="JSOC cannot be reached"),
    ):
        transport.get("http://127.0.0.1:9/", read=text_of)


def test_the_servers_wish_to_wait_is_heeded_up_to_a_bound(emulator):
    emulator.faults.add(TABLE, "429", times=1, retry_after=1)
    patience = replace(QUICK, longest_wait_s=0.4)
    begun = time.monotonic()
    with Transport("The table", patience=patience) as transport:
        transport.get(f"{emulator.url}/{TABLE}", read=text_of)
    assert time.monotonic() - begun >= 0.4


def test_where_an_hour_s_requests_are_used_up_it_ends_at_once(emulator):
    emulator.faults.add(TABLE, "429", times=99, retry_after=1800)
    with pytest.raises(LimitError, match="wants 30 min without one"):
        ask(emulator)
    assert len(emulator.requests) == 1


def test_what_is_secret_is_sent_and_never_shown(emulator):
    url = f"{emulator.url.replace('//', '//me:word@')}/{TABLE}"
    secret = {"api_key": "secret/ä"}
    with Transport("The table", patience=QUICK) as transport:
        reply = transport.get(url, {"a": "b"}, secret=secret, read=lambda reply: reply)
        assert reply.url == f"{emulator.url}/{TABLE}?a=b"
        assert emulator.requests[-1].args == {"a": "b"} | secret
        for kind in ("404", "500", "429"):
            emulator.faults.add(TABLE, kind, times=3)
            with pytest.raises(ServiceError) as raised:
                transport.get(url, {"a": "b"}, secret=secret, read=text_of)
            assert not any(word in str(raised.value) for word in ("secret", "word", "%C3"))


@pytest.mark.parametrize(
    ("environment", "hosts"),
    [
        ({}, ("DONKI",)),
        ({"HNN_NASA_API_KEY": "k"}, ("DONKI", "NASA")),
        ({"HNN_NASA_URL": "https://api.nasa.gov/DONKI/?api_key=k"}, ("DONKI", "NASA")),
        ({"HNN_DONKI_URL": "https://api.nasa.gov/DONKI", "HNN_NASA_API_KEY": "k"}, ("DONKI",)),
        # A stand-in is not helped out by the real one.
        ({"HNN_DONKI_URL": "http://127.0.0.1:9/", "HNN_NASA_API_KEY": "k"}, ("DONKI",)),
    ],
)
def test_the_hosts_of_donki(monkeypatch, environment, hosts):
    monkeypatch.delenv("HNN_NASA_API_KEY", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert endpoints.donki_hosts() == hosts
    keys = [endpoints.own_query(host).get("api_key") for host in hosts]
    assert keys[-1] == ("k" if environment and "127" not in str(environment) else None)
    assert "k" not in map(endpoints.service_url, hosts)
    assert endpoints.live_home().name == (
        "live-127.0.0.1-9" if "127" in str(environment) else "live"
    )


def test_a_password_in_an_address_names_no_folder(monkeypatch):
    monkeypatch.setenv("HNN_JSOC_URL", "http://me:word@127.0.0.1:8890/")
    assert endpoints.live_home().name == "live-127.0.0.1-8890"
    assert endpoints.shown_address(endpoints.service_url("JSOC")) == "http://127.0.0.1:8890/"
    monkeypatch.setenv("HNN_JSOC_URL", "http://127.0.0.1:8890/?key=k")
    with pytest.raises(RequestError, match="HNN_JSOC_URL has a query"):
        endpoints.service_url("JSOC")
    monkeypatch.setenv("HNN_DONKI_URL", "me:word@api.nasa.gov/DONKI/?api_key=key")
    with pytest.raises(RequestError, match=r"HNN_DONKI_URL is 'api\.nasa\.gov/DONKI/', which"):
        endpoints.service_url("DONKI")


def test_a_body_longer_or_shorter_than_its_length_is_not_taken(emulator):
    emulator.faults.add(TABLE, "wrong_length", times=1, by=1000)
    assert "377 11158" in ask(emulator)
    assert len(emulator.requests) == 2


def test_a_download_is_whole(emulator, tmp_path: Path):
    part = tmp_path / "table.part"
    emulator.faults.add(TABLE, "cut", times=1)
    with Transport("The table", patience=QUICK) as transport:
        transport.download(f"{emulator.url}/{TABLE}", part)
        whole = transport.get(f"{emulator.url}/{TABLE}", read=text_of)
    assert part.read_text() == whole


def test_a_crawling_transfer_is_given_up(emulator, tmp_path: Path):
    emulator.faults.add(TABLE, "slow", times=99, bytes_per_s=50)
    patience = Patience(timeout_s=0.4, attempts=2, first_wait_s=0.01)
    with (
        Transport("The table", patience=patience) as transport,
        pytest.raises(ServiceFaultError, match="bytes came in"),
    ):
        transport.download(f"{emulator.url}/{TABLE}", tmp_path / "part")


def test_requests_keep_their_distance_on_one_connection(emulator):
    before = emulator.connections.total
    patience = replace(QUICK, pause_s=0.1)
    with Transport("The table", paced=True, patience=patience) as transport:
        begun = time.monotonic()
        for _ in range(4):
            transport.get(f"{emulator.url}/{TABLE}", read=text_of)
        assert time.monotonic() - begun >= 0.3
    assert emulator.connections.total - before == 1


@pytest.mark.parametrize("content", [b"", b"  \n", b"null"])
def test_nothing_is_none_where_it_may_be_and_a_fault_elsewhere(content):
    reply = Reply("http://host/", content, fetched=None)
    assert read_json_or_nothing(reply) is None
    with pytest.raises(TransientReplyError):
        read_json(reply)


def test_blanks_before_an_answer_are_no_empty_answer():
    assert read_json(Reply("http://host/", b" " * 600 + b"[1]", fetched=None)) == [1]


@pytest.mark.parametrize("content", [b"<!DOCTYPE html><p>down", b" <html>", b"{half"])
def test_what_is_not_json_is_a_passing_fault(content):
    with pytest.raises(TransientReplyError):
        read_json(Reply("http://host/", content, fetched=None))


def test_data_of_another_server_have_a_folder_of_their_own(monkeypatch, hnn_home):
    assert endpoints.elsewhere() == ""
    assert endpoints.live_home() == hnn_home / "live"
    monkeypatch.setenv("HNN_JSOC_URL", "http://127.0.0.1:8890")
    assert endpoints.service_url("JSOC") == "http://127.0.0.1:8890/"
    assert endpoints.live_home() == hnn_home / "live-127.0.0.1-8890"


@pytest.mark.parametrize("address", ["file:///etc/passwd", "jsoc.stanford.edu", "http://"])
def test_what_is_no_address_is_told(monkeypatch, address):
    monkeypatch.setenv("HNN_DONKI_URL", address)
    with pytest.raises(RequestError, match="HNN_DONKI_URL"):
        endpoints.service_url("DONKI")


@pytest.mark.parametrize("text", ["soon", "-1", "0", "nan", "1e9"])
def test_patience_is_a_positive_number(monkeypatch, text):
    monkeypatch.setenv("HNN_TIMEOUT_S", text)
    with pytest.raises(RequestError, match="HNN_TIMEOUT_S"):
        Patience.from_environment()

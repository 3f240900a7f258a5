"""Who may write: a table of where the server listens and how the page was opened."""

import pytest
from streamlit.testing.v1 import AppTest

from pages._shared.access import reason_against

HERE = {"Host": "localhost:8501"}


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("localhost", {"Host": "localhost:8501"}),
        ("localhost", {"host": "LOCALHOST"}),
        ("127.0.0.1", {"Host": "127.0.0.1:8501"}),
        ("127.0.0.1", {"Host": "localhost:8501"}),
        ("::1", {"Host": "[::1]:8501"}),
        ("127.0.0.2", {"Host": "127.0.0.2"}),
        ("localhost", {**HERE, "Origin": "http://localhost:8501"}),
        ("localhost", {"Host": "[::1]", "Origin": "http://[::1]:8501"}),
    ],
)
def test_the_operator_at_the_machine_may_write(address, headers):
    assert reason_against(None, address, headers) == ""


@pytest.mark.parametrize(
    ("address", "headers", "why"),
    [
        (None, HERE, "listens to other machines"),
        ("", HERE, "listens to other machines"),
        ("0.0.0.0", HERE, "listens to other machines"),
        ("::", HERE, "listens to other machines"),
        ("192.168.1.5", HERE, "listens to other machines"),
        ("unix:///run/hnn.sock", HERE, "listens to other machines"),
        ("localhost", {}, "a page without a name"),
        ("localhost", {"Host": "sun.example.org"}, "opened as sun.example.org"),
        # A name that begins or ends like ours, as in a rebinding attack.
        ("localhost", {"Host": "localhost.example.org:8501"}, "opened as localhost.example.org"),
        ("localhost", {"Host": "127.0.0.1.example.org"}, "opened as 127.0.0.1.example.org"),
        ("localhost", {"Host": "[::1].example.org"}, "opened as [::1].example.org"),
        # A proxy that gives our own name as Host.
        ("localhost", {**HERE, "Origin": "https://sun.example.org"}, "opened as sun.example.org"),
        ("localhost", {**HERE, "Origin": "null"}, "opened as null"),
        ("localhost", {**HERE, "X-Forwarded-For": "10.0.0.7"}, "through a proxy"),
        ("localhost", {**HERE, "x-forwarded-host": "sun.example.org"}, "through a proxy"),
        ("localhost", {**HERE, "Forwarded": "for=10.0.0.7"}, "through a proxy"),
        ("localhost", {**HERE, "X-Real-IP": "10.0.0.7"}, "through a proxy"),
        ("localhost", {**HERE, "Via": "1.1 nginx"}, "through a proxy"),
    ],
)
def test_others_may_not_unless_the_operator_says_so(address, headers, why):
    reason = reason_against(None, address, headers)
    assert why in reason
    assert "HNN_ALLOW_WRITES=1" in reason
    assert reason_against("1", address, headers) == ""


@pytest.mark.parametrize("allow", ["", "0", "no", "true", " 1"])
def test_only_a_one_allows(allow):
    assert reason_against(allow, None, HERE) != ""


def _session() -> None:
    import streamlit as st

    from hnn_core.exceptions import RequestError
    from pages._shared.access import require_writes

    try:
        require_writes()
    except RequestError as error:
        st.error(str(error))
    else:
        st.success("allowed")


def test_a_session_is_judged_by_its_own_environment(monkeypatch):
    monkeypatch.delenv("HNN_ALLOW_WRITES", raising=False)
    # A test's session has no browser and so no Host.
    assert "HNN_ALLOW_WRITES=1" in AppTest.from_function(_session).run().error[0].value
    monkeypatch.setenv("HNN_ALLOW_WRITES", "1")
    assert AppTest.from_function(_session).run().success[0].value == "allowed"

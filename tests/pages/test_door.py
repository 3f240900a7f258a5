"""The door over real sockets: who gets in, who gets the right, and that a run stays on the disk."""

import http.client
import json
import re
import subprocess
import sys
import time
from secrets import token_hex
from urllib.parse import urlsplit

import pytest
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value
from websockets.exceptions import InvalidStatus

from hnn_core.training.config import TrainConfig
from hnn_core.training.run_folder import create_run
from pages._shared.messages import plain
from tests.conftest import ROOT
from tests.support.protocol import between, visit
from tests.support.serving import serve

pytestmark = pytest.mark.slow
TOKEN = "Door-token_" + "0123456789" * 3
SECRET = "signs-what-people-are-called-here"
REASON = "Only those who opened the link with the server's token"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A port where the app listens, and the folder it writes to."""
    home = tmp_path_factory.mktemp("door_home")
    log = home / "server.log"
    settings = {
        "HNN_ALLOW_WRITES": "",
        "HNN_TOKEN": TOKEN,
        "HNN_OPERATORS": "ada@example.org",
        "STREAMLIT_SERVER_COOKIE_SECRET": SECRET,
    }
    with serve(home, log, **settings) as (address, _):
        yield urlsplit(address).port, home
    assert "Traceback" not in log.read_text()
    assert TOKEN not in log.read_text()


@pytest.fixture
def port(server):
    return server[0]


@pytest.fixture
def run(server, monkeypatch):
    """A run that only who has the right may delete."""
    monkeypatch.setenv("HNN_HOME", str(server[1]))
    made = create_run("train", TrainConfig(dataset="drawn", epochs=2), f"run-{token_hex(8)}")
    made.write_status("stopped")
    return made


def request(port, method="GET", path="/", body=None, **headers):
    """Answer of the server to one request, under the name that a browser gives it."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    named = {"Host": f"127.0.0.1:{port}"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    connection.request(method, path, body, headers=named)
    answer = connection.getresponse()
    answer.words = answer.read().decode(errors="replace")
    connection.close()
    return answer


def try_to_delete(run, port, **how):
    """Press the buttons that delete a run, whether or not they are on; return what was read."""
    with visit(port, **how) as session:
        session.open(f"run={run.name}", "training")
        read = list(session.texts)
        assert "run_delete" in session.buttons
        session.press("run_delete")
        read += session.texts
        assert f"## {plain(run.name)}" in session.texts  # the press came to the page of the run
        if "run_delete_sure" in session.buttons:
            session.press("run_delete_sure")
            read += session.texts
    return "\n".join(read)


def cookie(port, token=TOKEN):
    return {f"hnn_token_{port}": token}


def test_who_has_the_token_deletes_the_run(run, port):
    assert REASON not in try_to_delete(run, port, cookies=cookie(port))
    assert not run.path.exists()


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"cookies": {"hnn_token_{port}": "x" * 41}},
        {"cookies": {"hnn_token_{port}": TOKEN[:-1]}},
        {"cookies": {"hnn_token_{port}": '"'}},
        {"cookies": {"hnn_token_8501": TOKEN, "token": TOKEN}},
        {"X_Forwarded_For": "127.0.0.1", "X_Forwarded_Host": "localhost", "X_Real_IP": "127.0.0.1"},
        {"Forwarded": "for=127.0.0.1;host=localhost", "Via": "1.1 localhost"},
        {"Authorization": f"token {TOKEN}", "X_HNN_Token": TOKEN},
        {"X_Forwarded_User": "operator", "Remote_User": "operator"},
    ],
)
def test_a_script_without_it_deletes_nothing_whatever_it_says_of_itself(run, port, how):
    cookies = {name.format(port=port): text for name, text in how.get("cookies", {}).items()}
    assert REASON in try_to_delete(run, port, **{**how, "cookies": cookies})
    assert run.path.is_dir()


@pytest.mark.parametrize(
    ("email", "secret", "gone"),
    [
        ("Ada@example.org", SECRET, True),
        ("eve@example.org", SECRET, False),
        ("ada@example.org", "a secret of somebody else", False),
    ],
)
def test_who_is_signed_in_and_named_may_delete_it(run, port, email, secret, gone):
    cookies = request(port, path="/_stcore/health").headers.get_all("Set-Cookie")
    xsrf = next(one for one in cookies if one.startswith("_streamlit_xsrf")).split(";")[0]
    name, _, token = xsrf.partition("=")
    token = token.strip('"')
    user = {"origin": f"http://127.0.0.1:{port}", "is_logged_in": True, "email": email}
    signed = create_signed_value(secret, "_streamlit_user", json.dumps(user)).decode()
    how = {"protocols": ("streamlit", token), "cookies": {name: token, "_streamlit_user": signed}}
    words = try_to_delete(run, port, **how)
    assert run.path.exists() is not gone
    assert ("not named you" in words) is (email == "eve@example.org")


def test_nor_through_a_plain_forward_with_a_forged_name(run, port):
    with between(port, proxy=False) as there:
        for host in (f"localhost:{port}", f"127.0.0.1:{there}", "localhost"):
            assert REASON in try_to_delete(run, there, host=host)
    assert run.path.is_dir()


def test_nor_through_a_proxy_that_writes_its_target_as_host(run, port):
    with between(port, proxy=True) as there:
        with pytest.raises(InvalidStatus, match="403"), visit(there):
            pass  # a browser there: its origin is the proxy's
        assert REASON in try_to_delete(run, there, origin=f"http://127.0.0.1:{port}")
    assert run.path.is_dir()


def test_a_link_through_a_forward_has_the_right_and_a_cookie_of_its_own(run, port):
    with between(port, proxy=False) as there:
        answer = request(there, path=f"/training?token={TOKEN}&run=a%26b")
        assert answer.headers["Set-Cookie"].startswith(f"hnn_token_{there}={TOKEN};")
        assert answer.headers["Location"] == "/training?run=a%26b"
        assert REASON not in try_to_delete(run, there, cookies=cookie(there))
    assert not run.path.exists()


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "",
        "http://127.0.0.1",
        "http://127.0.0.1:{other}",
        "http://localhost:{port}",
        "http://127.0.0.1:{port}.example.org",
        "https://sun.example.org",
        "file://127.0.0.1:{port}",
        "http://[",
        "http://127.0.0.1:{port}]",
    ],
)
def test_other_origins_and_none_do_not_connect_even_with_the_token(port, origin):
    origin = origin and origin.format(port=port, other=port + 1)
    with (
        pytest.raises(InvalidStatus, match="403"),
        visit(port, origin=origin, cookies=cookie(port)),
    ):
        pass


@pytest.mark.parametrize("host", ["sun.example.org", "localhost.example.org:8501", "[::2]:80"])
def test_names_that_the_operator_did_not_allow_are_refused(port, host):
    with pytest.raises(InvalidStatus, match="403"), visit(port, host=host, cookies=cookie(port)):
        pass
    answer = request(port, path=f"/?token={TOKEN}", Host=host)
    assert answer.status == 403
    assert "server.allowedHosts" in answer.words
    assert answer.headers["Set-Cookie"] is None


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("/?token={}", "/"),
        ("/?source=sim&token={}&region=SIM+1", "/?source=sim&region=SIM+1"),
        ("/data?token=wrong&token={}", "/data"),
        ("/data?%74oke%6E={}&a=b", "/data?a=b"),
        ("//sun.example.org/?token={}", "/sun.example.org/"),
        ("/%5Csun.example.org?token={}", "/sun.example.org"),
        ("/%0d%0aSet-Cookie:a?token={}", "/%0D%0ASet-Cookie%3Aa"),
    ],
)
@pytest.mark.parametrize("token", [TOKEN, TOKEN.lower(), ""])
def test_the_token_leaves_the_address_and_only_the_right_one_makes_a_cookie(
    port, path, there, token
):
    answer = request(port, path=path.format(token))
    assert answer.status == 303
    assert answer.headers["Location"] == there
    assert answer.headers["Cache-Control"] == "no-store"
    made = answer.headers["Set-Cookie"]
    if token != TOKEN or "wrong" in path:
        assert made is None
    else:
        words = re.split("; ?", made.lower())
        assert made.startswith(f"hnn_token_{port}={TOKEN};")
        assert {"httponly", "samesite=strict", "path=/"} <= set(words)
        assert "secure" not in words


def test_behind_a_proxy_with_tls_the_cookie_goes_there_only(port):
    made = request(port, path=f"/?token={TOKEN}", X_Forwarded_Proto="https").headers["Set-Cookie"]
    assert "secure" in made.lower()


@pytest.mark.parametrize("path", ["/", "/training", "/_stcore/health", "/favicon.png"])
def test_every_answer_holds_the_browser_to_this_site(port, path):
    headers = request(port, path=path, Origin=f"http://127.0.0.1:{port + 1}").headers
    assert headers["Access-Control-Allow-Origin"] is None
    assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "SAMEORIGIN"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("PUT", {}),
        ("DELETE", {}),
        ("POST", {"Origin": "https://sun.example.org"}),
        ("PUT", {"Origin": "http://127.0.0.1:1"}),
        ("PUT", {"Origin": "http://["}),
        ("PUT", {"Origin": "own", "Content_Length": "1000000001"}),
        ("PUT", {"Origin": "own", "Transfer_Encoding": "chunked"}),
        ("PUT", {"Origin": "own", "Content_Length": "-1"}),
    ],
)
def test_uploads_of_others_or_without_bound_are_refused_before_they_are_read(port, method, headers):
    if headers.get("Origin") == "own":
        headers = {**headers, "Origin": f"http://127.0.0.1:{port}"}
    answer = request(port, method, "/_stcore/upload_file/session/file", **headers)
    assert answer.status in (400, 403)
    assert "Invalid session_id" not in answer.words


@pytest.mark.parametrize(
    ("address", "variables", "why"),
    [
        ("0.0.0.0", {"HNN_ALLOW_WRITES": "1"}, "listens to other machines"),
        ("localhost", {"HNN_ALLOW_WRITES": "yes"}, "HNN_ALLOW_WRITES is 'yes'"),
        ("localhost", {"HNN_TOKEN": "guess-me"}, "HNN_TOKEN is too short"),
    ],
)
def test_a_start_that_is_not_safe_is_refused_in_a_sentence(address, variables, why, monkeypatch):
    monkeypatch.delenv("HNN_ALLOW_WRITES")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", "0"]
    command += ["--server.headless", "true", "--server.address", address]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 2
    assert done.stderr.startswith("HNN Explorer does not start: ")
    assert why in done.stderr
    assert done.stderr.count("\n") == 1
    assert "guess-me" not in done.stderr


def test_without_a_token_given_one_is_drawn_and_its_link_printed(tmp_path, monkeypatch):
    log = tmp_path / "log"
    with serve(tmp_path, log, HNN_ALLOW_WRITES="") as (address, _):
        link = re.search(rf"{address}/\?token=([\w-]{{32,}})\n", log.read_text())
        port = urlsplit(address).port
        answer = request(port, path=f"/?token={link[1]}")
    assert answer.headers["Set-Cookie"].startswith(f"hnn_token_{port}={link[1]};")


def test_the_link_that_a_start_opens_serves_once(tmp_path):
    """All users of a machine see what a browser is started with."""
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}.part\nmv {opened}.part {opened}\n')
    browser.chmod(0o755)
    settings = {"HNN_ALLOW_WRITES": "", "HNN_TOKEN": TOKEN, "BROWSER": f"{browser} %s"}
    with serve(tmp_path, tmp_path / "log", headless=False, **settings) as (address, _):
        port = urlsplit(address).port
        deadline = time.monotonic() + 300
        while not opened.exists():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        link = opened.read_text().strip()
        assert TOKEN not in link
        assert link.startswith(f"{address}/?token=")
        path = link.removeprefix(address)
        wrong, first, second = (request(port, path=one) for one in (f"{path}a", path, path))
    assert wrong.headers["Set-Cookie"] is None
    assert first.headers["Set-Cookie"].startswith(f"hnn_token_{port}={TOKEN};")
    assert second.headers["Set-Cookie"] is None
    assert {answer.headers["Location"] for answer in (wrong, first, second)} == {"/"}

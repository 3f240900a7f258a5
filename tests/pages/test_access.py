"""Who may write: a table of settings, cookies and sign-ins; what others may open."""

import ast
import os
import threading

import pytest
from streamlit.testing.v1 import AppTest

from hnn_core.exceptions import RequestError, UnknownSourceError
from pages._shared import access, background
from pages._shared.right import cookie_name, reason_against, start_fault
from tests.conftest import ROOT

TOKEN = "a-Z_0" * 8
OTHER = "b" * 40
EVERYWHERE = [None, "", "0.0.0.0", "::", "192.168.1.5", "sun.example.org"]
HERE = ["localhost", "LOCALHOST", "127.0.0.1", "127.0.0.2", "::1"]


@pytest.mark.parametrize("address", [*HERE, *EVERYWHERE])
def test_the_token_gives_the_right_wherever_the_server_listens(address):
    assert reason_against({"HNN_TOKEN": TOKEN}, address, TOKEN, {}) == ""


@pytest.mark.parametrize("address", [*HERE, *EVERYWHERE])
@pytest.mark.parametrize("cookie", [None, "", OTHER, TOKEN[:-1], TOKEN + "a", TOKEN.lower(), "é"])
def test_without_it_there_is_none_even_at_the_machine(address, cookie):
    assert "server's token" in reason_against({"HNN_TOKEN": TOKEN}, address, cookie, {})


@pytest.mark.parametrize("environment", [{}, {"HNN_TOKEN": ""}])
@pytest.mark.parametrize("cookie", [None, "", OTHER])
def test_a_server_without_a_token_trusts_nobody(environment, cookie):
    assert reason_against(environment, "localhost", cookie, {}) != ""


def test_the_option_allows_everyone_only_where_the_server_listens_to_its_machine():
    for address in HERE:
        assert reason_against({"HNN_ALLOW_WRITES": "1"}, address, None, {}) == ""
        assert start_fault({"HNN_ALLOW_WRITES": "1"}, address) == ""
    for address in EVERYWHERE:
        assert reason_against({"HNN_ALLOW_WRITES": "1"}, address, None, {}) != ""
        fault = start_fault({"HNN_ALLOW_WRITES": "1"}, address)
        assert "listens to other machines" in fault
        assert fault.count("\n") == 0


@pytest.mark.parametrize("allow", ["no", "true", " 1", "11"])
def test_only_a_one_allows_and_another_word_stops_the_start(allow):
    assert reason_against({"HNN_ALLOW_WRITES": allow}, "localhost", None, {}) != ""
    assert repr(allow) in start_fault({"HNN_ALLOW_WRITES": allow}, "localhost")


@pytest.mark.parametrize(
    "token", ["", "secret", "a" * 31, "a" * 31 + " ", "a" * 40 + "\n", "é" * 40]
)
def test_a_token_that_can_be_guessed_or_breaks_a_link_stops_the_start(token):
    assert "HNN_TOKEN" in start_fault({"HNN_TOKEN": token}, "localhost")
    assert token.strip() == "" or token not in start_fault({"HNN_TOKEN": token}, "localhost")


@pytest.mark.parametrize(
    ("user", "may"),
    [
        ({"is_logged_in": True, "email": "Ada@example.org"}, True),
        ({"is_logged_in": True, "email": "bo@example.org", "email_verified": True}, True),
        ({"is_logged_in": True, "email": "bo@example.org", "email_verified": False}, False),
        ({"is_logged_in": True, "email": "eve@example.org"}, False),
        ({"is_logged_in": True, "email": ""}, False),
        ({"is_logged_in": True}, False),
        ({"is_logged_in": False, "email": "ada@example.org"}, False),
        ({"email": "ada@example.org"}, False),  # from a header that a proxy hands on
    ],
)
def test_who_is_signed_in_may_write_if_the_operator_named_them(user, may):
    environment = {"HNN_TOKEN": TOKEN, "HNN_OPERATORS": "ada@example.org, bo@example.org"}
    assert (reason_against(environment, None, None, user) == "") is may
    assert reason_against({"HNN_TOKEN": TOKEN}, None, None, user) != ""


def test_two_servers_of_one_host_keep_their_own_cookies():
    hosts = ["localhost:8501", "localhost:8502", "localhost", "[::1]:9000"]
    names = [cookie_name(host) for host in hosts]
    assert names == ["hnn_token_8501", "hnn_token_8502", "hnn_token_", "hnn_token_9000"]
    assert cookie_name("localhost:port") == "hnn_token_"


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
    monkeypatch.delenv("HNN_ALLOW_WRITES")
    # A test's session has no browser and so no cookie.
    assert "server's token" in AppTest.from_function(_session).run().error[0].value
    monkeypatch.setenv("HNN_ALLOW_WRITES", "1")
    assert AppTest.from_function(_session).run().success[0].value == "allowed"


@pytest.fixture
def visitor(monkeypatch):
    monkeypatch.delenv("HNN_ALLOW_WRITES")


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Two named folders, one of them by a link; next to them what nobody named."""
    for name in ("one/below", "real", "outside/secret"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "two").symlink_to(tmp_path / "real")
    (tmp_path / "one" / "out").symlink_to(tmp_path / "outside")
    (tmp_path / "one" / "within").symlink_to(tmp_path / "one" / "below")
    named = os.pathsep.join([f"{tmp_path}/one/", f"{tmp_path}/two", ""])
    monkeypatch.setenv("HNN_FITS_DIR", named)
    monkeypatch.chdir(tmp_path / "one")
    return tmp_path


@pytest.mark.parametrize("path", ["one", "one/", "one/below", "two", "one/../two", "one/within"])
def test_a_visitor_opens_what_the_operator_named(visitor, folders, path):
    for spec in (f"fits:{folders}/{path}", f" fits: {folders}/{path} "):
        assert access.require_folder(spec) is None  # it would raise


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/proc",
        "/etc/passwd",
        "{}",
        "{}/outside",
        "{}/oneself",
        "{}/one/..",
        "{}/one/../outside",
        "{}/one/out",
        "{}/one/out/secret",
        "{}/one/within/../../outside",
        "{}/one/out/../outside",
        "{}/real",
        "..",
        "out",
        "~",
        "~root",
        "~/one",
        "~nobody-of-this-name",
        "{}/one/\0/../../outside",
        "{}/" + "a" * 5000,
    ],
)
def test_and_nothing_else_with_a_sentence_that_tells_nothing_of_it(visitor, folders, path):
    with pytest.raises(RequestError) as caught:
        access.require_folder(f"fits:{path.format(folders)}")
    assert str(caught.value).startswith("This folder cannot be opened from here: only ")
    assert "outside" not in str(caught.value)


def test_where_no_folder_is_named_none_is_opened(visitor, monkeypatch, tmp_path):
    for named in ("", os.pathsep):
        monkeypatch.setenv("HNN_FITS_DIR", named)
        with pytest.raises(RequestError, match="the operator named none"):
            access.require_folder(f"fits:{tmp_path}")


def test_the_operator_opens_any_folder(folders):
    assert access.require_folder("fits:/") is None


@pytest.mark.parametrize(
    "spec", ["sim:1:2001", "sim:1:90000", "sim: 1 : 90000", "sim::99999999999", "sim:0:002001"]
)
def test_a_page_refuses_populations_that_stop_the_others(spec):
    with pytest.raises(UnknownSourceError, match="at most 2,000"):
        access.require_few(spec)


@pytest.mark.parametrize("spec", ["sim:", "sim:1", "sim:1:2000", "sim::0002000", "fits:9:90000"])
def test_and_shows_the_others(spec):
    assert access.require_few(spec) is None


ACTS = {
    "adopt_model",
    "again",
    "begin",
    "create_run",
    "delete",
    "delete_set",
    "remove",
    "request_stop",
    "resume",
    "save_set",
    "start_data_job",
    "stop",
}
"""What writes, starts, stops or removes for all; `stop` and `delete` are of jobs and runs."""
GUARDS = {"perform", "perform_first"}
PAGES = sorted((ROOT / "pages").rglob("*.py"))


def _name(node):
    return getattr(node, "id", None) or getattr(node, "attr", None)


def unguarded(source):
    """Acts, and functions that call them, used otherwise than as arguments of a guard.

    A function that calls an act counts as one itself, and so does the table of a run's buttons,
    whose acts go to `perform` one by one.
    """
    nodes = list(ast.walk(ast.parse(source)))
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef)]
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    brought = {alias.name for node in imports for alias in node.names}
    own = ACTS & (brought | {"stop", "request_stop"})  # these two as those of the module jobs
    calling = [node for node in functions if _calls(node, own)]
    acts = own | {node.name for node in calling}
    guarded = [node for node in nodes if isinstance(node, ast.AnnAssign) and _is_table(node)]
    for node in nodes:
        if isinstance(node, ast.Call):
            pressed = [one.value for one in node.keywords if one.arg == "on_click"]
            if _name(node.func) in GUARDS:
                guarded += node.args
            elif pressed and _name(pressed[0]) in GUARDS:
                guarded += [one.value for one in node.keywords]
    inside = {id(one) for node in [*guarded, *calling] for one in ast.walk(node)}
    return {
        _name(node)
        for node in nodes
        if isinstance(node, ast.Name | ast.Attribute)
        and (_name(node) in acts and not _is_of_page(node))
        and isinstance(node.ctx, ast.Load)
        and id(node) not in inside
    }


def _calls(function, acts):
    called = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
    return any(_name(one) in acts and not _is_of_page(one) for one in called)


def _is_table(node):
    return _name(node.target) == "_BUTTONS"


def _is_of_page(node):
    """``st.stop`` ends a run of a page, nothing else."""
    return isinstance(node, ast.Attribute) and _name(node.value) == "st"


def test_the_scan_sees_an_act_without_a_guard():
    known = "from hnn_core.x import delete, delete_set, start_data_job\n"
    go = f"{known}def _go():\n    delete(run)\n"
    assert unguarded(f"{go}def show():\n    if st.button('x'):\n        _go()")
    assert unguarded(f"{known}st.button('x', on_click=delete_set, args=(name,))")
    assert unguarded("st.button('x', on_click=lambda: jobs.stop(run, 0))")
    assert not unguarded(f"{go}guarded_button('x', on_click=perform_first, args=(_go,))")
    assert not unguarded(f"{known}perform(start_data_job, kind)\nst.stop()")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_act_of_a_page_goes_through_a_guard(path):
    assert unguarded(path.read_text(encoding="utf-8")) == set()


@pytest.fixture
def work(monkeypatch):
    """What the pages work at, for whom, and a kind of work that ends when the test does."""
    tasks, _ = background._store()
    tasks.clear()
    who, end = ["ada"], threading.Event()
    monkeypatch.setattr(background, "_session", lambda: who[0])

    def begin(name, by, **more):
        who[0] = by
        background.start(name, f"Work {name}", "steps", lambda **_: end.wait(60), **more)
        return name in tasks

    def stop(name, by):
        who[0] = by
        background._stop(tasks[name])
        return tasks[name].cancel.is_set()

    yield begin, stop
    end.set()
    tasks.clear()


def test_a_visitor_has_one_piece_of_work_and_cancels_no_other(visitor, work):
    begin, stop = work
    assert begin("a", "ada")
    assert not begin("b", "ada")
    assert begin("b", "eve", windows=400)
    assert not begin("c", "bo", windows=401)
    assert not stop("a", "eve")
    assert not stop("a", "")
    assert stop("a", "ada")


def test_sessions_of_visitors_together_have_a_few(visitor, work, monkeypatch):
    """Who opens many sessions fills no queue, and takes the operator no place in it."""
    begin, stop = work
    names = [f"visitor {number}" for number in range(9)]
    assert [begin(name, name) for name in names] == [True] * 6 + [False] * 3
    assert stop(names[5], names[5])  # the first has begun and ends later
    assert begin("again", names[8])
    monkeypatch.setenv("HNN_ALLOW_WRITES", "1")
    assert begin("operator", "ada")


def test_who_may_write_has_more_and_cancels_any(work):
    begin, stop = work
    assert begin("a", "ada")
    assert begin("b", "ada", windows=100_000)
    assert stop("a", "eve")


def test_a_result_is_not_dropped_while_it_is_made(work):
    begin, _ = work
    assert begin("a", "ada")
    background.discard("a")
    assert "a" in background._store()[0]


def test_a_visitor_drops_no_result_of_another(visitor, monkeypatch):
    tasks, _ = background._store()
    tasks.clear()
    who = ["ada"]
    monkeypatch.setattr(background, "_session", lambda: who[0])
    background.start("a", "Work a", "steps", lambda **_: "made")
    assert tasks["a"].future.result(60) == "made"
    who[0] = "eve"
    assert "server's token" in background.discard_refused("a")
    background.discard("a")
    assert "a" in tasks
    who[0] = "ada"
    assert background.discard_refused("a") == ""
    background.discard("a")
    assert "a" not in tasks
    assert background.discard_refused("a") == ""

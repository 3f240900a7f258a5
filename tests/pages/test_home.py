"""Pages of a program that can keep nothing: they say so once, and show everything else."""

import errno
import os

import pytest
import streamlit as st

from hnn_core.network.predictor import Predictor
from tests.support.app import run_app

PAGES = [
    ("", {"source": "upload"}, ""),
    ("", {"source": "jsoc"}, ""),
    pytest.param("case_studies", {}, "set_save", marks=pytest.mark.slow),
    ("skill", {}, ""),
    ("training", {"view": "new"}, ""),
    ("training", {"view": "watch"}, ""),
    ("data", {"show": "here"}, ""),
    ("data", {"show": "fetch"}, "fetch_now"),
    ("data", {"show": "catalogue"}, "catalogue_fetch"),
    ("data", {"show": "sets"}, "build_plan"),
    ("data", {"show": "origin"}, ""),
]


@pytest.fixture
def no_home(tmp_path, monkeypatch, named_pages):
    (tmp_path / "file").write_text("of somebody else")
    monkeypatch.setenv("HNN_HOME", str(tmp_path / "file" / "hnn"))
    monkeypatch.setenv("HNN_ALLOW_WRITES", "1")  # so that nothing else turns a button off


@pytest.mark.parametrize(("page", "query", "button"), PAGES)
def test_each_page_says_once_that_nothing_can_be_kept(no_home, page, query, button):
    app = run_app(page, **query)
    assert not app.exception
    assert not app.error
    words = [one.value for one in app.warning if "Nothing can be kept" in one.value]
    assert len(words) == 1
    assert "HNN_HOME" in words[0]
    if button:
        assert app.button(key=button).disabled
    if page == "":
        assert "cannot be kept now" in app.info[0].value


@pytest.mark.slow
def test_explore_shows_the_answer_all_the_same(no_home):
    app = run_app(source="sim", region="SIM 1")
    assert not app.exception
    assert not app.error
    assert "Nothing can be kept" in app.warning[0].value
    assert any("would be" in one.value for one in app.markdown)


def test_nothing_is_noted_where_all_is_well(named_pages):
    app = run_app("data", show="origin")
    assert not [one for one in app.warning if "kept" in one.value]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "There is not enough memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "There is not enough memory"),
        (OSError(errno.EMFILE, os.strerror(errno.EMFILE), "/x"), "Too many files are open"),
    ],
    ids=["memory", "torch", "files"],
)
def test_a_fault_of_the_machine_is_a_sentence_and_the_session_lives(
    named_pages, monkeypatch, error, words
):
    def refuse(*_, **__):
        raise error

    st.cache_data.clear()
    with monkeypatch.context() as patch:
        patch.setattr(Predictor, "predict", refuse)
        app = run_app(source="sim", region="SIM 2")
        assert not app.exception
        assert any(words in one.value for one in app.error)
        assert not any("should not" in one.value for one in app.error)
    app.run()
    assert not app.error
    assert any("would be" in one.value for one in app.markdown)

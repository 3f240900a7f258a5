"""Help: its topics, a glossary with sources, a citation that agrees with CITATION.cff."""

import re

import pytest

from hnn_core import __version__
from pages._shared.addresses import PAGES
from tests.conftest import ROOT
from tests.support.app import run_app

HELP = ROOT / "assets" / "help"


@pytest.mark.parametrize(
    ("topic", "title"),
    [("use", "How to use"), ("glossary", "Glossary"), ("cite", "Cite"), ("about", __version__)],
)
def test_each_topic_has_a_link(named_pages, topic, title):
    app = run_app("help", topic=topic)
    assert not app.exception
    assert title in app.main.markdown[0].value
    assert app.query_params["topic"] == topic


def test_every_word_of_the_glossary_is_explained_once_with_its_source():
    text = (HELP / "glossary.html").read_text()
    entries = re.findall(r"<dt>(.+?)</dt>\n<dd>(.+?) <small>(.+?)</small></dd>", text)
    assert len(entries) == text.count("<dt>") == len({term for term, _, _ in entries})
    words = " ".join(term for term, _, _ in entries)
    for term in (
        *("HNN", "ViT", "LSTM", "Token", "Attention rollout", "Relevance", "PIL", "RoPI"),
        *("SHARP", "HARP", "NOAA AR", "TSS", "Brier", "DONKI", "T_REC", "TAI", "CEA"),
    ):
        assert term in words
    for term, meaning, source in entries:
        assert meaning.endswith("."), term
        assert re.search(r"\d{4}|[Tt]he paper|docs/|NOAA|NASA|IERS|statistics", source), term


def test_the_citation_is_that_of_the_repository():
    bib, cff = (HELP / "cite.bib").read_text(), (ROOT / "CITATION.cff").read_text()
    assert f"version = {{{__version__}}}" in bib
    assert f"version: {__version__}" in cff
    plain = " ".join(cff.split())
    for title, volume, page in re.findall(
        r"title   = \{\{(.+?)\}\}.+?volume  = \{(\d+)\},\n  pages   = \{(\d+)\}", bib, re.DOTALL
    ):
        assert f"title: >- {title}" in plain or f"title: {title}" in plain
        assert f'volume: {volume} start: "{page}"' in plain
    for name in re.findall(r"family-names: (\w+)", cff):
        assert f"{name}, " in bib
    assert len(re.findall(r"^@", bib, re.MULTILINE)) == 1 + cff.count("- type: article")


def test_the_pages_are_those_of_the_program():
    named = re.findall(r'url_path="(\w+)"', (ROOT / "app.py").read_text())
    assert sorted(named) == PAGES

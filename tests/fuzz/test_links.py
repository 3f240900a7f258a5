"""Links with nonsense in them: on every page a note or a sentence, never an exception.

A few by default; HNN_FUZZ=500 tries as many. A failure names the page and the link.
"""

import random
import time
from contextlib import suppress
from pathlib import Path

import pytest
import streamlit as st

from hnn_core.dataset.card import find_dataset
from hnn_core.exceptions import HnnError, RequestError
from hnn_core.network.model_store import find_model, save_model
from hnn_core.network.pretrained import load_pretrained_vit
from hnn_core.regions.case import cases_from_link, cases_to_link, delete_set, load_set
from hnn_core.sources import find_region, open_source
from hnn_core.training.run_folder import find_run
from pages._shared.link import hour_of, one_of
from tests.support.app import run_app
from tests.support.drawn_jobs import DEAD, drawn_job
from tests.support.made_runs import draw_predictions, write_run
from tests.support.mutations import how_many, nonsense
from tests.support.small_models import small_model

pytestmark = pytest.mark.slow

SHARED = ("source", "population", "folder", "region", "model")
PAGES = {
    "": (
        *SHARED,
        "hour",
        "map",
        "map_class",
        "trust",
        "opacity",
        "clip",
        "pil",
        "extent",
        "cut",
        "axes",
    ),
    "case_studies": (*SHARED, "hour", "study", "cases", "flux"),
    "skill": ("run", "beside", "forecast", "threshold"),
    "training": ("view", "run"),
    "data": ("show",),
}
"""Keys of each page's address."""
_GOOD = {
    "source": ("sim", "fits", "jsoc", "nrt"),
    "trust": ("none", "place", "norms"),
    "study": ("few", "many", "truth", "film"),
    "view": ("new", "watch", "compare"),
    "show": ("here", "fetch", "catalogue", "sets", "origin"),
    "run": ("whole", "cv"),
    "map": ("rollout", "relevance"),
}
_LONGEST_S = 60


@pytest.fixture
def world(hnn_home: Path, monkeypatch, tmp_path, named_pages):
    """A small model, two runs, a job, and nothing that ships."""
    st.cache_data.clear()
    st.cache_resource.clear()
    for place in ("hnn_core.training.run_folder", "hnn_core.network.model_store"):
        monkeypatch.setattr(f"{place}.SHIPPED", hnn_home / "none")
    save_model(small_model(), hnn_home / "models" / "small", metadata={})
    write_run(hnn_home / "runs", "whole", draw_predictions(regions=12, hours=3))
    write_run(hnn_home / "runs", "cv", draw_predictions(regions=12, hours=3, folds=2))
    drawn_job(process=DEAD)
    # What looks like a name on the hub is not asked for.
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.chdir(tmp_path)  # where a relative path of a link leads


def link(rng: random.Random) -> tuple[str, dict[str, str]]:
    page = rng.choice(list(PAGES))
    keys = rng.sample(PAGES[page], min(len(PAGES[page]), rng.choice((1, 1, 2, 3))))
    query = {}
    for key in keys:
        good = key in _GOOD and rng.random() < 0.4
        query[key] = rng.choice(_GOOD[key]) if good else nonsense(rng)
    if rng.random() < 0.1:
        query[nonsense(rng)[:20] or "x"] = nonsense(rng)
    if query.get("source") == "fits":
        query.setdefault("folder", nonsense(rng))
    return page, query


@pytest.mark.slow
def test_pages(world):
    for number in range(how_many(8)):
        rng = random.Random(f"link {number}")
        page, query = link(rng)
        begun = time.monotonic()
        try:
            app = run_app(page, **query)
        except Exception as error:
            error.add_note(f"link {number}: {page} {query}")
            raise
        faults = [one.value for one in app.error if "that should not" in one.value]
        assert not app.exception, (number, page, query, app.exception)
        assert not faults, (number, page, query, faults)
        assert time.monotonic() - begun < _LONGEST_S, (number, page, query)


READERS = {
    "population": lambda text: open_source(f"sim:{text}"),
    "region": lambda text: find_region(open_source("sim:"), text),
    "cases": lambda text: cases_from_link(cases_to_link(cases_from_link(text))),
    "hour": hour_of(["2011-02-13T05:00", "2011-02-13T06:00"], str),
    "one of": one_of(["a", "b"]),
    "run": find_run,
    "model": find_model,
    "data set": find_dataset,
    "set of cases": load_set,
    "deleted set": delete_set,
    "pretrained weights": lambda text: load_pretrained_vit(small_model(), f"{text}.safetensors"),
    "source": open_source,
}


@pytest.mark.parametrize("reader", READERS)
def test_readers(world, reader):
    for number in range(how_many(40)):
        text = nonsense(random.Random(f"{reader} {number}"))
        begun = time.monotonic()
        try:
            with suppress(HnnError):
                READERS[reader](text)
        except Exception as error:
            error.add_note(f"{reader} {number}: {text!r}")
            raise
        assert time.monotonic() - begun < _LONGEST_S, (number, text)


@pytest.mark.parametrize("folder", ["a" * 5000, "~nobody-of-that-name/x", "a\0b"])
def test_a_folder_that_can_be_none_is_refused_in_a_sentence(folder):
    """What the full run found: these ended in an error of the operating system."""
    for look in (lambda text: open_source(f"fits:{text}"), find_run, find_model, find_dataset):
        with pytest.raises(RequestError):
            look(folder)

"""Each control of each view: a change is in the address, and that address opens the same view."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from hnn_core.network.model_store import save_model
from hnn_core.regions.case import Case, cases_to_link
from tests.support.app import run_app
from tests.support.drawn_sharp import draw_fits
from tests.support.made_runs import draw_predictions, write_run
from tests.support.small_models import small_model

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("named_pages")]

HOURS = 14


@pytest.fixture
def source(hnn_home: Path, tmp_path: Path, monkeypatch) -> dict[str, str]:
    """A model, two runs, and fourteen hours of a bipole that loses field."""
    st.cache_data.clear()
    st.cache_resource.clear()
    for place in ("hnn_core.training.run_folder", "hnn_core.network.model_store"):
        monkeypatch.setattr(f"{place}.SHIPPED", hnn_home / "none")
    monkeypatch.setenv("HNN_CHECKS_AT_REST", "0")
    for name, folds in (("whole", 1), ("cv", 2)):
        table = draw_predictions(regions=12, hours=3, folds=folds)
        write_run(hnn_home / "runs", name, table)
    save_model(small_model(), hnn_home / "models" / "small", metadata={})
    rows, cols = np.mgrid[:48, :72]
    field = 800.0 * np.tanh((cols - 36.0) / 2.0) * np.exp(-(((rows - 24.0) / 12.0) ** 2))
    for hour in range(HOURS):
        draw_fits(
            tmp_path / f"hour{hour:02}.fits",
            (field * (1 - 0.02 * hour)).astype(np.float32),
            T_REC=f"2011.02.13_{hour:02}:00:00_TAI",
            CRPIX1=36.5,
            CRPIX2=24.5,
            R_VALUE=4.5,
        )
    return {"source": "fits", "folder": str(tmp_path), "model": "small"}


def hour(number: int) -> str:
    return f"2011-02-13T{number:02}:00"


Control = tuple[str, str, Any, list[str]]
"""Kind and key of a widget, another value than the usual, and that in the address."""
TABLE: dict[str, tuple[str, dict[str, str], list[Control]]] = {
    "Explore, checks of a map": (
        "",
        {"trust": "faithful"},
        [
            ("selectbox", "map", "relevance", ["relevance"]),
            ("radio", "map_class", "confined", ["confined"]),
            ("toggle", "signed", False, ["false"]),
            ("slider", "layers_2", (2, 2), ["2", "2"]),
            ("selectbox", "head", "1", ["1"]),
            ("multiselect", "keywords", ["R_VALUE"], ["R_VALUE"]),
            ("radio", "faithful_hours", "all", ["all"]),
            ("toggle", "faithful_cascade", True, ["true"]),
        ],
    ),
    "Explore, hidden blocks": (
        "",
        {"map": "occlusion"},
        [("select_slider", "block", 4, ["4"])],
    ),
    "a few cases": (
        "case_studies",
        {"study": "few"},
        [
            ("segmented_control", "flux", "total", ["total"]),
            ("toggle", "case_scale", False, ["false"]),
            ("selectbox", "case_detail", "2", ["2"]),
            ("selectbox", "detail_mask", "union", ["union"]),
            ("toggle", "report_check", False, ["false"]),
            ("toggle", "report_explain", False, ["false"]),
        ],
    ),
    "many cases": (
        "case_studies",
        {"study": "many"},
        [
            ("multiselect", "many_regions", ["377"], ["377"]),
            ("selectbox", "many_class", "C", ["C"]),
            ("number_input", "many_step", 7, ["7"]),
            ("selectbox", "many_policy", "strict", ["strict"]),
        ],
    ),
    "against the truth": (
        "case_studies",
        {"study": "truth"},
        [
            ("text_input", "truth", "1:4", ["1:4"]),
            ("selectbox", "truth_mask", "union", ["union"]),
        ],
    ),
    "film": (
        "case_studies",
        {"study": "film"},
        [
            ("select_slider", "film_hours", (hour(3), hour(9)), [hour(3), hour(9)]),
            ("selectbox", "film_map", "none", ["none"]),
            ("multiselect", "film_lines", [], [""]),
        ],
    ),
    "skill": (
        "skill",
        {},
        [
            ("selectbox", "run", "whole", ["whole"]),
            ("slider", "threshold", 0.31, ["0.31"]),
        ],
    ),
    "runs": ("training", {"view": "watch"}, [("radio", "run", "whole", ["whole"])]),
    "runs compared": (
        "training",
        {"view": "compare"},
        [
            ("multiselect", "compared", [], [""]),
            ("selectbox", "compared_score", "train_loss", ["train_loss"]),
        ],
    ),
    "flares": (
        "data",
        {"show": "catalogue"},
        [
            ("text_input", "from", "2011-02-01", ["2011-02-01"]),
            ("text_input", "to", "2011-02-28", ["2011-02-28"]),
            ("selectbox", "least", "X", ["X"]),
            ("text_input", "of", "11158", ["11158"]),
            ("slider", "lon", (-40, 35), ["-40", "35"]),
            ("slider", "lat", (-30, 90), ["-30", "90"]),
        ],
    ),
    "data": ("data", {}, [("radio", "show", "sets", ["sets"])]),
    "help": ("help", {}, [("radio", "topic", "glossary", ["glossary"])]),
}


def widget(app: AppTest, kind: str, key: str) -> Any:
    """Segmented controls are a button group to AppTest."""
    return getattr(app, "button_group" if kind == "segmented_control" else kind)(key=key)


def in_address(app: AppTest, key: str) -> list[str]:
    found = app.query_params.get(key, [])
    return found if isinstance(found, list) else [found]


@pytest.mark.parametrize("view", TABLE)
def test_a_change_is_in_the_address_which_opens_the_same(source, view):
    page, query, controls = TABLE[view]
    if page in ("", "case_studies"):
        query = source | query
    if query.get("study") == "few":
        of = f"fits:{source['folder']}"
        query["cases"] = cases_to_link(tuple(Case(of, "377", hour(k), "small") for k in (11, 13)))
    app = run_app(page, **query)
    assert not app.exception
    for kind, key, value, texts in controls:
        assert in_address(app, key) != texts
        widget(app, kind, key).set_value(value).run()
        assert not app.exception, key
        assert in_address(app, key) == texts, key
    address = dict(app.query_params)
    again = run_app(page, **address)
    assert not again.exception
    assert not [one.value for one in again.warning if "link" in one.value]
    for kind, key, value, _ in controls:
        assert again.session_state[key] == value, (kind, key)
    assert dict(again.query_params) == address

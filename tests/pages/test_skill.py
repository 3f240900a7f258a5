"""The Skill page, driven without a browser: runs are made up, app.py runs, widgets are moved."""

import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from hnn_core.network.model_store import save_model
from pages._skill.details import explore_query
from tests.support.app import run_app
from tests.support.made_runs import draw_predictions, write_run
from tests.support.small_models import small_model

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("named_pages")]

FIGURES = ("scores", "confusion", "thresholds", "ROC", "precision_recall", "reliability")


@pytest.fixture(autouse=True)
def fresh(hnn_home: Path, monkeypatch: pytest.MonkeyPatch):
    """No cache of another test, no shipped run, and a small model for Explore to load."""
    st.cache_data.clear()
    st.cache_resource.clear()
    monkeypatch.setattr("hnn_core.training.run_folder.SHIPPED", hnn_home / "none")
    monkeypatch.setattr("hnn_core.network.model_store.SHIPPED", hnn_home / "none")
    save_model(small_model(), hnn_home / "models" / "small", metadata={})


@pytest.fixture
def runs(hnn_home: Path) -> Path:
    return hnn_home / "runs"


def opened(**view: str) -> AppTest:
    """The Skill page as a link opens it."""
    app = run_app("skill", **view)
    assert not app.exception
    return app


def figure(app: AppTest, key: str) -> dict:
    found = [
        chart.proto.spec for chart in app.get("plotly_chart") if chart.proto.id.endswith(f"-{key}")
    ]
    assert len(found) == 1, f"{len(found)} figures {key}; page says {words(app)}"
    return json.loads(found[0])


def drawn(app: AppTest) -> set[str]:
    return {chart.proto.id.rpartition("-")[2] for chart in app.get("plotly_chart")}


def words(app: AppTest) -> str:
    elements = [*app.error, *app.warning, *app.info, *app.markdown, *app.caption]
    html = [element.proto.body for element in app.get("html")]
    return "\n".join([*(str(element.value) for element in elements), *html])


def broken(app: AppTest) -> list[str]:
    """What the list of broken runs says of each."""
    found = [one for one in app.expander if one.label.endswith("broken")]
    return [caption.value for one in found for caption in one.caption]


def names(app: AppTest, key: str) -> list[str]:
    return [trace.get("name") for trace in figure(app, key)["data"]]


def test_without_a_run_the_page_says_how_to_get_one():
    app = opened()
    assert not app.error
    assert ["no finished run" in info.value for info in app.info] == [True]
    assert "Training page" in words(app)
    assert not drawn(app)


def test_both_networks_and_both_baselines_stand_side_by_side(runs):
    write_run(runs, "pair", draw_predictions())
    app = opened(run="pair")
    assert not app.error
    assert {*FIGURES, "by_longitude", "by_class"} <= drawn(app)
    assert {"HNN", "ViT", "climatology", "flux threshold"} <= set(names(app, "scores"))
    assert "720 sequences of 40 regions, 50.0 % eruptive" in words(app)
    assert "SHA-256 0123456789ab" in words(app)
    assert "precision of climatology (nothing was predicted eruptive)" in words(app)
    assert "These scores show nothing about the Sun" in words(app)
    assert app.query_params["run"] == "pair"


def test_real_data_have_no_banner(runs):
    write_run(runs, "real", draw_predictions(simulated=False), simulated=False)
    app = opened()
    assert "nothing about the Sun" not in words(app)
    assert "no CME linked in DONKI" in words(app)


def test_threshold_moves_everything_that_hangs_on_it(runs):
    write_run(runs, "pair", draw_predictions())
    app = opened()
    before = {key: figure(app, key) for key in FIGURES}
    assert "optimistic" not in words(app)
    app.slider(key="threshold").set_value(0.8).run()
    assert not app.error
    moved = {key for key in FIGURES if figure(app, key) != before[key]}
    assert moved == {"scores", "confusion", "thresholds", "ROC", "precision_recall"}
    assert "optimistic" in words(app)
    assert "HNN at threshold 0.8" in words(app)
    app.button(key="threshold_back").click().run()
    assert app.slider(key="threshold").value == 0.5
    assert figure(app, "confusion") == before["confusion"]


@pytest.mark.parametrize(
    ("asked", "value", "noted"),
    [("0.3", 0.3, False), ("0.50", 0.5, False), ("high", 0.5, True), ("7", 0.5, True)],
)
def test_threshold_comes_from_the_link(runs, asked, value, noted):
    write_run(runs, "pair", draw_predictions())
    app = opened(threshold=asked)
    assert app.slider(key="threshold").value == value
    assert (f"threshold cannot be “{asked}”" in words(app)) == noted


def test_network_that_is_looked_at_is_chosen(runs):
    write_run(runs, "pair", draw_predictions())
    app = opened(forecast="vit")
    assert "TSS of ViT by longitude" in words(app)
    app.button_group(key="forecast").set_value("hnn").run()
    assert "Worst misses of HNN" in words(app)
    assert app.query_params["forecast"] == "hnn"


def test_cross_validation_shows_mean_and_folds(runs):
    write_run(runs, "folds", draw_predictions(folds=5))
    app = opened()
    assert not app.error
    assert "HNN, folds" in names(app, "folds")
    assert "Mean ± std/√5" in words(app)
    assert "n − 1 in the denominator" in words(app)
    assert "the paper's TSS" not in names(app, "scores")


def test_run_of_one_network_says_so_and_draws_no_other(runs):
    write_run(runs, "alone", draw_predictions(models=("hnn",)))
    app = opened()
    assert "no predictions of ViT on these test sequences" in words(app)
    assert "ViT" not in names(app, "scores")


def test_other_network_comes_from_a_run_on_the_same_sequences(runs):
    both = draw_predictions()
    write_run(runs, "hnn run", both[both["model"] == "hnn"])
    write_run(runs, "vit run", both[both["model"] == "vit"])
    app = opened(run="hnn run")
    assert app.selectbox(key="beside").value == "vit run"
    assert {"HNN", "ViT"} <= set(names(app, "scores"))
    app.selectbox(key="beside").set_value("–").run()
    assert "ViT" not in names(app, "scores")
    write_run(runs, "folds", draw_predictions(folds=5))
    app = opened(run="hnn run")
    assert app.selectbox(key="beside").options == [
        "vit run · 720 in common",
        "folds · 0 in common",
        "–",
    ]
    assert app.selectbox(key="beside").value == "vit run"
    other = draw_predictions(models=("vit",), regions=20, seed=1)
    write_run(runs, "vit elsewhere", other)
    app = opened(run="hnn run", beside="vit elsewhere")
    assert "not tested on the same sequences" in words(app)
    assert "ViT" not in names(app, "scores")


def test_second_run_is_the_one_with_most_sequences_in_common(runs):
    both = draw_predictions()
    hnn, vit = (both[both["model"] == name] for name in ("hnn", "vit"))
    write_run(runs, "hnn run", hnn)
    write_run(runs, "none", draw_predictions(models=("vit",), seed=5))
    write_run(runs, "part", vit[vit["region"] != "SIM 1"])
    assert opened(run="hnn run").selectbox(key="beside").value == "part"
    write_run(runs, "all", vit)
    app = opened(run="hnn run")
    assert app.selectbox(key="beside").value == "all"
    assert [text.split(" ·")[0] for text in app.selectbox(key="beside").options] == [
        *("all", "part", "none"),
        "–",
    ]
    # Another run has another nearest one, unless the link or the reader chose.
    write_run(runs, "second", draw_predictions(models=("hnn",), seed=5))
    app.run().selectbox(key="run").set_value("second").run()
    assert app.selectbox(key="beside").value == "none"
    app.selectbox(key="run").set_value("hnn run").run()
    assert app.selectbox(key="beside").value == "all"


def test_without_a_sequence_in_common_nothing_is_joined(runs):
    write_run(runs, "hnn run", draw_predictions(models=("hnn",)))
    write_run(runs, "elsewhere", draw_predictions(models=("vit",), folds=2))
    app = opened(run="hnn run")
    assert app.selectbox(key="beside").value == "–"
    assert "not tested on the same sequences" not in words(app)


def test_papers_tss_stands_next_to_real_test_sets_only(runs):
    for simulated in (True, False):
        name = "sim" if simulated else "real"
        write_run(runs, name, draw_predictions(simulated=simulated), simulated=simulated)
        write_run(
            runs, f"{name} folds", draw_predictions(simulated=simulated, folds=5),
            simulated=simulated,
        )  # fmt: skip
        for run, key in ((name, "scores"), (f"{name} folds", "folds")):
            app = opened(run=run)
            assert ("the paper's TSS" in names(app, key)) is not simulated
            assert "reports a TSS of 0.6111 for HNN and 0.1837 for ViT" in words(app)
            assert ("not drawn here" in words(app)) is simulated


def test_one_class_is_undefined_in_words(runs):
    write_run(runs, "one", draw_predictions(models=("hnn",), regions=8).assign(label=0))
    app = opened()
    assert not app.error
    assert "recall, TSS of HNN, climatology, flux threshold (no sequence is eruptive)" in words(app)
    assert "No ROC curve: all 144 test sequences are confined" in words(app)
    assert "ROC" not in drawn(app)
    assert {"scores", "confusion", "reliability", "by_class"} <= drawn(app)


def test_run_with_torn_files_is_one_sentence_and_another_can_be_chosen(runs):
    write_run(runs, "whole", draw_predictions())
    torn = write_run(runs, "torn", draw_predictions()) / "predictions.parquet"
    torn.write_bytes(torn.read_bytes()[:400])
    app = opened(run="torn")
    assert not app.error
    assert "There is no finished run “torn”" in words(app)
    assert ["predictions.parquet is damaged" in one for one in broken(app)] == [True]
    assert "scores" in drawn(app)


def test_run_without_scores_is_one_sentence(runs):
    (write_run(runs, "scoreless", draw_predictions()) / "scores.json").unlink()
    app = opened()
    assert ["scoreless has no scores yet" in one for one in broken(app)] == [True]
    assert not app.error


@pytest.mark.parametrize("file", ["status.json", "config.json", "scores.json"])
def test_a_torn_run_is_listed_as_broken_and_the_others_stay(runs, file):
    write_run(runs, "whole", draw_predictions())
    torn = write_run(runs, "torn", draw_predictions()) / file
    torn.write_text(torn.read_text()[:30])
    app = opened()
    assert not app.error
    assert [f"torn/{file}" in one for one in broken(app)] == [True]
    assert app.selectbox(key="run").value == "whole"
    assert "scores" in drawn(app)


def test_damage_inside_the_predictions_is_one_sentence(runs):
    folder = write_run(runs, "whole", draw_predictions())
    scores = json.loads((folder / "scores.json").read_text())
    (folder / "scores.json").write_text(json.dumps({**scores, "predictions_sha256": "0" * 64}))
    app = opened()
    assert ["predictions.parquet is damaged" in error.value for error in app.error] == [True]


def test_unfinished_and_broken_runs_are_not_offered(runs):
    write_run(runs, "at work", draw_predictions(), state="running")
    write_run(runs, "done", draw_predictions())
    (write_run(runs, "unpredicted", draw_predictions()) / "predictions.parquet").unlink()
    (runs / "broken").mkdir()
    (runs / "broken" / "config.json").write_text("{")
    app = opened(run="at work")
    assert list(app.selectbox(key="run").options) == ["done · ≥M · single run"]
    assert "There is no finished run “at work”" in words(app)
    assert ["config.json is broken (it is not whole" in one for one in broken(app)] == [True]


def test_members_of_a_sweep_are_offered_each(runs):
    grid = runs / "grid"
    write_run(grid, "frames-6", draw_predictions(models=("hnn",)))
    write_run(grid, "frames-8", draw_predictions(models=("hnn",)))
    (grid / "config.json").write_text(json.dumps({"kind": "sweep", "grid": {"frames": [6, 8]}}))
    app = opened(run="grid/frames-8")
    assert app.selectbox(key="run").value == "grid/frames-8"
    assert "Skill of grid/frames-8" in words(app)


def test_shipped_runs_come_first_and_are_called_so(runs, hnn_home, monkeypatch):
    write_run(runs, "mine", draw_predictions())
    write_run(hnn_home / "assets", "demo", draw_predictions())
    monkeypatch.setattr("hnn_core.training.run_folder.SHIPPED", hnn_home / "assets")
    app = opened()
    assert app.selectbox(key="run").value == "demo"
    assert app.selectbox(key="run").options[0].endswith("· shipped")


def test_misses_lead_into_explore(runs, hnn_home):
    folder = write_run(runs, "Small", draw_predictions(models=("hnn",)), source="sim:7:40")
    (folder / "model").mkdir()
    app = opened()
    table = app.dataframe[0].value
    assert table["P(eruptive)"].sub(table["truth"] == "eruptive").abs().is_monotonic_decreasing
    assert "NOAA" not in table
    query = parse_qs(urlsplit(table["open in Explore"].iloc[0]).query)
    assert query == {
        "source": ["sim"],
        "population": ["7:40"],
        "region": [table["region"].iloc[0]],
        "hour": [f"{table['hour (TAI)'].iloc[0]:%Y-%m-%dT%H:%M}"],
        "model": ["small"],
    }


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("sim:", {"source": "sim"}),
        ("sim:3", {"source": "sim", "population": "3"}),
        ("fits:/data/my sharps", {"source": "fits", "folder": "/data/my sharps"}),
    ],
)
def test_source_in_a_link(source, expected):
    row = {"region": "377", "hour": pd.Timestamp("2011-02-14T05:00")}
    view = {"region": "377", "hour": "2011-02-14T05:00"}
    assert explore_query(row, source, "") == expected | view
    assert explore_query(row, "elsewhere:", "") == {}


def test_everything_can_be_taken_along(runs):
    write_run(runs, "folds", draw_predictions(folds=5))
    app = opened()
    keys = {button.key for button in app.get("download_button")}
    assert {"download_predictions", "download_scores", "download_run_scores"} <= keys
    assert {f"data_{key}" for key in drawn(app)} <= keys

"""Figures of skill: what is drawn where, for tables with known answers."""

import json

import numpy as np
import plotly.graph_objects as go
import pytest

from analysis.figures import style
from analysis.skill.curves import brier_scores, reliability, threshold_scores
from analysis.skill.figures_curves import (
    curve_data,
    precision_recall_figure,
    reliability_figure,
    roc_figure,
    threshold_figure,
)
from analysis.skill.figures_scores import COLOURS, fold_bars_figure, score_bars_figure
from analysis.skill.figures_tables import bins_figure, confusion_data, confusion_figure
from analysis.skill.forecasts import PAPER_TSS, forecasts
from analysis.skill.scores import fold_table, score_table, skill_by_class, skill_by_longitude
from hnn_core.exceptions import OneClassError
from tests.support.made_runs import draw_predictions


@pytest.fixture(scope="module")
def told():
    return forecasts(draw_predictions(regions=30), 0.5)


@pytest.fixture(scope="module")
def told_in_folds():
    return forecasts(draw_predictions(regions=30, folds=5), 0.5)


def trace(figure: go.Figure, name: str) -> go.Figure:
    found = [trace for trace in figure.data if trace.name == name]
    assert len(found) == 1, [trace.name for trace in figure.data]
    return found[0]


def texts(figure: go.Figure) -> list[str]:
    return [annotation.text for annotation in figure.layout.annotations]


def test_bars_are_the_scores_and_their_intervals(told):
    table = score_table(told)
    figure = score_bars_figure(table)
    hnn = table[table["forecast"] == "hnn"]
    bars = trace(figure, "HNN")
    np.testing.assert_array_equal(bars.y, hnn["value"])
    np.testing.assert_allclose(bars.y + bars.error_y.array, hnn["high"])
    np.testing.assert_allclose(bars.y - bars.error_y.arrayminus, hnn["low"])
    assert bars.marker.color == COLOURS["hnn"]
    assert list(figure.layout.xaxis.ticktext) == ["recall", "precision", "ACC", "HSS", "TSS"]
    assert "95 %" in figure.layout.yaxis.title.text


def test_bars_of_a_score_stand_side_by_side(told):
    figure = score_bars_figure(score_table(told))
    bars = [trace(figure, name) for name in ("HNN", "ViT", "climatology", "flux threshold")]
    gaps = np.diff([bar.x for bar in bars], axis=0)
    assert (gaps > [bar.width for bar in bars[:1]]).all()
    # The middle of the group is on the tick.
    np.testing.assert_allclose(np.mean([bar.x for bar in bars], axis=0), np.arange(5), atol=1e-12)


def test_undefined_bar_is_a_word_with_its_reason(told):
    figure = score_bars_figure(score_table(told))
    word = trace(figure, "climatology, undefined")
    assert list(word.text) == ["undefined"]
    assert list(word.customdata) == ["nothing was predicted eruptive"]
    np.testing.assert_allclose(word.x, trace(figure, "climatology").x[1])
    assert np.isnan(trace(figure, "climatology").y[1])


@pytest.mark.parametrize("flare_class", PAPER_TSS)
def test_papers_tss_stands_over_its_bar(told, flare_class):
    figure = score_bars_figure(score_table(told), paper=PAPER_TSS[flare_class])
    marks = trace(figure, "the paper's TSS")
    assert list(marks.y) == list(PAPER_TSS[flare_class].values())
    assert list(marks.x) == [trace(figure, name).x[-1] for name in ("HNN", "ViT")]
    alone = {name: table for name, table in told.items() if name != "vit"}
    marks = trace(score_bars_figure(score_table(alone), paper=PAPER_TSS["M"]), "the paper's TSS")
    assert list(marks.y) == [0.6111]


def test_bars_of_folds_are_mean_error_and_the_folds(told_in_folds):
    table = fold_table(told_in_folds)
    figure = fold_bars_figure(table, paper=PAPER_TSS["M"])
    bars, dots = trace(figure, "ViT"), trace(figure, "ViT, folds")
    assert len(dots.y) == 25
    np.testing.assert_allclose(bars.y, np.reshape(dots.y, (5, 5)).mean(axis=1))
    deviation = np.reshape(dots.y, (5, 5)).std(axis=1, ddof=1)
    np.testing.assert_allclose(bars.error_y.array, deviation / np.sqrt(5))
    np.testing.assert_allclose(np.reshape(dots.x, (5, 5)), np.tile(bars.x, (5, 1)).T)
    low, high = figure.layout.yaxis.range
    assert low < min(0.0, np.nanmin(dots.y))
    assert high > 1.0


def test_operating_points_lie_on_their_curves(told):
    figure = roc_figure(told)
    table = told["hnn"]
    said, truth = table["said"], table["label"] == 1
    point = trace(figure, "HNN, operating point")
    assert point.x == ((said & ~truth).sum() / (~truth).sum(),)
    assert point.y == ((said & truth).sum() / truth.sum(),)
    line = next(t for t in figure.data if t.name.startswith("HNN: AUC"))
    # The curve is given at its corners; between two of them it is straight.
    assert np.interp(point.x[0], line.x, line.y) == pytest.approx(point.y[0], abs=0.02)
    names = {t.name.split(":")[0] for t in figure.data}
    assert {"HNN", "ViT", "flux threshold", "guessing"} <= names
    assert figure.layout.xaxis.title.text == "false alarm rate, FP / (FP + TN)"


def test_one_class_is_refused_by_the_name_of_the_curve(told):
    alike = {name: table.assign(label=0) for name, table in told.items()}
    with pytest.raises(OneClassError, match="No ROC curve"):
        roc_figure(alike)
    with pytest.raises(OneClassError):
        precision_recall_figure(alike)


def test_precision_recall_shows_what_guessing_attains(told):
    figure = precision_recall_figure(told)
    guess = next(t for t in figure.data if t.name.startswith("guessing"))
    assert guess.y[0] == pytest.approx(told["hnn"]["label"].mean())
    point = trace(figure, "ViT, operating point")
    said, truth = told["vit"]["said"], told["vit"]["label"] == 1
    assert point.y[0] == pytest.approx((said & truth).sum() / said.sum())


def test_flux_that_changes_its_sign_between_folds_has_no_curve(told_in_folds):
    flux = told_in_folds["flux"]
    mixed = {**told_in_folds, "flux": flux.assign(flux_sign=np.where(flux["fold"] == 1, -1, 1))}
    assert not any(t.name.startswith("flux") for t in roc_figure(mixed).data)
    assert set(curve_data(mixed)["forecast"]) == {"HNN", "ViT"}
    assert set(curve_data(told_in_folds)["curve"]) == {"ROC", "precision-recall"}


def test_threshold_is_marked_and_so_is_the_models_own(told):
    table = threshold_scores(told["hnn"])
    moved = threshold_figure(table, chosen=0.3, own=0.5)
    assert [shape.x0 for shape in moved.layout.shapes] == [0.5, 0.3]
    assert moved.layout.shapes[1].line.color == style.THRESHOLD
    assert "threshold 0.3" in texts(moved)
    assert len(threshold_figure(table, chosen=0.5, own=0.5).layout.shapes) == 1
    np.testing.assert_array_equal(trace(moved, "TSS").y, table["tss"])
    # Beyond the last positive prediction precision is undefined and its line ends.
    assert np.isnan(trace(moved, "precision").y[-1])
    assert not trace(moved, "precision").connectgaps


def test_reliability_shows_frequencies_counts_and_brier(told):
    tables = {name: reliability(told[name]) for name in ("hnn", "vit")}
    brier = {name: brier_scores(told[name]) for name in tables}
    figure = reliability_figure(tables, brier, base_rate=0.5)
    held = tables["hnn"][tables["hnn"]["sequences"] > 0]
    dots = next(t for t in figure.data if t.name.startswith("HNN: Brier"))
    np.testing.assert_array_equal(dots.x, held["probability"])
    np.testing.assert_array_equal(dots.y, held["frequency"])
    assert f"Brier {brier['hnn']['brier']:.3f}" in dots.name
    bars = trace(figure, "HNN, sequences")
    assert sum(bars.y) == len(told["hnn"])
    np.testing.assert_allclose(bars.x, np.arange(0.05, 1.0, 0.1))
    assert (bars.yaxis, dots.yaxis) == ("y2", "y")


def test_confusion_by_hand():
    data = confusion_data([3, 2, 4, 1])
    assert data["sequences"].tolist() == [3, 1, 2, 4]
    np.testing.assert_allclose(data["share_of_truth"], [0.75, 0.25, 1 / 3, 2 / 3])
    figure = confusion_figure([3, 2, 4, 1])
    places = {(note.x, note.y): note.text for note in figure.layout.annotations}
    assert "75.0 % of the row" in places[0, 0]
    assert "hits" in places[0, 0]
    assert "misses" in places[1, 0]
    assert "false alarms" in places[0, 1]
    assert "66.7 %" in places[1, 1]
    # Eruptive is on top, as the table is printed.
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]
    assert "no such sequence" in texts(confusion_figure([0, 2, 4, 0]))[0]


def test_parts_are_drawn_with_their_regions_or_called_undefined():
    table = skill_by_longitude(forecasts(draw_predictions(regions=80), 0.5)["hnn"])
    assert table["value"].notna().all()
    table.loc[2, ["value", "low", "high", "why"]] = [np.nan, np.nan, np.nan, "no sequence"]
    table.loc[3, ["low", "high"]] = np.nan
    figure = bins_figure(table, forecast="hnn", whole=0.4, title="longitude")
    dots = trace(figure, "TSS")
    np.testing.assert_array_equal(dots.x, [0, 1, 3, 4, 5])
    np.testing.assert_array_equal(dots.y, table["value"].dropna())
    assert list(dots.marker.symbol)[2] == "circle-open"
    assert texts(figure) == ["undefined"]
    assert figure.layout.annotations[0].hovertext == "no sequence"
    assert f"n = {table['regions'][0]}" in figure.layout.xaxis.ticktext[0]
    assert list(trace(figure, "whole test set: 0.400").y) == [0.4, 0.4]
    below = bins_figure(table, forecast="hnn", whole=-0.25)
    assert list(trace(below, "whole test set: −0.250").y) == [-0.25, -0.25]


def all_figures(told, told_in_folds) -> list[go.Figure]:
    tables = {"hnn": reliability(told["hnn"])}
    return [
        score_bars_figure(score_table(told)),
        fold_bars_figure(fold_table(told_in_folds)),
        roc_figure(told),
        precision_recall_figure(told),
        threshold_figure(threshold_scores(told["hnn"]), chosen=0.5),
        reliability_figure(tables, {"hnn": brier_scores(told["hnn"])}, base_rate=0.5),
        confusion_figure([3, 2, 4, 1]),
        bins_figure(skill_by_class(told["hnn"]), forecast="hnn"),
    ]


@pytest.mark.parametrize("simulated", [True, False])
def test_simulated_data_are_called_so_in_every_figure(told, told_in_folds, simulated):
    for figure in all_figures(told, told_in_folds):
        style.put_on(figure, simulated=simulated)
        assert ("simulated data" in texts(figure)) == simulated


@pytest.mark.parametrize("dark", [True, False])
def test_text_stands_out_and_figures_can_be_sent(told, told_in_folds, dark):
    for figure in all_figures(told, told_in_folds):
        sent = json.loads(style.put_on(figure, dark=dark).to_json())["layout"]
        text = sent["template"]["layout"]["font"]
        assert (int(text["color"][1:3], 16) > 128) == dark
        assert text["size"] >= 12
        assert sent["uirevision"]

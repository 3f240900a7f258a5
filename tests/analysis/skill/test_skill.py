"""Scores, curves and misses of made-up predictions whose answers are known."""

import io
import json
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from analysis.export import history_csv, scores_csv, scores_json
from analysis.skill.curves import (
    area_under_roc,
    average_precision,
    brier_scores,
    precision_recall,
    reliability,
    roc,
    threshold_scores,
)
from analysis.skill.forecasts import (
    PAPER_TSS,
    forecasts,
    join_network,
    read_predictions,
    read_scores,
    sequences_in_common,
    worst_misses,
)
from analysis.skill.scores import (
    differences,
    fold_table,
    number,
    score_table,
    skill_by_class,
    skill_by_longitude,
    why_undefined,
    with_error,
    with_interval,
)
from hnn_core.exceptions import OneClassError, RunError
from hnn_core.scores import (
    SCORES,
    count_scores,
    fold_mean,
    group_counts,
    group_draws,
    interval,
    interval_words,
    region_interval,
    resampled_scores,
    skill_scores,
)
from hnn_core.training.results import score_row
from tests.support.made_runs import draw_predictions

TEN = {
    "label": [1, 1, 1, 1, 0, 0, 0, 0, 0, 0],
    "probability": [0.9, 0.8, 0.7, 0.2, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1],
}
"""At 0.5: three hits, one miss, two false alarms, four correct negatives."""


def ten(**changes: object) -> pd.DataFrame:
    """Ten sequences of ten regions with the scores of TEN."""
    n = len(TEN["label"])
    columns = {
        "model": "hnn",
        "fold": 0,
        "region": [str(377 + k) for k in range(n)],
        "harp": range(377, 377 + n),
        "noaa": "",
        "group": range(n),
        "hour": pd.date_range("2011-02-13", periods=n, freq="h"),
        "longitude": np.linspace(-45.0, 45.0, n),
        "flare_id": [f"f{k}" for k in range(n)],
        "goes_class": ["C1.0", "M1.0", "M4.9", "M5.0", "X1.0"] * 2,
        "peak_utc": pd.Timestamp("2011-02-14"),
        **TEN,
        "unsigned_flux_mx": np.arange(n) * 1e21,
        "climatology": 0.4,
        "flux_says": [0, 0, 0, 0, 0, 1, 1, 1, 1, 1],
        "flux_threshold_mx": 5e21,
        "flux_sign": 1,
    }
    return pd.DataFrame({**columns, **changes})


def told(threshold: float = 0.5, **changes: object) -> dict[str, pd.DataFrame]:
    return forecasts(read_predictions(ten(**changes)), threshold)


def row(table: pd.DataFrame, **where: object) -> pd.Series:
    found = table
    for column, value in where.items():
        found = found[found[column] == value]
    assert len(found) == 1
    return found.iloc[0]


counts = st.tuples(*[st.integers(0, 50)] * 4)


@given(st.lists(counts.filter(any), min_size=1, max_size=8))
def test_scores_of_counts_are_the_scores_of_the_sequences(tables):
    found = count_scores(np.array(tables))
    for place, (tp, fp, tn, fn) in enumerate(tables):
        truth = [1] * tp + [0] * fp + [0] * tn + [1] * fn
        said = [1] * tp + [1] * fp + [0] * tn + [0] * fn
        expected = skill_scores(truth, said)
        for score in SCORES:
            assert found[score][place] == pytest.approx(expected[score], nan_ok=True, abs=1e-12)


@given(counts)
def test_a_reason_is_given_exactly_where_a_score_is_undefined(table):
    for score, value in count_scores(table).items():
        assert (why_undefined(score, table) != "") == bool(np.isnan(value))


def test_counts_of_groups_by_hand():
    found = group_counts([1, 1, 0, 0, 1], [1, 0, 0, 1, 1], ["b", "a", "a", "b", "b"])
    np.testing.assert_array_equal(found, [[0, 0, 1, 1], [2, 1, 0, 0]])


@pytest.mark.slow
def test_drawing_tables_is_drawing_regions():
    """The same intervals as from gathering frames, with other random numbers."""
    table = forecasts(draw_predictions(models=("hnn",), regions=60), 0.5)["hnn"]
    of_group = dict(iter(table.groupby("group")))
    rng = np.random.default_rng(3)
    by_hand = []
    for _ in range(400):
        chosen = pd.concat([of_group[k] for k in rng.choice(list(of_group), len(of_group))])
        by_hand.append(skill_scores(chosen["label"], chosen["said"].astype(int)))
    for score in ("tss", "precision"):
        found = region_interval(table["label"], table["said"], table["group"], score=score)
        # A percentile of 400 draws moves by a tenth of the interval's width.
        assert interval([one[score] for one in by_hand]) == pytest.approx(found, abs=0.06)


def test_a_score_has_one_interval_wherever_it_is_computed():
    """On the page, against the threshold, in its table, in the run folder and in the model card."""
    predictions = draw_predictions(models=("hnn",), regions=60)
    table = forecasts(predictions, 0.5)["hnn"]
    whole = row(score_table({"hnn": table}), forecast="hnn", score="tss")
    expected = (whole["low"], whole["high"])
    assert region_interval(table["label"], table["said"], table["group"]) == expected
    at_half = threshold_scores(table).set_index("threshold").loc[0.5]
    assert tuple(at_half[["tss_low", "tss_high"]]) == expected
    bins = skill_by_longitude(table.assign(longitude=5.0))
    assert tuple(bins[bins["sequences"] > 0].iloc[0][["low", "high"]]) == expected
    of_run = score_row(predictions, 0.5)
    assert tuple(of_run["tss_95"]) == expected
    assert with_interval(whole["value"], *expected)[1] == interval_words(*expected)
    csv = pd.read_csv(
        io.StringIO(
            scores_csv(score_table({"hnn": table}), pd.DataFrame(), threshold=0.5, simulated=True)
        )
    )
    in_csv = row(csv, forecast="hnn", score="tss")
    assert interval_words(in_csv["low"], in_csv["high"]) == interval_words(*expected)
    few = score_row(predictions[predictions["group"].isin(predictions["group"].unique()[:4])], 0.5)
    assert np.isnan(few["tss_95"]).all()
    assert interval_words(*few["tss_95"]) == "no interval"


def test_two_hundred_groups_are_drawn_in_less_than_a_tenth_of_a_second():
    by_group = np.random.default_rng(0).integers(0, 40, (200, 4))
    resampled_scores(by_group)
    group_draws.cache_clear()
    began = time.process_time()
    resampled_scores(by_group)
    assert time.process_time() - began < 0.1


def test_few_groups_have_no_interval():
    drawn = resampled_scores(np.full((4, 4), 5))
    assert all(np.isnan(interval(values)).all() for values in drawn.values())
    assert not np.isnan(interval(resampled_scores(np.full((5, 4), 5))["tss"])).any()


def test_mean_over_folds_by_hand():
    found = fold_mean([0.2, 0.4, 0.6, 0.8, 1.0])
    # The sample's variance is (0.16 + 0.04 + 0 + 0.04 + 0.16) / 4 = 0.1, over 5 folds 0.02.
    assert found == {
        "mean": pytest.approx(0.6),
        "standard_error": pytest.approx(np.sqrt(0.02)),
        "n": 5,
    }
    assert np.isnan(fold_mean([0.2, np.nan])["mean"])
    assert np.isnan(fold_mean([0.2])["standard_error"])


def test_scores_of_four_forecasts_by_hand():
    table = score_table(told())
    assert list(dict.fromkeys(table["forecast"])) == ["hnn", "climatology", "flux"]
    expected = {"recall": 3 / 4, "precision": 3 / 5, "accuracy": 0.7, "hss": 0.4, "tss": 5 / 12}
    for score, value in expected.items():
        found = row(table, forecast="hnn", score=score)
        assert found["value"] == pytest.approx(value)
        assert found["low"] <= value <= found["high"]
    assert tuple(found[["tp", "fp", "tn", "fn"]]) == (3, 2, 4, 1)
    assert row(table, forecast="flux", score="tss")["value"] == pytest.approx(-5 / 6)


def test_climatology_has_no_skill_and_says_what_is_undefined():
    table = score_table(told())
    assert row(table, forecast="climatology", score="tss")["value"] == 0.0
    precision = row(table, forecast="climatology", score="precision")
    assert np.isnan(precision["value"])
    assert precision["why"] == "nothing was predicted eruptive"
    always = score_table(told(threshold=0.4))
    assert row(always, forecast="climatology", score="recall")["value"] == 1.0
    assert row(always, forecast="climatology", score="tss")["value"] == 0.0


def test_flux_does_not_move_with_the_threshold():
    assert told(0.1)["flux"]["said"].equals(told(0.9)["flux"]["said"])
    assert told(0.1)["hnn"]["said"].sum() == 10


def test_flux_that_means_eruptive_below_is_ranked_from_below():
    found = told(flux_sign=-1, unsigned_flux_mx=[np.nan, *np.arange(1, 10) * 1e21])["flux"]
    assert found["score"].is_monotonic_decreasing
    assert found["score"].iloc[0] == 0.0


def test_folds_by_hand_and_the_one_that_is_undefined():
    fold = [1, 2, 1, 2, 1, 2, 1, 2, 1, 2]
    table = fold_table(told(fold=fold))
    hnn = row(table, forecast="hnn", score="recall")
    assert hnn["folds"] == [1.0, 0.5]
    assert hnn["mean"] == pytest.approx(0.75)
    assert hnn["standard_error"] == pytest.approx(np.sqrt(0.125 / 2))
    split = fold_table(told(fold=[1] * 4 + [2] * 6))
    assert row(split, forecast="hnn", score="tss")["why"] == (
        "in folds 1, 2 no sequence is confined"
    )
    assert np.isnan(row(split, forecast="hnn", score="tss")["mean"])


def test_difference_is_drawn_in_pairs():
    """A forecast and its copy differ by nothing in every draw, though each has an interval."""
    table = told()
    copies = {"hnn": table["hnn"], "vit": table["hnn"], "climatology": table["climatology"]}
    found = differences(copies, "hnn")
    assert found.to_dict("records") == [
        {"forecast": "vit", "difference": 0.0, "low": 0.0, "high": 0.0}
    ]
    assert row(differences(table, "hnn"), forecast="flux")["difference"] == pytest.approx(1.25)


def test_roc_by_hand():
    table = told()["hnn"]
    curve = roc(table)
    found = set(zip(curve["false_alarm_rate"].round(6), curve["recall"], strict=True))
    assert {(0.0, 0.0), (0.0, 0.75), (1.0, 1.0)} <= found
    # Of the 24 pairs the miss (0.2) wins one and ties with one; the others win all of theirs.
    area, low, high = area_under_roc(table)
    assert area == pytest.approx((18 + 1.5) / 24)
    assert low < area < high


def test_area_is_scikit_learns_on_large_drawn_tables():
    for table in forecasts(draw_predictions(regions=30), 0.5).values():
        area, low, high = area_under_roc(table)
        assert area == pytest.approx(roc_auc_score(table["label"], table["score"]))
        assert low <= area <= high


def test_precision_recall_by_hand():
    curve = precision_recall(told()["hnn"])
    assert row(curve, threshold=0.5)[["recall", "precision"]].tolist() == [0.75, 0.6]
    assert curve["precision"].iloc[-1] == 1.0
    assert curve["threshold"].iloc[-1] == 0.9
    # Steps in recall of 1/4 at precision 1, 1, 1, and at 0.2 four of nine are eruptive.
    assert average_precision(told()["hnn"]) == pytest.approx(0.75 + 0.25 * 4 / 9)


@pytest.mark.parametrize("curve", [roc, precision_recall, area_under_roc, average_precision])
def test_one_class_has_no_curve(curve):
    with pytest.raises(OneClassError, match="all 10 test sequences are confined"):
        curve(told(label=0)["hnn"])


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1), st.integers(0, 3)), min_size=1))
def test_skill_at_every_threshold_is_the_skill_there(rows):
    label, probability, group = map(np.array, zip(*rows, strict=True))
    table = pd.DataFrame({"label": label.astype(int), "probability": probability, "group": group})
    found = threshold_scores(table)
    for threshold in (0.0, 0.29, 0.5, 1.0):
        expected = skill_scores(label, probability >= threshold)
        for score in SCORES:
            assert row(found, threshold=threshold)[score] == pytest.approx(
                expected[score], nan_ok=True, abs=1e-12
            )


def test_reliability_by_hand():
    found = reliability(told()["hnn"], bins=5)
    assert found["sequences"].tolist() == [1, 3, 2, 2, 2]
    assert found["eruptive"].tolist() == [0, 1, 0, 1, 2]
    np.testing.assert_allclose(found["probability"], [0.1, 0.7 / 3, 0.45, 0.65, 0.85])
    np.testing.assert_allclose(found["frequency"], [0, 1 / 3, 0, 0.5, 1])
    # Four groups at most in a bin.
    assert found["low"].isna().all()


def test_reliability_of_an_honest_forecast_lies_on_the_diagonal():
    rng = np.random.default_rng(0)
    probability = rng.random(20_000)
    table = pd.DataFrame(
        {
            "probability": probability,
            "label": rng.random(20_000) < probability,
            "group": np.arange(20_000) // 100,
        }
    )
    found = reliability(table)
    # 2000 sequences a bin: the binomial error is 0.011 at most.
    np.testing.assert_allclose(found["frequency"], found["probability"], atol=0.04)
    assert (found["low"] < found["frequency"]).all()
    assert (found["frequency"] < found["high"]).all()


def test_brier_by_hand():
    found = brier_scores(told()["hnn"])
    squares = [0.01, 0.04, 0.09, 0.64, 0.36, 0.25, 0.16, 0.09, 0.04, 0.01]
    assert found["brier"] == pytest.approx(np.mean(squares))
    assert found["climatology"] == pytest.approx(0.4 * 0.36 + 0.6 * 0.16)
    assert found["skill"] == pytest.approx(1 - 0.169 / 0.24)
    assert np.isnan(brier_scores(told(label=0, climatology=0.0)["hnn"])["skill"])


def test_longitudes_fall_into_their_bins():
    longitude = [-45.0, -30.0, -15.1, -0.1, 0.0, 15.0, 30.0, 45.0, 45.1, -60.0]
    found = skill_by_longitude(told(longitude=longitude)["hnn"])
    assert found["sequences"].tolist() == [1, 2, 1, 1, 1, 2]
    assert found["bin"].tolist()[::5] == ["−45 to −30°", "+30 to +45°"]
    assert found.attrs["outside"] == 2
    assert found["why"].iloc[0] == "no sequence is confined"
    assert np.isnan(found["value"].iloc[0])


def test_classes_fall_into_their_bins():
    found = skill_by_class(told()["hnn"])
    assert found["bin"].tolist() == ["C", "M1.0–M4.9", "M5.0–M9.9", "X"]
    assert found["sequences"].tolist() == [2, 4, 2, 2]
    # Sequences 1, 2 (hits) and 6, 7 (correct negatives) are M1.0 and M4.9.
    assert row(found, bin="M1.0–M4.9")["value"] == 1.0
    other = skill_by_class(told(goes_class=["B9.9", "", "M9.9", "X12", "M"] * 2)["hnn"])
    assert other["bin"].tolist() == ["M5.0–M9.9", "X"]
    assert other.attrs["outside"] == 6


def test_worst_misses_are_one_a_flare_the_surest_first():
    table = told()["hnn"]
    found = worst_misses(table)
    # Wrong are 0.2 (eruptive), 0.6 and 0.5 (confined).
    assert found["probability"].tolist() == [0.2, 0.6, 0.5]
    assert found["error"].tolist() == pytest.approx([0.8, 0.6, 0.5])
    same = worst_misses(told(flare_id="one", region="377")["hnn"])
    assert same[["probability", "wrong_hours", "hours"]].to_numpy().tolist() == [[0.2, 3, 10]]
    nameless = worst_misses(told(flare_id="")["hnn"])
    assert len(nameless) == 3
    assert len(worst_misses(table, most=2)) == 2
    assert worst_misses(told(probability=TEN["label"])["hnn"]).empty


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"label": 2}, "label and flux_says"),
        ({"probability": np.nan}, "probability"),
        ({"climatology": 1.5}, "climatology"),
        ({"model": "cnn"}, "'cnn'"),
    ],
)
def test_predictions_that_are_none_are_refused(changes, said):
    with pytest.raises(RunError, match=said):
        read_predictions(ten(**changes))


def test_predictions_that_lack_something_are_refused():
    with pytest.raises(RunError, match="no columns flare_id"):
        read_predictions(ten().drop(columns="flare_id"))
    with pytest.raises(RunError, match="no sequence"):
        read_predictions(ten().iloc[:0])
    with pytest.raises(RunError, match="simulated"):
        read_scores({"threshold": 0.5, "flare_class": "M", "dataset": "", "dataset_sha256": ""})


def test_another_run_is_joined_on_the_same_sequences_only():
    both = join_network(ten(), ten(model="vit", probability=0.1))
    assert list(forecasts(both, 0.5)) == ["hnn", "vit", "climatology", "flux"]
    assert len(join_network(ten(), ten())) == 10
    with pytest.raises(RunError, match="10 and 9, 9 in common"):
        join_network(ten(), ten(model="vit").iloc[1:])


def test_sequences_in_common_are_those_that_could_be_joined():
    assert sequences_in_common(ten(), ten(model="vit")) == 10
    assert sequences_in_common(ten(), ten(model="vit").iloc[3:]) == 7
    assert sequences_in_common(ten(), ten(fold=1)) == 0
    assert sequences_in_common(ten(), ten(label=0)) == 6


def test_papers_values():
    assert PAPER_TSS["M"] == {"hnn": 0.6111, "vit": 0.1837}
    assert set(PAPER_TSS) == {"M5.0", "M", "C"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (number(-0.1234), "−0.123"),
        (number(float("nan")), "undefined"),
        (with_interval(0.5, -0.1, 0.9), ("0.500", "−0.100 to 0.900")),
        (with_interval(0.5, float("nan"), float("nan")), ("0.500", "no interval")),
        (with_interval(float("nan"), 0.0, 0.0), ("undefined", "")),
        (with_error(0.5, 0.0123), ("0.500", "± 0.012")),
        (with_error(float("nan"), float("nan")), ("undefined", "")),
    ],
)
def test_numbers_in_words(words, expected):
    assert words == expected


def test_files_can_be_read_again():
    predictions = ten()
    again = pd.read_csv(io.StringIO(history_csv(predictions)), parse_dates=["hour"])
    assert again["hour"].tolist() == predictions["hour"].tolist()
    np.testing.assert_allclose(again["probability"], predictions["probability"], rtol=1e-6)
    told_ = told(fold=[1, 2] * 5)
    text = scores_csv(score_table(told_), fold_table(told_), threshold=0.5, simulated=True)
    scores = pd.read_csv(io.StringIO(text))
    recall = row(scores, forecast="hnn", score="recall")
    assert recall[["fold_1", "fold_2"]].tolist() == [1.0, 0.5]
    assert recall["mean"] == 0.75
    assert bool(recall["simulated"])
    single = scores_csv(score_table(told_), pd.DataFrame(), threshold=0.5, simulated=False)
    assert "mean" not in single.splitlines()[0]
    assert json.loads(scores_json({"tss": None})) == {"tss": None}

"""Explanations of a predictor's answers: provenance, progress, cancelling, nothing left behind."""

import json
import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import replace

import astropy.units as u
import numpy as np
import pytest
import torch

from hnn_core.exceptions import PositionError, RequestError, SequenceError
from hnn_core.explanation.checks import check_faithfulness, check_randomised
from hnn_core.explanation.service import METHODS, explain
from hnn_core.explanation.work import Pace, Work
from hnn_core.network.attention import capture_attention, own_copy
from tests.support.explanation_models import assert_untouched, state_of
from tests.support.small_models import noise_sequence, small_predictor

MAPS = ("rollout", "relevance", "occlusion", "gradient", "token-norms")
HOURS = ("frame-deletion", "integrated-gradients")


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    return small_predictor(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def sequence():
    return noise_sequence(6)


@pytest.fixture
def untouched(predictor):
    """Checks at the end that the network in service is as it was."""
    before = state_of(predictor.model)
    yield
    assert_untouched(predictor.model, before)


class SetAfter:
    """A flag that is set once it was looked at `looks` times."""

    def __init__(self, looks):
        self.looks = looks

    def is_set(self):
        self.looks -= 1
        return self.looks < 0


def test_a_copy_is_not_heard_by_who_listens_to_the_network(predictor, sequence):
    """Another thread captures attention for the page while an explanation begins."""
    images = predictor.images(sequence)
    with capture_attention(predictor.model.vit) as captured:
        own = own_copy(predictor.model)
        own.embed(images)
        predictor.model.embed(images[:1])
    assert [layer.shape[0] for layer in captured] == [1] * predictor.config.depth


# What comes back


def test_every_method_is_tested_here():
    assert set(METHODS) == {*MAPS, *HOURS}


@pytest.mark.parametrize("method", METHODS)
def test_an_explanation_tells_where_it_comes_from(predictor, sequence, untouched, method):
    found = explain(predictor, sequence, method)
    if method in MAPS:
        assert (found.maps.shape, found.maps.dtype, found.hours) == ((4, 4, 4), np.float32, None)
        assert np.isfinite(found.maps).all()
        assert found.maps.any()
    else:
        assert (found.hours.shape, found.hours.dtype, found.maps) == ((4,), np.float32, None)
        assert found.hours.all()
    assert (found.method, found.model, found.region) == (method, "small", "377")
    assert found.sha256 == predictor.info.sha256
    assert found.t_rec[0] == "2011-02-13T03:00:00"
    assert found.t_rec[-1] == "2011-02-13T06:00:00"
    assert found.frames_passed >= 4
    assert found.signed == (method in ("occlusion", *HOURS))
    assert found.target == ("eruptive" if method in ("relevance", "occlusion", *HOURS) else None)
    values = json.loads(json.dumps(found.to_dict()))
    assert values["parameters"]["batch"] >= 4
    assert "maps" not in values


@pytest.mark.parametrize("method", METHODS)
def test_the_same_question_has_the_same_answer(predictor, sequence, method):
    one, other = (explain(predictor, sequence, method) for _ in range(2))
    assert np.array_equal(one.maps, other.maps) if method in MAPS else True
    assert np.array_equal(one.hours, other.hours) if method in HOURS else True


def test_the_logit_is_that_of_the_prediction(predictor, sequence):
    probability = predictor.predict(sequence).probability
    for method in ("relevance", "occlusion", *HOURS):
        logit = explain(predictor, sequence, method).numbers["logit"]
        assert 1 / (1 + np.exp(-logit)) == pytest.approx(probability, abs=1e-6)


def test_rollout_is_the_predictors_and_is_not_called_why(predictor, sequence):
    found = explain(predictor, sequence, "rollout")
    np.testing.assert_allclose(found.maps, predictor.rollout(sequence), atol=1e-6)
    assert "rollout" in found.title
    assert not any("why" in method.title.lower() for method in METHODS.values())


def test_signed_maps_stay_signed(predictor, sequence):
    signed = explain(predictor, sequence, "relevance", signed=True)
    assert signed.signed
    assert signed.maps.min() < 0 < signed.maps.max()
    assert explain(predictor, sequence, "relevance").maps.min() >= 0
    occluded = explain(predictor, sequence, "occlusion", block=1)
    assert occluded.maps.min() < 0 < occluded.maps.max()


def test_token_norms_flag_by_the_ratio_and_layer_asked_for(predictor, sequence):
    last, first = (explain(predictor, sequence, "token-norms", layer=i) for i in (-1, 0))
    assert not np.array_equal(last.maps, first.maps)
    loose = explain(predictor, sequence, "token-norms", ratio=1.01)
    assert loose.flagged.sum() > last.flagged.sum()
    lower_median = np.sort(loose.maps.ravel())[31]
    assert np.array_equal(loose.flagged, loose.maps > np.float32(1.01) * lower_median)
    assert loose.parameters["ratio"] == 1.01


# What is refused


def test_an_unknown_method_or_setting_is_refused_with_those_there_are(predictor, sequence):
    with pytest.raises(RequestError, match=r"'why'; use one of rollout, relevance"):
        explain(predictor, sequence, "why")
    with pytest.raises(RequestError, match="rollout has no setting 'target'; it has layers"):
        explain(predictor, sequence, "rollout", target="eruptive")


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("relevance", {"batch": 0}),
        ("relevance", {"signed": "yes"}),
        ("token-norms", {"layer": 2}),
    ],
)
def test_an_impossible_setting_is_refused(predictor, sequence, method, options):
    ((name, value),) = options.items()
    with pytest.raises(RequestError, match=f"{name} is {value!r}"):
        explain(predictor, sequence, method, **options)


def test_what_is_not_predicted_is_not_explained_but_rolled_out(predictor, sequence):
    last = replace(sequence.frames[-1], longitude=71.0 * u.deg)
    far = replace(sequence, frames=(*sequence.frames[:-1], last))
    short = noise_sequence(6, length=3)
    for method in ("relevance", "occlusion", *HOURS):
        with pytest.raises(PositionError, match=r"71\.0°"):
            explain(predictor, far, method)
        with pytest.raises(SequenceError, match="has 3"):
            explain(predictor, short, method)
    assert explain(predictor, far, "rollout").maps.shape == (4, 4, 4)
    assert explain(predictor, short, "rollout").maps.shape == (3, 4, 4)


def test_a_field_that_is_not_there_is_no_field(predictor, sequence):
    blank = [replace(frame, field=np.full_like(frame.field, np.nan)) for frame in sequence.frames]
    found = explain(predictor, replace(sequence, frames=tuple(blank)), "occlusion")
    assert not found.maps.any()


# Checks


def faithfulness_of(predictor, sequence, explanation, **choice):
    """Faithfulness of a single map, in few steps."""
    choice = {"steps": 3, "fills": ("zero",), **choice}
    return check_faithfulness(predictor, sequence, {"map": explanation}, **choice)["map"]


def test_faithfulness_follows_the_class_of_the_map_or_the_predicted_one(
    predictor, sequence, untouched
):
    found = explain(predictor, sequence, "relevance", target="confined")
    checked = faithfulness_of(predictor, sequence, found)
    start = next(c for c in checked.curves if (c.order, c.kind) == ("map", "deletion")).value[0]
    prediction = predictor.predict(sequence)
    assert start == pytest.approx(1 - prediction.probability, abs=1e-6)
    rolled = explain(predictor, sequence, "rollout")
    checked = faithfulness_of(predictor, sequence, rolled)
    start = next(c for c in checked.curves if (c.order, c.kind) == ("map", "deletion")).value[0]
    assert start == pytest.approx(max(prediction.probability, 1 - prediction.probability), abs=1e-6)
    with pytest.raises(RequestError, match="for the class 'confined'"):
        faithfulness_of(predictor, sequence, found, target="eruptive")


def test_faithfulness_of_hours_or_of_another_sequence_is_refused(predictor, sequence):
    with pytest.raises(RequestError, match="frame-deletion scores hours"):
        faithfulness_of(predictor, sequence, explain(predictor, sequence, "frame-deletion"))
    other = explain(predictor, noise_sequence(7), "rollout")
    with pytest.raises(RequestError, match="explain again"):
        faithfulness_of(predictor, sequence, other)
    with pytest.raises(RequestError, match="faithfulness check has no setting 'colour'"):
        faithfulness_of(predictor, sequence, explain(predictor, sequence, "rollout"), colour="red")


@pytest.mark.parametrize("method", ["rollout", "relevance", "occlusion"])
def test_the_randomised_check_runs_on_every_map(predictor, sequence, untouched, method):
    check = check_randomised(predictor, sequence, method, cascade=False, seed=1)
    assert len(check.stages) == 1
    assert -1 <= check.stages[0].spearman <= 1
    assert check == check_randomised(predictor, sequence, method, cascade=False, seed=1)


def test_the_randomised_check_of_hours_is_refused(predictor, sequence):
    with pytest.raises(RequestError, match="integrated-gradients draws no map"):
        check_randomised(predictor, sequence, "integrated-gradients")


# Progress, cancelling, nothing left behind


@pytest.mark.parametrize("method", METHODS)
def test_progress_ends_at_its_total_and_never_goes_back(predictor, sequence, method):
    told = []
    found = explain(predictor, sequence, method, batch=3, progress=lambda *n: told.append(n))
    assert told[-1] == (found.frames_passed, found.frames_passed)
    assert told == sorted(told)
    assert told[0][0] == 0


@pytest.mark.parametrize("looks", [0, 1])
@pytest.mark.parametrize("method", METHODS)
def test_cancelling_leaves_nothing_behind(predictor, sequence, untouched, method, looks):
    with pytest.raises(CancelledError, match="Stopped after"):
        explain(predictor, sequence, method, batch=2, cancel=SetAfter(looks))


@pytest.mark.parametrize("looks", [0, 3, 9])
def test_cancelling_a_check_leaves_nothing_behind(predictor, sequence, untouched, looks):
    found = explain(predictor, sequence, "rollout")
    with pytest.raises(CancelledError):
        faithfulness_of(predictor, sequence, found, batch=2, cancel=SetAfter(looks))
    with pytest.raises(CancelledError):
        check_randomised(predictor, sequence, "relevance", batch=2, cancel=SetAfter(looks))


def test_a_threading_event_is_a_flag(predictor, sequence):
    event = threading.Event()
    explain(predictor, sequence, "rollout", cancel=event)
    event.set()
    with pytest.raises(CancelledError):
        explain(predictor, sequence, "rollout", cancel=event)


def test_an_exception_in_the_middle_leaves_nothing_behind(predictor, sequence, untouched):
    def fail(done, total):
        if done:
            raise RuntimeError("on purpose")

    for method in METHODS:
        with pytest.raises(RuntimeError, match="on purpose"):
            explain(predictor, sequence, method, progress=fail)


def test_predictions_go_on_in_other_threads_meanwhile(predictor, sequence, untouched):
    expected = predictor.predict(sequence).probability
    maps = explain(predictor, sequence, "relevance").maps
    images = torch.randn(1, 4, 1, 32, 32)
    with torch.inference_mode():
        logit = predictor.model(images)

    def bare(_):
        with torch.inference_mode():
            return torch.allclose(predictor.model(images), logit, atol=1e-6)

    with ThreadPoolExecutor(4) as pool:
        again = [pool.submit(explain, predictor, sequence, "relevance") for _ in range(6)]
        same = list(pool.map(bare, range(30)))
        assert all(same)
        for future in again:
            np.testing.assert_allclose(future.result().maps, maps, atol=1e-6)
    assert predictor.predict(sequence).probability == expected


def test_inside_inference_mode_and_without_gradients_it_works_alike(predictor, sequence):
    expected = explain(predictor, sequence, "relevance").maps
    with torch.no_grad():
        assert np.array_equal(explain(predictor, sequence, "relevance").maps, expected)


def test_a_network_in_training_mode_stays_in_it(predictor, sequence):
    expected = explain(predictor, sequence, "relevance").maps
    predictor.model.train()
    try:
        before = state_of(predictor.model)
        found = explain(predictor, sequence, "relevance").maps
        assert_untouched(predictor.model, before)
        assert before["training"][0]
    finally:
        predictor.model.eval()
    assert np.array_equal(found, expected)


def test_an_own_copy_holds_the_same_weights_in_memory(predictor):
    own = own_copy(predictor.model)
    for mine, other in zip(own.parameters(), predictor.model.parameters(), strict=True):
        assert mine.data_ptr() == other.data_ptr()
        assert mine is not other
        assert not mine.requires_grad


def test_pace_knows_the_time_left():
    now = [0.0]
    pace = Pace(clock=lambda: now[0])
    work = Work(pace)
    work.expect(10)
    assert np.isnan(pace.seconds_left)
    now[0] = 4.0
    work.passed(2)
    assert (pace.done, pace.total, pace.seconds_left) == (2, 10, 16.0)
    now[0] = 20.0
    work.passed(8)
    assert pace.seconds_left == 0.0

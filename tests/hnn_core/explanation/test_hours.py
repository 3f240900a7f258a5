"""Which of the hours mattered: known answers, completeness, both classes."""

import pytest
import torch

from hnn_core.exceptions import RequestError
from hnn_core.explanation.hours import frame_deletion, integrated_gradients
from tests.support.explanation_models import (
    HOUR,
    HOURS,
    count_frames,
    deaf_model,
    mean_field,
    noise_images,
    one_token_logit,
    one_token_model,
    with_field,
)
from tests.support.small_models import small_model


def only(value):
    scores = torch.zeros(HOURS)
    scores[HOUR] = value
    return scores


@pytest.mark.parametrize("method", [frame_deletion, integrated_gradients])
@pytest.mark.parametrize("field", [0.5, -0.3])
def test_the_hour_that_is_read_carries_the_whole_logit(method, field):
    # Without field the logit is 0, so the whole of it is that hour's.
    found = method(one_token_model(), with_field(field, noise_images()))
    expected = one_token_logit(field)
    torch.testing.assert_close(found.values, only(expected), atol=1e-5, rtol=1e-5)
    assert found.logit == pytest.approx(expected, abs=1e-5)
    confined = method(one_token_model(), with_field(field, noise_images()), target="confined")
    torch.testing.assert_close(confined.values, -found.values)


def test_the_neighbour_takes_only_what_was_new():
    images = noise_images()
    before = one_token_logit(mean_field(images, hour=HOUR - 1))
    change = one_token_logit(mean_field(images)) - before
    found = frame_deletion(one_token_model(), images, instead="neighbour").values
    torch.testing.assert_close(found, only(change), atol=1e-5, rtol=1e-5)
    # The first hour's neighbour is the second.
    first = one_token_model(hour=0)
    scores = frame_deletion(first, images, instead="neighbour").values
    fields = [mean_field(images, hour=hour) for hour in (0, 1)]
    one, other = (one_token_logit(field, hour=0) for field in fields)
    assert scores[0].item() == pytest.approx(one - other, abs=1e-5)


def test_hours_of_a_region_that_stands_still_are_worth_nothing_new():
    images = noise_images()[:1].expand(HOURS, -1, -1, -1)
    model = small_model()
    assert frame_deletion(model, images, instead="neighbour").values.abs().max() < 1e-6
    assert integrated_gradients(model, images, start="first").values.abs().max() < 1e-6


@pytest.mark.parametrize("method", [frame_deletion, integrated_gradients])
def test_no_hour_matters_to_a_network_that_ignores_its_input(method):
    found = method(deaf_model(), noise_images())
    assert torch.equal(found.values.abs(), torch.zeros(HOURS))
    assert found.logit == pytest.approx(0.3)


@pytest.mark.parametrize("start", ["zero", "first"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_integrated_gradients_sum_to_the_difference_of_logits(start, seed):
    model, images = small_model(seed).double(), noise_images(seed).double()
    with torch.no_grad():  # an LSTM that saturates: a hard path
        model.lstm.weight_ih_l0.mul_(4.0)
        model.classifier.weight.mul_(10.0)
        begin = images[:1] if start == "first" else torch.zeros_like(images[:1])
        expected = model(images[None]) - model(begin.expand_as(images)[None])
    found = integrated_gradients(model, images, start=start, steps=64)
    total = found.values.sum().item()
    # 64 points of Gauss-Legendre are far beyond what this integrand needs.
    assert total == pytest.approx(expected.item(), abs=1e-6)
    assert found.residual == pytest.approx(total - expected.item(), abs=1e-9)
    assert found.logit - found.baseline_logit == pytest.approx(expected.item(), abs=1e-9)


def test_residual_tells_of_too_few_points():
    model, images = small_model().double(), noise_images().double()
    with torch.no_grad():
        model.lstm.weight_ih_l0.mul_(20.0)
        model.classifier.weight.mul_(10.0)
    residuals = [
        abs(integrated_gradients(model, images, steps=steps).residual) for steps in (1, 128)
    ]
    assert residuals[0] > 1e-2
    assert residuals[1] < 1e-2 * residuals[0]


def test_frame_deletion_is_that_of_whole_sequences():
    model, images = small_model(), noise_images()
    found = frame_deletion(model, images).values
    for hour in range(HOURS):
        without = images.clone()
        without[hour] = 0
        with torch.no_grad():
            expected = (model(images[None]) - model(without[None])).item()
        assert found[hour].item() == pytest.approx(expected, abs=2e-6)


def test_a_frame_without_field_is_embedded_once(monkeypatch):
    sizes = count_frames(monkeypatch)
    frame_deletion(small_model(), noise_images())
    assert sum(sizes) == HOURS + 1


@pytest.mark.parametrize("method", [frame_deletion, integrated_gradients])
def test_scores_are_the_same_for_every_batch_size(method):
    model, images = small_model(), noise_images()
    whole = method(model, images).values
    for batch in (1, 3):
        torch.testing.assert_close(
            method(model, images, batch=batch).values, whole, atol=1e-5, rtol=1e-3
        )


@pytest.mark.parametrize("method", [frame_deletion, integrated_gradients])
def test_the_baseline_network_has_a_last_hour_only(method):
    scores = method(small_model(temporal=False), noise_images()).values
    assert torch.equal(scores[:-1].abs(), torch.zeros(HOURS - 1))
    assert scores[-1] != 0


def test_a_single_hour_has_no_neighbour():
    model = small_model(temporal=False)
    found = frame_deletion(model, noise_images(n_hours=1), instead="neighbour")
    assert found.values.tolist() == [0.0]


@pytest.mark.parametrize(
    ("method", "options"),
    [
        (frame_deletion, {"instead": "noise"}),
        (integrated_gradients, {"start": "last"}),
        (integrated_gradients, {"steps": 0}),
        (integrated_gradients, {"steps": 2.5}),
    ],
)
def test_impossible_choices_are_refused(method, options):
    with pytest.raises(RequestError, match=repr(next(iter(options.values())))):
        method(small_model(), noise_images(), **options)

"""Loss and scores against values worked by hand."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hnn_core.scores import region_interval, skill_scores
from hnn_core.training.module import focal_loss


def test_focal_loss_by_hand() -> None:
    """With p = 0.8 class 1 gives 0.4 * 0.2^2 * -ln 0.8, class 0 gives 0.6 * 0.8^2 * -ln 0.2."""
    logit = math.log(0.8 / 0.2)
    one = focal_loss(torch.tensor([logit]), torch.tensor([1]))
    zero = focal_loss(torch.tensor([logit]), torch.tensor([0]))
    assert one.item() == pytest.approx(0.4 * 0.04 * -math.log(0.8), rel=1e-5)
    assert zero.item() == pytest.approx(0.6 * 0.64 * -math.log(0.2), rel=1e-5)
    both = focal_loss(torch.tensor([logit, logit]), torch.tensor([1, 0]))
    assert both.item() == pytest.approx((one.item() + zero.item()) / 2, rel=1e-6)


def test_focal_loss_without_focus_is_half_the_cross_entropy() -> None:
    logits, target = torch.randn(64), torch.randint(2, (64,)).float()
    expected = torch.nn.functional.binary_cross_entropy_with_logits(logits, target) / 2
    assert focal_loss(logits, target, alpha=0.5, gamma=0.0).item() == pytest.approx(
        expected.item(), rel=1e-5
    )


def test_focal_loss_is_finite_at_extreme_logits() -> None:
    logits = torch.tensor([-200.0, 200.0], requires_grad=True)
    loss = focal_loss(logits, torch.tensor([1.0, 0.0]))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()


def test_scores_by_hand() -> None:
    """Three hits, one miss, two false alarms, four correct negatives."""
    truth = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    said = [1, 1, 1, 0, 1, 1, 0, 0, 0, 0]
    scores = skill_scores(truth, said)
    assert scores["recall"] == pytest.approx(3 / 4)
    assert scores["precision"] == pytest.approx(3 / 5)
    assert scores["accuracy"] == pytest.approx(7 / 10)
    assert scores["hss"] == pytest.approx(2 * (12 - 2) / (4 * 5 + 5 * 6))
    assert scores["tss"] == pytest.approx(3 / 4 - 2 / 6)
    assert (scores["tp"], scores["fp"], scores["tn"], scores["fn"]) == (3, 2, 4, 1)


def test_undefined_scores_are_nan() -> None:
    scores = skill_scores([0, 0], [0, 0])
    assert math.isnan(scores["recall"])
    assert math.isnan(scores["tss"])
    assert scores["accuracy"] == 1.0


@pytest.mark.parametrize(("truth", "said"), [([1], [1, 0]), ([], []), ([2], [1])])
def test_bad_lists_are_refused(truth: list[int], said: list[int]) -> None:
    with pytest.raises(ValueError, match=r"lists|0 or 1"):
        skill_scores(truth, said)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_swapping_the_classes_keeps_tss_and_hss(pairs: list[tuple[bool, bool]]) -> None:
    truth, said = np.array(pairs).T
    direct, swapped = skill_scores(truth, said), skill_scores(~truth, ~said)
    for name in ("tss", "hss"):
        assert direct[name] == pytest.approx(swapped[name], nan_ok=True)
        assert math.isnan(direct[name]) or -1.0 <= direct[name] <= 1.0


def test_interval_from_regions_is_wider_than_from_frames() -> None:
    """Frames of one region repeat each other: 20 regions are worth 20 draws, not 400."""
    rng = np.random.default_rng(1)
    truth = np.repeat(np.arange(20) % 2, 20)
    said = np.where(np.repeat(rng.random(20) < 0.8, 20), truth, 1 - truth)
    region = np.repeat(np.arange(20), 20)
    by_region = region_interval(truth, said, region)
    by_frame = region_interval(truth, said, np.arange(400))
    assert by_region[1] - by_region[0] > 2 * (by_frame[1] - by_frame[0])
    tss = skill_scores(truth, said)["tss"]
    assert by_region[0] <= tss <= by_region[1]

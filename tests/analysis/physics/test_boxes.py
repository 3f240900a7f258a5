"""A window whose boxes grow and move says what it says in one box (docs/method.md, "Frames")."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.physics.flux import flux_history, size_note
from analysis.physics.pil import PilMasks, PilSettings
from analysis.physics.trends import systematics
from analysis.physics.verdict import verdict
from analysis.physics.window_fluxes import MASKS, window_fluxes
from hnn_core.magnetogram.grid import common_box
from tests.support.moving_boxes import GROWING, INSIDE, WHOLE, boxes, frames_of

TEN = GROWING[:10]


def fixed(fall: float = 0.03):
    return frames_of([WHOLE] * 10, fall)


@cache
def in_one_box():
    return systematics(fixed())


@pytest.mark.slow
@given(st.lists(boxes, min_size=10, max_size=10))
@settings(max_examples=5)
def test_any_boxes_give_the_same_fluxes_and_the_same_verdict(cuts):
    whole, moved = in_one_box(), systematics(frames_of(cuts))
    lines = [m for m, mask in enumerate(MASKS) if mask != "patch"]
    for name in ("positive", "negative", "error"):
        one, other = getattr(whole.fluxes, name), getattr(moved.fluxes, name)
        np.testing.assert_allclose(other[:, lines, :, 0], one[:, lines, :, 0], rtol=1e-12)
        np.testing.assert_allclose(other[:, lines, :, 1], one[:, lines, :, 1], rtol=1e-4)  # mu_map
    assert verdict(moved).word == verdict(whole).word == "consistent with cancellation"
    assert verdict(moved).sentence == verdict(whole).sentence
    # The whole patch: what all frames cover, which is summed here by hand.
    part = WHOLE.part(common_box(cuts))
    patch = moved.fluxes.unsigned[:, MASKS.index("patch"), 0, 0]
    by_hand = [np.abs(frame.field[part]).sum(dtype=np.float64) * 1e15 for frame in fixed()]
    np.testing.assert_allclose(patch, by_hand, rtol=1e-6)


def test_a_patch_that_grows_is_no_flux_that_rises():
    found = systematics(frames_of(TEN, fall=0.0))
    history = flux_history(frames_of(TEN, fall=0.0))
    assert (np.diff(history["total_unsigned_flux_mx"]) > 0).all()
    assert found.trend("patch").slope.value == pytest.approx(0.0, abs=1e12)
    assert not found.trend("patch").rises
    assert verdict(found).word == "no trend"
    assert size_note(history).startswith("The patch changes its size (56 × 36 pixels to ")
    assert size_note(flux_history(fixed())) == ""


def test_a_line_that_only_the_larger_patches_have_is_no_flux_that_rises():
    frames = frames_of(TEN, fall=0.0)
    for frame in frames[5:]:
        frame.field[:, -5:] = 900.0  # in the west, which the first patches do not cover
        frame.field[:, -9:-5] = -900.0
    assert systematics(frames).trend().slope.value == pytest.approx(0.0, abs=1e12)


def test_the_area_that_counts_is_named():
    found = systematics(frames_of(TEN))
    (note,) = [one for one in verdict(found).caveats if "changes its box" in one]
    last = TEN[-1]
    assert f"(56 × 36 pixels to {last.cols} × {last.rows} pixels)" in note
    assert "the 56 × 36 pixels that every hour covers" in note
    assert not any("changes its box" in one for one in verdict(systematics(fixed())).caveats)
    moved = [INSIDE, *[WHOLE] * 9]
    assert [part[0].start for part in window_fluxes(frames_of(moved)).parts] == [0, *[14] * 9]


def test_nine_hours_are_too_few_points_and_nothing_else_is():
    words = " ".join(verdict(systematics(frames_of(TEN))).evidence)
    assert "too few points" not in words
    few = verdict(systematics(frames_of(TEN[:9])))
    assert few.word == "insufficient"
    assert sum("too few points" in one for one in few.evidence) == 3


def test_masks_of_the_frames_are_those_of_their_whole_patches():
    frames = frames_of(TEN)
    for frame, masks in zip(frames, window_fluxes(frames).masks, strict=True):
        own = PilSettings().detect(frame.field)
        assert isinstance(masks, PilMasks)
        np.testing.assert_array_equal(masks.ropi, own.ropi)

"""The three marks of a map, against results that are written down by hand."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from analysis.cases.marks import faithful_mark, hours_mark, place_hours, place_mark
from analysis.cases.overlap import Overlap
from hnn_core.explanation.faithfulness_result import Comparison, Faithfulness
from hnn_core.explanation.randomised import RandomisedCheck, Stage
from tests.support.drawn_regions import boundary, drawn_magnetogram

RANDOM = tuple(np.linspace(0.4, 0.6, 20))


def scores(deleted: list[float], integrated: list[float]) -> list[Any]:
    methods = {"frame-deletion": deleted, "integrated-gradients": integrated}
    return [
        SimpleNamespace(method=name, hours=np.array(hours), target="eruptive")
        for name, hours in methods.items()
    ]


@pytest.mark.parametrize(
    ("deleted", "integrated", "state", "verdict"),
    [
        ([0.1, -0.3, 0.9], [0.0, 0.1, 0.5], "yes", "Hours: t (+0.90) and t−1 (−0.30) matter most"),
        ([0.0, 0.0, 0.9], [0.0, 0.0, 0.5], "yes", "Hours: only t (+0.90) matters"),
        ([0.9, 0.1, 0.2], [0.0, -0.7, 0.0], "unsure", "Hours: t−2 (+0.90) or t−1 (−0.70), methods"),
        ([0.0, 0.0, 0.0], [0.0, 0.0, 0.0], "no", "Hours: none changes the log-odds"),
        ([0.4], [0.4], "yes", "Hours: only t (+0.40) matters"),
    ],
)
def test_hours_are_named_by_how_much_they_change(deleted, integrated, state, verdict):
    mark = hours_mark(scores(deleted, integrated))
    assert mark.state == state
    assert mark.verdict.startswith(verdict)


def overlap(own: float, draws: np.ndarray, area: float = 0.1) -> Overlap:
    return Overlap(own, area, float(draws.mean()), draws, own)


def test_a_map_is_near_the_pil_only_if_random_regions_hold_less():
    draws = np.linspace(0.05, 0.15, 1001)
    near, far = ({"near": overlap(own, draws)} for own in (0.21, 0.1))
    mark = place_mark(near)
    assert (mark.state, mark.verdict) == ("yes", "Near the PIL: 2.10× chance, p = 0.001")
    assert "95 % of them 0.53 to 1.47×" in mark.words
    mark = place_mark(far)
    assert (mark.state, mark.verdict) == ("no", "No nearer the PIL: 1.00× chance, p = 0.5")
    without = place_mark({"near": overlap(0.0, draws, area=0.0)})
    assert (without.state, without.verdict) == ("unknown", "PIL: not known")
    assert "no PIL" in without.words


def test_a_map_on_the_line_of_a_drawn_field_is_near_it():
    mag = drawn_magnetogram(boundary(128, 192))
    tokens = np.full((1, 8, 8), 0.1)
    tokens[:, :, 3:5] = 1.0
    seen = []
    (found,) = place_hours(tokens, [mag], 128, progress=lambda *done: seen.append(done))
    assert seen == [(0, 1)]
    assert place_mark(found).state != "unknown"
    assert found["near"].enrichment > 1.0


def compared(*areas: tuple[str, float]) -> Faithfulness:
    found = tuple(Comparison("zero", kind, area, 0.5, 0.5, RANDOM) for kind, area in areas)
    return Faithfulness((), found, len(RANDOM), flat=False)


def changes(correlation: float) -> RandomisedCheck:
    return RandomisedCheck((Stage("whole network", correlation, correlation),))


GOOD, BAD, SAME = ("deletion", 0.1), ("deletion", 0.9), ("deletion", 0.5)


@pytest.mark.parametrize(
    ("found", "correlation", "state", "verdict"),
    [
        (compared(GOOD, GOOD), 0.1, "yes", "Faithful: better than random in 2 of 2 curves"),
        (compared(GOOD, GOOD), 0.8, "unsure", "Shows the input, not what was learnt (r = 0.80)"),
        (compared(GOOD, SAME), 0.1, "unsure", "Mixed: better than random in 1 of 2 curves"),
        (
            compared(GOOD, BAD, SAME),
            0.1,
            "unsure",
            "Mixed: better than random in 1, worse in 1 of 3 curves",
        ),
        (compared(SAME, BAD), 0.1, "no", "Not faithful: better than random in 0 of 2 curves"),
        (compared(SAME), 0.1, "no", "Not faithful: better than random in 0 of 1 curves"),
    ],
)
def test_a_map_is_faithful_only_if_every_curve_and_the_random_weights_say_so(
    found, correlation, state, verdict
):
    mark = faithful_mark(found, changes(correlation))
    assert (mark.state, mark.verdict) == (state, verdict)
    assert found.verdict in mark.words
    assert "random orders 0.50" in mark.words


def test_a_flat_map_is_not_faithful():
    found = Faithfulness((), compared(SAME).comparisons, 20, flat=True)
    mark = faithful_mark(found, changes(float("nan")))
    assert (mark.state, mark.verdict) == ("no", "Not faithful: the same everywhere")

"""A run's events added up, and the curves drawn of them."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from analysis.figures.style import put_on
from analysis.figures.training import compare_runs_figure, loss_figure, validation_figure
from hnn_core.training.progress import (
    EventLog,
    Steadily,
    member_progress,
    n_members,
    read_progress,
    share_done,
)

START = {
    "event": "start",
    "epochs": 4,
    "steps_per_epoch": 10,
    "device": "CPU, 2 threads",
    "sequences": {"train": 320, "validation": 30, "test": 80},
    "resumed_epoch": None,
}


def step(epoch: int, batch: int, **more) -> dict:
    return {
        "event": "step",
        "epoch": epoch,
        "batch": batch,
        "batches": 10,
        "seconds_left": 90.0,
        "sequences_per_s": 12.5,
        "data_fraction": 0.25,
        "memory_mb": 700.0,
        **more,
    }


def epoch(number: int, **more) -> dict:
    return {"event": "epoch", "epoch": number, "validation": {"tss": 0.5}, "best_epoch": 1, **more}


def test_before_the_first_event_nothing_is_known():
    progress = read_progress([])
    assert progress.fraction == 0
    assert progress.seconds_left is None
    assert progress.messages == ()


def test_a_step_in_the_third_epoch_is_that_far():
    progress = read_progress([START, step(0, 10), epoch(1), epoch(2), step(2, 5)])
    assert progress.fraction == pytest.approx((2 + 0.5) / 4)
    assert (progress.epoch, progress.batch, progress.batches) == (2, 5, 10)
    assert (progress.sequences_per_s, progress.data_fraction, progress.memory_mb) == (
        12.5,
        0.25,
        700.0,
    )
    assert progress.validation == {"tss": 0.5}
    assert progress.device == "CPU, 2 threads"


def test_the_best_epoch_has_its_own_scores():
    def scored(number, tss, best):
        return epoch(number, validation={"tss": tss, "loss": 1.0 - tss}, best_epoch=best)

    progress = read_progress([START, scored(1, 0.5, 1), scored(2, 0.7, 2), scored(3, 0.2, 2)])
    assert progress.best_epoch == 2
    assert progress.best_validation["tss"] == 0.7
    assert progress.validation["tss"] == 0.2
    # An epoch that is done again after a new start has the scores of its last pass.
    again = read_progress(
        [
            START,
            scored(1, 0.5, 1),
            scored(2, 0.7, 2),
            {**START, "resumed_epoch": 1},
            scored(2, 0.6, 2),
        ]
    )
    assert again.best_validation["tss"] == 0.6
    without = read_progress([START, {**epoch(1), "validation": None}])
    assert (without.best_epoch, without.best_validation) == (1, {})


def test_the_last_epoch_is_the_end_and_never_more():
    assert read_progress([START, step(3, 10), epoch(4)]).fraction == 1.0
    assert read_progress([START, step(4, 10)]).fraction == 1.0


def test_a_new_start_takes_back_what_was_not_kept():
    resumed = {**START, "resumed_epoch": 1, "device": "NVIDIA H100"}
    progress = read_progress([START, epoch(1), step(1, 9), resumed])
    assert progress.fraction == pytest.approx(1 / 4)
    assert progress.seconds_left is None
    assert progress.device == "NVIDIA H100"
    assert progress.best_epoch == 1


def test_messages_keep_their_order_level_and_member():
    told = {"event": "message", "time": "2026-11-25T01:00:00Z", "level": "warning"}
    progress = read_progress(
        [{**told, "text": "first"}, START, {**told, "text": "second", "member": "hnn-fold2"}]
    )
    assert [message["text"] for message in progress.messages] == ["first", "hnn-fold2: second"]
    assert progress.messages[0]["level"] == "warning"


def test_unknown_events_are_passed_over():
    assert read_progress([START, {"event": "picture"}, {"event": "end"}]).epochs == 4


def test_members_are_told_apart():
    events = [
        {**START, "member": "hnn-fold1"},
        {**epoch(4), "member": "hnn-fold1"},
        {**START, "member": "vit-fold1"},
        {**step(2, 0), "member": "vit-fold1"},
        {"event": "message", "text": "of the whole"},
    ]
    members = member_progress(events)
    assert list(members) == ["hnn-fold1", "vit-fold1"]
    assert [one.fraction for one in members.values()] == [1.0, 0.5]
    assert share_done(members, 10) == pytest.approx(0.15)


@pytest.mark.parametrize(
    ("config", "number"),
    [
        ({"kind": "crossval", "folds": 5}, 10),
        ({"kind": "sweep", "grid": {"frames": [6, 8, 10], "patch": [8, 16]}}, 6),
    ],
)
def test_trainings_asked_for_are_counted(config, number):
    assert n_members(config) == number


STEPS = pd.DataFrame(
    {"epoch": [0, 0, 1], "batch": [5, 10, 5], "batches": 10, "loss": [0.3, 0.2, 0.1]}
)
EPOCHS = pd.DataFrame(
    {
        "epoch": [1, 2, 3],
        "train_loss": [0.25, 0.15, 0.1],
        "validation_loss": [0.26, 0.2, 0.21],
        "validation_tss": [-0.3, np.nan, 0.4],
        "validation_hss": [0.0, 0.2, 0.3],
    }
)


def traces(figure) -> dict:
    assert json.loads(figure.to_json())["data"]
    return {trace.name: trace for trace in figure.data}


def test_steps_lie_at_their_part_of_the_epoch():
    drawn = traces(loss_figure(STEPS, EPOCHS, n_epochs=40))
    assert list(drawn) == ["steps", "training", "validation"]
    np.testing.assert_allclose(drawn["steps"].x, [0.5, 1.0, 1.5])
    np.testing.assert_allclose(drawn["validation"].y, [0.26, 0.2, 0.21])


def test_without_a_validation_set_only_the_training_is_drawn():
    drawn = traces(loss_figure(STEPS, EPOCHS[["epoch", "train_loss"]]))
    assert list(drawn) == ["steps", "training"]


def test_many_steps_are_drawn_as_means_of_neighbours():
    n = 30_001
    steps = pd.DataFrame({"epoch": np.arange(n) // 1000, "batch": np.arange(n) % 1000 + 1})
    steps["batches"], steps["loss"] = 1000, np.where(np.arange(n) % 2, 0.1, 0.3)
    line = traces(loss_figure(steps, EPOCHS))["steps"]
    assert 1000 < len(line.x) <= 1500
    assert np.all(np.diff(line.x) > 0)
    # Blocks have 21 steps, so that the odd one weighs 1/21 of the difference at most.
    np.testing.assert_allclose(line.y[:-1], 0.2, atol=0.2 / 21)


def test_skill_below_zero_has_room_and_an_undefined_one_breaks_the_line():
    figure = validation_figure(EPOCHS, best_epoch=3, n_epochs=40)
    drawn = traces(figure)
    assert list(drawn) == ["TSS", "HSS"]
    assert np.isnan(drawn["TSS"].y[1])
    assert figure.layout.yaxis.range[0] < -0.3
    assert [note.text for note in figure.layout.annotations] == ["lowest validation loss"]
    assert figure.layout.xaxis.range == (0, pytest.approx(40.8))


def test_skill_without_a_validation_set_is_an_empty_figure():
    assert not validation_figure(EPOCHS[["epoch", "train_loss"]]).data


def test_compared_runs_are_told_apart_by_colour_then_dash():
    runs = {f"run {i}": EPOCHS for i in range(9)} | {"no scores": EPOCHS[["epoch"]]}
    drawn = traces(compare_runs_figure(runs, score="validation_hss"))
    assert list(drawn) == [f"run {i}" for i in range(9)]
    looks = {(trace.line.color, trace.line.dash) for trace in drawn.values()}
    assert len(looks) == 9


def test_an_unknown_score_is_refused():
    with pytest.raises(ValueError, match="unknown score 'auc'"):
        compare_runs_figure({}, score="auc")


def test_what_comes_before_the_first_step_is_told_and_then_over():
    reading = {"event": "progress", "what": "Reading frames", "done": 3, "total": 12}
    before = read_progress([{**reading, "seconds_left": 4.5}])
    assert (before.preparing, before.prepared, before.seconds_left) == ("Reading frames", 0.25, 4.5)
    begun = {"event": "start", "epochs": 2, "steps_per_epoch": 5, "device": "CPU"}
    assert read_progress([{**reading, "seconds_left": 4.5}, begun]).preparing is None


def test_long_work_is_told_now_and_then_and_at_its_end(tmp_path, monkeypatch):
    clock = iter(range(0, 1000))
    monkeypatch.setattr("hnn_core.training.progress.time.monotonic", lambda: float(next(clock)) / 4)
    tell = Steadily(EventLog(tmp_path / "metrics.jsonl"), "Reading frames")
    for done in range(1, 101):
        tell(done, 100)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert 5 < len(lines) < 30
    assert lines[-1]["done"] == 100
    assert lines[0]["seconds_left"] > 0


def test_curves_of_simulated_data_say_so():
    epochs = pd.DataFrame({"epoch": [1, 2], "train_loss": [0.2, 0.1], "validation_tss": [0.1, 0.3]})
    for simulated in (True, False):
        for figure in (
            loss_figure(pd.DataFrame(), epochs),
            validation_figure(epochs),
            compare_runs_figure({"a": epochs}),
        ):
            put_on(figure, simulated=simulated)
            texts = [note.text for note in figure.layout.annotations]
            assert ("simulated data" in texts) == simulated


@pytest.mark.parametrize("epochs", [{"epoch": []}, {"epoch": [1], "validation_tss": [math.nan]}])
def test_before_the_first_score_the_axis_is_that_of_scores_above_zero(epochs):
    figure = validation_figure(pd.DataFrame(epochs), best_epoch=None, n_epochs=3)
    assert figure.layout.yaxis.range == (-0.03, 1.03)

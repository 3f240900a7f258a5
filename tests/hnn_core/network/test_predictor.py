"""A model in service: what it computes, how often, and what it refuses."""

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import astropy.units as u
import numpy as np
import pandas as pd
import pytest
import torch
from astropy.time import Time

from hnn_core.exceptions import ModelError, PositionError, SequenceError, UnknownRegionError
from hnn_core.magnetogram.preprocess import preprocess
from hnn_core.network.attention import capture_attention, rollout
from hnn_core.network.embedding import choose_device
from hnn_core.sources.sequence import build_sequence
from tests.support.moving_boxes import GROWING, WHOLE, BoxSource
from tests.support.small_models import (
    START,
    NoiseSource,
    noise_frame,
    noise_sequence,
    small_predictor,
)


@pytest.fixture
def predictor(tmp_path):
    return small_predictor(tmp_path)


@pytest.fixture
def passes(predictor):
    """Batch sizes of every pass of the vision transformer so far."""
    return watch_passes(predictor)


def watch_passes(predictor):
    sizes = []
    for model in (predictor.model, predictor._embedder._watched):
        model.vit.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    return sizes


def images(predictor, sequence):
    """Preprocessed frames (1, T, 1, H, W), made without the predictor."""
    config = predictor.preprocess_config
    frames = np.stack([preprocess(frame.field, config)[0] for frame in sequence.frames])
    return torch.from_numpy(frames)[None, :, None]


def at_longitude(sequence, degrees):
    last = replace(sequence.frames[-1], longitude=degrees * u.deg)
    return replace(sequence, frames=(*sequence.frames[:-1], last))


# What is computed


def test_probability_is_the_networks_own(predictor):
    sequence = noise_sequence(6)
    with torch.inference_mode():
        expected = torch.sigmoid(predictor.model(images(predictor, sequence)))
    prediction = predictor.predict(sequence)
    assert prediction.probability == pytest.approx(float(expected), abs=1e-6)


def test_prediction_tells_where_it_comes_from(predictor):
    source = NoiseSource(absent={4, 5}, changes={3: {"quality": 0x400}})
    source.quality = lambda region: np.where(
        np.arange(12) == 3, 0x400, NoiseSource.quality(source, region)
    ).astype(np.uint32)
    prediction = predictor.predict(noise_sequence(6, source=source))
    assert (prediction.harp, prediction.noaa, prediction.region) == (377, (11158,), "377")
    assert prediction.t_rec == "2011-02-13T06:00:00"
    assert [hour.t_rec[11:13] for hour in prediction.hours] == ["03", "04", "05", "06"]
    assert [hour.interpolated for hour in prediction.hours] == [False, True, True, False]
    assert [hour.flagged for hour in prediction.hours] == [True, True, True, False]
    assert (prediction.model, prediction.flare_class) == ("small", "M")
    assert prediction.sha256 == predictor.info.sha256
    assert prediction.device.startswith("CPU, ")
    assert (prediction.simulated, prediction.warnings) == (False, ())


def test_prediction_as_json_values(predictor):
    values = predictor.predict(noise_sequence(6)).to_dict()
    assert values["class"] == "M"
    assert values["time_scale"] == "tai"
    assert values["hours"][0] == {
        "hour": "2011-02-13T03:00:00",
        "t_rec": "2011-02-13T03:00:00",
        "interpolated": False,
        "flagged": False,
    }


@pytest.mark.parametrize(
    ("bias", "label"), [(0.0, "eruptive"), (-1e-3, "confined"), (5.0, "eruptive")]
)
def test_label_is_eruptive_at_the_threshold_and_above(predictor, bias, label):
    with torch.no_grad():
        predictor.model.classifier.weight.zero_()
        predictor.model.classifier.bias.fill_(bias)
    prediction = predictor.predict(noise_sequence(6))
    assert prediction.label == label
    assert prediction.probability == pytest.approx(1 / (1 + np.exp(-bias)))


def test_threshold_is_the_models(tmp_path):
    predictor = small_predictor(tmp_path, threshold=0.999)
    assert predictor.predict(noise_sequence(6)).label == "confined"


def test_rollout_is_that_of_each_frame_alone(predictor):
    sequence = noise_sequence(6)
    maps = predictor.rollout(sequence)
    assert maps.shape == (4, 4, 4)
    assert maps.dtype == np.float32
    vit = predictor.model.vit
    for hour, frame in enumerate(images(predictor, sequence)[0]):
        with torch.inference_mode(), capture_attention(vit) as captured:
            vit(frame[None])
        expected = rollout(captured).reshape(4, 4).numpy()
        np.testing.assert_allclose(maps[hour], expected, atol=1e-6)


def test_the_card_speaks_beside_the_probability(tmp_path):
    metadata = {"trained_on": "simulated regions", "caution": "It forecasts nothing."}
    prediction = small_predictor(tmp_path, metadata=metadata).predict(noise_sequence(6))
    assert prediction.trained_on == "simulated regions"
    assert prediction.warnings == ("It forecasts nothing.",)


# How often the network runs


def test_stepping_one_hour_embeds_one_frame(predictor, passes):
    source = NoiseSource()
    predictor.predict(noise_sequence(6, source=source))
    assert passes == [4]
    predictor.predict(noise_sequence(6, source=source))
    assert passes == [4]
    predictor.predict(noise_sequence(7, source=source))
    assert passes == [4, 1]
    predictor.predict(noise_sequence(6, source=source))
    assert passes == [4, 1]


def test_a_frame_is_known_by_its_pixels_not_by_its_name(predictor, passes):
    sequence = noise_sequence(6)
    predictor.predict(sequence)
    renamed = tuple(replace(f, field=f.field.copy(), harp=1, origin="x") for f in sequence.frames)
    predictor.predict(replace(sequence, frames=renamed))
    assert passes == [4]
    field = sequence.frames[-1].field.copy()
    field[20, 35] += 1.0
    last = replace(sequence.frames[-1], field=field)
    predictor.predict(replace(sequence, frames=(*sequence.frames[:-1], last)))
    assert passes == [4, 1]


def test_the_shape_of_a_field_belongs_to_its_content(predictor, passes):
    frame = noise_frame(0, shape=(40, 80))
    turned = replace(frame, field=frame.field.reshape(80, 40))
    predictor._embedder.read([frame])
    predictor._embedder.read([turned])
    assert passes == [1, 1]


def test_equal_frames_of_a_sequence_are_embedded_once(predictor, passes):
    sequence = noise_sequence(6)
    predictor.predict(replace(sequence, frames=sequence.frames[-1:] * 4))
    assert passes == [1]


def test_rollout_and_prediction_share_one_pass(predictor, passes):
    sequence = noise_sequence(6)
    prediction = predictor.predict(sequence, with_rollout=True)
    predictor.rollout(sequence)
    assert passes == [4]
    predictor.rollout(noise_sequence(7))
    assert passes == [4, 1]
    assert predictor.predict(sequence) == prediction


def test_prediction_alone_does_not_pay_for_attention(predictor, monkeypatch):
    def called(*_, **__):
        raise AssertionError("attention was captured")

    monkeypatch.setattr("hnn_core.network.embedding.capture_attention", called)
    predictor.predict(noise_sequence(6))
    with pytest.raises(AssertionError, match="attention was captured"):
        predictor.rollout(noise_sequence(6))


def test_looking_at_the_maps_does_not_change_the_probability(predictor, passes):
    sequence = noise_sequence(6)
    before = predictor.predict(sequence)
    predictor.rollout(sequence)
    assert passes == [4, 4]
    assert predictor.predict(sequence) == before
    predictor.rollout(sequence)
    assert passes == [4, 4]


def test_memory_of_frames_is_bounded_and_forgets_the_oldest(tmp_path):
    predictor = small_predictor(tmp_path, cache_frames=3)
    passes = watch_passes(predictor)
    frames = [noise_frame(index) for index in range(5)]
    predictor._embedder.read(frames[:3])
    predictor._embedder.read([frames[0]])  # now frame 1 is the one not used for longest
    predictor._embedder.read([frames[3]])
    predictor._embedder.read([frames[0], frames[2]])
    assert passes == [3, 1]
    predictor._embedder.read([frames[1]])
    assert passes == [3, 1, 1]
    assert len(predictor._embedder._known) == 3


def test_a_sequence_longer_than_the_memory_is_predicted_all_the_same(tmp_path):
    small = small_predictor(tmp_path / "a", cache_frames=2)
    large = small_predictor(tmp_path / "b")
    sequence = noise_sequence(6)
    assert small.predict(sequence).probability == large.predict(sequence).probability
    assert small.rollout(sequence).shape == (4, 4, 4)


def test_more_frames_than_a_batch_pass_in_batches(predictor, passes):
    predictor._embedder.batch = 3
    readings = predictor._embedder.read([noise_frame(index) for index in range(7)])
    assert passes == [3, 3, 1]
    assert len(readings) == 7


def test_threads_share_the_work(predictor, passes):
    source, barrier = NoiseSource(), threading.Barrier(8)
    hours = [6, 7, 8, 6, 7, 8, 6, 7]
    sequences = [noise_sequence(hour, source=source) for hour in hours]

    def ask(index):
        barrier.wait()
        maps = predictor.rollout(sequences[index]) if index % 2 else None
        return predictor.predict(sequences[index]).probability, maps

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    for hour, (probability, _) in zip(hours, answers, strict=True):
        assert probability == predictor.predict(noise_sequence(hour, source=source)).probability
    # Six distinct frames: each once, and once more at most for its map.
    assert 6 <= sum(passes) <= 12
    attentions = [block.attn for block in predictor.model.vit.blocks]
    assert all(a.fused_attn and not a.attn_drop._forward_pre_hooks for a in attentions)


# What is refused or warned of


@pytest.mark.parametrize("degrees", [45.0, -45.0, 0.0])
def test_within_the_trained_longitudes_nothing_is_said(predictor, degrees):
    assert predictor.predict(at_longitude(noise_sequence(6), degrees)).warnings == ()


@pytest.mark.parametrize("degrees", [45.1, -60.0, 70.0, -70.0])
def test_beyond_the_trained_longitudes_a_warning_is_given(predictor, degrees):
    (warning,) = predictor.predict(at_longitude(noise_sequence(6), degrees)).warnings
    assert f"{abs(degrees):.1f}°" in warning
    assert "outside the ±45° the network was trained on" in warning


@pytest.mark.parametrize("degrees", [70.1, -85.0])
def test_near_the_limb_prediction_is_refused_but_maps_are_not(predictor, degrees):
    sequence = at_longitude(noise_sequence(6), degrees)
    with pytest.raises(PositionError, match=f"{abs(degrees):.1f}°.* beyond 70°"):
        predictor.predict(sequence)
    assert predictor.rollout(sequence).shape == (4, 4, 4)


def test_an_unknown_position_is_said_to_be_unknown(predictor):
    (warning,) = predictor.predict(at_longitude(noise_sequence(6), np.nan)).warnings
    assert "position is not known" in warning


def test_records_that_broke_are_told(predictor):
    source = NoiseSource(broken={4})
    (warning,) = predictor.predict(noise_sequence(6, source=source)).warnings
    assert warning == "hour 4 ends early."


def test_notes_of_every_frame_are_warnings_each_once(predictor):
    sequence = noise_sequence(6)
    first, *others = sequence.frames
    frames = (replace(first, notes=("cut out.", "odd.")), *others[:-1])
    frames = (*frames, replace(others[-1], notes=("odd.",)))
    warnings = predictor.predict(replace(sequence, frames=frames)).warnings
    assert warnings == ("cut out.", "odd.")


@pytest.mark.parametrize("length", [1, 3, 5])
def test_another_number_of_hours_is_refused(predictor, length):
    with pytest.raises(SequenceError, match=f"'small' needs 4 hourly .* has {length}"):
        predictor.predict(noise_sequence(8, length))


@pytest.mark.parametrize("length", [1, 4, 6])
def test_the_baseline_takes_any_number_and_embeds_the_last(tmp_path, length):
    predictor = small_predictor(tmp_path, temporal=False)
    passes = watch_passes(predictor)
    probability = predictor.predict(noise_sequence(8, length)).probability
    assert passes == [1]
    assert probability == predictor.predict(noise_sequence(8, 2)).probability


@pytest.mark.parametrize("name", ["tpu", "mps:0", "cuda:99", "", "2"])
def test_a_device_that_is_not_there(name):
    with pytest.raises(ModelError, match=repr(name)):
        choose_device(name)


def test_the_device_is_chosen_and_named(predictor, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device().type == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert choose_device().type == "cuda"
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    assert predictor.device == "CPU, 2 threads"


# A whole passage


def test_a_passage_is_every_prediction_of_its_hours(predictor):
    source = NoiseSource(12)
    table = predictor.passage(source, "377")
    assert list(table.columns) == ["hour", "t_rec", "probability", "n_interpolated"]
    assert list(table["hour"]) == list(pd.date_range("2011-02-13T03:00", periods=9, freq="h"))
    expected = [
        predictor.predict(noise_sequence(h, source=source)).probability for h in range(3, 12)
    ]
    np.testing.assert_allclose(table["probability"], expected, atol=1e-6)
    assert (table["n_interpolated"] == 0).all()
    assert list(table.attrs["absent"]) == [f"2011-02-13T0{hour}:00" for hour in range(3)]
    assert table.attrs["notes"] == []


def test_a_passage_reads_and_embeds_each_frame_once(predictor, passes):
    source = NoiseSource(12)
    predictor.passage(source, "377")
    assert sum(passes) == 12
    assert sorted(source.reads) == list(range(12))
    predictor.passage(source, "377")
    assert sum(passes) == 12  # all known by now


def test_gaps_of_a_passage(predictor):
    # Hour 5 is filled. Hours 9 to 11 are too many: no sequence until four hours after.
    source = NoiseSource(18, absent={5, 9, 10, 11})
    table = predictor.passage(source, "377")
    hours = [time.hour for time in table["hour"]]
    assert hours == [3, 4, 6, 7, 8, 15, 16, 17]
    assert list(table["n_interpolated"]) == [0, 0, 1, 1, 1, 0, 0, 0]
    absent = {int(hour[11:13]): reason for hour, reason in table.attrs["absent"].items()}
    assert sorted(absent) == [0, 1, 2, 5, 9, 10, 11, 12, 13, 14]
    assert absent[5] == "The hour has no usable record of its own."
    assert "09:00" in absent[13]
    expected = predictor.predict(noise_sequence(7, source=source)).probability
    assert table["probability"][hours.index(7)] == pytest.approx(expected, abs=1e-6)


def test_a_record_that_breaks_on_the_way_counts_as_missing(predictor):
    table = predictor.passage(NoiseSource(12, broken={6}), "377")
    assert [time.hour for time in table["hour"]] == [3, 4, 5, 7, 8, 9, 10, 11]
    assert list(table["n_interpolated"]) == [0, 0, 0, 1, 1, 1, 0, 0]
    assert table.attrs["notes"] == ["hour 6 ends early."]
    assert "2011-02-13T06:00" in table.attrs["absent"]


def test_a_gap_between_patches_of_different_size_costs_its_hours_alone(predictor):
    source = NoiseSource(12, absent={5}, changes={h: {"shape": (50, 70)} for h in range(6, 12)})
    table = predictor.passage(source, "377")
    assert [time.hour for time in table["hour"]] == [3, 4, 9, 10, 11]
    assert "cannot be interpolated" in table.attrs["absent"]["2011-02-13T07:00"]


def test_hours_near_the_limb_are_left_out_with_the_reason(predictor):
    source = NoiseSource(8, changes={h: {"longitude": 72.0 * u.deg} for h in (6, 7)})
    table = predictor.passage(source, "377")
    assert [time.hour for time in table["hour"]] == [3, 4, 5]
    assert "beyond 70°" in table.attrs["absent"]["2011-02-13T06:00"]


def test_a_passage_takes_the_records_that_it_is_allowed(predictor):
    source = NoiseSource(8)
    source.quality = lambda _: np.full(8, 0x4000, np.uint32)
    assert len(predictor.passage(source, "377")) == 0
    assert len(predictor.passage(source, "377", rejected=0)) == 5


def test_a_passage_without_any_sequence_is_empty_and_says_why(predictor):
    table = predictor.passage(NoiseSource(2), "377")
    assert len(table) == 0
    assert table["probability"].dtype == np.float64
    assert table["hour"].dtype.kind == "M"
    assert len(table.attrs["absent"]) == 2


def test_a_passage_without_any_good_record(predictor):
    table = predictor.passage(NoiseSource(3, absent={0, 1, 2}), "377")
    assert len(table) == 0
    assert table.attrs["absent"] == {}


def test_a_passage_of_an_unknown_region(predictor):
    with pytest.raises(UnknownRegionError):
        predictor.passage(NoiseSource(), "378")


def test_a_passage_of_the_baseline_has_the_same_hours(tmp_path):
    baseline = small_predictor(tmp_path, temporal=False)
    passes = watch_passes(baseline)
    source = NoiseSource(12, absent={5})
    table = baseline.passage(source, "377")
    assert [time.hour for time in table["hour"]] == [3, 4, 6, 7, 8, 9, 10, 11]
    assert sum(passes) == 8  # x_t of each hour, nothing else
    expected = baseline.predict(noise_sequence(7, source=source)).probability
    assert table["probability"][3] == pytest.approx(expected, abs=1e-6)


def test_a_passage_tells_how_far_it_is(predictor):
    predictor._embedder.batch = 5
    told = []
    predictor.passage(NoiseSource(12), "377", lambda done, total: told.append((done, total)))
    assert told == [(5, 12), (10, 12), (12, 12)]


def test_a_passage_holds_few_frames_at_a_time(predictor):
    alive, most = weakref.WeakSet(), []

    class Counting(NoiseSource):
        def frame(self, region, time):
            frame = super().frame(region, time)
            alive.add(frame)
            most.append(len(alive))
            return frame

    predictor._embedder.batch = 4
    gc.collect()
    predictor.passage(Counting(40), "377")
    # A batch, the one before it until it is let go, and the records kept for gaps.
    assert max(most) <= 4 + 4 + 4
    assert len(most) == 40


def test_hours_off_the_full_hour_are_dated_by_their_record(predictor):
    class Late(NoiseSource):
        def times(self, region):
            return super().times(region) - 12 * u.min

    table = predictor.passage(Late(6), "377")
    assert table["hour"][0] == pd.Timestamp("2011-02-13T03:00")
    assert table["t_rec"][0] == pd.Timestamp("2011-02-13T02:48")
    assert START.scale == "tai"


# Boxes that change


def two_predictors(tmp_path):
    """The same network twice, so that neither remembers what the other has seen."""
    crop = {"crop": 32, "size": 32, "clip": 2000.0}
    return [small_predictor(tmp_path / name, preprocess=crop) for name in ("one", "other")]


@pytest.mark.parametrize("absent", [(), (7,)])
def test_the_same_pixels_in_growing_boxes_have_the_same_probability(tmp_path, absent):
    grown, fixed = BoxSource(GROWING, absent), BoxSource([WHOLE] * 13, absent)
    first, second = two_predictors(tmp_path)
    for hour in (9, 12):
        one, other = (
            predictor.predict(build_sequence(source, "377", source.times("377")[hour], 4))
            for predictor, source in ((first, grown), (second, fixed))
        )
        assert one.probability == other.probability
    sequence = build_sequence(grown, "377", grown.times("377")[9], 4)
    assert len({frame.shape for frame in sequence.frames}) > 1


def test_a_passage_of_boxes_with_another_middle_is_that_of_its_sequences(tmp_path):
    source = BoxSource(GROWING, [7])
    for hour, frame in enumerate(source.frames["377"]):
        # As JSOC writes it: the reference point is the middle of each box.
        box = GROWING[hour]
        middle = np.array([box.col + (box.cols - 1) / 2, box.row + (box.rows - 1) / 2])
        longitude, latitude = frame.wcs.wcs_pix2world(*(middle - [box.col, box.row]), 0)
        frame.header.update({"CRVAL1": float(longitude), "CRVAL2": float(latitude)})
        frame.header.update({"CRPIX1": (box.cols + 1) / 2, "CRPIX2": (box.rows + 1) / 2})
    first, second = two_predictors(tmp_path)
    table = first.passage(source, "377")
    assert len(table) == 9
    for row in table.itertuples():
        sequence = build_sequence(source, "377", Time(row.hour, scale="tai"), 4)
        # Each frame is cut about the middle of x_t, so that one frame has several embeddings.
        assert second.predict(sequence).probability == pytest.approx(row.probability, abs=1e-6)
    assert len(first._embedder._known) > 13

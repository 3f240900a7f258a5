import time as clock
from dataclasses import replace

import astropy.units as u
import numpy as np
import pandas as pd
import pytest
from astropy.io.fits import Header
from astropy.time import Time
from hypothesis import given, settings
from hypothesis import strategies as st

from hnn_core.exceptions import OffLimbError, SequenceError, TruncatedFitsError
from hnn_core.magnetogram.conventions import iso_minute, parse_t_rec, tai_seconds
from hnn_core.magnetogram.interpolation import interpolate_frames
from hnn_core.magnetogram.magnetogram import Magnetogram, read_fits
from hnn_core.magnetogram.sequence_plan import (
    SequencePlan,
    good_records,
    hour_of_time,
    plan_sequence,
    sequence_hours,
)
from hnn_core.magnetogram.sharp import sharp_keywords
from hnn_core.regions.base import Region
from hnn_core.sources import open_source
from hnn_core.sources.fits_folder import FitsFolder
from hnn_core.sources.sequence import build_sequence, shown_hour
from tests.support.drawn_sharp import draw_fits, drawn_field, write_hdu

START = Time("2011-02-13T00:00:00", scale="tai")


def after(*hours: float) -> Time:
    """Return the times so many hours after the start, an array."""
    return START + np.array(hours) * u.hour


def at(hour: float) -> Time:
    return START + hour * u.hour


def hourly(*hours: float, **quality: int) -> tuple[Time, np.ndarray]:
    return after(*hours), np.zeros(len(hours), np.uint32)


def used(plan: SequencePlan) -> list[object]:
    """Return the record of each slot, or (left, right, weight)."""
    return [
        (slot.left, slot.right, round(slot.weight, 6)) if slot.interpolated else slot.left
        for slot in plan.slots
    ]


def missing(*args, **kwargs) -> tuple[str, ...]:
    with pytest.raises(SequenceError) as caught:
        plan_sequence(*args, **kwargs)
    for hour in caught.value.missing[:1]:
        assert hour in str(caught.value)
    return caught.value.missing


# Slots


def test_complete_hours_are_used_as_they_are():
    plan = plan_sequence(*hourly(*range(12)), at(11))
    assert used(plan) == list(range(2, 12))
    assert plan.hours.isot[[0, -1]].tolist() == [
        "2011-02-13T02:00:00.000",
        "2011-02-13T11:00:00.000",
    ]
    assert plan.records == tuple(range(2, 12))
    assert not any(slot.flagged for slot in plan.slots)


def test_any_minute_counts_back_in_whole_hours():
    plan = plan_sequence(*hourly(*np.arange(0, 12, 0.2)), at(11.4), length=3)
    assert used(plan) == [47, 52, 57]  # 9.4, 10.4 and 11.4 at the 12-minute cadence


@pytest.mark.parametrize(
    ("minutes", "record"),
    [
        ((-12, 24), 0),  # the nearest
        ((-24, 12), 1),
        ((-12, 12), 0),  # of two equally near the earlier
        ((-24,), 0),  # the tolerance itself is within
        ((24,), 0),
        ((-36, -24, 24, 36), 1),
    ],
)
def test_slot_takes_the_nearest_record_within_24_minutes(minutes, record):
    times = after(*(5 + minute / 60 for minute in minutes), 6)
    plan = plan_sequence(times, np.zeros(len(times), int), at(6), length=2)
    assert used(plan) == [record, len(minutes)]


@pytest.mark.parametrize("minute", [-24.1, 24.1])
def test_record_beyond_the_tolerance_is_no_record(minute):
    times = after(3, 4, 5 + minute / 60, 6)
    plan = plan_sequence(times, np.zeros(4, int), at(6), length=2)
    assert plan.slots[0].interpolated


def test_a_record_later_than_the_last_hour_is_never_used():
    times = after(4, 5, 6.2)
    assert missing(times, np.zeros(3, int), at(6), length=2) == ("2011-02-13T06:00",)
    # while an inner hour may be served by a record later than itself
    plan = plan_sequence(after(4, 5.2, 6), np.zeros(3, int), at(6), length=3)
    assert used(plan) == [0, 1, 2]
    # and the last hour by an earlier one
    assert used(plan_sequence(after(5, 5.8), np.zeros(2, int), at(6), length=2)) == [0, 1]


def test_seconds_of_twelve_minute_times_are_whole():
    times = after(*np.arange(0, 200, 0.2))
    # Julian dates in one float64, as tables keep them, are good to 40 microseconds only
    seconds = tai_seconds(Time(times.jd, format="jd", scale="tai"))
    np.testing.assert_array_equal(seconds, seconds[0] + 720.0 * np.arange(1000))
    assert seconds[0] % 3600 == 0


def test_times_may_come_in_any_order():
    times = after(6, 3, 5, 4)
    assert used(plan_sequence(times, np.zeros(4, int), at(6), length=4)) == [1, 3, 2, 0]


# QUALITY


@pytest.mark.parametrize("quality", [0x8000_0000, 0x4000, 0x200, 0x20, 0x14420])
def test_bad_quality_is_rejected(quality):
    times, good = hourly(3, 4, 5, 6)
    good[2] = quality
    assert good_records(good).tolist() == [True, True, False, True]
    assert used(plan_sequence(times, good, at(6), length=2)) == [(1, 3, 0.5), 3]


def test_signed_quality_of_no_data_is_rejected():
    quality = np.array([0, -2147483648, 66560], np.int32)
    assert good_records(quality).tolist() == [True, False, True]


def test_usual_flag_is_accepted_and_marked():
    times, quality = hourly(3, 4, 5, 6)
    quality[2] = 0x10400
    plan = plan_sequence(times, quality, at(6), length=3)
    assert used(plan) == [1, 2, 3]
    assert [slot.flagged for slot in plan.slots] == [False, True, False]


def test_rejected_bits_are_configurable_but_no_data_is_always_rejected():
    quality = np.array([0x4000, 0x10400, 0x8000_0000], np.uint32)
    assert good_records(quality, 0).tolist() == [True, True, False]
    assert good_records(quality, 0x10000).tolist() == [True, False, False]
    with pytest.raises(ValueError, match="32-bit"):
        good_records(quality, -1)


def test_rejected_bits_are_chosen_for_a_sequence_and_for_a_passage():
    times, quality = hourly(3, 4, 5, 6)
    quality[2] = 0x4000
    assert used(plan_sequence(times, quality, at(6), length=2)) == [(1, 3, 0.5), 3]
    assert used(plan_sequence(times, quality, at(6), length=2, rejected=0)) == [2, 3]
    assert [len(sequence_hours(times, quality, 1, rejected=bits)) for bits in (0x4000, 0)] == [3, 4]
    source = DrawnSource(3, 4, 5, 6)
    source.quality = lambda _: quality
    assert build_sequence(source, "377", at(6), 2).interpolated == (True, False)
    found = build_sequence(source, "377", at(6), 2, rejected=0)
    assert (found.interpolated, found.flagged) == ((False, False), (True, False))


@pytest.mark.parametrize("neighbour", [0, 1])
def test_frame_beside_a_flagged_neighbour_is_marked(neighbour):
    times, quality = hourly(3, 5, 6)
    quality[neighbour] = 0x10400
    plan = plan_sequence(times, quality, at(6), length=3)
    assert [slot.interpolated for slot in plan.slots] == [True, False, False]
    assert [slot.flagged for slot in plan.slots] == [True, neighbour == 1, False]


# Gaps


def test_one_missing_hour_lies_midway():
    plan = plan_sequence(*hourly(0, 1, 2, 3, 5, 6), at(6), length=5)
    assert used(plan) == [2, 3, (3, 4, 0.5), 4, 5]


def test_two_missing_hours_lie_at_thirds():
    plan = plan_sequence(*hourly(0, 1, 2, 5, 6), at(6), length=5)
    assert used(plan) == [2, (2, 3, round(1 / 3, 6)), (2, 3, round(2 / 3, 6)), 3, 4]


def test_weights_follow_the_times_of_the_records_not_of_their_slots():
    times = after(2.8, 5.2, 6)  # hours 3 and 5 by records 12 minutes off
    plan = plan_sequence(times, np.zeros(3, int), at(6), length=4)
    assert used(plan) == [0, (0, 1, 0.5), 1, 2]
    times = after(3.4, 5, 6)
    plan = plan_sequence(times, np.zeros(3, int), at(6), length=4)
    assert used(plan)[1] == (0, 1, 0.375)  # 0.6 h of 1.6 h


def test_two_separate_gaps_are_filled():
    plan = plan_sequence(*hourly(0, 2, 5, 6), at(6), length=7)
    assert [slot.interpolated for slot in plan.slots] == [
        False, True, False, True, True, False, False,
    ]  # fmt: skip


def test_three_missing_hours_are_refused_by_name():
    assert missing(*hourly(0, 1, 5, 6), at(6), length=7) == (
        "2011-02-13T02:00",
        "2011-02-13T03:00",
        "2011-02-13T04:00",
    )


def test_all_missing_hours_are_named_not_only_the_fatal_ones():
    with pytest.raises(SequenceError) as caught:
        plan_sequence(*hourly(0, 1, 5, 7, 8), at(8), length=9)
    assert [hour[11:13] for hour in caught.value.missing] == ["02", "03", "04", "06"]
    assert "2011-02-13T02:00 to 2011-02-13T04:00, 2011-02-13T06:00" in str(caught.value)


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ((2, 4, 5, 6), [(0, 1, 0.5), 1, 2, 3]),  # left side one hour before the window
        ((1, 4, 5, 6), [(0, 1, 2 / 3), 1, 2, 3]),  # two hours before it
        ((2, 5, 6), [(0, 1, 1 / 3), (0, 1, 2 / 3), 1, 2]),  # both first hours missing
    ],
)
def test_gap_at_the_start_uses_a_left_side_outside_the_window(hours, expected):
    plan = plan_sequence(*hourly(*hours), at(6), length=4)
    assert used(plan) == [
        tuple(round(value, 6) for value in one) if isinstance(one, tuple) else one
        for one in expected
    ]


@pytest.mark.parametrize(
    ("hours", "named"),
    [
        ((0, 4, 5, 6), ["01", "02", "03"]),  # the gap is three hours long, two outside
        ((1, 5, 6), ["02", "03", "04"]),
        ((4, 5, 6), ["01", "02", "03"]),  # nothing before
        ((2, 6), ["03", "04", "05"]),
        ((6,), ["03", "04", "05"]),
    ],
)
def test_gap_at_the_start_counts_with_the_hours_before_the_window(hours, named):
    found = missing(*hourly(*hours), at(6), length=4)
    assert [hour[11:13] for hour in found] == named


def test_left_side_outside_the_window_obeys_the_slot_rule():
    # 25 minutes off hour 2: no record for that hour, so the gap has three hours
    found = missing(after(2 - 25 / 60, 4, 5, 6), np.zeros(4, int), at(6), length=4)
    assert [hour[11:13] for hour in found] == ["01", "02", "03"]
    times = after(2 - 24 / 60, 4, 5, 6)
    assert plan_sequence(times, np.zeros(4, int), at(6), length=4).slots[0].left == 0


def test_last_hour_must_be_real():
    with pytest.raises(SequenceError, match="last one must be real") as caught:
        plan_sequence(*hourly(0, 1, 2, 4, 5, 7), at(6), length=4)
    assert caught.value.missing == ("2011-02-13T03:00", "2011-02-13T06:00")


def test_no_record_at_all_names_every_hour():
    assert len(missing(Time([], format="unix_tai"), np.zeros(0, int), at(6))) == 10
    assert len(missing(*hourly(100, 101), at(6))) == 10


def test_a_sequence_of_no_hour_is_refused():
    with pytest.raises(ValueError, match="one hour or more, not 0"):
        plan_sequence(*hourly(1, 2), at(2), 0)


def test_times_and_quality_must_be_alike():
    with pytest.raises(ValueError, match="one axis alike"):
        plan_sequence(after(1, 2), np.zeros(3, int), at(2))


def naive_plan(records: list[int], t: int, length: int) -> list[object] | None:
    """docs/method.md, "Frames" on minutes, word by word, for one sequence; None where refused."""

    def pick(slot: int) -> int | None:
        near = [i for i, r in enumerate(records) if abs(r - slot) <= 24 and r <= t]
        return min(near, key=lambda i: (abs(records[i] - slot), records[i]), default=None)

    slots = [t - 60 * k for k in range(length + 1, -1, -1)]
    picks = [pick(slot) for slot in slots]
    if picks[-1] is None:
        return None
    result: list[object] = []
    for i in range(2, len(slots)):
        if picks[i] is not None:
            result.append(picks[i])
            continue
        before = [j for j in range(i) if picks[j] is not None]
        behind = [j for j in range(i, len(slots)) if picks[j] is not None]
        if not before or behind[0] - before[-1] > 3:
            return None
        left, right = picks[before[-1]], picks[behind[0]]
        weight = (slots[i] - records[left]) / (records[right] - records[left])
        result.append((left, right, round(weight, 6)))
    return result


@settings(max_examples=150)
@given(
    kept=st.sets(st.integers(0, 80), min_size=1),
    last=st.integers(0, 16 * 60),
    length=st.integers(1, 8),
)
def test_plan_is_what_the_words_say(kept, last, length):
    records = [12 * k for k in sorted(kept)]
    times = after(*(minute / 60 for minute in records))
    quality = np.zeros(len(records), np.uint32)
    expected = naive_plan(records, last, length)
    if expected is None:
        assert missing(times, quality, at(last / 60), length)
        return
    plan = plan_sequence(times, quality, at(last / 60), length)
    assert used(plan) == expected
    assert all(records[i] <= last for i in plan.records)


# Whole passages


def test_every_hour_of_a_passage_is_planned_as_it_would_be_alone():
    rng = np.random.default_rng(5)
    minutes = np.flatnonzero(rng.random(200) < 0.35) * 12
    times = after(*minutes / 60)
    quality = rng.choice([0, 0, 0, 0x10400, 0x4000], len(minutes)).astype(np.uint32)
    hours = sequence_hours(times, quality, 4)
    kinds = {type(plan) for _, plan in hours}
    assert kinds == {SequencePlan, SequenceError}
    for time, plan in hours:
        assert float(tai_seconds(time)) % 3600 == 0
        if isinstance(plan, SequencePlan):
            assert plan == plan_sequence(times, quality, time, 4)
            continue
        with pytest.raises(SequenceError) as caught:
            plan_sequence(times, quality, time, 4)
        assert (str(plan), plan.missing) == (str(caught.value), caught.value.missing)
    # exactly the hours whose own slot has a good record not later than the hour
    good = minutes[good_records(quality)]
    expected = [h for h in range(41) if np.any((good <= 60 * h) & (good >= 60 * h - 24))]
    assert [round(float((t - START).to_value("h"))) for t, _ in hours] == expected


def test_passage_begins_where_the_window_is_filled():
    hours = sequence_hours(*hourly(*range(15)), 10)
    assert [isinstance(plan, SequencePlan) for _, plan in hours] == [False] * 9 + [True] * 6


def test_passage_without_a_good_record_is_empty():
    times, quality = hourly(1, 2)
    assert sequence_hours(times, quality | np.uint32(0x8000_0000)) == []


@pytest.mark.parametrize(
    ("cadence", "planned"),
    [(0.2, 301), (4, 300)],  # with the hour 12 minutes after the last record; all refused
)
def test_three_hundred_hours_are_planned_at_once(cadence, planned):
    times = after(*np.arange(300 / cadence if cadence < 1 else 300) * cadence)
    quality = np.zeros(len(times), np.uint32)
    sequence_hours(times[:10], quality[:10])
    start = clock.perf_counter()
    hours = sequence_hours(times, quality)
    # 0.02 and 0.08 s here; a date through astropy's Time for each name takes 4 s
    assert clock.perf_counter() - start < 1.0
    assert len(hours) == planned


# Interpolation


def frame_at(hour: float, value: float, **changes: object) -> Magnetogram:
    field = np.full((2, 3), value, np.float32)
    frame = Magnetogram(
        field=field,
        t_rec=at(hour),
        harp=377,
        noaa=(11158,),
        pixel_area=1.328e15 * u.cm**2,
        quality=0,
        longitude=(10 + hour) * u.deg,
        latitude=-20 * u.deg,
        header=Header({"CRVAL1": 359.0 + hour, "USFLUX": 1e22, "HARPNUM": 377, "CTYPE1": "x"}),
        origin=f"frame of hour {hour}",
    )
    return replace(frame, **changes)


def test_interpolation_is_linear_in_time_and_marked():
    left, right = (
        frame_at(0, 100.0, quality=0x10400),
        frame_at(4, 500.0, noaa=(11160,), quality=0x1000),
    )
    middle = interpolate_frames(left, right, at(1))
    np.testing.assert_allclose(middle.field, 200.0, rtol=1e-6)  # float32
    assert middle.field.dtype == np.float32
    assert not middle.field.flags.writeable
    assert middle.interpolated
    assert middle.t_rec == at(1)
    assert middle.header["T_REC"] == "2011.02.13_01:00:00_TAI"
    assert middle.header["DATE-OBS"] == "2011-02-13T00:59:26.000"  # UTC, 34 leap seconds
    assert middle.quality == middle.header["QUALITY"] == 0x11400
    assert middle.noaa == (11158, 11160)
    np.testing.assert_allclose(middle.longitude.to_value("deg"), 11.0)
    assert "USFLUX" not in middle.header
    assert middle.header["CTYPE1"] == "x"
    assert "hour 0" in middle.origin
    assert "hour 4" in middle.origin
    assert (left.field == 100.0).all()


def test_interpolated_longitude_goes_the_short_way_round():
    left, right = frame_at(0, 0.0), frame_at(2, 0.0)
    left.header["CRVAL1"], right.header["CRVAL1"] = 359.0, 1.0
    assert interpolate_frames(left, right, at(1)).header["CRVAL1"] == 360.0


def test_interpolation_is_nan_where_either_side_is():
    left, right = (np.full((2, 3), 100.0, np.float32) for _ in range(2))
    left[0, 0] = right[1, 2] = np.nan
    middle = interpolate_frames(
        frame_at(0, 0, field=left), frame_at(2, 0, field=right), at(1)
    ).field
    assert np.argwhere(np.isnan(middle)).tolist() == [[0, 0], [1, 2]]


def test_patches_of_two_sizes_without_coordinates_cannot_be_interpolated():
    right = frame_at(2, 0, field=np.zeros((2, 4), np.float32))
    with pytest.raises(SequenceError, match=r"3 × 2 pixels .* 4 × 2 pixels .* CRPIX") as caught:
        interpolate_frames(frame_at(0, 0), right, at(1))
    assert caught.value.missing == ("2011-02-13T01:00",)


@pytest.mark.parametrize("hour", [0, 2, 3])
def test_interpolation_reaches_only_between_the_frames(hour):
    with pytest.raises(ValueError, match="not between"):
        interpolate_frames(frame_at(0, 0), frame_at(2, 0), at(hour))


def test_interpolated_frame_can_be_written_and_read(harp377, tmp_path):
    first, second = (read_fits(path) for path in sorted(harp377.glob("*.fits"))[0:3:2])
    middle = interpolate_frames(first, second, at(6))
    write_hdu(tmp_path / "middle.fits", middle.field, middle.header)
    again = read_fits(tmp_path / "middle.fits")
    assert again.header["INTERPOL"] is True
    assert again.interpolated
    assert again.t_rec == at(6)
    np.testing.assert_allclose(again.field, middle.field, atol=0.0501)  # whole tenths
    np.testing.assert_allclose(again.wcs.wcs.crval, [34.557, -21.077], atol=0.1)


# Sequences from a source


class DrawnSource:
    """One region, hourly frames whose every pixel is the hour; chosen hours break."""

    spec = "drawn:"
    simulated = False

    def __init__(self, *hours: float, broken: tuple[float, ...] = ()) -> None:
        self.hours = hours
        self.broken = broken
        self.read: list[float] = []

    def regions(self) -> list[Region]:
        return [
            Region("377", 377, (11158,), at(self.hours[0]), at(self.hours[-1]), len(self.hours))
        ]

    def times(self, region: str) -> Time:
        assert region == "377"
        return after(*self.hours)

    def quality(self, region: str) -> np.ndarray:
        assert region == "377"
        return np.zeros(len(self.hours), np.uint32)

    def frame(self, region: str, time: Time) -> Magnetogram:
        assert region == "377"
        hour = round(float((time - START).to_value("h")), 6)
        self.read.append(hour)
        if hour in self.broken:
            raise TruncatedFitsError(f"hour {hour:g} is truncated.")
        return frame_at(hour, hour)

    def skipped(self) -> tuple:
        return ()


def values(sequence) -> list[float]:
    return [round(float(frame.field[0, 0]), 4) for frame in sequence.frames]


def test_sequence_holds_real_and_filled_frames_in_order():
    source = DrawnSource(0, 1, 2.2, 5, 6)
    sequence = build_sequence(source, "377", at(6), length=5)
    np.testing.assert_allclose(values(sequence), [2.2, 3, 4, 5, 6], atol=1e-4)
    assert sequence.interpolated == (False, True, True, False, False)
    assert [frame.interpolated for frame in sequence.frames] == list(sequence.interpolated)
    assert sequence.flagged == (False,) * 5
    assert sequence.notes == ()
    assert len(sequence) == 5
    assert sequence.region.noaa == (11158,)
    assert [iso_minute(t)[11:] for t in sequence.hours] == [
        "02:00", "03:00", "04:00", "05:00", "06:00",
    ]  # fmt: skip
    assert [iso_minute(t)[11:] for t in sequence.t_rec] == [
        "02:12", "03:00", "04:00", "05:00", "06:00",
    ]  # fmt: skip
    assert sorted(source.read) == [2.2, 5, 6]  # each record once, none that is not needed


@pytest.mark.parametrize(
    ("hours", "time", "named"),
    [
        ((0, 1, 2, 2.6), 2.6, 3),  # 02:36 serves 03:00: one sequence, one name
        ((0, 1, 2, 2.6), 2.9, 3),
        ((0, 1, 2, 2.6), 2.5, 2),  # before the record was there
        ((0, 1, 2, 2.6, 3), 2.6, 2),  # 03:00 has its own record, which is later than the time
        ((0, 1, 2, 3), 2.6, 2),
        ((0, 1, 2, 2.4), 2.4, 2),  # too far from 03:00
        ((0, 1, 2, 3), 3, 3),
    ],
)
def test_a_time_that_is_no_whole_hour_is_known_by_the_hour_it_stands_for(hours, time, named):
    source = DrawnSource(*hours)
    found, by_hour = (build_sequence(source, "377", at(one), length=3) for one in (time, named))
    assert iso_minute(found.hours[-1]) == iso_minute(at(named))
    assert values(found) == values(by_hour)
    assert iso_minute(shown_hour(source, "377", at(time))) == iso_minute(at(named))
    assert float(tai_seconds(found.t_rec[-1])) <= float(tai_seconds(at(time)))


@given(
    minutes=st.lists(st.integers(0, 60).map(lambda k: 12 * k), min_size=1, max_size=30),
    minute=st.integers(0, 720),
)
def test_the_hour_of_a_time_uses_nothing_later_and_is_its_own_hour(minutes, minute):
    times = after(*(one / 60 for one in sorted(set(minutes))))
    quality = np.zeros(len(times), np.uint32)
    hour = hour_of_time(times, quality, at(minute / 60))
    assert float(tai_seconds(hour)) % 3600 == 0
    assert abs((hour - at(minute / 60)).to_value("min")) < 60
    assert hour_of_time(times, quality, hour) == hour
    if (hour - at(minute / 60)).to_value("min") > 1e-6:
        (record,) = plan_sequence(times, quality, hour, 1).records
        assert (times[record] - at(minute / 60)).to_value("min") < 1e-6


def test_a_time_and_its_hour_are_one_sequence_in_the_real_folder(harp377):
    source = open_source(f"fits:{harp377}")
    at_36, at_17 = (parse_t_rec(f"2011-02-13T17:{minute}") for minute in ("36", "00"))
    assert iso_minute(shown_hour(source, "377", at_36)) == iso_minute(at_17)
    assert iso_minute(build_sequence(source, "377", at_36, 3).t_rec[-1]) == iso_minute(at_17)


def test_frames_may_come_from_a_cache():
    source = DrawnSource(*range(7))
    asked = []

    def cached(region: str, time: Time) -> Magnetogram:
        asked.append((region, iso_minute(time)))
        return frame_at(0, 1.0)

    build_sequence(source, "377", at(6), length=2, frame=cached)
    assert sorted(asked) == [("377", "2011-02-13T05:00"), ("377", "2011-02-13T06:00")]
    assert source.read == []


def test_record_that_breaks_is_filled_and_noted():
    source = DrawnSource(*range(7), broken=(4,))
    sequence = build_sequence(source, "377", at(6), length=4)
    assert values(sequence) == [3, 4, 5, 6]
    assert sequence.interpolated == (False, True, False, False)
    assert sequence.notes == ("hour 4 is truncated.",)


def test_broken_record_gives_way_to_another_within_tolerance():
    source = DrawnSource(3, 4, 4.2, 5, 6, broken=(4,))
    sequence = build_sequence(source, "377", at(6), length=3)
    np.testing.assert_allclose(values(sequence), [4.2, 5, 6], atol=1e-4)
    assert not any(sequence.interpolated)


def test_replanning_reads_each_record_once():
    source = DrawnSource(1, 2, 3, 4, 4.2, 5, 6, broken=(3, 4, 4.2))
    sequence = build_sequence(source, "377", at(6), length=4)
    assert sequence.interpolated == (True, True, False, False)
    assert sorted(source.read) == sorted(set(source.read))
    assert len(sequence.notes) == 3


def test_last_record_that_breaks_raises_its_own_error():
    with pytest.raises(TruncatedFitsError, match="hour 6 is truncated"):
        build_sequence(DrawnSource(*range(7), broken=(6,)), "377", at(6), length=4)


def test_too_many_broken_records_name_the_hours_and_the_reasons():
    source = DrawnSource(*range(7), broken=(3, 4, 5))
    with pytest.raises(SequenceError, match=r"03:00 to .*05:00.*hour 4 is truncated") as caught:
        build_sequence(source, "377", at(6), length=5)
    assert [hour[11:13] for hour in caught.value.missing] == ["03", "04", "05"]


def test_frame_off_the_limb_counts_as_broken():
    source = DrawnSource(*range(7))

    def frame(region: str, time: Time) -> Magnetogram:
        if time == at(5):
            raise OffLimbError("hour 5 has no pixel on the disk.")
        return source.frame(region, time)

    sequence = build_sequence(source, "377", at(6), length=3, frame=frame)
    assert sequence.interpolated == (False, True, False)


def test_truncated_file_within_a_drawn_folder(tmp_path):
    paths = [
        draw_fits(
            tmp_path / f"{hour}.fits", drawn_field() + hour, T_REC=f"2011.02.13_0{hour}:00_TAI"
        )
        for hour in range(1, 7)
    ]
    paths[3].write_bytes(paths[3].read_bytes()[:-2880])
    source = FitsFolder(tmp_path)
    sequence = build_sequence(source, "377", at(6), length=4)
    assert sequence.interpolated == (False, True, False, False)
    np.testing.assert_allclose(sequence.frames[1].field, drawn_field() + 4, atol=1e-4)
    assert "4.fits" in sequence.notes[0]
    with pytest.raises(TruncatedFitsError, match=r"4\.fits"):
        build_sequence(source, "377", at(4), length=2)


def test_real_keyword_rows_give_time_quality_and_numbers(harp377):
    table = harp377.parent / "keywords" / "sharps.csv"
    if not table.exists():
        pytest.skip("no keyword table among the real data")
    rows = pd.read_csv(table, low_memory=False)
    keys = ["T_REC", "HARPNUM", "NOAA_AR", "NOAA_ARS", "QUALITY", "TELESCOP", "BUNIT", "CTYPE1"]
    keys += ["CTYPE2", "CDELT1", "CDELT2", "RSUN_REF", "LON_FWT", "LAT_FWT", "CRVAL1", "CRLN_OBS"]
    found = []
    for row in rows[rows["HARPNUM"] == 1950].to_dict("records"):
        cards = {key: "MISSING" if pd.isna(row[key]) else row[key] for key in keys}
        found.append(sharp_keywords(Header(cards), "row"))
    assert len(found) == 9
    assert {keywords.noaa for keywords in found} == {()}  # NOAA_AR is 0 throughout


def test_real_passage_full_of_gaps_is_planned_as_the_words_say(harp377):
    table = harp377.parent / "keywords" / "sharps.csv"
    if not table.exists():
        pytest.skip("no keyword table among the real data")
    rows = pd.read_csv(table, usecols=["HARPNUM", "T_REC", "QUALITY"])
    rows = rows[rows["HARPNUM"] == 1470].sort_values("T_REC")
    times = Time([parse_t_rec(text) for text in rows["T_REC"]])
    quality = rows["QUALITY"].to_numpy()
    assert set(quality.tolist()) > {0}
    assert good_records(quality).all()  # flagged, but accepted by default
    minutes = np.rint(tai_seconds(times) / 60).astype(int).tolist()
    hours = sequence_hours(times, quality)
    assert len(hours) == len(rows) == 65
    plans = 0
    for time, plan in hours:
        expected = naive_plan(minutes, round(float(tai_seconds(time)) / 60), 10)
        assert isinstance(plan, SequencePlan) == (expected is not None)
        if isinstance(plan, SequencePlan):
            plans += 1
            assert used(plan) == expected
    assert 0 < plans < 65 - 9  # gaps of 1 to 21 hours, some of which can be filled


def test_real_passage_has_a_sequence_from_its_tenth_hour_on(harp377):
    source = open_source(f"fits:{harp377}")
    hours = sequence_hours(source.times("377"), source.quality("377"))
    assert len(hours) == 50
    assert [isinstance(plan, SequencePlan) for _, plan in hours] == [False] * 9 + [True] * 41
    sequence = build_sequence(source, "377", Time("2011-02-15T01:00:00", scale="tai"))
    assert sequence.t_rec.isot[0] == "2011-02-14T16:00:00.000"
    assert sequence.flagged == (False, False, True) + (False,) * 7  # 18:00, QUALITY 0x10400
    assert not any(sequence.interpolated)
    assert {frame.shape for frame in sequence.frames} == {(377, 744)}

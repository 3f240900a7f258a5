"""One case studied: its frames whatever is missing, its words; and a network's maps of it."""

import subprocess
import sys
import threading
from concurrent.futures import CancelledError
from dataclasses import dataclass, field, replace

import astropy.units as u
import numpy as np
import pandas as pd
import pytest
from astropy.io.fits import Header
from astropy.time import Time
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.cases import explained as explained_case
from analysis.cases.case_study import HOURS, case_study
from analysis.cases.explained import (
    HOUR_METHODS,
    MAP_METHODS,
    combine_hours,
    explain_case,
    hour_overlaps,
    map_options,
)
from analysis.cases.overlap import REGION_NAMES, TokenGrid, overlaps
from analysis.physics.flux import flux_history
from analysis.physics.pil import PilMasks, PilSettings
from analysis.physics.window_fluxes import MASKS
from hnn_core.exceptions import (
    DatasetError,
    RequestError,
    TruncatedFitsError,
    UnknownRegionError,
    UnknownTimeError,
)
from hnn_core.magnetogram.conventions import iso_minute
from hnn_core.magnetogram.preprocess import CropBox, PreprocessConfig, preprocess, tokens_to_patch
from hnn_core.regions.base import Flare, Region
from hnn_core.regions.case import Case
from hnn_core.sources import open_source
from hnn_core.sources.sequence import build_sequence
from hnn_core.sources.simulated import SimulatedSource
from tests.conftest import ROOT
from tests.support.drawn_regions import boundary, drawn_magnetogram
from tests.support.drawn_source import START, DrawnRegion, DrawnSource, flare, gauss
from tests.support.small_models import NoiseSource, noise_sequence, small_predictor

LAST = 12
"""Hour of the record at t, after `START`."""


def together(*args, **choice):
    """Overlaps of all hours put together."""
    return combine_hours(hour_overlaps(*args, **choice))


def falling(index):
    """A PIL along which 5 G go from either polarity in an hour."""
    return boundary(strength=500.0 - 5.0 * index)


@dataclass
class PilRegion(DrawnRegion):
    """Records with a PIL, drawn by their number."""

    draw: object = field(default=lambda index: falling(index))
    replaced: dict = field(default_factory=dict)
    """What all magnetograms have in place of the drawn."""


class PilSource(DrawnSource):
    """Drawn magnetograms with coordinates."""

    def frame(self, region, time):
        plain = super().frame(region, time)
        drawn = self.drawn[region]
        index = self.reads[-1][1]
        return drawn_magnetogram(
            drawn.draw(index).astype(np.float32),
            t_rec=plain.t_rec,
            harp=drawn.harp,
            noaa=drawn.noaa,
            quality=plain.quality,
            **drawn.replaced,
        )


def case(hour=LAST, region="377"):
    return Case("drawn:", region, iso_minute(START + hour * u.h))


def study(hour=LAST, *, options=None, **changes):
    source = PilSource(PilRegion(**changes))
    return case_study(source, case(hour), **(options or {}))


def hours_of(frames):
    return [round(float((frame.t_rec - START).to_value("h")), 3) for frame in frames]


# Complete windows


def test_ten_hours_that_fall_in_both_polarities():
    found = study(flares=(flare(13.5, "M6.6", "unlinked"),))
    assert hours_of(found.frames) == list(range(3, 13))
    assert (found.incomplete, found.interpolated) == ("", (False,) * 10)
    assert found.verdict.word == "consistent with cancellation"
    assert found.name == "AR 11158 · HARP 377, 2011-02-13 12:00 TAI"
    assert (found.outcome.word, found.flare_class) == ("no CME linked in DONKI", "M")
    assert (found.prediction, found.no_prediction) == (None, "No model was chosen.")
    assert found.simulated is False
    assert len(found.masks) == HOURS
    assert all(masks.pil.any() for masks in found.masks)


def test_ten_hours_that_rise_or_stay():
    assert study(draw=lambda i: -boundary(strength=400.0 + 5 * i)).verdict.word == "flux rises"
    assert study(draw=lambda _: boundary()).verdict.word == "no trend"


def test_frames_are_those_of_the_prediction():
    source = PilSource(PilRegion(absent=[7], minutes={5: 12.0}))
    found = case_study(source, case())
    frames, incomplete = found.frames, found.incomplete
    wanted = build_sequence(source, "377", START + LAST * u.h, 10)
    assert incomplete == ""
    assert hours_of(frames) == hours_of(wanted.frames)
    for mine, theirs in zip(frames, wanted.frames, strict=True):
        np.testing.assert_array_equal(mine.field, theirs.field)


@pytest.mark.parametrize("region", [None, "pil", "hull"])
def test_history_is_that_of_the_fluxes(region):
    chosen = None if region is None else PilSettings(threshold=150.0, region=region)
    found = study(absent=[6], options={"settings": chosen})
    pd.testing.assert_frame_equal(found.history, flux_history(found.frames, chosen))
    assert found.history is found.history
    assert list(found.history["interpolated"]) == list(found.interpolated)


def test_frames_that_are_read_already_are_not_read_again():
    source = PilSource(PilRegion())
    sequence = build_sequence(source, "377", START + LAST * u.h, 10)
    source.reads.clear()
    found = case_study(source, case(), sequence=sequence)
    assert source.reads == []
    assert (found.frames, found.incomplete) == (sequence.frames, "")


def test_a_prediction_goes_with_no_reason_and_none_with_one(tmp_path):
    predictor = small_predictor(tmp_path)
    source = NoiseSource()
    said = predictor.predict(noise_sequence(11))
    where = Case("noise:", "377", iso_minute(START + 11 * u.h))
    found = case_study(source, where, prediction=said, no_prediction="Beside the point.")
    assert (found.prediction, found.no_prediction) == (said, "")
    found = case_study(source, where, no_prediction="It is gone.")
    assert (found.prediction, found.no_prediction) == (None, "It is gone.")


@pytest.mark.parametrize("asked", ["377", "HARP 377", "AR 11158", "noaa 1158"])
def test_a_region_is_found_as_people_call_it(asked):
    found = case_study(PilSource(PilRegion()), case(region=asked))
    assert found.region.id == "377"
    assert found.name == "AR 11158 · HARP 377, 2011-02-13 12:00 TAI"


def test_names_hold_what_is_known():
    found = study()
    several = replace(found, region=replace(found.region, noaa=(11158, 11159)))
    assert several.name == "AR 11158 · AR 11159 · HARP 377, 2011-02-13 12:00 TAI"
    none = replace(found, region=replace(found.region, noaa=()))
    assert none.name == "HARP 377, 2011-02-13 12:00 TAI"
    made = Region("SIM 1", 900001, (), START, START, 1, (), True)
    assert replace(found, region=made).name == "SIM 1, 2011-02-13 12:00 TAI"
    assert replace(found, region=made).simulated


def test_the_class_of_the_flares_is_the_callers():
    flares = (flare(13.5, "C3.0", "confined"),)
    assert study(flares=flares).outcome.word == "not looked up"
    found = study(flares=flares, options={"flare_class": "C"})
    assert (found.outcome.word, found.flare_class) == ("confined", "C")
    with pytest.raises(DatasetError, match="'Z' is not a flare class"):
        study(options={"flare_class": "Z"})


# Gaps


@pytest.mark.parametrize("absent", [[7], [7, 8], [3], [3, 4], [5, 8, 9], [11], [10, 11]])
def test_one_or_two_hours_are_interpolated(absent):
    found = study(absent=absent)
    assert found.incomplete == ""
    assert hours_of(found.frames) == list(range(3, 13))
    assert [i + 3 for i, made in enumerate(found.interpolated) if made] == absent
    frame = found.frames[absent[0] - 3]
    # The fall is linear, so what is between two frames is known.
    np.testing.assert_allclose(frame.field, falling(absent[0]), rtol=1e-6)
    assert any("interpolated in time" in caveat for caveat in found.verdict.caveats)
    assert found.verdict.word == "consistent with cancellation"


@pytest.mark.parametrize("absent", [[7, 8, 9], [3, 4, 5], [4, 5, 6, 7, 8, 9, 10, 11], [9, 10, 11]])
def test_of_a_wider_gap_the_other_hours_are_shown_and_nothing_is_claimed(absent):
    found = study(absent=absent)
    kept = [hour for hour in range(3, 13) if hour not in absent]
    assert hours_of(found.frames) == kept
    assert found.interpolated == (False,) * len(kept)
    first, last = (iso_minute(START + hour * u.h) for hour in (absent[0], absent[-1]))
    assert f"no good magnetogram for {first} to {last}" in found.incomplete
    assert "at most two consecutive hours can be interpolated" in found.incomplete
    assert found.verdict.word == "insufficient"
    assert f"this window has {len(kept)}" in found.verdict.sentence
    assert len(found.history) == len(found.masks) == len(kept)


@pytest.mark.parametrize("hour", [0, 1, 5, 8])
def test_at_the_start_of_a_region_there_are_fewer_hours(hour):
    found = study(hour)
    assert hours_of(found.frames) == list(range(hour + 1))
    assert "no good magnetogram for 2011-02-12T" in found.incomplete
    assert found.verdict.word == "insufficient"


def test_without_the_last_hour_the_others_are_shown_and_none_that_is_later():
    found = study(absent=[LAST])
    assert hours_of(found.frames) == list(range(3, 12))
    assert "2011-02-13T12:00; the last one must be real" in found.incomplete
    assert found.verdict.word == "insufficient"
    # 12 minutes later there is a record, which nobody has at t.
    assert hours_of(study(absent=[LAST], minutes={LAST: 12.0}).frames) == list(range(3, 12))
    late = study(absent=[LAST + 1], minutes={LAST: 12.0})
    assert hours_of(late.frames) == list(range(3, 12))


def test_after_the_last_record_what_is_left_of_the_window_is_shown():
    assert hours_of(study(20, n_hours=13).frames) == [11, 12]


def test_a_gap_between_patches_of_two_sizes_is_filled_where_both_are():
    found = study(absent=[7], draw=lambda i: falling(i) if i < 7 else np.pad(falling(i), 5))
    assert hours_of(found.frames) == list(range(3, 13))
    assert (found.incomplete, found.interpolated.index(True)) == ("", 4)
    assert found.frames[4].shape == (80, 120)
    assert found.verdict.word == "consistent with cancellation"
    (note,) = [one for one in found.verdict.caveats if "changes its box" in one]
    assert "(120 × 80 pixels to 130 × 90 pixels)" in note
    assert "the 120 × 80 pixels that every hour covers" in note
    # What is shown of the hours is what the trends were taken from.
    patch = found.systematics.fluxes.unsigned[:, MASKS.index("patch"), 0, 0]
    np.testing.assert_allclose(found.history["total_unsigned_flux_mx"], patch, rtol=1e-12)
    assert set(found.history["patch_rows_px"]) == {80}


def test_a_gap_between_patches_of_two_sizes_without_coordinates_is_not_filled():
    bare = {"header": Header()}
    found = study(absent=[7], draw=lambda i: boundary(cols=120 if i < 7 else 140), replaced=bare)
    assert hours_of(found.frames) == [3, 4, 5, 6, 8, 9, 10, 11, 12]
    assert "cannot be interpolated. The patch has 120 × 80 pixels" in found.incomplete
    assert found.verdict.word == "insufficient"
    assert any("No mask could be fixed" in caveat for caveat in found.verdict.caveats)


@pytest.mark.parametrize("changes", [{"n_hours": 3}, {"absent": range(3, 13)}])
def test_a_window_without_a_record_is_told_in_a_sentence(changes):
    hour = 12 if "absent" in changes else 13
    with pytest.raises(UnknownTimeError) as told:
        study(hour, **changes)
    assert str(told.value) == (
        f"Region 377 has no usable magnetogram in the 10 hours up to 2011-02-13 {hour}:00 TAI; "
        "choose another hour."
    )


def test_between_hours_it_is_the_hour_before():
    found = study(12.5)
    assert found.name == study(12).name
    assert hours_of(found.frames)[-1] == 12


def test_outside_time_there_is_none():
    for hour in (-5, 5000):
        with pytest.raises(UnknownTimeError, match="no usable magnetogram in the 10 hours"):
            study(hour)


def test_an_unknown_region_is_told():
    with pytest.raises(UnknownRegionError, match="'378'"):
        case_study(PilSource(PilRegion()), case(region="378"))


# Records that break


def test_a_record_that_breaks_counts_as_missing():
    found = study(broken=[6])
    assert (found.incomplete, found.interpolated[3], sum(found.interpolated)) == ("", True, 1)
    found = study(broken=[6, 7, 8])
    assert hours_of(found.frames) == [3, 4, 5, 9, 10, 11, 12]
    assert "record 7 of 377 ends early." in found.incomplete
    assert found.incomplete.count("record 7 of 377 ends early.") == 1
    assert found.verdict.word == "insufficient"


def test_a_record_that_breaks_beside_a_gap_is_told():
    found = study(absent=[5, 6, 7], broken=[10])
    assert hours_of(found.frames) == [3, 4, 8, 9, 11, 12]
    assert found.incomplete.endswith(
        "Left out because they broke on reading: record 10 of 377 ends early."
    )


def test_in_place_of_a_broken_record_another_of_its_hour_is_read():
    # Records lie at 10:00 (index 10) and 10:12 (index 11), and the gap is elsewhere.
    found = study(absent=[5, 6, 7], extra=(10.2,), broken=[10])
    assert hours_of(found.frames) == [3, 4, 8, 9, 10.2, 11, 12]
    assert "record 10 of 377" in found.incomplete


def test_a_last_record_that_breaks_is_the_error_of_the_case():
    with pytest.raises(TruncatedFitsError, match="record 12 of 377"):
        study(broken=[LAST])


def test_where_every_record_breaks_there_is_no_window():
    with pytest.raises(UnknownTimeError, match="no usable magnetogram"):
        study(absent=[LAST], broken=range(12))


# Odd fields


def test_a_quiet_field_has_no_pil_and_no_flux():
    found = study(draw=lambda _: np.zeros((60, 90)))
    assert found.verdict.word == "no PIL above threshold"
    assert not any(masks.ropi.any() for masks in found.masks)
    fluxes = found.history[["total_unsigned_flux_mx", "pil_unsigned_flux_mx", "pil_length_px"]]
    assert (fluxes == 0.0).all(axis=None)
    assert found.systematics.trend().sufficient


def test_one_polarity_has_no_pil():
    found = case_study(DrawnSource(DrawnRegion()), case())
    assert found.verdict.word == "no PIL above threshold"
    assert (found.history["pil_unsigned_flux_mx"] == 0.0).all()
    area = found.frames[0].pixel_area.to_value("cm2") * found.frames[0].field.size
    expected = [gauss(DrawnRegion(), hour) * area for hour in range(3, 13)]
    np.testing.assert_allclose(found.history["positive_flux_mx"], expected, rtol=1e-6)
    assert (found.history["negative_flux_mx"] == 0.0).all()


def test_pixels_beyond_the_limb_count_nowhere():
    def cut(index):
        drawn = falling(index)
        drawn[:, 80:] = np.nan
        return drawn

    found, whole = study(draw=cut), study()
    assert found.verdict.word == "consistent with cancellation"
    assert not any(masks.ropi[:, 80:].any() for masks in found.masks)
    table, other = found.history, whole.history
    assert np.isfinite(table["total_unsigned_flux_mx"]).all()
    np.testing.assert_allclose(table["pil_unsigned_flux_mx"], other["pil_unsigned_flux_mx"])
    shares = table["total_unsigned_flux_mx"] / other["total_unsigned_flux_mx"]
    np.testing.assert_allclose(shares, 80 / 120)


@pytest.mark.slow
@settings(max_examples=25)
@given(
    absent=st.sets(st.integers(0, 14), max_size=9),
    broken=st.sets(st.integers(0, 14), max_size=5),
    hour=st.integers(0, 14),
)
def test_whatever_is_missing_frames_are_real_hours_in_order(absent, broken, hour):
    source = DrawnSource(DrawnRegion(n_hours=15, absent=absent, broken=broken))
    try:
        found = case_study(source, case(hour))
    except UnknownTimeError:
        assert set(range(max(hour - 9, 0), hour + 1)) <= absent | broken
        return
    except TruncatedFitsError:
        assert hour in broken
        return
    frames, incomplete = found.frames, found.incomplete
    hours = hours_of(frames)
    assert hours == sorted(set(hours))
    assert set(hours) <= set(range(hour - 9, hour + 1))
    assert (incomplete == "") == (len(frames) == HOURS)
    for frame, at in zip(frames, hours, strict=True):
        assert frame.interpolated == (at in absent | broken)
    if incomplete:
        sound = set(range(max(hour - 9, 0), hour + 1)) - absent - broken
        assert hours == sorted(sound)


# Simulated and real regions


def test_a_simulated_region_is_called_so():
    source = SimulatedSource()
    hour = iso_minute(source.times("SIM 1")[30])
    found = case_study(source, Case("sim:", "SIM 1", hour))
    assert found.name.endswith(f"SIM 1, {hour.replace('T', ' ')} TAI")
    assert found.simulated
    assert any("simulated" in caveat for caveat in found.verdict.caveats)


@pytest.fixture(scope="module")
def real(harp377):
    return open_source(f"fits:{harp377}")


def test_harp_377_on_valentines_day(real):
    found = case_study(real, Case(real.spec, "377", "2011-02-14T00:00"))
    assert hours_of(found.frames)[-1] == 24.0
    assert (len(found.frames), found.incomplete, sum(found.interpolated)) == (HOURS, "", 0)
    assert found.name == "AR 11158 · HARP 377, 2011-02-14 00:00 TAI"
    assert not found.simulated
    pd.testing.assert_frame_equal(found.history, flux_history(found.frames))
    # 18:00 TAI has the flag that is accepted.
    assert list(found.history["quality"] != "0x00000000").count(True) == 1
    assert found.history["pil_length_mm"].min() > 50.0


def test_harp_377_an_hour_before_the_x_flare(real):
    flares = (
        Flare(Time("2011-02-15T01:56:00"), "X2.2", "eruptive"),
        Flare(Time("2011-02-14T17:26:00"), "M2.2", "unlinked"),
    )
    sequence = build_sequence(real, "377", START + 49 * u.h, 10)

    class Table:
        spec = real.spec

        def regions(self):
            return [replace(region, flares=flares) for region in real.regions()]

    found = case_study(Table(), Case(real.spec, "377", "2011-02-15T01:00"), sequence=sequence)
    assert found.outcome.word == "eruptive"
    assert found.outcome.sentence == "X2.2 at 2011-02-15 01:56 UTC (CME linked)."
    assert hours_of(found.frames) == list(range(40, 50))
    last, area = found.frames[-1], found.frames[-1].pixel_area.to_value("cm2")
    total, near = (np.nansum(np.abs(last.field[mask], dtype=np.float64)) * area
                   for mask in (np.isfinite(last.field), found.masks[-1].ropi))  # fmt: skip
    assert found.history["total_unsigned_flux_mx"].iloc[-1] == pytest.approx(total)
    assert found.history["pil_unsigned_flux_mx"].iloc[-1] == pytest.approx(near)
    assert near < total / 20
    assert 1e22 < total < 5e22


def test_harp_377_at_its_first_hours(real):
    found = case_study(real, Case(real.spec, "AR 11158", "2011-02-13T07:00"))
    assert hours_of(found.frames) == [5, 6, 7]
    assert found.verdict.word == "insufficient"
    with pytest.raises(UnknownTimeError, match="10 hours up to 2011-02-13 04:00 TAI"):
        case_study(real, Case(real.spec, "377", "2011-02-13T04:00"))


# Explained


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    return small_predictor(tmp_path_factory.mktemp("models"), cache_frames=8)


@pytest.fixture(scope="module")
def noise_study():
    sequence = noise_sequence(6)
    where = Case("noise:", "377", iso_minute(START + 6 * u.h), "small")
    return case_study(NoiseSource(), where, sequence=sequence), sequence


def test_every_part_of_an_explained_case_is_there(predictor, noise_study):
    found_study, sequence = noise_study
    steps = []
    found = explain_case(
        predictor, found_study, sequence, draws=99, progress=lambda *step: steps.append(step)
    )
    assert steps == [(i + 1, 9) for i in range(9)]
    assert found.study is found_study
    for part in (found.maps, found.faithfulness, found.randomised, found.overlaps):
        assert tuple(part) == MAP_METHODS
    assert tuple(found.hours) == HOUR_METHODS
    for method, made in found.maps.items():
        assert (made.method, made.maps.shape) == (method, (4, 4, 4))
        assert tuple(found.overlaps[method]) == REGION_NAMES
        for lies in found.overlaps[method].values():
            assert lies.draws.shape == (99,)
            assert 0.0 <= lies.share <= 1.0
    assert found.maps["relevance"].signed
    assert found.maps["relevance"].maps.min() < 0.0
    assert all(made.hours.shape == (4,) for made in found.hours.values())
    box = preprocess(sequence.frames[-1].field, predictor.preprocess_config)[1]
    assert set(found.boxes) == {box} == {CropBox(-12, 3, 64, (40, 70))}


def test_overlaps_are_those_of_the_maps_positive_part(predictor, noise_study):
    found_study, sequence = noise_study
    found = explain_case(
        predictor, found_study, sequence, methods=("relevance",), check=False, draws=50
    )
    assert (found.faithfulness, found.randomised, tuple(found.maps)) == ({}, {}, ("relevance",))
    positive = np.maximum(found.maps["relevance"].maps, 0.0)
    masks = [PilSettings().detect(frame.field) for frame in sequence.frames]
    again = together(positive, sequence.frames, masks, 64, draws=50)
    for name, lies in again.items():
        assert lies.share == found.overlaps["relevance"][name].share
        np.testing.assert_array_equal(lies.draws, found.overlaps["relevance"][name].draws)


def test_progress_reaches_its_total_without_checks(predictor, noise_study):
    steps = []
    explain_case(
        predictor, *noise_study, methods=("rollout",), check=False, draws=5,
        progress=lambda *step: steps.append(step),
    )  # fmt: skip
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize("after", [0, 1, 3, 6, 9])
def test_a_flag_stops_it_at_any_step(predictor, noise_study, after):
    stop, steps = threading.Event(), []

    def step(done, total):
        steps.append(done)
        if done == after:
            stop.set()

    if not after:
        stop.set()
    with pytest.raises(CancelledError, match="Stopped after"):
        explain_case(predictor, *noise_study, draws=5, progress=step, cancel=stop)
    assert steps == list(range(1, after + 1))


def test_other_hours_than_the_networks_are_refused_before_any_work(predictor, noise_study):
    found_study, _ = noise_study
    steps = []
    for other in (noise_sequence(7), noise_sequence(6, length=5)):
        with pytest.raises(RequestError, match="explain a case over the network's own hours"):
            explain_case(predictor, found_study, other, progress=lambda *s: steps.append(s))
    ten = case_study(NoiseSource(), replace(found_study.case, hour=iso_minute(START + 9 * u.h)))
    with pytest.raises(RequestError, match="shown 4 hours and the case has 10 frames"):
        explain_case(predictor, ten, noise_sequence(9), progress=lambda *s: steps.append(s))
    assert steps == []


def test_a_method_that_there_is_not_is_refused(predictor, noise_study):
    with pytest.raises(RequestError, match="There is no method 'why'"):
        explain_case(predictor, *noise_study, methods=("why",))


def test_settings_of_methods():
    assert map_options("relevance") == {"signed": True}
    assert map_options("rollout") == map_options("occlusion") == {}


@pytest.mark.slow
def test_no_torch_is_loaded_before_a_network_is_asked():
    code = "import sys, analysis.cases.explained; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


# Where a map lies


GRID, CROP = 14, 448


def in_tokens(shape, tokens, crop=CROP):
    """Masks whose RoPI is the pixels of these tokens."""
    box = preprocess(np.ones(shape), PreprocessConfig(crop, crop))[1]
    ropi = tokens_to_patch(tokens, box) > 0  # NaN is not
    pil = np.zeros(shape, dtype=bool)
    pil[np.argwhere(ropi)[0][0], np.argwhere(ropi)[0][1]] = True
    return PilMasks(pil, ropi, ropi)


@pytest.mark.parametrize("shape", [(448, 448), (377, 744), (501, 501), (333, 447)])
def test_a_map_within_the_ropi_has_all_its_mass_there_and_few_draws_do(shape):
    tokens = np.zeros((GRID, GRID), np.float32)
    tokens[5:8, 5:8] = 1.0
    frames = [drawn_magnetogram(np.full(shape, 50.0, np.float32))] * 3
    masks = [in_tokens(shape, tokens)] * 3
    found = together(np.stack([tokens] * 3), frames, masks, CROP, draws=400)
    assert tuple(found) == REGION_NAMES
    assert found["ropi"].share == found["hull"].share == pytest.approx(1.0)
    assert found["ropi"].p < 0.02
    assert found["ropi"].enrichment > 2
    assert found["ropi"].n_frames == 3
    # The map turned away from the RoPI has nothing there, and all draws have as much.
    away = together(np.stack([1 - tokens] * 3), frames, masks, CROP, draws=400)
    assert away["ropi"].share == pytest.approx(0.0, abs=1e-9)
    assert away["ropi"].p > 0.9


def test_a_flat_map_does_not_care():
    frame = drawn_magnetogram(boundary(470, 510))
    masks = PilSettings().detect(frame.field)
    found = together(np.ones((2, GRID, GRID)), [frame] * 2, [masks] * 2, CROP, draws=200)
    for lies in found.values():
        assert lies.enrichment == pytest.approx(1.0)
        assert lies.share == pytest.approx(lies.area)
        assert lies.p == 1.0


def test_negative_parts_do_not_count():
    frame = drawn_magnetogram(boundary(470, 510))
    masks = PilSettings().detect(frame.field)
    maps = np.random.default_rng(0).normal(size=(1, GRID, GRID))
    signed, positive = (
        together(values, [frame], [masks], CROP, draws=50)["near"]
        for values in (maps, np.maximum(maps, 0.0))
    )
    assert signed.share == positive.share
    assert signed.p == positive.p
    none = together(-np.abs(maps), [frame], [masks], CROP, draws=50)["near"]
    assert np.isnan(none.share)
    assert np.isnan(none.p)


def test_without_a_line_there_is_no_p():
    frame = drawn_magnetogram(np.zeros((470, 510), np.float32))
    masks = PilSettings().detect(frame.field)
    for lies in together(np.ones((1, GRID, GRID)), [frame], [masks], CROP, draws=9).values():
        assert lies.share == 0.0
        assert np.isnan(lies.p)


@pytest.mark.parametrize("numbers", [(2, 3, 3), (3, 2, 3), (3, 3, 2), (0, 0, 0), (1, 0, 0)])
def test_as_many_maps_and_masks_as_frames(numbers):
    n_maps, n_frames, n_masks = numbers
    frame = drawn_magnetogram(boundary(64, 64))
    masks = PilSettings().detect(frame.field)
    with pytest.raises(ValueError, match=r"zip|to combine|argument"):
        together(
            np.ones((n_maps, 4, 4)), [frame] * n_frames, [masks] * n_masks, 64, draws=5
        )  # fmt: skip


@settings(max_examples=40)
@given(rows=st.integers(1, 140), cols=st.integers(1, 140), tokens=st.sampled_from([2, 4, 8]))
def test_the_box_is_the_one_that_the_network_sees(rows, cols, tokens):
    used, grids = [], []

    def note(values, box):
        used.append(box)
        return tokens_to_patch(values, box)

    def note_grid(*given, grid, **options):
        grids.append(grid)
        return overlaps(*given, grid=grid, **options)

    frame = drawn_magnetogram(np.full((rows, cols), 50.0, np.float32))
    masks = PilMasks(*np.zeros((3, rows, cols), dtype=bool))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(explained_case, "tokens_to_patch", note)
        patch.setattr(explained_case, "overlaps", note_grid)
        together(np.ones((1, tokens, tokens)), [frame], [masks], 64, draws=2)
    box = preprocess(frame.field, PreprocessConfig(64, 32))[1]
    assert used == [box]
    assert grids == [TokenGrid(box.row0, box.col0, 64 // tokens)]


@pytest.mark.parametrize("shape", [(40, 70), (63, 65), (65, 63), (129, 33)])
@pytest.mark.parametrize("at", [(1, 1), (2, 2)])
def test_a_token_lies_on_the_pixels_that_it_was_made_of(shape, at):
    # The only field is what changes this token's mean in the network's image.
    tokens = np.zeros((4, 4), np.float32)
    tokens[at] = 1.0
    masks = in_tokens(shape, tokens, crop=64)
    drawn = np.where(masks.ropi, 800.0, 0.0).astype(np.float32)
    image, _ = preprocess(drawn, PreprocessConfig(64, 32))
    seen = image.reshape(4, 8, 4, 8).mean(axis=(1, 3))
    assert seen[at] > 0
    assert np.count_nonzero(seen) == 1
    found = together(tokens[None], [drawn_magnetogram(drawn)], [masks], 64, draws=5)
    assert found["ropi"].share == pytest.approx(1.0)

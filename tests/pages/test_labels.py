"""What things are called on the pages."""

from types import SimpleNamespace

import astropy.units as u
import pytest
from astropy.time import Time

from hnn_core.exceptions import SequenceError
from hnn_core.network.config import HNNConfig
from hnn_core.network.model_store import ModelInfo, save_model
from hnn_core.network.predictor import Hour
from hnn_core.regions.base import Flare, FlareLookup, Region
from hnn_core.regions.well_known import reference_hour
from pages._explore import view
from pages._shared import messages as labels
from tests.support.drawn_regions import drawn_magnetogram
from tests.support.small_models import small_model

FLARES = (
    Flare(Time("2011-02-13T17:38:00"), "M6.6", "confined"),
    Flare(Time("2011-02-15T01:56:00"), "X2.2", "eruptive"),
    Flare(Time("2011-02-14T17:26:00"), "M2.2", "unknown"),
    Flare(Time("2011-02-14T02:40:00"), "C9.4"),
    Flare(Time("2011-02-14T04:29:00"), "C8.3"),
)


def region(**changes: object) -> Region:
    values: dict[str, object] = {
        "id": "377",
        "harp": 377,
        "noaa": (11158,),
        "first": Time("2011-02-13T05:00:00", scale="tai"),
        "last": Time("2011-02-15T06:00:00", scale="tai"),
        "n_records": 50,
        "flares": FLARES,
    }
    return Region(**{**values, **changes})


@pytest.mark.parametrize(
    ("changes", "label", "name"),
    [
        ({}, "AR 11158 · X2.2 · 2011-02-13 · HARP 377", "AR 11158 · HARP 377"),
        ({"noaa": (), "flares": ()}, "HARP 377 · 2011-02-13", "HARP 377"),
        (
            {"noaa": (11158, 11159)},
            "AR 11158 · AR 11159 · X2.2 · 2011-02-13 · HARP 377",
            "AR 11158 · AR 11159 · HARP 377",
        ),
        (
            {"id": "SIM 3", "harp": 900003, "noaa": (), "simulated": True},
            "SIM 3 · X2.2 · 2011-02-13 · HARP 900003",
            "SIM 3",
        ),
        (
            {"id": "NRT-377", "flares": ()},
            "AR 11158 · NRT-377 · 2011-02-13 · HARP 377",
            "AR 11158 · NRT-377",
        ),
    ],
)
def test_region_is_called_by_its_numbers_largest_flare_and_day(changes, label, name):
    assert labels.region_label(region(**changes)) == label
    assert region(**changes).name == name


def test_flares_are_told_in_time_with_what_is_known_of_their_cmes():
    assert labels.flares_sentence(region()) == (
        "Flares: M6.6 2011-02-13 17:38 UTC (confined), C9.4 2011-02-14 02:40 UTC (CME link "
        "unknown), M2.2 2011-02-14 17:26 UTC (CME link unknown), X2.2 2011-02-15 01:56 UTC (CME "
        "linked) and 1 smaller. Other flares of this region were not looked up."
    )


def test_no_flare_in_a_catalogue_is_told_from_no_look_into_one():
    lookups = (FlareLookup("flares.csv", FLARES[0].peak, FLARES[1].peak),)
    assert labels.flares_label(region()) == "Flares: M6.6, C9.4, M2.2, X2.2 and 1 smaller"
    assert labels.flares_label(region(flares=())) == "Flares not looked up"
    assert labels.flares_label(region(flares=(), lookups=lookups)) == "No flare known"
    assert labels.flares_sentence(region(flares=())) == (
        "Flares of this region were not looked up."
    )
    assert labels.flares_sentence(region(flares=(), lookups=lookups)) == (
        "No flare of this region is known. Looked up in flares.csv (2011-02-13 to 2011-02-15)."
    )


def test_region_opens_on_the_last_hour_before_its_largest_flare():
    hours = ["2011-02-15T00:00", "2011-02-15T01:00", "2011-02-15T02:00", "2011-02-15T03:00"]
    assert reference_hour(hours, region()) == "2011-02-15T01:00"
    assert reference_hour(hours[2:], region()) == "2011-02-15T03:00"


@pytest.mark.parametrize(
    ("spec", "refused", "far", "opened"),
    [
        ("fits:/x", (), (), "01:00"),  # before the X2.2
        ("jsoc:nrt", (), (), "03:00"),  # the newest
        ("fits:/x", ("01:00",), (), "00:00"),
        ("jsoc:nrt", ("03:00",), (), "02:00"),
        ("fits:/x", (), ("01:00",), "00:00"),  # beyond 70 degrees
        ("fits:/x", ("00:00", "01:00"), (), "02:00"),
        ("fits:/x", ("00:00", "01:00", "02:00", "03:00"), (), "01:00"),
    ],
)
def test_region_opens_on_an_hour_with_a_prediction(monkeypatch, spec, refused, far, opened):
    def sequence(place, hour, length):
        if hour[-5:] in refused:
            raise SequenceError("too few hours")
        return SimpleNamespace(longitude=75.0 if hour[-5:] in far else 10.0)

    monkeypatch.setattr(view.caches, "sequence", sequence)
    monkeypatch.setattr(view.caches, "record", lambda *_: True)
    hours = [f"2011-02-15T0{hour}:00" for hour in range(4)]
    chosen = SimpleNamespace(
        place=None,
        model=SimpleNamespace(config=HNNConfig()),
        region=region(),
        source=SimpleNamespace(spec=spec),
    )
    assert view.first_hour(chosen, dict(zip(hours, hours, strict=True)))[-5:] == opened


def test_region_opens_before_a_well_known_flare_whatever_the_catalogue_holds():
    hours = ["2011-02-15T00:00", "2011-02-15T01:00", "2011-02-15T02:00", "2011-02-15T03:00"]
    assert reference_hour(hours, region(flares=())) == "2011-02-15T01:00"  # X2.2 of AR 11158
    assert reference_hour(hours, region(harp=378, noaa=(), flares=())) == "2011-02-15T03:00"
    near = region(id="NRT-377", noaa=(), flares=())  # another region: the number is not definitive
    assert reference_hour(hours, near) == "2011-02-15T03:00"
    assert reference_hour(hours[2:], region(flares=())) == "2011-02-15T03:00"


@pytest.mark.parametrize(
    ("longitude", "latitude", "words"),
    [(-11.4, -20.2, "S20 E11"), (33.0, 8.0, "N08 W33"), (float("nan"), 8.0, "")],
)
def test_position_is_written_as_solar_physicists_do(longitude, latitude, words):
    frame = drawn_magnetogram(longitude=longitude * u.deg, latitude=latitude * u.deg)
    assert labels.position(frame) == words


@pytest.mark.parametrize(
    ("card", "sentence"),
    [
        ({}, "The card of small does not name its training data. No test score is known."),
        (
            {"trained_on": "simulated regions only", "test": {"tss": 0.61}},
            "Trained on simulated regions only. Test TSS 0.610.",
        ),
        (
            {"trained_on": "noise.", "test": {"tss": 0.5, "tss_95": [0.4, 0.6]}, "test_set": "X"},
            "Trained on noise. Test TSS 0.500 (95 % interval 0.400 to 0.600) on X.",
        ),
        (
            {"trained_on": "noise", "test": {"tss": None, "tss_95": None}},
            "Trained on noise. No test score is known.",
        ),
    ],
)
def test_model_card_is_repeated_and_silence_is_told(tmp_path, card, sentence):
    info: ModelInfo = save_model(small_model(), tmp_path / "small", metadata=card)
    assert labels.model_sentence(info) == sentence
    assert labels.model_label(info) == "small · ≥M flares"


def test_hours_filled_and_flagged_are_named():
    hours = (
        Hour("2011-02-13T04:00:00", "2011-02-13T04:00:00", interpolated=True, flagged=False),
        Hour("2011-02-13T05:00:00", "2011-02-13T05:00:00", interpolated=True, flagged=False),
        Hour("2011-02-13T06:00:00", "2011-02-13T05:36:00", interpolated=False, flagged=True),
    )

    class Answer:
        pass

    answer = Answer()
    answer.hours = hours
    assert labels.frame_notes(answer) == [
        "Hours without a record, filled by interpolation: 04:00, 05:00.",
        "Hour with a QUALITY flag that is accepted: 06:00.",
    ]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (1e-5, "1 × 10⁻⁵"),
        (-2.5e20, "−2.5 × 10²⁰"),
        (-0.25, "−0.25"),
        (0.0, "0"),
        (12, "12"),
        (True, "True"),
        ("auto", "auto"),
    ],
)
def test_numbers_are_written_with_powers_of_ten_and_a_minus_sign(value, words):
    assert labels.written(value) == words


def test_what_is_not_known_is_not_no():
    assert [labels.yes_no(value) for value in (True, False, None)] == ["yes", "no", "not known"]

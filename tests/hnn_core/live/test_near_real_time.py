"""A region by number and time from the near-real-time series, whose numbers are its own."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hnn_core.__main__ import main
from hnn_core.magnetogram.conventions import iso_minute
from hnn_core.magnetogram.sequence_plan import good_records
from hnn_core.sources import open_source
from hnn_core.sources.sequence import build_sequence
from tests.emulators import emulated, small_world
from tests.emulators.regions import SimulatedRegion
from tests.emulators.world import DEFINITIVE, NRT

pytestmark = pytest.mark.slow

NOW = datetime(2026, 9, 6, 12, 40, tzinfo=UTC)
SPAN = ["--from", "2026-09-06T00:00", "--to", "2026-09-06T11:00"]
NUMBERED, UNNUMBERED = 14011, 14018
"""The regions of the near-real-time series: AR 14600 and one without a number."""


@pytest.fixture
def emulator(monkeypatch, time_machine):
    with emulated(small_world(2, now=NOW)) as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def time_machine(monkeypatch):
    """The program's day is that of the emulated world, whatever the machine's is."""
    monkeypatch.setattr("hnn_core.regions.words._check_day", lambda *_: None)


def nrt(emulator, harp: int) -> SimulatedRegion:
    (found,) = [one for one in emulator.world.regions if (one.series, one.harp) == (NRT, harp)]
    return found


def fetch(*words: str) -> int:
    return main(["data", "fetch", "--nrt", *words, *SPAN])


def test_a_noaa_number_is_found_by_the_series_own_keyword(emulator, capsys):
    assert fetch("--ar", "14600") == 0
    assert "AR 14600 near real time is HARP 14011 (AR 14600" in capsys.readouterr().err
    source = open_source("jsoc:nrt")
    (region,) = source.regions()
    assert (region.harp, region.noaa) == (NUMBERED, (14600,))
    assert iso_minute(region.last) == "2026-09-06T11:00"


def test_informational_bits_reject_nothing_and_boxes_may_grow(emulator):
    assert fetch("--ar", "14600") == 0
    source = open_source("jsoc:nrt")
    (region,) = source.regions()
    quality = source.quality(region.id)
    assert set(quality.tolist()) == {0x11C00}
    assert good_records(quality).all()
    sequence = build_sequence(source, region.id, region.last)
    shapes = {nrt(emulator, NUMBERED).dims(slot) for slot in nrt(emulator, NUMBERED).slots()}
    assert len(shapes) == 4
    assert len({frame.field.shape for frame in sequence.frames}) == 1  # the common area


def test_a_definitive_number_is_found_by_position_and_time(emulator, capsys):
    # The same region in the definitive series, of another number and with smaller boxes.
    twin = replace(nrt(emulator, UNNUMBERED), series=DEFINITIVE, harp=13950)
    emulator.world.regions.append(twin)
    # Another definitive region has the number that the near-real-time series gives this one.
    other = replace(nrt(emulator, NUMBERED), series=DEFINITIVE, harp=UNNUMBERED)
    emulator.world.regions.append(other)
    assert fetch("--harp", "13950") == 0
    said = capsys.readouterr().err
    assert "HARP 13950 near real time is HARP 14018 (no NOAA number" in said
    assert "by position and time" in said
    assert fetch("--harp", str(UNNUMBERED)) == 0
    assert f"HARP {UNNUMBERED} near real time is HARP {NUMBERED} (" in capsys.readouterr().err


def test_a_noaa_number_that_only_the_table_knows_is_found_by_position(emulator, capsys):
    twin = replace(nrt(emulator, UNNUMBERED), series=DEFINITIVE, harp=13950)
    emulator.world.regions.append(twin)
    emulator.world.harp_noaa.append((13950, (14607,)))
    assert fetch("--ar", "14607") == 0
    assert "AR 14607 near real time is HARP 14018" in capsys.readouterr().err


def test_a_number_of_the_series_itself_is_taken_where_the_definitive_one_has_none(emulator, capsys):
    assert fetch("--harp", str(UNNUMBERED)) == 0
    assert "its own number: the definitive series has none then" in capsys.readouterr().err


def test_a_region_that_is_not_there_is_told_with_those_that_are(emulator, capsys):
    for words, name in ((["--ar", "14999"], "AR 14999"), (["--harp", "377"], "HARP 377")):
        assert fetch(*words) == 1
        said = capsys.readouterr().err
        assert f"has no {name} from 2026-09-06T00:00 to 2026-09-06T11:00 TAI" in said
        assert "HARP 14011 (AR 14600" in said
        assert "HARP 14018 (no NOAA number" in said


def test_a_region_is_found_also_where_it_was_there_for_a_part_of_the_span(emulator):
    emulator.world.now = NOW - timedelta(hours=8)
    assert fetch("--ar", "14600") == 0
    assert open_source("jsoc:nrt").regions()[0].n_records < 7

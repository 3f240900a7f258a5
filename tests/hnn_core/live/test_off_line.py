"""Records that are off line, through the commands: named, listed for JSOC, done without or not."""

import json
import re

import pytest

from hnn_core.__main__ import main
from hnn_core.dataset.card import list_datasets
from hnn_core.jsoc.files import cache_home, cached
from hnn_core.jsoc.keywords import DEFINITIVE
from hnn_core.live.holdings import holdings
from hnn_core.magnetogram.conventions import parse_t_rec
from hnn_core.sources import open_source
from hnn_core.sources.sequence import build_sequence
from tests.conftest import real_data
from tests.emulators import emulated, real_world, small_world
from tests.emulators.record_set import Record

pytestmark = pytest.mark.slow

HOURS = ["--from", "2011-02-13T07:00", "--to", "2011-02-13T11:00"]
FETCH = ["data", "fetch", "--harp", "377", *HOURS]
SPAN = ["--start", "2011-02-01", "--end", "2011-02-28"]
BUILD = ["data", "build", "--class", "M", *SPAN, "--out", "live-m", "--workers", "1", "--json"]


@pytest.fixture
def emulator(monkeypatch):
    with emulated(small_world(2)) as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running


def off_line(emulator, wanted=r".") -> int:
    """Take the records of HARP 377 off line whose name matches; return how many."""
    (region,) = [one for one in emulator.world.regions if one.harp == 377]
    names = {Record(region, slot).name for slot in region.slots()}
    emulator.jsoc.offline |= {name for name in names if re.search(wanted, name)}
    return len(emulator.jsoc.offline)


def letter() -> str:
    (path,) = cache_home().glob("*.txt")
    return path.read_text()


def test_an_hour_that_is_off_line_stops_a_fetch_with_an_email_to_send(emulator, capsys):
    off_line(emulator, r"13_(07:[345]|08:[012])|13_09:00")  # of 09:00 there are others
    assert main(FETCH) == 1
    said = capsys.readouterr().err
    last = said.strip().splitlines()[-1]
    assert "1 hour has no good record on line at JSOC now: HARP 377 2011-02-13T08:00." in last
    assert "--allow-missing" in last
    assert str(next(cache_home().glob("*.txt"))) in last
    assert (
        "HARP 377 2011-02-13T09:00: the nearest good record is off line at JSOC now; that" in said
    )
    assert holdings()[0].region.n_records == 4  # all else came
    assert letter().splitlines()[0] == "To: jsoc@sun.stanford.edu"
    assert "\nSubject: 1 off-line record of hmi.sharp_cea_720s\n" in letter()
    assert "\nhmi.sharp_cea_720s[377][2011.02.13_08:00:00_TAI]{magnetogram}\n" in letter()
    assert main([*FETCH, "--allow-missing", "--json"]) == 0
    end = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (end["event"], end["present"], end["missing"]) == ("end", 4, 1)
    assert (end["off_line"], end["instead"]) == (1, 1)
    emulator.jsoc.offline.clear()
    assert main(FETCH) == 0
    assert len(cached(DEFINITIVE, 377)) == 6  # the hour's own records, and what stood for 09:00
    assert not list(cache_home().glob("*.txt"))
    assert main(["data", "verify"]) == 0


@pytest.mark.parametrize("more", [[], ["--allow-missing"]])
def test_where_all_is_off_line_nothing_is_done_without(emulator, capsys, more):
    off_line(emulator)
    assert main([*FETCH, *more]) == 1
    said = capsys.readouterr().err
    assert "5 hours have no good record on line at JSOC now" in said
    # Neither something that is not so, nor an option that cannot help.
    assert "is fetched" not in said
    assert "--allow-missing" not in said
    assert letter().count("_TAI") == 5
    assert not cached(DEFINITIVE, 377)


def test_long_lists_are_record_sets_that_jsoc_takes(emulator):
    off_line(emulator)
    assert main(["data", "fetch", "--harp", "377"]) == 1
    sets = [line for line in letter().splitlines() if line.startswith("hmi.")]
    assert len(sets) == 3
    assert all(len(line) < 4096 for line in sets)
    assert sum(line.count("_TAI") for line in sets) == 48


def test_hours_without_a_good_record_are_no_success(emulator, capsys):
    # Two hours before the passage: there is a record for none.
    early = ["--from", "2011-02-13T02:00", "--to", "2011-02-13T04:40"]
    assert main(["data", "fetch", "--harp", "377", *early]) == 1
    said = capsys.readouterr().err
    assert "None of 3 hours could be fetched: no record within 24 min." in said


def test_a_build_stops_and_does_without_where_it_may(emulator, hnn_home, capsys):
    n_off_line = off_line(emulator, r"14_1\d:")
    assert n_off_line > 40
    assert main(BUILD) == 1
    last = capsys.readouterr().err.strip().splitlines()[-1]
    path = hnn_home / "datasets" / "live-m.off_line.txt"
    assert "9 hours have no good record on line at JSOC now: HARP 377 2011-02-14T11:00," in last
    assert " and 4 more. " in last
    assert str(path) in last
    assert path.read_text().count("_TAI") == 9
    assert list_datasets() == ([], [])
    assert main([*BUILD, "--allow-missing"]) == 0
    capsys.readouterr()
    (found,), skipped = list_datasets()
    assert (found.name, skipped) == ("live-m", [])  # the list is not taken for a data set
    emulator.jsoc.offline.clear()
    assert main(["data", "build", *BUILD[2:-4], "whole", "--workers", "1"]) == 0
    assert not path.with_name("whole.off_line.txt").exists()


def test_a_build_of_which_all_is_off_line_is_none(emulator, capsys):
    for region in emulator.world.regions:
        emulator.jsoc.offline |= {Record(region, slot).name for slot in region.slots()}
    assert main([*BUILD, "--allow-missing"]) == 1
    said = capsys.readouterr().err
    assert "no good record on line" in said
    assert "--allow-missing" not in said
    assert list_datasets() == ([], [])


def test_a_watch_of_a_disk_that_is_off_line_is_no_success(emulator, capsys):
    for region in emulator.world.regions:
        emulator.jsoc.offline |= {Record(region, slot).name for slot in region.slots()}
    assert main(["data", "watch", "--once"]) == 1
    assert "could be fetched: off line at JSOC now." in capsys.readouterr().err.splitlines()[-1]


def test_real_hours_that_are_off_line_are_a_gap_that_is_filled(monkeypatch, capsys):
    """The real files of HARP 377 are hourly, so that nothing stands in for an hour."""
    with emulated(real_world(real_data("harp377"))) as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        gone = ["2011.02.14_10:00:00_TAI", "2011.02.14_11:00:00_TAI"]
        running.jsoc.offline |= {f"hmi.sharp_cea_720s[377][{time}]" for time in gone}
        hours = ["--from", "2011-02-14T06:00", "--to", "2011-02-14T15:00"]
        assert main(["data", "fetch", "--ar", "11158", *hours]) == 1
        assert f"\nhmi.sharp_cea_720s[377][{','.join(gone)}]{{magnetogram}}\n" in letter()
        capsys.readouterr()
        assert main(["data", "fetch", "--ar", "11158", *hours, "--allow-missing"]) == 0
        assert "8 were here already, 2 hours without one." in capsys.readouterr().out
    sequence = build_sequence(open_source("jsoc:"), "377", parse_t_rec("2011-02-14T15:00"))
    assert sequence.interpolated == (False,) * 4 + (True,) * 2 + (False,) * 4

"""The commands of live data against the emulators: fetch, flares, cmes, watch, verify."""

import hashlib
import json
import math
import re
from datetime import UTC, datetime, timedelta

import pytest

from hnn_core.__main__ import main
from hnn_core.jsoc.files import cache_home
from hnn_core.live.holdings import holdings
from hnn_core.live.watch import prediction_log, read_predictions
from hnn_core.magnetogram import sharp
from hnn_core.magnetogram.conventions import iso_minute
from hnn_core.sources import find_region, open_source
from tests.emulators import emulated, small_world

pytestmark = pytest.mark.slow

FIVE_HOURS = ["--start", "2011-02-14T20:00", "--end", "2011-02-15T00:00"]


@pytest.fixture(scope="module")
def running():
    # The clock of the services stands at the machine's, on a whole hour's far side.
    now = datetime.now(UTC).replace(minute=40, second=0, microsecond=0) - timedelta(hours=1)
    with emulated(small_world(4, now=now)) as emulator:
        yield emulator


@pytest.fixture
def emulator(running, monkeypatch):
    running.faults.clear()
    running.requests.clear()
    for name, value in running.environment.items():
        monkeypatch.setenv(name, value)
    return running


def run(*words: str) -> int:
    return main(["data", *words])


def told(capsys) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines() if line[:1] == "{"]


def test_a_number_brings_magnetograms_flares_and_cmes(emulator, capsys):
    assert run("fetch", "--noaa", "11158", *FIVE_HOURS, "--json") == 0
    events = told(capsys)
    assert (events[0]["event"], events[-1]["event"]) == ("start", "end")
    assert (events[-1]["new"], events[-1]["present"], events[-1]["missing"]) == (5, 0, 0)
    source = open_source("jsoc:")
    region = find_region(source, "11158")
    assert [region.id] == events[-1]["regions"]
    assert region.simulated  # the emulators serve simulated regions, and the files say so
    (flare,) = [one for one in region.flares if one.goes_class == "X2.2"]
    assert flare.association == "eruptive"
    assert flare.cmes
    assert flare.cmes[0].speed > 0
    assert "CME" in flare.reason
    (held,) = holdings()
    assert (held.region.harp, held.region.noaa, held.region.n_records) == (377, (11158,), 5)
    assert iso_minute(held.region.first) == "2011-02-14T20:00"
    assert iso_minute(held.region.last) == "2011-02-15T00:00"


def test_what_is_here_is_not_fetched_again(emulator, capsys):
    assert run("fetch", "--noaa", "11158", *FIVE_HOURS) == 0
    capsys.readouterr()
    before = len([one for one in emulator.requests if "/SUM" in one.path])
    assert run("fetch", "--harp", "377", *FIVE_HOURS, "--json") == 0
    assert told(capsys)[-1]["present"] == 5
    assert len([one for one in emulator.requests if "/SUM" in one.path]) == before == 5


def test_a_flare_of_the_catalogue_brings_the_two_days_before_it(emulator, capsys):
    assert run("flares", "--start", "2011-02-15", "--end", "2011-02-15") == 0
    out = capsys.readouterr().out
    assert "X2.2" in out
    assert "eruptive" in out
    assert run("fetch", "--flare", "2011-02-15T01:56 X2.2", "--json") == 0
    region = open_source("jsoc:").regions()[0]
    assert iso_minute(region.last) == "2011-02-15T01:00"  # the last hour before it began
    assert region.n_records > 40


def test_cmes_are_listed_with_their_speeds_and_flares(emulator, capsys):
    assert run("cmes", "--start", "2011-02-14", "--end", "2011-02-16") == 0
    out = capsys.readouterr().out
    assert "km/s" in out
    assert "-FLR-001" in out


def test_where_nothing_could_be_fetched_the_exit_code_is_one(emulator, capsys):
    days = ["--start", "2011-02-14", "--end", "2011-02-16"]
    emulator.faults.add(r"/donki/|/goes/|/hek/", "503", times=10_000)
    for command in ("flares", "cmes"):
        assert run(command, *days) == 1
        assert "Nothing could be fetched, and nothing is here" in capsys.readouterr().err
    emulator.faults.clear()
    assert run("flares", *days) == 0
    emulator.faults.add(r"/donki/|/goes/|/hek/", "503", times=10_000)
    assert run("flares", *days, "--again") == 0  # what is here is the answer, and what failed told
    out = capsys.readouterr().out
    assert "X2.2" in out
    assert "could not be fetched" in out


def test_cmes_of_which_no_week_came_are_not_none(emulator, capsys):
    emulator.faults.add(r"/donki/CME", "503", times=10_000)  # those of flares come
    assert run("cmes", "--start", "2011-07-01", "--end", "2011-07-28") == 1
    said = capsys.readouterr()
    assert "0 CMEs" not in said.out
    assert "Nothing could be fetched, and nothing is here: DONKI CMEs 2011-06-27" in said.err
    emulator.faults.clear()
    assert run("cmes", "--start", "2011-07-01", "--end", "2011-07-28") == 0
    assert "0 CMEs from 2011-07-01 to 2011-07-28." in capsys.readouterr().out


def test_catalogues_out_of_reach_do_not_keep_magnetograms_back(emulator, capsys):
    emulator.faults.add(r"/donki/|/goes/|/hek/", "503", times=1000)
    assert run("fetch", "--noaa", "11158", *FIVE_HOURS, "--json") == 0
    events = told(capsys)
    assert events[-1]["new"] == 5
    assert any(event.get("text", "").startswith("DONKI flares 2011-02:") for event in events)
    assert open_source("jsoc:").regions()[0].flares == ()


def test_a_table_of_numbers_out_of_reach_is_noted(emulator, capsys):
    emulator.faults.add("harp_noaa", "503", times=1000)
    assert run("cmes", "--start", "2011-02-14", "--end", "2011-02-16") == 0
    assert run("flares", "--start", "2011-02-14", "--end", "2011-02-16") == 0
    said = capsys.readouterr()
    assert "Table of HARP and NOAA numbers all: JSOC gives no sound answer" in said.err
    assert said.out.endswith(" 1 part could not be fetched; run it again for the rest.\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "one of --noaa, --harp, --flare and --now"),
        (["--noaa", "11158", "--harp", "377"], "one of --noaa, --harp, --flare and --now"),
        (["--noaa", "sunspot"], "'sunspot' is no active region"),
        (["--harp", "0"], "is no HARP number"),
        (["--noaa", "11158", "--start", "2009-01-01"], "before 2010-05-01"),
        (["--noaa", "11158", "--start", "2011-02-15", "--end", "2011-02-14"], "before it begins"),
        (["--flare", "none such"], "no flare 'none such' in the catalogue"),
        (["--now", "--start", "2011-02-15"], "go with --noaa or --harp"),
        (["--harp", "377", "--from", "2011-02-15T01:10", "--to", "2011-02-15T01:50"], "whole hour"),
        (["--nrt", "--harp", "377"], "needs --from and --to"),
        (["--nrt", "--now"], "goes with --ar or --harp"),
        (["--nrt", "--ar", "11158", *FIVE_HOURS, "--email", "a@b.org"], "does not go with --nrt"),
        (["--nrt", "--ar", "11158", "--from", "2011-02-01", "--to", "2011-03-01"], "20 days"),
        (["--noaa", "11158", "--email", "nobody"], "nobody"),
    ],
)
def test_wrong_words_are_told_before_any_request(emulator, capsys, words, said):
    assert run("fetch", *words) == 2
    assert said in capsys.readouterr().err
    assert [one for one in emulator.asked("jsoc") if "harp_noaa" not in one.path] == []


def tables_asked(emulator) -> int:
    return len([one for one in emulator.requests if one.service == "harp_noaa"])


def test_a_number_without_a_harp_is_looked_up_in_a_new_table_before_it_is_refused(emulator, capsys):
    assert run("fetch", "--noaa", "12345") == 1
    assert tables_asked(emulator) == 1  # the table is new: there is no newer one
    said = capsys.readouterr().err
    assert "No HARP has the number AR 12345 in the copy of JSOC's table" in said
    assert re.search(r"of \d{4}-\d\d-\d\d \(\d+ s old\)", said)
    assert run("fetch", "--noaa", "12345") == 1
    assert tables_asked(emulator) == 2
    assert "AR 12345 is not in the copy of JSOC's table" in capsys.readouterr().err


def test_a_number_that_came_into_the_table_since_is_found(emulator, monkeypatch, capsys):
    table = emulator.world.harp_noaa
    absent = [row for row in table if 11158 not in row[1]]
    monkeypatch.setattr(emulator.world, "harp_noaa", absent)
    assert run("fetch", "--noaa", "11158", *FIVE_HOURS) == 1
    monkeypatch.setattr(emulator.world, "harp_noaa", table)
    assert run("fetch", "--noaa", "11158", *FIVE_HOURS) == 0
    emulator.requests.clear()
    assert run("fetch", "--noaa", "11158", *FIVE_HOURS) == 0
    assert tables_asked(emulator) == 0  # one that is found costs nothing
    capsys.readouterr()
    emulator.faults.add("harp_noaa", "503", times=1000)
    assert run("fetch", "--noaa", "12345") == 1
    assert "and a new one could not be fetched" in capsys.readouterr().err


def test_no_record_in_the_span_is_told(emulator, capsys):
    assert run("fetch", "--harp", "377", "--start", "2012-01-01", "--end", "2012-01-02") == 1
    assert "HARP 377" in capsys.readouterr().err


def test_no_network_is_one_sentence_and_what_is_here_stays(emulator, monkeypatch, capsys):
    assert run("fetch", "--noaa", "11158", *FIVE_HOURS) == 0
    capsys.readouterr()
    emulator.faults.add(r".", "drop", times=10_000)
    assert run("fetch", "--noaa", "11158", "--start", "2011-02-14", "--end", "2011-02-14") == 1
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("JSOC ")
    assert holdings()[0].region.n_records == 5


def test_watch_predicts_for_what_is_on_the_disk_once_an_hour(emulator, capsys):
    assert run("watch", "--once", "--json") == 0
    events = told(capsys)
    lines = read_predictions()
    assert events[-1]["added"] == len(lines) == 2
    for line in lines:
        assert line["region"].startswith(("NRT-", "SIM-"))
        assert ("probability" in line) != ("refused" in line)
        assert line["simulated"] is True
    assert any("probability" in line for line in lines)
    assert run("watch", "--once") == 0
    assert len(read_predictions()) == 2  # the same hour is not predicted twice


def test_watch_logs_a_position_that_is_not_known_as_null(emulator, monkeypatch):
    monkeypatch.setattr(sharp, "position", lambda _: (math.nan, math.nan))
    assert run("watch", "--once") == 0
    predicted = [line for line in read_predictions() if "probability" in line]
    assert predicted
    for line in predicted:
        assert line["longitude_deg"] is None
        assert any("position is not known" in warning for warning in line["warnings"])


def test_a_torn_line_of_the_log_loses_no_other(emulator):
    log = prediction_log()
    log.parent.mkdir(parents=True)
    log.write_text('{"region": "NRT-1", "t_rec": "2026-01-01T00:00"}\n{"region": "NR')
    assert run("watch", "--once") == 0
    assert read_predictions()[0]["region"] == "NRT-1"
    assert len(read_predictions()) == 3


def test_verify_finds_what_was_damaged_and_a_fetch_brings_it_again(emulator, capsys):
    assert run("fetch", "--noaa", "11158", *FIVE_HOURS) == 0
    assert run("verify") == 0
    files = sorted((cache_home() / "definitive").rglob("*.fits"))
    whole = files[0].read_bytes()
    files[0].write_bytes(whole[:-3000] + b"\xff" * 3000)  # right length, wrong pixels
    files[1].write_bytes(whole)  # another hour than its name says
    capsys.readouterr()
    assert run("verify", "--remove-damaged") == 2
    said = capsys.readouterr().err
    assert "2 are damaged" in said
    assert run("fetch", "--noaa", "11158", *FIVE_HOURS) == 0
    assert run("verify") == 0
    assert files[0].read_bytes() == whole


def test_verify_compares_the_sha256_of_files_without_sums(emulator, capsys):
    assert run("fetch", "--noaa", "11158", *FIVE_HOURS) == 0
    files = sorted((cache_home() / "definitive").rglob("*.fits"))
    sides = sorted((cache_home() / "definitive").rglob("*.sha256"))
    assert [side.name for side in sides] == [f"{path.name}.sha256" for path in files]
    digest, name = sides[0].read_text().split()
    assert (digest, name) == (hashlib.sha256(files[0].read_bytes()).hexdigest(), files[0].name)
    content = files[0].read_bytes()
    assert b"OBS_VR  =" in content  # of no account for reading
    files[0].write_bytes(content.replace(b"OBS_VR  =", b"OBS_VQ  ="))
    sides[1].write_text("")
    capsys.readouterr()
    assert run("verify", "--remove-damaged") == 2
    words = capsys.readouterr().err
    assert f"its SHA-256 is not the one of {sides[0].name}" in words
    assert f"{sides[1]} cannot be read" in words
    assert not sides[0].exists()
    assert run("fetch", "--noaa", "11158", *FIVE_HOURS) == 0
    assert run("verify") == 0


def test_verify_distinguishes_replies_that_changed_are_gone_or_have_no_side_file(emulator, capsys):
    assert run("cmes", "--start", "2011-02-14", "--end", "2011-02-25") == 0
    changed, gone, undescribed, *_ = (cache_home().parent / "catalogs" / "raw").rglob("*.json")
    changed.write_bytes(changed.read_bytes() + b" ")
    gone.unlink()
    undescribed.with_name(f"{undescribed.name}.about").write_text("{")
    assert run("verify") == 2
    lines = capsys.readouterr().err.splitlines()
    for path, why in (
        (changed, "its sum is not that of its side file"),
        (gone, "it cannot be read (No such file or directory)"),
        (undescribed, "its side file cannot be read"),
    ):
        assert any(path.name in line and why in line for line in lines)
    assert "3 are damaged" in lines[-1]

"""The data set of a class from the services to a trained network, through the real commands."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from hnn_core.__main__ import main
from hnn_core.catalogs.store import Catalog
from hnn_core.dataset.card import DatasetInfo, read_card
from hnn_core.dataset.stored import StoredDataset
from hnn_core.regions.words import read_day
from hnn_core.sources.planned import PlanRequest, read_plan
from tests.conftest import ROOT
from tests.emulators import emulated, small_world

pytestmark = pytest.mark.slow

SPAN = ["--start", "2011-01-01", "--end", "2011-12-31"]
BUILD = ["data", "build", "--class", "M", *SPAN, "--out", "live-m", "--workers", "1", "--json"]
REQUEST = PlanRequest("M", read_day("2011-01-01"), read_day("2011-12-31"))


@pytest.fixture(scope="module")
def running():
    with emulated(small_world(8)) as emulator:
        yield emulator


@pytest.fixture
def emulator(running, monkeypatch):
    running.faults.clear()
    running.requests.clear()
    running.bytes_per_s = None
    for name, value in running.environment.items():
        monkeypatch.setenv(name, value)
    return running


def events(capsys) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines() if line[:1] == "{"]


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def undisturbed(running, tmp_path_factory) -> tuple[Path, dict[str, str]]:
    """The data set of a build that nothing disturbed, in a process of its own."""
    home = tmp_path_factory.mktemp("undisturbed")
    done = subprocess.run(
        [sys.executable, "-m", "hnn_core", *BUILD], cwd=ROOT, env=environment(running, home)
    )
    assert done.returncode == 0
    folder = home / "datasets" / "live-m"
    return folder, contents(folder)


def environment(emulator, home: Path) -> dict[str, str]:
    return {**os.environ, **emulator.environment, "HNN_HOME": str(home)}


def test_the_set_holds_both_classes_and_says_that_it_is_simulated(undisturbed):
    dataset = StoredDataset.open(undisturbed[0])
    counts = dataset.card["counts"]["M"]
    assert dataset.card["simulated"] is True
    assert dataset.card["source"] == REQUEST.spec
    assert counts["positive"] > 20
    assert counts["negative"] > 20
    # Labels are what the world knows: an eruptive flare's day is positive, a confined one's not.
    assert counts["eruptive_flares"] >= 2
    assert counts["confined_flares"] >= 2


def test_classes_weaker_than_the_plan_s_are_told_to_be_partial(undisturbed):
    info = DatasetInfo(undisturbed[0], read_card(undisturbed[0]))
    assert [info.is_partial(name) for name in ("M5.0", "M", "C")] == [False, False, True]
    info = DatasetInfo(undisturbed[0], info.card | {"source": "sim:1:40"})
    assert not info.is_partial("C")


def test_a_build_killed_ten_times_at_random_gives_the_same_bytes(
    running, undisturbed, tmp_path, monkeypatch
):
    chance = random.Random(20110215)
    running.faults.clear()
    kills = 0
    for _ in range(40):
        child = subprocess.Popen(
            [sys.executable, "-m", "hnn_core", *BUILD],
            cwd=ROOT,
            env=environment(running, tmp_path),
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(chance.uniform(0.8, 3.5) if kills < 10 else 0.0)
        if kills < 10 and child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            kills += 1
            child.wait()
            continue
        assert child.wait(timeout=600) == 0
        break
    assert kills == 10
    folder = tmp_path / "datasets" / "live-m"
    assert contents(folder) == undisturbed[1]
    monkeypatch.setenv("HNN_HOME", str(tmp_path))
    for name, value in running.addresses.items():
        monkeypatch.setenv(name, value)
    assert main(["data", "verify"]) == 0
    assert not [path for path in tmp_path.rglob("*.part") if path.is_file()]


def test_the_plan_comes_first_and_nothing_is_downloaded_for_it(emulator, capsys):
    assert main([*BUILD, "--plan"]) == 0
    told = events(capsys)
    plan = next(one for one in told if one["event"] == "plan")
    assert plan["regions"] >= 4
    assert plan["frames"] == read_plan(REQUEST).n_hours
    assert plan["here"] == 0
    assert plan["bytes"] > 0
    assert told[-1]["event"] == "end"
    why = " ".join(one["why"] for one in told if one["event"] == "excluded")
    assert "not in DONKI" in why
    assert not [one for one in emulator.requests if "/SUM" in one.path]


def test_a_flare_without_a_number_gets_its_region_by_position(monkeypatch, capsys):
    world = small_world(2)
    (x22,) = [one for one in world.flares if one.noaa == 11158 and one.flux > 2e-4]
    hidden = replace(x22, ncei_noaa=False, quirk="no region")  # neither NCEI nor DONKI names it
    world.flares[world.flares.index(x22)] = hidden
    with emulated(world) as emulator:
        for name, value in emulator.environment.items():
            monkeypatch.setenv(name, value)
        assert main([*BUILD, "--plan"]) == 0
        assert any(one.get("stage") == "positions" for one in events(capsys))
        (row,) = Catalog.open().flares.query("goes_class == 'X2.2'").itertuples()
        assert (row.harp, row.noaa, row.noaa_origin) == (377, 11158, "position")
        assert 377 in {region.harp for region in read_plan(REQUEST).regions}


def test_a_region_that_came_into_the_table_since_is_in_a_new_plan(monkeypatch, capsys):
    world = small_world(2)
    table = world.harp_noaa
    world.harp_noaa = [row for row in table if 11158 not in row[1]]
    with emulated(world) as emulator:
        for name, value in emulator.environment.items():
            monkeypatch.setenv(name, value)
        assert main([*BUILD, "--plan"]) == 0
        why = [one["why"] for one in events(capsys) if one["event"] == "excluded"]
        assert "no HARP has its NOAA number" in why
        assert len(emulator.asked("harp_noaa")) == 1  # the copy was new
        world.harp_noaa = table
        later = ["2011-12-30" if word == "2011-12-31" else word for word in BUILD]
        assert main([*later, "--plan"]) == 0
        assert len(emulator.asked("harp_noaa")) == 2
        request = replace(REQUEST, end=read_day("2011-12-30"))
        assert 377 in {region.harp for region in read_plan(request).regions}


def test_a_network_trains_on_the_set(undisturbed, monkeypatch, capsys):
    monkeypatch.setenv("HNN_HOME", str(undisturbed[0].parents[1]))
    small = ["--width", "32", "--depth", "1", "--heads", "2", "--epochs", "1"]
    small += ["--pretrained", "none", "--validation-fraction", "0", "--test-fraction", "0.25"]
    small += ["--workers", "0"]
    assert main(["train", "--dataset", "live-m", "--class", "M", "--name", "first", *small]) == 0
    assert main(["evaluate", "--run", "first", "--json"]) == 0
    out = capsys.readouterr().out
    assert json.loads(out[out.index("{\n") :])["simulated"] is True


def test_a_service_that_fails_for_good_ends_the_build_in_one_sentence_and_later_it_goes_on(
    emulator, capsys
):
    emulator.faults.add(r"jsoc_info", "503", times=10_000)
    assert main(BUILD) == 1
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert "JSOC" in said
    assert "Traceback" not in said
    emulator.faults.clear()
    assert main(BUILD) == 0


def test_a_file_that_does_not_come_stops_the_build_unless_one_does_without(
    emulator, undisturbed, hnn_home, capsys
):
    emulator.faults.add(r"/SUM\d*[05]/", "garbage", times=10_000)  # every fifth file or so
    assert main(BUILD) == 1
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert "could not be fetched" in said
    assert "--allow-missing" in said
    emulator.faults.clear()
    assert main(BUILD) == 0
    assert contents(hnn_home / "datasets" / "live-m") == undisturbed[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--class", "M9"], "'M9' is not a class"),
        (["--class", "M", "--start", "2012-01-01", "--end", "2011-01-01"], "before 2012-01-01"),
        (["--class", "M", "--start", "1.1.2011"], "write it as 2011-02-13"),
        (["--class", "M", "--source", "sim:"], "either --source or --class"),
        ([], "either --source or --class"),
        (["--class", "M", "--policy", "none"], "'none' is not a policy"),
    ],
)
def test_wrong_words_are_told_before_any_request(emulator, capsys, words, said):
    assert main(["data", "build", "--out", "x", *words]) == 2
    assert said in capsys.readouterr().err
    assert emulator.requests == []

"""A program's folder that cannot be: what needs it says so, everything else works."""

import subprocess
from functools import partial
from pathlib import Path

import pytest

from analysis.__main__ import main as analysis
from hnn_core.__main__ import main
from hnn_core.dataset.card import list_datasets
from hnn_core.exceptions import HnnError
from hnn_core.jobs.data_jobs import list_data_jobs, start_data_job
from hnn_core.network.model_store import list_models
from hnn_core.regions.case import Case, list_sets, save_set
from hnn_core.sources import open_source
from hnn_core.sources.uploads import Upload
from hnn_core.storage import entries, home, home_fault, reachable
from hnn_core.training.config import TrainConfig
from hnn_core.training.run_folder import create_run, list_runs
from tests.support.drawn_sharp import draw_fits
from tests.support.failing_disk import mounted

KINDS = ("a file", "below a file", "in /proc", "a circle of links", "too long", "read-only")
NEED = [
    ["train", "--dataset", "x"],
    ["crossval", "--dataset", "x"],
    ["data", "build", "--source", "sim:1:1", "--out", "x"],
    ["data", "flares", "--start", "2011-02-13", "--end", "2011-02-14"],
    ["data", "fetch", "--harp", "377"],
    ["data", "watch", "--once"],
    ["data", "verify"],
]
"""Commands that cannot do without."""


@pytest.fixture(params=KINDS)
def impossible(request, tmp_path, monkeypatch):
    """HNN_HOME is a folder that cannot be."""
    file = tmp_path / "file"
    file.write_text("of somebody else")
    circle = tmp_path / "circle"
    circle.symlink_to(circle)
    place = {
        "a file": file,
        "below a file": file / "hnn",
        "in /proc": Path("/proc/hnn"),
        "a circle of links": circle,
        "too long": tmp_path / ("a" * 5000),
        "read-only": tmp_path / "disk",
    }[request.param]
    monkeypatch.setenv("HNN_HOME", str(place))
    if request.param != "read-only":
        yield place
        return
    with mounted(place, writable=False):
        yield place


def refused(words):
    return "The program's folder" in words and "set the environment variable HNN_HOME" in words


def test_what_may_lie_in_it_is_not_absent_without_a_word(impossible, capsys):
    known = ["--region", "SIM 1", "--time", "2013-12-03T12:00"]
    for command in (
        ["predict", *known, "--model", "mine"],
        ["evaluate", "--run", "mine"],
        ["data", "verify", "mine"],
    ):
        assert main(command) == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert refused(line)
        assert "mine" in line


def test_reading_and_predicting_go_without(impossible, tmp_path, capsys):
    for hour in range(2):
        draw_fits(tmp_path / f"h{hour}.fits", T_REC=f"2011.02.13_{hour:02}:00:00_TAI")
    assert refused(home_fault())
    assert main(["regions", "--source", f"fits:{tmp_path}"]) == 0
    assert analysis(["flux", "--source", f"fits:{tmp_path}", "--region", "377"]) == 0
    if impossible.name == "hnn":  # two of the kinds: it takes seconds
        assert main(["predict", "--region", "SIM 1", "--time", "2013-12-03T12:00"]) == 0
        assert "P(eruptive)" in capsys.readouterr().out
    assert {"demo", "vit-baseline"} <= {info.name for info in list_models()[0]}
    assert all(run.shipped for run in list_runs()[0])
    assert list_datasets() == list_sets() == ([], [])
    assert list_data_jobs() == []
    for spec in ("jsoc:", "jsoc:nrt", "upload:1-" + 32 * "a"):
        with pytest.raises(HnnError):
            open_source(spec)


@pytest.mark.parametrize("words", [["runs"], ["data", "list"]], ids=" ".join)
def test_a_list_notes_that_there_may_be_more(impossible, words, capsys):
    assert main(words) == 0
    assert refused(capsys.readouterr().err)


def test_commands_that_need_it_end_in_one_sentence(impossible, capsys):
    for words in NEED:
        assert main(words) == 2, words
        answer = capsys.readouterr()
        assert refused(answer.err)
        assert len(answer.err.splitlines()) == 1


def test_nothing_is_half_begun(impossible):
    upload = Upload()
    for act in (
        lambda: create_run("train", TrainConfig(dataset="x")),
        lambda: start_data_job("verify", [], "check"),
        lambda: save_set("one", (Case("sim:", "SIM 1", "2011-02-14T00:00"),)),
        partial(upload.add, [("a.fits", b"SIMPLE")]),
    ):
        with pytest.raises((HnnError, OSError)):
            act()
    assert upload.n_files == 0


def test_what_was_kept_is_read_from_a_disk_that_became_read_only(tmp_path, monkeypatch, capsys):
    with mounted(tmp_path / "disk") as disk:
        monkeypatch.setenv("HNN_HOME", str(disk / "home"))
        fits = tmp_path / "fits"
        fits.mkdir()
        draw_fits(fits / "one.fits")
        save_set("one", (Case("sim:", "SIM 1", "2011-02-14T00:00"),))
        create_run("train", TrainConfig(dataset="x"), "mine")
        open_source(f"fits:{fits}")
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        assert "Read-only" in home_fault()
        assert [one.name for one in list_sets()[0]] == ["one"]
        assert "mine" in [run.name for run in list_runs()[0]]
        assert len(open_source(f"fits:{fits}").regions()) == 1
        assert main(["data", "verify"]) == 0
        assert main(["train", "--run", "mine"]) == 2
        assert refused(capsys.readouterr().err)


def test_a_folder_that_can_be_is_made_when_it_is_needed(tmp_path, monkeypatch):
    monkeypatch.setenv("HNN_HOME", str(tmp_path / "a" / "b"))
    assert entries(home()) == []
    assert not reachable(home())  # asking makes nothing
    assert home_fault() == ""
    assert reachable(home())

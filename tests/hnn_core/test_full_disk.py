"""Wherever the disk becomes full: a sentence, nothing half-written, and it goes on.

Each kind of work is done once for every one of its steps of writing, of which one fails.
"""

import errno
import re
import sys
import zipfile
from datetime import date
from pathlib import Path

import pytest

from analysis.commands.options import write
from hnn_core.catalogs.store import Catalog, catalogs_home, refresh_tables
from hnn_core.dataset.build import build_dataset
from hnn_core.dataset.card import list_datasets
from hnn_core.jobs.data_jobs import list_data_jobs, start_data_job
from hnn_core.network.model_store import list_models, load_model, save_model
from hnn_core.regions.case import Case, list_sets, load_set, save_set
from hnn_core.sources import open_source
from hnn_core.sources.uploads import Upload
from hnn_core.storage import append_line, fault_words, read_lines
from hnn_core.training.config import TrainConfig
from hnn_core.training.evaluate import adopt_model
from hnn_core.training.run_folder import create_run, find_run, list_runs
from tests.support.drawn_catalogs import donki_flare, keep, ncei_row, ncei_text
from tests.support.drawn_sharp import draw_fits
from tests.support.drawn_source import small_source
from tests.support.failing_disk import at_every_step, contents
from tests.support.small_models import small_model

_SLEEP = "import time; time.sleep(60)"
CASES = (Case("sim:", "SIM 1", "2011-02-14T00:00"),)


def full(folder, error):
    """It is a sentence that names the disk and what to do; no draft is left."""
    words = fault_words(error)
    found = re.search(r"[Tt]he disk of (\S+) is full; make room and ", words)
    assert found, f"{error!r}: {words}"
    assert found[1].startswith(str(folder))
    # One that a person knows: the folder of a draft is gone.
    parts = Path(found[1]).relative_to(folder).parts
    assert not any(part.startswith(".") for part in parts if part != ".uploads")
    assert not list(folder.rglob("*.part"))


def set_saved(_):
    save_set("one", CASES)


def model_saved(folder):
    save_model(small_model(), folder / "models" / "one", card="A card.")


def report_written(folder):
    write(folder / "report.html", b"<html>")


def predictions_logged(folder):
    for hour in range(3):
        append_line(folder / "log.jsonl", {"hour": hour})


def catalogue_made(_):
    keep(catalogs_home(), "ncei", date(2011, 2, 15), ncei_text(ncei_row()))
    keep(catalogs_home(), "donki_flr", date(2011, 2, 15), [donki_flare()])
    refresh_tables(catalogs_home())


def set_built(folder):
    build_dataset(small_source(), folder / "datasets" / "one", workers=1)


@pytest.mark.parametrize(
    ("act", "least"),
    [
        (set_saved, 5),
        (report_written, 4),
        pytest.param(catalogue_made, 30, marks=pytest.mark.slow),
        pytest.param(set_built, 40, marks=pytest.mark.slow),
    ],
)
def test_it_ends_with_the_same_bytes_once_there_is_room(act, least, tmp_path, monkeypatch):
    monkeypatch.setattr("hnn_core.regions.case.now", lambda: "2026-03-01T12:00:00Z")
    whole = None

    def after(folder, error):
        nonlocal whole
        full(folder, error)
        _ = list_sets(), list_models(), list_datasets()  # what is half-made hides nothing
        act(folder)
        whole = whole or contents(folder)
        assert contents(folder) == whole

    assert at_every_step(tmp_path, act, after) >= least


def test_a_log_has_whole_lines(tmp_path):
    def after(folder, error):
        full(folder, error)
        before = read_lines(folder / "log.jsonl")
        predictions_logged(folder)
        assert read_lines(folder / "log.jsonl") == [*before, *({"hour": hour} for hour in range(3))]

    assert at_every_step(tmp_path, predictions_logged, after) >= 6


def test_nothing_half_written_is_listed(tmp_path):
    """Neither a set nor a model nor a data set nor a run nor a job."""

    def act(folder):
        set_saved(folder)
        model_saved(folder)
        create_run("train", TrainConfig(dataset="x"), "one")

    def after(folder, error):
        full(folder, error)
        sets, broken_sets = list_sets()
        models, broken_models = list_models()
        runs, broken_runs = list_runs()
        assert not [*broken_sets, *broken_models, *broken_runs]
        for one in sets:
            assert load_set(one.name).cases == CASES
        for info in models:
            if info.folder.is_relative_to(folder):
                load_model(info.folder)
        if not [run for run in runs if not run.shipped]:
            create_run("train", TrainConfig(dataset="x"), "one")  # the name is free

    assert at_every_step(tmp_path, act, after) > 15


def test_a_model_is_adopted_whole_or_not_at_all(tmp_path):
    def prepare(_):
        run = create_run("train", TrainConfig(dataset="x"), "Mine")
        save_model(small_model(), run.model_folder)

    def act(_):
        adopt_model(find_run("Mine"))

    def after(folder, error):
        full(folder, error)
        assert "mine" not in [info.name for info in list_models()[0]]
        assert adopt_model(find_run("Mine")) == "mine"
        load_model("mine")

    assert at_every_step(tmp_path, act, after, prepare=prepare) >= 3


@pytest.fixture
def magnetograms(tmp_path):
    """Two magnetograms and an archive of another one."""
    folder = tmp_path / "fits"
    folder.mkdir()
    for hour in range(3):
        draw_fits(folder / f"h{hour}.fits", T_REC=f"2011.02.13_{hour:02}:00:00_TAI")
    with zipfile.ZipFile(folder / "more.zip", "w") as archive:
        archive.write(folder / "h2.fits", "h2.fits")
    (folder / "h2.fits").unlink()
    return folder


def test_a_full_disk_hides_no_file_of_a_folder(tmp_path, magnetograms):
    """The index only saves time; an archive that cannot be unpacked is named, the rest is there."""
    seen = set()

    def act(folder):
        source = open_source(f"fits:{magnetograms}")
        if len(source.times("377")) < 3:
            (skipped,) = source.skipped()
            raise OSError(errno.ENOSPC, skipped.reason, str(folder))
        seen.add(folder)

    def after(folder, error):
        assert "is full; make room and try again" in error.strerror
        assert not list(folder.rglob("*.part"))
        source = open_source(f"fits:{magnetograms}")
        assert len(source.times("377")) == 3
        assert not source.skipped()

    assert at_every_step(tmp_path / "homes", act, after) > 10
    assert seen  # the index could not be written, and nobody had to know


def test_an_upload_is_kept_whole_or_not_at_all(tmp_path, magnetograms):
    files = {path.name: path.read_bytes() for path in magnetograms.iterdir()}
    kept = []

    def act(_):
        kept.append(Upload())
        kept[-1].add(files.items())

    def after(folder, error):
        full(folder, error)
        for path in folder.rglob("*.fits"):
            assert path.read_bytes() in files.values() or path.name == "h2.fits"
        kept[-1].add(files.items())
        assert len(open_source(kept[-1].spec).times("377")) == 3

    assert at_every_step(tmp_path / "homes", act, after) > 8


def test_a_job_that_cannot_be_written_down_is_none(tmp_path, monkeypatch):
    monkeypatch.setattr("hnn_core.jobs.jobs.COMMAND", (sys.executable, "-c", _SLEEP))

    def act(_):
        start_data_job("verify", [], "check")

    def after(folder, error):
        full(folder, error)
        assert not any(job.alive for job in list_data_jobs())
        for job in list_data_jobs():
            assert job.state.state == "interrupted"
            assert "disk was full" in job.state.message

    try:
        assert at_every_step(tmp_path, act, after) > 8
    finally:
        from hnn_core.jobs.jobs import stop

        for job in list_data_jobs():
            if job.alive:
                stop(job, 0)


def test_a_full_answer_is_no_broken_catalogue(tmp_path):
    """Reading goes on while nothing can be written, and damaged tables are named."""

    def act(folder):
        catalogue_made(folder)

    def after(folder, error):
        full(folder, error)
        assert len(Catalog.open().flares) in (0, 1)

    assert at_every_step(tmp_path, act, after, every=5) > 30


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, "The disk of {} is full; make room and try again."),
        (errno.EDQUOT, "Your quota on the disk of {} is full; make room and try again."),
        (errno.EIO, "its disk or network drive is failing"),
        (errno.ESTALE, "its disk or network drive is failing"),
        (errno.EROFS, "ead-only"),
        (errno.EMFILE, "Too many files are open"),
        (errno.EFBIG, "would be larger than this system allows"),
    ],
)
def test_each_fault_of_the_machine_has_its_own_words(code, words, tmp_path):
    said = []

    def after(folder, error):
        said.append((fault_words(error), words.format(folder)))

    at_every_step(tmp_path, report_written, after, code=code)
    assert len(said) >= 4
    assert all(expected in found for found, expected in said)
    if code not in (errno.ENOSPC, errno.EDQUOT):
        assert not any("full" in found for found, _ in said)

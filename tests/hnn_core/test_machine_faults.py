"""Open files, memory or a disk fail: a sentence, and no sound file is called damaged."""

import errno
import io
import os
from pathlib import Path

import pytest
import torch

from hnn_core.__main__ import main
from hnn_core.exceptions import FitsError, MachineError
from hnn_core.jsoc.files import record_path
from hnn_core.jsoc.keywords import DEFINITIVE
from hnn_core.live.holdings import verify_all
from hnn_core.live.reporting import Reporter
from hnn_core.magnetogram.conventions import parse_t_rec, tai_seconds
from hnn_core.magnetogram.magnetogram import read_fits
from hnn_core.network.predictor import Predictor
from hnn_core.sources import open_source
from hnn_core.storage import fault_words
from hnn_core.training.callbacks import newest_readable
from tests.support.drawn_sharp import draw_fits

FAULTS = [errno.EMFILE, errno.EIO, errno.ENOMEM]


@pytest.fixture
def unreadable(monkeypatch):
    """Return what makes files of an ending unreadable, for a fault of the machine."""
    plain = io.open

    def spoil(ending: str, code: int):
        def refuse(file, *args, **options):
            if str(file).endswith(ending):
                raise OSError(code, os.strerror(code), str(file))
            return plain(file, *args, **options)

        monkeypatch.setattr(io, "open", refuse)

    return spoil


@pytest.mark.parametrize("code", FAULTS)
def test_a_sound_file_is_not_called_damaged(tmp_path, unreadable, code):
    path = draw_fits(tmp_path / "one.fits")
    unreadable("one.fits", code)
    with pytest.raises(MachineError) as caught:
        read_fits(path)
    assert not isinstance(caught.value, FitsError)
    assert "damaged" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("code", FAULTS)
def test_an_index_forgets_what_the_machine_refused(tmp_path, monkeypatch, unreadable, code):
    for hour in range(2):
        draw_fits(tmp_path / f"h{hour}.fits", T_REC=f"2011.02.13_{hour:02}:00:00_TAI")
    with monkeypatch.context():
        unreadable("h1.fits", code)
        source = open_source(f"fits:{tmp_path}")
        assert len(source.times("377")) == 1
        assert [Path(one.path).name for one in source.skipped()] == ["h1.fits"]
    monkeypatch.undo()
    assert len(open_source(f"fits:{tmp_path}").times("377")) == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_index_forgets_a_permission(tmp_path):
    path = draw_fits(tmp_path / "one.fits")
    draw_fits(tmp_path / "two.fits", T_REC="2011.02.13_09:00:00_TAI")
    path.chmod(0)
    assert len(open_source(f"fits:{tmp_path}").times("377")) == 1
    path.chmod(0o600)
    assert len(open_source(f"fits:{tmp_path}").times("377")) == 2


def test_a_check_removes_no_file_that_the_machine_refused(unreadable):
    hour = parse_t_rec("2011-02-13T05:00:00")
    path = record_path(DEFINITIVE, 377, float(tai_seconds(hour)))
    path.parent.mkdir(parents=True)
    draw_fits(path, T_REC="2011.02.13_05:00:00_TAI")
    unreadable(path.name, errno.EMFILE)
    with pytest.raises(MachineError, match="Too many files are open"):
        verify_all(Reporter(as_json=False), remove_damaged=True)
    assert path.exists()


def test_a_checkpoint_that_the_machine_refused_is_not_passed_over(tmp_path, unreadable):
    for step in (1, 2):
        torch.save({"step": step}, tmp_path / f"step{step}.ckpt")
    unreadable("step2.ckpt", errno.EMFILE)
    with pytest.raises(MachineError, match="Too many files"):
        newest_readable(tmp_path)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate "
            "memory: you tried to allocate 9 bytes."
        ),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB."),
    ],
    ids=["Python", "torch", "CUDA"],
)
def test_a_prediction_without_memory_is_a_sentence(error, monkeypatch, capsys):
    def short(*_, **__):
        raise error

    monkeypatch.setattr(Predictor, "predict", short)
    command = ["predict", "--region", "SIM 1", "--time"]
    source = open_source("sim:")
    hour = str(source.times("SIM 1")[20].isot)[:16]
    assert main([*command, hour]) == 2
    answer = capsys.readouterr()
    assert answer.out == ""
    assert answer.err.strip().startswith("There is not enough memory for this")
    assert len(answer.err.strip().splitlines()) == 1


def test_a_fault_of_ours_has_no_words_of_the_machine():
    for error in (ValueError("x"), KeyError("y"), FileNotFoundError(2, "No such file", "/x/y")):
        assert fault_words(error) == ""

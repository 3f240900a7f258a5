"""Which process works on a folder, whatever the clock of the machine does."""

import fcntl
import os
import sys

import psutil
import pytest

from hnn_core.exceptions import RunError
from hnn_core.jobs import process
from hnn_core.jobs.process import read_process, reserve, worker, write_process
from hnn_core.storage import replace_json

SHIFTS = (5, 60, -60, 86_400, -86_400)


@pytest.fixture(params=["Linux", "elsewhere"])
def no_lock(request, monkeypatch, tmp_path):
    """A disk without locks, so that a process is known by its birth; with or without /proc."""
    monkeypatch.setitem(sys.modules, "fcntl", None)
    if request.param == "elsewhere":
        monkeypatch.setattr(process, "_PROC", tmp_path / "none")


def set_clock(monkeypatch, shift_s: float) -> None:
    """As psutil sees a clock that was set: the time of the boot moves, and births with it."""
    boot, create = psutil.boot_time(), psutil.Process.create_time
    monkeypatch.setattr(psutil, "boot_time", lambda: boot + shift_s)
    monkeypatch.setattr(psutil.Process, "create_time", lambda one: create(one) + shift_s)


@pytest.mark.parametrize("shift_s", SHIFTS)
def test_a_clock_that_is_set_puts_no_second_process_on_a_folder(
    tmp_path, monkeypatch, no_lock, shift_s
):
    write_process(tmp_path, os.getpid())
    set_clock(monkeypatch, shift_s)
    assert worker(tmp_path) == psutil.Process()
    with pytest.raises(RunError, match="at work already"):
        reserve(tmp_path)


@pytest.mark.parametrize("shift_s", SHIFTS)
def test_another_process_of_that_number_is_never_the_worker(
    tmp_path, monkeypatch, no_lock, shift_s
):
    write_process(tmp_path, os.getpid())
    values = read_process(tmp_path)
    replace_json(tmp_path / "process.json", {**values, "born": values["born"] + 3})
    set_clock(monkeypatch, shift_s)
    assert worker(tmp_path) is None


@pytest.mark.parametrize("change", [{"boot": "another"}, {"born": "x"}, {"born": None}])
@pytest.mark.parametrize("held", [False, True])
def test_a_process_of_another_boot_or_of_no_birth_is_none(tmp_path, change, held):
    """Also where the lock is held: by a machine that shares the disk, or a forked helper."""
    write_process(tmp_path, os.getpid())
    replace_json(tmp_path / "process.json", {**read_process(tmp_path), **change})
    if not held:
        assert worker(tmp_path) is None
        return
    with (tmp_path / "job.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert worker(tmp_path) is None


def test_the_birth_is_that_of_the_kernel(tmp_path):
    write_process(tmp_path, os.getpid())
    values = read_process(tmp_path)
    assert abs(values["born"] - (psutil.Process().create_time() - psutil.boot_time())) < 1.5
    assert len(values["boot"]) == 36


def test_a_file_of_the_earlier_version_is_read(tmp_path, no_lock):
    born = psutil.Process().create_time()
    replace_json(tmp_path / "process.json", {"pid": os.getpid(), "created": born, "stop_asked": 0})
    assert worker(tmp_path) == psutil.Process()
    replace_json(tmp_path / "process.json", {"pid": os.getpid(), "created": born - 60})
    assert worker(tmp_path) is None
    replace_json(tmp_path / "process.json", {"pid": os.getpid(), "created": None})
    assert worker(tmp_path) is None


def test_a_name_with_brackets_does_not_hide_the_birth(monkeypatch, tmp_path):
    stat = f"{os.getpid()} (a) b 1 (2) S " + " ".join(map(str, range(4, 22))) + " 4200 0 0"
    (tmp_path / "sys/kernel/random").mkdir(parents=True)
    (tmp_path / "sys/kernel/random/boot_id").write_text("here\n")
    (tmp_path / str(os.getpid())).mkdir()
    (tmp_path / str(os.getpid()) / "stat").write_text(stat)
    monkeypatch.setattr(process, "_PROC", tmp_path)
    write_process(tmp_path, os.getpid())
    values = read_process(tmp_path)
    assert values["boot"] == "here"
    assert values["born"] == 4200 / os.sysconf("SC_CLK_TCK")

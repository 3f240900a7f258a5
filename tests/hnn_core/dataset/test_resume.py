"""A build that is killed anywhere goes on and ends with the same bytes."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Event, Lock

import pytest
from filelock import FileLock

from hnn_core.dataset.build import build_dataset
from hnn_core.dataset.card import find_dataset, list_datasets
from hnn_core.exceptions import (
    CorruptDatasetError,
    DatasetError,
    DiskFullError,
)
from hnn_core.sources import open_source
from tests.conftest import ROOT
from tests.support.drawn_source import DrawnRegion, DrawnSource, flare, small_source


class KilledError(Exception):
    """Stands for the end of the process."""


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def build(folder: Path, source: DrawnSource | None = None, **options):
    return build_dataset(source or small_source(), folder, workers=1, **options)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> dict[str, bytes]:
    """The bytes of a build that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole") / "set"
    build(folder)
    return contents(folder)


def kill_at(
    monkeypatch, below: Path, step: int, *, after: bool, error: Exception | None = None
) -> list[str]:
    """Fail at a renaming below a folder: every step of a build ends with one, zarr's chunks too.

    zarr renames in threads of its own: each renaming has one number, whatever runs beside it, and
    from the kill on none is done, as by a killed process. What is renamed elsewhere is not the
    build's.
    """
    renamed: list[str] = []
    counting = Lock()
    replace = Path.replace

    def counted(path, target):
        target = Path(target)
        if below not in target.parents:
            return replace(path, target)
        with counting:
            renamed.append(target.name)
            number = len(renamed)
        if step and (number > step or (number == step and not after)):
            raise error or KilledError
        done = replace(path, target)
        if number == step:
            raise error or KilledError
        return done

    monkeypatch.setattr(Path, "replace", counted)
    return renamed


def steps_of_a_build(folder: Path, monkeypatch) -> list[str]:
    with monkeypatch.context() as patch:
        renamed = kill_at(patch, folder.parent, 0, after=False)
        build(folder)
    return renamed


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_step_it_goes_on_to_the_same_bytes(tmp_path, monkeypatch, whole, after):
    steps = steps_of_a_build(tmp_path / "undisturbed" / "set", monkeypatch)
    assert steps[0] == "build.json"
    assert steps[-1] == "set"
    assert {"000000.json", "000001.json", "000002.json", "card.json", "1.0.0"} <= set(steps)
    for step in range(1, len(steps) + 1):
        folder = tmp_path / str(step) / "set"
        with monkeypatch.context() as patch:
            renamed = kill_at(patch, tmp_path, step, after=after)
            with pytest.raises(KilledError):
                build(folder)
            assert renamed == steps[:step]  # in the same order, and nothing beside or after
        source = small_source()
        build(folder, source)
        assert contents(folder) == whole, f"killed at step {step}, {steps[step - 1]}"
        assert [path.name for path in folder.parent.iterdir()] == ["set"]
        finished = sum(name.endswith(".json") and name[0] == "0" for name in steps[: step - 1])
        finished += after and steps[step - 1].startswith("0") and steps[step - 1].endswith(".json")
        # A finished region is never read again.
        again = {int(region) for region, _ in source.reads}
        assert again == {380, 377} - set([377, 378, 380][:finished])


def test_killed_over_and_over_it_still_ends_with_the_same_bytes(tmp_path, monkeypatch, whole):
    folder = tmp_path / "set"
    kills = 0
    while True:
        with monkeypatch.context() as patch:
            # Each time one region gets done, and what follows is cut short.
            renamed = kill_at(patch, tmp_path, 9, after=False)
            try:
                build(folder)
            except KilledError:
                kills += 1
                assert kills < 20, renamed
                continue
        break
    assert kills >= 2
    assert contents(folder) == whole


def test_what_a_killed_writer_left_behind_does_not_stay(tmp_path, monkeypatch, whole):
    folder = tmp_path / "set"
    with monkeypatch.context() as patch:
        kill_at(patch, tmp_path, 8, after=True)
        with pytest.raises(KilledError):
            build(folder)
    frames = tmp_path / ".set.building" / "dataset" / "frames.zarr"
    (frames / "0.0.1234.partial").write_bytes(b"half a chunk")
    (tmp_path / ".set.building" / "dataset" / "card.json.part").write_bytes(b"{")
    build(folder)
    assert contents(folder) == whole


def test_when_a_chunk_cannot_be_written_no_other_is_begun(tmp_path, monkeypatch):
    """A thread that still wrote one would write into whatever is built there next."""
    begun: list[str] = []
    beside = Event()
    replace = Path.replace

    def fails(path, target):
        if Path(target).name in ("1.0.0", "2.0.0"):  # of one region
            begun.append(Path(target).name)
            if len(begun) == 1:
                beside.wait(0.2)
                raise KilledError
            beside.set()
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", fails)
    with pytest.raises(KilledError):
        build(tmp_path / "set")
    assert begun == ["1.0.0"]


def test_until_it_is_whole_it_is_not_there(tmp_path, monkeypatch, hnn_home):
    folder = hnn_home / "datasets" / "set"
    with monkeypatch.context() as patch:
        kill_at(patch, hnn_home, 9, after=True)
        with pytest.raises(KilledError):
            build(folder)
    assert not folder.exists()
    with pytest.raises(DatasetError, match="run the same data build again"):
        find_dataset("set")
    found, skipped = list_datasets()
    assert found == []
    assert [file.path for file in skipped] == [".set.building"]
    build(folder)
    assert find_dataset("set") == folder


def test_another_build_in_the_same_place_is_refused(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        kill_at(patch, tmp_path, 9, after=True)
        with pytest.raises(KilledError):
            build(tmp_path / "set")
    with pytest.raises(DatasetError, match="unfinished build with another policy"):
        build(tmp_path / "set", policy="strict")
    grown = DrawnSource(DrawnRegion(377, flares=(flare(13.5),), n_hours=16))
    with pytest.raises(DatasetError, match="another regions_sha256; remove that folder"):
        build(tmp_path / "set", grown)


def test_two_builds_at_once_are_refused(tmp_path):
    (tmp_path / ".set.building").mkdir()
    with (
        FileLock(tmp_path / ".set.building" / "lock"),
        pytest.raises(DatasetError, match="Another process is building"),
    ):
        build(tmp_path / "set")
    build(tmp_path / "set")


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("000000.tail", "shorter"),
        ("000000.tail", "absent"),
        ("000000.json", "shorter"),
        ("build.json", "shorter"),
    ],
)
def test_damaged_work_is_told_and_nothing_is_built_on_it(tmp_path, monkeypatch, name, damage):
    steps = steps_of_a_build(tmp_path / "undisturbed" / "set", monkeypatch)
    with monkeypatch.context() as patch:
        kill_at(patch, tmp_path, steps.index("000000.json") + 1, after=True)
        with pytest.raises(KilledError):
            build(tmp_path / "set")
    (path,) = (tmp_path / ".set.building").rglob(name)
    path.write_bytes(path.read_bytes()[:-9])
    if damage == "absent":
        path.unlink()
    with pytest.raises(CorruptDatasetError, match=rf"{name} is damaged.*remove .*\.set\.building"):
        build(tmp_path / "set")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_full_disk_is_told_and_the_build_goes_on_later(tmp_path, monkeypatch, whole, number):
    steps = steps_of_a_build(tmp_path / "undisturbed" / "set", monkeypatch)
    for name in ("1.0.0", "000001.json", "card.json"):
        folder = tmp_path / name / "set"
        with monkeypatch.context() as patch:
            full = OSError(number, os.strerror(number))
            kill_at(patch, tmp_path, steps.index(name) + 1, after=False, error=full)
            with pytest.raises(DiskFullError, match="full; make room") as caught:
                build(folder)
        assert str(folder) in str(caught.value)
        build(folder)
        assert contents(folder) == whole


def test_other_troubles_with_files_keep_their_own_words(tmp_path, monkeypatch):
    refused = PermissionError(errno.EACCES, "Permission denied")
    kill_at(monkeypatch, tmp_path, 3, after=False, error=refused)
    with pytest.raises(PermissionError, match="Permission denied"):
        build(tmp_path / "set")


@pytest.mark.slow
def test_kill_minus_nine_with_workers_and_going_on_without(tmp_path):
    """The real thing: the simulator, two worker processes, SIGKILL."""
    build_dataset(open_source("sim:3:3"), tmp_path / "a" / "set", workers=1)
    folder = tmp_path / "b" / "set"
    command = ["data", "build", "--source", "sim:3:3", "--out", str(folder), "--workers", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "hnn_core", *command, "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        first = json.loads(process.stdout.readline())
        workers = children(process.pid)
        process.send_signal(signal.SIGKILL)
    assert (first["event"], first["done"], first["total"]) == ("region", 1, 3)
    assert len(workers) >= 2
    assert not folder.exists()
    # Workers notice that nobody waits for them.
    deadline = time.monotonic() + 300
    while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]
    done = []
    build_dataset(
        open_source("sim:3:3"), folder, workers=1, progress=lambda *told: done.append(told[0])
    )
    assert 1 not in done
    assert contents(folder) == contents(tmp_path / "a" / "set")


def children(pid: int) -> list[int]:
    """Processes whose parent is `pid`."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found

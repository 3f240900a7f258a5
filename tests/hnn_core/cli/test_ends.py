"""How commands end that are interrupted, whose answer nobody reads or no disk takes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from analysis.__main__ import main as analysis
from hnn_core.__main__ import main as hnn_core
from tests.conftest import ROOT
from tests.support.drawn_sharp import draw_fits

ANSWERS = [
    (hnn_core, ["regions"]),
    (hnn_core, ["regions", "--json"]),
    (hnn_core, ["predict", "--region", "SIM 1", "--time", "2013-12-03T12:00"]),
    (hnn_core, ["runs"]),
    (hnn_core, ["runs", "--json"]),
    (hnn_core, ["data", "list"]),
    (hnn_core, ["data", "verify", "--json"]),
    (hnn_core, ["--help"]),
    (analysis, ["flux", "--source", "fits:{folder}", "--all"]),
    (analysis, ["pil", "{folder}/one.fits", "--out", "{folder}"]),
    (analysis, ["--help"]),
]
NAMES = [" ".join(words[:3]) for _, words in ANSWERS]
INTERRUPTED = [
    "hnn_core regions",
    "hnn_core data build --source sim:1:8 --out x --workers 2",
    "hnn_core data fetch --harp 377",
    "analysis survey --source sim:1:8 --out s.csv",
]


@pytest.fixture
def answer_to(monkeypatch, tmp_path):
    """Return what runs a command whose answer goes to a file; its code and what stood on stderr."""

    def run(command, words, stream, capfd):
        draw_fits(tmp_path / "one.fits")
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", stream)
            code = command([word.format(folder=tmp_path) for word in words])
        stream.close()  # as Python does at its end: nothing must be left that it complains of
        return code, capfd.readouterr().err

    return run


@pytest.mark.parametrize(("command", "words"), ANSWERS, ids=NAMES)
def test_an_answer_that_nobody_reads(answer_to, command, words, capfd):
    reading, writing = os.pipe()
    os.close(reading)
    code, errors = answer_to(command, words, os.fdopen(writing, "w"), capfd)
    assert code == 141
    assert errors == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize(("command", "words"), ANSWERS[:5], ids=NAMES[:5])
def test_an_answer_for_a_full_disk(answer_to, command, words, capfd):
    with Path("/dev/full").open("w") as device:
        code, errors = answer_to(command, words, device, capfd)
    assert code == 2
    assert "is full; make room" in errors
    assert len(errors.splitlines()) == 1


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("library", ["pydantic", "astropy"])
@pytest.mark.parametrize("command", INTERRUPTED)
def test_an_interrupt_ends_it_without_a_traceback(command, library, tmp_path):
    """As Ctrl-C does, for all its processes; while modules are imported, and at work."""
    module, *words = command.split()
    nowhere = {
        f"HNN_{name}_URL": "http://127.0.0.1:9/"
        for name in ("JSOC", "DONKI", "GOES", "HEK", "HARP_NOAA")
    }
    process = subprocess.Popen(
        [sys.executable, "-m", module, *words],
        cwd=ROOT,
        env={**os.environ, **nowhere, "HNN_ATTEMPTS": "99"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    maps = Path(f"/proc/{process.pid}/maps")
    while process.poll() is None and library not in maps.read_text():
        time.sleep(0.01)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=300)
    # Before the command begins the signal itself ends it, which a shell shows as 130 too.
    assert process.returncode in (130, -signal.SIGINT)
    assert "Traceback" not in errors
    assert len([line for line in errors.splitlines() if "trying again" not in line]) <= 1

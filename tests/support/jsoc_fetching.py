"""A small emulated JSOC and fetches from it, for the tests of `hnn_core.jsoc`."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from hnn_core.jsoc.client import JsocClient
from hnn_core.jsoc.fetch import Fetched, fetch_region
from hnn_core.jsoc.files import cache_home
from hnn_core.jsoc.keywords import DEFINITIVE, NEAR_REAL_TIME
from hnn_core.magnetogram.conventions import parse_t_rec
from tests.conftest import ROOT
from tests.emulators import Emulator, World, emulated, small_world

HARP = 377
FIRST = parse_t_rec("2011-02-13T07:00")
LAST = parse_t_rec("2011-02-13T11:00")
HOURS = [f"2011-02-13T{hour:02d}:00" for hour in (7, 8, 9, 10, 11)]
"""Five hours that all have a good record."""
NOON = parse_t_rec("2026-09-05T12:00")
"""Of the first day of the regions of the near-real-time series; a little before it has no data."""
NOW = datetime(2026, 9, 6, 12, 0, tzinfo=UTC)
ME = "observer@example.org"
"""The address that is registered for exports."""
_PATIENCE_S = 300.0


@cache
def world() -> World:
    """HARP 377 and two regions of the near-real-time series; made once."""
    return small_world(1, now=NOW, n_nrt=2)


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch, hnn_home: Path) -> Iterator[Emulator]:
    """JSOC on loopback, to which the program is led."""
    with emulated(world()) as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("HNN_RETRY_WAIT_S", "0.002")
        yield running


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What a fetch without any fault leaves: the five hours, byte by byte."""
    return _left_by(tmp_path_factory.mktemp("undisturbed"))


@pytest.fixture(scope="session")
def undisturbed_export(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The same of an export."""
    return _left_by(tmp_path_factory.mktemp("undisturbed_export"), email=ME)


def fetch(first=FIRST, last=LAST, *, series=DEFINITIVE, harp=HARP, **options) -> Fetched:
    """Fetch the five hours, or others, with a client of its own."""
    client = JsocClient()
    return fetch_region(client, series, harp, first, last, **options)


def files(folder: Path) -> dict[str, bytes]:
    """Name and content of everything that is not hidden, nor a file's SHA-256, below a folder."""
    return {
        path.name: path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".") and path.suffix != ".sha256"
    }


def asked_files(emulator: Emulator) -> list[str]:
    """The paths of all files that were asked for, in order."""
    return [one.path for one in emulator.requests if one.path.startswith("/SUM")]


def whole(undisturbed: dict[str, bytes]) -> None:
    """What is here is what a fetch without faults leaves, and nothing half-written is left."""
    assert len(undisturbed) == len(HOURS)
    assert files(cache_home()) == undisturbed


def wait_until(true: Callable[[], bool]) -> None:
    """Wait for a condition; fail after some minutes."""
    begun = time.monotonic()
    while not true():
        assert time.monotonic() - begun < _PATIENCE_S
        time.sleep(0.002)


class Fetching:
    """A fetch in a process of its own."""

    def __init__(self, pid: int, answer: Path) -> None:
        self.pid, self._answer = pid, answer

    def kill(self) -> None:
        """End it as a power cut does."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        wait_until(lambda: not self.alive)

    @property
    def alive(self) -> bool:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    @property
    def finished(self) -> bool:
        """Whether it came to its end by itself."""
        return self._answer.exists()

    def new(self) -> int:
        """Wait for its end; the files it fetched."""
        wait_until(lambda: not self.alive)
        return int(self._answer.read_text())


class Fetchers:
    """Starts fetches in processes of their own, without each importing everything again.

    A process that has imported everything forks one for each fetch.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._count = folder, 0
        self._parent = subprocess.Popen(
            [sys.executable, "-c", "from tests.support.jsoc_fetching import serve; serve()"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, harp: int = HARP, **environment: str) -> Fetching:
        """Start fetching: the five hours of HARP 377, or all there is of one of the newest."""
        self._count += 1
        answer = self._folder / f"{self._count}"
        names = [name for name in os.environ if name.startswith("HNN_")]
        order = {
            "harp": harp,
            "answer": str(answer),
            "environment": {name: os.environ[name] for name in names} | environment,
        }
        self._parent.stdin.write(json.dumps(order) + "\n")
        self._parent.stdin.flush()
        return Fetching(int(self._parent.stdout.readline()), answer)

    def close(self) -> None:
        self._parent.communicate(timeout=_PATIENCE_S)


@pytest.fixture(scope="module")
def fetchers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fetchers]:
    """To start fetches in processes of their own."""
    made = Fetchers(tmp_path_factory.mktemp("fetchers"))
    yield made
    made.close()


def serve() -> None:
    """Fork a process for each order; what `Fetchers` runs."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them, so they leave nothing
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _obey(json.loads(line))
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def _obey(order: dict) -> None:
    failed = 1
    try:
        os.environ.update(order["environment"])
        if order["harp"] == HARP:
            fetched = fetch()
        else:
            fetched = fetch(None, None, series=NEAR_REAL_TIME, harp=order["harp"])
        Path(order["answer"]).write_text(str(fetched.new))
        failed = 0
    finally:
        if failed:
            sys.excepthook(*sys.exc_info())
        os._exit(failed)


def _left_by(home: Path, **options: str) -> dict[str, bytes]:
    with emulated(world()) as running, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HNN_HOME", str(home))
        for name, value in running.environment.items():
            patch.setenv(name, value)
        assert fetch(**options).new == len(HOURS)
        return files(cache_home())

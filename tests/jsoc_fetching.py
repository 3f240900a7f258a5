"""A small emulated JSOC and fetches from it, for the tests of `hnn_core.jsoc`."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from hnn_core.jsoc.client import JsocClient
from hnn_core.jsoc.fetch import Fetched, fetch_region
from hnn_core.jsoc.series import DEFINITIVE
from hnn_core.tai import parse_t_rec
from tests.emulators import Emulator, World, emulated, small_world

HARP = 377
FIRST = parse_t_rec("2011-02-13T07:00")
LAST = parse_t_rec("2011-02-13T11:00")
HOURS = [f"2011-02-13T{hour:02d}:00" for hour in (7, 8, 9, 10, 11)]
"""Five hours that all have a good record."""
NOW = datetime(2026, 9, 6, 12, 0, tzinfo=UTC)


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
        yield running


def fetch(first=FIRST, last=LAST, *, series=DEFINITIVE, harp=HARP, **options) -> Fetched:
    """Fetch the five hours, or others, with a client of its own."""
    with JsocClient() as client:
        return fetch_region(client, series, harp, first, last, **options)


def files(folder: Path) -> dict[str, bytes]:
    """Name and content of everything that is not hidden below a folder."""
    return {
        path.name: path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }

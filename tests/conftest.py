"""Fixtures shared by all tests."""

import os
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]
# The networks of tests are small: with a thread each, programs side by side do not wait for cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# What is compiled is kept, whatever the machine's setting: a hundred programs are started anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# A simulated region is worked out once for all tests, workers and programs of a session.
_SIMULATED = "" if "PYTEST_XDIST_WORKER" in os.environ else tempfile.mkdtemp(prefix="simulated-")
os.environ["HNN_SIMULATED"] = _SIMULATED or os.environ["HNN_SIMULATED"]
# Nothing that a busy machine changes decides: no example has a time, and none has to come quickly.
settings.register_profile(
    "suite", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")
REAL_DATA = Path(os.environ.get("HNN_TEST_DATA", ROOT.parent / "shared" / "data"))


def real_data(*parts: str) -> Path:
    """Path of a real file or folder; skips the test where the real data are absent."""
    path = REAL_DATA.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"real data not present: set HNN_TEST_DATA to a folder with {'/'.join(parts)}")
    return path


def pytest_unconfigure() -> None:
    """Remove what was kept for this session."""
    if _SIMULATED:
        shutil.rmtree(_SIMULATED, ignore_errors=True)


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what runs in a browser as slow; begin with it, then the files with most slow tests.

    A worker that gets a long file last would let the others wait.
    """
    slow: Counter[Path] = Counter()
    for item in items:
        browser = item.path.is_relative_to(ROOT / "tests" / "browser")
        if browser:
            item.add_marker("slow")
        slow[item.path] += 100 if browser else item.get_closest_marker("slow") is not None
    items.sort(key=lambda item: -slow[item.path])


@pytest.fixture(scope="session")
def harp377() -> Path:
    """Folder with 50 hourly magnetograms of HARP 377 (NOAA AR 11158)."""
    return real_data("harp377")


@pytest.fixture(autouse=True)
def hnn_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Everything the program writes goes to a fresh folder in every test."""
    home = tmp_path_factory.mktemp("hnn_home")
    monkeypatch.setenv("HNN_HOME", str(home))
    return home


@pytest.fixture(autouse=True)
def operator_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test's session has no browser with a cookie; it may write all the same."""
    for name in ("HNN_TOKEN", "HNN_FITS_DIR", "HNN_OPERATORS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HNN_ALLOW_WRITES", "1")


@pytest.fixture
def named_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """AppTest as a server that has run app.py before, which then names the pages.

    AppTest forgets that at every run and takes the files of pages/ for them.
    """
    from streamlit.runtime.pages_manager import PagesManager

    made = PagesManager.__init__

    def make(self: PagesManager, *args: object, **options: object) -> None:
        made(self, *args, **options)
        PagesManager.uses_pages_directory = False

    monkeypatch.setattr(PagesManager, "__init__", make)


def running_browser():
    """A headless Chromium; skips the test where playwright or Chromium is absent."""
    browser_side = pytest.importorskip(
        "tests.support.browser", reason="playwright is not installed"
    )
    path = browser_side.find_chromium()
    if path is None:
        pytest.skip("no Chromium found: install Debian's chromium or set HNN_TEST_BROWSER")
    with browser_side.chromium(path) as running:
        yield running


browser = pytest.fixture(scope="module", name="browser")(running_browser)


@pytest.fixture
def page(browser):
    """A fresh page of 1280 x 900."""
    from tests.support.browser import window  # playwright may be missing

    context = window(browser)
    yield context.new_page()
    context.close()

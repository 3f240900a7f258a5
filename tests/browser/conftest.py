"""One browser for all these tests of a worker, and one server for those that can share it.

See tests/support/browser.py for how a file uses them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from hnn_core.network.model_store import save_model
from tests.conftest import running_browser
from tests.support.serving import serve
from tests.support.small_models import small_model

browser = pytest.fixture(scope="package", name="browser")(running_browser)


class SharedApp(NamedTuple):
    """The running app: its address and what it logs."""

    address: str
    log: Path


@pytest.fixture(scope="package")
def shared_app(browser, tmp_path_factory) -> Iterator[SharedApp]:
    """The app with quick networks of 10 and of 4 hours, and one whose checks take seconds."""
    home = tmp_path_factory.mktemp("shared_home")
    models = {
        "small": small_model(frames=10),
        "brief": small_model(),
        "other": small_model(),
        "slow": small_model(frames=10, image_size=128, depth=5),
    }
    for name, model in models.items():
        save_model(model, home / "models" / name, metadata={"trained_on": "noise"})
    log = home / "server.log"
    with serve(home, log) as (address, _):
        yield SharedApp(address, log)


@pytest.fixture(scope="module")
def app(shared_app) -> Iterator[str]:
    """Address of the app; a file whose tests need other files or settings has its own."""
    yield shared_app.address
    assert "Traceback" not in shared_app.log.read_text()

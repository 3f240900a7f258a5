"""A running app and a browser to look at it, for tests and benchmarks.

In tests/browser a test takes `app`, the address of a server that the files of a worker share, and
`page`, a fresh window of the one browser. The server knows the networks `small` (10 hours), `brief`
and `other` (4 hours) and `slow`; regions come from `sim` or from a folder of the file's own. A file
with a fixture `app` of its own, by `serve`, needs other files, other settings or a fresh server:
each start costs the suite the import of torch and the first run of a page.
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.support.serving import serve

__all__ = [
    "PICTURE",
    "a_run",
    "chromium",
    "faults",
    "find_chromium",
    "idle",
    "magnetogram",
    "serve",
    "settled",
    "window",
]

PICTURE = ".st-key-magnetogram .eyepiece[data-hour^='2']"
"""The viewer of Explore once it has drawn an hour."""
_CLOSED = re.compile(
    r"Exception in ASGI application\n(?:(?!Unexpected error).)*?WebSocketDisconnected: Cannot call"
    r"[^\n]*\n",
    re.DOTALL,
)
"""What Streamlit prints when a window closes while it writes to it; no fault of a page."""
_PATIENCE_MS = 300_000
"""A busy machine may take its time; nothing waits longer than it has to."""
_QUIET = "!globalThis.hnnViewer?.busy"
"""The viewer has the hours that it fetches ahead, by runs of a part of the page."""
_STATE = "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState"


def find_chromium() -> str | None:
    """Path of an installed Chromium or Chrome; HNN_TEST_BROWSER names another one."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    chosen = os.environ.get("HNN_TEST_BROWSER")
    return chosen or next(filter(None, map(shutil.which, names)), None)


@contextmanager
def chromium(path: str) -> Iterator[Browser]:
    """A headless browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        try:
            yield browser
        finally:
            browser.close()


def window(browser: Browser, **options: Any) -> BrowserContext:
    """A window of 1280 x 900 of a visitor who has read the first steps; close it after use."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, **options)
    context.add_init_script("localStorage.setItem('hnnFirstSteps', 'read')")
    context.set_default_timeout(_PATIENCE_MS)
    return context


def faults(log: Path) -> str:
    """Return what a server printed from the first traceback on; empty if there is none."""
    _, traceback, rest = _CLOSED.sub("", log.read_text()).partition("Traceback")
    return traceback + rest


def settled(page: Page) -> None:
    """Wait until the app has run to its end and nothing more is coming."""
    page.wait_for_selector(".st-key-download_masks button", timeout=_PATIENCE_MS)
    idle(page)


def idle(page: Page) -> None:
    """Wait until the app has run to its end, and has nothing more to fetch."""
    page.wait_for_function(f"{_STATE} === 'notRunning' && {_QUIET}", timeout=_PATIENCE_MS)
    page.wait_for_timeout(300)


@contextmanager
def a_run(page: Page) -> Iterator[None]:
    """Wait until the app has run once more, to its end, because of what is done inside.

    The address changes before the app begins to run, on a busy machine long before.
    """
    page.evaluate(
        """() => {
            const app = document.querySelector('[data-testid=stApp]');
            window.runsBegun = 0;
            window.runsSeen?.disconnect();
            window.runsSeen = new MutationObserver(() => {
                if (app.dataset.testScriptState === 'running') window.runsBegun += 1;
            });
            window.runsSeen.observe(app, {attributeFilter: ['data-test-script-state']});
        }"""
    )
    yield
    page.wait_for_function("window.runsBegun > 0", timeout=_PATIENCE_MS)
    idle(page)


def magnetogram(page: Page) -> dict[str, Any]:
    """What the viewer of Explore draws: hour, layers, map, view, and a sum over the field."""
    page.wait_for_selector(PICTURE, timeout=_PATIENCE_MS)
    drawn = "globalThis.hnnViewer?.drawn && hnnViewer.hour === hnnViewer.drawn"
    page.wait_for_function(drawn, timeout=_PATIENCE_MS)
    return page.evaluate("hnnViewer.shown()")

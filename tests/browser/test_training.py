"""From nothing to a trained network in Explore, as a person does it: in a real browser."""

import contextlib

import pytest

from hnn_core.jobs.jobs import stop
from hnn_core.training.run_folder import RunFolder

browser_side = pytest.importorskip("tests.support.browser", reason="playwright is not installed")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

EPOCHS = 6
"""Each takes a few seconds: the second has hardly begun when the training is stopped."""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The program's folder; whatever was started there and outlived the app is ended."""
    folder = tmp_path_factory.mktemp("training_home")
    yield folder
    for run in (folder / "runs").glob("*"):
        if RunFolder(run).alive:
            stop(RunFolder(run), 0)


@pytest.fixture(scope="module")
def app(browser, home):
    log = home / "server.log"
    with browser_side.serve(home, log) as (address, _):
        yield address
    assert "Traceback" not in log.read_text()


def fill(page, key: str, text: str) -> None:
    box = page.locator(f".st-key-{key} input").first
    box.fill(text)
    box.press("Enter")
    page.wait_for_timeout(200)
    browser_side.idle(page)


def shown(page, key: str, value: str) -> None:
    """Wait until a field holds a value: what is typed before would be sent with the old ones."""
    page.wait_for_function(
        "([key, value]) => document.querySelector(`.st-key-${key} input`)?.value === value",
        arg=[key, value],
    )
    browser_side.idle(page)


def click(page, key: str) -> None:
    page.locator(f".st-key-{key} button").first.click()


def badge(page, state: str) -> None:
    page.locator(".st-key-heading").get_by_text(state).wait_for()


def follow(page, link: str, heading: str) -> None:
    """Press a link until its page is there: a press while the page is drawn is lost."""
    wanted = page.get_by_role("heading", name=heading)
    for _ in range(3):
        browser_side.idle(page)
        if page.get_by_text(link).count():
            page.get_by_text(link).first.click()
        with contextlib.suppress(playwright.TimeoutError):
            wanted.wait_for(timeout=60_000)
            return
    wanted.wait_for()


def test_build_train_stop_resume_judge_and_use(app, page, home):
    # The first request to a fresh server is for this page, by a link.
    page.goto(f"{app}/training?view=new")
    page.get_by_role("heading", name="New training").wait_for()
    assert page.get_by_text("Page not found").count() == 0
    assert "/training" in page.url
    assert "view=new" in page.url

    click(page, "build_small")
    page.locator(".st-key-train_dataset").wait_for()
    click(page, "preset_laptop")
    shown(page, "train_patch", "32")
    fill(page, "train_epochs", str(EPOCHS))
    fill(page, "train_name", "mine")
    click(page, "train_start")

    badge(page, "running")
    page.locator(".st-key-run_facts").get_by_text("sequences/s").wait_for()
    page.locator(".js-plotly-plot .main-svg").first.wait_for()
    click(page, "run_stop")
    badge(page, "stopped")
    run = RunFolder(home / "runs" / "mine")
    done = sum(event["event"] == "epoch" for event in run.events())
    assert done < EPOCHS
    assert not run.has_predictions
    assert list((run.path / "checkpoints").glob("*.ckpt"))

    click(page, "run_resume")
    badge(page, "running")
    badge(page, "finished")
    assert any("Resuming from" in event.get("text", "") for event in run.events())
    assert run.history()[1]["epoch"].tolist() == list(range(1, EPOCHS + 1))

    follow(page, "Skill on the test set", "Skill of mine")
    page.get_by_text("Simulated data.").wait_for()
    page.locator(".js-plotly-plot .main-svg").first.wait_for()
    assert page.locator(".stException").count() == 0

    page.get_by_role("link", name="Training").click()
    page.get_by_text("Runs", exact=True).first.click()
    page.locator(".st-key-run").get_by_text("mine").click()
    click(page, "run_adopt")
    page.locator(".answer_words, .st-key-answer").get_by_text("Model mine").wait_for()
    assert "model=mine" in page.url
    assert (home / "models" / "mine" / "model.safetensors").is_file()

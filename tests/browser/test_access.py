"""The link with the token as a person opens it, and a window that has not opened it."""

import pytest

browser_side = pytest.importorskip("tests.support.browser", reason="playwright is not installed")

TOKEN = "Browser-token_" + "0123456789" * 3
PAGES = [
    "?source=sim&model=small",
    "case_studies?source=sim&model=small",
    "skill",
    "training",
    "data",
    "?source=upload",
]


@pytest.fixture(scope="module")
def app(browser, tmp_path_factory):
    home = tmp_path_factory.mktemp("access_home")
    log = home / "server.log"
    with browser_side.serve(home, log, HNN_ALLOW_WRITES="", HNN_TOKEN=TOKEN) as (address, _):
        yield address
    assert "Traceback" not in log.read_text()


def fetch_button(page):
    button = page.locator(".st-key-fetch_press button").first
    button.wait_for()
    browser_side.idle(page)
    return button


def test_the_link_gives_the_right_and_leaves_no_token_in_the_address(app, page, browser):
    page.goto(f"{app}/data?token={TOKEN}&show=fetch")
    assert fetch_button(page).is_enabled()
    assert "token" not in page.url
    assert "show=fetch" in page.url
    assert TOKEN not in page.evaluate("document.cookie + document.referrer + location.href")
    page.reload()
    assert fetch_button(page).is_enabled()

    other = browser_side.window(browser)
    visitor = other.new_page()
    visitor.goto(page.url)  # the address, sent to a colleague
    assert fetch_button(visitor).is_disabled()
    visitor.get_by_text("Only those who opened the link with the server's token").first.wait_for()
    other.close()


def test_no_page_needs_what_the_door_forbids_or_goes_elsewhere(shared_app, page):
    app = shared_app.address  # the door is the same with a token and without
    logged, elsewhere = [], []
    page.on("console", lambda message: logged.append(message.text))
    page.on("pageerror", lambda error: logged.append(f"Content Security Policy? {error}"))
    page.on("request", lambda request: elsewhere.append(request.url))
    for path in PAGES:
        page.goto(f"{app}/{path}")
        page.wait_for_selector("[data-testid=stApp]")
        page.wait_for_selector("[data-testid=stSidebar] h2", state="attached")
        browser_side.idle(page)
    assert [text for text in logged if "Content Security Policy" in text] == []
    own = (app, "data:", "blob:", app.replace("http", "ws"))
    assert [url for url in elsewhere if not url.startswith(own)] == []

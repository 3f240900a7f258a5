"""For everybody: axe-core finds nothing serious on any page, and the keyboard reaches all of it."""

import pytest

from hnn_core import __version__
from hnn_core.network.model_store import save_model
from tests.conftest import ROOT
from tests.support.small_models import small_model

browser_side = pytest.importorskip("tests.support.browser", reason="playwright is not installed")

AXE = (ROOT / "tests" / "vendor" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
VIEWS = (
    *("?region=SIM+2&map=relevance", "case_studies", "case_studies?study=film"),
    *("skill", "training", "training?view=new", "data?show=fetch", "help"),
)
FINDINGS = """async () => {
    const found = await axe.run(document, {resultTypes: ["violations"]});
    return found.violations.flatMap(({id, impact, nodes}) => nodes
        .filter((node) => ["serious", "critical"].includes(node.impact ?? impact))
        .map((node) => `${id} ${node.target.flat().join(" >> ")}: ${node.html.slice(0, 200)}`));
}"""
GROUND = "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
FOCUS = """() => {
    let at = document.activeElement;
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    const shown = (one) => {
        const look = getComputedStyle(one);
        return look.outlineStyle !== "none" || look.boxShadow !== "none";
    };
    const field = at.matches("input:not([type=range], [type=checkbox]), textarea, main");
    const name = at.getAttribute("aria-label") || at.name || at.innerText || "";
    return {tag: at.tagName, name: name.trim(), seen: field || shown(at)};
}"""


@pytest.fixture(scope="module")
def app(browser, tmp_path_factory):
    """Address of the running app, which knows one small model; asks for the browser first."""
    home = tmp_path_factory.mktemp("accessible_home")
    save_model(small_model(frames=10), home / "models" / "small", metadata={"trained_on": "noise"})
    log = home / "server.log"
    with browser_side.serve(home, log) as (address, _):
        yield address
    assert "Traceback" not in log.read_text()


@pytest.fixture(scope="module")
def visitor(app, browser):
    """A page for all tests, whose visitor has not read the first steps."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    context.set_default_timeout(300_000)
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=app)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing_serious_in_light_or_dark(app, visitor, view):
    visitor.emulate_media(color_scheme="light")
    visitor.goto(f"{app}/{view}&model=small" if "region" in view else f"{app}/{view}")
    visitor.wait_for_selector(".stMain h2")
    browser_side.idle(visitor)
    assert visitor.evaluate("document.documentElement.lang") == "en"
    for image in visitor.locator("img").all():
        assert image.get_attribute("alt") is not None
    visitor.evaluate(AXE)
    light = visitor.evaluate(GROUND)
    found = visitor.evaluate(FINDINGS)
    visitor.emulate_media(color_scheme="dark")
    visitor.wait_for_function(f"{GROUND} !== '{light}'")
    browser_side.idle(visitor)
    assert found + [f"dark: {one}" for one in visitor.evaluate(FINDINGS)] == []


def test_the_keyboard_alone_reaches_everything_and_is_seen_where_it_is(app, visitor):
    visitor.emulate_media(color_scheme="light")
    visitor.goto(f"{app}/?model=small&region=SIM+2")
    browser_side.settled(visitor)
    steps = visitor.get_by_role("region", name="First steps")
    assert steps.is_visible()
    walked = []
    for _ in range(80):
        visitor.keyboard.press("Tab")
        at = visitor.evaluate(FOCUS)
        walked.append(at)
        if at["name"] == "Got it":
            visitor.keyboard.press("Enter")
            steps.wait_for(state="hidden")
        elif at["name"] == "Copy link":
            visitor.keyboard.press("Enter")
            visitor.get_by_role("status").get_by_text("Link copied").wait_for()
            assert visitor.evaluate("navigator.clipboard.readText()") == visitor.url
        elif at["tag"] == "CANVAS":
            before = browser_side.magnetogram(visitor)["view"]
            visitor.keyboard.press("+")
            visitor.wait_for_url("**extent=**")
            assert browser_side.magnetogram(visitor)["view"]["across"] < before["across"]
            break
    names = "\n".join(one["name"] for one in walked)
    for name in (
        *("Skip to main content", "Source", "Active region", "Model and flare class", "Map"),
        *("Explore", "Case studies", "Skill", "Training", "Data", "Help", "Main menu"),
        *("Got it", "attention", "pil", "Zoom in", "Whole patch", "Magnetogram of SIM 2"),
    ):
        assert name in names
    assert [one for one in walked if not one["name"] or not one["seen"]] == []
    visitor.reload()
    browser_side.settled(visitor)
    assert not steps.is_visible()


def test_the_menu_has_light_and_dark_and_names_the_version(app, visitor):
    visitor.goto(f"{app}/help")
    visitor.wait_for_selector(".stMain h2")
    ground = visitor.evaluate(GROUND)
    visitor.get_by_role("button", name="Main menu").click()
    visitor.get_by_role("menuitem", name="About").click()
    about = visitor.get_by_role("dialog").filter(has_text="HNN Explorer")
    assert f"HNN Explorer {__version__}" in about.inner_text()
    visitor.keyboard.press("Escape")
    about.wait_for(state="detached")
    visitor.get_by_role("button", name="Main menu").click()
    visitor.get_by_role("menuitemradio", name="Dark").click()
    visitor.wait_for_function(f"{GROUND} !== '{ground}'")

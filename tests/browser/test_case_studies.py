"""The Case studies page and the checks of a map, as a person meets them: in a real browser."""

import contextlib
import io
import re
import shlex
import zipfile
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from PIL import Image

from hnn_core.network.model_store import save_model
from hnn_core.regions.case import Case, cases_from_link, cases_to_link
from tests.support.drawn_sharp import draw_fits
from tests.support.small_models import small_model

browser_side = pytest.importorskip("tests.support.browser", reason="playwright is not installed")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

HOURS = 14
LINE = 36
"""Column at which the drawn field changes its sign."""


def hour_name(hour: int) -> str:
    return f"2011-02-13T{hour:02}:00"


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return tmp_path_factory.mktemp("cases_log") / "server.log"


@pytest.fixture(scope="module")
def app(browser, tmp_path_factory, log):
    """Address of the running app; it knows a quick network and one whose checks take seconds."""
    home = tmp_path_factory.mktemp("cases_home")
    slow = small_model(frames=10, image_size=128, depth=5)
    for name, model in (("small", small_model(frames=10)), ("slow", slow)):
        save_model(model, home / "models" / name, metadata={})
    with browser_side.serve(home, log, HNN_CHECKS_AT_REST="1") as (address, _):
        yield address
    assert not browser_side.faults(log)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Hours of a bipole that loses 2 % of its field an hour."""
    path = tmp_path_factory.mktemp("sharps")
    rows, cols = np.mgrid[:48, :72]
    field = np.tanh((cols - LINE) / 2.0) * np.exp(-(((rows - 24.0) / 12.0) ** 2))
    for hour in range(HOURS):
        draw_fits(
            path / f"hour{hour:02}.fits",
            (900.0 * (1 - 0.02 * hour) * field).astype(np.float32),
            T_REC=f"2011.02.13_{hour:02}:00:00_TAI",
            CRPIX1=36.5,
            CRPIX2=24.5,
        )
    return path


def press(page, key: str, effect: str, *, within: str = "button") -> None:
    """Press until the effect, a selector, is there: a press while the page is drawn is lost."""
    button, wanted = page.locator(f".st-key-{key} {within}").first, page.locator(effect).first
    for _ in range(2):
        quiet(page)
        if wanted.count():
            return
        if button.count():
            button.click()
        with contextlib.suppress(playwright.TimeoutError):
            wanted.wait_for(timeout=10_000)
            return
    wanted.wait_for()


def quiet(page) -> None:
    """Wait until the run that the last press began has ended; it begins up to 0.3 s later."""
    browser_side.idle(page)
    browser_side.idle(page)


def choose(page, key: str, text: str) -> None:
    """Type into a selectbox and take the first match."""
    quiet(page)
    page.locator(f".st-key-{key} input").first.fill(text)
    page.keyboard.press("Enter")


def drawn(page, key: str) -> dict[str, list[float]]:
    """Heights of every trace of a figure by its name, once it is drawn."""
    page.locator(f".st-key-{key} .js-plotly-plot .main-svg").first.wait_for()
    quiet(page)
    return page.evaluate(
        """key => Object.fromEntries(
            document.querySelector(`.st-key-${key} .js-plotly-plot`)._fullData
                .map(trace => [trace.name, Array.from(trace.y)]))""",
        key,
    )


def linked_cases(page) -> tuple[Case, ...]:
    return cases_from_link(parse_qs(urlsplit(page.url).query)["cases"][0])


def in_address(page, name: str, value: str) -> None:
    page.wait_for_function(
        "([name, value]) => new URLSearchParams(location.search).get(name) === value",
        arg=[name, value],
    )


def sound(page) -> None:
    assert page.locator(".stException").count() == 0
    assert "Traceback" not in page.content()


def with_cases(app: str, *cases: Case, **query: str) -> str:
    return f"{app}/case_studies?{urlencode({'cases': cases_to_link(cases), **query})}"


# A few cases


def test_cases_are_suggested_added_linked_saved_and_opened(app, browser, page):
    page.goto(f"{app}/case_studies?model=small&population=5:2")
    pil = drawn(page, "case_bars_pil")
    assert [name[:5] for name in pil] == ["SIM 1", "SIM 2"]
    press(page, "flux", ".st-key-case_bars_total .main-svg", within="button:has-text('Total')")
    total = drawn(page, "case_bars_total")
    assert list(total) == list(pil)
    # The flux of the whole patch is more than that of the lines in it.
    assert [len(heights) for heights in total.values()] == [10, 10]
    assert all(total[name] != pil[name] for name in pil)

    suggested = linked_cases(page)
    earlier = datetime.fromisoformat(suggested[0].hour) - timedelta(hours=5)
    hour = f"{earlier:%Y-%m-%dT%H:%M}"
    choose(page, "hour", f"{earlier:%Y-%m-%d %H:%M}")
    in_address(page, "hour", hour)
    press(page, "case_add", "[aria-label*='of 3 cases']")
    bars = drawn(page, "case_bars_total")
    cases = linked_cases(page)
    assert cases == (*suggested, Case("sim:5:2", "SIM 1", hour, "small"))
    assert [name.split(", ")[1] for name in bars][-1] == f"{earlier:%Y-%m-%d %H:%M} TAI"

    link = page.context.new_page()
    link.goto(page.url)
    assert drawn(link, "case_bars_total") == bars
    sound(link)

    press(page, "sets", ".st-key-set_new input", within="[data-testid=stPopover] button")
    page.locator(".st-key-set_new input").fill("A set of three")
    page.keyboard.press("Enter")
    press(page, "set_save", "text=Saved as “A set of three”.")
    sound(page)

    # Someone else, who has one other case before them.
    fresh = browser_side.window(browser).new_page()
    fresh.goto(f"{with_cases(app, suggested[1], model='small', population='5:2')}&flux=total")
    assert len(drawn(fresh, "case_bars_total")) == 1
    choose(fresh, "set_name", "A set of three")
    press(fresh, "set_open", "[aria-label*='of 3 cases']")
    assert drawn(fresh, "case_bars_total") == bars
    assert linked_cases(fresh) == cases
    assert fresh.get_by_text("Set “A set of three”, saved").count() == 1
    sound(fresh)
    fresh.context.close()


def test_a_report_opens_without_a_network_and_its_zip_has_masks_in_place(
    app, browser, page, folder, tmp_path
):
    case = Case(f"fits:{folder}", "377", hour_name(HOURS - 1), "small")
    page.goto(with_cases(app, case, source="fits", folder=str(folder), model="small"))
    drawn(page, "case_bars_pil")
    off = ".st-key-report_check [data-testid=stCheckbox]:not([data-selected])"
    press(page, "report_check", off, within="label")
    quiet(page)
    press(page, "report_start", ".st-key-report_zip button")
    for key in ("html", "zip"):
        quiet(page)
        with page.expect_download() as waiting:
            page.locator(f".st-key-report_{key} button").first.click()
        waiting.value.save_as(tmp_path / f"report.{key}")
    sound(page)
    check_page(browser, tmp_path / "report.html", case)
    check_archive(tmp_path / "report.zip", folder)


def check_page(browser, path: Path, case: Case) -> None:
    context = browser_side.window(browser, offline=True)
    asked, said = [], []

    def let_files_pass(route) -> None:
        url = route.request.url
        asked.append(url)
        (route.continue_ if url.startswith("file://") else route.abort)()

    context.route("**/*", let_files_pass)
    report = context.new_page()
    report.on("console", lambda message: said.append(message.text))
    report.on("pageerror", lambda error: said.append(str(error)))
    report.goto(path.as_uri())
    report.wait_for_selector("html[data-drawn]")
    places = report.locator(".figure").count()
    assert places >= 8
    assert report.locator(".js-plotly-plot .main-svg:first-child").count() == places
    assert report.locator("[data-name='cases pil flux'] .bars .point").count() == 10
    command = report.locator("#again code").inner_text().replace("\\\n", "")
    expected = f"python -m analysis report --source {case.source} --region 377 --time {case.hour}"
    assert shlex.split(command) == shlex.split(
        f"{expected} --model small --no-check --out report.html"
    )
    assert "Is it faithful?" not in report.content()
    assert asked == [path.as_uri()]
    assert said == []
    context.close()


def check_archive(path: Path, folder: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        masks = sorted(name for name in archive.namelist() if name.endswith(".pil.fits"))
        maps = [name for name in archive.namelist() if re.search(r"rollout|relevance", name)]
        assert len(masks) == 10
        assert len(maps) == 20
        content = io.BytesIO(archive.read(masks[-1]))
    record = folder / f"hour{HOURS - 1:02}.fits"
    with fits.open(content) as mask, fits.open(record) as own:
        own_header = own[1].header
        own_header["CUNIT1"] = own_header["CUNIT2"] = "deg"  # as the standard has it
        corners = [[0.0, 0.0], [71.0, 47.0]]
        np.testing.assert_allclose(
            WCS(mask["PIL"].header).wcs_pix2world(corners, 0),
            WCS(own_header).wcs_pix2world(corners, 0),
        )
        columns = np.nonzero(mask["PIL"].data)[1]
    # One pixel wide, beside the column that has no field.
    assert columns.size > 10
    assert np.abs(columns - LINE).max() <= 1


# Many cases, the film


def test_many_cases_are_stopped_when_that_is_wanted(app, page, log):
    page.goto(f"{app}/case_studies?model=small&population=5:30&study=many")
    page.get_by_text("30 regions, about 300 windows.").wait_for()
    press(page, "many_slopes", ".st-key-cancel_many_slopes button")
    page.get_by_text("of 30 regions").wait_for()
    press(
        page,
        "cancel_many_slopes",
        "text=Measuring slopes: stopped. Start it again when you like.",
    )
    quiet(page)
    # A button with a hint is there twice, one of them for narrow screens.
    assert page.locator(".st-key-many_slopes button").first.is_enabled()
    assert page.locator(".st-key-cancel_many_slopes").count() == 0
    sound(page)
    assert not browser_side.faults(log)


def test_a_film_plays_pauses_and_is_taken_along(app, page, folder, tmp_path):
    query = {"source": "fits", "folder": str(folder), "model": "small", "study": "film"}
    page.goto(f"{app}/case_studies?{urlencode(query)}")
    page.locator(".st-key-film_start button").wait_for()
    press(page, "film_start", ".st-key-film .main-svg")
    quiet(page)
    play, pause = page.locator(".st-key-film .updatemenu-button").all()
    seen = [picture(page)]
    assert seen[0][0] == f"{hour_name(0)} TAI".replace("T", " ", 1)
    play.click()
    for _ in range(2):
        seen.append(next_picture(page, seen[-1]))
    assert len({source for _, source in seen}) == len({label for label, _ in seen}) == 3
    pause.click()
    page.wait_for_timeout(300)
    halted = picture(page)
    page.wait_for_timeout(1200)  # two pictures, were it going on
    assert picture(page) == halted
    assert halted[0] < hour_name(HOURS - 1).replace("T", " ")

    assert page.locator(".st-key-film_mp4 button").count()
    with page.expect_download() as waiting:
        page.locator(".st-key-film_gif button").first.click()
    waiting.value.save_as(tmp_path / "film.gif")
    with Image.open(tmp_path / "film.gif") as film:
        assert film.format == "GIF"
        assert film.n_frames == HOURS
    sound(page)


PICTURE = """() => {
    const figure = document.querySelector('.st-key-film .js-plotly-plot');
    return [figure.querySelector('.slider-label').textContent,
            figure.querySelector('image').getAttribute('href')];
}"""


def picture(page) -> list[str]:
    """What the film shows: the hour beside its slider, and the picture itself."""
    return page.evaluate(PICTURE)


def next_picture(page, last: list[str]) -> list[str]:
    changed = "last => { const now = (" + PICTURE + ")(); return now[0] !== last[0] && now; }"
    return page.wait_for_function(changed, arg=last).json_value()


# The map's checks


def test_marks_fill_in_while_one_rests_and_open_their_detail(app, page):
    query = {"model": "slow", "population": "5:3", "map": "relevance"}
    page.goto(f"{app}/?{urlencode(query)}")
    browser_side.settled(page)
    first = page.url
    before = browser_side.magnetogram(page)
    # On a machine that is busy with the page it may be through already.
    verdicts = "curves|what was learnt|the same everywhere"
    page.locator(".st-key-mark_faithful", has_text=re.compile(f"frames|{verdicts}")).wait_for()
    with browser_side.a_run(page):
        page.keyboard.press("j")  # one moves on while it is computed
    browser_side.settled(page)
    page.wait_for_function("url => location.href !== url", arg=first)
    stepped = browser_side.magnetogram(page)
    assert stepped["sum"] != before["sum"]
    assert stepped["map"] == "relevance for eruptive"
    for name, said in (
        ("hours", r"t(−\d)? \([+−]\d+\.\d\d\)"),
        ("place", r"× chance, p = "),
        ("faithful", verdicts),
    ):
        mark = page.locator(f".st-key-mark_{name} button").first
        mark.filter(has_text=re.compile(said)).wait_for()
    sound(page)

    press(page, "mark_faithful", ".st-key-faithful_deletion_zero .scatterlayer .js-line")
    for kind in ("deletion", "insertion"):
        curves = page.locator(f".st-key-faithful_{kind}_zero .scatterlayer .js-line")
        curves.first.wait_for()
        assert curves.count() >= 4  # the map, |B|, the gradient, and the random ones' band
    page.get_by_text("Randomised network:").wait_for()
    assert page.locator(".st-key-cancel_faithful").count() == 0  # it was not computed again

    place = ".st-key-overlap_1 .main-svg"
    press(page, "trust_question", place, within="button:has-text('Where the map lies')")
    in_address(page, "trust", "place")
    quiet(page)
    for key in ("0", "1"):
        told = page.evaluate(
            """key => document.querySelector(`.st-key-overlap_${key} .js-plotly-plot`)
                .layout.annotations.map(one => one.text).join(' ')""",
            key,
        )
        values = [float(value) for value in re.findall(r"p = (0\.\d+|1)", told)]
        assert len(values) == 3
        assert all(0.0 < value <= 1.0 for value in values)
    sound(page)

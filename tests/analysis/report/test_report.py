"""Reports: what they hold, what they let in, and what lies in their archive."""

import html
import io
import json
import re
import shlex
import zipfile
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from analysis.cases.making import AbsentCase, short_source, without_folder
from analysis.cases.tables import case_rows, flux_rows, parquet_bytes
from analysis.report.files import ReportFiles
from analysis.report.html import FigureStore, column_head, shown, templates
from analysis.report.page import report_html
from analysis.report.provenance import report_command
from hnn_core.regions.case import Case
from tests.support.drawn_source import DrawnRegion, DrawnSource
from tests.support.report_cases import EVIL, EVIL_FILE, LAST, MarkupSource, case_of, predictor

pytestmark = pytest.mark.slow

MADE = "2026-01-02T03:04:05Z"
COMMAND = "python -m analysis report --region 'SIM 1' --time 2013-12-03T15:00 --out report.html"
VOID = {"meta", "img", "br", "link", "input", "hr"}


class Outline(HTMLParser):
    """What a page holds, by a parser that is not ours: elements, their ends, what they load."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.handlers: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.data: dict[str, str] = {}
        self.text: list[str] = []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.tags.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.loads += [values[name] for name in ("src", "srcset") if name in values]
        if tag in ("link", "object", "iframe", "embed", "base"):
            self.loads.append(tag)
        if tag == "a":
            self.links.append(values["href"])
        if "id" in values:
            self.ids.append(values["id"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        inside = self.open[-1] if self.open else ""
        if inside == "script":
            self.data[self.ids[-1]] = data
        elif inside != "style":
            self.text.append(data)


def outline(page: str) -> Outline:
    found = Outline()
    found.feed(page)
    found.close()
    assert found.open == []
    return found


@pytest.fixture(scope="module")
def explained(tmp_path_factory):
    """The drawn case with maps and their checks, by a small network."""
    return case_of(MarkupSource(), predictor(tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="module")
def page(explained):
    absent = [AbsentCase(f"{EVIL}, 2011", "There is no region “<i>x</i>”.")]
    return report_html([explained], command=COMMAND, made=MADE, absent=absent, name="<u>set</u>")


# What a report holds


def test_every_part_of_a_report_is_there(page):
    found = outline(page)
    text = " ".join(found.text)
    assert {"cases", "case-1", "methods", "provenance", "again", "credits"} <= set(found.ids)
    assert [link for link in found.links if link.lstrip("#") not in found.ids] == []
    for words in (
        "Consistent with cancellation",
        "where the class token's attention comes from, not why",
        "Class-specific relevance",
        "Is it faithful?",
        "Against random weights:",
        "Which hour mattered",
        "Hamed, K. H. & Rao, A. R. 1998",
        "brightenings along the PIL",
        "M2.0 at 2011-02-13 11:59 UTC",
        "is not shown.",
        "NASA/SDO and the HMI science team",
        "scikit-image",
        "The Astrophysical Journal 998, 340 (2026)",
    ):
        assert words in text, words


def test_numbers_of_the_page_are_those_of_the_study(explained, page):
    text = " ".join(outline(page).text)
    found = explained.study.prediction
    assert f"P(eruptive) = {found.probability:.3f}" in text
    assert found.sha256 in text
    trend = explained.study.systematics.trend()
    # The drawn field falls from 800 by 20 G an hour: 20 / 710 of its median.
    assert trend.percent == pytest.approx(-100 * 20 / 710, rel=1e-4)
    assert "−2.8 (" in text


def test_what_is_not_known_is_never_nan(page):
    text = " ".join(outline(page).text)
    assert re.search(r"\bnan\b", text, re.IGNORECASE) is None
    assert "not known" in text  # the drawn header has no R_VALUE and no OBS_VR


def test_the_command_is_told_so_that_a_shell_gives_it_back(page):
    block = re.search(r"<pre><code>(.*?)</code></pre>", page, re.DOTALL)
    # A shell joins lines that end in a backslash; shlex does not.
    assert shlex.split(html.unescape(block[1]).replace("\\\n", "")) == shlex.split(COMMAND)


def test_a_case_without_network_says_why():
    case = case_of(MarkupSource(), None, no_prediction="The model “gone” is not here any more.")
    text = " ".join(outline(report_html([case], command=COMMAND, made=MADE)).text)
    assert text.count("The model “gone” is not here any more.") == 2
    assert "There is no prediction to explain." in text


def test_other_weights_than_those_saved_are_told(explained):
    case = replace(explained.study.case, sha256="0" * 64, probability=0.25)
    other = replace(explained, study=replace(explained.study, case=case))
    text = " ".join(outline(report_html([other], command=COMMAND, made=MADE)).text)
    assert "saved with other weights" in text
    assert "P(eruptive) = 0.250" in text


def test_quiet_field_and_fewer_hours_are_answers():
    source = DrawnSource(DrawnRegion(377, n_hours=6))
    case = case_of(_Named(source), None)
    text = " ".join(outline(report_html([case], command=COMMAND, made=MADE)).text)
    assert "No PIL above threshold" in text
    assert "6 hours, not ten." in text
    assert re.search(r"\bnan\b", text, re.IGNORECASE) is None


class _Named:
    """A drawn source as `case_of` takes it."""

    def __init__(self, source: DrawnSource) -> None:
        self._source, self.spec, self.id = source, source.spec, "377"

    def __getattr__(self, name):
        return getattr(self._source, name)


def test_a_report_needs_a_case():
    with pytest.raises(ValueError, match="at least one case"):
        report_html([], command=COMMAND, made=MADE)


# What is let in, and what is let out


def test_text_of_regions_files_and_headers_is_no_markup(page):
    found = outline(page)
    text = " ".join(found.text)
    assert found.handlers == []
    assert {"u", "i", "img"}.isdisjoint(found.tags)
    assert EVIL in text
    assert EVIL_FILE in text
    assert "</script><b>5</b>" in text
    # Scripts: data of figures, plotly.js and the drawing; none more.
    figures = page.count('class="figure"')
    assert found.tags.count("script") == figures + 3


def test_nothing_is_loaded_and_no_path_is_told(page):
    found = outline(page)
    assert found.loads == []
    assert all(link.startswith("#") for link in found.links)
    assert "@import" not in page
    assert "/home/ann" not in page
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "script-src 'sha256-" in policy


def test_text_of_figures_is_no_markup_either():
    import plotly.graph_objects as go

    store = FigureStore()
    evil = '</script><a href="http://evil.example">x</a><b>bold</b>'
    store.add(go.Figure(go.Bar(x=[evil], y=[1.0], name=evil)), alt=evil, name=evil)
    scripts = store.scripts()
    assert scripts.count("</script>") == 2
    values = json.loads(outline(scripts).data["figure-1"])
    assert values["data"][0]["name"] == (
        '&lt;/script>&lt;a href="http://evil.example">x&lt;/a><b>bold</b>'
    )


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("10<sup>20</sup> <b>Mx</b><br>", "10<sup>20</sup> <b>Mx</b><br>"),
        ("p < 0.05", "p &lt; 0.05"),
        ('<b style="x">', '&lt;b style="x">'),
        ("<extra></extra>", "<extra></extra>"),
        ("<B>", "&lt;B>"),
    ],
)
def test_markup_that_figures_may_use(text, safe):
    import plotly.graph_objects as go

    store = FigureStore()
    store.add(go.Figure(go.Bar(name=text)), alt="", name="")
    assert json.loads(outline(store.scripts()).data["figure-1"])["data"][0]["name"] == safe


def test_json_cannot_end_its_script():
    import plotly.graph_objects as go

    store = FigureStore()
    store.add(go.Figure(layout_meta={"a": "</ScRiPt><!--", "b": "\u2028"}), alt="", name="")
    text = re.search(r'id="figure-1">(.*)</script>', store.scripts())[1]
    assert "<" not in text
    assert json.loads(text)["layout"]["meta"] == {"a": "&lt;/ScRiPt>&lt;!--", "b": "\u2028"}


def test_arrays_of_several_figures_are_kept_once():
    import plotly.graph_objects as go

    store = FigureStore()
    field = np.arange(10_000.0).reshape(100, 100)
    for _ in range(3):
        store.add(go.Figure(go.Heatmap(z=field)), alt="", name="")
    shared = json.loads(outline(store.scripts()).data["shared-arrays"])
    assert sum("bdata" in part for part in shared.values()) == 1
    assert len(store.scripts()) < 3 * field.nbytes


def test_the_same_input_gives_the_same_page(explained):
    pages = {report_html([explained], command=COMMAND, made=MADE) for _ in range(2)}
    assert len(pages) == 1


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (float("nan"), "not known"),
        (None, "not known"),
        (pd.NaT, "not known"),
        (-1.5, "−1.5"),
        (1.2345e20, "1.234 × 10²⁰"),
        (-2.0e-7, "−2 × 10⁻⁷"),
        (True, "yes"),
        (np.int64(-3), "−3"),
        ("", "–"),
        (float("inf"), "∞"),
    ],
)
def test_values_as_people_read_them(value, text):
    assert shown(value) == text


def test_tables_have_units_and_are_escaped():
    table = pd.DataFrame({"slope_mx_per_h": [1.0], "name": ["<b>&"]})
    text = templates().get_template("parts.html").module.table(table, "<c>")
    assert column_head("slope_mx_per_h") == "slope (Mx/h)"
    assert "<td>&lt;b&gt;&amp;</td>" in text
    assert "&lt;c&gt;" in text


# The command and where data come from


def test_command_of_several_sources_and_models(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ann")
    cases = [
        Case("fits:/home/ann/my sharps", "377", "2011-02-15T01:00", "demo"),
        Case("sim:", "SIM 1", "2013-12-03T15:00"),
    ]
    words = shlex.split(report_command(cases, options=["--no-check"]))
    assert words[:4] == ["python", "-m", "analysis", "report"]
    assert words[4:8] == ["--source", "fits:~/my sharps", "--region", "377"]
    assert words[words.index("none") - 1] == "--model"
    assert words[-3:] == ["--no-check", "--out", "report.html"]


@pytest.mark.parametrize(
    ("spec", "short"),
    [("fits:/home/ann/sharps", "fits:…/sharps"), ("sim:2:40", "sim:2:40"), ("jsoc:", "jsoc:")],
)
def test_sources_are_named_without_folders(spec, short):
    assert short_source(spec) == short


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("fits:/home/ann/sharps/", "a.fits ends early."),
        ("fits:/home/ann/sharps", "a.fits ends early."),
        ("fits:~/sharps", "a.fits ends early."),
        ("fits:/", "/home/ann/sharps/a.fits ends early."),
        ("sim:", "/home/ann/sharps/a.fits ends early."),
    ],
)
def test_sentences_name_files_without_folders(monkeypatch, spec, told):
    monkeypatch.setenv("HOME", "/home/ann")
    assert without_folder("/home/ann/sharps/a.fits ends early.", spec) == told


# The archive


@pytest.fixture(scope="module")
def files(explained):
    return ReportFiles([explained], made=MADE)


@pytest.fixture(scope="module")
def archive(files):
    return zipfile.ZipFile(io.BytesIO(files.archive))


def test_archive_masks_and_maps_have_the_frames_coordinates(explained, archive):
    study = explained.study
    names = [name for name in archive.namelist() if name.endswith(".fits")]
    assert len(names) == 10 + 2 * 10
    for method in ("pil", "rollout", "relevance"):
        name = next(name for name in names if name.endswith(f"T0900.{method}.fits"))
        with fits.open(io.BytesIO(archive.read(name))) as hdul:
            hdu = hdul["ROPI" if method == "pil" else method.upper()]
            own, frame = WCS(hdu.header), study.frames[-1]
            np.testing.assert_allclose(
                own.wcs_pix2world([[3.0, 7.0]], 0), frame.wcs.wcs_pix2world([[3.0, 7.0]], 0)
            )
            assert hdu.header["T_REC"] == "2011.02.13_09:00:00_TAI"
            if method == "pil":
                np.testing.assert_array_equal(hdu.data.astype(bool), study.masks[-1].ropi)
            else:
                assert hdu.header["METHOD"] == method
                assert hdu.header["PROBERUP"] == study.prediction.probability
                seen = np.isfinite(hdu.data)
                assert seen.sum() == 32 * 32
                tokens = explained.explained.maps[method].maps[-1]
                assert hdu.data[seen].sum() == pytest.approx(64 * tokens.sum(), rel=1e-4)


def test_files_with_names_beyond_ascii_can_be_archived(explained):
    frames = tuple(replace(f, origin="/home/ann/Zürich\n.fits") for f in explained.study.frames)
    case = replace(explained, study=replace(explained.study, frames=frames), explained=None)
    files = zipfile.ZipFile(io.BytesIO(ReportFiles([case], made=MADE).archive))
    name = next(name for name in files.namelist() if name.endswith(".pil.fits"))
    with fits.open(io.BytesIO(files.read(name))) as hdul:
        assert hdul["PIL"].header["PARENT"] == "Z?rich?.fits"


def test_archive_tables_read_back(explained, archive):
    def read(name):
        return pd.read_csv(io.BytesIO(archive.read(f"tables/{name}.csv")))

    cases = read("cases")
    assert list(cases["region"]) == [EVIL]
    assert cases["slope_percent_per_h"][0] == pytest.approx(-100 * 20 / 710, rel=1e-4)
    assert len(read("histories")) == 10
    assert len(read("trends")) == len(explained.study.systematics.trends)
    overlaps = read("overlaps")
    assert list(overlaps["part"])[:3] == ["RoPI", "convex hull", "10 Mm of the PIL"]
    assert list(overlaps["draws"].unique()) == [50]
    assert len(read("faithfulness")) == 2 * 4
    assert len(read("hours")) == 2 * 10
    assert archive.read("report.html").decode().startswith("<!DOCTYPE html>")


def test_archive_names_every_file_and_column(archive, files):
    text = archive.read("README.txt").decode()
    for name in archive.namelist():
        if name.startswith("tables/"):
            table = pd.read_csv(io.BytesIO(archive.read(name)))
            assert name in text
            for column in table.columns:
                assert f"  {column}" in text
    # One name, two things.
    overlaps, _, areas = text.partition("tables/faithfulness.csv")
    assert "  area: share of the patch" in overlaps
    assert "  area: area under the map's curve" in areas
    told = json.loads(archive.read("provenance.json"))
    # The command alone names the folder, which it must find again.
    assert told.pop("command") == files.command
    assert told["cases"][0]["source"] == "fits:…/sharps"
    assert len(told["cases"][0]["frames"]) == 10
    assert "/home/ann" not in json.dumps(told)
    assert {"torch", "astropy", "Python"} <= set(told["versions"])


def test_archive_members_keep_inside_it(archive):
    for name in archive.namelist():
        assert re.fullmatch(r"[A-Za-z0-9_./]+", name)
        assert ".." not in name


def test_the_same_input_gives_the_same_archive(explained, files):
    assert ReportFiles([explained], made=MADE).archive == files.archive


# One tidy table


def test_tidy_rows_have_one_type_a_column_and_one_row_an_hour(explained):
    plain = case_of(MarkupSource("plain"), None)
    rows = pd.read_parquet(io.BytesIO(parquet_bytes(case_rows([explained, plain]))))
    assert not rows.duplicated(["source", "region", "t_reference_tai", "t_rec_tai"]).any()
    assert len(rows) == 20
    kinds = {name: rows[name].dtype.kind for name in rows.columns}
    assert kinds["t_rec_tai"] == kinds["t_reference_tai"] == "M"
    assert kinds["interpolated"] == kinds["simulated"] == "b"
    assert rows["quality"].dtype == np.uint32
    assert rows["quality"].iloc[0] == 0x10400
    floats = [name for name in rows if name.endswith(("_mx", "_mm", "_deg", "_log_odds"))]
    assert len(floats) > 10
    assert {str(rows[name].dtype) for name in floats} == {"float64"}
    assert list(rows["region"]) == [EVIL] * 10 + ["plain"] * 10
    assert rows["probability"].isna().sum() == 10
    assert rows["rollout_share_ropi"].isna().sum() == 10
    own = rows["rollout_share_ropi"][:10].mean()
    assert own == pytest.approx(explained.explained.overlaps["rollout"]["ropi"].share, rel=1e-5)


def test_tidy_rows_are_sorted_and_typed_whatever_they_hold(explained):
    rows = flux_rows(explained.study.history, source="sim:", region="SIM 1")
    assert rows["t_rec_tai"].is_monotonic_increasing
    assert str(rows["usflux_header_mx"].dtype) == "float64"
    assert list(rows.columns[:3]) == ["source", "region", "t_rec_tai"]
    assert str(pd.Timestamp(LAST)) == str(rows["t_rec_tai"].iloc[-1])


# In a browser that has no network


@pytest.mark.slow
def test_a_browser_draws_every_figure_and_asks_for_nothing(browser, page, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(page, encoding="utf-8")
    from tests.support.browser import window  # playwright may be missing

    context = window(browser, offline=True)
    asked, said = [], []
    tab = context.new_page()
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.goto(path.as_uri())
    tab.wait_for_selector("html[data-drawn]")
    count = page.count('class="figure"')
    assert tab.evaluate("document.querySelectorAll('.js-plotly-plot').length") == count
    # The field of the magnetogram came through whole, and texts in figures are texts.
    assert (
        tab.evaluate("document.querySelector('[data-name^=magnetogram]')._fullData[0].z.length")
        == 48
    )
    bars = tab.evaluate("document.querySelector('[data-name=\"cases pil flux\"]').textContent")
    assert "<script>alert(1)" in bars
    for width in (800, 1900):
        tab.set_viewport_size({"width": width, "height": 900})
        tab.wait_for_function("w => document.documentElement.scrollWidth <= w", arg=width)
    assert asked == [path.as_uri()]
    assert said == []
    context.close()

"""Cases side by side: the bars' values, their columns and colours, and the words about them."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from astropy.time import Time, TimeDelta

from analysis.cases.case_study import case_study
from analysis.cases.figures_bars import case_bars_figure
from analysis.figures import style
from hnn_core.regions.base import Flare
from hnn_core.regions.case import Case
from hnn_core.regions.outcome import Outcome
from hnn_core.sources import open_source

HOUR = "2011-02-15T01:00"
X2 = Flare(Time("2011-02-15T01:56"), "X2.2", "eruptive")


def study(
    p: float | None = 0.83,
    pil: object = 3e20,
    *,
    name: str = "AR 11158 · HARP 377, 2011-02-15 01:00 TAI",
    hours: range = range(-9, 1),
    interpolated: tuple[int, ...] = (),
    flares: tuple[Flare, ...] = (X2,),
    word: str = "eruptive",
    simulated: bool = False,
    catalogue: str = "",
) -> SimpleNamespace:
    """Stand-in for a CaseStudy: its flux by hour, what was said and what happened."""
    prediction = SimpleNamespace(
        probability=p, label="eruptive" if p is not None and p >= 0.5 else "confined"
    )
    times = [pd.Timestamp(HOUR) + pd.Timedelta(hours=hour) for hour in hours]
    history = pd.DataFrame({"t_rec_tai": times, "pil_unsigned_flux_mx": pil})
    history["total_unsigned_flux_mx"] = history["pil_unsigned_flux_mx"] * 100
    history["interpolated"] = [hour in interpolated for hour in hours]
    return SimpleNamespace(
        name=name,
        case=Case("fits:", "377", HOUR),
        history=history,
        prediction=None if p is None else prediction,
        outcome=Outcome(word, "", flares, catalogue),
        flare_class="M",
        simulated=simulated,
    )


def bars(figure: go.Figure) -> list[go.Bar]:
    return [trace for trace in figure.data if trace.name != "interpolated"]


def texts(figure: go.Figure) -> list[str]:
    return [annotation.text for annotation in figure.layout.annotations]


def axes(figure: go.Figure, trace: go.Bar) -> tuple[go.layout.XAxis, go.layout.YAxis]:
    return (
        figure.layout["xaxis" + trace.xaxis[1:]],
        figure.layout["yaxis" + trace.yaxis[1:]],
    )


def title(figure: go.Figure, word: str) -> str:
    found = [text for text in texts(figure) if word in text]
    assert len(found) == 1, texts(figure)
    return found[0]


# Where and what


def test_panels_flow_in_the_order_of_the_cases_whatever_their_class():
    figure = case_bars_figure([study(0.83), study(0.9), study(0.7), study(0.2)])
    lefts, tops = zip(
        *((axes(figure, t)[0].domain[0], axes(figure, t)[1].domain[1]) for t in bars(figure)),
        strict=True,
    )
    assert lefts == pytest.approx((0.0, 0.525, 0.0, 0.525))
    assert tops[0] == tops[1] > tops[2] == tops[3]
    assert figure.layout.height == 2 * 230 - 30 + 104


def test_one_in_a_row_for_a_narrow_page():
    figure = case_bars_figure([study(0.83), study(0.2), study(None)], columns=1)
    domains = [axes(figure, trace)[0].domain for trace in bars(figure)]
    assert domains == [(0.0, 1.0)] * 3
    assert all(axes(figure, trace)[1].showticklabels for trace in bars(figure))
    titled = [bool(axes(figure, trace)[0].title.text) for trace in bars(figure)]
    assert titled == [False, False, True]


def test_one_case_has_the_whole_width():
    figure = case_bars_figure([study(0.9)])
    assert figure.layout.xaxis.domain == (0.0, 1.0)
    assert figure.layout.yaxis.showticklabels


@pytest.mark.parametrize("dark", [False, True])
def test_the_class_is_a_badge_at_its_panel_in_legible_words(dark):
    figure = style.put_on(case_bars_figure([study(0.2), study(0.83), study(None)]), dark=dark)
    expected = [
        ("predicted confined · P(eruptive) = 0.20", style.CONFINED),
        ("predicted eruptive · P(eruptive) = 0.83", style.ERUPTIVE),
        ("no prediction", style.UNKNOWN),
    ]
    for trace, (text, mark) in zip(bars(figure), expected, strict=True):
        (badge,) = (note for note in figure.layout.annotations if note.text == text)
        assert trace.marker.color == badge.bordercolor == mark
        assert badge.font.color == style.LEGIBLE[mark][dark]
        x, y = axes(figure, trace)
        assert (badge.x, badge.y) == (x.domain[0], y.domain[1])


def test_bars_are_the_flux_of_each_hour_in_a_power_of_ten():
    values = np.linspace(5.0, 3.2, 10) * 1e20
    figure = case_bars_figure([study(pil=values)])
    (trace,) = bars(figure)
    assert list(trace.x) == list(range(-9, 1))
    assert trace.y == pytest.approx(values / 1e20)
    x, y = axes(figure, trace)
    assert x.ticktext == (*(f"t−{k}" for k in range(9, 0, -1)), "t")
    assert y.title.text == "PIL flux (10²⁰ Mx)"
    assert y.range == pytest.approx((0, 5.3))
    assert "10²⁰ Mx" in trace.hovertemplate


def test_total_flux_is_the_patch_s():
    figure = case_bars_figure([study(pil=3e20)], flux="total")
    assert bars(figure)[0].y == pytest.approx(np.full(10, 3.0))
    assert figure.layout.yaxis.title.text == "total flux (10²² Mx)"
    assert "total unsigned flux" in title(figure, "unsigned")


def test_one_scale_for_all_or_one_each():
    studies = [study(0.9, 5e20), study(0.1, 2e19)]
    together = case_bars_figure(studies)
    for trace in bars(together):
        assert axes(together, trace)[1].range == pytest.approx((0.0, 5.3))
    assert bars(together)[1].y == pytest.approx(np.full(10, 0.2))
    assert not axes(together, bars(together)[1])[1].showticklabels
    assert axes(together, bars(together)[1])[1].title.text == ""
    own = case_bars_figure(studies, same_scale=False)
    assert axes(own, bars(own)[1])[1].range == pytest.approx((0, 2.12))
    assert axes(own, bars(own)[1])[1].title.text == "PIL flux (10¹⁹ Mx)"


def test_missing_hours_leave_their_place_empty():
    values = [3e20, np.nan, 3e20, 3e20]
    figure = case_bars_figure([study(pil=values, hours=range(-9, -5))])
    (trace,) = bars(figure)
    assert list(trace.x) == [-9, -8, -7, -6]
    assert np.isnan(trace.y[1])
    assert figure.layout.xaxis.range == (-9.6, 0.6)
    assert "4 of 10 hours" in title(figure, "HARP 377")


def test_a_record_off_its_hour_stands_at_its_hour():
    one = study()
    one.history["t_rec_tai"] += pd.Timedelta(minutes=12)
    assert list(bars(case_bars_figure([one]))[0].x) == list(range(-9, 1))


def test_interpolated_hours_are_hatched_and_only_then_explained():
    figure = case_bars_figure([study(interpolated=(-3,))])
    (trace,) = bars(figure)
    assert [k for k, shape in zip(trace.x, trace.marker.pattern.shape, strict=True) if shape] == [
        -3
    ]
    assert "interpolated" in trace.customdata[6][1]
    assert len(figure.data) == 2
    assert len(case_bars_figure([study()]).data) == 1


def test_no_flux_at_all_is_an_axis_from_0_to_1():
    figure = case_bars_figure([study(pil=0.0)])
    assert figure.layout.yaxis.range == (0.0, 1.0)
    assert case_bars_figure([study(pil=np.nan)]).layout.yaxis.range == (0.0, 1.0)


# Words


def test_title_tells_case_and_outcome():
    assert title(case_bars_figure([study()]), "HARP") == (
        "<b>AR 11158 · HARP 377, 2011-02-15 01:00 TAI</b><br>happened: eruptive (X2.2, CME linked)"
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"flares": (), "word": "no flare", "catalogue": "flares.csv (2011)"},
            "happened: no ≥M flare in flares.csv (2011)",
        ),
        ({"flares": (), "word": "not looked up"}, "happened: not looked up"),
        (
            {"flares": (Flare(Time(HOUR), "X2.2", studied="eruptive", literature="Sun 2012"),)},
            "happened: eruptive (X2.2, literature)",
        ),
        (
            {
                "flares": (Flare(Time(HOUR), "M1.0", "unknown"), Flare(Time(HOUR), "M6.6")),
                "word": "unknown",
            },
            "happened: CME link unknown (M6.6)",
        ),
        # The flare that erupted is told, not the larger one that did not.
        (
            {"flares": (X2, Flare(Time(HOUR), "X9.3", "confined"))},
            "happened: eruptive (X2.2, CME linked)",
        ),
        (
            {"flares": (Flare(Time(HOUR), "M2.0", "unlinked"),), "word": "no CME linked in DONKI"},
            "happened: no CME linked in DONKI (M2.0)",
        ),
        ({"p": None}, "TAI</b><br>happened: eruptive"),
    ],
)
def test_outcomes_in_words(changes, words):
    assert words in title(case_bars_figure([study(**changes)]), "HARP")


def test_simulated_studies_say_so():
    one = study(name="SIM 1, 2011-02-15 01:00 TAI", simulated=True)
    figure = case_bars_figure([one, study(0.7)])
    assert title(figure, "SIM 1").startswith("<b>SIM 1, 2011-02-15 01:00 TAI, simulated</b>")
    # Of simulated regions no CME is linked anywhere.
    assert title(figure, "SIM 1").endswith("eruptive (X2.2)")
    assert "simulated" not in title(figure, "HARP 377")


def test_markup_in_a_name_is_text():
    figure = case_bars_figure([study(name="<b>x</b> & %{x}, 2011-02-15 01:00 TAI")])
    assert "<b>&lt;b&gt;x&lt;/b&gt; &amp; %{x}, 2011-02-15" in title(figure, "TAI")
    (trace,) = bars(figure)
    assert trace.name.startswith("&lt;b&gt;x")
    assert "x&lt;" not in trace.hovertemplate
    assert "<b>x" not in figure.to_json().replace("\\u003c", "<")


def test_lines_of_titles_fit_above_a_narrow_panel():
    name = " · ".join(f"AR {number}" for number in range(11158, 11170))
    figure = case_bars_figure([study(name=f"{name}, 2011-02-15 01:00 TAI")])
    first, *lines = title(figure, "AR 11158").removeprefix("<b>").split("<br>")
    assert len(first.removesuffix("</b>")) <= 42
    assert first.endswith("…</b>")
    assert lines[0] == "2011-02-15 01:00 TAI"
    assert max(map(len, lines)) <= 48
    # The whole name is in the hover.
    assert "AR 11169" in bars(figure)[0].customdata[0][2]


def test_titles_stand_above_their_panels_and_below_the_row_above():
    figure = case_bars_figure([study(0.9), study(0.8), study(None), study(0.1)])
    inside = figure.layout.height - figure.layout.margin.t - figure.layout.margin.b
    panels = [axes(figure, trace)[1].domain for trace in bars(figure)]
    for note in figure.layout.annotations:
        if "HARP" not in note.text:
            continue
        low = note.y * inside + note.yshift
        high = low + 16 * len(note.text.split("<br>"))
        assert not any(
            bottom * inside - 20 < high and low < top * inside for bottom, top in panels
        ), note.text


def test_margins_are_fixed_whatever_the_labels():
    figure = case_bars_figure([study(), study(0.1)])
    assert figure.layout.margin.autoexpand is False
    assert not any(axis.automargin for trace in bars(figure) for axis in axes(figure, trace))


def test_bad_requests():
    with pytest.raises(ValueError, match="no case"):
        case_bars_figure([])
    with pytest.raises(ValueError, match="'net'"):
        case_bars_figure([study()], flux="net")


def test_a_real_study_of_a_simulated_region_is_drawn():
    source = open_source("sim:")
    region = source.regions()[0]
    hour = str((region.first + TimeDelta(12 * 3600, format="sec")).isot)[:16]
    found = case_study(source, Case("sim:", region.id, hour))
    figure = case_bars_figure([found])
    expected = found.history["pil_unsigned_flux_mx"]
    exponent = np.floor(np.log10(expected.max()))
    assert bars(figure)[0].y == pytest.approx(expected / 10**exponent)
    assert region.id in title(figure, "TAI")

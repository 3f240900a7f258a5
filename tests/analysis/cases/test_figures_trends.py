"""Figures of trends, surveys and the validation: what is drawn where, from known answers."""

import dataclasses

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from astropy.io.fits import Header
from astropy.time import Time, TimeDelta

from analysis.cases.figures_trends import slope_forest_figure, trend_history_figure
from analysis.figures import style
from analysis.figures.style import hours_axis, largest_exponent, number, power
from analysis.physics.trends import Systematics, systematics
from analysis.physics.window_fluxes import MASKS
from analysis.surveys.compare import QUANTITIES, compare_columns
from analysis.surveys.figures_slopes import effect_sizes_figure, slope_distributions_figure
from analysis.surveys.figures_validation import measured_against_true_figure, trust_figure
from analysis.surveys.validation import TRUSTED_CORRELATION, validate
from tests.support.drawn_regions import boundary, drawn_magnetogram

COLUMN = "moving_unsigned_slope_percent_per_h"
START = Time("2011-02-13T05:00:00", scale="tai")


def drawn(factors: np.ndarray, sides: str = "both", shapes: bool = False) -> Systematics:
    """Systematics of hourly frames of one field times a factor each.

    With `shapes` the patches grow, and without coordinates.
    """
    frames = []
    for k, factor in enumerate(factors):
        field = boundary(80 + (shapes and k), 120, 500.0) * np.float32(factor)
        if sides == "positive":
            field = np.abs(field)
        time = START + TimeDelta(k * 3600, format="sec")
        bare = {"header": Header()} if shapes else {}
        frames.append(drawn_magnetogram(field, t_rec=time, interpolated=k == 4, **bare))
    return systematics(frames)


@pytest.fixture(scope="module")
def falling() -> Systematics:
    """Field that falls by 4 % of the first hour's each hour; 0.82 of it in the middle."""
    return drawn(1 - 0.04 * np.arange(10))


def trace(figure: go.Figure, name: str) -> go.Scatter:
    found = [trace for trace in figure.data if trace.name == name]
    assert len(found) == 1, [trace.name for trace in figure.data]
    return found[0]


def texts(figure: go.Figure) -> list[str]:
    return [annotation.text for annotation in figure.layout.annotations]


# Axes


def test_powers_of_ten():
    assert power(-21) == "10⁻²¹"
    assert largest_exponent([np.nan, -3e20, 9e19]) == 20
    assert largest_exponent([0.0, np.nan]) == 21
    assert largest_exponent([], default=19) == 19
    assert hours_axis(3)["ticktext"] == ["t−2", "t−1", "t"]


def test_numbers_have_a_real_minus_and_powers_of_ten():
    assert number(-0.000012) == "−1.2 × 10⁻⁵"
    assert number(2.5e20, "+.2g") == "+2.5 × 10²⁰"
    assert number(-3.14159, ".2f") == "−3.14"
    assert number(0.25, ".2g") == "0.25"


def test_marks_take_the_colour_of_the_text_from_the_theme(falling):
    """What has no colour of its own is legible on either page."""
    figure = slope_forest_figure(falling)
    (zero,) = figure.layout.shapes
    assert zero.line.color is None
    colours = set()
    for dark in (False, True):
        theme = style.put_on(figure, dark=dark).layout.template
        text = theme.layout.font.color
        assert theme.layout.shapedefaults.line.color == text
        assert theme.data.scatter[0].marker.line.color == text
        assert theme.data.bar[0].error_y.color == text
        colours.add(text)
    assert len(colours) == 2


# History


def test_points_and_lines_of_a_field_that_falls_evenly(falling):
    figure = trend_history_figure(falling)
    flux = falling.fluxes.unsigned[:, 0, 0, 0]
    exponent = int(np.floor(np.log10(flux.max())))
    points = trace(figure, "Φ")
    assert list(points.x) == list(range(-9, 1))
    assert points.y == pytest.approx(flux / 10**exponent)
    # A straight history is its own Theil–Sen line.
    assert trace(figure, "Φ line").y == pytest.approx(flux / 10**exponent, rel=1e-6)
    for name, part in (("Φ+", "positive"), ("Φ−", "negative")):
        values = getattr(falling.fluxes, part)[:, 0, 0, 0]
        assert trace(figure, name).y == pytest.approx(values / 10**exponent)
    assert points.error_y.array == pytest.approx(falling.fluxes.error[:, 0, 0, 0] / 10**exponent)
    assert figure.layout.yaxis.title.text == f"PIL flux ({power(exponent)} Mx)"
    assert "Mx/h" in points.hovertemplate
    assert "% per hour" in points.hovertemplate
    assert [k for k, symbol in enumerate(points.marker.symbol) if symbol == "circle-open"] == [4]


def test_bands_of_slope_and_of_systematics():
    rng = np.random.default_rng(2)
    found = drawn(1 - 0.04 * np.arange(10) + 0.05 * rng.normal(size=10))
    figure = trend_history_figure(found, mask="union")
    scale = 10.0 ** largest_exponent(found.fluxes.unsigned[:, 1].ravel())
    every = found.fluxes.unsigned[:, 1].reshape(10, -1) / scale
    area = trace(figure, "systematics")
    assert area.y[:10] == pytest.approx(every.max(axis=1))
    assert area.y[10:] == pytest.approx(every.min(axis=1)[::-1])
    low, high = found.trend("union").interval.to_value("Mx/h") / scale
    band = trace(figure, "95 %")
    # Its edges cross at the median hour, −4.5, and open by the interval's width an hour.
    assert np.subtract(band.y[:10], band.y[10:][::-1]) == pytest.approx(
        (high - low) * np.abs(np.arange(-9, 1) + 4.5)
    )


def test_the_patch_is_called_total_and_a_mask_must_be_known(falling):
    assert trend_history_figure(falling, mask="patch").layout.yaxis.title.text.startswith(
        "total flux"
    )
    with pytest.raises(ValueError, match="'hull'"):
        trend_history_figure(falling, mask="hull")


def test_a_mask_that_cannot_be_fixed_says_so():
    figure = trend_history_figure(drawn(np.ones(10), shapes=True), mask="union")
    assert any("fixed: union: not known" in text for text in texts(figure))
    assert "Φ" not in [one.name for one in figure.data]


def test_one_polarity_is_a_flux_of_0_without_a_slope_in_percent():
    found = drawn(np.ones(10), sides="positive")
    figure = trend_history_figure(found)
    assert list(trace(figure, "Φ").y) == [0.0] * 10
    figure = trend_history_figure(found, mask="patch")
    assert trace(figure, "Φ−").y == pytest.approx(np.zeros(10))
    forest = slope_forest_figure(found)
    # Nine of the PIL masks, and Φ− of the patch.
    assert texts(forest).count("no slope known") == 10
    assert len(trace(forest, "Φ").x) == 1


def test_too_few_hours_are_points_without_lines():
    figure = trend_history_figure(drawn(np.ones(2)))
    assert list(trace(figure, "Φ").x) == [-1, 0]
    assert "Φ line" not in [one.name for one in figure.data]
    assert texts(slope_forest_figure(drawn(np.ones(2)))).count("no slope known") == 12


def test_simulated_is_written_in_the_figure(falling):
    simulated = dataclasses.replace(falling, simulated=True)
    for figure in (trend_history_figure(simulated), slope_forest_figure(simulated)):
        style.put_on(figure, simulated=True)
        assert texts(figure).count("simulated data") == 1
    assert "simulated data" not in texts(trend_history_figure(falling))


# Forest


def test_slopes_of_all_masks_and_polarities_with_their_intervals(falling):
    figure = slope_forest_figure(falling)
    for name, flux in (("Φ", "unsigned"), ("Φ+", "positive"), ("Φ−", "negative")):
        drawn_slopes = trace(figure, name)
        trends = [falling.trend(mask, flux) for mask in MASKS]
        assert drawn_slopes.x == pytest.approx([one.percent for one in trends])
        high = [one.percent_interval[1] - one.percent for one in trends]
        low = [one.percent - one.percent_interval[0] for one in trends]
        assert drawn_slopes.error_x.array == pytest.approx(high)
        assert drawn_slopes.error_x.arrayminus == pytest.approx(low)
    # 4 % of the first hour's is 4.88 % of the median, 0.82 of it.
    assert trace(figure, "Φ").x == pytest.approx([-4 / 0.82] * 4, rel=1e-3)
    assert set(trace(figure, "Φ").marker.symbol) == {"circle"}
    headings = ["moving RoPI", "fixed: union", "fixed: last frame", "whole patch"]
    assert [text for text in texts(figure) if text in headings] == headings
    assert "falls" in figure.layout.xaxis.title.text
    assert figure.layout.xaxis.title.text.index("falls") < figure.layout.xaxis.title.text.index(
        "rises"
    )


def test_rows_descend_in_the_order_of_masks(falling):
    figure = slope_forest_figure(falling)
    rows = [[trace(figure, name).y[m] for name in ("Φ", "Φ+", "Φ−")] for m in range(len(MASKS))]
    places = [place for row in rows for place in row]
    assert places == sorted(places, reverse=True)
    assert list(figure.layout.yaxis.tickvals) == places
    low, high = figure.layout.yaxis.range
    assert low < min(places)
    assert high > max(places)


def test_ranges_are_those_over_thresholds_and_mu(falling):
    ranges = trace(slope_forest_figure(falling), "systematics")
    percents = [
        one.percent for (mask, flux, *_), one in falling.trends.items()
        if (mask, flux) == ("union", "positive")
    ]  # fmt: skip
    row = MASKS.index("union") * 3 + 1
    assert ranges.x[3 * row : 3 * row + 2] == pytest.approx((min(percents), max(percents)))


def test_a_flat_history_is_an_open_mark():
    rng = np.random.default_rng(0)
    figure = slope_forest_figure(drawn(1 + 0.05 * rng.normal(size=10)))
    assert trace(figure, "Φ").marker.symbol[0] == "circle-open"


# Survey


def survey_table() -> pd.DataFrame:
    """Two windows of each of four regions: means −4, −2 (eruptive) and 0, 2 (confined)."""
    rows = [
        {"region": f"SIM {k}", "outcome": outcome, **dict.fromkeys(QUANTITIES, mean + shift)}
        for k, (outcome, mean) in enumerate(
            [("eruptive", -4.0), ("eruptive", -2.0), ("confined", 0.0), ("confined", 2.0)]
        )
        for shift in (-1.0, 1.0)
    ]
    return pd.DataFrame(rows)


def test_every_compared_column_has_a_title_with_a_unit():
    for column in QUANTITIES:
        assert ("%/h" if "percent" in column else "Mx/h") in QUANTITIES[column]


def test_windows_regions_and_their_median():
    figure = slope_distributions_figure(survey_table(), COLUMN)
    violins = {one.name: one for one in figure.data if one.type == "violin"}
    assert sorted(violins["eruptive"].y) == [-5.0, -3.0, -3.0, -1.0]
    assert list(violins) == ["eruptive", "confined"]
    assert violins["confined"].line.color == style.CONFINED
    assert sorted(trace(figure, "eruptive, regions").y) == [-4.0, -2.0]
    medians = [one.y[0] for one in figure.data if one.name == "median of regions"]
    assert medians == [-3.0, 1.0]
    assert figure.layout.xaxis.ticktext == (
        "eruptive<br>4 windows<br>2 regions",
        "confined<br>4 windows<br>2 regions",
    )
    assert figure.layout.yaxis.title.text == "slope (% per hour)"
    assert "PIL flux slope, moving RoPI" in texts(figure)


def test_windows_without_a_number_are_left_out():
    table = survey_table()
    table.loc[0, COLUMN] = np.nan
    table.loc[2:3, "outcome"] = "unknown"
    # One simulated region in a folder of real ones is enough for the note.
    figure = slope_distributions_figure(table.assign(simulated=table.index == 1), COLUMN)
    assert figure.layout.xaxis.ticktext == (
        "eruptive<br>1 window<br>1 region",
        "confined<br>4 windows<br>2 regions",
        "unknown<br>2 windows<br>1 region",
    )
    assert "simulated data" in texts(figure)
    figure = slope_distributions_figure(table.assign(**{COLUMN: np.nan}), COLUMN)
    assert "no window with a slope" in texts(figure)


def test_rates_are_in_a_power_of_ten_and_names_are_text():
    column = "patch_unsigned_slope_mx_per_h"
    table = survey_table().assign(region=lambda rows: "<i>" + rows["region"])
    table[column] *= 1e19
    figure = slope_distributions_figure(table, column)
    assert figure.layout.yaxis.title.text == "slope (10¹⁹ Mx/h)"
    regions = trace(figure, "eruptive, regions")
    assert regions.y == pytest.approx([-4.0, -2.0])
    assert regions.customdata[0][0] == "&lt;i&gt;SIM 0"
    with pytest.raises(ValueError, match="unknown column 'harp'"):
        slope_distributions_figure(table, "harp")


def test_effect_sizes_with_intervals_and_q():
    compared = compare_columns(survey_table(), draws=200)
    compared.loc[0, "q"] = 0.01
    figure = effect_sizes_figure(compared)
    (drawn_sizes,) = figure.data
    # Every eruptive region lies below every confined one.
    assert list(drawn_sizes.x) == [-1.0] * 6
    ends = [pair[1] + 1.0 for pair in compared["cliffs_interval"]]
    assert drawn_sizes.error_x.array == pytest.approx(ends)
    assert list(drawn_sizes.y) == sorted(drawn_sizes.y, reverse=True)
    assert tuple(drawn_sizes.marker.symbol) == ("circle", *["circle-open"] * 5)
    assert "q = 0.01" in drawn_sizes.text[0]
    assert list(QUANTITIES.values()) == texts(figure)[:6]


# Validation


def validation_rows(gain: float = 0.5, offset: float = 1e18, longitude: float = 60.0):
    """As `validation_table`, with measured = gain × truth + offset."""
    rng = np.random.default_rng(0)
    truth = rng.uniform(0, 6e19, 100)
    first = pd.DataFrame(
        {
            "region": np.repeat([f"SIM {k}" for k in range(20)], 5),
            "threshold_g": 0.0,
            "longitude_deg": rng.uniform(0, longitude, 100) * rng.choice([-1, 1], 100),
            "true_rate_mx_per_h": truth,
            "moving_unsigned_slope_mx_per_h": -(gain * truth + offset),
        }
    )
    noise = first.assign(threshold_g=50.0)
    noise["moving_unsigned_slope_mx_per_h"] = rng.normal(0, 1e19, 100)
    return pd.concat([first, noise], ignore_index=True)


def test_windows_lie_where_they_were_measured_coloured_by_longitude():
    table = validation_rows()
    figure = measured_against_true_figure(table, validate(table))
    first = table[table["threshold_g"] == 0]
    for low in (0, 15, 30, 45):
        points = trace(figure, f"{low}–{low + 15}°")
        rows = first[first["longitude_deg"].abs().between(low, low + 15, inclusive="left")]
        assert points.x == pytest.approx(rows["true_rate_mx_per_h"] / 1e19)
        assert points.y == pytest.approx(-rows["moving_unsigned_slope_mx_per_h"] / 1e19)
    # Each takes the next colour of the theme, legible on the page.
    assert [one.name for one in figure.data][:4] == [
        f"{low}–{low + 15}°" for low in (0, 15, 30, 45)
    ]
    for dark in (False, True):
        themed = style.put_on(figure, dark=dark)
        assert len(set(themed.layout.template.layout.colorway)) == 4
    assert all(one.marker.color is None for one in figure.data[:4])
    faithful, fitted = trace(figure, "faithful"), trace(figure, "least squares")
    assert list(faithful.x) == list(faithful.y)
    assert fitted.y == pytest.approx(0.1 + 0.5 * np.array(fitted.x))
    (numbers,) = [text for text in texts(figure) if "gain" in text]
    assert "r = 1.00" in numbers
    assert "gain 0.50" in numbers
    assert "100 windows, 20 simulated regions" in numbers
    assert "bias −" in numbers
    assert figure.layout.xaxis.title.text == "true cancellation (10¹⁹ Mx/h)"


def test_windows_beyond_the_bins_and_without_numbers():
    table = validation_rows(longitude=90.0)
    table.loc[0, "true_rate_mx_per_h"] = np.nan
    figure = measured_against_true_figure(table, validate(table))
    beyond = (table["longitude_deg"].abs() >= 60) & (table["threshold_g"] == 0)
    assert len(trace(figure, "beyond").x) == int(beyond[1:].sum())


def test_nothing_is_fitted_where_nothing_can_be():
    table = validation_rows().iloc[:2]
    figure = measured_against_true_figure(table, validate(table))
    assert "least squares" not in [one.name for one in figure.data]
    assert any("not known: too few windows" in text for text in texts(figure))
    assert texts(trust_figure(validate(table))).count("too few windows") >= 1


def test_bins_that_are_trusted_are_filled():
    found = validate(validation_rows())
    figure = trust_figure(found)
    trusted, rest = trace(figure, "trusted"), trace(figure, "not trusted")
    # Four bins of longitude and 0 G follow the truth; at 50 G there is noise.
    assert trusted.x == pytest.approx([1.0] * 5)
    assert set(trusted.marker.symbol) == {"circle"}
    assert set(rest.marker.symbol) == {"circle-open"}
    noise = found.by_threshold[50.0]
    assert rest.x == pytest.approx([noise.correlation])
    assert rest.error_x.array == pytest.approx([noise.correlation_high - noise.correlation])
    assert figure.layout.yaxis.ticktext == ("0–15°", "15–30°", "30–45°", "45–60°", "0 G", "50 G")
    (limit,) = [shape for shape in figure.layout.shapes if shape.name == "limit"]
    assert limit.x0 == limit.x1 == TRUSTED_CORRELATION
    assert figure.layout.xaxis.range[0] < noise.correlation_low


def test_figures_keep_the_margins_of_pages(falling):
    table = validation_rows()
    found = validate(table)
    for figure in (
        trend_history_figure(falling),
        slope_forest_figure(falling),
        slope_distributions_figure(survey_table(), COLUMN),
        effect_sizes_figure(compare_columns(survey_table(), draws=50)),
        measured_against_true_figure(table, found),
        trust_figure(dataclasses.replace(found, by_longitude={})),
    ):
        assert figure.layout.margin.autoexpand is False
        assert not figure.layout.xaxis.automargin
        assert not figure.layout.yaxis.automargin

"""Figures of explanations: what is drawn is what was found, in the right place and colour."""

import base64
import dataclasses
import io
import itertools

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image

from analysis.cases.figures_checks import (
    faithfulness_areas_figure,
    faithfulness_curves_figure,
    randomised_stages_figure,
)
from analysis.cases.figures_maps import hour_scores_figure, overlap_draws_figure
from analysis.cases.figures_tokens import layer_heads_figure, token_norms_figure
from analysis.cases.overlap import Overlap
from analysis.figures import style
from analysis.figures.filmstrip import composite, filmstrip_figure
from analysis.figures.magnetogram import magnetogram_figure
from analysis.figures.overlays import SIGNED_SCALE, heat_limits, heat_rgba, heat_unit
from hnn_core.explanation.faithfulness_result import Comparison, Curve, Faithfulness
from hnn_core.explanation.randomised import RandomisedCheck, Stage
from hnn_core.explanation.service import Explanation
from hnn_core.magnetogram.preprocess import PreprocessConfig, preprocess
from tests.support.drawn_regions import drawn_magnetogram

NAN = float("nan")


def trace(figure: go.Figure, name: str) -> go.Figure:
    return next(trace for trace in figure.data if trace.name == name)


def notes(figure: go.Figure) -> list[str]:
    return [annotation.text for annotation in figure.layout.annotations]


def scored(method: str, hours: object, **changes: object) -> Explanation:
    values: dict[str, object] = {
        "method": method,
        "title": "",
        "signed": True,
        "maps": None,
        "hours": None if hours is None else np.asarray(hours, dtype=np.float32),
        "target": "eruptive",
        "parameters": {},
        "model": "m",
        "sha256": "0",
        "region": "r",
        "t_rec": tuple(f"2011-02-15T{hour:02}:00:00" for hour in range(10)),
        "numbers": {"logit": 1.5, "baseline_logit": -0.25, "residual": 0.003},
    }
    return Explanation(**{**values, **changes})


# Heat maps


def test_limits_are_the_extremes_or_symmetric_about_zero():
    heats = [np.array([[NAN, -1.0]]), np.array([[3.0, 0.5]])]
    assert heat_limits(heats) == (-1.0, 3.0)
    assert heat_limits(heats, signed=True) == (-3.0, 3.0)
    assert heat_limits(heats, (-4.0, 2.0), signed=True) == (-4.0, 4.0)
    assert heat_limits(heats, (0.0, 2.0)) == (0.0, 2.0)


@pytest.mark.parametrize("heats", [[], [np.full((2, 2), NAN)], [np.zeros((2, 2))]])
def test_limits_of_nothing_are_still_a_range(heats):
    assert heat_limits(heats) == (0.0, 1.0)
    assert heat_limits(heats, signed=True) == (-1.0, 1.0)


def test_signed_colours_are_clear_at_zero_and_as_strong_on_either_side():
    values = np.array([-1.0, -0.5, 0.0, 0.5, 1.0, NAN, 9.0])
    rgba = heat_rgba(values, (-1.0, 1.0), signed=True)
    np.testing.assert_allclose(rgba[:, 3], [1.0, 0.7, 0.0, 0.7, 1.0, 0.0, 1.0], atol=1e-12)
    red, green, blue = rgba[0, :3]
    assert blue > red > green  # violet: against
    assert rgba[4, 1] > 2 * max(rgba[4, 0], rgba[4, 2])  # green: for
    np.testing.assert_array_equal(rgba[6], rgba[4])


def test_signed_colours_are_like_no_other_of_the_pictures():
    def rgb(colour: str) -> np.ndarray:
        return np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)])

    ends = 255 * heat_rgba(np.array([-1.0, 1.0]), (-1.0, 1.0), signed=True)[:, :3]
    others = [rgb(c) for c in (style.ERUPTIVE, style.CONFINED, style.PIL, style.ROPI, style.HULL)]
    # A third of the cube's side: no one takes them for another.
    assert min(np.linalg.norm(end - other) for end in ends for other in others) > 85


def test_units_are_shares_for_rollout_and_log_odds_otherwise():
    assert heat_unit("attention rollout") == "share of attention per token"
    assert heat_unit("relevance for eruptive") == heat_unit("occlusion for confined") == "log-odds"


def test_a_magnetogram_names_its_map_and_centres_a_signed_scale():
    mag = drawn_magnetogram()
    _, box = preprocess(mag.field, PreprocessConfig())
    heat = np.zeros((14, 14))
    heat[7, 7], heat[7, 6] = 0.5, -0.125
    look = {"heat": heat, "crop_box": box}
    signed = trace(
        magnetogram_figure(mag, **look, heat_name="relevance for eruptive", signed=True),
        "relevance for eruptive",
    )
    assert (signed.zmin, signed.zmax) == (-0.5, 0.5)
    figure = magnetogram_figure(mag, **look, heat_name="relevance for eruptive", signed=True)
    bar = trace(figure, "relevance for eruptive bar").marker
    assert bar.colorbar.title.text == "relevance (log-odds)<br>for eruptive"
    assert bar.colorscale[len(bar.colorscale) // 2][1] == "rgb(128,128,128)"  # 0 is the grey field
    assert "log-odds" in signed.hovertemplate
    assert "+.3g" in signed.hovertemplate
    assert [list(stop) for stop in signed.colorscale] == [list(s) for s in SIGNED_SCALE]
    plain = trace(magnetogram_figure(mag, **look), "attention rollout")
    assert (plain.zmin, plain.zmax) == (-0.125, 0.5)
    assert "share of attention per token" in plain.hovertemplate


@pytest.mark.parametrize("signed", [False, True])
def test_a_map_of_nothing_but_nan_is_drawn(signed):
    mag = drawn_magnetogram()
    heat = np.full(mag.shape, NAN)
    drawn = trace(magnetogram_figure(mag, heat=heat, signed=signed), "attention rollout")
    assert drawn.zmin < drawn.zmax
    strip = filmstrip_figure([mag], [heat], signed=signed)
    assert strip.layout.images[0].source == filmstrip_figure([mag]).layout.images[0].source


def test_a_filmstrip_has_one_symmetric_scale_for_all_hours():
    mag = drawn_magnetogram(np.zeros((40, 60), dtype=np.float32))
    weak, strong = np.full(mag.shape, 0.25), np.full(mag.shape, -1.0)
    figure = filmstrip_figure([mag, mag], [weak, strong], signed=True, heat_name="occlusion")
    pictures = [
        composite(mag.field, heat, heat_range=(-1.0, 1.0), signed=True) for heat in (weak, strong)
    ]
    alone = composite(mag.field, weak, signed=True)
    assert (pictures[0] != alone).any()
    for layer, picture in zip(figure.layout.images, pictures, strict=True):
        np.testing.assert_allclose(pixels(layer), picture, atol=3)  # WebP rounds colours
    assert trace(figure, "t").text.endswith("occlusion from −1 to −1<br>log-odds")


def pixels(layer: object) -> np.ndarray:
    with Image.open(io.BytesIO(base64.b64decode(layer.source.split(",")[1]))) as picture:
        return np.asarray(picture.convert("RGB"))


# Hours


def test_bars_stand_in_order_of_time_with_both_methods():
    deleted, gradients = np.linspace(-1, 1, 10), np.linspace(2, -2, 10)
    figure = hour_scores_figure(
        [scored("frame-deletion", deleted), scored("integrated-gradients", gradients)]
    )
    assert figure.layout.barmode == "group"
    labels = [*(f"t−{hour}" for hour in range(9, 0, -1)), "t"]
    for name, values, signed in (
        ("frame deletion", deleted, "+1"),
        ("integr. gradients", gradients, "−2"),
    ):
        bars = trace(figure, name)
        assert list(bars.x) == labels
        np.testing.assert_allclose(bars.y, values, rtol=1e-6)
        assert list(bars.customdata[-1]) == [signed, "2011-02-15 09:00 TAI"]
    assert figure.layout.yaxis.title.text == "log-odds of eruptive"
    assert [line.y0 for line in figure.layout.shapes] == [0.0]


def test_residual_and_baseline_are_told_on_hover():
    figure = hour_scores_figure([scored("integrated-gradients", np.zeros(10))])
    hover = figure.data[0].hovertemplate
    assert "residual of the sum +0.003" in hover
    assert "the same where the path starts −0.25" in hover
    without = hour_scores_figure([scored("frame-deletion", np.zeros(10), numbers={"logit": 1.0})])
    assert "residual" not in without.data[0].hovertemplate


@pytest.mark.parametrize(
    "given",
    [
        [],
        [scored("rollout", None)],
        [scored("frame-deletion", np.zeros(10)), scored("integrated-gradients", np.zeros(9))],
        [
            scored("frame-deletion", np.zeros(10)),
            scored("integrated-gradients", np.zeros(10), target="confined"),
        ],
    ],
)
def test_scores_that_do_not_belong_together_are_refused(given):
    with pytest.raises(ValueError, match="same hours"):
        hour_scores_figure(given)


# Faithfulness

FRACTION = np.array([0.0, 0.5, 1.0])


def made_faithfulness(*, scale: float = 1.0) -> Faithfulness:
    """The map falls at once, |B| slowly; twenty random orders lie between 0.30 and 0.68."""
    curves, comparisons = [], []
    for fill, kind in itertools.product(("zero", "blurred"), ("deletion", "insertion")):
        falls = kind == "deletion"
        middle = {"map": 0.1 if falls else 0.9, "field": 0.4, "gradient": 0.6}
        randoms = [0.30 + 0.02 * draw for draw in range(20)]
        ends = (0.8, 0.2) if falls else (0.2, 0.8)
        for order, value in [*middle.items(), *(("random", value) for value in randoms)]:
            values = scale * np.array([ends[0], value, ends[1]])
            curves.append(Curve(order, fill, kind, FRACTION, values))
        areas = {order: scale * (0.25 + 0.5 * value) for order, value in middle.items()}
        random_areas = tuple(scale * (0.25 + 0.5 * value) for value in randoms)
        comparisons.append(
            Comparison(fill, kind, areas["map"], areas["field"], areas["gradient"], random_areas)
        )
    return Faithfulness(tuple(curves), tuple(comparisons), 20, False)


def test_curves_end_where_the_network_is_whole_and_hidden():
    figure = faithfulness_curves_figure(made_faithfulness(), fill="zero", kind="deletion")
    drawn = trace(figure, "map 0.300")  # 0.25 + 0.1 / 2
    np.testing.assert_allclose(drawn.x, [0.0, 0.5, 1.0])
    np.testing.assert_allclose(drawn.y, [0.8, 0.1, 0.2])
    names = {one.name for one in figure.data}
    assert names == {"map 0.300", "|B| 0.450", "gradient 0.550", "random 0.495"}
    assert figure.layout.xaxis.title.text == "share of tokens deleted"
    assert figure.layout.yaxis.title.text == "probability of the class"


def test_the_band_is_that_of_the_random_orders():
    found = made_faithfulness()
    band = trace(faithfulness_curves_figure(found, fill="zero", kind="deletion"), "random 0.495")
    # 2.5 % and 97.5 % of 0.30, 0.32 … 0.68 by linear interpolation.
    np.testing.assert_allclose(band.y, [0.8, 0.6705, 0.2, 0.2, 0.3095, 0.8])
    np.testing.assert_allclose(band.x, [0.0, 0.5, 1.0, 1.0, 0.5, 0.0])


def test_no_curve_reaches_the_legend_and_logits_are_named():
    found = made_faithfulness()
    low, high = faithfulness_curves_figure(found, fill="zero", kind="insertion").layout.yaxis.range
    assert low < 0.2
    assert low + 0.8 * (high - low) > 0.9  # two rows of the legend are a fifth of the height
    logits = faithfulness_curves_figure(
        made_faithfulness(scale=4.0), fill="blurred", kind="insertion"
    )
    assert logits.layout.yaxis.title.text == "log-odds of the class"
    assert logits.layout.xaxis.title.text == "share of tokens inserted"


def test_a_curve_that_was_not_made_is_refused():
    with pytest.raises(ValueError, match="'mean'"):
        faithfulness_curves_figure(made_faithfulness(), fill="mean", kind="deletion")


def test_gains_are_over_the_mean_of_the_random_orders_with_their_interval():
    found = made_faithfulness()
    figure = faithfulness_areas_figure(found)
    drawn = trace(figure, "map, 95 %")
    # Mean random middle 0.49: deletion (0.49 - 0.1) / 2, insertion (0.9 - 0.49) / 2.
    np.testing.assert_allclose(drawn.y, [0.195, 0.205, 0.195, 0.205])
    for index, comparison in enumerate(found.comparisons):
        low, high = comparison.interval
        assert drawn.y[index] + drawn.error_y.array[index] == pytest.approx(high)
        assert drawn.y[index] - drawn.error_y.arrayminus[index] == pytest.approx(low)
    np.testing.assert_allclose(trace(figure, "|B|").y, [0.045, -0.045] * 2)
    np.testing.assert_allclose(trace(figure, "gradient").y, [-0.055, 0.055] * 2)
    assert list(figure.layout.xaxis.ticktext)[1] == "insertion,<br>zero field"


def test_a_map_is_marked_as_better_worse_or_neither():
    found = made_faithfulness()
    worse = dataclasses.replace(found.comparisons[0], area=0.6)
    figure = faithfulness_areas_figure(
        dataclasses.replace(found, comparisons=(worse, *found.comparisons[1:]))
    )
    symbols = trace(figure, "map, 95 %").marker.symbol
    assert list(symbols) == ["x", "diamond", "diamond", "diamond"]
    alike = dataclasses.replace(found.comparisons[0], area=0.49)
    figure = faithfulness_areas_figure(dataclasses.replace(found, comparisons=(alike,)))
    assert list(trace(figure, "map, 95 %").marker.symbol) == ["diamond-open"]


# Random weights


def test_stages_stand_from_the_classifier_down_with_the_limit():
    names = ["classifier", "LSTM", "final norm", *(f"encoder {n}" for n in range(12, 0, -1))]
    stages = tuple(
        Stage(name, 1.0 - 0.1 * index, 0.9 - 0.05 * index)
        for index, name in enumerate([*names, "patch embedding"])
    )
    figure = randomised_stages_figure(RandomisedCheck(stages))
    drawn = trace(figure, "map")
    np.testing.assert_allclose(drawn.y, 1.0 - 0.1 * np.arange(16))
    np.testing.assert_allclose(trace(figure, "its magnitude").y, 0.9 - 0.05 * np.arange(16))
    labels = ["class.", "LSTM", "norm", *(str(n) for n in range(12, 0, -1)), "patch"]
    assert list(figure.layout.xaxis.ticktext) == labels
    assert [line.y0 for line in figure.layout.shapes] == [0.5]
    low, high = figure.layout.yaxis.range
    assert low < -0.5
    assert high > 1.0


def test_the_limit_drawn_is_the_one_of_the_verdict():
    def changes(value: float) -> bool:
        return RandomisedCheck((Stage("whole network", value, value),)).changes

    (line,) = randomised_stages_figure(
        RandomisedCheck((Stage("whole network", 0.1, 0.2),))
    ).layout.shapes
    assert changes(line.y0 - 1e-9)
    assert not changes(line.y0)


def test_a_flat_map_leaves_a_gap():
    figure = randomised_stages_figure(RandomisedCheck((Stage("whole network", NAN, NAN),)))
    assert np.isnan(trace(figure, "map").y).all()
    assert figure.layout.yaxis.range == (-0.1, 1.08)


# Overlap


def found_overlap(token_share: float, draws: np.ndarray, **changes: float) -> Overlap:
    values: dict[str, object] = {
        "share": token_share + 0.01,
        "area": 0.05,
        "expected": float(draws.mean()),
        "draws": draws,
        "token_share": token_share,
    }
    return Overlap(**{**values, **changes})


def test_the_maps_share_stands_among_the_random_ones():
    draws = np.linspace(0.1, 0.3, 999)
    figure = overlap_draws_figure(
        {
            "ropi": found_overlap(0.4, draws),
            "hull": found_overlap(0.2, draws),
            "near": found_overlap(0.05, draws),
        }
    )
    own = trace(figure, "the map")
    assert list(own.x) == [0, 1, 2]
    np.testing.assert_allclose(own.y, [0.4, 0.2, 0.05])
    np.testing.assert_allclose(own.customdata, [[0.41, 0.05], [0.21, 0.05], [0.06, 0.05]])
    violins = [one for one in figure.data if one.type == "violin"]
    assert len(violins) == 3
    for place, violin in enumerate(violins):
        assert set(violin.x) == {place}
        np.testing.assert_allclose(violin.y, draws, rtol=1e-6)
    # None of 999 is as large: p is 1 / 1000. At their middle: (1 + 500) / 1000.
    assert notes(figure)[:3] == [
        "p = 0.001<br>2.00 × expected",
        "p = 0.5<br>1.00 × expected",
        "p = 1<br>0.25 × expected",
    ]
    assert list(figure.layout.xaxis.ticktext) == ["RoPI", "convex hull", "10 Mm of the PIL"]
    assert figure.layout.yaxis.range[1] > 0.4 * 1.2  # room for the text


def test_no_line_and_no_mass_say_so():
    nothing = np.full(1000, NAN)
    figure = overlap_draws_figure(
        {
            "ropi": found_overlap(0.0, np.zeros(1000), area=0.0),
            "near": found_overlap(NAN, nothing, share=NAN),
        }
    )
    assert notes(figure) == ["no PIL", "no mass<br>of the map"]
    assert [one.type for one in figure.data] == ["scatter"]
    assert len(figure.data[0].x) == 0
    with pytest.raises(ValueError, match="no overlap"):
        overlap_draws_figure({})


def test_random_regions_are_in_the_legend_whichever_is_measured():
    """Also where the first region is not there: its violin is not drawn."""
    draws = np.linspace(0.1, 0.3, 999)
    figure = overlap_draws_figure(
        {
            "ropi": found_overlap(NAN, np.full(999, NAN), share=NAN),
            "hull": found_overlap(0.2, draws),
            "near": found_overlap(0.2, draws),
        }
    )
    assert [one.showlegend for one in figure.data if one.type == "violin"] == [True, False]


# Tokens


def test_heads_stand_in_columns_and_encoders_in_rows_with_south_down():
    layers, heads, side = 3, 4, 5
    attention = np.full((layers, heads, side, side), 0.001)
    attention[0, 3, 0, 1] = 0.5  # first encoder, last head, southern row
    attention[2, 0, 4, 4] = 0.25
    figure = layer_heads_figure(attention)
    drawn = figure.data[0]
    pitch = side + 1
    assert drawn.z.shape == (layers * pitch - 1, heads * pitch - 1)
    assert np.isnan(drawn.z[:, side]).all()  # the gap
    # Encoder 1 is on top; its row 0 is at the bottom of its picture.
    assert drawn.z[2 * pitch, 3 * pitch + 1] == pytest.approx(np.log10(0.5))
    assert list(drawn.customdata[2 * pitch, 3 * pitch + 1]) == [1, 4, 0, 1]
    assert drawn.text[2 * pitch][3 * pitch + 1] == "0.5"
    assert drawn.z[4, 4] == pytest.approx(np.log10(0.25))
    assert list(drawn.customdata[4, 4]) == [3, 1, 4, 4]
    assert figure.layout.yaxis.range[0] < figure.layout.yaxis.range[1]
    labels = dict(
        zip(figure.layout.yaxis.ticktext, np.asarray(figure.layout.yaxis.tickvals), strict=True)
    )
    assert labels["1"] > labels["2"] > labels["3"]
    assert list(figure.layout.xaxis.ticktext) == ["1", "2", "3", "4"]


def test_one_colour_scale_spans_three_decades_and_is_labelled():
    attention = np.zeros((2, 2, 3, 3))
    attention[0, 0, 0, 0] = 1.0
    drawn = layer_heads_figure(attention).data[0]
    assert (drawn.zmin, drawn.zmax) == (-3.0, 0.0)
    assert np.nanmin(drawn.z) == pytest.approx(-3.0, abs=1e-6)  # zero has a colour too
    bar = drawn.colorbar
    assert bar.title.text == "share of attention per token"
    said = [float(text) for text in bar.ticktext]
    np.testing.assert_allclose(np.log10(said), bar.tickvals)
    assert {0.001, 0.01, 0.1, 1.0} <= set(said)


@pytest.mark.parametrize("count", [1, 12])
def test_any_number_of_encoders_and_heads_fits(count):
    figure = layer_heads_figure(np.full((count, count, 14, 14), 1 / 197))
    assert len(figure.layout.xaxis.tickvals) == len(figure.layout.yaxis.tickvals) == count
    assert len(figure.to_json()) < 1e6


def test_attention_of_nothing_is_drawn_and_other_shapes_refused():
    assert layer_heads_figure(np.zeros((1, 1, 1, 1))).data[0].zmax == 0.0
    for shape in ((2, 3, 4), (1, 1, 3, 4), (0, 1, 2, 2)):
        with pytest.raises(ValueError, match=r"\(L, heads, g, g\)"):
            layer_heads_figure(np.zeros(shape))


def test_outstanding_tokens_are_outlined_where_they_are():
    norms = np.ones((6, 6))
    flagged = np.zeros((6, 6), dtype=bool)
    flagged[0, 4] = flagged[5, 1] = True
    figure = token_norms_figure(norms, flagged)
    outline = trace(figure, "2 of 36 flagged")
    segments = np.stack([outline.x, outline.y], axis=1).reshape(-1, 3, 2)[:, :2]
    corners = {tuple(corner) for corner in segments.reshape(-1, 2).tolist()}
    south = {(3.5, -0.5), (4.5, -0.5), (3.5, 0.5), (4.5, 0.5)}
    north = {(0.5, 4.5), (1.5, 4.5), (0.5, 5.5), (1.5, 5.5)}
    assert corners == south | north
    low, high = figure.layout.yaxis.range
    assert (low, high) == (-0.5, 5.5)  # row 0 at the bottom
    np.testing.assert_array_equal(trace(figure, "norm").z, norms)


def test_no_token_flagged_is_told_and_shapes_must_agree():
    figure = token_norms_figure(np.ones((4, 4)), np.zeros((4, 4), dtype=bool))
    assert len(trace(figure, "0 of 16 flagged").x) == 0
    with pytest.raises(ValueError, match=r"\(4, 4\) and flags \(3, 3\)"):
        token_norms_figure(np.ones((4, 4)), np.zeros((3, 3), dtype=bool))


# All of them


@pytest.mark.parametrize("dark", [False, True])
def test_every_figure_says_that_data_are_simulated_only_where_they_are(dark):
    draws = np.linspace(0.1, 0.3, 1000)
    for figure in (
        hour_scores_figure([scored("frame-deletion", np.zeros(10))]),
        faithfulness_curves_figure(made_faithfulness(), fill="zero", kind="deletion"),
        faithfulness_areas_figure(made_faithfulness()),
        randomised_stages_figure(RandomisedCheck((Stage("LSTM", 0.1, 0.2),))),
        overlap_draws_figure({"ropi": found_overlap(0.4, draws)}),
        layer_heads_figure(np.ones((1, 1, 2, 2))),
        token_norms_figure(np.ones((2, 2)), np.ones((2, 2), dtype=bool)),
    ):
        assert "simulated data" not in notes(figure)
        style.put_on(figure, dark=dark, simulated=True)
        assert "simulated data" in notes(figure)
        text = figure.layout.template.layout.font.color
        assert (int(text[1:3], 16) > 128) == dark

import base64
import dataclasses
import io
import json

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from astropy.time import Time, TimeDelta
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from analysis.figures import style
from analysis.figures.filmstrip import composite, filmstrip_figure
from analysis.figures.flux import flux_bars_figure, flux_history_figure
from analysis.figures.magnetogram import magnetogram_figure
from analysis.figures.overlays import HEAT_SCALE, channels, line_path, outline_path
from analysis.figures.passage import probability_figure
from analysis.figures.style import put_on, without_tags
from analysis.physics.coordinates import heliographic_to_pixel, pixel_to_heliographic
from analysis.physics.flux import flux_history
from analysis.physics.pil import detect_pils, line_length
from hnn_core.exceptions import MissingKeywordError
from hnn_core.magnetogram.magnetogram import read_fits
from hnn_core.magnetogram.preprocess import CropBox, PreprocessConfig, preprocess, tokens_to_patch
from hnn_core.regions.base import Flare
from tests.support.drawn_regions import boundary, drawn_magnetogram

MERIDIAN = 46.422558  # CRLN_OBS of the drawn header
CENTRE = (34.557, -21.0769)  # its CRVAL


def trace(figure: go.Figure, name: str) -> go.Figure:
    return next(trace for trace in figure.data if trace.name == name)


def names(figure: go.Figure) -> set[str]:
    return {trace.name for trace in figure.data}


def annotations(figure: go.Figure) -> list[str]:
    return [annotation.text for annotation in figure.layout.annotations]


@pytest.fixture(scope="module")
def mag():
    return drawn_magnetogram()


@pytest.fixture(scope="module")
def masks(mag):
    return detect_pils(mag.field)


@pytest.fixture(scope="module")
def passage():
    """Twenty hours of history; the hours 8 and 9 are missing, hour 12 is interpolated."""
    start = Time("2011-02-13T05:00:00", scale="tai")
    frames = [
        drawn_magnetogram(
            boundary(40, 60, 300.0 + 10 * hour),
            t_rec=start + TimeDelta(3600.0 * hour, format="sec"),
            interpolated=hour == 12,
        )
        for hour in range(20)
        if hour not in (8, 9)
    ]
    return flux_history(frames)


FLARES = (
    Flare(Time("2011-02-13T17:38:00", scale="utc"), "M6.6", "confined"),
    Flare(Time("2011-02-15T01:56:00", scale="utc"), "X2.2", "eruptive"),
)


# Coordinates


def oblique_equal_area(x: float, y: float) -> tuple[float, float]:
    """Longitude and latitude at x, y degrees from the patch's centre, by rotation.

    The cylinder touches the great circle through the centre: native latitude asin(y),
    native longitude x, then a rotation about the east–west axis by the centre's latitude.
    """
    phi, theta, delta = np.deg2rad(x), np.arcsin(np.deg2rad(y)), np.deg2rad(CENTRE[1])
    east, north, up = (
        np.cos(theta) * np.sin(phi),
        np.sin(theta),
        np.cos(theta) * np.cos(phi),
    )
    latitude = np.arcsin(north * np.cos(delta) + up * np.sin(delta))
    longitude = np.arctan2(east, up * np.cos(delta) - north * np.sin(delta))
    return np.rad2deg(longitude) + CENTRE[0] - MERIDIAN, np.rad2deg(latitude)


@pytest.mark.parametrize(("column", "row"), [(59.5, 39.5), (0.0, 0.0), (119.0, 79.0), (7.0, 70.0)])
def test_pixels_have_the_position_of_an_oblique_projection(mag, column, row):
    expected = oblique_equal_area(0.03 * (column - 59.5), 0.03 * (row - 39.5))
    found = pixel_to_heliographic(mag, np.array([column]), np.array([row]))
    np.testing.assert_allclose(np.ravel(found), expected, atol=1e-9)


def test_real_latitudes_agree_with_the_header(harp377):
    mag = read_fits(harp377 / "hmi.sharp_cea_720s.377.20110213_050000_TAI.magnetogram.fits")
    middle = np.full(2, (mag.shape[1] - 1) / 2)
    _, latitude = pixel_to_heliographic(mag, middle, np.array([0.0, mag.shape[0] - 1.0]))
    # LATDTMIN and LATDTMAX of the header; a tenth of a pixel.
    np.testing.assert_allclose(latitude, [-26.7276, -15.4262], atol=0.003)


@settings(max_examples=30)
@given(st.floats(-0.5, 119.5), st.floats(-0.5, 79.5))
def test_positions_lead_back_to_pixels(column, row):
    mag = drawn_magnetogram()
    there = pixel_to_heliographic(mag, np.array([column]), np.array([row]))
    np.testing.assert_allclose(
        np.ravel(heliographic_to_pixel(mag, *there)), [column, row], atol=1e-7
    )


def test_longitudes_wrap_at_half_a_turn():
    mag = drawn_magnetogram()
    header = mag.header.copy()
    header["CRLN_OBS"] = 359.0
    header["CRVAL1"] = 1.0
    longitude, _ = pixel_to_heliographic(
        dataclasses.replace(mag, header=header), np.array([59.5]), np.array([39.5])
    )
    np.testing.assert_allclose(longitude, 2.0, atol=1e-9)


@pytest.mark.parametrize("keyword", ["CRLN_OBS", "CTYPE1"])
def test_positions_need_their_keywords(keyword):
    mag = drawn_magnetogram()
    header = mag.header.copy()
    del header[keyword]
    with pytest.raises(MissingKeywordError, match=keyword):
        pixel_to_heliographic(dataclasses.replace(mag, header=header), np.zeros(1), np.zeros(1))


# Masks as lines


def test_line_of_an_l_is_its_two_strokes():
    mask = np.zeros((5, 5), dtype=bool)
    mask[1, 1:4] = True
    mask[1:4, 1] = True
    x, y = line_path(mask)
    segments = {tuple(row) for row in np.stack([x[::3], y[::3], x[1::3], y[1::3]], axis=1)}
    assert segments == {(1, 1, 2, 1), (2, 1, 3, 1), (1, 1, 1, 2), (1, 2, 1, 3)}
    assert np.isnan(x[2::3]).all()


def test_outline_of_one_pixel_is_its_four_edges():
    mask = np.zeros((3, 4), dtype=bool)
    mask[1, 2] = True
    x, y = outline_path(mask)
    segments = {tuple(row) for row in np.stack([x[::3], y[::3], x[1::3], y[1::3]], axis=1)}
    assert segments == {
        (1.5, 0.5, 2.5, 0.5),
        (1.5, 1.5, 2.5, 1.5),
        (1.5, 0.5, 1.5, 1.5),
        (2.5, 0.5, 2.5, 1.5),
    }


def path_length(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.hypot(x[1::3] - x[::3], y[1::3] - y[::3]).sum())


random_masks = arrays(np.bool_, (7, 9))


@given(random_masks)
def test_drawn_line_is_as_long_as_the_line(mask):
    assert path_length(*line_path(mask)) == pytest.approx(line_length(mask), rel=1e-6)


@given(random_masks)
def test_outline_is_as_long_as_the_edges(mask):
    padded = np.pad(mask, 1).astype(int)
    edges = np.abs(np.diff(padded, axis=0)).sum() + np.abs(np.diff(padded, axis=1)).sum()
    assert path_length(*outline_path(mask)) == pytest.approx(edges, rel=1e-6)


# Magnetogram


def test_field_is_drawn_in_gauss_on_equal_axes(mag):
    figure = magnetogram_figure(mag, clip=300.0)
    field = trace(figure, "field")
    np.testing.assert_array_equal(field.z, mag.field)
    assert (field.zmin, field.zmax) == (-300.0, 300.0)
    assert field.colorbar.title.text == "B<sub>LOS</sub> (G)"
    assert (figure.layout.yaxis.scaleanchor, figure.layout.yaxis.scaleratio) == ("x", 1)
    assert figure.layout.xaxis.title.text == "longitude from the central meridian (deg)"
    assert figure.layout.yaxis.title.text == "latitude (deg)"


def test_missing_pixels_stay_missing():
    field = boundary()
    field[:10] = np.nan
    z = trace(magnetogram_figure(drawn_magnetogram(field)), "field").z
    np.testing.assert_array_equal(np.isnan(z), np.isnan(field))


def test_ticks_stand_at_round_positions_of_the_edges(mag):
    figure = magnetogram_figure(mag)
    for axis, edge in (
        (figure.layout.xaxis, lambda at: pixel_to_heliographic(mag, at, 0 * at)[0]),
        (figure.layout.yaxis, lambda at: pixel_to_heliographic(mag, 0 * at, at)[1]),
    ):
        said = [float(text.replace("−", "-").rstrip("°")) for text in axis.ticktext]
        assert len(said) >= 3
        # Interpolation between neighbouring pixels of 0.03°.
        np.testing.assert_allclose(edge(np.asarray(axis.tickvals)), said, atol=1e-5)


def test_position_under_the_pointer_is_right_to_a_fiftieth_of_a_degree(mag):
    position = trace(magnetogram_figure(mag), "position")
    row, column = np.mgrid[:80, :120]
    longitude, latitude = pixel_to_heliographic(mag, column, row)
    told = position.customdata[row // 2, column // 2]
    assert (position.x0, position.dx, position.y0, position.dy) == (0.5, 2, 0.5, 2)
    assert np.abs(told[..., 0] - longitude).max() < 0.02
    assert np.abs(told[..., 1] - latitude).max() < 0.02
    assert "position" not in names(magnetogram_figure(mag, hover_position=False))


def test_a_patch_without_coordinates_is_drawn_on_pixels():
    mag = dataclasses.replace(drawn_magnetogram(), header=type(drawn_magnetogram().header)())
    figure = magnetogram_figure(mag, show={"graticule"})
    assert figure.layout.xaxis.title.text == "column (px)"
    assert names(figure) == {"field"}


def test_tokens_lie_on_the_pixels_the_network_saw(mag):
    _, box = preprocess(mag.field, PreprocessConfig())
    tokens = np.random.default_rng(0).random((14, 14)).astype(np.float32)
    heat = trace(magnetogram_figure(mag, heat=tokens, crop_box=box), "attention rollout")
    patch = tokens_to_patch(tokens, box)
    row, column = np.mgrid[:80, :120]
    drawn = heat.z[
        np.searchsorted(heat.y, row, side="right") - 1,
        np.searchsorted(heat.x, column, side="right") - 1,
    ]
    np.testing.assert_array_equal(drawn, patch)
    assert (heat.x[0], heat.x[-1], heat.y[0], heat.y[-1]) == (-0.5, 119.5, -0.5, 79.5)
    # Cells end between pixels, not on their centres.
    np.testing.assert_array_equal(np.concatenate([heat.x, heat.y]) % 1, 0.5)


def test_with_the_crop_box_the_whole_of_it_is_shown(mag):
    _, box = preprocess(mag.field, PreprocessConfig())
    figure = magnetogram_figure(mag, heat=np.eye(14), crop_box=box, show={"crop"})
    heat = trace(figure, "attention rollout")
    assert heat.z.shape == (14, 14)
    outline = next(t for t in figure.data if t.name.startswith("network"))
    assert outline.line.dash == "dash"
    edges = (box.col0 - 0.5, box.col0 + 447.5, box.row0 - 0.5, box.row0 + 447.5)
    assert (min(outline.x), max(outline.x), min(outline.y), max(outline.y)) == edges
    assert (*figure.layout.xaxis.range, *figure.layout.yaxis.range) == edges


def test_two_colour_bars_do_not_meet(mag):
    heat = np.random.default_rng(0).random(mag.shape)
    figure = magnetogram_figure(mag, heat=heat, heat_opacity=0.3)
    drawn = trace(figure, "attention rollout")
    assert drawn.opacity == 0.3
    assert (drawn.zmin, drawn.zmax) == pytest.approx((heat.min(), heat.max()))
    assert [list(stop) for stop in drawn.colorscale] == [list(stop) for stop in HEAT_SCALE]
    bar = trace(figure, "attention rollout bar").marker
    assert (bar.cmin, bar.cmax) == (drawn.zmin, drawn.zmax)
    assert bar.colorbar.title.text == "attention rollout"
    # As over middle grey: clear at the low end, three tenths of 0.8 of yellow at the high one.
    yellow = np.array(channels(HEAT_SCALE[-1][1])[:3])
    ends = [bar.colorscale[0][1], bar.colorscale[-1][1]]
    share = 0.8 * 0.3
    composed = np.rint(255 * (share * yellow + (1 - share) * 0.5)).astype(int)
    assert ends == ["rgb(128,128,128)", f"rgb({','.join(map(str, composed))})"]
    above = trace(figure, "field").colorbar
    assert above.y - above.len > bar.colorbar.y + bar.colorbar.len


@pytest.mark.parametrize(
    ("show", "expected"),
    [
        (set(), set()),
        ({"pil"}, {"PIL"}),
        ({"ropi", "hull"}, {"RoPI", "convex hull"}),
        ({"graticule"}, {"5° grid"}),
    ],
)
def test_overlays_are_those_asked_for(mag, masks, show, expected):
    figure = magnetogram_figure(mag, masks=masks, show=show)
    legend = {t.name for t in figure.data if t.type == "scatter" and t.showlegend is not False}
    assert legend == expected


def test_pil_is_drawn_where_it_is(mag, masks):
    line = trace(magnetogram_figure(mag, masks=masks), "PIL")
    column = np.flatnonzero(masks.pil.any(axis=0))
    assert set(line.x[np.isfinite(line.x)]) == set(column)
    assert (np.nanmin(line.y), np.nanmax(line.y)) == (2, 77)


def test_graticule_lies_on_multiples_of_five_degrees():
    mag = drawn_magnetogram(boundary(300, 400))
    line = trace(magnetogram_figure(mag, show={"graticule"}), "5° grid")
    there = np.isfinite(line.x)
    assert there.sum() > 100
    longitude, latitude = pixel_to_heliographic(mag, line.x[there], line.y[there])
    off = np.minimum(*(np.abs(at - 5 * np.round(at / 5)) for at in (longitude, latitude)))
    # The path is kept as float32: 1e-5 of a pixel.
    assert off.max() < 1e-5


@pytest.mark.parametrize("dark", [True, False])
def test_text_stands_out_from_the_page(mag, dark):
    figure = put_on(magnetogram_figure(mag), dark=dark)
    theme = figure.layout.template.layout
    for colour in (theme.font.color, theme.hoverlabel.font.color, theme.shapedefaults.line.color):
        assert (int(colour[1:3], 16) > 128) == dark
    assert theme.font.size >= 12
    assert theme.paper_bgcolor == "rgba(0,0,0,0)"
    assert figure.layout.paper_bgcolor is None
    solid = put_on(figure, dark=dark, solid=True).layout.paper_bgcolor
    assert (int(solid[1:3], 16) < 128) == dark


def test_a_theme_put_on_replaces_the_other(mag):
    figure = magnetogram_figure(mag)
    light = figure.layout.template.layout.font.color
    assert put_on(figure, dark=True).layout.template.layout.font.color != light
    assert put_on(figure).layout.template.layout.font.color == light


def test_zoom_is_kept_from_hour_to_hour_and_not_between_regions(mag):
    later = dataclasses.replace(mag, t_rec=mag.t_rec + TimeDelta(3600.0, format="sec"))
    other = dataclasses.replace(mag, harp=378)
    here, there, elsewhere = (magnetogram_figure(m).layout.uirevision for m in (mag, later, other))
    assert here == there != elsewhere


def test_a_real_sized_figure_is_light():
    mag = drawn_magnetogram(np.random.default_rng(0).normal(0, 300, (377, 744)).astype(np.float32))
    _, box = preprocess(mag.field, PreprocessConfig())
    figure = magnetogram_figure(mag, heat=np.eye(14), crop_box=box, show={"pil", "graticule"})
    assert len(figure.to_json()) < 3.0e6


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"clip": 0.0}, "clip"),
        ({"show": {"spot"}}, "spot"),
        ({"heat": np.zeros((14, 14))}, "crop box"),
        ({"heat": np.zeros((3, 5)), "crop_box": CropBox(0, 0, 448, (80, 120))}, "crop box"),
        ({"masks": detect_pils(np.zeros((5, 5)))}, "masks"),
    ],
)
def test_what_does_not_fit_is_refused(mag, changes, said):
    with pytest.raises(ValueError, match=said):
        magnetogram_figure(mag, **changes)


# Filmstrip


def frames(n: int, **changes: object) -> list:
    start = Time("2011-02-13T05:00:00", scale="tai")
    return [
        drawn_magnetogram(t_rec=start + TimeDelta(3600.0 * hour, format="sec"), **changes)
        for hour in range(n)
    ]


def test_filmstrip_names_the_hours():
    hours = frames(10)
    hours[3] = frames(4, interpolated=True)[3]
    figure = filmstrip_figure(hours)
    labels = annotations(figure)
    assert labels[0] == "05:00"
    assert labels[-1] == "<b>14:00</b>"
    assert labels.count("interpolated") == 1
    assert len(figure.layout.images) == 10
    marked = trace(figure, "t−6 h")
    assert (marked.line.dash, marked.line.color) == ("dash", style.INTERPOLATED)
    assert "interpolated" in marked.text
    assert trace(figure, "t").line.width > trace(figure, "t−1 h").line.width


def test_picture_is_the_field_north_up():
    field = np.zeros((40, 60), dtype=np.float32)
    field[:20] = -1000.0  # south
    field[30:, 30:] = np.nan
    picture = composite(field, clip=500.0)
    assert picture.shape == (40, 60, 3)
    assert picture[-1, 0].tolist() == [0, 0, 0]
    assert picture[0, 0].tolist() == picture[0, -1].tolist() == [128, 128, 128]


def test_picture_blends_the_heat_where_there_is_one():
    heat = np.full((40, 60), np.nan)
    heat[:20, :30], heat[:20, 30:] = 0.0, 1.0
    picture = composite(np.zeros((40, 60)), heat, heat_opacity=1.0)
    assert picture[0, 0].tolist() == [128, 128, 128]
    assert picture[-1, 0].tolist() == [128, 128, 128]  # clear at the low end
    assert picture[-1, -1].tolist() == [218, 225, 52]  # four fifths of yellow over grey


def test_pictures_are_small(mag):
    big = drawn_magnetogram(boundary(377, 744))
    figure = filmstrip_figure([big] * 10, [np.ones((377, 744))] * 10)
    source = figure.layout.images[0].source
    with Image.open(io.BytesIO(base64.b64decode(source.split(",")[1]))) as image:
        assert image.width <= 190
    assert len(figure.to_json()) < 4e5


@pytest.mark.parametrize(("n", "changes"), [(0, {}), (2, {"heats": [np.zeros((80, 120))]})])
def test_filmstrip_needs_as_many_of_each(n, changes):
    with pytest.raises(ValueError, match="frames"):
        filmstrip_figure(frames(n), **changes)


# Fluxes


def test_bars_show_the_flux_from_zero(passage):
    ten = passage.iloc[-10:]
    figure = flux_bars_figure(ten, column="total_unsigned_flux_mx", positive=True)
    bars = figure.data[0]
    unit = ten["total_unsigned_flux_mx"].to_numpy() / np.asarray(bars.y)
    np.testing.assert_allclose(unit, 1e20 * np.round(unit[0] / 1e20), rtol=1e-12)
    assert figure.layout.yaxis.title.text == "total unsigned flux (10²¹ Mx)"
    assert figure.layout.yaxis.rangemode == "tozero"
    assert list(bars.x) == ["t−9", "t−8", "t−7", "t−6", "t−5", "t−4", "t−3", "t−2", "t−1", "t"]
    assert list(bars.marker.pattern.shape) == ["", "", "/", *[""] * 7]
    assert bars.marker.pattern.fillmode == "replace"  # the theme's own would fill them
    error = ten["total_flux_error_mx"].iloc[0] / 1e21
    assert float(bars.customdata[0][2]) == pytest.approx(error, rel=0.05)  # two digits
    assert "±: noise only" in bars.hovertemplate  # the threshold matters hundreds of times more


@pytest.mark.parametrize(
    ("positive", "colour", "label"),
    [(True, style.ERUPTIVE, "predicted eruptive"), (False, style.CONFINED, "predicted confined")],
)
def test_bars_are_blue_for_eruptive_and_orange_for_confined(passage, positive, colour, label):
    figure = flux_bars_figure(passage, column="pil_unsigned_flux_mx", positive=positive)
    assert figure.data[0].marker.color == colour
    assert label in names(figure)
    red, blue = int(colour[1:3], 16), int(colour[5:], 16)
    assert (blue > red) == positive


def test_history_breaks_where_hours_are_missing(passage):
    figure = flux_history_figure(passage, columns=["pil_unsigned_flux_mx"])
    line = figure.data[0]
    missing = np.flatnonzero(np.isnan(np.asarray(line.y, dtype=float)))
    assert list(missing) == [8]  # after the hours 0 to 7
    assert len(line.y) == len(passage) + 1
    assert not line.connectgaps


def test_negative_flux_is_drawn_by_its_magnitude(passage):
    figure = flux_history_figure(passage, columns=["positive_flux_mx", "negative_flux_mx"])
    assert names(figure) == {"total positive flux", "total negative flux"}
    assert np.nanmin(figure.data[1].y) > 0
    assert figure.layout.yaxis.title.text.startswith("flux (10")


def test_window_current_hour_and_flares_are_marked_in_tai(passage):
    hours = [Time(stamp.isoformat(), scale="tai") for stamp in passage["t_rec_tai"]]
    figure = flux_history_figure(
        passage, current=hours[15], window=(hours[6], hours[15]), flares=FLARES
    )
    shapes = {shape.name: shape for shape in figure.layout.shapes if shape.name}
    assert shapes["current hour"].x0 == hours[15].isot
    assert (shapes["sequence"].x0, shapes["sequence"].x1) == (hours[6].isot, hours[15].isot)
    # Only the flare within a day of the passage; TAI was 34 s ahead of UTC in 2011.
    assert list(trace(figure, "flare, confined").x) == ["2011-02-13T17:38:34.000"]
    assert list(trace(figure, "flare, confined").text) == ["M6.6"]
    assert trace(figure, "flare, confined").marker.color == style.CONFINED
    later = [Flare(Time("2011-02-18T00:00:00", scale="utc"), "C1.0")]
    assert "flare, CME unknown" not in names(flux_history_figure(passage, flares=later))
    assert figure.layout.xaxis.title.text == "T_REC (TAI)"


def test_axis_of_a_single_hour_is_hours_wide(passage):
    figure = flux_history_figure(passage.iloc[:1])
    first, last = figure.layout.xaxis.autorangeoptions.include
    assert last - first == pd.Timedelta(hours=2)
    assert flux_history_figure(passage).layout.xaxis.autorangeoptions.include is None


@pytest.mark.parametrize("draw", [flux_history_figure, flux_bars_figure])
def test_flux_without_rows_or_of_unknown_columns_is_refused(passage, draw):
    bars = draw is flux_bars_figure

    def drawn(table: pd.DataFrame, column: str) -> go.Figure:
        if bars:
            return draw(table, column=column, positive=True)
        return draw(table, columns=[column])

    with pytest.raises(ValueError, match="harp"):
        drawn(passage, "harp")
    with pytest.raises(ValueError, match="no flux"):
        drawn(passage.iloc[:0], "positive_flux_mx")


def test_flux_of_nothing_is_drawn_at_zero():
    table = flux_history([drawn_magnetogram(np.zeros((20, 20), dtype=np.float32))] * 2)
    figure = flux_bars_figure(table, column="pil_unsigned_flux_mx", positive=False)
    assert list(figure.data[0].y) == [0.0, 0.0]
    assert figure.layout.yaxis.title.text == "PIL unsigned flux (10²¹ Mx)"


# Probability


@pytest.fixture
def predicted():
    times = pd.date_range("2011-02-13T14:00", periods=6, freq="h").delete(3)
    return pd.DataFrame({"t_rec": times, "probability": [0.2, 0.5, 0.9, np.nan, 0.4]})


def test_probability_breaks_and_is_coloured_by_its_decision(predicted):
    figure = probability_figure(predicted, flares=FLARES, current=Time("2011-02-13T15:00:00"))
    line = figure.data[0]
    np.testing.assert_array_equal(line.y, [0.2, 0.5, 0.9, np.nan, np.nan, 0.4])
    assert list(line.marker.color[:3]) == [style.CONFINED, style.ERUPTIVE, style.ERUPTIVE]
    assert not line.connectgaps
    assert tuple(figure.layout.yaxis.range) == (-0.02, 1.02)
    assert figure.layout.yaxis.title.text == "P(eruptive)"
    assert "eruptive from 0.5" in annotations(figure)


def test_probability_threshold_moves_line_and_areas(predicted):
    figure = probability_figure(predicted, threshold=0.3)
    levels = {(shape.y0, shape.y1) for shape in figure.layout.shapes}
    assert {(0.3, 1.0), (0.0, 0.3), (0.3, 0.3)} <= levels


def test_probability_takes_times_and_strings(predicted):
    as_strings = predicted.assign(t_rec=[str(t.isoformat()) for t in predicted["t_rec"]])
    as_times = predicted.assign(
        t_rec=[Time(t.isoformat(), scale="tai") for t in predicted["t_rec"]]
    )
    expected = [str(t) for t in probability_figure(predicted).data[0].x]
    for table in (as_strings, as_times):
        assert [str(t) for t in probability_figure(table).data[0].x] == expected


def test_probability_without_hours_or_sense_is_refused(predicted):
    with pytest.raises(ValueError, match="no hour"):
        probability_figure(predicted.iloc[:0])
    with pytest.raises(ValueError, match="threshold"):
        probability_figure(predicted, threshold=1.5)


# All of them


def all_figures(passage: pd.DataFrame, predicted: pd.DataFrame, simulated: bool) -> list:
    mag = drawn_magnetogram(simulated=simulated)
    return [
        magnetogram_figure(mag),
        filmstrip_figure([mag]),
        flux_bars_figure(passage, column="pil_unsigned_flux_mx", positive=True),
        flux_history_figure(passage),
        probability_figure(predicted),
    ]


@pytest.mark.parametrize("simulated", [True, False])
def test_simulated_data_are_called_so_in_every_figure(passage, predicted, simulated):
    figures = all_figures(passage, predicted, simulated)
    # What is drawn of magnetograms knows by itself.
    assert ["simulated data" in annotations(figure) for figure in figures[:2]] == [simulated] * 2
    for figure in figures:
        put_on(figure, simulated=simulated)
        assert annotations(figure).count("simulated data") == simulated


def test_every_figure_keeps_its_zoom_and_can_be_sent(passage, predicted):
    for figure in all_figures(passage, predicted, False):
        assert figure.layout.uirevision
        assert json.loads(figure.to_json())["layout"]["template"]["layout"]["font"]["size"] >= 12


LINK = "<a href='http://x/y'>z</a> <span style='color:red'> <img src=//x> <svg/onload=1>"


def test_texts_in_a_figure_lead_nowhere_and_its_own_marks_stay():
    figure = style.house_figure(uirevision="")
    figure.add_scatter(
        x=[LINK, "b"],
        y=[1.0, 2.0],
        name=f"<b>run</b> {LINK}",
        text=[LINK, "10<sup>2</sup>"],
        customdata=np.array([[LINK, 1], ["b", 2]], dtype=object),
        hovertemplate=f"%{{text}}<br>{LINK}<extra>{LINK}</extra>",
    )
    figure.update_layout(title_text=LINK, xaxis={"title_text": LINK, "ticktext": [LINK]})
    style.write(figure, f"<span style='font-size:22px'>7</span><br>{LINK}")
    shown = json.dumps(json.loads(style.put_on(figure, dark=True).to_json()))
    assert shown.count("&lt;a href") == 10
    for tag in ("<a", "</a", "<img", "<svg", "<span style='color"):
        assert tag not in shown
    for tag in ("<b>run</b>", "10<sup>2</sup>", "<br>", "<extra>", "<span style='font-size:22px'>"):
        assert tag in shown


def test_a_figure_without_foreign_tags_is_left_alone():
    figure = style.house_figure(uirevision="")
    field = np.zeros((3, 4), np.float32)
    figure.add_heatmap(z=field, name="field", hovertemplate="<b>%{z}</b><extra></extra>")
    before = figure.to_dict()
    assert without_tags(figure) is figure
    assert figure.to_dict() == before

import base64
import gc
import io
import math
import zipfile
from dataclasses import replace
from itertools import pairwise

import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image
from plotly.colors import hex_to_rgb

from analysis.figures import style
from analysis.figures.overlays import heat_rgba
from analysis.physics.pil import PilMasks, detect_pils
from analysis.printed.film import FlareMark, Story, film_sheet, frame_picture
from analysis.printed.film_player import (
    animation_figure,
    animation_gif,
    animation_mp4,
    frames_zip,
    no_mp4,
    one_size,
)
from hnn_core.exceptions import FigureError
from tests.support.drawn_regions import boundary, drawn_magnetogram

pytestmark = pytest.mark.slow

SIZE = (80, 120)  # of the drawn field
GREY, WHITE, BLACK = [128] * 3, [255] * 3, [0] * 3


def pixels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.convert("RGB")).astype(int)


def nothing(shape: tuple[int, int] = SIZE) -> PilMasks:
    """Masks of a field without a line."""
    return detect_pils(np.zeros(shape, dtype=np.float32))


def uniform(colour: str, size: tuple[int, int] = (60, 40)) -> Image.Image:
    return Image.new("RGB", size, colour)


def flat_field(**changes: object) -> object:
    return drawn_magnetogram(np.zeros(SIZE, dtype=np.float32), **changes)


# Pictures


def test_the_field_is_grey_with_north_up():
    field = np.zeros(SIZE, dtype=np.float32)
    field[:40] = -1000.0  # south
    field[40:, 60:] = 1000.0  # northwest
    picture = frame_picture(drawn_magnetogram(field), width=240)
    drawn = pixels(picture)
    assert picture.size == (240, 160)
    assert drawn[10, 10].tolist() == GREY
    assert drawn[10, -10].tolist() == WHITE
    assert drawn[150, 10].tolist() == BLACK


def test_lines_lie_where_the_masks_are():
    mag = drawn_magnetogram(boundary(*SIZE))
    masks = detect_pils(mag.field)
    scale = 6
    drawn = pixels(frame_picture(mag, masks=masks, width=scale * SIZE[1]))
    row, column = (int(at[len(at) // 2]) for at in np.nonzero(masks.pil))
    middle = (scale * (SIZE[0] - 1 - row) + scale // 2, scale * column + scale // 2)
    assert drawn[middle].tolist() == list(hex_to_rgb(style.PIL))
    edge = int(np.flatnonzero(masks.ropi[row])[0])  # the region's first column
    along = drawn[middle[0], scale * edge - 1 : scale * edge + 1]
    assert list(hex_to_rgb(style.ROPI)) in along.tolist()
    assert drawn[middle[0], 30].tolist() == BLACK  # far from both


def test_only_the_lines_asked_for_are_drawn():
    mag = drawn_magnetogram(boundary(*SIZE))
    masks = detect_pils(mag.field)

    def colours(*show: str) -> set[str]:
        drawn = pixels(frame_picture(mag, masks=masks, show=show)).reshape(-1, 3)
        found = {tuple(colour) for colour in drawn}
        names = {"pil": style.PIL, "ropi": style.ROPI, "hull": style.HULL}
        return {name for name, colour in names.items() if hex_to_rgb(colour) in found}

    assert colours() == set()
    assert colours("pil") == {"pil"}
    assert colours("ropi", "hull") == {"ropi", "hull"}


def test_a_field_without_a_line_is_drawn_without_one():
    mag = flat_field()
    assert not nothing().pil.any()
    with_masks = frame_picture(mag, masks=nothing(), show=("pil", "ropi", "hull"))
    assert with_masks.tobytes() == frame_picture(mag).tobytes()


def test_heat_covers_the_field_and_is_clear_where_unknown():
    heat = np.full(SIZE, np.nan)
    heat[:40, :60], heat[:40, 60:] = 0.0, 1.0
    drawn = pixels(frame_picture(flat_field(), heat=heat, heat_opacity=1.0, width=120))
    assert drawn[10, 30].tolist() == GREY
    assert drawn[70, 30].tolist() == GREY  # clear at the low end
    red, green, blue = drawn[70, 90]
    assert min(red, green) > 200 > 100 > blue  # yellow at the high one


def test_a_signed_map_is_clear_at_zero_whatever_its_extremes():
    heat = np.zeros(SIZE)
    heat[:, :40], heat[:, 80:] = 1.0, -0.25
    drawn = pixels(frame_picture(flat_field(), heat=heat, signed=True, heat_opacity=1.0, width=120))
    red, green, blue = drawn[10, 20]
    assert green > 150 > max(red, blue)  # for the class, in full
    assert drawn[10, 60].tolist() == GREY
    red, green, blue = drawn[10, 100]
    assert blue > red > green  # against it, at a quarter of the scale
    assert abs(np.array([red, green, blue]) - 128).max() < 80


def test_a_given_range_makes_hours_comparable():
    heat = np.full(SIZE, 1.0)
    alone = frame_picture(flat_field(), heat=heat, heat_range=(0.0, 2.0), heat_opacity=1.0)
    # The middle of the scale.
    middle = heat_rgba(np.array(0.5), (0.0, 1.0))
    composed = middle[3] * middle[:3] + (1.0 - middle[3]) * 0.5
    np.testing.assert_allclose(pixels(alone)[10, 10], 255 * composed, atol=1)


@pytest.mark.parametrize("signed", [False, True])
def test_a_map_of_nothing_but_nan_leaves_the_field(signed):
    mag = flat_field()
    heat = np.full(SIZE, np.nan)
    assert frame_picture(mag, heat=heat, signed=signed).tobytes() == frame_picture(mag).tobytes()


def test_pixels_off_the_disk_are_drawn_as_no_field():
    field = boundary(*SIZE)
    field[:, 100:] = np.nan
    drawn = pixels(frame_picture(drawn_magnetogram(field), width=120))
    assert drawn[10, 110].tolist() == GREY


# Sheets

STORY = Story(
    "AR 11158 · HARP 377",
    ("2011-02-13T05:00", "2011-02-13T06:00", "2011-02-13T07:00"),
    (0.0, 1.0, 2.0),
    (0.2, math.nan, 0.9),
    (FlareMark(1.5, "M6.6", "unlinked"),),
    "",
    ("pil", "ropi"),
    "attention rollout",
    (0.0, 1.0),
    False,
)


def sheet(at: int = 0, story: Story = STORY, **changes: object) -> np.ndarray:
    mag = drawn_magnetogram(boundary(*SIZE), **changes)
    picture = frame_picture(mag, masks=detect_pils(mag.field), width=600)
    return pixels(film_sheet(mag, picture, story, at))


def has(drawn: np.ndarray, colour: str) -> bool:
    return bool((drawn == hex_to_rgb(colour)).all(axis=-1).any())


def test_a_sheet_holds_the_picture_and_has_room_for_what_explains_it():
    mag = drawn_magnetogram(boundary(*SIZE))
    picture = frame_picture(mag, width=600)
    whole = film_sheet(mag, picture, STORY, 0)
    assert all(side % 2 == 0 for side in whole.size)
    assert whole.width > 700
    found = pixels(whole)
    inside = found[66 : 66 + 300, 74 : 74 + 400]  # without the scale bar and the words on it
    assert (inside == pixels(picture)[:300, :400]).all()


def test_the_pil_and_the_ropi_are_told_apart_in_colour_and_in_the_legend():
    legend = sheet()[40:60]
    assert style.PIL != style.ROPI
    assert has(legend, style.PIL)
    assert has(legend, style.ROPI)
    only = sheet(story=replace(STORY, show=("pil",)))[40:60]
    assert has(only, style.PIL)
    assert not has(only, style.ROPI)


def test_a_ropi_shows_about_its_line():
    mag = drawn_magnetogram(boundary(*SIZE))
    drawn = pixels(frame_picture(mag, masks=detect_pils(mag.field), width=900))
    counts = {
        name: int((drawn == hex_to_rgb(getattr(style, name))).all(axis=-1).sum())
        for name in ("PIL", "ROPI")
    }
    assert min(counts.values()) > 500


def test_a_sheet_marks_flares_and_the_hour():
    colour = style.ASSOCIATIONS["unlinked"][0]
    assert has(sheet(), colour)
    assert not has(sheet(story=replace(STORY, flares=())), colour)
    assert (sheet(0) != sheet(2)).any()
    unknown = replace(STORY, flares=(), flares_words="flares were not looked up")
    assert (sheet(story=unknown) != sheet(story=replace(STORY, flares=()))).any()


def test_simulated_sheets_say_so_and_credit_nobody():
    plain, said = sheet(), sheet(simulated=True)
    assert not has(plain, style.INTERPOLATED)
    assert has(said, style.INTERPOLATED)
    assert (plain[-30:] != said[-30:]).any()


def test_an_hour_without_a_prediction_says_so():
    assert (sheet(1)[:40] != sheet(0)[:40]).any()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"width": 0}, "got 0"),
        ({"show": ("pil", "crop")}, "crop"),
        ({"heat": np.zeros((3, 3))}, r"heat of shape \(3, 3\)"),
        ({"masks": nothing((20, 30))}, r"masks of shape \(20, 30\)"),
    ],
)
def test_what_does_not_fit_is_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        frame_picture(flat_field(), **changes)


# Files


def test_the_film_has_every_hour_for_its_time_and_runs_over():
    colours = ["#ff0000", "#00ff00", "#0000ff"]
    data = animation_gif([uniform(colour) for colour in colours])
    with Image.open(io.BytesIO(data)) as film:
        assert (film.format, film.n_frames, film.info["loop"]) == ("GIF", 3, 0)
        for index, colour in enumerate(colours):
            film.seek(index)
            assert film.info["duration"] == 500
            # Each colour is one of the 256; Pillow finds the nearest to 2 of 255.
            assert np.abs(pixels(film)[20, 30] - hex_to_rgb(colour)).max() <= 2


@pytest.mark.skipif(bool(no_mp4()), reason="ffmpeg does not start here")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_mp4_has_every_hour_in_its_size_and_colours():
    mag = drawn_magnetogram(boundary(*SIZE))
    picture = frame_picture(mag, masks=detect_pils(mag.field), width=600)
    pictures = [film_sheet(mag, picture, STORY, at) for at in range(3)]
    data = animation_mp4(pictures)
    assert data[4:8] == b"ftyp"
    assert data.index(b"moov") < data.index(b"mdat")  # plays before all of it has come
    about = iio.immeta(data, extension=".mp4")
    assert (about["codec"], about["size"], about["fps"]) == ("h264", pictures[0].size, 2.0)
    assert about["pix_fmt"].startswith("yuv420p")
    film = iio.imread(data, extension=".mp4").astype(int)
    assert film.shape == (3, pictures[0].height, pictures[0].width, 3)
    for found, drawn in zip(film, pictures, strict=True):
        # Colour is kept at half the detail, and not exactly.
        assert np.sqrt(np.mean((found - pixels(drawn)) ** 2)) < 6
    assert all((np.abs(one - other) > 40).any() for one, other in pairwise(film))
    pil, ropi = film[0, 50, 88], film[0, 50, 148]  # in the legend
    assert np.abs(pil - hex_to_rgb(style.PIL)).max() < 60
    assert np.abs(pil - ropi).max() > 80
    gc.collect()  # imageio leaves the pipes of its reader to the collector, which warns


def test_a_film_of_odd_sides_is_refused():
    with pytest.raises(ValueError, match="even width"):
        animation_mp4([uniform("#ffffff", (61, 40))])


def test_without_ffmpeg_a_sentence_says_what_to_do(monkeypatch):
    def absent() -> str:
        raise RuntimeError("No ffmpeg exe could be found")

    monkeypatch.setattr("imageio_ffmpeg.get_ffmpeg_exe", absent)
    assert no_mp4().startswith("ffmpeg cannot be started here")
    with pytest.raises(FigureError, match="save the GIF"):
        animation_mp4([uniform("#ffffff")])


def test_lines_keep_their_colours_in_the_film():
    mag = drawn_magnetogram(boundary(*SIZE))
    masks = detect_pils(mag.field)
    rng = np.random.default_rng(0)
    pictures = [frame_picture(mag, masks=masks, heat=rng.random(SIZE)) for _ in range(3)]
    with Image.open(io.BytesIO(animation_gif(pictures))) as film:
        film.seek(2)
        drawn = pixels(film)
    exact = (pixels(pictures[2]) == hex_to_rgb(style.PIL)).all(axis=-1)
    assert exact.sum() > 500
    assert (drawn[exact] == hex_to_rgb(style.PIL)).all()
    # Colours that a 256-colour picture cannot hold are near: 12 of 255 in the mean square.
    assert np.sqrt(np.mean((drawn - pixels(pictures[2])) ** 2)) < 12


def test_the_same_pictures_give_the_same_bytes():
    mag = drawn_magnetogram(boundary(*SIZE))

    def made() -> list[Image.Image]:
        heat = np.random.default_rng(1).random(SIZE)
        return [film_sheet(mag, frame_picture(mag, heat=heat), STORY, at) for at in range(3)]

    names = ["a", "b", "c"]
    assert animation_gif(made()) == animation_gif(made())
    assert frames_zip(made(), names) == frames_zip(made(), names)
    assert animation_figure(made(), names).to_json() == animation_figure(made(), names).to_json()


def test_the_zip_holds_every_picture_by_its_time_in_full_colours():
    pictures = [uniform("#123456"), uniform("#ff4fd8")]
    data = frames_zip(pictures, ["2011-02-15T00:00", "2011-02-15T01:00"])
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["2011-02-15T0000.png", "2011-02-15T0100.png"]
        for name, picture in zip(archive.namelist(), pictures, strict=True):
            with Image.open(io.BytesIO(archive.read(name))) as read:
                assert read.format == "PNG"
                assert read.convert("RGB").tobytes() == picture.tobytes()


def test_patches_of_slightly_different_size_make_one_film():
    small, large = uniform("#ffffff", (60, 38)), uniform("#ffffff", (60, 40))
    both = one_size([small, large])
    assert [picture.size for picture in both] == [(60, 40), (60, 40)]
    drawn = pixels(both[0])
    assert drawn[1, 30].tolist() == list(hex_to_rgb("#0e1117"))  # captions stay at the bottom
    assert drawn[-1, 30].tolist() == WHITE
    with Image.open(io.BytesIO(animation_gif([small, large]))) as film:
        assert film.size == (60, 40)


def test_files_of_nothing_are_refused():
    with pytest.raises(ValueError, match="no picture"):
        animation_gif([])
    with pytest.raises(ValueError, match="no picture"):
        animation_figure([], [])
    with pytest.raises(ValueError, match="name each"):
        frames_zip([uniform("#fff")] * 2, ["a:b", "ab"])
    with pytest.raises(ValueError, match="label each"):
        animation_figure([uniform("#fff")], [])


# The figure that plays


def source_of(layer: object) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(layer.source.split(",")[1])))


def test_the_figure_has_a_step_and_a_picture_for_each_hour():
    colours = ["#ff0000", "#00ff00", "#0000ff"]
    labels = ["2011-02-15 00:00", "2011-02-15 01:00", "2011-02-15 02:00"]
    figure = animation_figure([uniform(colour) for colour in colours], labels)
    slider = figure.layout.sliders[0]
    assert [step.label for step in slider.steps] == labels
    assert [step.args[0][0] for step in slider.steps] == [frame.name for frame in figure.frames]
    for frame, colour in zip(figure.frames, colours, strict=True):
        (layer,) = frame.layout.images
        with source_of(layer) as picture:
            # WebP keeps colour at half the detail; a plain picture comes back to 8 of 255.
            assert np.abs(pixels(picture)[20, 30] - hex_to_rgb(colour)).max() <= 8
    assert figure.layout.images[0] == figure.frames[0].layout.images[0]
    play, pause = figure.layout.updatemenus[0].buttons
    assert play.args[1]["frame"] == {"duration": 500, "redraw": True}
    assert list(pause.args[0]) == [None]


def drawn_width(rng: np.random.Generator, scatter: float) -> int:
    """Width of the pictures in a figure of 48 hours of noise; its JSON must not be too large."""
    mag = drawn_magnetogram(rng.normal(0, scatter, (200, 360)).astype(np.float32))
    figure = animation_figure([frame_picture(mag)] * 48, [str(hour) for hour in range(48)])
    assert len(figure.to_json()) < 3.2e6  # a little more than in a page: "/" is escaped here
    assert figure.layout.images[0].sizex == 900
    with source_of(figure.frames[0].layout.images[0]) as packed:
        return packed.width


def test_two_days_of_hours_stay_under_three_megabytes():
    rng = np.random.default_rng(0)
    assert drawn_width(rng, 10.0) == 900  # noise as HMI's
    assert drawn_width(rng, 300.0) == 450  # noise that no real field has

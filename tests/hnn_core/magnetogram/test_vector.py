"""The segments of one record make its field vector, or a sentence that says why not."""

from pathlib import Path

import numpy as np
import pytest

from hnn_core.exceptions import FitsError, UnknownTimeError
from hnn_core.magnetogram.vector import SEGMENTS, read_vector
from hnn_core.sources import open_source
from tests.conftest import real_data
from tests.support.drawn_sharp import draw_fits

STEM = "hmi.sharp_cea_720s.377.20110213_050000_TAI"
ROWS, COLS = 30, 40


def draw_segments(folder: Path, *names: str, stem: str = STEM, **changes: object) -> Path:
    """Draw segments of one record: each component another number of gauss in every pixel."""
    folder.mkdir(exist_ok=True)
    rows, cols = np.mgrid[:ROWS, :COLS].astype(np.float32)
    field = 10.0 * rows - 7.0 * cols
    pixels = {
        "magnetogram": field, "Br": field + 1, "Bt": field + 2, "Bp": field + 3,
        "Br_err": 0 * field + 20, "Bt_err": 0 * field + 40, "Bp_err": 0 * field + 60,
        "conf_disambig": 90 + 0 * field, "bitmap": 34 + 0 * field, "continuum": 5e4 + 0 * field,
    }  # fmt: skip
    for name in names or pixels:
        cards = {"CRPIX1": (COLS + 1) / 2, "CRPIX2": (ROWS + 1) / 2, **changes}
        draw_fits(folder / f"{stem}.{name}.fits", pixels[name], **cards)
    return folder


def test_all_segments_of_a_record_are_read_on_its_pixels(tmp_path: Path) -> None:
    folder = draw_segments(tmp_path / "all")
    by_folder, by_file = read_vector(folder), read_vector(folder / f"{STEM}.Bt.fits")
    for vector in (by_folder, by_file):
        assert vector.missing == ()
        assert vector.shape == (ROWS, COLS)
        assert vector.place.harp == 377
        np.testing.assert_allclose(vector.southward - vector.radial, 1.0, atol=0.11)
        np.testing.assert_allclose(vector.westward - vector.radial, 2.0, atol=0.11)
        assert vector.confidence is not None
        assert vector.confidence.dtype == np.uint8
        assert float(vector.continuum.min()) == 5e4
    with pytest.raises(ValueError, match="read-only"):
        by_file.radial[0, 0] = 1.0


def test_strength_and_inclination_are_those_of_the_components(tmp_path: Path) -> None:
    vector = read_vector(draw_segments(tmp_path / "all"))
    x, y, z = vector.westward, vector.southward, vector.radial
    np.testing.assert_allclose(vector.total**2, x**2 + y**2 + z**2, rtol=1e-5)
    np.testing.assert_allclose(
        np.cos(np.radians(vector.inclination)) * vector.total, np.abs(z), rtol=1e-4, atol=1e-3
    )


def test_segments_that_are_not_there_are_none_and_named(tmp_path: Path) -> None:
    vector = read_vector(draw_segments(tmp_path / "few", "Br", "Bt", "Bp"))
    assert vector.missing == tuple(name for name in SEGMENTS if name not in ("Br", "Bt", "Bp"))
    assert vector.radial_error is None
    assert vector.bitmap is None


def test_rows_from_north_to_south_are_turned_with_all_segments(tmp_path: Path) -> None:
    upright = read_vector(draw_segments(tmp_path / "up"))
    turned = draw_segments(tmp_path / "down", CDELT2=-0.03)
    for path in turned.iterdir():
        draw_fits(path, np.flipud(_pixels(tmp_path / "up" / path.name)), **_middle(CDELT2=-0.03))
    again = read_vector(turned)
    np.testing.assert_array_equal(again.westward, upright.westward)
    np.testing.assert_array_equal(again.bitmap, upright.bitmap)
    assert again.place.header["CDELT2"] == 0.03


@pytest.mark.parametrize(
    ("segment", "cards", "words"),
    [
        ("Bt", {"T_REC": "2011.02.13_06:00:00_TAI"}, "cannot be believed: by its name"),
        ("Bp", {"CRVAL2": -20.0}, "does not lie on the pixels of"),
        ("Bp_err", {"CDELT1": 0.06}, "binned or resampled"),
    ],
)
def test_a_segment_of_another_record_or_place_is_refused(
    tmp_path: Path, segment: str, cards: dict, words: str
) -> None:
    folder = draw_segments(tmp_path / "mixed")
    draw_segments(folder, segment, **cards)
    files = {name: folder / f"{STEM}.{name}.fits" for name in SEGMENTS}
    with pytest.raises(FitsError, match=words):
        read_vector(files)


@pytest.mark.parametrize(
    ("segment", "value", "words"),
    [
        ("Br_err", -3.0, "a value of -3"),
        ("conf_disambig", 100.0, "a value of 100"),
        ("Bt", 20_000.0, "a value of 20000"),
        ("bitmap", 300.0, "a value of 300"),
    ],
)
def test_a_value_that_a_segment_cannot_have_is_refused(
    tmp_path: Path, segment: str, value: float, words: str
) -> None:
    folder = draw_segments(tmp_path / "odd")
    path = folder / f"{STEM}.{segment}.fits"
    pixels = _pixels(path).copy()
    pixels[3, 4] = value
    draw_fits(path, pixels, **_middle())
    with pytest.raises(FitsError, match=words):
        read_vector(folder)


def test_what_is_needed_is_named(tmp_path: Path) -> None:
    with pytest.raises(FitsError, match="has no Bt and no Bp"):
        read_vector(draw_segments(tmp_path / "one", "Br", "magnetogram"))
    (tmp_path / "none").mkdir()
    with pytest.raises(FitsError, match="no segment of a SHARP record"):
        read_vector(tmp_path / "none")
    with pytest.raises(FitsError, match="There is no"):
        read_vector(tmp_path / "nowhere")
    two = draw_segments(tmp_path / "two")
    later = STEM.replace("050000", "060000")
    draw_segments(two, "Br", stem=later, T_REC="2011.02.13_06:00:00_TAI")
    with pytest.raises(FitsError, match="segments of 2 records"):
        read_vector(two)


def test_off_the_disk_is_nan_in_the_field_and_zero_in_masks(tmp_path: Path) -> None:
    folder = draw_segments(tmp_path / "limb")
    for name in ("Br", "Bt", "Bp", "bitmap"):
        path = folder / f"{STEM}.{name}.fits"
        pixels = _pixels(path).copy()
        pixels[:, :5] = np.nan
        draw_fits(path, pixels, **_middle())
    vector = read_vector(folder)
    assert np.isnan(vector.total[:, :5]).all()
    assert np.isfinite(vector.total[:, 5:]).all()
    assert vector.bitmap is not None
    assert (vector.bitmap[:, :5] == 0).all()


def test_a_folder_offers_the_vector_beside_the_magnetogram(tmp_path: Path) -> None:
    folder = draw_segments(tmp_path / "hours")
    later = STEM.replace("050000", "060000")
    for name in ("magnetogram", "Br", "Bt_err"):
        draw_segments(folder, name, stem=later, T_REC="2011.02.13_06:00:00_TAI")
    source = open_source(f"fits:{folder}")
    times = source.times("377")
    assert source.has_vector("377").tolist() == [True, False]
    vector = source.vector("377", times[0])
    assert vector.place.origin == str(folder / f"{STEM}.Br.fits")
    np.testing.assert_allclose(vector.radial - source.frame("377", times[0]).field, 1.0, atol=0.11)
    with pytest.raises(UnknownTimeError, match="no field vector at 2011-02-13T06:00"):
        source.vector("377", times[1])
    skipped = {one.path: one.reason for one in source.skipped()}
    assert set(skipped) == {f"{later}.Br.fits", f"{later}.Bt_err.fits"}
    assert "segment 'Br'" in skipped[f"{later}.Br.fits"]
    assert "without Bt, Bp of its record" in skipped[f"{later}.Br.fits"]


def test_the_vector_of_a_real_record() -> None:
    vector = read_vector(real_data("vector377"))
    assert vector.missing == ()
    assert vector.shape == (377, 744)
    assert vector.place.harp == 377
    assert float(vector.place.t_rec.unix_tai) == 1297735200.0
    assert np.abs(vector.radial).max() == pytest.approx(2636.54, abs=0.01)
    with pytest.raises(FitsError, match="segments of 50 records"):
        read_vector(real_data("harp377"))


def _pixels(path: Path) -> np.ndarray:
    from astropy.io import fits

    with fits.open(path) as file:
        return np.asarray(file[-1].data, dtype=np.float32)


def _middle(**changes: object) -> dict[str, object]:
    return {"CRPIX1": (COLS + 1) / 2, "CRPIX2": (ROWS + 1) / 2, **changes}

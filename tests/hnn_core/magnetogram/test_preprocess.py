import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hnn_core.magnetogram.magnetogram import read_fits
from hnn_core.magnetogram.preprocess import (
    CropBox,
    PreprocessConfig,
    crop_outline,
    preprocess,
    tokens_to_patch,
)

SMALL = PreprocessConfig(crop=32, size=16, clip=2000.0)
GRID = 4  # tokens a side: 4 x 4 pixels of the network's input, 8 x 8 of the patch

shapes = st.tuples(st.integers(1, 75), st.integers(1, 75))


def brute_force(field: np.ndarray, config: PreprocessConfig) -> np.ndarray:
    """docs/method.md, "Frames" word by word, one pixel of the result after the other."""
    rows, cols = field.shape
    row0, col0 = (rows - config.crop) // 2, (cols - config.crop) // 2
    block = config.crop // config.size
    image = np.zeros((config.size, config.size))
    for i in range(config.size):
        for j in range(config.size):
            total = 0.0
            for row in range(row0 + i * block, row0 + (i + 1) * block):
                for col in range(col0 + j * block, col0 + (j + 1) * block):
                    inside = 0 <= row < rows and 0 <= col < cols
                    total += field[row, col] if inside and np.isfinite(field[row, col]) else 0.0
            image[i, j] = np.clip(total / block**2, -config.clip, config.clip) / config.clip
    return image


@settings(max_examples=25)
@given(shape=shapes, crop=st.sampled_from([4, 8, 24]), block=st.sampled_from([1, 2, 4]))
def test_image_is_what_the_words_say(shape, crop, block):
    field = np.random.default_rng(sum(shape)).normal(0, 1500, shape).astype(np.float32)
    field[field > 2500] = np.nan
    config = PreprocessConfig(crop=crop, size=crop // block)
    image, _ = preprocess(field, config)
    assert image.dtype == np.float32
    np.testing.assert_allclose(image, brute_force(field, config), atol=1e-6)  # float32 sums


def test_two_by_two_mean_of_known_pixels():
    field = np.array([[100, 300, 0, 0], [500, 700, 0, 8000]], np.float32)
    image, box = preprocess(field, PreprocessConfig(crop=4, size=2, clip=1000.0))
    # The patch lies on rows 1 and 2 of the square: each block sees one row of it and zeros.
    assert box == CropBox(row0=-1, col0=0, size=4, shape=(2, 4))
    np.testing.assert_allclose(image, [[0.1, 0.0], [0.3, 1.0]], rtol=1e-6)


def test_nan_counts_as_zero_gauss_in_the_mean():
    field = np.array([[400, np.nan], [400, 400]], np.float32)
    image, _ = preprocess(field, PreprocessConfig(crop=2, size=1, clip=1000.0))
    np.testing.assert_allclose(image, [[0.3]], rtol=1e-6)
    assert np.isnan(field[0, 1])


def test_clipping_follows_averaging():
    field = np.array([[5000, -5000], [-5000, -5000]], np.float32)
    image, _ = preprocess(field, PreprocessConfig(crop=2, size=1, clip=2000.0))
    assert image[0, 0] == -1.0  # mean -2500 clipped; clipping first would give -0.5


def test_default_crops_the_real_patch_about_its_centre(harp377):
    field = read_fits(sorted(harp377.glob("*.fits"))[0]).field
    image, box = preprocess(field, PreprocessConfig())
    assert image.shape == (224, 224)
    assert box == CropBox(row0=-36, col0=148, size=448, shape=(377, 744))
    assert crop_outline(box) == (0, 377, 148, 596)
    # Block means keep the sum; nothing in this frame exceeds the clip.
    kept = np.sum(field[:, 148:596], dtype=np.float64)
    np.testing.assert_allclose(image.sum(dtype=np.float64) * 2000 * 4, kept, rtol=1e-4)


def test_field_is_left_unchanged_and_may_be_read_only():
    field = np.full((40, 40), 4000, np.float32)
    field.flags.writeable = False
    preprocess(field, SMALL)
    assert (field == 4000).all()


@settings(max_examples=40)
@given(shape=shapes, row=st.integers(0, GRID - 1), col=st.integers(0, GRID - 1))
def test_a_bright_block_comes_back_to_its_pixels(shape, row, col):
    """Light the pixels of one token, find which token sees them, draw it: the same pixels."""
    _, box = preprocess(np.zeros(shape, np.float32), SMALL)
    side = SMALL.crop // GRID
    lit = np.zeros(shape, bool)
    rows = slice(max(box.row0 + row * side, 0), max(box.row0 + (row + 1) * side, 0))
    cols = slice(max(box.col0 + col * side, 0), max(box.col0 + (col + 1) * side, 0))
    lit[rows, cols] = True
    image, _ = preprocess(np.where(lit, 1000.0, 0.0).astype(np.float32), SMALL)
    tokens = image.reshape(GRID, SMALL.size // GRID, GRID, SMALL.size // GRID).sum(axis=(1, 3))
    drawn = tokens_to_patch(tokens, box)
    np.testing.assert_array_equal(drawn > 0, lit)
    if lit.any():
        assert np.argwhere(tokens > 0).tolist() == [[row, col]]


@given(shape=shapes)
def test_map_is_nan_outside_the_box_only(shape):
    _, box = preprocess(np.zeros(shape, np.float32), SMALL)
    drawn = tokens_to_patch(np.ones((GRID, GRID)), box)
    row_start, row_stop, col_start, col_stop = crop_outline(box)
    assert drawn.shape == shape
    assert drawn.dtype == np.float32
    assert np.isfinite(drawn[row_start:row_stop, col_start:col_stop]).all()
    inside = (row_stop - row_start) * (col_stop - col_start)
    assert np.isnan(drawn).sum() == drawn.size - inside
    assert (row_stop - row_start, col_stop - col_start) == tuple(min(n, 32) for n in shape)


@given(shape=shapes)
def test_the_box_is_centred_to_half_a_pixel(shape):
    _, box = preprocess(np.zeros(shape, np.float32), SMALL)
    for start, n in zip((box.row0, box.col0), shape, strict=True):
        assert (n - 32) / 2 - start in (0.0, 0.5)


@pytest.mark.parametrize("shape", [(3, 3), (4, 3), (4,), (0, 0)])
def test_grids_that_do_not_fit_are_refused(shape):
    with pytest.raises(ValueError, match="does not divide"):
        tokens_to_patch(np.ones(shape), CropBox(0, 0, 32, (40, 40)))


@pytest.mark.parametrize("shape", [(4,), (0, 5), (2, 3, 4)])
def test_fields_that_are_none_are_refused(shape):
    with pytest.raises(ValueError, match="two axes"):
        preprocess(np.zeros(shape, np.float32), SMALL)


@pytest.mark.parametrize(
    "values",
    [
        {"crop": 450},
        {"crop": 0},
        {"size": -224},
        {"size": 224.0},
        {"crop": True, "size": True},
        {"clip": 0.0},
        {"clip": float("nan")},
        {"clip": float("inf")},
        {"clip": "2000"},
    ],
)
def test_impossible_parameters_are_refused(values):
    with pytest.raises(ValueError, match=r"crop|size|clip"):
        PreprocessConfig(**values)


def test_parameters_pass_through_a_plain_dictionary():
    config = PreprocessConfig(crop=128, size=64, clip=1500.0)
    assert config.to_dict() == {"crop": 128, "size": 64, "clip": 1500.0}
    assert PreprocessConfig.from_dict(config.to_dict()) == config
    with pytest.raises(ValueError, match="zoom"):
        PreprocessConfig.from_dict({"crop": 128, "size": 64, "zoom": 2})

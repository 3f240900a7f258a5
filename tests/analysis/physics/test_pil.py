import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from skimage.feature import canny
from skimage.io import imread
from skimage.morphology import convex_hull_image, dilation, footprint_rectangle, thin

from analysis.physics import pil_edges
from analysis.physics.pil import (
    PilMasks,
    PilSettings,
    _hull_mask,
    _thin_pixels,
    detect_pils,
    line_length,
)
from analysis.physics.pil_edges import dilate, facing_edges
from benchmarks.bench_pil import plain_pipeline
from benchmarks.bench_pil import random_field as noisy_field
from hnn_core.magnetogram.magnetogram import read_fits
from tests.conftest import real_data
from tests.support.drawn_regions import boundary


def random_field(seed: int, shape: tuple[int, int] = (60, 90)) -> np.ndarray:
    """Smooth noise of both polarities, float32; several components of every length."""
    rng = np.random.default_rng(seed)
    field = gaussian_filter(rng.normal(size=shape), 5)
    return (300 * field / field.std()).astype(np.float32)


def as_tuple(masks: PilMasks) -> tuple[np.ndarray, ...]:
    return masks.pil, masks.ropi, masks.hull


def same(a: PilMasks, b: PilMasks) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(as_tuple(a), as_tuple(b), strict=True))


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / (a | b).sum())


# Published masks


def published_stamps() -> list[str]:
    """Stamps of the first 19 hours, 05:00 to 23:00."""
    return [f"2011-02-13-{hour:02d}:00:00" for hour in range(5, 24)]


@pytest.mark.parametrize("stamp", published_stamps())
def test_masks_equal_the_published_ones(stamp):
    folder = real_data("harp377")
    compact = stamp.replace("-", "").replace(":", "")
    name = f"hmi.sharp_cea_720s.377.{compact[:8]}_{compact[8:]}_TAI.magnetogram.fits"
    masks = detect_pils(read_fits(folder / name).field)

    def published(kind: str) -> np.ndarray:
        path = folder / "masks" / f"harp377_{stamp}_BLOS_{kind}_FST100G_LT14pix.png"
        return imread(path) == 255

    assert iou(masks.pil, published("PIL")) == 1.0
    assert iou(masks.ropi, published("RoPI")) == 1.0
    # Rasters of one polygon differ by its edge pixels between scikit-image's versions.
    assert iou(masks.hull, published("CHPIL")) >= 0.998


@pytest.mark.parametrize("seed", range(6))
def test_masks_equal_the_plain_pipeline_s_bit_for_bit(seed):
    field = noisy_field(seed, (120, 180))
    found, plain = as_tuple(detect_pils(field)), plain_pipeline(field)
    for ours, theirs in zip(found, plain, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@settings(max_examples=150)
@given(
    seed=st.integers(0, 2**31),
    shape=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    smooth=st.floats(0.0, 6.0),
    rms=st.floats(20.0, 600.0),
    kind=st.sampled_from(["noise", "holes", "one polarity", "steps", "limb", "sparse"]),
    threshold=st.sampled_from([50.0, 100.0, 200.0]),
    buffer=st.integers(1, 8),
    keep=st.sampled_from([0.5, 0.95, 1.0]),
    min_length=st.integers(1, 20),
)
def test_masks_equal_the_plain_pipeline_s_whatever_the_field(
    seed, shape, smooth, rms, kind, threshold, buffer, keep, min_length
):
    rng = np.random.default_rng(seed)
    field = gaussian_filter(rng.normal(size=shape), smooth)
    field *= rms / max(field.std(), 1e-9)
    if kind == "holes":
        field[rng.random(shape) < 0.05] = np.nan
    elif kind == "one polarity":
        field = np.abs(field)
    elif kind == "steps":
        field = np.round(field / 100.0) * 100.0
    elif kind == "limb":
        field[:, : shape[1] // 3] = np.nan
    elif kind == "sparse":
        field = np.where(rng.random(shape) < 0.02, 5.0 * field, 0.0)
    options = {
        "threshold": threshold,
        "buffer": buffer,
        "keep": keep,
        "min_length": min_length,
    }
    field = field.astype(np.float32)
    found = as_tuple(detect_pils(field, **options))
    for ours, theirs in zip(found, plain_pipeline(field, **options), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_noisy_fields_have_lines():
    lines = [detect_pils(noisy_field(seed, (120, 180))).pil.any() for seed in range(6)]
    assert sum(lines) >= 4


# Known answers


def test_straight_boundary_gives_one_straight_line_on_it():
    masks = detect_pils(boundary(80, 120))
    rows, cols = np.nonzero(masks.pil)
    # The boundary lies between columns 59 and 60; the line takes one of them.
    assert set(cols) <= {59, 60}
    assert len(set(cols)) == 1
    # Canny finds no edge in the outermost row, and thinning eats one more at each end.
    np.testing.assert_array_equal(rows, np.arange(2, 78))
    assert line_length(masks.pil) == 75.0


def test_band_lies_about_its_line_and_hull_holds_the_line():
    masks = detect_pils(boundary(80, 120))
    cols = np.unique(np.nonzero(masks.ropi)[1])
    # Two 4-pixel dilations of neighbouring edges share three to five columns.
    assert 3 <= len(cols) <= 5
    assert cols.min() <= 59 <= 60 <= cols.max()
    assert np.all(masks.ropi[masks.pil])
    assert np.all(masks.hull[masks.pil])


def test_hull_spans_separate_lines():
    field = np.zeros((60, 160), dtype=np.float32)
    for left in (10, 110):
        field[10:50, left : left + 20] = 500
        field[10:50, left + 20 : left + 40] = -500
    masks = detect_pils(field)
    assert masks.pil[30, 28:32].any()
    assert masks.pil[30, 128:132].any()
    assert not masks.ropi[30, 80]
    assert masks.hull[30, 80]


@pytest.mark.parametrize(("gap", "found"), [(0, True), (4, True), (8, False)])
def test_polarities_meet_across_a_gap_no_wider_than_the_buffer(gap, found):
    field = boundary(80, 120)
    field[:, 60 - gap // 2 : 60 + gap // 2] = 0.0
    assert detect_pils(field).pil.any() == found


@pytest.mark.parametrize(("threshold", "found"), [(99.0, True), (100.0, True), (100.5, False)])
def test_threshold_includes_its_own_value(threshold, found):
    assert detect_pils(boundary(strength=100.0), threshold=threshold).pil.any() == found


@pytest.mark.parametrize(("min_length", "found"), [(76, True), (77, False)])
def test_lines_shorter_than_the_minimum_are_dropped(min_length, found):
    masks = detect_pils(boundary(80, 120), min_length=min_length)
    assert [mask.any() for mask in as_tuple(masks)] == [found] * 3


def test_components_beyond_the_kept_fraction_are_dropped():
    field = np.zeros((60, 200), dtype=np.float32)
    for left, strength in ((10, 1000.0), (110, 200.0)):
        field[10:50, left : left + 30] = strength
        field[10:50, left + 30 : left + 60] = -strength
    strong_alone = detect_pils(field, keep=0.5)
    both = detect_pils(field, keep=0.95)
    assert not strong_alone.ropi[:, 100:].any()
    assert np.array_equal(strong_alone.pil[:, :100], both.pil[:, :100])
    # The strong line holds 5/6 of the strength, less than 0.95: the weak one follows.
    assert both.ropi[:, 100:].any()


@pytest.mark.parametrize(
    "field",
    [
        np.zeros((30, 40)),
        np.full((30, 40), 500.0),
        np.full((30, 40), np.nan),
        np.full((1, 1), 500.0),
        np.zeros((0, 5)),
    ],
    ids=["no field", "one polarity", "off the disk", "one pixel", "no pixel"],
)
def test_no_line_is_an_answer(field):
    masks = detect_pils(field)
    assert all(mask.shape == field.shape and mask.dtype == bool for mask in as_tuple(masks))
    assert not any(mask.any() for mask in as_tuple(masks))


@pytest.mark.parametrize("hole", [np.nan, np.inf])
def test_missing_pixels_are_in_no_line(hole):
    field = boundary(80, 120)
    field[30:50, 40:80] = hole
    masks = detect_pils(field)
    assert masks.pil.any()
    assert not (masks.pil | masks.ropi)[30:50, 40:80].any()


def test_field_is_not_changed():
    field = boundary()
    before = field.copy()
    detect_pils(field)
    np.testing.assert_array_equal(field, before)


@pytest.mark.parametrize("dtype", [np.float64, np.int16, ">f4"])
def test_number_type_does_not_matter(dtype):
    field = np.rint(random_field(3))
    assert same(detect_pils(field.astype(dtype)), detect_pils(field))


def test_line_length_counts_steps_and_diagonals():
    corner = np.zeros((6, 6), dtype=bool)
    corner[0, :4] = True
    corner[1, 3] = True  # beside a corner: no diagonal from (0, 2)
    corner[2, 4] = True
    assert line_length(corner) == pytest.approx(3 + 1 + np.sqrt(2), rel=1e-12)
    lone = np.zeros((3, 3), dtype=bool)
    lone[1, 1] = True
    assert line_length(lone) == 0.0


# Properties

seeds = st.integers(0, 10_000)


@settings(max_examples=20)
@given(seeds)
def test_polarity_reversal_leaves_the_masks(seed):
    field = random_field(seed)
    assert same(detect_pils(-field), detect_pils(field))


@settings(max_examples=15)
@given(seeds, st.sampled_from([0.5, 2.0, 4.0]))
def test_field_and_threshold_scale_together(seed, factor):
    field = random_field(seed)
    scaled = detect_pils(factor * field, threshold=factor * 100.0)
    assert same(scaled, detect_pils(field))


@settings(max_examples=15)
@given(seeds)
def test_a_margin_without_field_moves_the_masks_with_the_field(seed):
    # A margin of 8 px on both sides keeps Canny's border away from the field.
    field = np.pad(random_field(seed), 8)
    wider = np.pad(field, ((5, 9), (3, 11)))
    found, moved = detect_pils(field), detect_pils(wider)
    rows, cols = field.shape
    for a, b in zip(as_tuple(found), as_tuple(moved), strict=True):
        np.testing.assert_array_equal(b[5 : 5 + rows, 3 : 3 + cols], a)
        assert b.sum() == a.sum()


@settings(max_examples=15)
@given(seeds)
def test_masks_are_nested_and_avoid_missing_pixels(seed):
    field = random_field(seed)
    field[:20, :25] = np.nan
    masks = detect_pils(field)
    assert not np.any(masks.pil & ~masks.ropi)
    assert not np.any(masks.pil & ~masks.hull)
    assert not np.any(masks.ropi & np.isnan(field))


# Faults


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"threshold": 0.0}, "threshold"),
        ({"threshold": -100.0}, "threshold"),
        ({"threshold": np.nan}, "threshold"),
        ({"buffer": 0}, "buffer"),
        ({"buffer": 2.5}, "buffer"),
        ({"keep": 0.0}, "keep"),
        ({"keep": 1.5}, "keep"),
        ({"min_length": 0}, "min_length"),
    ],
)
def test_parameters_outside_their_range_are_refused(changes, said):
    with pytest.raises(ValueError, match=said):
        detect_pils(boundary(), **changes)
    with pytest.raises(ValueError, match=said):
        PilSettings(**changes)


@pytest.mark.parametrize("field", [np.zeros(5), np.zeros((2, 3, 4)), np.zeros((3, 3), complex)])
def test_fields_that_are_no_image_are_refused(field):
    with pytest.raises(ValueError, match="2-D"):
        detect_pils(field)


def test_region_is_chosen_by_name():
    masks = detect_pils(boundary())
    assert masks.region("pil") is masks.pil
    assert masks.region("hull") is masks.hull
    with pytest.raises(ValueError, match="spot"):
        masks.region("spot")
    with pytest.raises(ValueError, match="spot"):
        PilSettings(region="spot")


# Parts of the detector


@settings(max_examples=25)
@given(seeds, st.tuples(st.integers(1, 70), st.integers(1, 70)), st.floats(0.0, 4.0))
def test_facing_edges_are_canny_s_wherever_both_polarities_are_near(seed, shape, smooth):
    field = gaussian_filter(np.random.default_rng(seed).normal(size=shape), smooth)
    positive, negative = field > 0.4 * field.std(), field < -0.4 * field.std()
    found = facing_edges(positive, negative, 2)
    whole = canny(positive, sigma=1.0), canny(negative, sigma=1.0)
    meet = dilate(whole[0], 5) & dilate(whole[1], 5)
    for ours, theirs in zip(found, whole, strict=True):
        assert not np.any(ours & ~theirs)
        np.testing.assert_array_equal((ours & dilate(meet, 5)), theirs & dilate(meet, 5))


def test_a_faint_edge_that_leaves_its_window_is_looked_up_in_the_whole_field(monkeypatch):
    monkeypatch.setattr(pil_edges, "_edges", lambda *_: None)
    positive, negative = (sign * boundary() >= 100.0 for sign in (1, -1))
    found = facing_edges(positive, negative, 2)
    np.testing.assert_array_equal(found[0], canny(positive, sigma=1.0))
    np.testing.assert_array_equal(found[1], canny(negative, sigma=1.0))


@pytest.mark.parametrize(("strong", "known"), [(True, True), (False, False)])
def test_a_faint_edge_at_a_window_s_side_is_known_only_with_a_strong_one(strong, known):
    # A faint step down the middle of a window, with a steep part or without.
    smooth = np.zeros((40, 40))
    smooth[:, 20:] = 0.03  # Sobel's operator makes 0.12 of it: between 0.1 and 0.2
    if strong:
        smooth[18:22, 20:] = 0.08
    zone = np.zeros((40, 40), dtype=np.int8)
    zone[6:-6, 6:-6] = 1
    zone[7:-7, 7:-7] = 2
    edges = pil_edges._edges(smooth, zone)
    assert (edges is not None) == known
    if strong:
        assert edges[6:34].any(axis=1).all()


@settings(max_examples=40)
@given(seeds, st.tuples(st.integers(1, 40), st.integers(1, 40)), st.floats(0.1, 0.95))
def test_thinning_and_hull_are_scikit_image_s(seed, shape, filled):
    mask = gaussian_filter(np.random.default_rng(seed).random(shape), 1.0)
    mask = mask <= np.quantile(mask, filled)
    line = np.zeros(shape, dtype=bool)
    line.ravel()[_thin_pixels(mask)] = True
    np.testing.assert_array_equal(line, thin(mask))
    if line.any():
        np.testing.assert_array_equal(_hull_mask(line), convex_hull_image(line))


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7])
def test_dilation_is_scikit_image_s(size):
    mask = np.random.default_rng(size).random((23, 31)) < 0.03
    np.testing.assert_array_equal(
        dilate(mask, size), dilation(mask, footprint_rectangle((size, size)))
    )

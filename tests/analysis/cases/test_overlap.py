"""Overlap of maps with the PIL: shares known beforehand, and p-values of maps drawn at random."""

import astropy.units as u
import numpy as np
import pytest
from scipy import ndimage, stats

from analysis.cases.overlap import (
    REGION_NAMES,
    Places,
    TokenGrid,
    Tokens,
    combine,
    near_pil,
    overlap,
    overlaps,
    random_shares,
)
from analysis.physics.pil import detect_pils
from hnn_core.magnetogram.preprocess import CropBox, tokens_to_patch
from hnn_core.simulation.population import Population
from hnn_core.simulation.render import render
from tests.support.drawn_regions import PIXEL_AREA, boundary

SHAPE = (448, 448)
GRID = TokenGrid(0, 0)


def quarter() -> dict[str, np.ndarray]:
    """Region of the first 7 × 7 tokens of 14 × 14."""
    region = np.zeros(SHAPE, dtype=bool)
    region[:224, :224] = True
    return {"corner": region}


# Known answers


def test_share_of_a_flat_map_is_the_area_and_nothing_is_special():
    found = overlap(np.ones(SHAPE), np.full(SHAPE, 50.0), quarter(), grid=GRID)["corner"]
    assert found.share == pytest.approx(0.25, rel=1e-12)
    assert found.area == pytest.approx(0.25, rel=1e-12)
    np.testing.assert_allclose(found.draws, 0.25, rtol=1e-12)
    assert found.enrichment == pytest.approx(1.0)


def test_share_counts_pixels_and_leaves_out_what_was_not_seen():
    weights = np.ones(SHAPE)
    weights[:, 224:] = 3.0
    field = np.full(SHAPE, 50.0)
    field[224:] = np.nan
    found = overlap(weights, field, quarter(), grid=GRID)["corner"]
    # Half of the patch is on the disk, and of its mass 1 part in 4 is in the region.
    assert found.share == pytest.approx(0.25)
    assert found.area == pytest.approx(0.5)
    weights[:, :112] = np.nan
    found = overlap(weights, field, quarter(), grid=GRID)["corner"]
    assert found.share == pytest.approx(1 / 7)


def test_a_map_all_in_the_region_beats_all_draws_but_those_that_fell_on_it():
    region = quarter()
    found = overlap(region["corner"].astype(float), np.full(SHAPE, 50.0), region, grid=GRID)
    assert found["corner"].share == 1.0
    assert 1 / 1001 <= found["corner"].p < 0.02
    held = found["corner"].draws
    assert held.max() <= 1.0 + 1e-9
    assert found["corner"].z > 2


def test_random_regions_hold_the_same_area_in_every_stratum_of_field():
    rng = np.random.default_rng(1)
    field = ndimage.gaussian_filter(rng.normal(size=SHAPE), 20) * 1e4
    region = np.zeros(SHAPE, dtype=bool)
    region[100:260, 150:300] = True
    seen = np.ones(SHAPE, dtype=bool)
    areas = Tokens.of(np.ones(SHAPE), np.abs(field), seen, GRID)
    covered = areas.covered(region)
    places = Places.drawn(200, rng)
    np.testing.assert_allclose(random_shares(areas, covered, places), region.sum(), rtol=1e-12)
    # Of a map that is 1 in one stratum of tokens only, every draw holds the region's part.
    order = np.argsort(areas.level)
    stratum = np.array_split(order, order.size // 8)[-2]
    marked = Tokens(
        GRID, areas.at, areas.shape, np.isin(np.arange(196), stratum) * 1.0, areas.level
    )
    np.testing.assert_allclose(
        random_shares(marked, covered, places), covered[stratum].sum(), rtol=1e-12
    )


def test_a_map_that_follows_the_field_only_is_not_enriched():
    region = Population(3).region(2)
    mag = render(region, 30)
    masks = detect_pils(mag.field)
    map_ = on_patch(token_means(np.abs(mag.field)), mag.shape)
    found = overlaps(map_, mag.field, masks, mag.pixel_area)
    assert found["ropi"].share > 2 * found["ropi"].area  # the PIL lies in strong fields
    assert found["ropi"].p > 0.05
    assert found["ropi"].enrichment < 1.2


@pytest.mark.parametrize(("distance", "pixels"), [(0.9, 2), (1.0, 3), (9.99, 31), (20.0, 63)])
def test_near_the_pil_is_a_distance_on_the_sun(distance, pixels):
    pil = np.zeros((201, 201), dtype=bool)
    pil[100, 100] = True
    # √(1e15 cm²) = 0.3162 Mm a pixel.
    near = near_pil(pil, PIXEL_AREA, distance * u.Mm)
    assert near[100, 100 : 100 + pixels + 1].all()
    assert not near[100, 100 + pixels + 1]
    assert not near_pil(pil & False, PIXEL_AREA).any()


def test_drawn_places_are_the_same_for_one_seed_only():
    field = boundary(448, 448)
    masks = detect_pils(field)
    rng = np.random.default_rng(0)
    map_ = on_patch(rng.random((14, 14)), SHAPE)
    first, again, other = (
        overlaps(map_, field, masks, PIXEL_AREA, seed=seed)["ropi"].draws for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_combining_means_draw_by_draw():
    region = quarter()
    rng = np.random.default_rng(0)
    field = np.full(SHAPE, 50.0)
    parts = [
        overlap(on_patch(rng.random((14, 14)), SHAPE), field, region, seed=5)["corner"]
        for _ in range(3)
    ]
    one = combine(parts)
    np.testing.assert_allclose(one.draws, np.mean([part.draws for part in parts], axis=0))
    assert one.share == pytest.approx(np.mean([part.share for part in parts]))
    assert one.n_frames == 3
    # The same frame ten times is no better a proof than once.
    assert combine(parts[:1] * 10).p == parts[0].p


# How often chance is called attention


def token_means(image: np.ndarray) -> np.ndarray:
    """Mean over the tokens of the centred crop, zero outside the patch: (14, 14)."""
    row0, col0 = ((length - 448) // 2 for length in image.shape)
    square = np.zeros(SHAPE)
    inside = np.nan_to_num(image[max(row0, 0) : row0 + 448, max(col0, 0) : col0 + 448])
    square[max(-row0, 0) :, max(-col0, 0) :][: inside.shape[0], : inside.shape[1]] = inside
    return square.reshape(14, 32, 14, 32).mean(axis=(1, 3))


def on_patch(tokens: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    rows, cols = shape
    return tokens_to_patch(tokens, CropBox((rows - 448) // 2, (cols - 448) // 2, 448, shape))


@pytest.fixture(scope="module")
def simulated():
    """Eight simulated frames and their masks."""
    frames = [render(Population(3).region(index), 30) for index in range(1, 9)]
    return [(frame, detect_pils(frame.field)) for frame in frames]


@pytest.mark.slow
def test_p_of_maps_drawn_at_random_is_nearly_uniform(simulated):
    p = {name: [] for name in REGION_NAMES}
    for seed in range(160):
        mag, masks = simulated[seed % len(simulated)]
        rng = np.random.default_rng(seed)
        noise = rng.normal(size=(14, 14))
        # Every other one follows |B| too.
        strength = token_means(np.abs(mag.field)) + 5.0 if seed % 2 else 1.0
        map_ = on_patch(np.exp(0.7 * noise) * strength, mag.shape)
        for name, found in overlaps(
            map_, mag.field, masks, mag.pixel_area, draws=200, seed=seed
        ).items():
            p[name].append(found.p)
    for values in p.values():
        # Never far below uniform: 5 % may be as much as 12 % in truth (see the docstring).
        assert np.mean(np.array(values) <= 0.05) <= 0.15
        assert stats.kstest(values, "uniform", alternative="greater").pvalue > 1e-3
        assert 0.4 < np.mean(values) < 0.7


def test_p_is_small_where_the_map_follows_the_pil(simulated):
    for mag, masks in simulated:
        followed = token_means(ndimage.gaussian_filter(masks.pil.astype(float), 10)) + 1e-4
        found = overlaps(on_patch(followed, mag.shape), mag.field, masks, mag.pixel_area)
        # A hull about lines that lie far apart holds most strong field, wherever it is put.
        assert max(found["ropi"].p, found["near"].p) < 0.05
        assert found["hull"].enrichment > 1.0
        assert found["ropi"].enrichment > 1.3


# Faults


def test_without_a_line_there_is_no_p():
    field = np.full(SHAPE, 500.0)
    found = overlaps(np.ones(SHAPE), field, detect_pils(field), PIXEL_AREA)
    assert all(part.share == 0.0 and np.isnan(part.p) for part in found.values())
    assert np.isnan(combine(list(found.values())).p)


def test_without_mass_there_is_no_share():
    field = boundary(448, 448)
    found = overlaps(np.zeros(SHAPE), field, detect_pils(field), PIXEL_AREA)["ropi"]
    assert np.isnan(found.share)
    assert np.isnan(found.p)


@pytest.mark.parametrize("shape", [(5, 7), (40, 700), (377, 744)])
def test_patches_of_any_size_are_taken(shape):
    field = boundary(*shape)
    found = overlaps(np.ones(shape), field, detect_pils(field), PIXEL_AREA, draws=50)
    assert all(0.0 <= part.share <= 1.0 for part in found.values())


def test_an_off_disk_frame_has_no_share():
    field = np.full(SHAPE, np.nan)
    found = overlap(np.ones(SHAPE), field, quarter(), grid=GRID)["corner"]
    assert np.isnan(found.share)
    assert found.area == 0.0


def test_signed_maps_and_foreign_shapes_are_refused():
    field = np.ones(SHAPE)
    with pytest.raises(ValueError, match="negative"):
        overlap(-np.ones(SHAPE), field, quarter())
    with pytest.raises(ValueError, match="must have the field"):
        overlap(np.ones((3, 3)), field, quarter())
    with pytest.raises(ValueError, match="same number of draws"):
        combine([])

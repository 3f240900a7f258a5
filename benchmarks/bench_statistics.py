"""Statistics of the case studies: seconds, how often chance is called a finding, and validation.

Peers: for masks the plain scikit-image pipeline, for the draws of an overlap a loop that makes one
region after the other. Real frames: set HNN_TEST_DATA to a folder with harp377; without it frames
are simulated. With ``--regions N`` the detector is validated on N simulated regions, and trends
and overlaps are tried on chance alone.
"""

import argparse
import os
import sys
import time
from pathlib import Path

import astropy.units as u
import numpy as np
from scipy import ndimage

from analysis.cases.overlap import (
    REGION_NAMES,
    Places,
    TokenGrid,
    Tokens,
    near_pil,
    overlaps,
    random_shares,
)
from analysis.physics.pil import PilSettings, detect_pils
from analysis.physics.trends import systematics, trend
from analysis.physics.verdict import verdict
from analysis.surveys.compare import compare_columns
from analysis.surveys.validation import validate, validation_table
from benchmarks.bench_pil import plain_pipeline
from hnn_core.magnetogram.magnetogram import Magnetogram, read_fits
from hnn_core.simulation.population import Population
from hnn_core.simulation.render import render
from hnn_core.sources.simulated import SimulatedSource

REPEATS = 5
DRAWS = 1000


def ten_frames() -> tuple[str, list[Magnetogram]]:
    folder = Path(os.environ.get("HNN_TEST_DATA", "")) / "harp377"
    files = sorted(folder.glob("*.fits")) if "HNN_TEST_DATA" in os.environ else []
    if files:
        return "HARP 377, 377×744", [read_fits(path) for path in files[10:20]]
    region = Population(0).region(1)
    return f"simulated, {region.rows}×{region.cols}", [render(region, k) for k in range(10, 20)]


def best(function) -> float:
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def token_means(image: np.ndarray, grid: TokenGrid) -> np.ndarray:
    return grid.sums(image) / np.maximum(grid.sums(np.ones(image.shape)), 1.0)


def painted(tokens: np.ndarray, grid: TokenGrid, shape: tuple[int, int]) -> np.ndarray:
    big = np.kron(tokens, np.ones((grid.side, grid.side)))
    row, col = -grid.row % grid.side, -grid.col % grid.side
    return big[row : row + shape[0], col : col + shape[1]]


def drawn_map(rng: np.random.Generator, kind: str, strength: np.ndarray) -> np.ndarray:
    """Tokens of a map that follows nothing, or |B|; neighbours alike or not."""
    noise = rng.normal(size=strength.shape)
    if "alike" in kind:
        noise = ndimage.gaussian_filter(noise, 1.0, mode="wrap")
        noise /= noise.std()
    return np.exp(0.7 * noise) * (strength + 5.0 if "|B|" in kind else 1.0)


def one_by_one(tokens: Tokens, covered: np.ndarray, places: Places) -> np.ndarray:
    """Peer: the same draws, a region at a time."""
    found = []
    for k in range(places.side.size):
        one = Places(places.side[k : k + 1], places.centre[k : k + 1], places.seed)
        found.append(random_shares(tokens, covered, one)[0])
    return np.array(found)


def speed() -> bool:
    name, frames = ten_frames()
    settings = PilSettings()
    masks = [settings.detect(frame.field) for frame in frames]
    plain = best(lambda: [plain_pipeline(frame.field) for frame in frames])
    detect = best(lambda: [settings.detect(frame.field) for frame in frames])
    told = best(lambda: verdict(systematics(frames, masks=masks)))
    frame, grid = frames[-1], TokenGrid.centred(frames[-1].shape)
    rng = np.random.default_rng(0)
    strength = token_means(np.abs(np.nan_to_num(frame.field)), grid)
    map_ = painted(drawn_map(rng, "", strength), grid, frame.shape)
    drawn = best(lambda: overlaps(map_, frame.field, masks[-1], frame.pixel_area, draws=DRAWS))
    seen = np.isfinite(frame.field)
    tokens = Tokens.of(map_, np.abs(np.nan_to_num(frame.field)), seen, grid)
    covered = tokens.covered(near_pil(masks[-1].pil, frame.pixel_area))
    places = Places.drawn(DRAWS, rng)
    vector = best(lambda: random_shares(tokens, covered, places))
    start = time.perf_counter()
    one_by_one(tokens, covered, places)
    loop = time.perf_counter() - start
    print(f"Ten frames, {name}; one core.\n")
    print("| what | seconds | limit | peer (s) | speed-up |")
    print("|---|---|---|---|---|")
    print(f"| masks of ten frames | {detect:.3f} | | {plain:.3f} plain pipeline "
          f"| {plain / detect:.1f} × |")  # fmt: skip
    print(f"| trends under every choice, R, verdict | {told:.3f} | | | |")
    print(f"| both | {detect + told:.3f} | 0.5 on two cores | | |")
    print(f"| overlap of one frame, three regions, {DRAWS} draws each | {drawn:.3f} | 0.3 | | |")
    print(f"| {DRAWS} draws of one region | {vector:.4f} | | {loop:.3f} loop "
          f"| {loop / vector:.0f} × |\n")  # fmt: skip
    return detect + told < 0.5 and drawn < 0.3


def chance_of_trends(series: int = 2000) -> None:
    print("Trends called where there is none, at 5 %: noise with memory (AR 1).\n")
    print("| hours | memory 0 | 0.3 | 0.5 | 0.8 |\n|---|---|---|---|---|")
    for n in (10, 24, 48):
        row = []
        for memory in (0.0, 0.3, 0.5, 0.8):
            rng = np.random.default_rng(n)
            values = rng.normal(size=(series, n))
            for k in range(1, n):
                values[:, k] = memory * values[:, k - 1] + np.sqrt(1 - memory**2) * values[:, k]
            hours = np.arange(n, dtype=float)
            found = [trend(hours, (20.0 + one) * u.Mx) for one in values]
            row.append(np.mean([one.falls or one.rises for one in found]))
        print(f"| {n} | " + " | ".join(f"{100 * share:.1f} %" for share in row) + " |")
    print()


def chance_of_overlap(maps: int = 300) -> None:
    print(f"Maps drawn at random on simulated frames, {maps} of each kind: share with p ≤ 5 %.\n")
    print("| map | " + " | ".join(REGION_NAMES) + " |\n|---|---|---|---|")
    frames = [render(Population(3).region(1 + k // 3), 24 + 8 * (k % 3)) for k in range(48)]
    masks = [detect_pils(frame.field) for frame in frames]
    for kind in ("nothing", "nothing, alike", "|B|", "|B|, alike", "the PIL"):
        p = []
        for seed in range(maps if kind != "the PIL" else len(frames)):
            frame, mask = frames[seed % len(frames)], masks[seed % len(frames)]
            grid = TokenGrid.centred(frame.shape)
            if kind == "the PIL":
                near = ndimage.gaussian_filter(mask.pil.astype(float), 10)
                map_ = token_means(near, grid) + 1e-4
            else:
                strength = token_means(np.abs(frame.field), grid)
                map_ = drawn_map(np.random.default_rng(seed), kind, strength)
            found = overlaps(
                painted(map_, grid, frame.shape), frame.field, mask, frame.pixel_area, seed=seed
            )
            p.append([found[name].p for name in REGION_NAMES])
        shares = np.mean(np.array(p) <= 0.05, axis=0)
        print(f"| {kind} | " + " | ".join(f"{100 * share:.1f} %" for share in shares) + " |")
    print()


def validation(n_regions: int) -> None:
    table = validation_table(SimulatedSource(2, n_regions), step=8)
    print(f"Measured decline against true cancellation, {n_regions} regions of seed 2.\n")
    for mask in ("moving", "union", "last"):
        found = validate(table, mask)
        print(f"{mask}: {found.statement}\n")
        rows = found.table()
        print("| bin | windows | regions | r | 95 % | gain | bias (Mx/h) | trusted |")
        print("|---|---|---|---|---|---|---|---|")
        for row in rows.itertuples():
            print(f"| {row.bin} | {row.windows} | {row.regions} | {row.correlation:.2f} "
                  f"| {row.correlation_low:.2f} to {row.correlation_high:.2f} | {row.gain:.2f} "
                  f"| {row.bias_mx_per_h:.1e} | {row.trusted} |")  # fmt: skip
        print()
    first = table[table["threshold_g"] == 0.0]
    print("Eruptive against confined, by regions.\n")
    print("| quantity | medians | p | q | Cliff's delta |\n|---|---|---|---|---|")
    for row in compare_columns(first).itertuples():
        low, high = row.cliffs_interval
        print(f"| {row.column} | {row.median[0]:.3g}, {row.median[1]:.3g} | {row.median_p:.4f} "
              f"| {row.q:.4f} | {row.cliffs_delta:.2f} ({low:.2f} to {high:.2f}) |")  # fmt: skip
    claimed = first.groupby("outcome")["both_fall"].mean()
    told = ", ".join(f"{100 * share:.0f} % of {kind}" for kind, share in claimed.items())
    print(f"\nBoth polarities fall with every mask: {told}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--regions", type=int, default=0, help="validate on this many; 0: do not")
    regions = parser.parse_args().regions
    quick = speed()
    if regions:
        chance_of_trends()
        chance_of_overlap()
        validation(regions)
    return int(not quick)


if __name__ == "__main__":
    sys.exit(main())

"""Real against simulated magnetograms: the same statistics of both, and pictures for eyes.

Real: 50 hours of HARP 377; HNN_TEST_DATA names the folder with harp377. Statistics of one frame
are taken of seven real frames, eight hours apart, and of two hours of each simulated region of
seed 0; those of time of every hour. The goal is that the simulated median lies within the real
range, widened to both sides by 15 % of its middle; for correlations within 0.03, 0.08 and 0.15.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage
from skimage.measure import perimeter, regionprops

from analysis.physics.pil import detect_pils
from hnn_core.magnetogram.grid import common_box, frame_boxes
from hnn_core.magnetogram.magnetogram import Magnetogram, read_fits
from hnn_core.simulation.population import Population
from hnn_core.simulation.render import render

WIDEN = 0.15
CORRELATION_GOALS = {1: 0.03, 6: 0.08, 24: 0.15}
"""By the hours between two frames."""
REAL = slice(0, None, 8)
SIMULATED = slice(10, 31, 20)
WINDOW = 10
"""Hours over which a fluctuation is taken."""
WIDTH = 256
GREY_G = 1500.0


def real_frames() -> list[Magnetogram]:
    folder = Path(os.environ.get("HNN_TEST_DATA", "")) / "harp377"
    files = sorted(folder.glob("*.fits")) if "HNN_TEST_DATA" in os.environ else []
    if not files:
        print("Nothing to compare with: HNN_TEST_DATA is not set to a folder with harp377.")
        sys.exit(0)
    return [read_fits(path) for path in files]


def fields(frames: list[Magnetogram]) -> list[np.ndarray]:
    """(rows, cols) fields of one region on their common grid, G; 0 off the disk."""
    boxes = frame_boxes(frames)
    common = common_box(boxes)
    return [
        np.nan_to_num(frame.field[box.part(common)])
        for frame, box in zip(frames, boxes, strict=True)
    ]


def centre(field: np.ndarray) -> np.ndarray:
    row, col = ((length - WIDTH) // 2 for length in field.shape)
    return field[row : row + WIDTH, col : col + WIDTH]


def spectrum_slopes(field: np.ndarray) -> dict[str, float]:
    """Slopes of the mean power between bands of wave numbers, cycles in 256 px."""
    middle, window = centre(field), np.hanning(WIDTH)
    power = np.abs(np.fft.fft2((middle - middle.mean()) * np.outer(window, window))) ** 2
    cycles = np.fft.fftfreq(WIDTH) * WIDTH
    number = np.hypot(cycles[:, None], cycles)

    def band(low: int) -> float:
        return float(np.log(power[(number >= low) & (number < 2 * low)].mean()))

    return {
        "slope of the power spectrum, 16–32 to 64–128": (band(64) - band(16)) / np.log(4),
        "the same, 4–8 to 16–32": (band(16) - band(4)) / np.log(4),
    }


def structure_slopes(field: np.ndarray) -> dict[str, float]:
    """Slopes of the mean squared difference over lags, px."""
    middle = centre(field)

    def squared(lag: int) -> float:
        across, along = middle[:, lag:] - middle[:, :-lag], middle[lag:] - middle[:-lag]
        return float(np.log((across**2).mean() + (along**2).mean()))

    return {
        f"slope of the structure function, lags {low} to {4 * low} px": (
            (squared(4 * low) - squared(low)) / np.log(4)
        )
        for low in (2, 8)
    }


def components(field: np.ndarray) -> dict[str, float]:
    """Count and measure what holds together above 100 G, 8-connected."""
    labels, _ = ndimage.label(np.abs(field) >= 100, np.ones((3, 3)))
    area = np.bincount(labels.ravel())[1:]
    area = area[area >= 4]
    large = [one for one in regionprops(labels) if one.area >= 10]
    slope = np.polyfit(
        np.log([one.area for one in large]), np.log([perimeter(one.image) for one in large]), 1
    )
    return {
        "components of abs(B) ≥ 100 G (≥ 4 px) per 100,000 px": len(area) / field.size * 1e5,
        "their median area (px)": float(np.median(area)),
        "perimeter–area dimension (≥ 10 px)": 2 * float(slope[0]),
    }


def of_pixels(field: np.ndarray) -> dict[str, float]:
    strength = np.abs(field)
    weak = field[strength < 20]
    gradient = np.hypot(*np.gradient(field))
    pil = detect_pils(field).pil
    return {
        "pixels of 20–100 G over those ≥ 100 G": float(
            ((strength >= 20) & (strength < 100)).sum() / (strength >= 100).sum()
        ),
        "abs(grad B), 99.9 % (G/px)": float(np.quantile(gradient, 0.999)),
        "noise, 1.48 MAD of abs(B) < 20 G (G)": float(
            1.4826 * np.median(np.abs(weak - np.median(weak)))
        ),
        "flux imbalance, abs(net) over unsigned": float(
            np.abs(field.sum(dtype=float)) / strength.sum(dtype=float)
        ),
        "inversion lines (px)": float(pil.sum()),
        "abs(grad B) on them, median (G/px)": float(np.median(gradient[pil]))
        if pil.any()
        else np.nan,
    }


def of_frame(field: np.ndarray) -> dict[str, float]:
    return spectrum_slopes(field) | components(field) | of_pixels(field) | structure_slopes(field)


def fluctuations(hours: list[np.ndarray]) -> list[dict[str, float]]:
    """Mean first difference over the mean of fluxes, in windows of hours."""
    flux = {"PIL": [], "total": []}
    for field in hours:
        strength = np.abs(field)
        flux["PIL"].append(strength[detect_pils(field).ropi].sum(dtype=float))
        flux["total"].append(strength.sum(dtype=float))
    return [
        {
            f"{name} flux from hour to hour, change over mean": float(
                np.abs(np.diff(values[start : start + WINDOW])).mean()
                / np.mean(values[start : start + WINDOW])
            )
            for name, values in flux.items()
        }
        for start in range(0, len(hours) - WINDOW + 1, WINDOW)
    ]


def correlations(hours: list[np.ndarray], lag: int) -> list[float]:
    return [
        float(np.corrcoef(hours[k].ravel(), hours[k + lag].ravel())[0, 1])
        for k in range(0, len(hours) - lag, 3)
    ]


def quantiles(field: np.ndarray) -> np.ndarray:
    """Of asinh(B / 20 G); their mean distance is the first Wasserstein distance."""
    return np.quantile(np.arcsinh(field / 20.0), np.linspace(0.0, 1.0, 2001))


def panels(real: list[np.ndarray], path: Path, seed: int) -> None:
    """Draw four real hours and four simulated ones in an order by seed; write a key beside it."""
    chosen = [(f"HARP 377, hour {k}", real[k]) for k in (2, 17, 31, 46)]
    for index in (1, 2, 3, 4):
        region = Population(0).region(index)
        chosen.append((f"SIM {index} of seed 0, hour {9 * index}", render(region, 9 * index).field))
    rng = np.random.default_rng(seed)
    rows = min(field.shape[0] for _, field in chosen)
    cols = min(field.shape[1] for _, field in chosen)
    sheet = np.full((4 * (rows + 6), 2 * (cols + 6)), 255, np.uint8)
    key = []
    for place, k in enumerate(rng.permutation(len(chosen))):
        name, field = chosen[k]
        row, col = (field.shape[0] - rows) // 2, (field.shape[1] - cols) // 2
        cut = field[row : row + rows, col : col + cols][::-1]
        y, x = place // 2 * (rows + 6), place % 2 * (cols + 6)
        grey = np.clip((cut + GREY_G) / (2 * GREY_G), 0.0, 1.0) * 255
        sheet[y : y + rows, x : x + cols] = grey.astype(np.uint8)
        key.append(f"row {place // 2 + 1}, column {place % 2 + 1}: {name}")
    Image.fromarray(sheet).save(path)
    path.with_suffix(".txt").write_text("\n".join(key) + "\n", encoding="utf-8")


def row(name: str, real: list[float], simulated: list[float], room: float | None = None) -> str:
    low, high = min(real), max(real)
    median = float(np.nanmedian(simulated))
    if room is None:
        room = WIDEN * abs(low + high) / 2
        goal = low - room, high + room
    else:
        goal = float(np.median(real)) - room, float(np.median(real)) + room

    def span(values: list[float]) -> str:
        ends = np.nanmedian(values), np.nanmin(values), np.nanmax(values)
        return "{:.3g} ({:.3g} to {:.3g})".format(*ends).replace("-", "−")

    verdict = "yes" if goal[0] <= median <= goal[1] else "**no**"
    goals = f"{goal[0]:.3g} to {goal[1]:.3g}".replace("-", "−")
    return f"| {name} | {span(real)} | {span(simulated)} | {goals} | {verdict} |"


def table(real: list[np.ndarray], number: int) -> Iterator[str]:
    yield "| statistic | real, median (range) | simulated | goal | within |\n|---|---|---|---|---|"
    of_real = [of_frame(field) for field in real[REAL]]
    shapes = [quantiles(field) for field in real[REAL]]
    apart = [float(np.abs(a - b).mean()) for k, a in enumerate(shapes) for b in shapes[k + 1 :]]
    of_simulated, moved, changes, distance = [], {lag: [] for lag in CORRELATION_GOALS}, [], []
    for index in range(1, number + 1):
        region = Population(0).region(index)
        hours = [render(region, hour).field for hour in range(48)]
        of_simulated += [of_frame(field) for field in hours[SIMULATED]]
        distance += [
            float(np.median([np.abs(one - quantiles(field)).mean() for one in shapes]))
            for field in hours[SIMULATED]
        ]
        changes += fluctuations(hours)
        for lag, found in moved.items():
            found += correlations(hours, lag)
    for name in of_real[0]:
        yield row(name, [one[name] for one in of_real], [one[name] for one in of_simulated])
    yield row("distance of the histograms of asinh(B / 20 G)", apart, distance)
    real_changes = fluctuations(real)
    for name in real_changes[0]:
        yield row(name, [one[name] for one in real_changes], [one[name] for one in changes])
    for lag, room in CORRELATION_GOALS.items():
        yield row(f"correlation of frames {lag} h apart", correlations(real, lag), moved[lag], room)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("regions", type=int, nargs="?", default=16, help="simulated ones, seed 0")
    parser.add_argument("--panels", type=Path, help="draw eight panels, and write no table")
    parser.add_argument("--seed", type=int, default=0, help="of the order of the panels")
    given = parser.parse_args()
    real = fields(real_frames())
    if given.panels:
        panels(real, given.panels, given.seed)
        return
    print("\n".join(table(real, given.regions)))


if __name__ == "__main__":
    main()

"""Simulated regions: seconds a frame, and measured PIL-flux trends against the known truth.

The trend is the least-squares slope of the PIL unsigned flux over ten hours; the truth is the
unsigned flux cancelled at the PIL in an hour, averaged over the same hours. Regions are of
seed 2, which no shipped model was trained on.
"""

import sys
import time
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from scipy.stats import mannwhitneyu

from analysis.physics.flux import unsigned_flux
from analysis.physics.pil import detect_pils
from hnn_core.simulation.evolution import evolve
from hnn_core.simulation.population import Population
from hnn_core.simulation.render import render
from hnn_core.simulation.store import evolution_of

M = 10
NEUTRAL = (
    "total flux 12 h before the flare",
    "its trend over 24 h",
    "longitude",
    "patch area",
    "number of bipoles",
    "a strong inversion line",
)
STEP = 4
"""Hours between the windows of one region."""


def windows(index: int) -> list[tuple[float, ...]]:
    """One row a window: class, strong, true rate, slopes (Mx/h), PIL and total flux (Mx)."""
    region = Population(2).region(index)
    last = int(np.ceil(region.flare_hour)) - 1
    ends = range(last - 20, last + 1, STEP)
    pil, total = {}, {}
    for hour in range(ends[0] - M + 1, last + 1):
        frame = render(region, hour)
        mask = detect_pils(frame.field).ropi
        pil[hour] = unsigned_flux(frame.field, frame.pixel_area, mask).value
        total[hour] = unsigned_flux(frame.field, frame.pixel_area).value
    cancelled = evolution_of(region).pil_cancellation
    rows = []
    for end in ends:
        hours = np.arange(end - M + 1, end + 1)
        truth = cancelled[hours[1:]].mean()
        slopes = [np.polyfit(hours, [flux[h] for h in hours], 1)[0] for flux in (pil, total)]
        rows.append((region.eruptive, region.strong, truth, *slopes, pil[end], total[end]))
    return rows


def best_tss(values: np.ndarray, eruptive: np.ndarray) -> float:
    """Skill of the best single threshold on a quantity, either way round."""
    cuts = np.quantile(values, np.linspace(0.01, 0.99, 99))
    return max(abs((values[eruptive] < c).mean() - (values[~eruptive] < c).mean()) for c in cuts)


def neutral(index: int) -> tuple[float, ...]:
    """Class of one region of seed 1, and what must not tell it: a value for each of `NEUTRAL`."""
    region = Population(1).region(index)
    flare = int(region.flare_hour)
    before, middle, last = evolution_of(region).unsigned[[flare - 24, flare - 12, flare]]
    return (
        region.eruptive,
        middle,
        last / before,
        region.start_longitude,
        region.rows * region.cols,
        region.bipoles,
        region.strong,
    )


def auc(values: np.ndarray, eruptive: np.ndarray) -> tuple[float, float]:
    """Probability that an eruptive region has the larger value, and its z score from 0.5."""
    above = mannwhitneyu(values[eruptive], values[~eruptive]).statistic
    n, m, ties = eruptive.sum(), (~eruptive).sum(), np.unique(values, return_counts=True)[1]
    both = n + m
    tied = (ties**3 - ties).sum() / (both * (both - 1))
    return above / (n * m), (above - n * m / 2) / np.sqrt(n * m / 12 * (both + 1 - tied))


def time_a_frame() -> tuple[float, float]:
    """Median seconds to evolve a region and to render a frame of it."""
    evolving, drawing = [], []
    for index in range(1, 9):
        region = Population(0).region(index)
        start = time.perf_counter()
        evolve(region)
        evolving.append(time.perf_counter() - start)
        render(region, 0)  # which keeps what it needs of the region
        for hour in (5, 25, 45):
            start = time.perf_counter()
            render(region, hour)
            drawing.append(time.perf_counter() - start)
    return float(np.median(evolving)), float(np.median(drawing))


def main() -> None:
    n_regions = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    evolving, drawing = time_a_frame()
    with ProcessPoolExecutor() as pool:
        plain = np.array(list(pool.map(neutral, range(1, 8 * n_regions + 1))), float)
        rows = [row for some in pool.map(windows, range(1, n_regions + 1)) for row in some]
    table = np.array(rows, float)
    eruptive, strong = table[:, 0] > 0, table[:, 1] > 0
    truth, slope, total_slope, pil, total = table[:, 2:].T
    print("| what | value |\n|---|---|")
    print(f"| evolve one region, 48 h | {evolving:.2f} s, once (goal 6 s) |")
    print(f"| render one frame | {drawing:.3f} s (goal 0.05 s) |")
    print(f"| windows, regions | {len(table)}, {n_regions} |")
    correlation = np.corrcoef(-slope, truth)[0, 1]
    gain, offset = np.polyfit(truth, -slope, 1)
    print(f"| correlation of measured decline and true cancellation | {correlation:.3f} |")
    print(f"| measured decline = gain x truth + offset | {gain:.3f}, {offset:.2e} Mx/h |")
    bias = (-slope - truth).mean()
    print(f"| bias, measured decline less truth | {bias:.2e} Mx/h |")
    print(f"| mean true rate, eruptive and confined | {truth[eruptive].mean():.2e}, "
          f"{truth[~eruptive].mean():.2e} Mx/h |")  # fmt: skip
    for name, values in (
        ("PIL flux slope in % per hour", slope / pil),
        ("PIL flux of the last frame", pil),
        ("total flux slope in % per hour", total_slope / total),
        ("total flux of the last frame", total),
    ):
        print(f"| TSS of the best threshold on {name} | {best_tss(values, eruptive):.2f} |")
    for name, chosen in (("strong", strong), ("other", ~strong)):
        if len(set(eruptive[chosen])) < 2:
            continue  # so few regions that one class has none
        skill = best_tss((slope / pil)[chosen], eruptive[chosen])
        correlation = np.corrcoef(-slope[chosen], truth[chosen])[0, 1]
        shares = ", ".join(f"{truth[chosen & of].mean():.2e}" for of in (eruptive, ~eruptive))
        print(f"| {name} lines, {chosen.sum()} windows: TSS of the PIL flux slope | {skill:.2f} |")
        print(f"| the same: correlation of decline and cancellation | {correlation:.3f} |")
        print(f"| the same: mean true rate, eruptive and confined | {shares} Mx/h |")
    for column, name in enumerate(NEUTRAL, 1):
        area, z = auc(plain[:, column], plain[:, 0] > 0)
        print(f"| AUC of {name}, {len(plain)} regions of seed 1 | {area:.3f} (z = {z:+.1f}) |")


if __name__ == "__main__":
    main()

"""Flux that cancels and a field that turns horizontal, told apart by the field vector.

    PYTHONPATH=. python benchmarks/bench_vector.py [PAIRS]

Each simulated region that cancels has a twin of the same seed whose field turns horizontal instead.
Over the ten hours before the flare the trends of the line-of-sight field and of the vector are
taken in the PIL region. Printed are the areas under the curve of both (0.5 tells nothing), what
the verdicts say, and the seconds and bytes that the vectors take.
"""

import resource
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from scipy.stats import mannwhitneyu

from analysis.physics.pil import PilSettings
from analysis.physics.trends import systematics
from analysis.physics.vector_window import VECTOR_QUANTITIES, vector_verdict, vector_window
from analysis.physics.verdict import verdict
from hnn_core.simulation.population import Population
from hnn_core.simulation.render import render, render_vector

SEED, M = 2, 10
SETTINGS = PilSettings()


def measured(job: tuple[int, bool]) -> dict[str, float | str]:
    """Trends and verdicts of the last window of one region."""
    index, tilting = job
    region = Population(SEED, tilting=tilting).region(index)
    last = int(np.ceil(region.flare_hour)) - 1
    hours = range(last - M + 1, last + 1)
    frames = [render(region, hour) for hour in hours]
    masks = [SETTINGS.detect(frame.field) for frame in frames]
    started = time.process_time()
    vectors = [render_vector(region, hour) for hour in hours]
    drawn = time.process_time() - started
    started = time.process_time()
    window = vector_window(vectors, masks, SETTINGS)
    judged = vector_verdict(window)
    seconds = time.process_time() - started
    los = systematics(frames, SETTINGS, masks=masks)
    row: dict[str, float | str] = {
        "seconds": seconds, "drawn": drawn, "word": judged.word, "los word": verdict(los).word,
        "longitude": abs(float(frames[-1].longitude.value)),
    }  # fmt: skip
    for flux in ("unsigned", "positive", "negative"):
        row[f"LOS {flux} slope"] = los.trend(flux=flux).percent
    for name, (label, _) in VECTOR_QUANTITIES.items():
        row[f"vector {label} slope"] = window.trend(name).percent
        row[f"vector {label} last"] = window.values[name][-1, 0]
    return row


def auc(cancels: np.ndarray, tilts: np.ndarray) -> float:
    """Probability that a region that tilts has the larger value."""
    cancels, tilts = cancels[np.isfinite(cancels)], tilts[np.isfinite(tilts)]
    return float(mannwhitneyu(tilts, cancels).statistic / (len(cancels) * len(tilts)))


def main() -> None:
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    chosen = [n for n in range(1, 4 * pairs) if Population(SEED).region(n).eruptive][:pairs]
    with ProcessPoolExecutor() as pool:
        cancels, tilts = (
            list(pool.map(measured, [(index, kind) for index in chosen])) for kind in (False, True)
        )
    print(f"{pairs} regions of seed {SEED} that cancel and {pairs} whose field turns\n")
    print("| statistic of ten hours | AUC |\n|---|---|")
    for name in cancels[0]:
        if name.startswith(("LOS", "vector")):
            one, other = (np.array([row[name] for row in rows], float) for rows in (cancels, tilts))
            print(f"| {name} | {auc(one, other):.3f} |")
    print("\n| verdict | cancelling | turning |\n|---|---|---|")
    for kind in ("los word", "word"):
        counts = [Counter(str(row[kind]) for row in rows) for rows in (cancels, tilts)]
        for word in sorted(set(counts[0]) | set(counts[1])):
            by = "line of sight" if kind == "los word" else "vector"
            print(f"| {by}: {word} | {counts[0][word]} | {counts[1][word]} |")
    seconds = np.median([row["seconds"] for row in cancels + tilts])
    drawn = np.median([row["drawn"] for row in cancels + tilts])
    print(f"\nTrends of ten hours' vectors: {seconds:.2f} s; drawing them: {drawn:.2f} s")
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    print(f"Largest process: {largest:.2f} GB")


if __name__ == "__main__":
    main()

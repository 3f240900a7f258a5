"""Steps of one hour on the Explore page, in a browser: time, bytes, and the server's memory.

    PYTHONPATH=. python benchmarks/bench_page.py [--steps 12] [--model demo]

A step is a click on "one hour ahead", to an hour that the viewer has fetched before. The *picture*
is there when the new magnetogram is painted, the *page* when the card with the probability is there
too. A *cold* step goes to an hour that nobody has looked at, farther than the viewer fetches ahead.
A *scrub* goes through hours that are in the browser, which has no server in it. Only the passage
was measured before, as on any page that has been open for a minute. The peer is a bare Streamlit
page that paints one plotly heat map of a HARP 377 patch's size: what a page with plotly cannot do
without. Bytes are those that the server sends, until nothing more comes.
Real magnetograms: set HNN_TEST_DATA to a folder with harp377; without it they are left out.
"""

import argparse
import math
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from playwright.sync_api import Browser, Page

from hnn_core.network.model import HNN, HNNConfig
from hnn_core.network.model_store import list_models, save_model
from tests.support.browser import PICTURE, chromium, find_chromium, serve, settled

LIMIT_S = {"ahead": 1.0, "cold": 0.4}
"""To the picture; of the cold step at the 95th percentile."""
LIMIT_MB = 0.35
LIMIT_SCRUB_MS = 50
LIMIT_FIRST = (5.0, 3.0)
"""Seconds and megabytes until a fresh server has shown the first picture."""
LIMIT_GB = 2.0
SETTLE_MS = 4000
SCRUBS = 100
FIRST = 9
"""Number of the first hour with a prediction."""
MOST_COLD = 6
"""Steps over five hours that fit into a passage of two days, after the one that is not counted."""

STEP = """async (cold) => {
    const viewer = globalThis.hnnViewer;
    const picture = () => viewer
        ? viewer.element.dataset.hour
        : document.querySelector('.st-key-magnetogram .heatmaplayer image')?.getAttribute('href');
    const card = () => document.querySelector('.answer')?.outerHTML;
    const old = picture(), oldCard = card();
    const start = performance.now();
    if (cold) {
        const hours = viewer.now.hours, here = hours.indexOf(viewer.hour);
        const far = hours.findIndex((hour, i) => i > here + 4 && !viewer.frameOf(hour));
        if (far < 0) throw new Error('no hour is left that nobody has read');
        viewer.go(far);
    } else if (viewer) globalThis.hnnTransport.step(1);
    else document.querySelector('.st-key-hour_ahead button').click();
    let painted = 0, answered = 0;
    while (!(painted && answered)) {
        await new Promise(requestAnimationFrame);
        const now = performance.now();
        if (!painted && picture() && picture() !== old) painted = now;
        if (!answered && card() && card() !== oldCard) answered = now;
        if (now - start > 30000) throw new Error('no step within 30 s');
    }
    return [(painted - start) / 1000, (answered - start) / 1000];
}"""
SCRUB = """(count) => {
    const viewer = globalThis.hnnViewer, times = [];
    const held = viewer.now.hours.map((_, i) => i).filter(i => viewer.frameOf(viewer.now.hours[i]));
    for (let i = 0; i < count; i++) {
        const begun = performance.now();
        viewer.go(held[i % held.length]);
        viewer.drawNow();
        times.push(performance.now() - begun);
    }
    return times;
}"""


@dataclass
class Steps:
    """Seconds to the picture and to the page, and megabytes, of each step."""

    picture: list[float]
    page: list[float]
    megabytes: list[float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--model", default="demo")
    options = parser.parse_args()
    path = find_chromium()
    if path is None:
        sys.exit("No Chromium found: install Debian's chromium or set HNN_TEST_BROWSER.")
    with TemporaryDirectory() as folder, chromium(path) as browser:
        home = Path(folder)
        if options.model not in {info.name for info in list_models()[0]}:
            save_model(HNN(HNNConfig(width=192)), home / "models" / options.model)
        peer = run_peer(browser, home, options.steps)
        print("| page | picture, median (s) | p95 (s) | page, median (s) | of peer | MB |")
        print("|---|---|---|---|---|---|")
        show("one bare heat map (peer)", peer, peer)
        for name, query in sources().items():
            query = f"model={options.model}&{query}"
            found, scrubs, first, rss = run_explore(browser, home, query, options.steps)
            for kind, steps in found.items():
                show(f"Explore, {name}, {kind} (≤ {LIMIT_S[kind]:g} s, {LIMIT_MB} MB)", steps, peer)
            print(
                f"\n{name}: a scrub of {SCRUBS} takes {median(scrubs):.0f} ms, p95 "
                f"{p95(scrubs):.0f} ms (≤ {LIMIT_SCRUB_MS}); first picture of a fresh server "
                f"{first[0]:.1f} s and {first[1]:.1f} MB (≤ {LIMIT_FIRST}); server RSS "
                f"{rss:.2f} GB (< {LIMIT_GB:g})\n"
            )


def show(name: str, steps: Steps, peer: Steps) -> None:
    ratio = median(steps.picture) / median(peer.picture)
    print(
        f"| {name} | {median(steps.picture):.2f} | {p95(steps.picture):.2f} | "
        f"{median(steps.page):.2f} | {ratio:.1f} | {median(steps.megabytes):.2f} |"
    )


def p95(values: list[float]) -> float:
    return sorted(values)[math.ceil(0.95 * len(values)) - 1]


def sources() -> dict[str, str]:
    """Name and query of each source, opened in the middle of a region's passage."""
    root = Path(__file__).resolve().parents[1]
    real = Path(os.environ.get("HNN_TEST_DATA", root.parent / "shared" / "data")) / "harp377"
    found = {"simulated": "region=SIM+1"}
    if real.exists():
        found["HARP 377"] = f"source=fits&folder={real}&hour=2011-02-14T06:00"
    return found


def run_peer(browser: Browser, home: Path, steps: int) -> Steps:
    script = str(Path(__file__).with_name("peer_page.py"))
    with serve(home, home / "peer.log", script=script) as (address, _):
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        received = count_bytes(page)
        page.goto(address)
        page.wait_for_selector(".st-key-magnetogram .main-svg", timeout=60_000)
        return measured(page, steps, received)


def run_explore(
    browser: Browser, home: Path, query: str, steps: int
) -> tuple[dict[str, Steps], list[float], tuple[float, float], float]:
    with serve(home, home / "explore.log") as (address, server):
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        received = count_bytes(page)
        begun = perf_counter()
        page.goto(f"{address}/?{query}")
        page.wait_for_selector(PICTURE)
        first = perf_counter() - begun, sum(received) / 1e6
        settled(page)
        go(page, FIRST)
        cold = measured(page, min(steps, MOST_COLD), received, cold=True)
        go(page, FIRST + 10)
        found = {"ahead": measured(page, steps, received), "cold": cold}
        scrubs = page.evaluate(SCRUB, SCRUBS)
        return found, scrubs, first, rss_gb(server.pid)


def go(page: Page, index: int) -> None:
    """Go to an hour and wait until the page has followed."""
    page.wait_for_timeout(SETTLE_MS)
    page.evaluate("index => hnnViewer.go(index)", index)
    page.wait_for_function("!hnnViewer.busy")
    settled(page)


def count_bytes(page: Page) -> list[int]:
    """Length of each message that comes from the server, from now on."""
    lengths: list[int] = []
    page.on(
        "websocket", lambda one: one.on("framereceived", lambda data: lengths.append(len(data)))
    )
    return lengths


def measured(page: Page, steps: int, received: list[int], *, cold: bool = False) -> Steps:
    """Go so many steps, after one that is not counted."""
    found = Steps([], [], [])
    for _ in range(steps + 1):
        page.wait_for_timeout(SETTLE_MS)
        received.clear()
        picture, whole = page.evaluate(STEP, cold)
        page.wait_for_timeout(SETTLE_MS)
        found.picture.append(picture)
        found.page.append(whole)
        found.megabytes.append(sum(received) / 1e6)
    return Steps(found.picture[1:], found.page[1:], found.megabytes[1:])


def rss_gb(pid: int) -> float:
    """Resident memory of a process, GB; Linux only, else NaN."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return float("nan")
    [line] = [line for line in status.read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) * 1024 / 1e9


if __name__ == "__main__":
    main()

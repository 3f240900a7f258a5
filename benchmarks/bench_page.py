"""A warm step of one hour on the Explore page, in a browser, and the memory of its server.

    PYTHONPATH=. python benchmarks/bench_page.py [--steps 12] [--model demo]

A step is a click on "one hour ahead": it ends when the new magnetogram is painted and the card
with its probability is there. Every hour is seen for the first time; only the passage was
measured before, as on any page that has been open for a minute. The peer is a bare Streamlit page
that paints one plotly heat map of a HARP 377 patch's size: what no such page can do without.
Real magnetograms: set HNN_TEST_DATA to a folder with harp377; without it they are left out.
"""

import argparse
import os
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Page

from hnn_core.network.model import HNN, HNNConfig
from hnn_core.network.model_store import list_models, save_model
from tests.support.browser import chromium, find_chromium, serve, settled

LIMIT_S = 1.0
LIMIT_GB = 2.0
SETTLE_MS = 1500

STEP = """async () => {
    const pixels = () => {
        const image = document.querySelector('.st-key-magnetogram .heatmaplayer image');
        return image && image.getAttribute('href');
    };
    const card = () => document.querySelector('.answer');
    const old = pixels(), oldCard = card()?.outerHTML;
    const start = performance.now();
    document.querySelector('.st-key-hour_ahead button').click();
    let painted = 0, answered = 0;
    while (!(painted && answered)) {
        await new Promise(requestAnimationFrame);
        const now = performance.now();
        if (!painted && pixels() && pixels() !== old) painted = now;
        if (!answered && card() && card().outerHTML !== oldCard) answered = now;
        if (now - start > 30000) throw new Error('no step within 30 s');
    }
    return [painted - start, answered - start];
}"""


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
        peer, _ = run_peer(browser, home, options.steps)
        print("| page | step, median (s) | slowest (s) | of peer | server RSS (GB) |")
        print("|---|---|---|---|---|")
        print(f"| one bare heat map (peer) | {median(peer):.2f} | {max(peer):.2f} | 1 | |")
        for name, query in sources().items():
            steps, rss = run_explore(browser, home, f"model={options.model}&{query}", options.steps)
            print(
                f"| Explore, {name} | {median(steps):.2f} (≤ {LIMIT_S:g}) | {max(steps):.2f} | "
                f"{median(steps) / median(peer):.1f} | {rss:.2f} (< {LIMIT_GB:g}) |"
            )


def sources() -> dict[str, str]:
    """Name and query of each source, opened in the middle of a region's passage."""
    root = Path(__file__).resolve().parents[1]
    real = Path(os.environ.get("HNN_TEST_DATA", root.parent / "shared" / "data")) / "harp377"
    found = {"simulated": "region=SIM+1"}
    if real.exists():
        found["HARP 377"] = f"source=fits&folder={real}&hour=2011-02-14T06:00"
    return found


def run_peer(browser: Browser, home: Path, steps: int) -> tuple[list[float], float]:
    script = str(Path(__file__).with_name("peer_page.py"))
    with serve(home, home / "peer.log", script=script) as (address, server):
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(address)
        page.wait_for_selector(".st-key-magnetogram .main-svg", timeout=60_000)
        return measured(page, steps), rss_gb(server.pid)


def run_explore(browser: Browser, home: Path, query: str, steps: int) -> tuple[list[float], float]:
    with serve(home, home / "explore.log") as (address, server):
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{address}/?{query}")
        settled(page)
        if "hour=" not in query:
            page.locator(".st-key-hour_first button").first.click()
            settled(page)
            for _ in range(10):
                page.locator(".st-key-hour_ahead button").first.click()
                settled(page)
        return measured(page, steps), rss_gb(server.pid)


def measured(page: Page, steps: int) -> list[float]:
    """Seconds of each step, after one that is not counted."""
    seconds = []
    for _ in range(steps + 1):
        page.wait_for_timeout(SETTLE_MS)
        seconds.append(max(page.evaluate(STEP)) / 1000)
    page.close()
    return seconds[1:]


def rss_gb(pid: int) -> float:
    """Resident memory of a process, GB; Linux only, else NaN."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return float("nan")
    [line] = [line for line in status.read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) * 1024 / 1e9


if __name__ == "__main__":
    main()

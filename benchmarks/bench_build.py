"""Building a data set from the services: memory against the number of regions, and the time.

The peer of a build is the same command with fewer regions: its peak memory must not grow. The
services are the emulators of the tests, on loopback, so that the network costs next to nothing.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.emulators import emulated, small_world

ROOT = Path(__file__).resolve().parents[1]
SPAN = ["--start", "2011-01-01", "--end", "2011-12-31"]


def build(environment: dict[str, str], home: str) -> tuple[float, int, dict]:
    """Seconds, peak resident bytes of all its processes together, and the answer."""
    command = [sys.executable, "-m", "hnn_core", "data", "build", "--class", "M", *SPAN]
    command += ["--out", "set", "--json"]
    begun = time.monotonic()
    with tempfile.TemporaryFile("w+") as out:
        child = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **environment, "HNN_HOME": home}, stdout=out
        )
        peak = 0
        while child.poll() is None:
            peak = max(peak, _resident(child.pid))
            time.sleep(0.02)
        took = time.monotonic() - begun
        out.seek(0)
        events = [json.loads(line) for line in out if line.startswith("{")]
    if child.returncode:
        raise SystemExit(f"the build failed with {child.returncode}")
    return took, peak, events[-1]


def _resident(pid: int) -> int:
    total = 0
    try:
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            total += one.memory_info().rss
    except psutil.NoSuchProcess:
        pass
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--regions", type=int, nargs="+", default=[6, 24])
    options = parser.parse_args()
    print(
        "| regions of the world | frames | seconds | frames/s | peak memory, all processes (MiB) |"
    )
    print("|---|---|---|---|---|")
    for number in options.regions:
        with emulated(small_world(number)) as emulator, tempfile.TemporaryDirectory() as home:
            environment = {**emulator.environment, "HNN_TIMEOUT_S": "60"}
            took, peak, end = build(environment, home)
        counts = end["counts"]["M"]
        frames = counts["positive"] + counts["negative"]
        rate = f"{took:.1f} | {frames / took:.1f}"
        print(f"| {number} | {frames} labelled | {rate} | {peak / 2**20:.0f} |")


if __name__ == "__main__":
    main()

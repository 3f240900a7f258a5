"""Fetching 50 magnetograms against the bare transfer of the same files on one connection.

The peer is http.client: one keep-alive connection, the 50 files one after another, written to disk
and nothing else. Ours asks for keywords and places too, joins keywords and pixels, decodes every
pixel as a check, and renames. The server, the emulator of the tests, is a process of its own.
"""

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[1]
HOURS = 50
SERVER = """
import sys
from tests.emulators import emulated, real_world, small_world
from pathlib import Path
world = real_world(Path(sys.argv[1])) if sys.argv[1] else small_world(1)
with emulated(world) as emulator:
    print(*(f"{k}={v}" for k, v in emulator.addresses.items()), sep="\\n")
    print(flush=True)
    for line in sys.stdin:
        emulator.bytes_per_s = float(line) or None
        print("ok", flush=True)
"""
FETCH = """
import resource, time
from hnn_core.jsoc.client import JsocClient
from hnn_core.jsoc.fetch import fetch_region
from hnn_core.jsoc.series import DEFINITIVE
for _ in range(2):
    begun = time.monotonic()
    with JsocClient() as client:
        told = fetch_region(client, DEFINITIVE, 377, None, None)
    print(time.monotonic() - begun, told.new, told.present, told.bytes, flush=True)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def start_server(folder: str) -> tuple[subprocess.Popen, dict[str, str]]:
    child = subprocess.Popen(
        [sys.executable, "-c", SERVER, folder],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    addresses = {}
    while line := child.stdout.readline().strip():
        name, _, value = line.partition("=")
        addresses[name] = value
    return child, addresses


def throttle(server: subprocess.Popen, bytes_per_s: float) -> None:
    server.stdin.write(f"{bytes_per_s}\n")
    server.stdin.flush()
    server.stdout.readline()


def paths_of(addresses: dict[str, str], n: int) -> list[str]:
    """Where the files lie, as JSOC tells."""
    base = urlsplit(addresses["HNN_JSOC_URL"])
    link = http.client.HTTPConnection(base.hostname, base.port)
    wanted = "hmi.sharp_cea_720s%5B377%5D%5B%5D%7Bmagnetogram%7D"
    link.request("GET", f"/cgi-bin/ajax/jsoc_info?op=rs_list&ds={wanted}&key=T_REC&seg=magnetogram")
    answer = json.loads(link.getresponse().read())
    times, files = answer["keywords"][0]["values"], answer["segments"][0]["values"]
    hourly = [f for t, f in zip(times, files, strict=True) if ":00:00_" in t and f[:1] == "/"]
    return hourly[:n]


def bare(addresses: dict[str, str], paths: list[str]) -> tuple[float, int]:
    """Seconds and bytes of the bare transfer."""
    base = urlsplit(addresses["HNN_JSOC_URL"])
    with tempfile.TemporaryDirectory() as folder:
        begun, n_bytes = time.monotonic(), 0
        link = http.client.HTTPConnection(base.hostname, base.port)
        for i, path in enumerate(paths):
            link.request("GET", path)
            content = link.getresponse().read()
            (Path(folder) / f"{i}.fits").write_bytes(content)
            n_bytes += len(content)
        return time.monotonic() - begun, n_bytes


def ours(addresses: dict[str, str], pause: str) -> tuple[float, float, int, int]:
    """Seconds of a fetch and of a second one, files, and peak bytes of the process."""
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, **addresses, "HNN_HOME": home, "HNN_PAUSE_S": pause}
        done = subprocess.run(
            [sys.executable, "-c", FETCH],
            cwd=ROOT,
            env={**environment, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
    first, second, peak = done.stdout.split("\n")[:3]
    return float(first.split()[0]), float(second.split()[0]), int(first.split()[1]), int(peak)


def median(measure: Callable[[], tuple], repeats: int) -> list[tuple]:
    return sorted(measure() for _ in range(repeats))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--folder", default="", help="real files of HARP 377; simulated otherwise")
    options = parser.parse_args()
    server, addresses = start_server(options.folder)
    paths = paths_of(addresses, HOURS)
    bare(addresses, paths)  # the emulator makes its files at the first request
    print(f"{len(paths)} files, median of {options.repeats}")
    print()
    print(
        "| throttle | pause (s) | bare (s) | bare (MB/s) | ours (s) | ratio of rates | again (s) |"
    )
    print("|---|---|---|---|---|---|---|")
    peaks = []
    for rate in (2e6, 5e6, 20e6, 0.0):
        throttle(server, rate)
        for pause in ("0.5", "0.001"):
            peer, mine = [], []
            for _ in range(options.repeats if rate != 2e6 else 3):
                peer.append(bare(addresses, paths))
                mine.append(ours(addresses, pause))
            seconds = statistics.median(one[0] for one in peer)
            n_bytes, files = peer[0][1], mine[0][2]
            took = statistics.median(one[0] for one in mine)
            again = statistics.median(one[1] for one in mine)
            peaks += [one[3] for one in mine]
            ratio = (files / took) / (len(paths) / seconds)
            name = f"{rate / 1e6:.0f} MB/s" if rate else "none"
            raw = f"{seconds:.2f} | {n_bytes / seconds / 1e6:.1f}"
            print(
                f"| {name} | {pause} | {raw} | {took:.2f} | {ratio:.2f} | {again:.2f} |",
                flush=True,
            )
    print()
    print(f"Peak memory of a fetch: {max(peaks) / 2**20:.0f} MiB.")
    server.stdin.close()
    server.wait(10)


if __name__ == "__main__":
    main()

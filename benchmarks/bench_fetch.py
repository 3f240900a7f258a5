"""Fetching 50 magnetograms against the bare transfer of the same files on one connection.

The peer is http.client: one keep-alive connection, the 50 files one after another, written to disk
and nothing else. Ours asks for keywords and places too, joins keywords and pixels, decodes every
pixel as a check, and renames. The server, the emulator of the tests, is a process of its own.
"""

import argparse
import http.client
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from hnn_core.jsoc.client import JsocClient
from hnn_core.jsoc.keywords import DEFINITIVE
from hnn_core.jsoc.taking import hourly
from hnn_core.magnetogram.conventions import LARGEST_LONGITUDE

ROOT = Path(__file__).resolve().parents[1]
SERVER = """
import sys, time
from tests.emulators import emulated, http, real_world, small_world
from pathlib import Path

def evenly(handler, body, rate):
    # The emulator's own throttle rounds every answer up to a multiple of 50 ms.
    begun, step = time.monotonic(), 1 << 16 if rate else len(body) or 1
    for start in range(0, len(body), step):
        handler.wfile.write(body[start : start + step])
        handler.wfile.flush()
        if rate:
            due = begun + min(start + step, len(body)) / rate
            time.sleep(max(0.0, due - time.monotonic()))

http._Handler._write = evenly
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
from hnn_core.jsoc.keywords import DEFINITIVE
for _ in range(2):
    begun = time.monotonic()
    client = JsocClient()
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
    if not addresses:
        raise SystemExit("The emulator did not start.")
    return child, addresses


def throttle(server: subprocess.Popen, bytes_per_s: float) -> None:
    server.stdin.write(f"{bytes_per_s}\n")
    server.stdin.flush()
    server.stdout.readline()


def paths_of(addresses: dict[str, str]) -> list[str]:
    """Where the files lie that a fetch chooses."""
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(addresses | {"HNN_HOME": home})
        client = JsocClient()
        listed = client.records(DEFINITIVE, 377, None, None)
        chosen, _ = hourly(listed, None, None, most_longitude=LARGEST_LONGITUDE)
        stored = client.paths(DEFINITIVE, 377, chosen["t_rec"].tolist())
    return [urlsplit(stored[t_rec].url).path for t_rec in chosen["t_rec"]]


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


def compare(addresses: dict[str, str], paths: list[str], pause: str, repeats: int) -> str:
    """Cells of the table for one rate and pause: the two in turn, the median of each."""
    peer, mine = [], []
    for _ in range(repeats):
        peer.append(bare(addresses, paths))
        mine.append(ours(addresses, pause))
    n_bytes, n_files = peer[0][1], mine[0][2]
    if n_files != len(paths):
        raise SystemExit(f"{n_files} files were fetched and {len(paths)} transferred.")
    seconds = statistics.median(one[0] for one in peer)
    took = statistics.median(one[0] for one in mine)
    again = statistics.median(one[1] for one in mine)
    peak = max(one[3] for one in mine) / 2**20
    rates = f"{n_bytes / seconds / 1e6:.1f} | {took:.2f} | {n_bytes / took / 1e6:.1f}"
    return f"{seconds:.2f} | {rates} | {seconds / took:.2f} | {again:.2f} | {peak:.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--folder", default="", help="real files of HARP 377; simulated otherwise")
    parser.add_argument(
        "--rates", type=float, nargs="*", default=[0, 20, 5, 2], help="MB/s, 0 none"
    )
    options = parser.parse_args()
    server, addresses = start_server(options.folder)
    try:
        paths = paths_of(addresses)
        _, n_bytes = bare(addresses, paths)  # the emulator makes its files at the first request
        ours(addresses, "0.001")
        print(f"{len(paths)} files, {n_bytes / 1e6:.1f} MB, median of {options.repeats}\n")
        print(
            "| throttle | pause (s) | bare (s) | bare (MB/s) | ours (s) | ours (MB/s) "
            "| ratio | again (s) | peak (MiB) |"
        )
        print("|" + "---|" * 9)
        for rate in options.rates:
            throttle(server, rate * 1e6)
            name = f"{rate:g} MB/s" if rate else "none"
            for pause in ("0.5", "0.001"):
                cells = compare(addresses, paths, pause, options.repeats)
                print(f"| {name} | {pause} | {cells} |", flush=True)
    finally:
        server.stdin.close()
        server.wait(10)


if __name__ == "__main__":
    main()

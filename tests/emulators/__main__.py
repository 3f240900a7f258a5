"""``python -m tests.emulators``: the services by hand, for looking at the program with them."""

import argparse
import shlex
import signal
import socket
import sys
import time

from tests.emulators.server import emulated
from tests.emulators.small_world import small_world


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.emulators", description=__doc__)
    parser.add_argument("--port", type=int, default=8890)
    parser.add_argument("--regions", type=int, default=16, help="definitive HARPs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--bytes-per-s", type=float, help="throttle every answer")
    chosen = parser.parse_args()
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", chosen.port)) == 0:
            parser.error(f"port {chosen.port} is taken; choose another with --port")
    world = small_world(chosen.regions, seed=chosen.seed, running=True)
    with emulated(world, port=chosen.port) as emulator:
        emulator.bytes_per_s = chosen.bytes_per_s
        pairs = [f"{name}={shlex.quote(value)}" for name, value in emulator.addresses.items()]
        lines = [
            "JSOC, DONKI, NCEI, HEK and the HARP-NOAA table are emulated here (simulated regions).",
            "Point programs in this shell at them with",
            *(f"  export {pair}" for pair in pairs),
            "or start the app with",
            f"  {' '.join(pairs)} make run",
            f"Registered for export: {', '.join(sorted(emulator.export.registered))}.",
            "Ctrl+C stops.",
        ]
        # A shell starts what runs in its background with interrupts ignored. Set before a word
        # is printed: who reads the addresses may stop it at once.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            sys.stdout.write("\n".join([*lines, ""]))
            sys.stdout.flush()
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()

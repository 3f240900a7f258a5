"""The app as it is served: a process on a free port."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import ROOT

__all__ = ["serve"]


@contextmanager
def serve(
    home: Path, log: Path, *, script: str = "app.py", headless: bool = True, **variables: str
) -> Iterator[tuple[str, subprocess.Popen]]:
    """The app (or another script) on a free port of this machine: its address and process.

    Every visitor may write, unless variables of the environment say otherwise.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = {
        "server.headless": str(headless).lower(),
        "server.address": "127.0.0.1",
        "server.port": port,
        "server.fileWatcherType": "none",
    }
    command = [sys.executable, "-m", "streamlit", "run", script]
    command += [f"--{name}={value}" for name, value in options.items()]
    usual = {"HNN_HOME": str(home), "HNN_ALLOW_WRITES": "1", "HNN_FITS_DIR": ""}
    usual["HNN_CHECKS_AT_REST"] = "0"  # runs of the page that no test asks for
    environment = {**os.environ, **usual, **variables}
    with log.open("w") as stream:
        server = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=stream, stderr=subprocess.STDOUT
        )
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_until_healthy(address, server, log)
            yield address, server
        finally:
            server.terminate()
            server.wait(timeout=120)


def _wait_until_healthy(address: str, server: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2):
                return
        except urllib.error.HTTPError as answer:
            answer.close()
            time.sleep(0.1)
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the app did not start: {log.read_text()[-2000:]}")

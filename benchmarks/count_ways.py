"""How many files of the program three requests enter on their way, and what importing it takes.

    PYTHONPATH=. python benchmarks/count_ways.py [hour|train|fetch|import]

A file counts when one of its functions is called (the body of app.py or of a page script counts
too). `hour`: from the time control on Explore, that has a new hour, to the magnetogram being
shown. `train`: from a press on Train to the start of the child process, and in the child to the
first update of the weights. `fetch`: all of `data fetch --noaa`, from emulated services, less the
simulation that these serve. docs/architecture.md has the three ways in words. `import`: seconds
of `import hnn_core` and of `import analysis`, median of five.
"""

import argparse
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from types import FrameType

ROOT = Path(__file__).resolve().parents[1]
GOALS = {"hour": 28, "train": 26, "fetch": 26}


class Arrived(BaseException):
    """The way has reached its end; no handler of the program stops it."""


@contextmanager
def entered(start: str = "", until: str = "") -> Iterator[set[str]]:
    """Files whose functions are called, from the call of `start` to that of `until`."""
    files: set[str] = set()
    going, done = not start, threading.Event()

    def note(frame: FrameType, event: str, _: object) -> None:
        nonlocal going
        if event != "call" or done.is_set():
            return
        code = frame.f_code
        going = going or code.co_name == start
        if not going:
            return
        name = code.co_filename.removeprefix(f"{ROOT}/")
        script = name == "app.py" or (name.startswith("pages/") and name.count("/") == 1)
        inside = name.startswith(("hnn_core/", "analysis/", "pages/")) or name == "app.py"
        if inside and (script or code.co_flags & 1):  # a function's body, no module's or class's
            files.add(name)
            if until and code.co_name == until.partition(" ")[0]:
                key = until.partition(" ")[2]
                if not key or frame.f_locals.get("key") == key:
                    done.set()

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield files
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def hour_way() -> set[str]:
    from tests.support.app import run_app, sent_to_viewer

    app = run_app()
    header = sent_to_viewer(app).header
    app.session_state["hour"] = header["hours"][header["hours"].index(header["hour"]) - 12]
    with entered("time_control", "send_maps") as files:
        app.run()
    assert not app.exception
    return files


def train_way() -> set[str]:
    import torch
    from streamlit.testing.v1 import AppTest

    from hnn_core.__main__ import main
    from hnn_core.jobs import jobs
    from hnn_core.training.run_folder import list_runs

    os.environ["HNN_ALLOW_WRITES"] = "1"
    words = ["data", "build", "--source", "sim:9:12", "--out", "small", "--workers", "1"]
    assert main(words) == 0
    jobs.COMMAND = (sys.executable, "-c", "pass")  # the child is followed below, in this process
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=600).run()
    app.switch_page("pages/training.py")
    app.query_params["view"] = "new"
    app.run()
    app.button(key="preset_laptop").click().run()
    with entered(until="reserve") as page:
        app.button(key="train_start").click().run()
    assert not app.exception
    [run] = [run for run in list_runs()[0] if not run.shipped]
    step = torch.optim.Adam.step

    def last(*args: object, **options: object) -> object:
        step(*args, **options)
        raise Arrived

    torch.optim.Adam.step = last
    with entered() as child:
        try:
            main(["train", "--run", str(run.path)])
        except Arrived:
            return page | child
    raise AssertionError("no weight was updated")


def fetch_way() -> set[str]:
    from hnn_core.__main__ import main
    from tests.emulators.server import emulated
    from tests.emulators.small_world import small_world

    world = small_world(8)
    noaa = next(region.noaa[0] for region in world.regions if region.noaa)
    with emulated(world) as emulator:
        os.environ.update(emulator.environment)
        with entered() as files:
            assert main(["data", "fetch", "--noaa", str(noaa)]) == 0
    return {file for file in files if not file.startswith("hnn_core/simulation/")}


def import_seconds(package: str) -> float:
    code = f"import time; t = time.perf_counter(); import {package}; print(time.perf_counter() - t)"
    command = [sys.executable, "-c", code]
    runs = [subprocess.run(command, cwd=ROOT, capture_output=True, text=True) for _ in range(6)]
    return median(float(run.stdout) for run in runs[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ways = {"hour": hour_way, "train": train_way, "fetch": fetch_way}
    parser.add_argument("what", nargs="*", help="hour, train, fetch, import; all by default")
    parser.add_argument("--list", action="store_true", help="name the files")
    arguments = parser.parse_args()
    for name in arguments.what or [*ways, "import"]:
        if name == "import":
            for package in ("hnn_core", "analysis"):
                print(f"import {package}: {import_seconds(package):.3f} s")
            continue
        with TemporaryDirectory() as home, redirect_stdout(StringIO()):
            os.environ["HNN_HOME"] = home
            files = ways[name]()
        print(f"{name}: {len(files)} files (goal {GOALS[name]})")
        if arguments.list:
            print("".join(f"    {file}\n" for file in sorted(files)), end="")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

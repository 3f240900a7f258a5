"""The index of a large archive: plain astropy, one process, and one for each core.

The files have the header of a SHARP record, 206 cards, and few pixels, which an index does not
read. Each way begins without an index; the files are in the system's cache after the first.
"""

import argparse
import os
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from astropy.io import fits

from hnn_core.magnetogram.sharp import NEEDED
from hnn_core.simulation.render import simulate_region
from hnn_core.sources.folder_index import read_index
from hnn_core.sources.header_rows import cpu_count

GOAL = 1.7  # times one process, on two cores
CARDS = 206
T_REC = "2013.01.01_00:00:00_TAI"


def template() -> bytes:
    """Write a magnetogram as JSOC does, with as many cards as its records have."""
    (frame,) = simulate_region(1, hours=[0])
    header = frame.header.copy()
    header["T_REC"] = T_REC
    for other_time in ("T_OBS", "DATE-OBS"):  # of another day
        del header[other_time]
    for number in range(CARDS - len(header) - 20):
        header[f"EXTRA{number}"] = (number / 7, "[unit] a keyword of which nothing is read here")
    hdu = fits.CompImageHDU(np.round(frame.field[:64, :64] * 10).astype(np.int32), header)
    hdu.header["BSCALE"] = 0.1
    with tempfile.NamedTemporaryFile(suffix=".fits") as file:
        fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(file.name, overwrite=True)
        return Path(file.name).read_bytes()


def draw_archive(folder: Path, number: int) -> None:
    """Write hourly files of one region, in folders of 500."""
    raw = template()
    start = raw.index(T_REC.encode())
    for hour in range(number):
        time_ = datetime(2013, 1, 1) + timedelta(hours=hour)
        stamp = time_.strftime("%Y.%m.%d_%H:%M:%S_TAI").encode()
        path = folder / str(hour // 500) / f"{hour}.fits"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(raw[:start] + stamp + raw[start + len(stamp) :])


def plain_astropy(paths: list[Path]) -> float:
    """Look up the same keywords as a script of astropy does; return the seconds a file takes."""
    start = time.perf_counter()
    for path in paths:
        with fits.open(path) as hdus:
            header = hdus[1].header
            _ = [header.get(key) for key in NEEDED]
    return (time.perf_counter() - start) / len(paths)


def indexed(folder: Path, number: int, workers: int) -> tuple[float, float]:
    """Index a folder as if it were seen for the first time.

    Returns the seconds it takes, and those of the processor that this process, which works to the
    end, needs: on a machine that does nothing else the two are the same.
    """
    with tempfile.TemporaryDirectory() as home:
        os.environ["HNN_HOME"] = home
        start, busy = time.perf_counter(), time.process_time()
        rows = read_index(folder, workers=workers).rows
        taken = time.perf_counter() - start, time.process_time() - busy
    if sum(not row.problem for row in rows) != number:
        raise SystemExit(f"{number} files were written, and not all of them were read")
    return taken


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=3000)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    cores = cpu_count()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw_archive(folder, given.files)
        plain = plain_astropy(sorted(folder.rglob("*.fits"))[::10]) * given.files
        # In turn, so that other load meets them alike.
        times = [
            (indexed(folder, given.files, 1), indexed(folder, given.files, cores))
            for _ in range(given.repeats)
        ]
    one, several = (tuple(map(min, zip(*way, strict=True))) for way in zip(*times, strict=True))
    print(f"{given.files} files, {cores} cores, best of {given.repeats}\n")
    print("| way | seconds | processor s | ms a file | × one process |")
    print("|---|---|---|---|---|")
    each = 1e3 * plain / given.files
    print(f"| plain astropy, by every tenth file | {plain:.2f} | | {each:.2f} | |")
    for way, (taken, busy) in {"one process": one, f"{cores} processes": several}.items():
        print(
            f"| index, {way} | {taken:.2f} | {busy:.2f} | {1e3 * taken / given.files:.2f} "
            f"| {one[0] / taken:.2f} (processor {one[1] / busy:.2f}) |"
        )
    return int(cores > 1 and one[1] < GOAL * several[1])


if __name__ == "__main__":
    sys.exit(main())

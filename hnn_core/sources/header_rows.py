"""The headers of many files, each read once, by a process for each core.

Reading a header takes a millisecond or two, in Python. A helper is a plain process that knows
nothing of this one, so that neither threads are forked nor a user's script is run again; it imports
no more than it needs, for its start counts.
"""

import json
import math
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from hnn_core.exceptions import HnnError, MachineError
from hnn_core.magnetogram.conventions import tai_seconds
from hnn_core.magnetogram.fits import read_header
from hnn_core.magnetogram.sharp import (
    NEEDED,
    completed,
    is_bare,
    named_segments,
    sharp_keywords,
)
from hnn_core.magnetogram.vector import SEGMENTS

if TYPE_CHECKING:
    from hnn_core.sources.keyword_table import KeywordTables

__all__ = ["HeaderFile", "IndexRow", "Progress", "cpu_count", "index_row", "read_rows", "serve"]

Progress = Callable[[int, int], None]
"""Called with the files done and their number, in the thread of the caller."""

_CHUNK = 64
_MANY = 1000
"""Files to read from which on the start of helpers, a second or less, is worth it."""
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class IndexRow:
    """One file: what it was when indexed, and what its header holds."""

    path: str
    """Relative to the folder, with forward slashes; of an archive's file the archive's path and
    its own in it."""
    size: int
    mtime_ns: int
    problem: str = ""
    """Why the file cannot be used, empty if it can."""
    harp: int = 0
    noaa: tuple[int, ...] = ()
    t_rec: float = 0.0
    """unix_tai seconds."""
    quality: int = 0
    longitude: float | None = None
    """Degrees from the central meridian; None where the header has none."""
    latitude: float | None = None
    near_real_time: bool = False
    simulated: bool = False
    named: bool = False
    """Whether header or name state that it is the magnetogram."""
    summed: bool = False
    """Whether the header has a checksum."""
    pixels: int = 0
    bare: bool = False
    """Without keywords of its own: those of a table, if one has them, are read with it."""
    whole: bool = True
    """False for a file shorter than its header claims: its record is known, its pixels are not."""
    segment: str = "magnetogram"
    """Of the series; others than the magnetogram are those of the field vector."""
    passing: bool = False
    """Whether the problem is the machine's, or a permission: the file itself may be sound."""


@dataclass(frozen=True)
class HeaderFile:
    """A file whose header is to be read."""

    name: str
    path: Path
    size: int
    mtime_ns: int
    shown: str = ""
    """How messages call it."""


def cpu_count() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def read_rows(
    files: Sequence[HeaderFile],
    tables: "KeywordTables",
    progress: Progress | None,
    workers: int | None,
) -> Iterator[IndexRow]:
    """Yield the row of each file, in any order.

    Parameters
    ----------
    files : sequence of HeaderFile
    tables : KeywordTables
        For files without keywords of their own.
    progress : callable (done, total), optional
    workers : int, optional
        Processes, this one among them; one for each core by default. Few files are read by one.
    """
    helpers = min((workers or cpu_count()) - 1, 15) if len(files) >= _MANY else 0
    work = deque(files[at : at + _CHUNK] for at in range(0, len(files), _CHUNK))
    finished: deque[list[IndexRow]] = deque()
    done = 0

    def settle() -> Iterator[IndexRow]:
        nonlocal done
        while finished:
            rows = finished.popleft()
            done += len(rows)
            yield from rows
        if progress is not None:
            progress(done, len(files))

    by_name = {one.name: one for one in files}
    with _helpers(helpers, work, finished) as threads:
        while any(thread.is_alive() for thread in threads) or work:
            with suppress(IndexError):
                finished.append([_read_row(one) for one in work.popleft()])
            if not work and not finished:
                for thread in threads:
                    thread.join(0.05)
            for row in settle():
                if row.bare and len(tables):
                    row = _read_row(by_name[row.path], tables)
                if row.bare and row.problem and (broken := tables.broken()):
                    row = replace(row, problem=f"{row.problem} Of the tables there: {broken}")
                yield row
        yield from settle()


def serve() -> None:
    """Read headers for another process: a list of files a line in, their rows a line out."""
    for line in sys.stdin:
        files = [HeaderFile(name, Path(path), *state) for name, path, *state in json.loads(line)]
        sys.stdout.write(json.dumps([asdict(_read_row(one)) for one in files]) + "\n")
        sys.stdout.flush()


def _read_row(one: HeaderFile, tables: "KeywordTables | None" = None) -> IndexRow:
    row = IndexRow(one.name, one.size, one.mtime_ns)
    try:
        image = read_header(one.path, only=NEEDED)
        row = replace(row, bare=is_bare(image.keywords))
        cards = tables.cards(one.path) if tables and row.bare else None
        header = completed(image.keywords, cards)
        of_vector = named_segments(header, str(one.path)) & set(SEGMENTS)
        segment = of_vector.pop() if len(of_vector) == 1 else "magnetogram"
        keywords = sharp_keywords(header, str(one.path), segment)
    except HnnError as error:
        passing = isinstance(error, MachineError) or isinstance(error.__cause__, PermissionError)
        return replace(row, problem=str(error).replace(str(one.path), one.shown), passing=passing)
    if keywords.interpolated:
        problem = f"{one.shown} is a frame made by interpolation, not a record."
        return replace(row, problem=problem)
    longitude, latitude = (
        None if math.isnan(one) else one
        for one in (keywords.longitude.to_value("deg"), keywords.latitude.to_value("deg"))
    )
    return replace(
        row,
        harp=keywords.harp,
        noaa=keywords.noaa,
        t_rec=float(tai_seconds(keywords.t_rec)),
        quality=keywords.quality,
        longitude=longitude,
        latitude=latitude,
        near_real_time=keywords.near_real_time,
        simulated=keywords.simulated,
        named=keywords.named,
        summed=keywords.summed,
        pixels=image.shape[0] * image.shape[1],
        whole=image.whole,
        segment=segment,
    )


@contextmanager
def _helpers(
    number: int, work: deque[Sequence[HeaderFile]], finished: deque[list[IndexRow]]
) -> Iterator[list[threading.Thread]]:
    """Start processes, each with a thread that gives it work and takes its rows."""
    path = os.pathsep.join([str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    processes: list[subprocess.Popen[str]] = []

    def feed(process: subprocess.Popen[str]) -> None:
        orders, answers = cast(IO[str], process.stdin), cast(IO[str], process.stdout)
        while work:
            try:
                chunk = work.popleft()
            except IndexError:
                return
            try:
                listed = [[f.name, str(f.path), f.size, f.mtime_ns, f.shown] for f in chunk]
                orders.write(json.dumps(listed) + "\n")
                orders.flush()
                rows = [index_row(values) for values in json.loads(answers.readline())]
            except (OSError, ValueError):
                work.append(chunk)  # it died: this process does the rest
                return
            finished.append(rows)

    try:
        processes += [
            subprocess.Popen(
                [sys.executable, "-c", f"from {__name__} import serve; serve()"],
                env={**os.environ, "PYTHONPATH": path},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                encoding="utf-8",
            )
            for _ in range(number)
        ]
        threads = [threading.Thread(target=feed, args=(one,), daemon=True) for one in processes]
        for thread in threads:
            thread.start()
        yield threads
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def index_row(values: dict[str, Any]) -> IndexRow:
    """Make a row of its values as JSON gives them; KeyError or TypeError if they are not those."""
    return IndexRow(**{**values, "noaa": tuple(values["noaa"])})

"""Evolutions that were worked out once, kept on disk: the next process need not do it again.

They lie in ``simulated`` in the program's folder, or where HNN_SIMULATED says: one .npz file for
each region, named by a checksum of its parameters and of `VERSION`, so that a file of other physics
is never read. Its members have checksums of their own; a damaged file is made anew. That of the
region on which the program opens ships with it.

    python -m hnn_core.simulation.store

writes that file, which must be done after a change of the physics.
"""

import contextlib
import os
import threading
import zlib
from dataclasses import astuple, fields
from functools import lru_cache
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from hnn_core.exceptions import HnnError
from hnn_core.simulation.evolution import VERSION, Evolution, evolve
from hnn_core.simulation.population import Population, RegionParameters
from hnn_core.storage import entries, home, replacing

__all__ = ["MOST_BYTES", "SHIPPED", "evolution_of"]

SHIPPED = Path(__file__).resolve().parents[2] / "assets" / "simulated"
MOST_BYTES = 256_000_000
"""Kept in the program's folder; the files least recently used go first. A region has 4 MB."""

_DAMAGED = (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error, NotImplementedError)
_ONE_AT_A_TIME = threading.Lock()


def evolution_of(parameters: RegionParameters) -> Evolution:
    """Return how a region evolves: read if it was kept, else worked out (2 s) and kept.

    Where nothing can be kept, or what was kept is damaged, it is worked out all the same.
    Threads that want the same region wait for the first.
    """
    with _ONE_AT_A_TIME:
        return _evolution(parameters)


@lru_cache(maxsize=3)
def _evolution(parameters: RegionParameters) -> Evolution:
    name = _name(parameters)
    folder = Path(os.environ.get("HNN_SIMULATED") or home() / "simulated")
    for path in (SHIPPED / name, folder / name):
        if (kept := _read(path, parameters)) is not None:
            with contextlib.suppress(OSError):
                os.utime(path)
            return kept
    made = evolve(parameters)
    with contextlib.suppress(OSError, HnnError):
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / name, made)
        _make_room(folder)
    return made


def _name(parameters: RegionParameters) -> str:
    """Name a file; digits that differ from machine to machine are left out."""
    texts = [f"{one:.9g}" if isinstance(one, float) else str(one) for one in astuple(parameters)]
    known = zlib.crc32("|".join([VERSION, *texts]).encode())
    return f"sim-{parameters.seed}-{parameters.index}-{known:08x}.npz"


def _read(path: Path, parameters: RegionParameters) -> Evolution | None:
    if not path.is_file():
        return None
    try:
        # Each member's CRC is checked as it is read.
        with path.open("rb") as stream, np.load(stream) as file:
            kept = Evolution(**{field.name: file[field.name] for field in fields(Evolution)})
    except _DAMAGED:
        return None
    whole = kept.radial.dtype == np.int16 and kept.radial.shape[1:] == (
        parameters.rows,
        parameters.cols,
    )
    return kept if whole else None


def _write(path: Path, made: Evolution) -> None:
    with replacing(path, shared=True) as draft, draft.open("wb") as stream:
        np.savez_compressed(stream, **{one.name: getattr(made, one.name) for one in fields(made)})


def _make_room(folder: Path) -> None:
    """Remove the files used longest ago until the others fit."""
    found = []
    for path in entries(folder):
        with contextlib.suppress(OSError):
            found.append((path.stat().st_mtime_ns, path.stat().st_size, path))
    left = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if left <= MOST_BYTES:
            return
        with contextlib.suppress(OSError):
            path.unlink()
        left -= size


def _main() -> None:
    first = Population().region(1)
    for old in entries(SHIPPED):
        old.unlink()
    SHIPPED.mkdir(exist_ok=True)
    _write(SHIPPED / _name(first), evolve(first))


if __name__ == "__main__":
    _main()

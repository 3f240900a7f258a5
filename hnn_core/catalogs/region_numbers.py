"""Which HARP holds which NOAA region: many to many."""

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np

from hnn_core.catalogs.store import Catalog

__all__ = ["Numbers", "as_array", "harps_of", "noaas_of"]

Numbers: TypeAlias = int | Iterable[int]
"""One number or several."""


def harps_of(catalog: Catalog, noaa: Numbers) -> tuple[int, ...]:
    """Return the definitive HARPs that hold a NOAA region, ascending."""
    return _partners(catalog, "noaa", "harp", as_array(noaa))


def noaas_of(catalog: Catalog, harp: Numbers) -> tuple[int, ...]:
    """Return the NOAA regions that a definitive HARP holds, ascending."""
    return _partners(catalog, "harp", "noaa", as_array(harp))


def as_array(numbers: Numbers) -> np.ndarray:
    """Return one number or several as int64 (n,)."""
    given = [numbers] if isinstance(numbers, int | np.integer) else list(numbers)
    return np.array(given, np.int64)


def _partners(catalog: Catalog, given: str, sought: str, numbers: np.ndarray) -> tuple[int, ...]:
    table = catalog.harp_noaa
    found = table[sought].to_numpy()[np.isin(table[given].to_numpy(), numbers)]
    return tuple(int(number) for number in np.unique(found))

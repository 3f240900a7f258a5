"""Tables of flares: the program's own form, and the published one of flares and DONKI's CMEs."""

import csv
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

from astropy.time import Time

from hnn_core.exceptions import FlareTableError
from hnn_core.magnetogram.sharp import noaa_numbers
from hnn_core.regions.base import Association, Flare, SkippedFile
from hnn_core.regions.goes_classes import FluxScale, read_class

__all__ = ["FLARE_TABLE", "FlareRow", "flares_of", "load_flare_table", "read_flare_table"]

FLARE_TABLE = "flares.csv"

_OWN = {"goes_class", "peak_utc"}
_PUBLISHED = {
    "flare class": "goes_class",
    "peak time": "peak_utc",
    "active region number": "noaa",
    "harp number": "harp",
    "cme": "cme",
}
"""Columns of the published table and what they are called in the program's own."""
_CME_ID = re.compile(r"\d{4}-\d{2}-\d{2}T[\d:]+-CME-\d+")


@dataclass(frozen=True)
class FlareRow:
    """A flare and the numbers of the region it belongs to; 0 where one is not known."""

    flare: Flare
    noaa: int = 0
    harp: int = 0


def load_flare_table(path: Path) -> tuple[list[FlareRow], list[SkippedFile]]:
    """Read a CSV table of flares, in one of two formats that differ in their columns.

    - The program's own: ``noaa`` or ``harp`` (or both), ``goes_class`` such as ``X2.2``,
      ``peak_utc`` (ISO), ``association`` (eruptive, unlinked, confined, unknown or nothing)
      and, if one likes, ``scale`` (operational, the default, or science) and ``id``.
    - The published one (Liu et al. 2020): ``Flare Class``, ``Peak Time``,
      ``Active Region Number``, ``Harp Number`` and ``CME``, which is the id of the CME linked in
      DONKI, or ``No``: the flare is in DONKI with no CME linked.

    Parameters
    ----------
    path : Path

    Returns
    -------
    flares : list of FlareRow
        Ascending in peak time.
    skipped : list of SkippedFile
        Malformed rows, with line and reason.

    Raises
    ------
    FlareTableError
        The file cannot be read, or its columns are of neither format.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, skipinitialspace=True)
            columns = [str(name).strip().lower() for name in reader.fieldnames or ()]
            reader.fieldnames = columns
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FlareTableError(f"{path} is not a readable table: {error}.") from error
    published = set(columns) >= set(_PUBLISHED)
    if not published and not (set(columns) >= _OWN and {"noaa", "harp"} & set(columns)):
        raise FlareTableError(
            f"{path} is not a table of flares: its columns are {', '.join(columns) or 'none'}; it "
            "needs noaa or harp, goes_class, peak_utc and association."
        )
    flares, skipped = [], []
    for line, row in rows:
        cells = {key: str(value or "").strip() for key, value in row.items() if key is not None}
        try:
            flares.append(_flare_row(_from_published(cells) if published else cells))
        except ValueError as error:
            skipped.append(SkippedFile(path.name, f"{path.name} line {line}: {error}."))
    return sorted(flares, key=lambda row: float(row.flare.peak.unix)), skipped


def read_flare_table(path: Path) -> tuple[list[FlareRow], list[SkippedFile]]:
    """Read the optional table next to the files of a folder, as `load_flare_table` does.

    A file that is absent is an empty table; one that cannot be read is listed as skipped.
    """
    if not path.exists():
        return [], []
    try:
        return load_flare_table(path)
    except FlareTableError as error:
        return [], [SkippedFile(path.name, str(error))]


def flares_of(
    rows: Iterable[FlareRow], noaa: Iterable[int], harp: int, *, definitive: bool
) -> tuple[Flare, ...]:
    """Return the flares of one region, by its NOAA numbers or its HARP number.

    HARP numbers of the near-real-time series mean other regions than those of a table, so they
    only count where the region is `definitive`.
    """
    numbers = set(noaa)
    return tuple(
        row.flare
        for row in rows
        if row.noaa in numbers or (definitive and row.harp > 0 and row.harp == harp)
    )


def _from_published(cells: dict[str, str]) -> dict[str, str]:
    named = {own: cells[theirs] for theirs, own in _PUBLISHED.items()}
    cme = named.pop("cme")
    if cme.lower() == "no":
        return {**named, "association": "unlinked"}
    if cme and not _CME_ID.fullmatch(cme):
        raise ValueError(f"CME {cme!r} is neither an id of DONKI nor No")
    return {**named, "association": "eruptive" if cme else "unknown"}


def _flare_row(cells: dict[str, str]) -> FlareRow:
    cell = defaultdict(str, cells)
    noaa = noaa_numbers(cell["noaa"])
    harp = int(cell["harp"]) if cell["harp"].isdigit() else 0
    if len(noaa) != 1 and not harp:
        raise ValueError(f"neither noaa ({cell['noaa']!r}) nor harp ({cell['harp']!r}) is a number")
    goes_class = read_class(cell["goes_class"])
    if not goes_class:
        raise ValueError(f"goes_class {cell['goes_class']!r} is not a class such as X2.2")
    association = cell["association"].lower() or "unknown"
    if association not in get_args(Association):
        raise ValueError(
            f"association {cell['association']!r} is not eruptive, unlinked, confined or unknown"
        )
    scale = cell["scale"].lower() or "operational"
    if scale not in get_args(FluxScale):
        raise ValueError(f"scale {cell['scale']!r} is not operational or science")
    try:
        peak = Time(cell["peak_utc"].removesuffix("Z"), scale="utc")
    except ValueError as error:
        raise ValueError(f"peak_utc {cell['peak_utc']!r} is not an ISO time") from error
    flare = Flare(
        peak,
        goes_class,
        cast(Association, association),
        cast(FluxScale, scale),
        id=cell["id"],
    )
    return FlareRow(flare, noaa=noaa[0] if len(noaa) == 1 else 0, harp=harp)

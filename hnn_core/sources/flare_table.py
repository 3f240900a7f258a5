"""The optional table of flares beside the FITS files of a folder."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from astropy.time import Time

from hnn_core.noaa import noaa_numbers
from hnn_core.sources.base import Association, Flare, SkippedFile

__all__ = ["FLARE_TABLE", "FlareRow", "read_flare_table"]

FLARE_TABLE = "flares.csv"

_ASSOCIATIONS: dict[str, Association] = {
    "eruptive": "eruptive",
    "confined": "confined",
    "unknown": "unknown",
    "": "unknown",
}
_GOES_CLASS = re.compile(r"[ABCMX]\d{1,2}(\.\d+)?")


@dataclass(frozen=True)
class FlareRow:
    """A flare and the number of the region it belongs to; the other number is 0."""

    flare: Flare
    noaa: int = 0
    harp: int = 0


def read_flare_table(path: Path) -> tuple[list[FlareRow], list[SkippedFile]]:
    """Read a CSV table of flares.

    Columns: ``noaa`` or ``harp`` (or both, where ``noaa`` goes first), ``goes_class`` such as
    ``X2.2``, ``peak_utc`` (ISO), and ``association``: eruptive, confined, unknown or nothing.

    Parameters
    ----------
    path : Path
        A file that is absent is an empty table.

    Returns
    -------
    flares : list of FlareRow
        Ascending in peak time.
    skipped : list of SkippedFile
        Malformed rows, with line and reason.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream, skipinitialspace=True))
    except FileNotFoundError:
        return [], []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        return [], [SkippedFile(path.name, f"{path} is not a readable table: {error}.")]
    flares, skipped = [], []
    for line, row in enumerate(rows, start=2):
        try:
            flares.append(_flare_row({str(key).strip().lower(): row[key] for key in row}))
        except ValueError as error:
            skipped.append(SkippedFile(path.name, f"{path.name} line {line}: {error}."))
    return sorted(flares, key=lambda row: row.flare.peak.unix), skipped


def _flare_row(row: dict[str, str | None]) -> FlareRow:
    def cell(name: str) -> str:
        return str(row.get(name) or "").strip()

    noaa = noaa_numbers(cell("noaa"))
    harp = int(cell("harp")) if cell("harp").isdigit() else 0
    if len(noaa) != 1 and not harp:
        raise ValueError(f"neither noaa ({cell('noaa')!r}) nor harp ({cell('harp')!r}) is a number")
    goes_class = cell("goes_class").upper()
    if not _GOES_CLASS.fullmatch(goes_class):
        raise ValueError(f"goes_class {cell('goes_class')!r} is not a class such as X2.2")
    association = _ASSOCIATIONS.get(cell("association").lower())
    if association is None:
        raise ValueError(
            f"association {cell('association')!r} is not eruptive, confined or unknown"
        )
    try:
        peak = Time(cell("peak_utc").removesuffix("Z"), scale="utc")
    except ValueError as error:
        raise ValueError(f"peak_utc {cell('peak_utc')!r} is not an ISO time") from error
    flare = Flare(peak=peak, goes_class=goes_class, association=association)
    return FlareRow(flare, noaa=noaa[0]) if len(noaa) == 1 else FlareRow(flare, harp=harp)

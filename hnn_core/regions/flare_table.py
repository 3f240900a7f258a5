"""Tables of flares: the program's own form, and those that services and papers publish."""

import csv
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast, get_args

from astropy.time import Time

from hnn_core.exceptions import FlareTableError
from hnn_core.magnetogram.sharp import noaa_numbers
from hnn_core.regions.base import Association, Cme, Flare, FlareLookup, Region, SkippedFile
from hnn_core.regions.goes_classes import FluxScale, announced_scale, flux_of_class, read_class
from hnn_core.regions.joining import join_flares, with_well_known

__all__ = [
    "FLARE_TABLE",
    "FlareRow",
    "flares_of",
    "load_flare_table",
    "read_flare_table",
    "with_flares",
]

FLARE_TABLE = "flares.csv"

_KNOWN_AS = {
    "goes_class": ("flareclass", "class", "classtype", "flgoescls", "maxclass", "xrayclass"),
    "peak_utc": ("peaktime", "eventpeaktime", "maxtime", "peak", "time"),
    "noaa": (
        *("activeregionnumber", "activeregion", "activeregionnum", "noaaactiveregion", "noaaar"),
        *("arnoaanum", "noaanumber", "region", "reg#", "ar"),
    ),
    "harp": ("harpnumber", "harpnum", "hnum"),
    "cme": ("cmeid",),
    "association": (),
    "scale": (),
    "id": ("flareid", "flrid"),
}
"""The program's own columns, and what they are called by Liu et al. 2020, SolarFlareNet, SWAN-SF,
SWPC, NCEI, HEK and DONKI; without spaces, underscores and capitals."""
_SCIENCE = "xrsbirrad"
"""A column of NCEI's science reports, whose classes are of the true flux."""
_CME_ID = re.compile(r"\d{4}-\d{2}-\d{2}T[\d:]+-CME-\d+")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})[T _]?(\d{2}):?(\d{2})")
_DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class FlareRow:
    """A flare and the numbers of the region it belongs to; 0 where one is not known."""

    flare: Flare
    noaa: int = 0
    harp: int = 0


def load_flare_table(path: Path) -> tuple[list[FlareRow], list[SkippedFile]]:
    """Read a table of flares, whose columns are found by their names.

    - The program's own: ``noaa`` or ``harp`` (or both), ``goes_class`` such as ``X2.2``,
      ``peak_utc`` (ISO), ``association`` (eruptive, unlinked, confined, unknown or nothing)
      and, if one likes, ``scale`` (operational, the default, or science) and ``id``.
    - Liu et al. 2020: ``CME`` is the id of the CME linked in DONKI, or ``No``: the flare is in
      DONKI with no CME linked.
    - Those of SolarFlareNet, SWAN-SF, SWPC, NCEI, HEK and DONKI, which know of no CME; their
      classes are on the scale of their time, NCEI's on the science scale.

    Other columns are not read. Values are parted by commas, semicolons, tabs or bars.

    Parameters
    ----------
    path : Path

    Returns
    -------
    flares : list of FlareRow
        Ascending in peak.
    skipped : list of SkippedFile
        Malformed rows, each with its line and reason.

    Raises
    ------
    FlareTableError
        The file cannot be read, or has no columns for class, peak and region.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            first = stream.readline()
            stream.seek(0)
            delimiter = max(_DELIMITERS, key=first.count)
            reader = csv.DictReader(stream, skipinitialspace=True, delimiter=delimiter)
            given = [str(name).strip() for name in reader.fieldnames or ()]
            names = _names(given)
            reader.fieldnames = names
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FlareTableError(f"{path} is not a readable table: {error}.") from error
    if not (set(names) >= {"goes_class", "peak_utc"} and {"noaa", "harp"} & set(names)):
        raise FlareTableError(
            f"{path} is not a table of flares: its columns are {', '.join(given) or 'none'}; it "
            "needs a class (goes_class), a peak time (peak_utc) and a region (noaa or harp)."
        )
    own = {"goes_class", "peak_utc"} <= {name.lower() for name in given}
    flares, skipped = [], []
    for line, row in rows:
        cells = {key: str(value or "").strip() for key, value in row.items() if key is not None}
        if not any(cells.values()):
            continue
        try:
            found = _flare_row(cells)
            flares.append(found if own else _on_its_scale(found, science=_SCIENCE in names))
        except ValueError as error:
            skipped.append(SkippedFile(path.name, f"{path.name} line {line}: {error}.", line))
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
    """Return the flares of one region, by its NOAA numbers or its HARP number, each once.

    HARP numbers of the near-real-time series mean other regions than those of a table, so they
    only count where the region is `definitive`.
    """
    numbers = set(noaa)
    return join_flares(
        row.flare
        for row in rows
        if row.noaa in numbers or (definitive and row.harp > 0 and row.harp == harp)
    )


def with_flares(region: Region, rows: list[FlareRow], *, definitive: bool) -> Region:
    """Return a region of a folder with its flares of the table there, and the well-known ones.

    Parameters
    ----------
    region : Region
    rows : list of FlareRow
        Of the folder's `FLARE_TABLE`, ascending in peak; empty where there is none.
    definitive : bool
        As in `flares_of`.
    """
    if rows:
        flares = flares_of(rows, region.noaa, region.harp, definitive=definitive)
        smallest = min((row.flare for row in rows), key=lambda one: flux_of_class(one.goes_class))
        letter = smallest.goes_class[0]
        # A list of M and X flares is taken to hold all from M1.0 on, whatever the smallest one is.
        reach = FlareLookup(FLARE_TABLE, rows[0].flare.peak, rows[-1].flare.peak, f"{letter}1.0")
        named = tuple(replace(flare, source=FLARE_TABLE) for flare in flares)
        region = replace(region, flares=named, lookups=(reach,))
    return with_well_known(region)


def _names(given: list[str]) -> list[str]:
    """Name columns as the program does; of several that mean the same the best known one counts."""
    names = [re.sub(r"[\s_-]", "", text.lower()) for text in given]
    for own, aliases in _KNOWN_AS.items():
        for alias in (own.replace("_", ""), *aliases):
            if alias in names:
                names[names.index(alias)] = own
                break
    return names


def _on_its_scale(row: FlareRow, *, science: bool) -> FlareRow:
    flare = row.flare
    scale = "science" if science else announced_scale(flare.peak.to_datetime())
    return replace(row, flare=replace(flare, scale=scale))


def _association(cell: dict[str, str]) -> Association:
    """Read what is known of the CME: an association, or the id of a linked CME, or No."""
    cme = cell["cme"]
    if not cell["association"] and cme:
        if cme.lower() == "no":
            return "unlinked"
        if not _CME_ID.fullmatch(cme):
            raise ValueError(f"CME {cme!r} is neither an id of DONKI nor No")
        return "eruptive"
    association = cell["association"].lower() or "unknown"
    if association not in get_args(Association):
        raise ValueError(
            f"association {cell['association']!r} is not eruptive, unlinked, confined or unknown"
        )
    return cast(Association, association)


def _peak(text: str) -> Time:
    compact = _COMPACT.fullmatch(text)
    iso = "{}-{}-{}T{}:{}".format(*compact.groups()) if compact else text.removesuffix("Z")
    try:
        return Time(iso.replace("/", "-"), scale="utc")
    except ValueError as error:
        raise ValueError(f"the peak {text!r} is not an ISO time") from error


def _flare_row(cells: dict[str, str]) -> FlareRow:
    cell = defaultdict(str, cells)
    noaa = noaa_numbers(re.sub(r"\.0$", "", cell["noaa"]))
    harp = re.sub(r"\.0$", "", cell["harp"])
    number = int(harp) if harp.isdigit() else 0
    if len(noaa) != 1 and not number:
        raise ValueError(f"neither noaa ({cell['noaa']!r}) nor harp ({cell['harp']!r}) is a number")
    goes_class = read_class(cell["goes_class"])
    if not goes_class:
        raise ValueError(f"goes_class {cell['goes_class']!r} is not a class such as X2.2")
    association = _association(cell)
    scale = cell["scale"].lower() or "operational"
    if scale not in get_args(FluxScale):
        raise ValueError(f"scale {cell['scale']!r} is not operational or science")
    linked = [cell["cme"]] if association == "eruptive" and _CME_ID.fullmatch(cell["cme"]) else []
    flare = Flare(
        _peak(cell["peak_utc"]),
        goes_class,
        association,
        cast(FluxScale, scale),
        id=cell["id"],
        cmes=tuple(Cme(name, _peak(name.split("-CME-")[0])) for name in linked),
    )
    return FlareRow(flare, noaa=noaa[0] if len(noaa) == 1 else 0, harp=number)

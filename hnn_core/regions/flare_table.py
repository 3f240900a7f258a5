"""Tables of flares: the program's own form, and those that services and papers publish."""

import csv
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast, get_args

from astropy.time import Time

from hnn_core.exceptions import FlareTableError
from hnn_core.magnetogram.conventions import noaa_numbers
from hnn_core.regions.base import Association, Cme, Flare, FlareLookup, Region, SkippedFile
from hnn_core.regions.goes_classes import (
    FluxScale,
    announced_scale,
    flux_of_class,
    on_scale,
    read_class,
)
from hnn_core.regions.well_known import join_flares, with_well_known
from hnn_core.storage import typed_path, unreadable

__all__ = [
    "FLARE_TABLE",
    "FlareRow",
    "SkippedRow",
    "flares_of",
    "load_flare_table",
    "read_flare_table",
    "with_flares",
]

FLARE_TABLE = "flares.csv"

_KNOWN_AS = {
    "goes_class": ("flareclass", "class", "classtype", "flgoescls", "maxclass", "xrayclass"),
    "peak_utc": ("peaktime", "eventpeaktime", "maxtime", "peak", "time"),  # time: see _names
    "noaa": (
        *("activeregionnumber", "activeregion", "activeregionnum", "noaaactiveregion", "noaaar"),
        *("arnoaanum", "noaanumber", "region", "reg#", "ar"),
    ),
    "harp": ("harpnumber", "harpnum", "hnum"),
    "cme": ("cmeid",),
    "linked": ("linkedevents",),
    "association": (),
    "scale": (),
    "id": ("flareid", "flrid"),
}
"""The program's own columns, and what they are called by Liu et al. 2020, SolarFlareNet, SWAN-SF,
SWPC, NCEI, HEK and DONKI; without spaces, underscores and capitals."""
_SCIENCE = {"xrsbirrad", "xrsbflux"}
"""Columns of NCEI's science reports and summaries, whose classes are of the true flux."""
_STATUS = "status"
"""Column of NCEI's summaries: a flare has a row EVENT_START, one EVENT_PEAK and one EVENT_END."""
_STARTS = {"starttime", "begintime", "eventstarttime", "start", "begin"}
_CME_ID = re.compile(r"\d{4}-\d{2}-\d{2}T[\d:]+-CME-\d+")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})[T _]?(\d{2}):?(\d{2})", re.ASCII)
_ISO = re.compile(
    r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})[T _](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?"
    r"(?:Z|\+00:00)?",
    re.ASCII,
)
_DAY = re.compile(r"\d{4}[-/]?\d{1,2}[-/]?\d{1,2}", re.ASCII)
_FIRST = datetime(2010, 1, 1)
"""A flare before SDO is a slip of the pen; one must not make the table's span a century long."""
_DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class FlareRow:
    """A flare and the numbers of the region it belongs to; 0 where one is not known."""

    flare: Flare
    noaa: int = 0
    harp: int = 0


@dataclass(frozen=True)
class SkippedRow(SkippedFile):
    """A row that could not be read, and what of it could: it may be a flare of a region."""

    noaa: int = 0
    harp: int = 0
    """0 where a number is not known; without either the row may be of any region."""
    peak: Time | None = None
    flux: float = math.inf
    """Operational, W m-2; infinite where the class could not be read."""


def load_flare_table(path: Path) -> tuple[list[FlareRow], list[SkippedRow]]:
    """Read a table of flares, whose columns are found by their names.

    - The program's own: ``noaa`` or ``harp`` (or both), ``goes_class`` such as ``X2.2``,
      ``peak_utc`` (ISO), ``association`` (eruptive, unlinked, confined, unknown or nothing)
      and, if one likes, ``scale`` (operational or science) and ``id``.
    - Liu et al. 2020: ``CME`` is the id of the CME linked in DONKI, or ``No``: the flare is in
      DONKI with no CME linked.
    - Those of SolarFlareNet, SWAN-SF, SWPC, NCEI, HEK and DONKI. Of these only DONKI's
      ``linkedEvents`` knows of CMEs. NCEI's summaries have three rows a flare: the peak counts.

    Without ``scale`` a class is on the scale announced at its time, NCEI's on the science scale.
    A column ``time`` is the peak only next to one of the start. Other columns are not read.
    Values are parted by commas, semicolons, tabs or bars. Rows that are alike count once.

    Parameters
    ----------
    path : Path

    Returns
    -------
    flares : list of FlareRow
        Ascending in peak.
    skipped : list of SkippedRow
        Malformed rows, each with its line and reason; those with a peak without a time of day,
        before 2010 or in the future are among them.

    Raises
    ------
    FlareTableError
        The file cannot be read, or has no columns for class, peak and region.
    """
    path = typed_path(path)
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
        raise FlareTableError(f"{path} is not a readable table: {unreadable(error)}.") from error
    if not (set(names) >= {"goes_class", "peak_utc"} and {"noaa", "harp"} & set(names)):
        raise FlareTableError(
            f"{path} is not a table of flares: its columns are {', '.join(given) or 'none'}; it "
            "needs a class (goes_class), a peak time (peak_utc) and a region (noaa or harp)"
            f"{'; time alone may be the start' if 'time' in names else ''}."
        )
    science = bool(_SCIENCE & set(names))
    found: dict[tuple[Any, ...], None] = {}  # in order, each once
    skipped = []
    for line, row in rows:
        cells = {key: str(value or "").strip() for key, value in row.items() if key is not None}
        if not any(cells.values()) or cells.get(_STATUS, "") in ("EVENT_START", "EVENT_END"):
            continue
        cell = defaultdict(str, cells)
        try:
            found[_read_row(cell, science=science)] = None
        except ValueError as error:
            reason = f"{path.name} line {line}: {error}."
            skipped.append(_skipped_row(SkippedFile(path.name, reason, line), cell))
    read = sorted(found, key=lambda one: one[0])
    if not read:
        return [], skipped
    peaks = Time([one[0] for one in read], scale="utc")  # one by one they take a minute
    peaks.format = "isot"
    return [_flare_row(peak, *one) for peak, one in zip(peaks, read, strict=True)], skipped


def read_flare_table(path: Path) -> tuple[list[FlareRow], Sequence[SkippedFile]]:
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


def with_flares(
    region: Region, rows: list[FlareRow], skipped: Iterable[SkippedFile], *, definitive: bool
) -> Region:
    """Return a region of a folder with its flares of the table there, and the well-known ones.

    The table counts as looked up only for the regions that it names: it may list others alone.

    Parameters
    ----------
    region : Region
    rows : list of FlareRow
        Of the folder's `FLARE_TABLE`, ascending in peak; empty where there is none.
    skipped : iterable of SkippedFile
        Rows of the table that could not be read.
    definitive : bool
        As in `flares_of`.
    """
    flares = flares_of(rows, region.noaa, region.harp, definitive=definitive)
    if flares:
        smallest = min({row.flare.goes_class for row in rows}, key=flux_of_class)
        unread = tuple(
            (row.peak, row.flux)
            for row in skipped
            if isinstance(row, SkippedRow)
            and (
                not (row.noaa or row.harp)
                or row.noaa in region.noaa
                or (definitive and row.harp > 0 and row.harp == region.harp)
            )
        )
        # A list of M and X flares is taken to hold all from M1.0 on, whatever the smallest one is.
        first, last = rows[0].flare.peak, rows[-1].flare.peak
        reach = FlareLookup(FLARE_TABLE, first, last, f"{smallest[0]}1.0", unread)
        named = tuple(replace(flare, source=FLARE_TABLE) for flare in flares)
        region = replace(region, flares=named, lookups=(reach,))
    return with_well_known(region)


def _names(given: list[str]) -> list[str]:
    """Name columns as the program does; of several that mean the same the best known one counts."""
    names = [re.sub(r"[\s_-]", "", text.lower()) for text in given]
    timed = bool({*_STARTS, _STATUS} & set(names))  # else a column time may be the start
    for own, aliases in _KNOWN_AS.items():
        for alias in (own.replace("_", ""), *aliases):
            if alias in names and (alias != "time" or timed):
                names[names.index(alias)] = own
                break
    return names


def _association(cell: dict[str, str]) -> Association:
    """Read what is known of the CME: an association, or the id of a linked CME, or No."""
    cme = cell["cme"]
    if not cell["association"] and cme:
        if cme.lower() == "no":
            return "unlinked"
        if not _CME_ID.fullmatch(cme):
            raise ValueError(f"CME {cme!r} is neither an id of DONKI nor No")
        return "eruptive"
    linked = "eruptive" if _CME_ID.search(cell["linked"]) else "unknown"
    association = cell["association"].lower() or linked
    if association not in get_args(Association):
        raise ValueError(
            f"association {cell['association']!r} is not eruptive, unlinked, confined or unknown"
        )
    return cast(Association, association)


def _peak(text: str) -> datetime:
    match = _COMPACT.fullmatch(text) or _ISO.fullmatch(text)
    if match is None and _DAY.fullmatch(text):
        raise ValueError(f"the peak {text!r} has no time of day")
    try:
        peak = datetime(*(int(part) for part in match.groups(default="0")))  # type: ignore
    except (AttributeError, ValueError) as error:
        raise ValueError(f"the peak {text!r} is not an ISO time") from error
    if not _FIRST <= peak <= datetime.now(UTC).replace(tzinfo=None):
        raise ValueError(f"the peak {text!r} lies before 2010 or in the future")
    return peak


def _numbers(cell: dict[str, str]) -> tuple[int, int]:
    """Return the NOAA number and the HARP number of a row, 0 for one that it does not hold."""
    noaa = noaa_numbers(re.sub(r"\.0$", "", cell["noaa"]))
    harp = re.sub(r"\.0$", "", cell["harp"])
    return noaa[0] if len(noaa) == 1 else 0, int(harp) if re.fullmatch("[0-9]{1,6}", harp) else 0


def _read_row(cell: dict[str, str], *, science: bool) -> tuple[Any, ...]:
    """Return the values of a row, its peak first, as `_flare_row` takes them."""
    noaa, harp = _numbers(cell)
    if not (noaa or harp):
        raise ValueError(f"neither noaa ({cell['noaa']!r}) nor harp ({cell['harp']!r}) is a number")
    goes_class = read_class(cell["goes_class"])
    if not goes_class:
        raise ValueError(f"goes_class {cell['goes_class']!r} is not a class such as X2.2")
    association = _association(cell)
    peak = _peak(cell["peak_utc"])
    scale = cell["scale"].lower() or ("science" if science else announced_scale(peak))
    if scale not in get_args(FluxScale):
        raise ValueError(f"scale {cell['scale']!r} is not operational or science")
    linked = tuple(sorted(set(_CME_ID.findall(f"{cell['cme']} {cell['linked']}"))))
    for cme in linked:
        _peak(cme.split("-CME-")[0])
    return peak, noaa, harp, goes_class, association, scale, cell["id"], linked


def _flare_row(
    peak: Time,
    when: datetime,
    noaa: int,
    harp: int,
    goes_class: str,
    association: Association,
    scale: FluxScale,
    name: str,
    linked: tuple[str, ...],
) -> FlareRow:
    flare = Flare(
        peak,
        goes_class,
        association,
        scale,
        id=name or f"{when.isoformat()[:16]} {goes_class}",
        cmes=tuple(Cme(one, Time(one.split("-CME-")[0], scale="utc")) for one in linked)
        if association == "eruptive"
        else (),
    )
    return FlareRow(flare, noaa, harp)


def _skipped_row(skipped: SkippedFile, cell: dict[str, str]) -> SkippedRow:
    """Return what can be read of a row that cannot be read whole."""
    try:
        when = _peak(cell["peak_utc"])
    except ValueError:
        when = None
    goes_class = read_class(cell["goes_class"])
    # The flux is at most that of the operational scale, where the time does not name the scale.
    scale = announced_scale(when) if when else "operational"
    return SkippedRow(
        skipped.path,
        skipped.reason,
        skipped.row,
        *_numbers(cell),
        None if when is None else Time(when, scale="utc"),
        on_scale(flux_of_class(goes_class), scale, "operational") if goes_class else math.inf,
    )

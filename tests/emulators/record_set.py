"""JSOC's record sets: ``hmi.sharp_cea_720s[377][2011.02.13_05:00:00_TAI/50h@1h]{magnetogram}``."""

import operator
import re
from dataclasses import dataclass

from tests.emulators.times import SLOT_S, TIME, parse_time
from tests.emulators.world import World, WorldRegion

__all__ = ["Record", "RecordSetError", "segments", "select"]

_SET = re.compile(r"\s*([\w.]+)\s*((?:\[(?:\?.*?\?|[^\[\]]*)\]\s*)*)(?:\{([\w\s,.*]*)\})?\s*")
_BRACKET = re.compile(r"\[(\?.*?\?|[^\[\]]*)\]")
_SPAN = re.compile(
    rf"({TIME})(?:-({TIME})|/(\d+(?:\.\d+)?)([smhdw]))?(?:@(\d+(?:\.\d+)?)([smhdw]))?"
)
_CONDITION = re.compile(r"\(?\s*(\w+)\s*(<=|>=|!=|<>|=|<|>)\s*(-?[\d.]+)\s*\)?")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_COMPARE = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
    "<>": operator.ne,
}


class RecordSetError(Exception):
    """The words make no record set, or there is no such series."""


@dataclass(frozen=True)
class Record:
    """One record of a region."""

    region: WorldRegion
    slot: int

    @property
    def row(self) -> dict[str, str]:
        return self.region.row(self.slot)

    @property
    def name(self) -> str:
        return f"{self.region.series}[{self.region.harp}][{self.row['T_REC']}]"


def segments(ds: str) -> tuple[str, ...]:
    """Segments in braces at the end of the first record set."""
    found = re.search(r"\{([^}]*)\}", ds)
    return tuple(re.split(r"[\s,]+", found[1].strip())) if found else ()


def select(world: World, ds: str) -> list[Record]:
    """Records of one or several record sets, in the order of HARPNUM and T_REC.

    Raises
    ------
    RecordSetError
        As JSOC, which then answers with status 1.
    """
    records = []
    for one in re.split(r",(?![^\[]*\])(?![^{]*\})", ds):
        records += _select(world, one)
    return records


def _select(world: World, ds: str) -> list[Record]:
    match = _SET.fullmatch(ds)
    if match is None:
        raise RecordSetError(f"invalid record-set query {ds!r}")
    series, inside = match[1].lower(), _BRACKET.findall(match[2])
    if not series.startswith("hmi.sharp_cea_720s") or not series.removesuffix("_nrt").endswith("s"):
        raise RecordSetError(f"unable to open dataset: unknown series {match[1]!r}")
    where = [text.strip("? ") for text in inside if text.startswith("?")]
    keys = [text.strip() for text in inside if not text.startswith("?")]
    if len(keys) > 2:
        raise RecordSetError(f"too many prime-key filters in {ds!r}")
    harps, times = [*keys, "", ""][:2]
    regions = [r for r in world.by_series(series) if not harps or r.harp in _numbers(harps)]
    found = [Record(r, slot) for r in regions for slot in world.available(r)]
    if times in ("$", "^"):
        edge = (max if times == "$" else min)((r.slot for r in found), default=0)
        found = [r for r in found if r.slot == edge]
    elif times:
        wanted = [_slots(span) for span in times.split(",")]
        found = [r for r in found if any(r.slot in span for span in wanted)]
    for text in where:
        found = [r for r in found if _holds(text, r.row)]
    return found


def _numbers(text: str) -> set[int]:
    numbers: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:-(\d+))?\s*", part)
        if match is None:
            raise RecordSetError(f"invalid HARPNUM {part!r}")
        numbers |= set(range(int(match[1]), int(match[2] or match[1]) + 1))
    return numbers


def _slots(text: str) -> range:
    """Slots of ``t``, ``t1-t2`` (with its end) or ``t/50h`` (without), at a step after ``@``."""
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        raise RecordSetError(f"invalid T_REC {text!r}")
    start, end, length, unit, step, step_unit = match.groups()
    try:
        first = round(parse_time(start) / SLOT_S)
        last = round(parse_time(end) / SLOT_S) if end else first
    except (ValueError, TypeError) as error:
        raise RecordSetError(f"invalid T_REC {text!r}") from error
    if length:
        last = first + round(float(length) * _SECONDS[unit] / SLOT_S) - 1
    every = round(float(step) * _SECONDS[step_unit] / SLOT_S) if step else 1
    return range(first, last + 1, max(1, every))


def _holds(where: str, row: dict[str, str]) -> bool:
    """Whether conditions in SQL hold; QUALITY is signed there."""
    for part in re.split(r"\s+and\s+", where, flags=re.IGNORECASE):
        match = _CONDITION.fullmatch(part.strip())
        if match is None or match[1].upper() not in row:
            raise RecordSetError(f"invalid SQL {where!r}")
        text = row[match[1].upper()]
        try:
            value = float(int(text, 16)) if text.startswith("0x") else float(text)
        except ValueError:
            return False
        if match[1].upper() == "QUALITY" and value >= 2**31:
            value -= 2**32
        if not _COMPARE[match[2]](value, float(match[3])):
            return False
    return True

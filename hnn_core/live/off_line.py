"""What a fetch did not bring: named, and what is off line at JSOC listed in an e-mail to JSOC."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from hnn_core.exceptions import OffLineError, ServiceError
from hnn_core.jsoc.client import JSOC_HELP, OFF_LINE
from hnn_core.jsoc.fetch import Fetched
from hnn_core.jsoc.files import cache_home
from hnn_core.jsoc.keywords import SEGMENT, Series
from hnn_core.live.reporting import Reporter, counted
from hnn_core.regions.base import Region
from hnn_core.storage import write_atomically

__all__ = [
    "RegionFetched",
    "check_fetched",
    "note_instead",
    "nothing_came",
    "settle_off_line",
]

_A_LINE = 20
"""Records of one record set, so that each is short enough for JSOC's export form."""
_MOST_NAMED = 5


@dataclass(frozen=True)
class RegionFetched:
    """What a fetch of one region came to, and the region as it is here now."""

    series: Series
    harp: int
    fetched: Fetched
    region: Region | None
    """None where no magnetogram of it is here."""


def check_fetched(
    results: Sequence[RegionFetched], reporter: Reporter, *, allow_missing: bool
) -> None:
    """Raise where a fetch of some regions did not bring what it was to bring.

    Raises
    ------
    OffLineError
        Records are off line at JSOC, and nothing came or `allow_missing` is false.
    ServiceError
        Nothing at all came, nor was any of it here.
    """
    off_line = {one.harp: one.fetched.off_line for one in results}
    nothing = not any(one.fetched.new or one.fetched.present for one in results)
    series = results[0].series
    path = _letter_path(series, [one.harp for one in results])
    settle_off_line(series, off_line, path, reporter, nothing=nothing, allow_missing=allow_missing)
    if nothing:
        raise nothing_came(Counter(why for one in results for why in one.fetched.missing.values()))


def nothing_came(reasons: Counter[str]) -> ServiceError:
    """Make the error for hours of which none has a magnetogram, by the reasons why."""
    (why, _), more = reasons.most_common(1)[0], len(reasons) - 1
    others = f", and {counted(more, 'other reason')} named above" if more else ""
    return ServiceError(
        f"None of {counted(reasons.total(), 'hour')} could be fetched: {why}{others}."
    )


def settle_off_line(
    series: Series,
    off_line: Mapping[int, Mapping[str, float]],
    path: Path,
    reporter: Reporter,
    *,
    nothing: bool,
    allow_missing: bool,
) -> None:
    """Name the records that are off line and list them for JSOC.

    Parameters
    ----------
    series : Series
    off_line : mapping
        By HARP, `Fetched.off_line`.
    path : Path
        Of the list; that of an earlier try is removed where none is off line any more.
    reporter : Reporter
    nothing : bool
        Whether no hour at all is here, so that there is nothing to continue with.
    allow_missing : bool
        Only note them, unless `nothing` is here.

    Raises
    ------
    OffLineError
    """
    _keep_letter(path, series, {harp: [*hours.values()] for harp, hours in off_line.items()})
    named = [f"HARP {harp} {hour}" for harp, hours in off_line.items() for hour in hours]
    if not named:
        return
    more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
    have = "1 hour has" if len(named) == 1 else f"{len(named)} hours have"
    requested = "it" if len(named) == 1 else "them"
    words = (
        f"{have} no good record on line at JSOC now: {', '.join(named[:_MOST_NAMED])}{more}. "
        f"An e-mail to {JSOC_HELP} that requests {requested} is in {path}."
    )
    if nothing:
        raise OffLineError(
            f"{words} No hour is here, so there is nothing to continue with; run the same command "
            "again later."
        )
    if not allow_missing:
        raise OffLineError(
            f"{words} What is on line is fetched; run the same command again later, or with "
            "--allow-missing to do without."
        )
    reporter.note(words)


def note_instead(harp: int, fetched: Fetched, reporter: Reporter) -> None:
    """Note the hours for which another record was taken than the nearest good one."""
    for hour, t_rec in fetched.instead.items():
        reporter.note(
            f"HARP {harp} {hour}: the nearest good record is {OFF_LINE}; that of {t_rec} TAI is "
            "taken in its place."
        )


def _letter_path(series: Series, harps: Sequence[int]) -> Path:
    """Return where the list of a fetch is, or would be: in the cache, outside its series."""
    named = "-".join(map(str, harps[:_MOST_NAMED]))
    more = f"-and-{len(harps) - _MOST_NAMED}-more" if len(harps) > _MOST_NAMED else ""
    return cache_home() / f"off_line_{series.folder}_{named}{more}.txt"


def _keep_letter(path: Path, series: Series, off_line: Mapping[int, Sequence[float]]) -> None:
    """Write the list of records, T_REC by HARP; without any, remove that of an earlier try."""
    lines = list(_record_sets(series, off_line))
    if not lines:
        path.unlink(missing_ok=True)
        return
    count = sum(map(len, off_line.values()))
    what = "record is" if count == 1 else f"{count} records are"
    text = (
        f"To: {JSOC_HELP}\n"
        f"Subject: {count} off-line record{'' if count == 1 else 's'} of {series.name}\n\n"
        f"Dear JSOC team,\n\nthe segment {SEGMENT} of the following {what} off line "
        f"(NoDataDirectory) at {datetime.now(UTC):%Y-%m-%d %H:%M} UTC. Could you please bring "
        f"{'it' if count == 1 else 'them'} back on line?\n\n"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, (text + "\n".join(lines) + "\n\nThank you.\n").encode())


def _record_sets(series: Series, off_line: Mapping[int, Sequence[float]]) -> Iterator[str]:
    for harp, times in sorted(off_line.items()):
        ordered = sorted(times)
        for start in range(0, len(ordered), _A_LINE):
            yield f"{series.record_set(harp, ordered[start : start + _A_LINE])}{{{SEGMENT}}}"

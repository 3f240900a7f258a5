"""The pieces of time that services are asked for, and when one is asked for again."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from hnn_core.exceptions import RequestError

__all__ = ["SETTLED", "Span", "is_due", "months", "utc_now", "weeks", "years"]

SETTLED = timedelta(days=60)
"""A span that had ended this long before it was fetched is not asked for again."""

_MONDAY = date(2010, 1, 4)  # weeks are counted from here, so that every run cuts them alike


@dataclass(frozen=True)
class Span:
    """A piece of time with a name that is the same in every run."""

    key: str
    """``2011``, ``2011-02`` or, for a week, the Monday ``2011-02-14``; names the raw reply."""
    start: date
    end: date
    """The day after the last."""


def utc_now() -> datetime:
    """Return the time of day, UTC, without a zone, as the tables hold times."""
    return datetime.now(UTC).replace(tzinfo=None)


def years(start: date, end: date) -> list[Span]:
    """Return the calendar years that hold a day from `start` to `end`, both included."""
    return [
        Span(f"{year}", date(year, 1, 1), date(year + 1, 1, 1))
        for year in range(*_years(start, end))
    ]


def months(start: date, end: date) -> list[Span]:
    """Return the calendar months that hold a day from `start` to `end`, both included."""
    return list(_months(*_checked(start, end)))


def weeks(start: date, end: date) -> list[Span]:
    """Return the weeks, Monday to Sunday, that hold a day from `start` to `end`, both included."""
    start, end = _checked(start, end)
    first = start - timedelta(days=(start - _MONDAY).days % 7)
    n_weeks = max(0, (end - first).days // 7 + 1)
    mondays = [first + timedelta(days=7 * i) for i in range(n_weeks)]
    return [Span(f"{day}", day, day + timedelta(days=7)) for day in mondays]


def is_due(span: Span, fetched: datetime | None, *, again: bool) -> bool:
    """Tell whether a span is to be asked for.

    Parameters
    ----------
    span : Span
    fetched : datetime or None
        When it was last fetched, UTC; None if never.
    again : bool
        Ask in any case.
    """
    if again or fetched is None:
        return True
    return fetched < datetime.combine(span.end, datetime.min.time()) + SETTLED


def _checked(start: date, end: date) -> tuple[date, date]:
    """Cut a span at today: nothing is known of the future. Raises RequestError if reversed."""
    if end < start:
        raise RequestError(f"The span would end on {end}, before it begins on {start}.")
    return start, min(end, utc_now().date())


def _years(start: date, end: date) -> tuple[int, int]:
    start, end = _checked(start, end)
    return (start.year, end.year + 1) if start <= end else (0, 0)


def _months(start: date, end: date) -> Iterator[Span]:
    day = start.replace(day=1)
    while day <= end:
        following = (day + timedelta(days=32)).replace(day=1)
        yield Span(f"{day:%Y-%m}", day, following)
        day = following
